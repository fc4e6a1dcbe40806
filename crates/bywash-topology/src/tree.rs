//! Nested sets of PUs, and the order in which walking them meets the PUs.

use crate::model::PuId;
use crate::pu_set::PuSet;

/// Sets of which any two are nested or apart. Walking it, the set with the lowest PU first at
/// each level, gives the logical order: neighbours in it are neighbours in hardware.
pub(crate) struct SetTree {
    /// The first is the root, which holds every PU.
    knots: Vec<Knot>,
}

struct Knot {
    set: PuSet,
    children: Vec<usize>,
}

impl SetTree {
    /// A tree of the root alone.
    pub(crate) fn new(all: PuSet) -> SetTree {
        let root = Knot {
            set: all,
            children: Vec::new(),
        };
        SetTree { knots: vec![root] }
    }

    /// Inserts a set, unless it is empty, known, or cuts through one that is there already.
    /// Says whether it is in the tree now.
    pub(crate) fn insert(&mut self, set: &PuSet) -> bool {
        let set = set.intersection(&self.knots[0].set);
        if set.is_empty() {
            return false;
        }
        let mut parent = 0;
        loop {
            if self.knots[parent].set == set {
                return true;
            }
            let children = &self.knots[parent].children;
            let holds = |&&child: &&usize| set.is_subset(&self.knots[child].set);
            match children.iter().find(holds) {
                Some(&child) => parent = child,
                None => break,
            }
        }
        let (inside, outside): (Vec<usize>, Vec<usize>) = self.knots[parent]
            .children
            .iter()
            .partition(|&&child| self.knots[child].set.is_subset(&set));
        if outside
            .iter()
            .any(|&child| self.knots[child].set.intersects(&set))
        {
            return false;
        }
        self.knots.push(Knot {
            set,
            children: inside,
        });
        self.knots[parent].children = outside;
        let new = self.knots.len() - 1;
        self.knots[parent].children.push(new);
        true
    }

    /// The PUs in logical order.
    pub(crate) fn order(&self) -> Vec<PuId> {
        let mut order = Vec::new();
        self.walk(0, &mut order);
        order
    }

    fn walk(&self, knot: usize, order: &mut Vec<PuId>) {
        let Knot { set, children } = &self.knots[knot];
        let mut lone = set.clone();
        for &child in children {
            lone = lone.difference(&self.knots[child].set);
        }
        let children = children
            .iter()
            .map(|&child| (self.knots[child].set.lowest(), Some(child)));
        let mut steps: Vec<_> = lone
            .iter()
            .map(|pu| (Some(pu), None))
            .chain(children)
            .collect();
        steps.sort_unstable();
        for (lowest, child) in steps {
            match child {
                Some(child) => self.walk(child, order),
                None => order.extend(lowest),
            }
        }
    }
}
