//! What the supervisor is told while it runs: signals, the end of its standard input, and lines on it. Reads standard input.

use std::io::BufRead;

use anyhow::{Context, Result};
use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    sync::mpsc,
};

/// What to do next.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Order {
    /// Take everything down.
    End,
    /// Look whether a part has ended.
    Look,
    /// Kill the named part, as an outage does.
    Stop(String),
    /// Start the named part again.
    Start(String),
}

/// Where orders come from.
#[derive(Debug)]
pub(super) struct Orders {
    interrupt: Signal,
    terminate: Signal,
    child: Signal,
    lines: mpsc::Receiver<String>,
    /// Kept open where standard input says nothing.
    _open: Option<mpsc::Sender<String>>,
}

impl Orders {
    /// Listens; to standard input only with `input`, and then its end is the order to end.
    pub(super) fn listen(input: bool) -> Result<Self> {
        let (sender, lines) = mpsc::channel(8);
        let open = if input {
            // A thread of its own: a blocked read of standard input cannot be given up.
            std::thread::spawn(move || read_lines(&sender));
            None
        } else {
            Some(sender)
        };
        let on = |kind| signal(kind).context("cannot listen for signals");
        Ok(Self {
            interrupt: on(SignalKind::interrupt())?,
            terminate: on(SignalKind::terminate())?,
            child: on(SignalKind::child())?,
            lines,
            _open: open,
        })
    }

    /// The next order.
    pub(super) async fn next(&mut self) -> Order {
        tokio::select! {
            _ = self.interrupt.recv() => Order::End,
            _ = self.terminate.recv() => Order::End,
            _ = self.child.recv() => Order::Look,
            line = self.lines.recv() => line.map_or(Order::End, |line| parse(&line)),
        }
    }

    /// Waits for the order to end, whatever else is said meanwhile.
    pub(super) async fn end(&mut self) {
        while self.next().await != Order::End {}
    }
}

fn read_lines(sender: &mpsc::Sender<String>) {
    for line in std::io::stdin().lock().lines() {
        let Ok(line) = line else { return };
        if sender.blocking_send(line).is_err() {
            return;
        }
    }
}

fn parse(line: &str) -> Order {
    match line.trim().split_once(' ') {
        Some(("stop", part)) => Order::Stop(part.to_owned()),
        Some(("start", part)) => Order::Start(part.to_owned()),
        _ => Order::Look,
    }
}
