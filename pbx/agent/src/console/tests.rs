//! The console over real `WebSocket`s.

use std::time::Duration;

use futures::future::join_all;
use pbx_contract::{Activity, ConsoleMessage, ConsoleRefusal, ConsoleState};
use rstest::rstest;
use serde_json::json;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;

use super::Patience;
use pbx::{Pbx, patience, until, wanted};

mod pbx;
mod switchboard;
mod tls;

fn agent<'s>(state: &'s ConsoleState, extension: &str) -> &'s pbx_contract::AgentState {
    state.agents.iter().find(|agent| agent.extension == extension).unwrap()
}

fn numbers(state: &ConsoleState) -> Vec<&str> {
    state.queues.iter().map(|queue| queue.number.as_str()).collect()
}

#[tokio::test]
async fn an_agent_gets_its_queues_calls_from_its_login_to_its_end() {
    let pbx = Pbx::start(2).await;
    let mut client = pbx.connect().await;
    client.login("102", "pw-102").await;
    let welcome = ConsoleMessage::Welcome {
        id: Some(1),
        extension: "102".into(),
        agent_of: vec!["700".into(), "701".into()],
        supervisor_of: vec![],
    };
    assert_eq!(client.hear().await, welcome);
    let state = client.sees(|state| agent(state, "102").activity == Activity::Free).await;
    assert_eq!((numbers(&state), agent(&state, "101").activity), (vec!["700", "701"], Activity::Away));
    assert_eq!((pbx.board.in_queue("700"), pbx.board.in_queue("701")), (vec!["102".into()], vec!["102".to_owned()]));
    drop(client);
    until("the agent is no member", || pbx.board.in_queue("700").is_empty() && pbx.board.in_queue("701").is_empty())
        .await;
    assert_eq!(pbx.ports.taken(), 0);
}

#[tokio::test]
async fn of_an_agents_two_consoles_the_last_one_ends_its_membership() {
    let pbx = Pbx::start(2).await;
    let (first, mut second) = (pbx.login("101").await, pbx.login("101").await);
    second.sees(|state| agent(state, "101").activity == Activity::Free).await;
    drop(first);
    until("one port is free", || pbx.ports.taken() == 1).await;
    assert_eq!(second.outcome(json!({ "id": 2, "do": { "pause": {} } })).await, Ok(()));
    assert_eq!(pbx.board.in_queue("700"), ["101"]);
}

#[rstest]
#[case(2)]
#[case(152)]
#[case(300)]
#[tokio::test]
async fn of_so_many_at_once_exactly_as_many_are_let_in_as_there_are_ports(#[case] ports: u32) {
    let pbx = Pbx::start(ports).await;
    let answers = join_all((0..ports + 5).map(|_| pbx.try_login("101", "pw-101"))).await;
    let refused = answers
        .iter()
        .filter(|(_, answer)| matches!(answer, ConsoleMessage::Refused { code: ConsoleRefusal::NoFreePort, .. }));
    let welcome = answers.iter().filter(|(_, answer)| matches!(answer, ConsoleMessage::Welcome { .. }));
    assert_eq!((welcome.count(), refused.count()), (ports as usize, 5));
    assert_eq!(pbx.ports.taken(), ports);
    drop(answers);
    until("all ports are free", || pbx.ports.taken() == 0).await;
    pbx.login("101").await;
}

#[tokio::test]
async fn a_lowered_limit_cuts_nobody_off_and_lets_nobody_in_until_it_fits() {
    let pbx = Pbx::start(2).await;
    let (mut first, second) = (pbx.login("101").await, pbx.login("103").await);
    pbx.apply(wanted(1));
    assert_eq!(pbx.refusal("102", "pw-102").await, ConsoleRefusal::NoFreePort);
    assert_eq!(first.outcome(json!({ "id": 2, "do": { "pause": { "reason": "lunch" } } })).await, Ok(()));
    drop(second);
    until("one port is taken", || pbx.ports.taken() == 1).await;
    assert_eq!(pbx.refusal("102", "pw-102").await, ConsoleRefusal::NoFreePort);
    drop(first);
    until("no port is taken", || pbx.ports.taken() == 0).await;
    pbx.login("102").await;
}

