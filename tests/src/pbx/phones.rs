//! Telephones of a PBX that runs by itself: SIPp in its network. I/O: runs it.

use std::{
    path::{Path, PathBuf},
    process::Stdio,
    sync::atomic::{AtomicU16, Ordering},
    time::Duration,
};

use anyhow::{Context, Result, bail};
use tokio::process::{Child, Command};

use super::{ADDRESS, Files, Pbx, files::FQDN};
use crate::local::layout;

/// Each run of SIPp has ports of its own: for SIP, the one after it, and for the media that is sent back.
static NEXT_PORT: AtomicU16 = AtomicU16::new(20_000);

/// A telephone: the credentials that it shows, and what it calls itself.
#[derive(Clone, Debug)]
pub struct Phone {
    /// The extension.
    pub number: String,
    /// What it takes for its password.
    pub password: String,
}

impl Phone {
    /// One with the right password.
    pub fn of(number: impl Into<String>) -> Self {
        let number = number.into();
        Self { password: Files::password(&number), number }
    }

    /// So many, from extension 101 on.
    pub fn first(count: u32) -> Vec<Self> {
        (0..count).map(|index| Self::of((101 + index).to_string())).collect()
    }
}

/// A run of SIPp: each phone goes through the scenario once.
#[derive(Clone, Debug)]
pub struct Attempt {
    scenario: String,
    phones: Vec<Phone>,
    options: Vec<String>,
    seconds: u64,
}

/// What came of it.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// True when each phone went through the scenario to its end.
    pub success: bool,
    /// The answers that the scenario logged, in the order in which they came.
    pub answers: Vec<u16>,
    /// What else it logged.
    pub log: String,
    /// What SIPp found wrong.
    pub errors: String,
}

impl Outcome {
    /// How many got this answer.
    pub fn count(&self, answer: u16) -> usize {
        self.answers.iter().filter(|code| **code == answer).count()
    }
}

impl Attempt {
    /// Of the scenario in `tests/phones/NAME.xml`.
    pub fn new(scenario: &str, phones: &[Phone]) -> Self {
        let attempt = Self { scenario: scenario.into(), phones: phones.to_vec(), options: Vec::new(), seconds: 30 };
        attempt.key("realm", FQDN).key("expires", "300")
    }

    /// Whom to call.
    #[must_use]
    pub fn calling(self, target: &str) -> Self {
        self.key("target", target)
    }

    /// Sets a word that the scenario names in brackets.
    #[must_use]
    pub fn key(self, name: &str, value: &str) -> Self {
        self.with(&["-key", name, value])
    }

    /// How long a registration asks to live, in seconds; 0 ends it.
    #[must_use]
    pub fn expiring(mut self, seconds: u32) -> Self {
        if let Some(value) = self.options.iter().position(|option| option == "expires").map(|at| at + 1) {
            self.options[value] = seconds.to_string();
        }
        self
    }

    /// How long a call is held, or a phone stays.
    #[must_use]
    pub fn lasting(mut self, time: Duration) -> Self {
        self.seconds = 30 + time.as_secs();
        self.with(&["-d", &time.as_millis().to_string()])
    }

    /// More of SIPp's options.
    #[must_use]
    pub fn with(mut self, options: &[&str]) -> Self {
        self.options.extend(options.iter().map(|&option| option.to_owned()));
        self
    }

    /// From this address of the loopback.
    #[must_use]
    pub fn from(self, address: &str) -> Self {
        self.with(&["-i", address, "-mi", address])
    }

    /// Over TCP.
    #[must_use]
    pub fn over_tcp(self) -> Self {
        self.with(&["-t", "t1"])
    }
}

/// A phone that stays, until the value is dropped.
#[derive(Debug)]
pub struct Staying {
    process: Child,
    folder: PathBuf,
}

impl Staying {
    /// Waits for its end.
    ///
    /// # Errors
    /// When SIPp cannot be waited for.
    pub async fn ended(mut self) -> Result<Outcome> {
        let status = self.process.wait().await?;
        outcome(&self.folder, status.success())
    }
}

/// Another program in the PBX's network, until the value is dropped.
#[derive(Debug)]
pub struct Program {
    _process: Child,
    output: PathBuf,
}

impl Program {
    /// What it has printed.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn output(&self) -> Result<String> {
        Ok(String::from_utf8_lossy(&std::fs::read(&self.output)?).into_owned())
    }
}

impl Pbx {
    /// Starts a program of this machine in the PBX's network.
    ///
    /// # Errors
    /// When it cannot be run.
    pub fn beside(&self, program: &str, arguments: &[&str]) -> Result<Program> {
        let port = NEXT_PORT.fetch_add(1, Ordering::Relaxed);
        let output = self.dir.path().join(format!("program-{port}"));
        let log = std::fs::File::create(&output)?;
        let mut command = self.enter(&["--net"]);
        command
            .arg(program)
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .kill_on_drop(true);
        Ok(Program { _process: spawn(command)?, output })
    }

    /// Runs an attempt to its end.
    ///
    /// # Errors
    /// When SIPp cannot be run.
    pub async fn attempt(&self, attempt: &Attempt) -> Result<Outcome> {
        self.begin(attempt)?.ended().await
    }

