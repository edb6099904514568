//! Replicas that agree on the serial over HTTP.

use std::sync::Arc;

use ecqx_dns::{Snapshot, agreement, book::Event, http, metrics::Metrics, publish::Publisher};
use tokio::sync::mpsc;

use crate::{settings, until};

#[tokio::test]
async fn a_replica_asks_the_others_and_takes_over_the_serial_of_the_one_ahead() {
    let (ours, theirs) = (Snapshot::default(), Snapshot::default());
    let mut other = Publisher::new(settings(), Arc::clone(&theirs));
    other.enter([Event::ListBegins, Event::ListEnds(170)]).await.unwrap();
    let listener = http::bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let served = http::Served { versions: other.versions(), held: other.held() };
    let serving = tokio::spawn(http::serve(listener, theirs, Metrics::default(), served));

    let mut own = Publisher::new(settings(), Arc::clone(&ours));
    let (proposals, others) = mpsc::channel(1);
    let asking = tokio::spawn(agreement::ask(address, own.versions(), proposals));
    let (events, received) = mpsc::channel(2);
    events.send(Event::ListBegins).await.unwrap();
    events.send(Event::ListEnds(100)).await.unwrap();
    let stream = futures::stream::unfold(received, async |mut received| Some((received.recv().await?, received)));
    let following = tokio::spawn(async move { own.follow(stream, others).await });
    until("the serial is the other's", async || ours.load().as_ref().is_some_and(|zone| zone.serial() == 170)).await;
    drop(events);
    following.await.unwrap().unwrap();
    asking.abort();
    serving.abort();
}
