//! `simulate`: a workload on a machine one may not have, for one strategy or all.

use bywash_topology::{Beyond, Placement};

use crate::machine::{Source, placement};
use crate::report::{Row, table};
use crate::simulation::Simulation;
use crate::workload::Workload;

/// The options of `simulate`.
#[derive(clap::Args)]
pub(crate) struct Options {
    #[command(flatten)]
    source: Source,

    /// What is run: skynet, frame or loop.
    #[arg(long)]
    workload: String,

    /// How many workers; as many as there are usable PUs unless given. A strategy that has
    /// fewer PUs gets fewer.
    #[arg(long)]
    workers: Option<usize>,

    /// One strategy by its name, or all.
    #[arg(long, default_value = "all")]
    strategy: String,
}

/// The model is quadratic in the workers.
const MOST_WORKERS: usize = 4096;

/// The text to print.
pub(crate) fn run(options: &Options) -> Result<String, String> {
    let workload = Workload::parse(&options.workload)?;
    let placements = match options.strategy.as_str() {
        "all" => Placement::all().to_vec(),
        name => vec![placement(name)?],
    };
    let machine = options.source.load()?;
    let workers = options.workers.unwrap_or_else(|| machine.usable_count());
    if !(1..=MOST_WORKERS).contains(&workers) {
        return Err(format!(
            "{workers} workers cannot be modelled: ask for 1 to {MOST_WORKERS}"
        ));
    }
    let mut rows = Vec::new();
    for placement in placements {
        let plan = placement.plan(&machine, workers, Beyond::Truncate);
        let plan = plan.map_err(|error| error.to_string())?;
        rows.push(Row {
            placement,
            workers: plan.len(),
            outcome: Simulation::run(&machine, &plan, workload),
        });
    }
    Ok(table(&options.source.name(), workload, &rows))
}
