//! Benchmarks of the operator against a real API server, as ratios within one run: the machine's speed cancels out.
//! I/O: a control plane of its own, the operator's release build.

mod bare;
mod subject;

use std::time::Duration;

use anyhow::Result;
use bare::By;
use clap::Parser;
use ecqx_tests::{ControlPlane, kinds};
use subject::Subject;

/// How fast the operator writes beside a bare client that creates the same objects, and what a restart costs.
#[derive(Debug, Parser)]
#[command(version)]
struct Args {
    /// How many instances.
    #[arg(long, default_value_t = 200)]
    instances: usize,
}

#[tokio::main]
async fn main() -> Result<()> {
    let args = Args::parse();
    let control_plane = ControlPlane::start().await?;
    kinds::install(&control_plane.client()).await?;
    let subject = Subject::prepare(&control_plane, args.instances).await?;

    eprintln!("{} instances wait; starting the operator", args.instances);
    let first = subject.run_until_all_are_reported().await?;
    println!("API writes per new instance: {:.1} (target: at most 8)", per(first.phase.writes, args.instances));
    for (what, writes) in &first.by_kind {
        println!("  {what}: {:.2}", per(*writes, args.instances));
    }
    let client = control_plane.client();
    let created = bare::write_the_same(&client, args.instances, By::Create).await?.writes_a_second();
    let applied = bare::write_the_same(&client, args.instances, By::Apply).await?.writes_a_second();
    let operator = first.phase.writes_a_second();
    println!(
        "write rate: operator {operator:.0}/s, bare client {created:.0}/s, ratio {:.2} (target: at least 0.8); one that applies as the operator does {applied:.0}/s, ratio {:.2}",
        operator / created,
        operator / applied
    );

    let list = bare::list_everything(&control_plane.client()).await?;
    let again = subject.run_until_ready().await?;
    println!(
        "restart over {} settled instances: {} writes (target: 0), ready after {:.2} s, {:.1} times a bare list of the same",
        args.instances,
        again.writes,
        again.took.as_secs_f64(),
        again.took.as_secs_f64() / list.as_secs_f64()
    );
    control_plane.stop().await
}

#[allow(clippy::cast_precision_loss)] // counts of a benchmark
fn per(writes: usize, instances: usize) -> f64 {
    writes as f64 / instances as f64
}

/// What a phase came to.
struct Phase {
    writes: usize,
    took: Duration,
}

impl Phase {
    #[allow(clippy::cast_precision_loss)] // counts of a benchmark
    fn writes_a_second(&self) -> f64 {
        self.writes as f64 / self.took.as_secs_f64()
    }
}