#[rstest]
#[case("101", "pw-102", ConsoleRefusal::WrongCredentials)]
#[case("101", "", ConsoleRefusal::WrongCredentials)]
#[case("999", "pw-101", ConsoleRefusal::WrongCredentials)]
#[case("../101", "pw-101", ConsoleRefusal::WrongCredentials)]
#[case("", "", ConsoleRefusal::WrongCredentials)]
#[case("105", "pw-105", ConsoleRefusal::NoRole)]
#[case("106", "pw-106", ConsoleRefusal::NoRole)]
#[tokio::test]
async fn who_may_not_is_not_let_in(#[case] extension: &str, #[case] password: &str, #[case] why: ConsoleRefusal) {
    let pbx = Pbx::start(2).await;
    let (mut client, answer) = pbx.try_login(extension, password).await;
    assert!(matches!(answer, ConsoleMessage::Refused { id: Some(1), code, .. } if code == why), "{answer:?}");
    assert_eq!(client.next().await, None, "it is closed");
    assert_eq!(pbx.ports.taken(), 0);
}

#[tokio::test]
async fn without_a_bundle_and_before_the_limits_are_read_nobody_is_let_in() {
    let pbx = Pbx::start(0).await;
    assert_eq!(pbx.refusal("101", "pw-101").await, ConsoleRefusal::NoFreePort);
    pbx.status.send_modify(|status| status.applied = None);
    assert_eq!(pbx.refusal("101", "pw-101").await, ConsoleRefusal::NotReady);
}

#[tokio::test]
async fn an_empty_password_file_is_no_password() {
    let pbx = Pbx::start(1).await;
    std::fs::write(pbx.passwords().join("101.console"), "\n").unwrap();
    assert_eq!(pbx.refusal("101", "").await, ConsoleRefusal::WrongCredentials);
}

#[tokio::test]
async fn after_too_many_failures_an_address_is_refused_even_with_the_right_password() {
    let pbx = Pbx::start(2).await;
    let before = pbx.login("101").await;
    for _ in 0..3 {
        assert_eq!(pbx.refusal("102", "wrong").await, ConsoleRefusal::WrongCredentials);
    }
    assert_eq!(pbx.refusal("102", "pw-102").await, ConsoleRefusal::TooManyFailures);
    assert_eq!(pbx.ports.taken(), 1, "who is in stays in");
    drop(before);
}

#[tokio::test]
async fn an_agent_pauses_and_its_supervisor_reads_why() {
    let pbx = Pbx::start(2).await;
    let (mut anna, mut supervisor) = (pbx.login("101").await, pbx.login("103").await);
    assert_eq!(anna.outcome(json!({ "id": 2, "do": { "pause": { "reason": "lunch\n; 1 h" } } })).await, Ok(()));
    let state = supervisor.sees(|state| agent(state, "101").paused).await;
    assert_eq!(agent(&state, "101").reason.as_deref(), Some("lunch ; 1 h"));
    assert_eq!(supervisor.outcome(json!({ "id": 7, "do": { "resume": { "extension": "101" } } })).await, Ok(()));
    let state = anna.sees(|state| !agent(state, "101").paused && agent(state, "101").activity == Activity::Free).await;
    assert_eq!(agent(&state, "101").reason, None);
}

#[tokio::test]
async fn nobody_pauses_whom_it_does_not_supervise() {
    let pbx = Pbx::start(4).await;
    let (mut anna, mut other) = (pbx.login("101").await, pbx.login("104").await);
    let pause = |extension: &str| json!({ "id": 2, "do": { "pause": { "extension": extension } } });
    assert_eq!(anna.outcome(pause("102")).await, Err(ConsoleRefusal::NotAllowed));
    assert_eq!(other.outcome(pause("101")).await, Err(ConsoleRefusal::NotAllowed));
    assert_eq!(other.outcome(pause("104")).await, Err(ConsoleRefusal::NotAllowed));
    assert_eq!(other.outcome(pause("102")).await, Err(ConsoleRefusal::NotConnected));
}

