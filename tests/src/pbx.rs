//! A PBX by itself: the pod's image with real Asterisk and the agent as PID 1, without a cluster. I/O: processes and mounts.
//!
//! It lives in mount, network and process namespaces of its own, with a read-only root and the pod's mounts. When the process
//! that made them ends, the kernel takes all of it away: nothing has to be cleaned up. Its network is a loopback, on which each
//! phone may have an address of its own (`127.0.0.2` and so on). Needs root, as the local node does.

use std::{
    fs::File,
    path::PathBuf,
    process::{Output, Stdio},
    time::Duration,
};

use anyhow::{Context, Result, bail, ensure};
use nix::sched::{CloneFlags, setns};
use pbx_contract::{AGENT_PORT, AgentStatus};
use tempfile::TempDir;
use tokio::{
    process::{Child, Command},
    time::{Instant, sleep},
};

pub use authority::Authority;
pub use files::{FQDN, Files, TOKEN};
pub use phones::{Attempt, Outcome, Phone, Program, Staying};
pub use softphone::{Ringing, Softphone};

mod authority;
mod files;
mod phones;
mod root;
mod softphone;
pub mod sound;

/// Where phones find it.
pub const ADDRESS: &str = "127.0.0.1";
/// How long something that has to come may take, on a machine that is busy.
pub const PATIENCE: Duration = Duration::from_mins(1);

/// Makes the pod's view of the files and starts a program as PID 1 of it: `$1` the image's root, `$2` this PBX's folder, then
/// variables (`NAME=VALUE`), the program, and its arguments.
const START: &str = r#"
ip link set lo up
mount --bind "$1" "$2/root"
mount -o remount,bind,ro "$2/root"
for dir in etc/asterisk run/asterisk tmp var/log/asterisk var/spool/asterisk; do
  mount -t tmpfs -o uid=1000,gid=1000,mode=755 tmpfs "$2/root/$dir"
done
mount --bind "$2/mounted" "$2/root/etc/ecqx"
[ -z "${VOLUME_MIB:-}" ] || mount -t tmpfs -o uid=1000,gid=1000,mode=755,size="${VOLUME_MIB}m" tmpfs "$2/data"
mount --bind "$2/data" "$2/root/var/lib/ecqx"
mount --bind "$2/bin/pbx-agent" "$2/root/usr/local/bin/pbx-agent"
printf '127.0.0.1 localhost %s\n' "$(hostname)" > "$2/hosts" && mount --bind "$2/hosts" "$2/root/etc/hosts"
mount --rbind /dev "$2/root/dev"
cp --recursive "$2/config/." "$2/root/etc/asterisk/"
env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin RUST_LOG=info unshare --pid --fork --mount-proc="$2/root/proc" \
  chroot --userspec=1000:1000 "$2/root" /usr/bin/env "${@:3}"
"#;

/// A PBX that runs until the value is dropped.
#[derive(Debug)]
pub struct Pbx {
    /// What is mounted into it.
    pub files: Files,
    dir: TempDir,
    agent: i32,
    process: Child,
}

impl Pbx {
    /// Starts one with these files, and waits until it is ready.
    ///
    /// # Errors
    /// When there is no image, or the PBX is not ready in time.
    pub async fn start(files: Files) -> Result<Self> {
        Self::start_with(files, &[]).await
    }

    /// The same, with more environment variables (`NAME=VALUE`).
    ///
    /// # Errors
    /// As [`Pbx::start`].
    pub async fn start_with(files: Files, environment: &[&str]) -> Result<Self> {
        let pbx = Self::boot(files, environment).await?;
        pbx.eventually("the PBX is ready", async || Ok(pbx.status().await?.ready)).await?;
        Ok(pbx)
    }

    /// Starts one and waits only until its agent answers.
    ///
    /// # Errors
    /// When there is no image, or the agent does not start.
    pub async fn boot(files: Files, environment: &[&str]) -> Result<Self> {
        let command: Vec<&str> = environment.iter().copied().chain(["/usr/local/bin/pbx-agent"]).collect();
        let pbx = Self::run_first(files, &[], &command).await?;
        pbx.eventually("the agent answers", async || Ok(pbx.status().await.is_ok())).await?;
        Ok(pbx)
    }

    /// The same Asterisk without the agent, with these files: what ours is measured against.
    ///
    /// # Errors
    /// When there is no image, or Asterisk does not boot.
    pub async fn bare(config: &[(&str, String)]) -> Result<Self> {
        let command = ["/usr/sbin/asterisk", "-f", "-C", "/etc/asterisk/asterisk.conf"];
        let pbx = Self::run_first(Files::of(0), config, &command).await?;
        let booted = async || Ok(pbx.asterisk("core waitfullybooted").await?.contains("fully booted"));
        pbx.eventually("Asterisk is booted", booted).await?;
        Ok(pbx)
    }

