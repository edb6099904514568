//! `ecqx-cluster`: the local cluster on the command line.

mod arguments;
mod background;

use std::process::ExitCode;

use anyhow::Result;
use arguments::{Arguments, Load, Run, Verb};
use clap::Parser;
use ecqx_tests::local::{self, images};

fn main() -> ExitCode {
    let result = match Arguments::parse().verb {
        Verb::Up(up) => background::up(&up),
        Verb::Down(place) => background::down(&place),
        Verb::Status(place) => background::status(&place),
        Verb::Load(load) => load_images(&load),
        Verb::Run(run) => run_here(run),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("ecqx-cluster: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run_here(run: Run) -> Result<()> {
    if run.detached {
        // Fails only for one that leads a group already, and then it has left.
        let _ = nix::unistd::setsid();
    }
    local::run(&run.into())
}

fn load_images(load: &Load) -> Result<()> {
    let ready = background::running(&load.place)?;
    for archive in &load.archives {
        let told = if images::load(&ready, archive)? { "loaded" } else { "is there already:" };
        eprintln!("{told} {}", archive.display());
    }
    Ok(())
}
