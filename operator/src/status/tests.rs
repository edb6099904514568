//! What is said of an instance in each state.

use rstest::rstest;

use super::*;
use crate::validate::tests::{instance, licenses, noon, validated};

fn agent(applied: &str) -> AgentStatus {
    AgentStatus { ready: true, applied_generation: Some(applied.to_owned()), ..AgentStatus::default() }
}

fn up(applied: &str) -> Observed {
    Observed {
        addresses: vec!["10.244.0.7".into()],
        pod_ready: true,
        agent: Some(agent(applied)),
        ..Observed::default()
    }
}

fn get<'a>(status: &'a EcqxInstanceStatus, type_: &str) -> &'a Condition {
    status.conditions.iter().find(|c| c.type_ == type_).unwrap()
}

fn running(validated: &ValidatedInstance, observed: &Observed, previous: &EcqxInstanceStatus) -> EcqxInstanceStatus {
    of_running(validated, observed, previous, Some(1), noon())
}

#[test]
fn at_first_sight_ready_is_unknown_and_nothing_is_published() {
    let status = running(&validated(&instance("a"), None), &Observed::default(), &EcqxInstanceStatus::default());
    assert_eq!(get(&status, condition::READY).status, "Unknown");
    assert_eq!(get(&status, condition::RECONCILING).status, "True");
    assert!(status.addresses.is_empty());
}

#[test]
fn a_ready_pod_with_these_limits_makes_the_instance_ready_and_publishes_its_address() {
    let validated = validated(&instance("a"), None);
    let status = running(&validated, &up(&validated.limits.generation), &EcqxInstanceStatus::default());
    assert_eq!(get(&status, condition::READY).status, "True");
    assert_eq!(get(&status, condition::LICENSES_APPLIED).status, "True");
    assert_eq!(status.addresses, ["10.244.0.7"]);
    assert_eq!(status.limits["IpPhoneExtension"], 5);
}

#[test]
fn a_pbx_that_says_it_is_ready_stays_published_while_the_kubelet_is_away() {
    let validated = validated(&instance("a"), None);
    let old = running(&validated, &up(&validated.limits.generation), &EcqxInstanceStatus::default());
    let away = Observed { pod_ready: false, ..up(&validated.limits.generation) };
    let status = running(&validated, &away, &old);
    assert_eq!(get(&status, condition::READY).status, "True");
    assert_eq!(status.addresses, ["10.244.0.7"]);
    let first = running(&validated, &away, &EcqxInstanceStatus::default());
    assert_eq!(get(&first, condition::READY).status, "Unknown", "at the start the kubelet has the say");
    let gone = running(&validated, &Observed { agent: None, ..away }, &old);
    assert_eq!(get(&gone, condition::READY).status, "False");
}

#[test]
fn a_pod_that_is_to_be_replaced_is_published_no_more() {
    let validated = validated(&instance("a"), None);
    let old = running(&validated, &up(&validated.limits.generation), &EcqxInstanceStatus::default());
    let told = (true, reason::REPLACING, "the pod is being replaced".to_owned());
    let observed = Observed { rollout: Some(told), ..up(&validated.limits.generation) };
    let status = running(&validated, &observed, &old);
    assert_eq!(get(&status, condition::READY).reason, reason::REPLACING);
    assert!(status.addresses.is_empty() && get(&status, condition::ROLLOUT_PENDING).status == "True");
}

#[test]
fn a_change_of_limits_does_not_take_a_ready_instance_out_of_service() {
    let (before, after) = (validated(&instance("a"), None), validated(&instance("a"), Some(&licenses(3))));
    let old = running(&before, &up(&before.limits.generation), &EcqxInstanceStatus::default());
    let status = running(&after, &up(&before.limits.generation), &old);
    assert_eq!(get(&status, condition::READY).status, "True");
    assert_eq!(get(&status, condition::LICENSES_APPLIED).reason, reason::LIMITS_PENDING);
    assert_eq!(get(&status, condition::RECONCILING).status, "True");
    assert_eq!(status.addresses, ["10.244.0.7"]);
}

#[test]
fn limits_that_the_pbx_refuses_are_reported_and_do_not_take_a_working_instance_out_of_service() {
    let (before, after) = (validated(&instance("a"), None), validated(&instance("a"), Some(&licenses(3))));
    let old = running(&before, &up(&before.limits.generation), &EcqxInstanceStatus::default());
    let problem =
        AgentStatus { ready: false, problem: Some("no password for 106".into()), ..agent(&before.limits.generation) };
    let refusing = Observed { pod_ready: false, agent: Some(problem), ..up("") };
    let status = running(&after, &refusing, &old);
    assert_eq!(get(&status, condition::READY).status, "True");
    assert_eq!(get(&status, condition::LICENSES_APPLIED).message, "no password for 106");
    assert_eq!(status.addresses, ["10.244.0.7"]);
    let never_ready = running(&after, &refusing, &EcqxInstanceStatus::default());
    assert_eq!(get(&never_ready, condition::READY).status, "Unknown");
}