    /// Registers phones; fails unless all of them got 200.
    ///
    /// # Errors
    /// When one did not.
    pub async fn register(&self, phones: &[Phone]) -> Result<()> {
        let outcome = self.attempt(&Attempt::new("register", phones)).await?;
        if !outcome.success {
            bail!("not all have registered: {}{}", outcome.errors, outcome.log);
        }
        Ok(())
    }

    /// A phone that registers, and answers all calls in the given time, sending back what it hears.
    ///
    /// # Errors
    /// When it has not registered in time.
    pub async fn answering(&self, phone: &Phone, time: Duration) -> Result<Staying> {
        self.staying(phone, "uas", Attempt::new("phone", std::slice::from_ref(phone)).lasting(time)).await
    }

    /// The same, but it rings for eight seconds before it answers.
    ///
    /// # Errors
    /// When it has not registered in time.
    pub async fn answering_late(&self, phone: &Phone, time: Duration) -> Result<Staying> {
        self.staying(phone, "late", Attempt::new("phone", std::slice::from_ref(phone)).lasting(time)).await
    }

    /// A phone that registers, and redirects all calls in the given time to a URI (302).
    ///
    /// # Errors
    /// When it has not registered in time.
    pub async fn redirecting(&self, phone: &Phone, to: &str, time: Duration) -> Result<Staying> {
        let stay = Attempt::new("phone", std::slice::from_ref(phone)).lasting(time).key("elsewhere", to);
        self.staying(phone, "redirect", stay).await
    }

    async fn staying(&self, phone: &Phone, answer: &str, stay: Attempt) -> Result<Staying> {
        let uas = scenario(answer);
        let mut staying = self.begin(&stay.with(&["-oocsf", &uas.to_string_lossy(), "-aa", "-rtp_echo"]))?;
        self.eventually(&format!("{} has registered", phone.number), async || {
            if let Some(status) = staying.process.try_wait()? {
                bail!("its SIPp has ended: {status}, {:?}", outcome(&staying.folder, false)?);
            }
            Ok(self.asterisk("pjsip list contacts").await?.contains(&format!("{}/sip:", phone.number)))
        })
        .await?;
        Ok(staying)
    }

    /// Starts an attempt, to be waited for or dropped.
    ///
    /// # Errors
    /// When SIPp cannot be run.
    pub fn begin(&self, attempt: &Attempt) -> Result<Staying> {
        let count = attempt.phones.len().to_string();
        let port = next_port();
        let folder = self.dir.path().join(format!("sipp-{port}"));
        std::fs::create_dir(&folder)?;
        let line = |Phone { number, password }: &Phone| {
            format!("{number};[authentication username={number} password={password}]")
        };
        let lines: Vec<String> = attempt.phones.iter().map(line).collect();
        std::fs::write(folder.join("phones.csv"), format!("SEQUENTIAL\n{}\n", lines.join("\n")))?;
        std::fs::write(folder.join("tone.alaw"), tone())?;
        let mut command = self.enter(&["--net"]);
        command.args(["sipp", &format!("{ADDRESS}:5060"), "-sf"]).arg(scenario(&attempt.scenario));
        command.args(["-inf", "phones.csv", "-p", &port.to_string(), "-mp", &(port + 2).to_string()]);
        command.args([
            "-m",
            &count,
            "-l",
            &count,
            "-r",
            "1000",
            "-nostdin",
            "-timeout_error",
            "-trace_err",
            "-trace_logs",
        ]);
        command.args(["-timeout", &format!("{}s", attempt.seconds), "-log_file", "log", "-error_file", "errors"]);
        if !attempt.options.iter().any(|option| option == "-i") {
            command.args(["-i", ADDRESS, "-mi", ADDRESS]);
        }
        command.args(&attempt.options).current_dir(&folder).env("TERM", "dumb");
        let said = std::fs::File::create(folder.join("said"))?;
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(said).kill_on_drop(true);
        Ok(Staying { process: spawn(command)?, folder })
    }
}

/// The first of eight ports that are nobody else's.
pub(super) fn next_port() -> u16 {
    NEXT_PORT.fetch_add(8, Ordering::Relaxed)
}

fn spawn(mut command: Command) -> Result<Child> {
    command.spawn().context("cannot run nsenter and sipp")
}

fn scenario(name: &str) -> PathBuf {
    layout::checkout().join("tests/phones").join(format!("{name}.xml"))
}

fn outcome(folder: &Path, success: bool) -> Result<Outcome> {
    let read = |name: &str| match std::fs::read(folder.join(name)) {
        Ok(content) => Ok(String::from_utf8_lossy(&content).into_owned()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(String::new()),
        Err(error) => Err(error),
    };
    let (log, errors) = (read("log")?, read("errors")? + &read("said")?);
    let answers = log.lines().filter_map(|line| line.trim().strip_prefix("answer ")?.parse().ok()).collect();
    Ok(Outcome { success, answers, log, errors })
}

/// A second of a tone of 400 Hz in G.711 A-law, 8000 samples: a rectangular wave is enough to be heard.
fn tone() -> Vec<u8> {
    (0..8000).map(|sample| if sample % 20 < 10 { 0xAA } else { 0x2A }).collect()
}
