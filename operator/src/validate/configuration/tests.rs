//! What a PBX can be, what it cannot, and what goes on then.

use ecqx_crds::{
    ConferenceRoom, EcqxInstance, Extension, MaintenanceWindow, Queue, QueueStrategy, RingGroup, RingStrategy,
};
use pbx_contract::ExtensionsFile;
use rstest::rstest;

use crate::{
    build::config_map,
    validate::{
        Known, Passwords, ValidatedInstance,
        tests::{instance, known, licenses, noon, settings, validated},
        validate,
    },
};

fn group(number: &str, members: &[&str]) -> RingGroup {
    let members = members.iter().map(|member| (*member).to_owned()).collect();
    RingGroup { number: number.into(), name: None, members, strategy: RingStrategy::All, ring_seconds: 20 }
}

fn queue(number: &str, agents: &[&str], supervisors: &[&str]) -> Queue {
    let all = |numbers: &[&str]| numbers.iter().map(|number| (*number).to_owned()).collect();
    Queue {
        number: number.into(),
        name: None,
        strategy: QueueStrategy::FewestCalls,
        agents: all(agents),
        supervisors: all(supervisors),
        ring_seconds: 15,
        wrap_up_seconds: 10,
        max_wait_seconds: 300,
    }
}

fn room(number: &str) -> ConferenceRoom {
    ConferenceRoom { number: number.into(), name: None }
}

fn rooms(file: &ExtensionsFile) -> Vec<&str> {
    file.conference_rooms.iter().map(|room| room.number.as_str()).collect()
}

#[test]
fn groups_rooms_and_queues_are_what_the_spec_says() {
    let mut wanted = instance("a");
    wanted.spec.pbx.ring_groups = vec![group("600", &["101", "105"])];
    wanted.spec.pbx.conference_rooms = vec![room("801"), room("802")];
    wanted.spec.pbx.queues = vec![queue("700", &["101"], &["102"])];
    let file = validated(&wanted, None).extensions;
    assert_eq!(file.ring_groups[0].members, ["101", "105"]);
    assert_eq!(rooms(&file), ["801", "802"]);
    assert_eq!(file.queues[0].strategy, pbx_contract::QueueStrategy::FewestCalls);
    assert_eq!((file.queues[0].agents[0].as_str(), file.queues[0].supervisors[0].as_str()), ("101", "102"));
}

#[test]
fn without_a_list_there_is_room_800_unless_that_number_stands_for_something_else() {
    assert_eq!(rooms(&validated(&instance("a"), None).extensions), ["800"]);
    let mut taken = instance("a");
    taken.spec.pbx.ring_groups = vec![group("800", &["101"])];
    assert!(rooms(&validated(&taken, None).extensions).is_empty());
    let mut listed = instance("a");
    listed.spec.pbx.extensions = vec![Extension::of("800")];
    assert!(rooms(&validated(&listed, None).extensions).is_empty());
}

#[test]
fn extensions_that_are_not_listed_go_round_the_numbers_of_groups_and_rooms() {
    let mut wanted = instance("a");
    wanted.spec.pbx.ring_groups = vec![group("103", &["101"])];
    let numbers: Vec<String> = validated(&wanted, None).extensions.extensions.into_iter().map(|e| e.number).collect();
    assert_eq!(numbers, ["101", "102", "104", "105", "106"]);
    let many = licenses(795);
    let file = validated(&instance("a"), Some(&many)).extensions;
    assert_eq!((file.extensions.len(), rooms(&file)), (800, vec!["800"]), "room 800 stays a room");
}

/// What is said of an instance whose PBX never was.
fn refused(wanted: &EcqxInstance) -> String {
    validate(wanted, &known(None), &settings(), noon()).unwrap_err().to_string()
}

fn changed(change: impl FnOnce(&mut ecqx_crds::PbxSpec)) -> EcqxInstance {
    let mut wanted = instance("a");
    change(&mut wanted.spec.pbx);
    wanted
}

