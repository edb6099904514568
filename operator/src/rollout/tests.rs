//! When a pod goes, and what it waits for.

use ecqx_domain::pbx::PbxDocument;
use k8s_openapi::api::{
    apps::v1::StatefulSetStatus,
    core::v1::{ContainerState, ContainerStateWaiting, PodCondition, PodStatus},
};
use rstest::rstest;

use super::*;

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// 5 minutes of drain, 4 hours of deadline.
fn provider() -> PbxRules {
    PbxDocument::default().try_into().unwrap()
}

/// Saturdays, 02:00 to 04:00.
fn window() -> Window {
    Window::new(&["Saturday".to_owned()], "02:00", "2h", "UTC").unwrap()
}

fn decided(pod: PodState, calls: Calls, window: Option<&Window>, now: &str) -> Decision {
    let situation = Situation { pod, calls, since: Some(at("2026-11-27T12:00:00Z")) };
    decide(situation, Rules { window, window_is_wrong: false, provider: &provider() }, at(now))
}

const IDLE: Calls = Calls::InProgress(0);
const BUSY: Calls = Calls::InProgress(2);

#[rstest]
#[case::as_wanted(PodState::Current, IDLE, Decision::Keep)]
#[case::going(PodState::Going, IDLE, Decision::Going)]
#[case::without_calls(PodState::Outdated, IDLE, Decision::Replace)]
#[case::with_calls(PodState::Outdated, BUSY, waits_for(BUSY, "2026-11-27T16:00:00Z"))]
#[case::nobody_answers(PodState::Outdated, Calls::Unknown, waits_for(Calls::Unknown, "2026-11-27T16:00:00Z"))]
#[case::broken(PodState::Broken, Calls::Unknown, Decision::Replace)]
fn without_a_window_a_pod_goes_between_two_calls(
    #[case] pod: PodState,
    #[case] calls: Calls,
    #[case] expected: Decision,
) {
    assert_eq!(decided(pod, calls, None, "2026-11-27T12:30:00Z"), expected);
}

fn waits_for(calls: Calls, until: &str) -> Decision {
    Decision::Wait(Reason::Calls { calls, until: at(until) })
}

#[test]
fn calls_without_end_are_drained_when_the_deadline_has_passed() {
    assert_ne!(decided(PodState::Outdated, BUSY, None, "2026-11-27T15:59:59Z"), Decision::Replace);
    assert_eq!(decided(PodState::Outdated, BUSY, None, "2026-11-27T16:00:00Z"), Decision::Replace);
}

#[rstest]
#[case::before_it(IDLE, "2026-11-28T01:59:59Z", Decision::Wait(Reason::Window { opens: at("2026-11-28T02:00:00Z") }))]
#[case::in_it(IDLE, "2026-11-28T02:00:00Z", Decision::Replace)]
#[case::in_it_with_calls(BUSY, "2026-11-28T02:00:00Z", waits_for(BUSY, "2026-11-28T03:55:00Z"))]
#[case::near_its_end_they_are_drained(BUSY, "2026-11-28T03:55:00Z", Decision::Replace)]
#[case::after_it(BUSY, "2026-11-28T04:00:00Z", Decision::Wait(Reason::Window { opens: at("2026-12-05T02:00:00Z") }))]
fn with_a_window_a_pod_goes_within_it(#[case] calls: Calls, #[case] now: &str, #[case] expected: Decision) {
    assert_eq!(decided(PodState::Outdated, calls, Some(&window()), now), expected);
}

#[test]
fn a_broken_pod_waits_for_no_window() {
    assert_eq!(decided(PodState::Broken, Calls::Unknown, Some(&window()), "2026-11-27T12:00:00Z"), Decision::Replace);
}

