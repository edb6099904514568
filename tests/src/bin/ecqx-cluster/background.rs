//! The cluster in the background: started, found again, ended. Starts a process, reads the files that it writes.

use std::{
    fs::{self, File},
    io::Read,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use ecqx_tests::local::{
    ability,
    layout::{Layout, demo_dir},
    lock,
    ready::{Kind, Ready},
    record::{ProcessId, Record},
    sweep,
};
use nix::{sys::signal::Signal, sys::signal::kill, unistd::Pid};

use crate::arguments::{Place, Up};

/// How long the end may take. It takes a second.
const PATIENCE: Duration = Duration::from_mins(1);

/// Starts the cluster and waits until it is ready; fine when it runs already.
pub(crate) fn up(up: &Up) -> Result<()> {
    let layout = layout(&up.place)?;
    if let Some(given) = given(&layout) {
        eprintln!("KUBECONFIG is set: the cluster is taken as it is, nothing is started");
        println!("{given}");
        return Ok(());
    }
    let ready = match healthy(&layout)? {
        Some(ready) => {
            eprintln!(
                "the {} in {} runs already (process {})",
                ready.kind.name(),
                layout.dir().display(),
                ready.supervisor
            );
            ready
        }
        None => start(up, &layout)?,
    };
    println!("{}", ready.kubeconfig.display());
    Ok(())
}

/// Ends the cluster, or what a killed one left; fine when there is none.
pub(crate) fn down(place: &Place) -> Result<()> {
    let layout = layout(place)?;
    let supervisor = Record::load(&layout)?.and_then(|record| record.supervisor).filter(|id| id.is_alive());
    if let Some(id) = supervisor {
        kill(Pid::from_raw(id.pid), Signal::SIGTERM).with_context(|| format!("cannot signal process {}", id.pid))?;
    }
    if !layout.dir().exists() {
        eprintln!("nothing runs in {}", layout.dir().display());
        return Ok(());
    }
    let _held = lock::take(&layout.lock(), "a sweep", PATIENCE)?;
    sweep::sweep(&layout)?;
    eprintln!("nothing runs in {} any more; the logs are still there", layout.dir().display());
    Ok(())
}

/// Tells what runs.
pub(crate) fn status(place: &Place) -> Result<()> {
    let layout = layout(place)?;
    let Some(record) = Record::load(&layout)? else { bail!("nothing runs in {}", layout.dir().display()) };
    for (name, id) in &record.parts {
        println!("{name:<24} process {:<8} {}", id.pid, if id.is_alive() { "runs" } else { "has ended" });
    }
    let ready = running(place)?;
    println!("{} at {}\nkubeconfig {}", ready.kind.name(), ready.server, ready.kubeconfig.display());
    Ok(())
}

/// The cluster that runs in the folder.
pub(crate) fn running(place: &Place) -> Result<Ready> {
    let layout = layout(place)?;
    healthy(&layout)?
        .with_context(|| format!("no cluster is ready in {}; start one: ecqx-cluster up", layout.dir().display()))
}

fn layout(place: &Place) -> Result<Layout> {
    Ok(Layout::new(std::path::absolute(&place.dir)?))
}

/// A cluster of the user's own. Our own kubeconfig in `KUBECONFIG` is not one.
fn given(layout: &Layout) -> Option<String> {
    let value = std::env::var("KUBECONFIG").ok().filter(|value| !value.is_empty())?;
    let path = std::path::absolute(&value).ok();
    let own = [layout.kubeconfig(), Layout::new(demo_dir()).kubeconfig()];
    (!path.is_some_and(|path| own.contains(&path))).then_some(value)
}

/// The cluster in the folder, when its supervisor and all its parts live.
fn healthy(layout: &Layout) -> Result<Option<Ready>> {
    let Some(record) = Record::load(layout)? else { return Ok(None) };
    let alive = record.supervisor.is_some_and(ProcessId::is_alive) && record.parts.values().all(|id| id.is_alive());
    let Ok(content) = fs::read(layout.ready()) else { return Ok(None) };
    Ok(if alive { Some(serde_json::from_slice(&content)?) } else { None })
}

fn start(up: &Up, layout: &Layout) -> Result<Ready> {
    let mut kind = up.kind;
    if let (Kind::Cluster, Some(obstacle)) = (kind, ability::obstacle()) {
        eprintln!("{obstacle}: {}", ability::SIMULATED);
        kind = Kind::Kwok;
    }
    if let Some(parent) = layout.dir().parent() {
        fs::create_dir_all(parent)?;
    }
    let log = File::create(layout.supervisor_log())?;
    let supervisor = Command::new(std::env::current_exe()?)
        .args(["run", "--detached", "--kind", kind.name(), "--nodes", &up.nodes.to_string(), "--dir"])
        .arg(layout.dir())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(log)
        .spawn()
        .context("cannot start the supervisor")?;
    follow(supervisor, layout)
}

/// Shows the supervisor's progress until the cluster is ready or the supervisor has ended.
fn follow(mut supervisor: Child, layout: &Layout) -> Result<Ready> {
    let mut log = File::open(layout.supervisor_log())?;
    let since = Instant::now();
    loop {
        let ended = supervisor.try_wait()?;
        let mut said = String::new();
        log.read_to_string(&mut said)?;
        eprint!("{said}");
        if let Some(status) = ended {
            bail!(
                "the cluster did not start ({status}); the reason is above, all logs are in {}",
                layout.path("logs").display()
            );
        }
        if let Some(ready) = healthy(layout)?.filter(|ready| ready.supervisor == supervisor.id()) {
            eprintln!("ready {:.1}s", since.elapsed().as_secs_f32());
            return Ok(ready);
        }
        std::thread::sleep(Duration::from_millis(100));
    }
}
