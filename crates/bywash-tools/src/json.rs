//! The machine and the plan as one JSON object.

use std::fmt::Write;

use crate::topology::View;

/// The object, on one line.
pub(crate) fn object(view: &View<'_>) -> String {
    let counts = view.machine.counts();
    let numbers = [
        ("packages", counts.packages),
        ("numa_nodes", counts.numa_nodes),
        ("l3_groups", counts.l3_groups),
        ("cores", counts.cores),
        ("pus", counts.pus),
        ("max_smt", counts.max_smt),
        ("cpu_kinds", counts.cpu_kinds),
    ];
    let mut text = String::from("{");
    for (name, value) in numbers {
        let _ = write!(text, "\"{name}\":{value},");
    }
    let workers = view.plan.workers();
    // An unbound worker has no OS index.
    let pus = workers
        .iter()
        .map(|w| w.pu.map_or("null".to_owned(), |pu| pu.0.to_string()));
    let tiers = workers.iter().map(|w| w.tier.to_string());
    let victims = view
        .worker
        .map(|worker| view.plan.victims(worker))
        .unwrap_or_default();
    let victims = victims
        .iter()
        .map(|v| format!("[{},{}]", v.worker, v.level.number()));
    let _ = write!(
        text,
        "\"placement\":[{}],\"tiers\":[{}],\"victims\":[{}]}}",
        pus.collect::<Vec<_>>().join(","),
        tiers.collect::<Vec<_>>().join(","),
        victims.collect::<Vec<_>>().join(","),
    );
    text.push('\n');
    text
}
