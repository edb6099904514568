//! Causes and effects, in words and in numbers.

use super::*;

const NOW: &str = "2026-09-12T00:00:00Z";

fn only(situation: &Situation) -> Upcoming {
    let mut all = upcoming(situation, at(NOW));
    assert_eq!(all.len(), 1, "{all:?}");
    all.remove(0)
}

#[test]
fn a_decrease_names_its_request_its_numbers_and_each_extension_that_it_disables() {
    let mut situation = fifteen();
    situation.facts.changes = vec![fewer_extensions()];
    let decrease = only(&situation);
    assert_eq!((decrease.event, decrease.at), (Event::Decrease, at("2026-10-01T00:00:00Z")));
    assert_eq!(decrease.cause, "request fewer: a decrease to 6");
    assert_eq!(decrease.quantity, Some(Step { feature: Feature::IpPhoneExtension, from: 15, to: 11 }));
    assert_eq!(decrease.disables, ["112", "113", "114", "115"]);
    assert_eq!(decrease.effect, "IpPhoneExtension goes from 15 to 11; 4 extensions are disabled, 112 to 115");
}

#[test]
fn one_extension_is_told_by_its_number() {
    let mut situation = fifteen();
    let ask = Ask::Decrease { new_quantity: 9 };
    situation.facts.changes = vec![Change { ask, ..fewer_extensions() }];
    assert_eq!(only(&situation).effect, "IpPhoneExtension goes from 15 to 14; extension 115 is disabled");
}

#[test]
fn extensions_that_are_disabled_already_are_not_told_again() {
    let mut situation = fifteen();
    situation.extensions.extend(["116".to_owned(), "117".to_owned()]);
    situation.facts.changes = vec![Change { ask: Ask::Decrease { new_quantity: 9 }, ..fewer_extensions() }];
    assert_eq!(only(&situation).disables, ["115"]);
    assert_eq!(forecast(&situation, at("2026-10-01T00:00:00Z")).disabled, ["115", "116", "117"]);
}

#[test]
fn an_unsubscription_takes_all_that_is_paid() {
    let mut situation = fifteen();
    situation.facts.changes = vec![Change { ask: Ask::Unsubscribe, ..fewer_extensions() }];
    let gone = only(&situation);
    assert_eq!(
        (gone.event.name(), gone.cause.as_str()),
        ("Unsubscription", "request fewer: the service is unsubscribed")
    );
    assert_eq!((gone.quantity.unwrap().to, gone.disables.len()), (5, 10));
}

#[test]
fn trials_of_features_and_promotions_end_and_grants_that_were_made_ahead_begin() {
    let mut situation = fifteen();
    let lent = |id: &str, term| {
        let until = Some(at("2026-09-20T00:00:00Z"));
        Grant {
            id: id.to_owned(),
            term,
            feature: Feature::CallRecording,
            quantity: 2,
            until,
            ..fifteen().facts.grants[0].clone()
        }
    };
    let ahead = Grant { granted_at: Some(at("2026-09-25T00:00:00Z")), until: None, ..lent("ahead", Term::Paid) };
    situation.facts.grants.extend([lent("try", Term::Trial), lent("autumn", Term::Promotion), ahead]);
    let listed = upcoming(&situation, at(NOW));
    let told: Vec<_> = listed.iter().map(|entry| (entry.event.name(), entry.cause.as_str())).collect();
    let wanted = [
        ("FeatureTrialEnd", "the trial of CallRecording is over"),
        ("PromotionEnd", "a promotion is over"),
        ("Grant", "grant ahead begins, which was made ahead"),
    ];
    assert_eq!(told, wanted);
    assert_eq!(listed[0].effect, "CallRecording goes from 4 to 0", "all of that instant taken together");
}

#[test]
fn a_trial_that_is_bought_at_its_end_is_a_purchase() {
    let mut situation = fifteen();
    let end = at("2026-09-20T00:00:00Z");
    let first = fifteen().facts.grants[0].clone();
    let trial =
        Grant { id: "try".to_owned(), term: Term::Trial, feature: Feature::CallRecording, until: Some(end), ..first };
    let bought = Grant { id: "buy".to_owned(), term: Term::Paid, granted_at: Some(end), until: None, ..trial.clone() };
    situation.facts.grants.extend([trial, bought]);
    let entry = only(&situation);
    assert_eq!((entry.event, entry.effect.as_str()), (Event::Grant, "CallRecording stays at 10"));
}

#[test]
fn milestones_name_their_cause() {
    let reminder = &upcoming(&on_trial(), at(NOW))[0];
    assert_eq!(reminder.cause, "the trial ends at 2026-10-01T00:00:00Z");
    let failed = Life { payment_failed_at: Some(at(NOW)), ..Life::new(OrderTerm::Paid) };
    let suspended = &upcoming(&Situation { life: failed, ..fifteen() }, at(NOW))[0];
    assert_eq!(suspended.cause, "a payment has been overdue since 2026-09-12T00:00:00Z");
}

#[test]
fn a_forecast_says_how_the_instance_will_stand() {
    let mut situation = on_trial();
    situation.facts = fifteen().facts;
    let before = forecast(&situation, at("2026-09-30T23:59:59Z"));
    assert_eq!((before.phase, before.cause, before.resolves, before.name_is_kept), (Phase::Trial, None, true, true));
    let ended = forecast(&situation, at("2026-10-01T00:00:00Z"));
    assert_eq!((ended.phase, ended.cause), (Phase::Ended, Some(Cause::TrialEnded)));
    assert_eq!((ended.resolves, ended.name_is_kept), (false, true));
    assert_eq!(ended.entitlements.quantity(Feature::IpPhoneExtension), 15, "what it would come back with");
    assert!(!forecast(&situation, at("2026-12-30T00:00:00Z")).name_is_kept);
}
