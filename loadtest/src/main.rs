//! The program `fentan-loadtest`: command line in, exit code out. The work is in the library.

#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a test that cannot go on should stop"))]

mod cli;
mod run;

use std::process::ExitCode;

use clap::Parser;
use cli::{Cli, Command};
use fentan_loadtest::scenario::{SHIPPED, Scenario, shipped_names};

fn main() -> ExitCode {
    let done = match Cli::parse().command {
        Command::Run(args) => run::run(&args),
        Command::Verify(args) => run::verify(&args),
        Command::Scenario { name: Some(name) } => print_scenario(&name),
        Command::Scenario { name: None } => list_scenarios(),
    };
    match done {
        Ok(code) => code,
        Err(error) => {
            eprintln!("fentan-loadtest: {:#}", error.source);
            ExitCode::from(error.code)
        }
    }
}

fn print_scenario(name: &str) -> Result<ExitCode, run::Failure> {
    match SHIPPED.iter().find(|(shipped, _)| *shipped == name) {
        Some((_, text)) => {
            print!("{text}");
            Ok(ExitCode::SUCCESS)
        }
        None => Err(run::Failure::usage(anyhow::anyhow!(
            "no shipped scenario is called {name}; there are {}",
            shipped_names()
        ))),
    }
}

fn list_scenarios() -> Result<ExitCode, run::Failure> {
    for (name, text) in SHIPPED {
        let scenario = Scenario::parse(name, text).map_err(run::Failure::usage)?;
        println!("{name:<16} {}", scenario.about);
    }
    Ok(ExitCode::SUCCESS)
}
