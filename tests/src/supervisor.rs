//! The supervisor process as seen from a test: found, started, asked, ended. Starts a process and owns its pipes.

use std::{
    io::{BufRead, BufReader, Write},
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    sync::{
        Mutex,
        atomic::{AtomicU32, Ordering},
    },
    time::{SystemTime, UNIX_EPOCH},
};

use anyhow::{Context, Result, anyhow, bail};

use crate::local::{
    layout::{self, Layout},
    part,
    ready::{Kind, Ready},
    sweep,
};

/// A running supervisor; dropping it ends the cluster and waits until all has gone.
#[derive(Debug)]
pub(crate) struct Supervisor {
    /// How to reach the cluster.
    pub(crate) ready: Ready,
    layout: Layout,
    child: Child,
    pipes: Mutex<Option<(ChildStdin, BufReader<ChildStdout>)>>,
}

impl Supervisor {
    /// Starts a supervisor with a folder of its own and waits until the cluster is ready.
    pub(crate) async fn start(kind: Kind) -> Result<Self> {
        // Blocking: the first start may build the programs, and the answer is one line on a pipe.
        tokio::task::spawn_blocking(move || Self::start_blocking(kind)).await?
    }

    fn start_blocking(kind: Kind) -> Result<Self> {
        let layout = Layout::new(layout::run_root().join(fresh_name(kind)));
        std::fs::create_dir_all(layout::run_root())?;
        // First, because it may take long and be interrupted: nothing is there to be left yet.
        let binary = locate()?;
        let log = std::fs::File::create(layout.supervisor_log())?;
        let mut child = Command::new(&binary)
            .args(["run", "--ephemeral", "--until-stdin-closes", "--wait=900", "--kind", kind.name(), "--dir"])
            .arg(layout.dir())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(log)
            // Ctrl-C reaches the test's process group; the cluster is to see its end, not the signal.
            .process_group(0)
            .spawn()
            .with_context(|| format!("cannot start {}", binary.display()))?;
        let (Some(input), Some(output)) = (child.stdin.take(), child.stdout.take()) else { bail!("no pipes") };
        let mut output = BufReader::new(output);
        let mut line = String::new();
        output.read_line(&mut line)?;
        if line.is_empty() {
            let status = child.wait()?;
            let why = part::last_lines(&layout.supervisor_log(), 40);
            // Nothing, unless it was killed.
            sweep::sweep_and_remove(&layout).and(sweep::remove_log(&layout))?;
            bail!("the local {} did not start (its supervisor ended with {status})\n{why}", kind.name());
        }
        let ready = serde_json::from_str(&line).with_context(|| format!("the supervisor said {line:?}"))?;
        Ok(Self { ready, layout, child, pipes: Mutex::new(Some((input, output))) })
    }

    /// Gives the supervisor an order and waits for its answer.
    pub(crate) fn order(&self, order: &str) -> Result<()> {
        let mut pipes = self.pipes.lock().map_err(|_| anyhow!("an earlier order panicked"))?;
        let (input, output) = pipes.as_mut().context("the supervisor has been ended")?;
        writeln!(input, "{order}").with_context(|| format!("the supervisor takes no orders; tried {order:?}"))?;
        let mut line = String::new();
        output.read_line(&mut line)?;
        let answer: serde_json::Value =
            serde_json::from_str(&line).with_context(|| format!("the answer was {line:?}"))?;
        match answer["error"].as_str() {
            Some(error) => bail!("the supervisor could not {order}: {error}"),
            None => Ok(()),
        }
    }

    /// Ends the cluster and waits until all has gone.
    pub(crate) fn end(&mut self) -> Result<()> {
        let Some(pipes) = self.pipes.get_mut().map_err(|_| anyhow!("an order panicked"))?.take() else { return Ok(()) };
        drop(pipes);
        let status = self.child.wait()?;
        if !status.success() {
            // A part ended by itself, or the supervisor was killed: what is left then is removed from here.
            let why = part::last_lines(&self.layout.supervisor_log(), 40);
            eprintln!("the supervisor of {} ended with {status}\n{why}", self.layout.dir().display());
            sweep::sweep_and_remove(&self.layout)?;
        }
        sweep::remove_log(&self.layout)
    }
}

impl Drop for Supervisor {
    fn drop(&mut self) {
        if let Err(error) = self.end() {
            eprintln!("the local cluster in {} has not ended well: {error:#}", self.layout.dir().display());
        }
    }
}

/// A name that no other cluster of this machine has or had.
fn fresh_name(kind: Kind) -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis();
    format!("{}-{}-{now}-{count}", kind.name(), std::process::id())
}

/// Finds the supervisor's program: `ECQX_CLUSTER_BIN`, beside the running test, or built now.
fn locate() -> Result<PathBuf> {
    if let Some(named) = std::env::var_os("ECQX_CLUSTER_BIN") {
        return Ok(PathBuf::from(named));
    }
    let exe = std::env::current_exe()?;
    if let Some(found) = beside(&exe).filter(|found| is_up_to_date(found)) {
        return Ok(found);
    }
    let status = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .args(["build", "--quiet", "--package", "ecqx-tests", "--bin", "ecqx-cluster"])
        .current_dir(layout::checkout())
        .status();
    let found = beside(&exe);
    found.with_context(|| format!("no ecqx-cluster; building it gave {status:?}; name one by ECQX_CLUSTER_BIN"))
}

/// The program in the target folder that `exe` (a test in its `deps`, or a program) is in, or in the checkout's.
fn beside(exe: &Path) -> Option<PathBuf> {
    let near = exe.ancestors().skip(1).take(2).map(|dir| dir.join("ecqx-cluster"));
    let usual = layout::checkout().join("target/debug/ecqx-cluster");
    near.chain([usual]).find(|path| path.is_file())
}

/// Whether the program is newer than what it is built from. Tests of other crates do not make Cargo build it.
fn is_up_to_date(binary: &Path) -> bool {
    let modified = |path: &Path| path.metadata().and_then(|metadata| metadata.modified());
    let Ok(built) = modified(binary) else { return false };
    let mut folders =
        vec![layout::checkout().join("tests/src/local"), layout::checkout().join("tests/src/bin/ecqx-cluster")];
    while let Some(folder) = folders.pop() {
        for path in std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()) {
            if path.is_dir() {
                folders.push(path);
            } else if modified(&path).is_ok_and(|changed| changed > built) {
                return false;
            }
        }
    }
    true
}
