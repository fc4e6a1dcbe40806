//! `xtask shuttle`: whole-system scenarios under random schedules.

use crate::arguments::{Accepted, Arguments};
use crate::build::World;
use crate::failure::Failure;
use crate::parallel;
use crate::scenario;
use crate::steps::Steps;

pub(crate) fn run(given: &[String]) -> Result<(), Failure> {
    let accepted = Accepted {
        word: Some("SCENARIO"),
        ..Accepted::default()
    };
    let arguments = Arguments::parse("shuttle", given, accepted)?;
    let mut steps = Steps::default();
    add(&mut steps, arguments.word());
    steps.finish("shuttle")
}

/// The scenarios whose title contains `filter`.
pub(crate) fn add(steps: &mut Steps, filter: Option<&str>) {
    steps.check("shuttle", || {
        let mut scenarios = scenario::build(World::Shuttle, "shuttle")?;
        let all = scenarios.len();
        if let Some(filter) = filter {
            scenarios.retain(|scenario| scenario.title().contains(filter));
            if scenarios.is_empty() {
                return Err(format!(
                    "none of {all} scenarios has `{filter}` in its name"
                ));
            }
        }
        let mut red = Vec::new();
        let results = parallel::each(&scenarios, |scenario| scenario.run(None));
        for (scenario, result) in scenarios.iter().zip(results) {
            let title = scenario.title();
            match result {
                Ok(finished) if finished.succeeded() => println!("  {title}"),
                Ok(finished) => {
                    eprintln!("  {title} is not green:\n{}", finished.tail(40));
                    red.push(title);
                }
                Err(reason) => {
                    eprintln!("  {title}: {reason}");
                    red.push(title);
                }
            }
        }
        if red.is_empty() {
            Ok(format!("{} scenarios green", scenarios.len()))
        } else {
            Err(format!("not green: {}", red.join(", ")))
        }
    });
}
