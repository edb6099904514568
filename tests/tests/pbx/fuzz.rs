//! Asterisk itself as the judge of what the agent renders from hostile texts, and of the model that judges them fast.

use std::{path::PathBuf, time::Duration};

use anyhow::{Context, Result, ensure};
use ecqx_tests::pbx::{Files, Pbx};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader},
    net::TcpStream,
    time::timeout,
};

use batch::{Batch, JUDGED};
use config_text::{Category, Fault};
use hostile::Hostile;

// The same as the agent's own test has.
#[path = "../../../pbx/agent/tests/fuzz/batch.rs"]
mod batch;
#[path = "../../../pbx/agent/tests/fuzz/config_text.rs"]
mod config_text;
#[path = "../../../pbx/agent/tests/fuzz/hostile.rs"]
mod hostile;

/// A file of 3000 extensions takes a second on a busy machine.
const ANSWER: Duration = Duration::from_mins(1);
/// The extensions of one batch.
const EXTENSIONS: u32 = 3000;
/// Texts in a run that does not say.
const TEXTS: usize = 12_000;
/// Files of hostile lines that model and Asterisk both read.
const RAW: u64 = 3000;

/// A second Asterisk in the PBX's namespaces, that only reads configuration files and says what it read.
struct Judge {
    folder: PathBuf,
    connection: BufReader<TcpStream>,
}

const SETUP: [(&str, &str); 4] = [
    (
        "asterisk.conf",
        "[directories]\nastetcdir = /var/lib/ecqx/judge\nastvarlibdir = /tmp/judge\nastdbdir = /tmp/judge\nastkeydir = /tmp/judge\n\
         astspooldir = /tmp/judge\nastrundir = /tmp/judge\nastlogdir = /tmp/judge\nastdatadir = /usr/share/asterisk\n",
    ),
    ("modules.conf", "[modules]\nautoload = no\n"),
    ("logger.conf", "[general]\n[logfiles]\n"),
    (
        "manager.conf",
        "[general]\nenabled = yes\nbindaddr = 127.0.0.1\nport = 5039\n\n[judge]\nsecret = judge\nread =\nwrite = system,config\n",
    ),
];

impl Judge {
    async fn start(pbx: &Pbx) -> Result<Self> {
        let folder = pbx.data().join("judge");
        std::fs::create_dir(&folder)?;
        for (name, content) in SETUP {
            std::fs::write(folder.join(name), content)?;
        }
        let made = pbx.run(&["mkdir", "/tmp/judge"]).await?;
        ensure!(made.status.success(), "{made:?}");
        let started = pbx.run(&["/usr/sbin/asterisk", "-C", "/var/lib/ecqx/judge/asterisk.conf"]).await?;
        ensure!(started.status.success(), "{started:?}");
        pbx.eventually("the judge answers", async || Ok(pbx.inside(|| async { Ok(dial().await?) }).await.is_ok()))
            .await?;
        let stream = pbx.inside(|| async { Ok(dial().await?.into_std()?) }).await?;
        let mut judge = Self { folder, connection: BufReader::new(TcpStream::from_std(stream)?) };
        let mut greeting = String::new();
        judge.connection.read_line(&mut greeting).await?;
        let login = judge.ask("Action: Login\r\nUsername: judge\r\nSecret: judge\r\nEvents: off\r\n\r\n").await?;
        ensure!(login.starts_with("Response: Success"), "{login}");
        Ok(judge)
    }

    async fn ask(&mut self, action: &str) -> Result<String> {
        self.connection.write_all(action.as_bytes()).await?;
        let mut answer = Vec::new();
        while !answer.ends_with(b"\r\n\r\n") {
            let read = timeout(ANSWER, self.connection.read_until(b'\n', &mut answer)).await??;
            ensure!(read > 0, "the judge has gone after {}", String::from_utf8_lossy(&answer));
        }
        Ok(String::from_utf8_lossy(&answer).into_owned())
    }

