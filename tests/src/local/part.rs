//! One program of the cluster: started with a log of its own and a mark by which it is found again. Starts processes.

use std::{
    fs::File,
    path::{Path, PathBuf},
    process::{ExitStatus, Stdio},
};

use anyhow::{Context, Result};
use tokio::process::{Child, Command};

use super::layout::Layout;

/// The environment variable that marks each process of a cluster, and all that those start, with the cluster's folder.
pub const MARK: &str = "ECQX_CLUSTER_PART_OF";

/// Everything in the cluster is on this machine; a proxy named in the environment must not be asked for it.
const PROXIES: [&str; 6] = ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"];

/// How to start a part.
#[derive(Clone, Debug)]
pub struct Recipe {
    /// The part's name, which its log has too.
    pub name: &'static str,
    /// The program.
    pub program: PathBuf,
    /// Its arguments.
    pub arguments: Vec<String>,
    /// What it needs in its environment beside the supervisor's own.
    pub environment: Vec<(&'static str, String)>,
}

impl Recipe {
    /// A recipe with arguments and no further environment.
    pub fn new(name: &'static str, program: PathBuf, arguments: Vec<String>) -> Self {
        Self { name, program, arguments, environment: Vec::new() }
    }

    /// Starts the part.
    ///
    /// # Errors
    /// When the program cannot be started or its log not opened.
    pub fn start(&self, layout: &Layout) -> Result<Part> {
        let log = layout.log_of(self.name);
        let output = File::options().create(true).append(true).open(&log);
        let output = output.with_context(|| format!("cannot open the log {}", log.display()))?;
        let child = marked(&self.program, layout.dir())
            .args(&self.arguments)
            .envs(self.environment.iter().map(|(name, value)| (*name, value)))
            .stdin(Stdio::null())
            .stdout(output.try_clone()?)
            .stderr(output)
            .current_dir(layout.dir())
            .spawn()
            .with_context(|| format!("cannot start {} ({})", self.name, self.program.display()))?;
        Ok(Part { name: self.name, log, child })
    }
}

/// A command for a program of the cluster in `dir`.
pub fn marked(program: &Path, dir: &Path) -> Command {
    let mut command = Command::new(program);
    command.env(MARK, dir);
    for proxy in PROXIES {
        command.env_remove(proxy);
    }
    command
}

/// A started part.
#[derive(Debug)]
pub struct Part {
    /// Its name.
    pub name: &'static str,
    log: PathBuf,
    child: Child,
}

impl Part {
    /// Its process id, while it runs.
    pub fn pid(&self) -> Option<u32> {
        self.child.id()
    }

    /// Its exit status when it has ended.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().ok().flatten()
    }

    /// Kills it and waits until it has gone.
    ///
    /// # Errors
    /// When the kernel refuses.
    pub async fn kill(&mut self) -> Result<()> {
        self.child.kill().await.with_context(|| format!("cannot kill {}", self.name))
    }

    /// The log's last lines, for an error message.
    pub fn last_words(&self) -> String {
        last_lines(&self.log, 12)
    }
}

/// The last `count` lines of a log, indented; a short note when there is none.
pub fn last_lines(log: &Path, count: usize) -> String {
    let Ok(content) = std::fs::read(log) else { return format!("  (no log at {})", log.display()) };
    let text = String::from_utf8_lossy(&content);
    let lines: Vec<&str> = text.lines().collect();
    let shown = lines[lines.len().saturating_sub(count)..].iter().map(|line| format!("  {line}"));
    format!("last lines of {}:\n{}", log.display(), shown.collect::<Vec<_>>().join("\n"))
}