#[test]
fn a_pod_that_was_ready_and_is_not_makes_ready_false_and_unpublishes() {
    let validated = validated(&instance("a"), None);
    let old = running(&validated, &up(&validated.limits.generation), &EcqxInstanceStatus::default());
    let gone = Observed { pod_waiting: Some("ImagePullBackOff".into()), ..Observed::default() };
    let status = running(&validated, &gone, &old);
    assert_eq!(get(&status, condition::READY).status, "False");
    assert_eq!(get(&status, condition::READY).message, "ImagePullBackOff");
    assert!(status.addresses.is_empty());
}

#[test]
fn a_ready_instance_whose_agent_cannot_be_asked_stays_published() {
    let validated = validated(&instance("a"), None);
    let old = running(&validated, &up(&validated.limits.generation), &EcqxInstanceStatus::default());
    let silent = Observed { agent: None, ..up("") };
    let status = running(&validated, &silent, &old);
    assert_eq!(get(&status, condition::READY).status, "True");
    assert_eq!(get(&status, condition::LICENSES_APPLIED).reason, reason::NO_ANSWER);
    assert_eq!(status.addresses, ["10.244.0.7"]);
    let never_ready = running(&validated, &silent, &EcqxInstanceStatus::default());
    assert_eq!(get(&never_ready, condition::READY).status, "Unknown");
}

#[test]
fn a_refused_write_is_told_and_does_not_take_a_working_instance_out_of_service() {
    let validated = validated(&instance("a"), None);
    let old = running(&validated, &up(&validated.limits.generation), &EcqxInstanceStatus::default());
    let refused = Some("StatefulSet refused: no such image".to_owned());
    let working = running(&validated, &Observed { refused: refused.clone(), ..up(&validated.limits.generation) }, &old);
    let of = |status: &EcqxInstanceStatus, type_| get(status, type_).status.clone();
    assert_eq!((of(&working, condition::READY), of(&working, condition::STALLED)), ("True".into(), "True".into()));
    assert_eq!(working.addresses, ["10.244.0.7"]);
    let new = running(&validated, &Observed { refused, ..Observed::default() }, &EcqxInstanceStatus::default());
    assert_eq!((of(&new, condition::READY), of(&new, condition::RECONCILING)), ("False".into(), "False".into()));
    assert_eq!(get(&new, condition::READY).message, "StatefulSet refused: no such image");
    assert_eq!(new.limits_generation, None);
}

#[test]
fn what_a_pod_says_breaks_no_line_and_fills_no_object() {
    let hostile = Observed { pod_waiting: Some(format!("a\nb\u{1b}[31m{}", "x".repeat(5000))), ..Observed::default() };
    let status = running(&validated(&instance("a"), None), &hostile, &EcqxInstanceStatus::default());
    let message = &get(&status, condition::READY).message;
    assert!(message.starts_with("a b [31mx") && message.chars().count() == 1000, "{message}");
}

#[test]
fn a_suspended_instance_publishes_nothing_and_says_so() {
    let mut suspended = instance("a");
    suspended.spec.suspended = true;
    let validated = validated(&suspended, None);
    let status = running(&validated, &up(&validated.limits.generation), &EcqxInstanceStatus::default());
    assert_eq!(get(&status, condition::READY).reason, reason::SUSPENDED);
    assert_eq!(get(&status, condition::SUSPENDED).status, "True");
    assert!(status.addresses.is_empty());
}

#[rstest]
#[case(2995, "False", "nothing is held back")]
#[case(2996, "True", "IpPhoneExtension: the sum of 3001 is over the maximum of 3000; 1 held back")]
fn what_is_over_the_maximum_is_named_with_sum_and_maximum(
    #[case] quantity: i32,
    #[case] status: &str,
    #[case] message: &str,
) {
    let found = held_back::finding_of(&validated(&instance("a"), Some(&licenses(quantity))).entitlements);
    assert_eq!((found.status, found.message.as_str()), (status, message));
}

#[test]
fn the_time_of_a_condition_moves_only_with_its_status() {
    let validated = validated(&instance("a"), None);
    let first = running(&validated, &Observed::default(), &EcqxInstanceStatus::default());
    let later = noon() + jiff::SignedDuration::from_hours(1);
    let second = of_running(&validated, &up(&validated.limits.generation), &first, Some(1), later);
    let time = |status: &EcqxInstanceStatus, type_| get(status, type_).last_transition_time.0;
    assert_eq!(time(&second, condition::READY), later);
    assert_eq!(time(&second, condition::HOSTNAME_CLAIMED), noon());
    assert_eq!(of_running(&validated, &up(&validated.limits.generation), &second, Some(1), later), second);
}
