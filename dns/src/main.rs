//! `ecqx-dns`: reads the arguments, starts the log, runs the server. `ecqx-dns key` makes keys instead.

use clap::Parser;
use ecqx_dns::{args::Args, dnssec::manage::Manage, run::run};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    if std::env::args_os().nth(1).is_some_and(|word| word == "key") {
        return Ok(Manage::parse_from(std::env::args_os().skip(1)).run()?);
    }
    let args = Args::parse();
    ecqx_process::start_logs();
    Ok(run(args).await?)
}
