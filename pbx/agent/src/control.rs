//! Asterisk's control socket, as `asterisk -rx` speaks it, without a process for each question. Does I/O (a socket).

use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::UnixStream;
use tokio::time::timeout;

pub mod answers;

/// An answer beyond this is cut; a line for each of 3000 extensions takes a tenth of it.
const ANSWER_MAX: u64 = 4 << 20;

/// Asterisk's command line.
#[derive(Clone, Debug)]
pub struct Control {
    socket: PathBuf,
}

/// Asterisk did not answer.
#[derive(Debug, thiserror::Error)]
pub enum ControlError {
    /// The socket could not be used.
    #[error("Asterisk did not answer `{command}` at {socket}: {error}")]
    Socket {
        /// What was asked.
        command: &'static str,
        /// Where.
        socket: PathBuf,
        /// Why not.
        error: std::io::Error,
    },
    /// It took too long.
    #[error("Asterisk did not answer `{command}` within {} s", .limit.as_secs())]
    Late {
        /// What was asked.
        command: &'static str,
        /// How long was waited.
        limit: Duration,
    },
}

impl Control {
    /// For the Asterisk that keeps its socket in this directory.
    pub fn new(run_dir: &Path) -> Self {
        Self { socket: run_dir.join("asterisk.ctl") }
    }

    /// Runs a command and gives what it prints. Commands are constants: nothing that anybody typed gets here.
    ///
    /// # Errors
    /// When Asterisk is not there, or does not answer in time.
    pub async fn run(&self, command: &'static str, limit: Duration) -> Result<String, ControlError> {
        match timeout(limit, self.exchange(command)).await {
            Ok(answer) => answer.map_err(|error| self.failed(command, error)),
            Err(_) => Err(ControlError::Late { command, limit }),
        }
    }

    /// Begins to record a channel into a file.
    ///
    /// # Errors
    /// When a name could be anything but one word, and as [`Control::run`].
    pub async fn record(&self, channel: &str, file: &Path, limit: Duration) -> Result<(), ControlError> {
        self.run_of("mixmonitor start", &[channel, &file.display().to_string()], limit).await.map(drop)
    }

    /// How many recordings of a channel run; none of one that has gone.
    ///
    /// # Errors
    /// As [`Control::record`].
    pub async fn recordings_of(&self, channel: &str, limit: Duration) -> Result<usize, ControlError> {
        let answer = self.run_of("mixmonitor list", &[channel], limit).await?;
        Ok(answers::recordings(&answer))
    }

    /// Runs a command with words that are not constants.
    async fn run_of(&self, command: &'static str, words: &[&str], limit: Duration) -> Result<String, ControlError> {
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/-._@;".contains(&byte);
        if !words.iter().all(|word| !word.is_empty() && word.bytes().all(is_plain)) {
            let error = std::io::Error::new(std::io::ErrorKind::InvalidInput, "a name is more than a word");
            return Err(self.failed(command, error));
        }
        match timeout(limit, self.exchange(&format!("{command} {}", words.join(" ")))).await {
            Ok(answer) => answer.map_err(|error| self.failed(command, error)),
            Err(_) => Err(ControlError::Late { command, limit }),
        }
    }

    fn failed(&self, command: &'static str, error: std::io::Error) -> ControlError {
        ControlError::Socket { command, socket: self.socket.clone(), error }
    }

    /// Asterisk greets with a line; "cli quit after" makes it close the connection after the answer.
    async fn exchange(&self, command: &str) -> std::io::Result<String> {
        let mut stream = BufReader::new(UnixStream::connect(&self.socket).await?);
        stream.read_line(&mut String::new()).await?;
        stream.write_all(format!("cli quit after {command}\0").as_bytes()).await?;
        let mut answer = Vec::new();
        stream.take(ANSWER_MAX).read_to_end(&mut answer).await?;
        Ok(String::from_utf8_lossy(&answer).into_owned())
    }
}

#[cfg(test)]
mod tests {
    use tokio::net::UnixListener;

    use super::*;

    #[tokio::test]
    async fn the_answer_follows_the_greeting_and_ends_with_the_connection() {
        let dir = tempfile::tempdir().unwrap();
        let listener = UnixListener::bind(dir.path().join("asterisk.ctl")).unwrap();
        let server = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            stream.write_all(b"host/1/22.10\n").await.unwrap();
            let mut question = vec![0; 64];
            let length = stream.read(&mut question).await.unwrap();
            stream.write_all(b"0 active calls\n").await.unwrap();
            String::from_utf8(question[..length].to_vec()).unwrap()
        });
        let answer = Control::new(dir.path()).run("core show channels count", Duration::from_secs(5)).await.unwrap();
        assert_eq!(answer, "0 active calls\n");
        assert_eq!(server.await.unwrap(), "cli quit after core show channels count\0");
    }

    #[tokio::test]
    async fn a_name_that_is_more_than_a_word_is_not_asked() {
        let control = Control::new(Path::new("/nowhere"));
        for channel in ["PJSIP/101 x", "PJSIP/101\0core", "PJSIP/101\ncore", "PJSIP/\"101", "PJSIP/101,x"] {
            let asked = control.record(channel, Path::new("/r/1.wav"), Duration::from_secs(1)).await;
            assert!(asked.unwrap_err().to_string().ends_with("a name is more than a word"), "{channel}");
        }
        let asked = control.record("PJSIP/101-00000001", Path::new("/r/1.wav"), Duration::from_secs(1)).await;
        assert!(!asked.unwrap_err().to_string().contains("more than a word"), "one that is a word is asked");
    }

    #[tokio::test]
    async fn silence_is_an_error_after_the_limit() {
        let dir = tempfile::tempdir().unwrap();
        let _listener = UnixListener::bind(dir.path().join("asterisk.ctl")).unwrap();
        let error = Control::new(dir.path()).run("core show uptime", Duration::from_millis(50)).await.unwrap_err();
        assert!(matches!(error, ControlError::Late { .. }));
    }
}
