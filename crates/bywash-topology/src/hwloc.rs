//! The machine, an XML file or a synthetic description, as libhwloc sees it.
//!
//! The only file that knows hwlocality; none of its types leaves it. Facts it minds: the
//! crate's own file reader panics on a missing file, a `taskset` mask is invisible to hwloc,
//! and version 3 files are refused without a reason.

use std::fs;
use std::path::Path;

use hwlocality::Topology as Hwloc;
use hwlocality::object::TopologyObject;
use hwlocality::object::attributes::ObjectAttributes;
use hwlocality::object::distance::{Distances as Matrix, DistancesKind};
use hwlocality::object::types::ObjectType;
use hwlocality::topology::builder::TopologyBuilder;

use crate::distance::Distances;
use crate::error::Error;
use crate::model::{Backend, CoreKind, NodeId, PuId, Topology};
use crate::parts::{Parts, PuPart};
use crate::pu_set::{MAX_INDEX, PuSet};

impl Topology {
    /// Reads the running machine through libhwloc. The calling thread's affinity decides
    /// what is usable, as with [`Topology::detect`].
    ///
    /// # Errors
    /// [`Error::Hwloc`] when libhwloc fails or shows another machine (its environment
    /// variables can make it do so); [`Error::NoUsablePu`] when the affinity leaves nothing.
    pub fn from_hwloc() -> Result<Topology, Error> {
        let what = || "the running machine".to_owned();
        let hwloc = load(Hwloc::builder(), what)?;
        if !hwloc.is_this_system() {
            return Err(Error::Hwloc {
                what: what(),
                reason: "an HWLOC_ environment variable makes it show another; unset it".to_owned(),
            });
        }
        let mut topology = parts(&hwloc, Backend::Hwloc)?.assemble()?;
        topology.is_this_system = true;
        topology.cpu_quota = crate::cgroup::cpu_quota("/".as_ref());
        if let Some(mask) = crate::bind::allowed_to_thread() {
            topology.apply_affinity(Some(mask))?;
        }
        Ok(topology)
    }

    /// Reads a machine from an hwloc XML file of version 1 or 2.
    ///
    /// # Errors
    /// [`Error::Unreadable`] when the file cannot be read, [`Error::Hwloc`] when it is not
    /// hwloc XML, is broken, or is of a later version.
    pub fn from_hwloc_xml(path: impl AsRef<Path>) -> Result<Topology, Error> {
        let path = path.as_ref();
        let xml = fs::read_to_string(path).map_err(|error| Error::Unreadable {
            path: path.to_owned(),
            reason: error.to_string(),
        })?;
        let what = || path.display().to_string();
        let refused = |reason: &str| Error::Hwloc {
            what: what(),
            reason: reason.to_owned(),
        };
        crate::xml::check(&xml)
            .map_err(|reason| refused(&format!("it is broken XML, {reason}")))?;
        check_version(&xml).map_err(refused)?;
        let builder = Hwloc::builder().from_xml(&xml);
        let hwloc = load(builder.map_err(|_| refused("it is not hwloc XML"))?, what)?;
        parts(&hwloc, Backend::HwlocXml)?.assemble()
    }

    /// Reads a machine from hwloc's synthetic language, such as
    /// `"pack:2 [numa] l3:12 core:8 pu:2"`
    /// (<https://hwloc.readthedocs.io/en/stable/synthetic.html>).
    ///
    /// # Errors
    /// [`Error::Hwloc`] when libhwloc refuses the description.
    pub fn from_hwloc_synthetic(description: &str) -> Result<Topology, Error> {
        let what = || {
            let beginning: String = description.chars().take(60).collect();
            format!("the synthetic description \"{beginning}\"")
        };
        if is_beyond_reach(description) {
            return Err(Error::Hwloc {
                what: what(),
                reason: format!(
                    "it has more than {MOST_PUS} PUs, or more than {MOST_SIBLINGS} parts side \
                     by side; describe a smaller machine"
                ),
            });
        }
        let builder = Hwloc::builder().from_synthetic(description);
        let builder = builder.map_err(|_| Error::Hwloc {
            what: what(),
            reason: "it is malformed; an example is \"pack:2 [numa] l3:2 core:4 pu:2\"".to_owned(),
        })?;
        parts(&load(builder, what)?, Backend::HwlocSynthetic)?.assemble()
    }
}

