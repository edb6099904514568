//! `pbx-agent sendmail` against a real SMTP server (Debian's python3-aiosmtpd).

#![allow(clippy::unwrap_used, clippy::panic)] // a test fails by panicking

use std::{
    io::{BufRead as _, BufReader, Write as _},
    net::TcpStream,
    process::{Child, Command, Output, Stdio},
    time::{Duration, Instant},
};

use ecqx_tests::ports::{self, Port};

struct Server {
    child: Child,
    port: Port,
}

impl Server {
    fn start() -> Self {
        let [port] = ports::lease().unwrap();
        let listen = port.on_loopback().to_string();
        let child = Command::new("/usr/bin/python3")
            .args(["-u", "-m", "aiosmtpd", "-n", "-l", &listen, "-c", "aiosmtpd.handlers.Debugging", "stdout"])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let started = Instant::now();
        while TcpStream::connect(port.on_loopback()).is_err() {
            assert!(started.elapsed() < Duration::from_secs(20), "no SMTP server: is python3-aiosmtpd installed?");
            std::thread::sleep(Duration::from_millis(50));
        }
        Self { child, port }
    }

    /// What the server printed of the first message.
    fn message(&mut self) -> String {
        let lines = BufReader::new(self.child.stdout.take().unwrap()).lines().map_while(Result::ok);
        lines.take_while(|line| !line.contains("END MESSAGE")).collect::<Vec<_>>().join("\n")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn sendmail(port: &Port, message: &str) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_pbx-agent"))
        .arg("sendmail")
        .env("ECQX_SMTP_RELAY", port.on_loopback().to_string())
        .env("ECQX_MAIL_FROM", "pbx@provider.example")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(message.as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}

#[test]
fn a_voicemails_mail_reaches_the_relay() {
    let mut server = Server::start();
    let message = "From: \"PBX\" <voicemail@a.epygicloud.com>\nTo: \"Ani\" <ani@noravank.example>\nSubject: New message\n\nHello\n.\nend\n";
    let output = sendmail(&server.port, message);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let taken = server.message();
    for part in ["Subject: New message", "To: \"Ani\" <ani@noravank.example>", "Hello\n.\nend"] {
        assert!(taken.contains(part), "{part} is missing in:\n{taken}");
    }
}

#[test]
fn a_relay_that_is_not_there_is_named() {
    let [port] = ports::lease().unwrap();
    let output = sendmail(&port, "To: ani@noravank.example\n\nHello\n");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success() && said.contains(&port.on_loopback().to_string()), "{said}");
}