    /// Makes the folder and the namespaces and runs a command in them.
    async fn run_first(files: Files, config: &[(&str, String)], first: &[&str]) -> Result<Self> {
        let image = root::of_the_pbx().await?;
        let dir = root::scratch()?;
        for folder in ["root", "mounted", "data", "bin", "config"] {
            std::fs::create_dir(dir.path().join(folder))?;
        }
        std::os::unix::fs::chown(dir.path().join("data"), Some(1000), Some(1000))?;
        for (name, content) in config {
            std::fs::write(dir.path().join("config").join(name), content)?;
        }
        std::fs::copy(root::agent(&image), dir.path().join("bin/pbx-agent"))?;
        files.write(&dir.path().join("mounted"))?;
        let log = File::create(dir.path().join("log"))?;
        let mut command = bound("unshare");
        command.args(["--mount", "--net", "--pid", "--fork", "--kill-child", "bash", "-euc", START, "pbx"]);
        command.args([&image, dir.path()]).args(first);
        command.envs(files.volume_mib.map(|size| ("VOLUME_MIB", size.to_string())));
        command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log).kill_on_drop(true);
        let process = command.spawn().context("cannot run unshare")?;
        let parent = process.id().context("unshare has ended at once")?;
        let name = first.iter().filter_map(|word| word.strip_prefix('/')).find_map(|path| path.rsplit('/').next());
        let name = name.context("the command names no program")?.to_owned();
        let mut pbx = Self { files, dir, agent: 0, process };
        pbx.agent = pbx.eventually("the PBX has a process", async || Ok(first_under(parent, &name))).await?;
        Ok(pbx)
    }

    /// Mounts other files, as the kubelet does: all at once.
    ///
    /// # Errors
    /// When they cannot be written.
    pub fn mount(&mut self, files: Files) -> Result<()> {
        files.write(&self.dir.path().join("mounted"))?;
        self.files = files;
        Ok(())
    }

    /// Mounts other files and waits until they are in force.
    ///
    /// # Errors
    /// When they are not, in time.
    pub async fn apply(&mut self, files: Files) -> Result<Duration> {
        let wanted = files.generation()?;
        let begun = Instant::now();
        self.mount(files)?;
        let in_force = async || {
            let status = self.status().await?;
            Ok(status.ready && status.applied_generation.as_ref() == Some(&wanted))
        };
        self.eventually("the new limits are in force", in_force).await?;
        Ok(begun.elapsed())
    }

    /// The process id of the agent, PID 1 of its pod, on this machine.
    pub const fn agent(&self) -> i32 {
        self.agent
    }

    /// The folder of the volume that outlives the pod.
    pub fn data(&self) -> PathBuf {
        self.dir.path().join("data")
    }

    /// What agent and Asterisk have said so far.
    ///
    /// # Errors
    /// When the log cannot be read.
    pub fn log(&self) -> Result<String> {
        Ok(String::from_utf8_lossy(&std::fs::read(self.dir.path().join("log"))?).into_owned())
    }

    /// What the agent says of itself.
    ///
    /// # Errors
    /// When it does not answer.
    pub async fn status(&self) -> Result<AgentStatus> {
        self.inside(|| async {
            Ok(reqwest::get(format!("http://{ADDRESS}:{AGENT_PORT}/v1/status")).await?.json().await?)
        })
        .await
    }

    /// Does work in the PBX's network: whatever socket it opens is there.
    ///
    /// # Errors
    /// The work's own, or when the namespace cannot be entered.
    pub async fn inside<T, Work>(&self, work: impl FnOnce() -> Work + Send + 'static) -> Result<T>
    where
        T: Send + 'static,
        Work: Future<Output = Result<T>>,
    {
        let namespace = File::open(format!("/proc/{}/ns/net", self.agent)).context("the PBX has gone")?;
        let (done, result) = tokio::sync::oneshot::channel();
        // A thread of its own: the namespace belongs to a thread, and ends with this one.
        std::thread::spawn(move || {
            let entered = setns(namespace, CloneFlags::CLONE_NEWNET).context("cannot enter the PBX's network");
            let runtime =
                entered.and_then(|()| Ok(tokio::runtime::Builder::new_current_thread().enable_all().build()?));
            let _ = done.send(runtime.and_then(|runtime| runtime.block_on(work())));
        });
        result.await.context("the thread in the PBX's network has ended")?
    }

    /// Runs a command of Asterisk's console.
    ///
    /// # Errors
    /// When Asterisk does not answer.
    pub async fn asterisk(&self, command: &str) -> Result<String> {
        let output = self.run(&["/usr/sbin/asterisk", "-C", "/etc/asterisk/asterisk.conf", "-rx", command]).await?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        ensure!(output.status.success(), "asterisk -rx {command:?}: {text}{}", String::from_utf8_lossy(&output.stderr));
        Ok(text)
    }

    /// Runs a command in the pod, as its user.
    ///
    /// # Errors
    /// When it cannot be run.
    pub async fn run(&self, command: &[&str]) -> Result<Output> {
        let mut enter = self.enter(&["--all", "--root", "--wd=/"]);
        enter.args(["setpriv", "--reuid=1000", "--regid=1000", "--clear-groups"]).args(command);
        Ok(enter.stdin(Stdio::null()).kill_on_drop(true).output().await?)
    }

    /// The process id, on this machine, of the one process of that name in the PBX.
    ///
    /// # Errors
    /// When there is none.
    pub fn process(&self, name: &str) -> Result<i32> {
        let namespace = |pid: &str| std::fs::read_link(format!("/proc/{pid}/ns/pid")).ok();
        let own = namespace(&self.agent.to_string());
        for entry in std::fs::read_dir("/proc")?.flatten() {
            let pid = entry.file_name().to_string_lossy().into_owned();
            let is_named = std::fs::read_to_string(entry.path().join("comm")).is_ok_and(|comm| comm.trim() == name);
            if is_named && namespace(&pid) == own && pid != self.agent.to_string() {
                return Ok(pid.parse()?);
            }
        }
        bail!("no process {name} in the PBX")
    }

    /// The addresses and ports on which somebody listens for TCP (IPv4), in order.
    ///
    /// # Errors
    /// When the PBX has gone.
    pub fn sockets(&self) -> Result<Vec<String>> {
        let table = std::fs::read_to_string(format!("/proc/{}/net/tcp", self.agent))?;
        let listening = |line: &str| -> Option<String> {
            let mut words = line.split_whitespace().skip(1);
            let (address, port) = words.next()?.split_once(':')?;
            let address = std::net::Ipv4Addr::from(u32::from_str_radix(address, 16).ok()?.swap_bytes());
            (words.nth(1)? == "0A").then_some(format!("{address}:{}", u16::from_str_radix(port, 16).ok()?))
        };
        let mut sockets: Vec<String> = table.lines().filter_map(listening).collect();
        sockets.sort();
        Ok(sockets)
    }

    /// Asks the agent to stop, as the kubelet does.
    ///
    /// # Errors
    /// When it has gone.
    pub fn terminate(&self) -> Result<()> {
        Ok(nix::sys::signal::kill(nix::unistd::Pid::from_raw(self.agent), nix::sys::signal::Signal::SIGTERM)?)
    }

    /// Waits for the end of the agent.
    ///
    /// # Errors
    /// When it goes on.
    pub async fn ended(&mut self) -> Result<()> {
        tokio::time::timeout(PATIENCE, self.process.wait()).await.context("the agent goes on")??;
        Ok(())
    }

    /// Waits until something gives a value, or is true; fails with the last error and the log's end.
    ///
    /// # Errors
    /// When it does not come in time.
    pub async fn eventually<T: Came>(&self, what: &str, mut look: impl AsyncFnMut() -> Result<T>) -> Result<T::Value> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let last = match look().await.map(Came::came) {
                Ok(Some(value)) => return Ok(value),
                Ok(None) => "not so".to_owned(),
                Err(error) => format!("{error:#}"),
            };
            if Instant::now() > deadline {
                let log = self.log()?;
                let tail: Vec<&str> = log.lines().rev().take(30).collect();
                bail!("{what}: {last}; the log's end:\n{}", tail.into_iter().rev().collect::<Vec<_>>().join("\n"));
            }
            sleep(Duration::from_millis(50)).await;
        }
    }

    fn enter(&self, namespaces: &[&str]) -> Command {
        let mut command = bound("nsenter");
        command.arg(format!("--target={}", self.agent)).args(namespaces).arg("--");
        command
    }
}

