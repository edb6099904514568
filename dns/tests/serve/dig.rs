//! `dig` against the server under test. Starts the program and reads what it prints.

use std::{net::SocketAddr, process::Command};

/// What `dig` saw.
pub struct Seen {
    /// All that it printed.
    pub text: String,
}

/// Asks the server. The options are dig's own, such as `["syunikwin.epygicloud.com", "A", "+tcp"]`.
pub async fn dig(server: SocketAddr, options: &[&str]) -> Seen {
    let mut command = Command::new("dig");
    command.arg(format!("@{}", server.ip())).arg("-p").arg(server.port().to_string());
    command.args(["+timeout=2", "+tries=3", "+norecurse", "+nocookie", "+qr"]).args(options);
    let output = tokio::task::spawn_blocking(move || command.output()).await.unwrap();
    let output = output.expect("dig cannot be started; install it with `make setup` (Debian: bind9-dnsutils)");
    let text = String::from_utf8(output.stdout).unwrap();
    Seen { text }
}

impl Seen {
    /// The answer's part: dig also prints the query (`+qr`), so that a test's failure shows both.
    fn answer(&self) -> &str {
        self.text.split(";; Got answer:").last().unwrap_or_default()
    }

    /// The response code, such as `NXDOMAIN`.
    pub fn code(&self) -> &str {
        self.after("status: ").split(',').next().unwrap_or_default()
    }

    /// The header's flags, such as `qr aa`.
    pub fn flags(&self) -> &str {
        self.after(";; flags: ").split(';').next().unwrap_or_default()
    }

    /// The EDNS line, such as `version: 0, flags:; udp: 1232`; empty without EDNS.
    pub fn edns(&self) -> &str {
        self.after("; EDNS: ")
    }

    /// How many octets came.
    pub fn size(&self) -> usize {
        self.after(";; MSG SIZE  rcvd: ").parse().unwrap_or_default()
    }

    /// The records of a section (`ANSWER`, `AUTHORITY`, `ADDITIONAL`, `QUESTION`), one blank between their parts.
    pub fn section(&self, name: &str) -> Vec<String> {
        let lines = self.answer().lines().skip_while(|line| *line != format!(";; {name} SECTION:")).skip(1);
        let lines = lines.take_while(|line| !line.is_empty());
        lines.map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect()
    }

    fn after(&self, key: &str) -> &str {
        let rest = self.answer().split_once(key).map(|(_, rest)| rest);
        rest.and_then(|rest| rest.lines().next()).unwrap_or_default()
    }
}
