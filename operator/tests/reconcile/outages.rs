//! Operator, API server and name server die in every order, and come back in every order: names are right throughout and after.

use ecqx_crds::condition;
use serde_json::json;

use crate::{NS, names::NameServer, rig::Rig, stand_in::StandIn};

#[derive(Clone, Copy, Debug)]
enum Part {
    Operator,
    ApiServer,
    NameServer,
}

use Part::{ApiServer, NameServer as Dns, Operator};

const ORDERS: [[Part; 3]; 6] = [
    [Operator, ApiServer, Dns],
    [Operator, Dns, ApiServer],
    [ApiServer, Operator, Dns],
    [ApiServer, Dns, Operator],
    [Dns, Operator, ApiServer],
    [Dns, ApiServer, Operator],
];

async fn kill(part: Part, rig: &mut Rig, server: &mut NameServer) {
    match part {
        Operator => rig.kill_operator().await,
        ApiServer => rig.control_plane().stop_api_server().unwrap(),
        Dns => server.kill().await,
    }
}

fn start(part: Part, rig: &mut Rig, server: &mut NameServer) {
    match part {
        Operator => rig.start_operator(),
        ApiServer => rig.control_plane().start_api_server().unwrap(),
        Dns => server.start(rig),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_dies_in_whatever_order_names_are_right_throughout_and_changes_come_after() {
    let mut server = NameServer::new();
    let mut rig = Rig::start_asking(&json!({}), Some(server.http)).await;
    server.start(&rig);
    rig.namespace(NS).await;
    rig.instance(NS, "stays", "stays").await;
    rig.instance(NS, "moves", "moves").await;
    let (stays, moves) =
        (StandIn::start(&rig.client, NS, "stays").await, StandIn::start(&rig.client, NS, "moves").await);
    for name in ["stays", "moves"] {
        rig.until(NS, name, condition::DNS_PUBLISHED, "True").await;
    }
    let (name, there) = ("stays.epygicloud.com", vec![stays.address()]);
    rig.eventually("the zone is on disk", async || {
        server.has_kept(&stays.address()) && server.has_kept(&moves.address())
    })
    .await;
    let mut is_suspended = false;
    for (n, order) in ORDERS.into_iter().enumerate() {
        for part in order {
            kill(part, &mut rig, &mut server).await;
            if let Some(addresses) = server.addresses(name).await {
                assert_eq!(addresses, there, "{part:?} is dead, of {order:?}");
            }
        }
        assert_eq!(server.addresses(name).await, None, "all are dead");
        // In another order than they died in.
        for part in ORDERS[(n + 3) % ORDERS.len()] {
            start(part, &mut rig, &mut server);
            rig.eventually("it is up", async || !matches!(part, Dns) || server.addresses(name).await.is_some()).await;
            if let Some(addresses) = server.addresses(name).await {
                assert_eq!(addresses, there, "{part:?} is back after {order:?}");
            }
        }
        is_suspended = !is_suspended;
        rig.patch(NS, "moves", json!({ "spec": { "suspended": is_suspended } })).await;
        let wanted = if is_suspended { Vec::new() } else { vec![moves.address()] };
        rig.eventually(&format!("what changed after {order:?} is served"), async || {
            server.addresses("moves.epygicloud.com").await.as_ref() == Some(&wanted)
        })
        .await;
        assert_eq!(server.addresses(name).await.unwrap(), there);
    }
    rig.stop().await;
}