/// What can be waited for.
pub trait Came {
    /// What comes.
    type Value;
    /// The value, once it is there.
    fn came(self) -> Option<Self::Value>;
}

impl Came for bool {
    type Value = ();
    fn came(self) -> Option<()> {
        self.then_some(())
    }
}

impl<T> Came for Option<T> {
    type Value = T;
    fn came(self) -> Self {
        self
    }
}

/// The first process of that name among a process's descendants.
fn first_under(parent: u32, name: &str) -> Option<i32> {
    let children = std::fs::read_to_string(format!("/proc/{parent}/task/{parent}/children")).ok()?;
    children.split_whitespace().filter_map(|pid| pid.parse::<u32>().ok()).find_map(|pid| {
        let comm = std::fs::read_to_string(format!("/proc/{pid}/comm")).ok()?;
        if comm.trim() == name { i32::try_from(pid).ok() } else { first_under(pid, name) }
    })
}

/// A command that ends with the test, however that ends.
fn bound(program: &str) -> Command {
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig=KILL", program]);
    command
}

/// For each leg of `pjsip show channelstats` the packets that the PBX has received and sent.
pub fn heard(stats: &str) -> Vec<(u64, u64)> {
    let numbers = |line: &str| -> Option<(u64, u64)> {
        let words: Vec<&str> = line.split_whitespace().collect();
        let codec = words.iter().position(|word| ["alaw", "ulaw", "g722"].contains(word))?;
        Some((words.get(codec + 1)?.parse().ok()?, words.get(codec + 5)?.parse().ok()?))
    };
    stats.lines().filter_map(numbers).collect()
}