#[rstest]
#[case::a_member(
    changed(|pbx| pbx.ring_groups = vec![group("600", &["101", "199"])]),
    "spec.pbx.ringGroups[number=600].members: there is no extension 199; add it to spec.pbx.extensions, or take it out here"
)]
#[case::an_agent(changed(|pbx| pbx.queues = vec![queue("700", &["600"], &[])]), "spec.pbx.queues[number=700].agents: there is no extension 600")]
#[case::a_supervisor(changed(|pbx| pbx.queues = vec![queue("700", &["101"], &["x"])]), "spec.pbx.queues[number=700].supervisors: there is no extension x")]
#[case::two_things(
    changed(|pbx| { pbx.ring_groups = vec![group("600", &["101"])]; pbx.conference_rooms = vec![room("600")]; }),
    "spec.pbx.conferenceRooms: 600 is a ring group's already; give one of them another number"
)]
#[case::keys_in_the_clear(
    changed(|pbx| {
        let media_encryption = ecqx_crds::MediaEncryption::Required;
        pbx.extensions = vec![Extension { media_encryption, ..Extension::of("102") }];
    }),
    "spec.pbx.extensions[number=102].mediaEncryption: Required needs SIP over TLS"
)]
fn what_cannot_be_is_refused_with_its_field_and_the_remedy(#[case] wanted: EcqxInstance, #[case] message: &str) {
    let said = refused(&wanted);
    assert!(said.contains(message), "{said}");
}

#[test]
fn a_number_that_was_handed_out_is_not_given_to_a_group() {
    let passwords = Passwords::of(&["103".to_owned()]);
    let wanted = changed(|pbx| pbx.ring_groups = vec![group("103", &["101"])]);
    let error = validate(&wanted, &Known { passwords, ..Known::default() }, &settings(), noon()).unwrap_err();
    assert!(error.to_string().contains("spec.pbx.ringGroups: 103 is an extension's already"), "{error}");
}

/// With the files of an earlier look beside it.
fn after(earlier: &EcqxInstance, wanted: &EcqxInstance, extensions: i32) -> ValidatedInstance {
    let files = config_map::build(&validated(earlier, None)).unwrap();
    let licenses = licenses(extensions);
    validate(wanted, &Known { files: Some(&files), ..known(Some(&licenses)) }, &settings(), noon()).unwrap()
}

#[test]
fn the_last_pbx_that_could_be_goes_on_and_its_limits_follow_the_licences() {
    let good = changed(|pbx| {
        pbx.extensions = vec![Extension::of("201"), Extension::of("202")];
        pbx.ring_groups = vec![group("600", &["201"])];
    });
    let bad = changed(|pbx| {
        pbx.extensions = vec![Extension::of("201")];
        pbx.ring_groups = vec![group("600", &["202"])];
    });
    let kept = after(&good, &bad, 7);
    assert_eq!(kept.extensions, validated(&good, None).extensions);
    assert_eq!(kept.limits.limits.ip_phone_extension, 12);
    assert_eq!(kept.limits.extensions, kept.extensions.generation);
    let refused = kept.refused.unwrap();
    assert_eq!(refused.reason, "NotFound");
    assert!(refused.message.contains("there is no extension 202"), "{}", refused.message);
}

#[test]
fn more_than_a_config_map_holds_is_refused_and_loses_nothing() {
    let named = |length: usize| {
        changed(|pbx| {
            let extension = |n: u32| Extension {
                name: Some("՞".repeat(length)),
                email: Some(format!("{}@example.net", "a".repeat(length * 2))),
                ..Extension::of(&n.to_string())
            };
            pbx.extensions = (10_000..13_000).map(extension).collect();
        })
    };
    assert!(named(20).spec.pbx.extensions.len() == 3000 && validated(&named(20), None).refused.is_none());
    let kept = after(&named(20), &named(80), 0);
    assert_eq!(kept.extensions, validated(&named(20), None).extensions);
    let refused = kept.refused.unwrap();
    assert_eq!(refused.reason, "TooLarge");
    assert!(refused.message.contains("a PBX can be given 1000000"), "{}", refused.message);
}

#[test]
fn a_window_in_an_unknown_zone_is_told_and_holds_nothing_but_rollouts_up() {
    let mut wanted = instance("a");
    let (start, duration) = ("02:00".to_owned(), "2h".to_owned());
    wanted.spec.maintenance_window =
        Some(MaintenanceWindow { days: vec![], start, duration, time_zone: "Mars/Olympus".to_owned() });
    let validated = validated(&wanted, None);
    assert!(validated.window_is_wrong && validated.extensions.extensions.len() == 5);
    let message = validated.refused.unwrap().message;
    assert!(message.starts_with("spec.maintenanceWindow.timeZone: \"Mars/Olympus\" is no time zone"), "{message}");
}
