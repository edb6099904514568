//! The PBX pod's entry point: as PID 1 it only reaps and forwards signals, its child does the work. Starts I/O.

use std::process::ExitCode;

use anyhow::Context;
use clap::Parser;
use pbx_agent::{args::Args, init, mail, worker};

fn main() -> anyhow::Result<ExitCode> {
    if std::env::args().nth(1).as_deref() == Some(mail::COMMAND) {
        mail::run().context("the mail was not delivered")?;
        return Ok(ExitCode::SUCCESS);
    }
    if init::is_needed() {
        return init::run().context("cannot run as PID 1");
    }
    init::unblock_signals().context("cannot unblock the signals that PID 1 holds back")?;
    let args = Args::parse();
    ecqx_process::start_logs();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .context("cannot start the async runtime")?;
    let code = runtime.block_on(worker::run(args)).context("the agent stopped")?;
    Ok(ExitCode::from(code))
}
