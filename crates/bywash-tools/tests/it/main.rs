//! The programs as a user meets them: their output, their one-line mistakes, their exit codes.

use std::process::{Command, Output};

#[cfg(feature = "hwloc")]
mod real_machines;

/// Runs `bywash-tools` with these arguments.
fn tools(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_bywash-tools"))
        .args(arguments)
        .output()
        .unwrap()
}

/// Its output, when all went well.
fn answer(arguments: &[&str]) -> String {
    let output = tools(arguments);
    let mistakes = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?}: {mistakes}");
    String::from_utf8(output.stdout).unwrap()
}

/// The line it refuses with.
fn refusal(arguments: &[&str]) -> String {
    let output = tools(arguments);
    let mistakes = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{arguments:?}: {mistakes}");
    assert_eq!(mistakes.lines().count(), 1, "{arguments:?}: {mistakes}");
    assert!(output.stdout.is_empty(), "{arguments:?}");
    mistakes
}

#[test]
fn bad_input_is_one_line_and_exit_code_2() {
    assert!(refusal(&["topology", "--strategy", "closest"]).contains("ccd-isolation"));
    assert!(refusal(&["topology", "--worker", "100000"]).contains("100000"));
    assert!(refusal(&["topology", "--workers", "many"]).contains("many"));
    assert!(refusal(&["topology", "--beyond", "crash"]).contains("truncate"));
    assert!(refusal(&["topology", "--strategy", "numa-local:77"]).contains("77"));
    assert!(refusal(&["topology", "--sysfs", "no/such/folder"]).contains("no/such/folder"));
    assert!(refusal(&["topology", "--svg", "no/such/folder/machine.svg"]).contains("machine.svg"));
    assert!(refusal(&["simulate"]).contains("--workload"));
    assert!(refusal(&["simulate", "--workload", "sleep"]).contains("skynet"));
    assert!(refusal(&["simulate", "--workload", "loop", "--workers", "0"]).contains("1 to"));
    refusal(&["topologie"]);
    refusal(&[]);
}

#[test]
#[cfg(not(feature = "hwloc"))]
fn without_libhwloc_files_and_descriptions_say_what_to_install() {
    assert!(refusal(&["topology", "--xml", "machine.xml"]).contains("libhwloc-dev"));
    assert!(
        refusal(&["simulate", "--workload", "loop", "--synthetic", "pu:2"])
            .contains("libhwloc-dev")
    );
}

#[test]
fn the_running_machine_is_drawn_with_every_worker() {
    let picture = answer(&["topology", "--strategy", "compact", "--worker", "0"]);
    assert!(
        picture.contains("┌machine") && picture.contains("w0"),
        "{picture}"
    );
    assert!(picture.contains("victims of worker 0"), "{picture}");
    assert!(!picture.contains('\x1b'), "a pipe gets no colours");
    assert!(answer(&["topology", "--color", "always"]).contains('\x1b'));
}

#[test]
fn the_json_object_has_the_agreed_keys_in_order() {
    let object = answer(&[
        "topology",
        "--json",
        "--strategy",
        "linear",
        "--workers",
        "1",
        "--worker",
        "0",
    ]);
    let keys = [
        "packages",
        "numa_nodes",
        "l3_groups",
        "cores",
        "pus",
        "max_smt",
        "cpu_kinds",
        "placement",
        "tiers",
        "victims",
    ];
    let places: Vec<usize> = keys
        .iter()
        .map(|key| {
            object
                .find(&format!("\"{key}\":"))
                .unwrap_or_else(|| panic!("{key}: {object}"))
        })
        .collect();
    assert!(places.is_sorted());
    assert!(object.contains("\"tiers\":[1],\"victims\":[]}"), "{object}");
    assert_eq!(object.lines().count(), 1);
}

#[test]
fn the_svg_has_a_box_for_every_pu() {
    let path = std::env::temp_dir().join(format!("bywash-{}.svg", std::process::id()));
    answer(&["topology", "--worker", "0", "--svg", path.to_str().unwrap()]);
    let svg = std::fs::read_to_string(&path).unwrap();
    std::fs::remove_file(&path).unwrap();
    let object = answer(&["topology", "--json"]);
    let (_, pus) = object.split_once("\"pus\":").unwrap();
    let pus: usize = pus.split_once(',').unwrap().0.parse().unwrap();
    assert!(svg.starts_with("<svg") && svg.ends_with("</svg>\n"));
    assert_eq!(svg.matches(">PU ").count(), pus);
    assert_eq!(svg.matches("<rect").count(), svg.matches("/>").count());
}

#[test]
fn every_table_of_the_model_says_that_it_is_one_and_runs_alike_twice() {
    let run = || {
        answer(&[
            "simulate",
            "--workload",
            "frame",
            "--strategy",
            "all",
            "--workers",
            "2",
        ])
    };
    let tables = run();
    assert_eq!(
        tables.matches("model, not measurement").count(),
        3,
        "{tables}"
    );
    for name in ["none", "linear", "ccd-isolation", "tiered-spillover"] {
        assert!(tables.matches(name).count() >= 3, "{name}: {tables}");
    }
    assert_eq!(tables, run());
}
