//! Writes into the program what only the build knows: compiler, target, CPU baseline, commit.

use std::env;
use std::process::Command;

fn main() {
    let compiler = first_line(Command::new(variable("RUSTC")).arg("--version"));
    let commit = first_line(Command::new("git").args(["rev-parse", "--short=12", "HEAD"]));
    println!("cargo::rustc-env=BYWASH_TARGET={}", variable("TARGET"));
    println!(
        "cargo::rustc-env=BYWASH_BASELINE={}",
        variable("CARGO_CFG_TARGET_FEATURE")
    );
    println!(
        "cargo::rustc-env=BYWASH_COMPILER={}",
        compiler.unwrap_or_else(|| "unknown".to_owned())
    );
    println!(
        "cargo::rustc-env=BYWASH_COMMIT={}",
        commit.unwrap_or_else(|| "unknown".to_owned())
    );
    println!("cargo::rerun-if-changed=build.rs");
}

fn variable(name: &str) -> String {
    env::var(name).unwrap_or_default()
}

fn first_line(command: &mut Command) -> Option<String> {
    let output = command.output().ok().filter(|out| out.status.success())?;
    let text = String::from_utf8(output.stdout).ok()?;
    text.lines().next().map(str::to_owned)
}
