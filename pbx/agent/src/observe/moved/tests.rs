use rstest::rstest;

use super::*;
use Step::{Start, Stop};

fn row(id: &str, name: &str, bridge: &str) -> Event {
    let fields = [("Channel", name), ("Uniqueid", id), ("BridgeId", bridge)];
    Event { name: "CoreShowChannel".into(), fields: fields.into_iter().collect() }
}

/// `a` for always, `+` for each recording, `*` where the code was dialled, `p` with a place, `r` for a room.
fn party(text: &str) -> Party {
    let has = |letter| text.contains(letter);
    let recordings = text.matches('+').count();
    let wish = match (has('r'), has('a')) {
        (true, _) => Wish::Never,
        (_, true) => Wish::Always,
        _ => Wish::None,
    };
    Party { wish, asked: has('*'), recordings, placed: has('p') }
}

#[rstest]
#[case::nobody_wants_it("", "", &[])]
#[case::one_always("", "a", &[Start(1)])]
#[case::the_other_always("a", "", &[Start(0)])]
#[case::it_runs("a", "+p", &[])]
#[case::it_runs_on_its_own("a+p", "", &[])]
#[case::left_over("+p", "", &[Stop(0)])]
#[case::both_left_over("+p", "+p", &[Stop(0), Stop(1)])]
#[case::asked_for("*+p", "", &[])]
#[case::asked_for_once("*", "", &[])]
#[case::asked_for_and_left_over("+p", "*+p", &[Stop(0)])]
#[case::recorded_in_both("a+p", "a+p", &[Stop(1)])]
#[case::without_a_place("a+", "", &[Stop(0), Start(0)])]
#[case::one_of_two_without_a_place("a+", "+p", &[Stop(0)])]
#[case::asked_for_without_a_place("*+", "", &[Stop(0), Start(1)])]
#[case::twice_in_one("a++p", "", &[Stop(0), Start(0)])]
#[case::just_being_taken("a", "p", &[])]
#[case::somebody_dials_the_code_just_now("", "p", &[])]
#[case::a_room_is_no_call("a+p", "r", &[Stop(0)])]
#[case::a_room_is_not_recorded("a", "r", &[])]
fn a_call_is_recorded_once_if_somebody_wants_it(#[case] first: &str, #[case] second: &str, #[case] steps: &[Step]) {
    assert_eq!(judge(&[party(first), party(second)]), steps);
}

#[test]
fn who_is_alone_loses_only_recordings_without_a_place() {
    let lost = ["+p", "p", "+", "*+", "++p", "a"].map(|text| has_lost(party(text)));
    assert_eq!(lost, [false, false, true, true, true, false]);
}

#[test]
fn a_call_is_found_once_when_only_two_are_left_at_two_looks() {
    let mut moved = Moved::default();
    moved.note("a".into());
    moved.note("c".into());
    let (a, b, c) = (row("a", "PJSIP/101-1", "x"), row("b", "PJSIP/102-2", "x"), row("c", "PJSIP/103-3", "x"));
    assert_eq!(moved.find(&[a.clone(), b, c.clone()]), [], "who transfers is still there");
    assert_eq!(moved.find(&[a.clone(), c.clone()]), [], "and may have gone a moment ago");
    let found = moved.find(&[c, a]);
    let [Found::Call([first, second])] = &found[..] else { panic!("{found:?}") };
    assert_eq!((first.name.as_str(), second.extension()), ("PJSIP/101-1", Some("103")));
    assert!(moved.is_empty());
}

#[test]
fn who_is_alone_is_looked_at_until_ten_seconds_have_gone_and_who_has_gone_never() {
    let mut moved = Moved::default();
    moved.note("a".into());
    moved.note("gone".into());
    for _ in 0..LOOKS {
        let found = moved.find(&[row("a", "PJSIP/101-1", ""), row("b", "PJSIP/102-2", "")]);
        assert_eq!(found, [Found::Alone(Channel { id: "a".into(), name: "PJSIP/101-1".into() })]);
    }
    assert!(moved.is_empty());
}

#[test]
fn a_room_is_known_by_its_channel() {
    let room = Channel { id: "1".into(), name: "Local/801@rooms-00000000;1".into() };
    assert!(room.is_room() && room.extension().is_none());
}