#[tokio::test]
async fn each_sees_its_own_queues_alone() {
    let pbx = Pbx::start(4).await;
    *pbx.board.callers.lock().unwrap() = vec!["Carl <b>&".into()];
    pbx.board.happens("Event: QueueCallerJoin\r\n\r\n");
    let (mut supervisor, mut other) = (pbx.login("103").await, pbx.login("104").await);
    let state = supervisor.sees(|state| !state.queues[0].waiting.is_empty()).await;
    assert_eq!(numbers(&state), ["700"]);
    assert_eq!(state.agents.iter().map(|agent| agent.extension.as_str()).collect::<Vec<_>>(), ["101", "102", "106"]);
    let waiting = &state.queues[0].waiting[0];
    assert_eq!((waiting.number.as_deref(), waiting.name.as_deref()), (Some("90"), Some("Carl <b>&")));
    assert_eq!((state.queues[0].completed, state.queues[0].abandoned), (3, 1));
    let state = other.sees(|_| true).await;
    assert_eq!((numbers(&state), state.agents.len()), (vec!["701"], 1));
}

#[rstest]
#[case(true)]
#[case(false)]
#[tokio::test]
async fn a_supervisor_is_let_into_a_call_of_its_queue(#[case] answers: bool) {
    let pbx = Pbx::with(4, patience(), answers).await;
    let (mut anna, mut supervisor) = (pbx.login("101").await, pbx.login("103").await);
    let barge = |id: u32| json!({ "id": id, "do": { "barge": { "extension": "101", "mode": "whisper" } } });
    supervisor.sees(|state| agent(state, "101").activity == Activity::Free).await;
    assert_eq!(supervisor.outcome(barge(2)).await, Err(ConsoleRefusal::NoCall));
    pbx.board.change("700", "101", |member| member.in_call = true);
    supervisor.sees(|state| agent(state, "101").activity == Activity::InCall).await;
    assert_eq!(anna.outcome(barge(3)).await, Err(ConsoleRefusal::NotAllowed));
    assert_eq!(supervisor.outcome(barge(4)).await, Ok(()));
    let outcome = supervisor.hear_until(|message| match message {
        ConsoleMessage::Barge { id: 4, answered, .. } => Some(answered),
        _ => None,
    });
    assert_eq!(outcome.await, answers);
}

#[tokio::test]
async fn a_supervisor_is_not_let_into_a_call_of_a_queue_that_is_not_its_own() {
    let pbx = Pbx::start(4).await;
    let (_bella, mut supervisor, mut other) = (pbx.login("102").await, pbx.login("103").await, pbx.login("104").await);
    supervisor.sees(|state| agent(state, "102").activity == Activity::Free).await;
    pbx.board.change("700", "102", |member| member.in_call = true);
    supervisor.sees(|state| agent(state, "102").activity == Activity::InCall).await;
    let barge = json!({ "id": 2, "do": { "barge": { "extension": "102", "mode": "listen" } } });
    assert_eq!(other.outcome(barge).await, Err(ConsoleRefusal::NoCall));
}

#[tokio::test]
async fn who_loses_its_role_is_told_and_cut_off_and_who_changes_it_is_welcomed_anew() {
    let pbx = Pbx::start(4).await;
    let (mut anna, mut bella) = (pbx.login("101").await, pbx.login("102").await);
    let mut fewer = wanted(4);
    fewer.queues[0].agents = vec!["102".into()];
    fewer.queues[1].agents.clear();
    pbx.apply(fewer);
    assert_eq!(anna.farewell().await, ConsoleRefusal::NoRole);
    let agent_of = bella.hear_until(|message| match message {
        ConsoleMessage::Welcome { id: None, agent_of, .. } => Some(agent_of),
        _ => None,
    });
    assert_eq!(agent_of.await, ["700"]);
    until("members are the agents", || pbx.board.in_queue("700") == ["102"] && pbx.board.in_queue("701").is_empty())
        .await;
}

#[tokio::test]
async fn members_that_are_lost_are_added_again_with_their_pause() {
    let pbx = Pbx::start(1).await;
    let mut anna = pbx.login("101").await;
    assert_eq!(anna.outcome(json!({ "id": 2, "do": { "pause": { "reason": "lunch" } } })).await, Ok(()));
    pbx.board.members.lock().unwrap().clear();
    pbx.board.happens("Event: QueueMemberRemoved\r\n\r\n");
    until("the agent is back, paused", || {
        let members = pbx.board.members.lock().unwrap();
        members.values().any(|member| member.paused && member.reason == "lunch")
    })
    .await;
}

