//! Events of the agent's helper processes, such as the one that mails a voicemail. Does I/O (a socket in the pod's run directory).

use std::io::ErrorKind;
use std::os::unix::net::UnixDatagram as Sender;
use std::path::Path;

use pbx_contract::event::SystemEvent;
use tokio::net::UnixDatagram;

use super::Events;

const SOCKET: &str = "events.sock";
/// An event is shorter.
const LENGTH_MAX: usize = 4096;

/// Tells the agent, if it is there.
pub fn tell(run_dir: &Path, event: &SystemEvent) {
    let sent = serde_json::to_vec(event).map_err(std::io::Error::from).and_then(|text| {
        let socket = Sender::unbound()?;
        socket.set_nonblocking(true)?;
        socket.send_to(&text, run_dir.join(SOCKET))
    });
    if let Err(error) = sent {
        tracing::warn!(%error, "the agent was not told of an event");
    }
}

/// Raises what is told, for as long as the agent lives.
pub async fn listen(run_dir: &Path, events: Events) {
    let path = run_dir.join(SOCKET);
    match std::fs::remove_file(&path) {
        Err(error) if error.kind() != ErrorKind::NotFound => tracing::warn!(%error, "an old socket is in the way"),
        _ => {}
    }
    let socket = match UnixDatagram::bind(&path) {
        Ok(socket) => socket,
        Err(error) => return tracing::error!(%error, path = %path.display(), "events of helper processes are lost"),
    };
    let mut text = vec![0; LENGTH_MAX];
    while let Ok(length) = socket.recv(&mut text).await {
        let event = serde_json::from_slice(&text[..length]);
        if let Ok(event @ (SystemEvent::VoicemailMailed { .. } | SystemEvent::VoicemailMailFailed { .. })) = event {
            events.raise(event);
        } else {
            tracing::warn!("something that is no event of a helper process was passed over");
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::{sleep, timeout};

    use super::*;

    #[tokio::test]
    async fn a_mail_that_failed_is_raised_and_anything_else_is_not() {
        let dir = tempfile::tempdir().unwrap();
        let (events, path) = (Events::in_memory(), dir.path().to_owned());
        let heard = events.clone();
        let listening = tokio::spawn(async move { listen(&path, heard).await });
        let there = async {
            while !dir.path().join(SOCKET).exists() {
                sleep(Duration::from_millis(5)).await;
            }
            tell(dir.path(), &SystemEvent::DiskFull { free: 0 });
            tell(dir.path(), &SystemEvent::VoicemailMailFailed { reason: "no relay".into() });
            while events.page(0, 10).events.is_empty() {
                sleep(Duration::from_millis(5)).await;
            }
        };
        timeout(Duration::from_secs(10), there).await.unwrap();
        let raised = events.page(0, 10).events;
        assert!(matches!(&raised[..], [event] if event.text.contains("no relay")), "{raised:?}");
        listening.abort();
    }
}
