//! The supervisor's life: lock, sweep, start, watch, sweep. Whatever ends it but SIGKILL, it takes everything down; after that, the next does.

use std::{collections::BTreeMap, path::PathBuf, time::Duration};

use anyhow::{Context, Result, anyhow};
use serde_json::json;

use super::{
    layout::{self, Layout},
    lock, mounts,
    orders::{Order, Orders},
    part::Recipe,
    parts::Parts,
    ready::Kind,
    record::Record,
    start::{self, Plan},
    sweep,
};

/// How to run.
#[derive(Clone, Debug)]
pub struct Options {
    /// What to start.
    pub kind: Kind,
    /// Its folder; it is emptied.
    pub dir: PathBuf,
    /// How many nodes to simulate, where they are.
    pub nodes: u32,
    /// Remove the folder at the end.
    pub ephemeral: bool,
    /// End when standard input does, and take orders from it.
    pub until_stdin_closes: bool,
    /// How long to wait for another whole cluster on this machine to end.
    pub patience: Duration,
}

/// Runs the supervisor until it is told to end, or a part ends by itself.
///
/// # Errors
/// When another runs in this folder, a part does not start or ends, or something cannot be removed.
pub fn run(options: &Options) -> Result<()> {
    let dir = std::path::absolute(&options.dir)?;
    let layout = Layout::new(dir);
    let holder = format!("the local cluster in {} (process {})", layout.dir().display(), std::process::id());
    // A sweep of another supervisor holds each lock for a moment.
    let _own = lock::take(&layout.lock(), &holder, Duration::from_secs(2))?;
    let _machine = match options.kind {
        Kind::Cluster => Some(lock::take(&layout::machine_lock(), &holder, options.patience)?),
        Kind::ControlPlane | Kind::Kwok => None,
    };
    sweep::sweep(&layout)?;
    sweep::sweep_dead(&layout::run_root(), &layout)?;
    std::fs::create_dir_all(layout.path("logs")).with_context(|| format!("cannot make {}", layout.dir().display()))?;
    let machine_mounts = mounts::namespace();
    let result = live(options, &layout);
    if mounts::namespace() != machine_mounts {
        mounts::uncover();
    }
    if !options.ephemeral {
        return result.and(sweep::sweep(&layout));
    }
    let ended = result.and(sweep::sweep_and_remove(&layout));
    // A failure is told there.
    if ended.is_ok() { sweep::remove_log(&layout) } else { ended }
}

/// From the record's first line to the order to end.
fn live(options: &Options, layout: &Layout) -> Result<()> {
    let mut record = Record::new(layout, options.kind, options.ephemeral);
    record.save()?;
    let plan = Plan::make(options)?;
    if options.kind == Kind::Cluster {
        mounts::enter_own(&mut record)?;
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let parts = Parts::new(layout.clone(), record);
    let input = options.until_stdin_closes;
    // As a task, so that a panic comes back as an error and the sweep is not left out.
    let ended = runtime.block_on(async { tokio::spawn(watch(parts, plan, input)).await });
    runtime.shutdown_background();
    ended.unwrap_or_else(|panic| Err(anyhow!("the supervisor failed: {panic}")))
}

/// From the first part's start to the last part's end.
async fn watch(mut parts: Parts, mut plan: Plan, input: bool) -> Result<()> {
    let result = serve(&mut parts, &mut plan, input).await;
    parts.end().await;
    result
}

/// Starts the parts and follows orders until one is to end, or a part ends by itself.
async fn serve(parts: &mut Parts, plan: &mut Plan, input: bool) -> Result<()> {
    let mut orders = Orders::listen(input)?;
    let ready = tokio::select! {
        ready = start::start(parts, plan) => ready?,
        () = orders.end() => return Ok(()),
    };
    println!("{}", serde_json::to_string(&ready)?);
    let mut stopped = BTreeMap::new();
    loop {
        let order = orders.next().await;
        match order {
            Order::End => return Ok(()),
            Order::Look => parts.check()?,
            Order::Stop(_) | Order::Start(_) => println!("{}", answer(obey(order, parts, &mut stopped).await)),
        }
    }
}

/// Carries out an order about one part.
async fn obey(order: Order, parts: &mut Parts, stopped: &mut BTreeMap<String, Recipe>) -> Result<()> {
    match order {
        Order::Stop(name) => {
            let recipe = parts.stop(&name).await?;
            stopped.insert(name, recipe);
        }
        Order::Start(name) => {
            let recipe = stopped.remove(&name).with_context(|| format!("{name} is not stopped"))?;
            parts.start(recipe)?;
            start::wait_again(parts, &name).await?;
        }
        Order::End | Order::Look => {}
    }
    Ok(())
}

/// One line for whoever gave the order.
fn answer(result: Result<()>) -> serde_json::Value {
    match result {
        Ok(()) => json!({"done": true}),
        Err(error) => json!({"error": format!("{error:#}")}),
    }
}