/// The largest synthetic machine; real ones have a few thousand PUs.
const MOST_PUS: u64 = 1 << 16;

/// libhwloc compares each part with all its siblings: 8,192 in a row take it half a minute.
const MOST_SIBLINGS: u64 = 1 << 12;

/// Whether a synthetic description asks libhwloc for more room or time than there is.
fn is_beyond_reach(description: &str) -> bool {
    let parts = description
        .split([' ', '\t', '\n', '(', ')', '[', ']'])
        .filter(|text| !text.contains('='));
    let count = |part: &str| part.rsplit(':').next()?.parse::<u64>().ok();
    let counts: Vec<u64> = parts.filter_map(count).collect();
    let pus = counts.iter().fold(1, |product: u64, &count| {
        product.saturating_mul(count.max(1))
    });
    pus > MOST_PUS || counts.iter().any(|&count| count > MOST_SIBLINGS)
}

fn load(builder: TopologyBuilder, what: impl Fn() -> String) -> Result<Hwloc, Error> {
    builder.build().map_err(|error| Error::Hwloc {
        what: what(),
        reason: match error.errno {
            Some(errno) => std::io::Error::from_raw_os_error(errno.0).to_string(),
            None => "it gave no reason; the content may be broken".to_owned(),
        },
    })
}

/// Finds the file's version, so that a refusal can name it.
fn check_version(xml: &str) -> Result<(), &'static str> {
    let Some((_, element)) = xml.split_once("<topology") else {
        return Err("it is not hwloc XML: it has no <topology> element");
    };
    let (attributes, _) = element.split_once('>').unwrap_or((element, ""));
    let version = attributes
        .split_once("version=")
        .map_or("", |(_, rest)| rest);
    match version.trim_start_matches(['"', '\'']).chars().next() {
        // Version 1 files have no such attribute, or "1.0".
        None | Some('1') => Ok(()),
        Some('2') if xml.contains("\"NUMANode\"") => Ok(()),
        Some('2') => Err("it has no NUMA node, and version 2 files must have one"),
        Some(_) => Err(
            "its version is not supported: export it with lstopo of hwloc 2, \
                        or with --export-xml-flags v2",
        ),
    }
}

fn parts(hwloc: &Hwloc, backend: Backend) -> Result<Parts, Error> {
    let mut memories: Vec<&TopologyObject> =
        hwloc.objects_with_type(ObjectType::NUMANode).collect();
    memories.sort_by_key(|node| node.os_index());
    let position =
        |memory: &TopologyObject| memories.iter().position(|one| key(one) == key(memory));
    let packages: Vec<&TopologyObject> = hwloc.objects_with_type(ObjectType::Package).collect();

    let (kinds, kind_sets) = kinds(hwloc);
    let mut pus = Vec::new();
    for pu in hwloc.objects_with_type(ObjectType::PU) {
        let id = PuId(index(pu)?);
        let around = |kind| pu.first_ancestor_with_type(kind);
        let caches = pu
            .ancestors()
            .filter(|one| one.object_type().is_cpu_data_cache());
        pus.push(PuPart {
            id,
            core: key(around(ObjectType::Core).unwrap_or(pu)),
            l2: around(ObjectType::L2Cache).map(key),
            cache: caches.last().map(key),
            node: local_memory(pu, id).and_then(position),
            package: around(ObjectType::Package).map(|package| package.logical_index()),
            kind: kind_sets.iter().position(|set| set.contains(id)),
        });
    }

    let node = |node: &&TopologyObject| {
        let bytes = match node.attributes() {
            Some(ObjectAttributes::NUMANode(numa)) => numa.local_memory().map_or(0, u64::from),
            _ => 0,
        };
        Ok((NodeId(index(node)?), bytes))
    };
    Ok(Parts {
        backend,
        is_this_system: false,
        pus,
        packages: packages
            .iter()
            .enumerate()
            .map(|(position, package)| index(package).unwrap_or(position as u32))
            .collect(),
        nodes: memories.iter().map(node).collect::<Result<_, Error>>()?,
        l3_caches: hwloc.objects_with_type(ObjectType::L3Cache).count(),
        kinds,
        distances: distances(hwloc, &memories),
        present: pu_set(hwloc.complete_cpuset().iter_set()),
        online: PuSet::new(),
    })
}

