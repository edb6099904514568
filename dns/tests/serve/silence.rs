//! An API server whose connection dies without a word: the watch is given up, and taken up again where it stood.

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

/// Answers a list; the first watch hears nothing, the second of an instance.
async fn answer(mut stream: TcpStream, watches: Arc<AtomicUsize>) {
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
    if watches.fetch_add(1, Ordering::SeqCst) > 0 {
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

async fn api_server() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let watches = Arc::new(AtomicUsize::new(0));
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            tokio::spawn(answer(stream, Arc::clone(&watches)));
        }
    });
    address
}

#[tokio::test]
async fn a_watch_that_has_died_without_a_word_is_taken_up_again_soon_and_where_it_stood() {
    let address = api_server().await;
    let config = kube::Config::new(format!("http://{address}").parse().unwrap());
    let client = kube::Client::try_from(config).unwrap();
    let mut events = pin!(watch::events(client, "epygicloud.com".to_owned(), Arc::default()));
    let begin = Instant::now();
    assert!(matches!(events.next().await, Some(Event::ListBegins)));
    assert!(matches!(events.next().await, Some(Event::ListEnds(100))));
    let event = tokio::time::timeout(Duration::from_secs(30), events.next()).await;
    assert!(matches!(event, Ok(Some(Event::Changed(_, _, 105)))), "{event:?}");
    assert!(begin.elapsed() < Duration::from_secs(25), "it took {:?}", begin.elapsed());
}