#[rstest]
#[case(Message::text("no json"))]
#[case(Message::text(r#"{"id":1,"do":{"reboot":{}}}"#))]
#[case(Message::text(r#"{"id":1,"do":{"pause":{"forever":true}}}"#))]
#[case(Message::text("[".repeat(3000)))]
#[case(Message::text("x".repeat(5000)))]
#[case(Message::binary(vec![1, 2, 3]))]
#[tokio::test]
async fn what_is_no_request_ends_the_connection(#[case] message: Message) {
    let pbx = Pbx::start(1).await;
    let mut stranger = pbx.connect().await;
    stranger.send(message.clone()).await;
    assert_eq!(stranger.farewell().await, ConsoleRefusal::Malformed);
    let mut anna = pbx.login("101").await;
    anna.send(message).await;
    assert_eq!(anna.farewell().await, ConsoleRefusal::Malformed);
    until("the port is free", || pbx.ports.taken() == 0).await;
}

#[tokio::test]
async fn the_first_request_is_a_login_and_the_only_one() {
    let pbx = Pbx::start(1).await;
    let mut stranger = pbx.connect().await;
    stranger.say(json!({ "id": 1, "do": { "pause": {} } })).await;
    assert_eq!(stranger.farewell().await, ConsoleRefusal::WrongCredentials);
    let mut anna = pbx.login("101").await;
    let again = json!({ "id": 2, "do": { "login": { "extension": "103", "password": "pw-103" } } });
    assert_eq!(anna.outcome(again).await, Err(ConsoleRefusal::AlreadyLoggedIn));
}

#[tokio::test]
async fn a_flood_of_requests_ends_the_connection() {
    let pbx = Pbx::start(1).await;
    let mut anna = pbx.login("101").await;
    for id in 0..40 {
        anna.say(json!({ "id": id, "do": { "resume": {} } })).await;
    }
    let refused = anna.hear_until(|message| match message {
        ConsoleMessage::Refused { id: None, code, .. } => Some(code),
        _ => None,
    });
    assert_eq!(refused.await, ConsoleRefusal::TooManyRequests);
}

#[tokio::test]
async fn who_does_not_log_in_does_not_stay() {
    let pbx = Pbx::with(1, Patience { login: Duration::from_millis(100), ..patience() }, true).await;
    assert_eq!(pbx.connect().await.farewell().await, ConsoleRefusal::Late);
}

#[tokio::test]
async fn silent_connections_beyond_all_places_end_and_make_room() {
    let pbx = Pbx::with(1, Patience { head: Duration::from_millis(300), ..patience() }, true).await;
    let silent = join_all((0..300).map(|_| TcpStream::connect(pbx.address))).await;
    assert!(silent.iter().all(Result::is_ok));
    pbx.login("101").await;
}

#[tokio::test]
async fn who_does_not_answer_a_ping_gives_its_port_back() {
    let short = Patience { ping: Duration::from_millis(50), silence: Duration::from_millis(300), ..patience() };
    let pbx = Pbx::with(1, short, true).await;
    // Nobody reads from it any more: it answers no ping.
    let _frozen = pbx.login("101").await;
    until("the port is free", || pbx.ports.taken() == 0).await;
    // One that is read from does answer, and stays.
    let mut alive = pbx.login("103").await;
    let watched = tokio::time::timeout(Duration::from_secs(1), alive.sees(|state| state.agents.is_empty()));
    assert!(watched.await.is_err() && pbx.ports.taken() == 1);
}

#[tokio::test]
async fn who_takes_nothing_is_cut_off_and_costs_the_others_nothing() {
    let pbx = Pbx::with(2, Patience { send: Duration::from_millis(300), ..patience() }, true).await;
    *pbx.board.callers.lock().unwrap() = vec!["A caller with a long name that fills the wire".into(); 2000];
    let (_slow, mut quick) = (pbx.login("101").await, pbx.login("103").await);
    let mut round = 0;
    while pbx.ports.taken() == 2 {
        round += 1;
        assert!(round < 500, "the kernel takes it all");
        let mut renamed = wanted(2);
        renamed.queues[0].name = Some(format!("Round {round}"));
        let name = renamed.queues[0].name.clone();
        pbx.apply(renamed);
        quick.sees(|state| state.queues[0].name == name).await;
    }
    assert_eq!(pbx.ports.taken(), 1);
}