#[test]
fn a_window_that_nobody_understands_holds_the_pod() {
    let situation = Situation { pod: PodState::Outdated, calls: IDLE, since: None };
    let rules = Rules { window: None, window_is_wrong: true, provider: &provider() };
    let now = at("2026-11-27T12:00:00Z");
    assert_eq!(decide(situation, rules, now), Decision::Wait(Reason::UnknownWindow));
    assert_eq!(decide(Situation { pod: PodState::Broken, ..situation }, rules, now), Decision::Replace);
}

fn pod(revision: &str) -> Pod {
    let mut pod = Pod::default();
    pod.metadata.labels = Some([(REVISION.to_owned(), revision.to_owned())].into());
    pod
}

fn set(observed: i64) -> StatefulSet {
    let mut set = StatefulSet::default();
    set.metadata.generation = Some(2);
    set.status = Some(StatefulSetStatus {
        observed_generation: Some(observed),
        update_revision: Some("new".to_owned()),
        ..StatefulSetStatus::default()
    });
    set
}

fn waiting(reason: &str) -> Pod {
    let waiting = ContainerStateWaiting { reason: Some(reason.to_owned()), message: None };
    let state = ContainerState { waiting: Some(waiting), ..ContainerState::default() };
    let container = ContainerStatus { state: Some(state), ..ContainerStatus::default() };
    let mut pod = pod("old");
    pod.status = Some(PodStatus { container_statuses: Some(vec![container]), ..PodStatus::default() });
    pod
}

fn unschedulable() -> Pod {
    let condition = PodCondition {
        type_: "PodScheduled".to_owned(),
        status: "False".to_owned(),
        reason: Some("Unschedulable".to_owned()),
        ..PodCondition::default()
    };
    let mut pod = pod("old");
    pod.status = Some(PodStatus { conditions: Some(vec![condition]), ..PodStatus::default() });
    pod
}

#[rstest]
#[case::of_the_newest_template(pod("new"), PodState::Current)]
#[case::of_an_older_one(pod("old"), PodState::Outdated)]
#[case::crashing(waiting("CrashLoopBackOff"), PodState::Broken)]
#[case::without_its_image(waiting("ImagePullBackOff"), PodState::Broken)]
#[case::starting(waiting("ContainerCreating"), PodState::Outdated)]
#[case::without_a_node(unschedulable(), PodState::Broken)]
fn a_pod_is_judged_by_its_revision_and_its_containers(#[case] pod: Pod, #[case] expected: PodState) {
    assert_eq!(state_of(Some(&pod), Some(&set(2))), expected);
}

#[test]
fn a_template_that_the_statefulset_controller_has_not_seen_is_not_judged_by() {
    assert_eq!(state_of(Some(&pod("old")), Some(&set(1))), PodState::Unjudged);
    let decided = |since| {
        let situation = Situation { pod: PodState::Unjudged, calls: IDLE, since };
        decide(
            situation,
            Rules { window: None, window_is_wrong: false, provider: &provider() },
            at("2026-11-27T12:00:00Z"),
        )
    };
    assert_eq!(decided(None), Decision::Keep);
    assert_eq!(
        decided(Some(at("2026-11-27T11:00:00Z"))),
        Decision::Wait(Reason::Verdict),
        "it has been waiting all along"
    );
}

#[test]
fn a_pod_that_starts_or_ends_counts_as_being_replaced_for_a_while() {
    let made = at("2026-11-27T12:00:00Z");
    let mut pod = pod("new");
    pod.metadata.creation_timestamp = Some(k8s_openapi::apimachinery::pkg::apis::meta::v1::Time(made));
    assert!(pace::is_being_replaced(&pod, made + SignedDuration::from_secs(119)));
    assert!(!pace::is_being_replaced(&pod, made + SignedDuration::from_secs(121)), "its trouble is its own");
    pod.metadata.deletion_timestamp = pod.metadata.creation_timestamp.clone();
    assert!(pace::is_being_replaced(&pod, made + SignedDuration::from_secs(60)));
    assert!(
        !pace::is_being_replaced(&pod, made + SignedDuration::from_hours(1)),
        "its node is lost, and holds nobody up"
    );
}
