//! An API server whose connection dies without a word, and one whose answers are cut off: the watch is given up, and taken up again
//! where it stood, without haste. The API server is a stand-in: the real one cannot be made to do this.

use std::{
    net::SocketAddr,
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use ecqx_dns::{book::Event, watch};
use futures::StreamExt;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

/// What becomes of a watch.
#[derive(Clone, Copy, PartialEq)]
enum Fault {
    /// The first hears nothing, the second of an instance.
    Silent,
    /// Each gets half a line and the end.
    CutOff,
}

/// Answers a list, and spoils a watch.
async fn answer(mut stream: TcpStream, watches: Arc<AtomicUsize>, fault: Fault) {
    let (mut request, mut buffer) = (Vec::new(), [0; 4096]);
    while !request.ends_with(b"\r\n\r\n") {
        let Ok(length @ 1..) = stream.read(&mut buffer).await else { return };
        request.extend_from_slice(&buffer[..length]);
    }
    let request = String::from_utf8(request).unwrap();
    if !request.contains("watch=true") {
        let list = json!({
            "apiVersion": "ecqx.epygicloud.com/v1alpha1", "kind": "EcqxInstanceList",
            "metadata": {"resourceVersion": "100"}, "items": [],
        });
        let body = list.to_string();
        let head = format!(
            "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
            body.len()
        );
        stream.write_all(format!("{head}{body}").as_bytes()).await.unwrap();
        return;
    }
    assert!(request.contains("resourceVersion=100"), "it goes on where it stood: {request}");
    stream
        .write_all(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n")
        .await
        .unwrap();
    let earlier = watches.fetch_add(1, Ordering::SeqCst);
    if fault == Fault::CutOff {
        // The client may have gone.
        let _ = stream.write_all(b"f\r\n{\"type\":\"ADDED\r\n0\r\n\r\n").await;
        return;
    }
    if earlier > 0 {
        let line = format!("{}\n", json!({"type": "ADDED", "object": instance()}));
        stream.write_all(format!("{:x}\r\n{line}\r\n", line.len()).as_bytes()).await.unwrap();
    }
    std::future::pending::<()>().await;
}

fn instance() -> Value {
    json!({
        "apiVersion": "ecqx.epygicloud.com/v1alpha1", "kind": "EcqxInstance",
        "metadata": {"name": "one", "namespace": "reseller", "resourceVersion": "105"},
        "spec": {"hostname": "syunikwin"},
        "status": {"fqdn": "syunikwin.epygicloud.com", "addresses": ["203.0.113.9"]},
    })
}

async fn api_server(watches: Arc<AtomicUsize>, fault: Fault) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            tokio::spawn(answer(stream, Arc::clone(&watches), fault));
        }
    });
    address
}

fn events(address: SocketAddr) -> impl futures::Stream<Item = Event> {
    let config = kube::Config::new(format!("http://{address}").parse().unwrap());
    let client = kube::Client::try_from(config).unwrap();
    watch::events(client, "epygicloud.com".to_owned(), Arc::default())
}

#[tokio::test]
async fn a_watch_that_has_died_without_a_word_is_taken_up_again_soon_and_where_it_stood() {
    let mut events = pin!(events(api_server(Arc::default(), Fault::Silent).await));
    let begin = Instant::now();
    assert!(matches!(events.next().await, Some(Event::ListBegins)));
    assert!(matches!(events.next().await, Some(Event::ListEnds(100))));
    let event = tokio::time::timeout(Duration::from_secs(30), events.next()).await;
    assert!(matches!(event, Ok(Some(Event::Changed(_, _, 105)))), "{event:?}");
    assert!(begin.elapsed() < Duration::from_secs(25), "it took {:?}", begin.elapsed());
}

#[tokio::test]
async fn watches_that_are_cut_off_at_once_are_taken_up_again_without_haste() {
    let watches = Arc::new(AtomicUsize::new(0));
    let mut events = pin!(events(api_server(Arc::clone(&watches), Fault::CutOff).await));
    assert!(matches!(events.next().await, Some(Event::ListBegins)));
    assert!(matches!(events.next().await, Some(Event::ListEnds(100))));
    let nothing = tokio::time::timeout(Duration::from_secs(4), events.next()).await;
    assert!(nothing.is_err(), "{nothing:?}");
    let count = watches.load(Ordering::SeqCst);
    assert!((2..=20).contains(&count), "{count} watches in 4 s");
}