/// The NUMA node nearest to a PU: the first memory below its nearest ancestor that has any.
/// Memory that is local to no CPU lies below the machine, and is nobody's.
fn local_memory(pu: &TopologyObject, id: PuId) -> Option<&TopologyObject> {
    let is_local = |memory: &&TopologyObject| {
        let pus = memory.cpuset();
        pus.is_some_and(|pus| pus.is_set(id.0 as usize))
    };
    let mut memory = pu
        .ancestors()
        .find_map(|around| around.memory_children().find(is_local))?;
    // A memory-side cache lies around the node it serves.
    while memory.object_type() != ObjectType::NUMANode {
        memory = memory.memory_children().next()?;
    }
    Some(memory)
}

/// The kinds of core, slowest first, and the PUs of each; no PUs where the ranking is unknown.
fn kinds(hwloc: &Hwloc) -> (Vec<CoreKind>, Vec<PuSet>) {
    let Ok(found) = hwloc.cpu_kinds() else {
        return (Vec::new(), Vec::new());
    };
    let mut found: Vec<_> = found.collect();
    found.sort_by_key(|kind| kind.efficiency);
    let is_ranked = found.len() == 1 || found.iter().all(|kind| kind.efficiency.is_some());
    let describe = |kind: &hwlocality::cpu::kind::CpuKind<'_>| {
        let word = |info: &hwlocality::info::TextualInfo| {
            let (name, value) = (
                info.name().to_string_lossy(),
                info.value().to_string_lossy(),
            );
            format!("{name}={value}")
        };
        CoreKind {
            description: kind.infos.iter().map(word).collect::<Vec<_>>().join(" "),
        }
    };
    let sets = found.iter().map(|kind| pu_set(kind.cpuset.iter_set()));
    let sets = if is_ranked {
        sets.collect()
    } else {
        Vec::new()
    };
    (found.iter().map(describe).collect(), sets)
}

/// The firmware's latency matrix between NUMA nodes, by position in `memories`.
fn distances(hwloc: &Hwloc, memories: &[&TopologyObject]) -> Distances {
    let Ok(matrices) = hwloc.distances_with_type(None, ObjectType::NUMANode) else {
        return Distances::unknown();
    };
    // Files of version 1, and of 2.0, give it no name.
    let is_slit = |matrix: &&Matrix<'_>| match matrix.name() {
        Some(name) => name == c"NUMALatency",
        None => matrix.kind().contains(DistancesKind::MEANS_LATENCY),
    };
    let Some(matrix) = matrices.iter().find(is_slit) else {
        return Distances::unknown();
    };
    let objects: Vec<_> = matrix.objects().map(|object| object.map(key)).collect();
    let row = |position: usize| {
        objects
            .iter()
            .position(|&o| o == Some(key(memories[position])))
    };
    Distances::from_fn(memories.len(), |from, to| match (row(from), row(to)) {
        (Some(from), Some(to)) => {
            let value = matrix.distances()[from * objects.len() + to];
            u32::try_from(value).unwrap_or(u32::MAX)
        }
        _ => 0,
    })
}

/// An object's identity within its topology.
fn key(object: &TopologyObject) -> usize {
    object.global_persistent_index() as usize
}

fn index(object: &TopologyObject) -> Result<u32, Error> {
    let index = object
        .os_index()
        .and_then(|index| u32::try_from(index).ok());
    index.filter(|&index| index <= MAX_INDEX).ok_or_else(|| {
        Error::InvalidMachine(format!(
            "an {} has no usable OS index",
            object.object_type()
        ))
    })
}

/// A bitmap may be infinite, so it is cut at the highest index there can be.
fn pu_set(bits: impl Iterator<Item = hwlocality::bitmap::BitmapIndex>) -> PuSet {
    let indices = bits
        .map(usize::from)
        .take_while(|&index| index <= MAX_INDEX as usize);
    indices.map(|index| PuId(index as u32)).collect()
}
