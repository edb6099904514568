//! Somebody who asks for every name all the time, and notes each answer that is wrong or missing. Sockets.

use std::{
    net::{SocketAddr, UdpSocket},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::JoinHandle,
    time::Duration,
};

/// How often a query is sent before it counts as unanswered, as a resolver does it; this is some seconds.
const TRIES: u32 = 20;

/// What was found.
#[derive(Debug, Default)]
pub struct Asked {
    pub count: usize,
    pub faults: Vec<String>,
}

/// A thread that asks.
pub struct Asking {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<Asked>,
}

impl Asking {
    /// Asks for so many names, of which the n-th leads to 203.0.113.n.
    pub fn begin(server: SocketAddr, names: u8) -> Self {
        let stop = Arc::<AtomicBool>::default();
        let told = Arc::clone(&stop);
        let thread = std::thread::spawn(move || {
            let mut asked = Asked::default();
            for n in (0..names).cycle().take_while(|_| !told.load(Ordering::Relaxed)) {
                asked.count += 1;
                match ask(server, n) {
                    Some(Ok(last)) if last == n => (),
                    other => asked.faults.push(format!("pbx-{n}: {other:?}")),
                }
                std::thread::sleep(Duration::from_millis(20));
            }
            asked
        });
        Self { stop, thread }
    }

    pub fn end(self) -> Asked {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().unwrap()
    }
}

/// The last octet of the address of a name, or the code of an answer without one; nothing when there is no answer.
pub fn ask(server: SocketAddr, n: u8) -> Option<Result<u8, u8>> {
    let label = format!("pbx-{n}");
    let mut query = vec![0x77, n, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, u8::try_from(label.len()).unwrap()];
    query.extend(label.as_bytes());
    query.extend(b"\x0aepygicloud\x03com\x00\x00\x01\x00\x01");
    (0..TRIES).find_map(|_| try_once(server, &query))
}

fn try_once(server: SocketAddr, query: &[u8]) -> Option<Result<u8, u8>> {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.connect(server).unwrap();
    socket.set_read_timeout(Some(Duration::from_millis(250))).unwrap();
    let mut answer = [0; 512];
    // While nobody listens, the kernel says so at once; a resolver waits.
    let received = socket.send(query).and_then(|_| socket.recv(&mut answer));
    let Ok(length) = received else {
        std::thread::sleep(Duration::from_millis(100));
        return None;
    };
    let address = answer[..length].windows(6).find(|octets| octets.starts_with(&[0, 4, 203, 0, 113]));
    Some(address.map(|octets| octets[5]).ok_or(answer[3] & 0x0f))
}
