//! Events as Asterisk 22 wrote them.

use rstest::rstest;

use super::*;

fn event(text: &str) -> Event {
    let mut lines = text.split('|').filter_map(|line| line.split_once(": ")).map(|(n, v)| (n.to_owned(), v.to_owned()));
    let (_, name) = lines.next().unwrap();
    Event { name, fields: lines.collect() }
}

fn hear(ears: &mut Ears, text: &str) -> Vec<Heard> {
    ears.hear(&event(text), &Enabled::from(["101".to_owned()]))
}

fn kinds(ears: &mut Ears, texts: &[&str]) -> Vec<&'static str> {
    let heard = texts.iter().flat_map(|text| hear(ears, text));
    heard.map(|heard| if let Heard::Event(event) = heard { event.kind().name } else { "no event" }).collect()
}

#[rstest]
#[case(
    "Event: ChallengeResponseFailed|AccountID: 102|RemoteAddress: IPV4/UDP/127.0.0.1/21020",
    "RegistrationRefusedPassword"
)]
#[case(
    "Event: ChallengeResponseFailed|AccountID: 102|RemoteAddress: IPV6/TLS/2001:db8::7/5061",
    "RegistrationRefusedPassword"
)]
#[case("Event: FailedACL|AccountID: anonymous|RemoteAddress: IPV4/UDP/127.0.0.1/21040", "RegistrationRefusedUnknown")]
#[case("Event: UserEvent|UserEvent: EcqxCallRefused|Extension: |Source: 192.0.2.7:5060", "CallRefusedUnknown")]
#[case("Event: UserEvent|UserEvent: EcqxCallRefused|Extension: 106|Source: 192.0.2.7:5060", "CallRefusedDisabled")]
#[case("Event: UserEvent|UserEvent: EcqxCallRefused|Extension: 101|Source: 192.0.2.7:5060", "CallRefusedSuspended")]
#[case("Event: ConfbridgeStart|Conference: 801", "ConferenceStarted")]
#[case("Event: QueueCallerJoin|Queue: 700", "QueueWithoutAgents")]
#[case("Event: QueueCallerAbandon|Queue: 700|HoldTime: 12", "QueueAbandoned")]
fn each_is_heard_for_what_it_is(#[case] text: &str, #[case] kind: &str) {
    assert_eq!(kinds(&mut Ears::default(), &[text]), [kind]);
}

#[test]
fn a_refusal_counts_for_its_feature_and_is_told() {
    let text = "Event: UserEvent|UserEvent: EcqxRefused|Feature: AudioConference|Extension: 101|Number: 801";
    let told = SystemEvent::ConferenceRefused { extension: "101".into(), room: "801".into() };
    assert_eq!(hear(&mut Ears::default(), text), [Heard::Refused("AudioConference".into()), Heard::Event(told)]);
}

#[test]
fn a_phone_that_moves_is_not_gone() {
    let mut ears = Ears::default();
    let status = |uri: &str, status: &str| format!("Event: ContactStatus|URI: {uri}|ContactStatus: {status}|AOR: 101");
    let (first, second) = ("sip:101@127.0.0.1:21000", "sip:101@127.0.0.1:21060");
    let texts = [status(first, "NonQualified"), status(second, "NonQualified"), status(first, "Removed")];
    assert_eq!(kinds(&mut ears, &texts.each_ref().map(String::as_str)), ["PhoneRegistered"]);
    assert_eq!(kinds(&mut ears, &[&status(second, "Removed"), &status(second, "Removed")]), ["PhoneGone"]);
    ears.know_contacts([("101", "sip:101@127.0.")]);
    assert_eq!(kinds(&mut ears, &[&status(first, "NonQualified")]), [""; 0], "it was there at the start");
    assert_eq!(kinds(&mut ears, &[&status(first, "Removed")]), ["PhoneGone"]);
}

#[test]
fn a_phone_that_answers_again_was_away_before() {
    let mut ears = Ears::default();
    let status = |status: &str| format!("Event: ContactStatus|URI: sip:101@h|ContactStatus: {status}|AOR: 101");
    let texts = ["Reachable", "Unreachable", "Unreachable", "Reachable", "Reachable"].map(status);
    let wanted = ["PhoneRegistered", "PhoneUnreachable", "PhoneReachable"];
    assert_eq!(kinds(&mut ears, &texts.each_ref().map(String::as_str)), wanted);
}

#[test]
fn a_queue_with_an_agent_is_no_news_and_each_agents_state_is() {
    let mut ears = Ears::default();
    let member = |name: &str, more: &str| format!("Event: {name}|Queue: 700|Interface: PJSIP/101{more}");
    let texts = [
        member("QueueMemberAdded", ""),
        "Event: QueueCallerJoin|Queue: 700".into(),
        member("QueueMemberPause", "|Paused: 1|PausedReason: lunch"),
        member("QueueMemberPause", "|Paused: 0"),
        member("QueueMemberRemoved", ""),
        "Event: QueueCallerJoin|Queue: 700".into(),
    ];
    let wanted = ["AgentLoggedIn", "AgentPaused", "AgentResumed", "AgentLoggedOut", "QueueWithoutAgents"];
    assert_eq!(kinds(&mut ears, &texts.each_ref().map(String::as_str)), wanted);
}

#[test]
fn one_message_more_is_news() {
    let mut ears = Ears::default();
    let texts =
        ["1", "1", "2", "0"].map(|new| format!("Event: MessageWaiting|Mailbox: 101@ecqx|Waiting: 1|New: {new}|Old: 0"));
    assert_eq!(kinds(&mut ears, &texts.each_ref().map(String::as_str)), ["VoicemailLeft"; 2]);
}

#[test]
fn places_are_counted_by_their_pool() {
    let text = "Event: UserEvent|UserEvent: EcqxPlace|Pool: recording|Taken: 3";
    assert_eq!(hear(&mut Ears::default(), text), [Heard::Taken { pool: "recording".into(), places: 3 }]);
}
