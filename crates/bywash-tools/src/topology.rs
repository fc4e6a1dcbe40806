//! `topology`: shows a machine, each PU with its worker and tier, and a worker's victims.

use std::fmt::Write;
use std::path::PathBuf;

use bywash_topology::{Backend, Beyond, Limit, Placement, Plan, Topology, default_workers};

use crate::diagram::Diagram;
use crate::machine::{Source, placement};
use crate::{json, svg, terminal};

/// The options of `topology`.
#[derive(clap::Args)]
pub(crate) struct Options {
    #[command(flatten)]
    source: Source,

    /// The placement: none, linear, compact, avoid-smt, scatter, ccd-isolation,
    /// `numa-local[:N]`, performance-cores-first or tiered-spillover.
    #[arg(long, default_value = "tiered-spillover")]
    strategy: String,

    /// How many workers to place; as many as the placement has PUs unless given.
    #[arg(long)]
    workers: Option<usize>,

    /// What becomes of workers beyond the placement's PUs: error, truncate, wrap or unbound.
    #[arg(long, default_value = "truncate")]
    beyond: String,

    /// The fewest cores that make a tier of their own.
    #[arg(long, value_name = "CORES", default_value_t = Placement::DEFAULT_TIER_MINIMUM)]
    tier_minimum: usize,

    /// Lists this worker's victims, ring by ring.
    #[arg(long, value_name = "I")]
    worker: Option<usize>,

    /// Writes the picture to an SVG file as well.
    #[arg(long, value_name = "FILE")]
    svg: Option<PathBuf>,

    /// Prints one JSON object instead of the picture.
    #[arg(long)]
    json: bool,

    /// Colours: auto, always or never.
    #[arg(long, default_value = "auto")]
    color: String,
}

/// Everything there is to show.
pub(crate) struct View<'t> {
    pub(crate) machine: &'t Topology,
    pub(crate) placement: Placement,
    pub(crate) plan: &'t Plan,
    /// The worker whose victims are shown.
    pub(crate) worker: Option<usize>,
}

/// More workers than this cannot be drawn or listed sensibly, and cannot be started either.
const MOST_WORKERS: usize = 1 << 16;

/// The text to print.
pub(crate) fn run(options: &Options) -> Result<String, String> {
    let placement = placement(&options.strategy)?.tier_minimum(options.tier_minimum);
    let beyond = beyond(&options.beyond)?;
    let has_color = terminal::has_color(&options.color)?;
    let machine = options.source.load()?;
    let readable = |error: bywash_topology::Error| error.to_string();
    let workers = match options.workers {
        Some(workers) if workers > MOST_WORKERS => {
            return Err(format!(
                "--workers {workers} is above the limit of {MOST_WORKERS}"
            ));
        }
        Some(workers) => workers,
        None => placement.capacity(&machine).map_err(readable)?,
    };
    let plan = placement
        .plan(&machine, workers, beyond)
        .map_err(readable)?;
    if let Some(worker) = options.worker.filter(|&worker| worker >= plan.len()) {
        return Err(format!(
            "--worker {worker} does not exist: the plan has {} workers, numbered from 0",
            plan.len()
        ));
    }
    let view = View {
        machine: &machine,
        placement,
        plan: &plan,
        worker: options.worker,
    };
    if let Some(path) = &options.svg {
        std::fs::write(path, svg::draw(&view, &Diagram::of(&machine)))
            .map_err(|error| format!("cannot write {}: {error}", path.display()))?;
    }
    if options.json {
        return Ok(json::object(&view));
    }
    let mut text = heading(&view, &options.source.name());
    text.push_str(&terminal::draw(&view, &Diagram::of(&machine), has_color));
    text.push_str(&tiers(&view));
    text.push_str(&victims(&view));
    Ok(text)
}

fn beyond(name: &str) -> Result<Beyond, String> {
    match name {
        "error" => Ok(Beyond::Error),
        "truncate" => Ok(Beyond::Truncate),
        "wrap" => Ok(Beyond::Wrap),
        "unbound" => Ok(Beyond::Unbound),
        _ => Err(format!(
            "unknown --beyond \"{name}\": choose one of error, truncate, wrap, unbound"
        )),
    }
}

fn heading(view: &View<'_>, name: &str) -> String {
    let counts = view.machine.counts();
    let backend = match view.machine.backend() {
        Backend::Sysfs => "sysfs",
        Backend::Hwloc => "hwloc",
        Backend::HwlocXml => "hwloc XML",
        Backend::HwlocSynthetic => "hwloc synthetic",
        Backend::Flat => "flat",
        _ => "description",
    };
    let mut text = format!(
        "{name} ({backend}): {} packages, {} NUMA nodes, {} LLC groups, {} cores, {} PUs",
        counts.packages,
        counts.numa_nodes,
        view.machine.llcs().len(),
        counts.cores,
        counts.pus,
    );
    let usable = view.machine.usable_count();
    if usable < counts.pus {
        let _ = write!(text, ", {usable} usable");
    }
    let _ = writeln!(text, "\n{}: {} workers", view.placement, view.plan.len());
    if let Some(reason) = view.machine.fallback_reason() {
        let _ = writeln!(text, "not the first choice of source, because: {reason}");
    }
    if view.machine.is_this_system()
        && let Ok(default) = default_workers(view.machine, &view.placement)
    {
        let limit = match default.limited_by {
            Limit::Placement => "the placement",
            Limit::Affinity => "the affinity mask",
            Limit::CpuQuota => "the cgroup's CPU quota",
            Limit::ProcessLimit => "RLIMIT_NPROC",
            _ => "the system",
        };
        let _ = writeln!(
            text,
            "default: {} workers, limited by {limit}",
            default.count
        );
    }
    text
}

fn tiers(view: &View<'_>) -> String {
    let tiers = view.plan.tiers();
    let mut text = String::new();
    for tier in tiers.iter().filter(|_| tiers.len() > 1) {
        let (first, last) = (tier.workers.start, tier.workers.end - 1);
        let _ = writeln!(text, "tier {}: workers {first}-{last}", tier.number);
    }
    text
}

/// The victims of `--worker`, one line a ring.
fn victims(view: &View<'_>) -> String {
    let Some(thief) = view.worker else {
        return String::new();
    };
    let victims = view.plan.victims(thief);
    let mut text = format!("victims of worker {thief}, nearest first:\n");
    for ring in victims.chunk_by(|a, b| (a.level, a.slit) == (b.level, b.slit)) {
        let (level, slit) = (ring[0].level, ring[0].slit);
        let workers: Vec<String> = ring
            .iter()
            .map(|victim| victim.worker.to_string())
            .collect();
        let name = level_name(level);
        let _ = writeln!(
            text,
            "  {} {name}, distance {slit}: {}",
            level.number(),
            workers.join(" ")
        );
    }
    text
}

/// What two PUs of a level share.
pub(crate) fn level_name(level: bywash_topology::Level) -> &'static str {
    use bywash_topology::Level;
    match level {
        Level::Core => "same core",
        Level::Llc => "same LLC",
        Level::Node => "same node",
        Level::Package => "same package",
        Level::NodeAcrossPackages => "same node, other package",
        Level::Remote => "remote",
    }
}