    /// What Asterisk reads in a file; `None` when it refuses it.
    async fn read(&mut self, name: &str, content: &[u8]) -> Result<Option<Vec<Category>>> {
        std::fs::write(self.folder.join(name), content)?;
        let answer = self.ask(&format!("Action: GetConfig\r\nFilename: {name}\r\n\r\n")).await?;
        if answer.starts_with("Response: Error\r\nMessage: Config file has invalid format") {
            return Ok(None);
        }
        let lines = answer.strip_prefix("Response: Success\r\n").with_context(|| answer.clone())?;
        let mut categories: Vec<Category> = Vec::new();
        for line in lines.split("\r\n") {
            let Some((key, value)) = line.split_once(": ") else { continue };
            if key.starts_with("Category-") {
                categories.push(Category { name: value.to_owned(), variables: Vec::new() });
            } else if key.starts_with("Line-") {
                let (name, value) = value.split_once('=').context("a variable without a value")?;
                let category = categories.last_mut().context("a variable without a category")?;
                category.variables.push((name.to_owned(), value.to_owned()));
            }
        }
        Ok(Some(categories))
    }
}

async fn dial() -> std::io::Result<TcpStream> {
    let mut stream = TcpStream::connect("127.0.0.1:5039").await?;
    // It listens before it reads.
    let _ = stream.read(&mut []).await?;
    Ok(stream)
}

fn texts() -> usize {
    std::env::var("ECQX_FUZZ_TEXTS").ok().and_then(|texts| texts.parse().ok()).unwrap_or(TEXTS)
}

#[tokio::test]
async fn asterisk_reads_what_was_meant_whatever_the_names_and_addresses_are() {
    let pbx = Pbx::start(Files::of(1)).await.unwrap();
    let mut judge = Judge::start(&pbx).await.unwrap();
    let first: u64 = std::env::var("ECQX_FUZZ_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(1);
    let (mut judged, mut seed) = (0, first);
    while judged < texts() {
        let batch = Batch::new(seed, EXTENSIONS);
        for name in JUDGED {
            let plain = config_text::parse(batch.plain(name).as_bytes()).unwrap();
            let read = judge.read(name, batch.file(name).as_bytes()).await.unwrap().expect("Asterisk takes the file");
            batch.judge(name, &read, &plain).unwrap_or_else(|error| panic!("seed {seed}: {error}"));
            assert!(
                config_text::parse(batch.file(name).as_bytes()) == Ok(read),
                "seed {seed}: {name}: the model differs"
            );
        }
        judged += batch.texts();
        seed += 1;
    }
    println!("{judged} hostile texts, judged by Asterisk");
}

/// Lines that nobody made inert: here Asterisk and the model must misunderstand the same.
fn raw(hostile: &mut Hostile) -> String {
    let mut file = format!("[first]\nplain = {}\n", hostile.name());
    for index in 0..6 {
        let line = match index % 3 {
            0 => format!("[{}]\n", hostile.name()),
            1 => format!("{} = {}\n", hostile.name(), hostile.email()),
            _ => format!("name{index} => {}\n", hostile.name()),
        };
        file.push_str(&line);
    }
    file + "[last]\nplain = yes\n"
}

#[tokio::test]
async fn the_model_reads_raw_hostile_files_as_asterisk_does() {
    let pbx = Pbx::start(Files::of(1)).await.unwrap();
    let mut judge = Judge::start(&pbx).await.unwrap();
    let (mut compared, mut refused) = (0, 0);
    for seed in 0..RAW {
        let file = raw(&mut Hostile::new(seed));
        let model = config_text::parse(file.as_bytes());
        if matches!(model, Err(Fault::Leads(_) | Fault::Inherits(_) | Fault::Endless(_))) {
            continue;
        }
        let read = judge.read("raw.conf", file.as_bytes()).await;
        let read = read.unwrap_or_else(|error| panic!("seed {seed}: {file:?}: {error:#}"));
        assert_eq!(model.ok(), read, "seed {seed}: {file:?}");
        compared += 1;
        refused += u64::from(read.is_none());
    }
    println!("{compared} raw files read alike, {refused} of them refused by both");
    assert!(compared > RAW / 3 && refused > 0, "{compared} {refused}");
}
