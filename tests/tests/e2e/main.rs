//! The whole path on a real cluster: real API server, kubelet, Asterisk, DNS client, SIP phones, installed by Helm.
//!
//! One cluster serves all tests, one after the other, and ends with them. Run it by `make e2e`; `FILTER=words` chooses.

mod bridge;
mod calls;
mod entitlements;
mod exposure;
mod faults;
mod git_ops;
mod limits;
mod names;
mod rest;
mod rollout;
mod signed;
mod stage;
mod story;

use std::process::ExitCode;

use libtest_mimic::{Arguments, Trial};
use stage::Stage;

fn main() -> anyhow::Result<ExitCode> {
    let arguments = Arguments::from_args();
    let runtime = tokio::runtime::Runtime::new()?;
    let stage = if arguments.list { None } else { Some(runtime.block_on(Stage::set())?) };
    if stage.as_ref().is_some_and(|stage| !stage.runs_containers) {
        println!("nodes are simulated here: no PBX runs, so nothing of this suite can be shown\n0 passed, 0 failed");
        return Ok(ExitCode::from(77));
    }
    let trials = all().into_iter().map(|(name, test)| {
        let (stage, handle) = (stage.clone(), runtime.handle().clone());
        Trial::test(name, move || {
            let stage = stage.ok_or("no stage")?;
            handle.block_on(test(stage)).map_err(|error| format!("{error:?}").into())
        })
    });
    // One after the other: each looks at the whole cluster, and two cores are few.
    let conclusion = libtest_mimic::run(&Arguments { test_threads: Some(1), ..arguments }, trials.collect());
    if let Some(stage) = stage {
        runtime.block_on(stage.strike())?;
    }
    Ok(conclusion.exit_code())
}

type Test = fn(Stage) -> futures::future::LocalBoxFuture<'static, anyhow::Result<()>>;

macro_rules! tests {
    ($($module:ident::$name:ident),* $(,)?) => {
        vec![$((stringify!($name), (|stage| Box::pin($module::$name(stage))) as Test)),*]
    };
}

fn all() -> Vec<(&'static str, Test)> {
    tests![
        story::an_order_as_the_shop_sends_it_ends_in_registered_phones,
        bridge::the_same_order_twenty_times_ten_of_them_at_once_has_one_effect,
        bridge::orders_that_cannot_be_are_answered_and_held_and_make_nothing,
        git_ops::the_examples_applied_by_kubectl_give_the_same_without_the_bridge,
        names::two_instances_that_want_one_name_one_wins_and_the_other_says_so,
        calls::a_licence_more_registers_the_next_phone_while_a_call_goes_on_and_the_pod_stays,
        entitlements::a_trial_is_converted_during_a_call_and_nothing_is_interrupted,
        entitlements::a_trial_ends_during_a_call_which_goes_on_while_no_new_one_is_let_in,
        entitlements::a_decrease_takes_effect_while_phones_register_and_the_pod_stays,
        rollout::a_new_image_waits_for_a_call_of_a_minute_and_then_the_pod_changes,
        rollout::an_image_that_cannot_be_had_is_left_again_at_once,
        rollout::a_limit_changed_under_twenty_calls_cuts_none_and_is_kept_by_the_next_attempt,
        rollout::phones_and_limits_are_back_after_the_kubelet_was_away_and_the_pod_deleted,
        exposure::phones_call_through_the_address_of_a_load_balancer,
        exposure::phones_call_a_pbx_on_the_network_of_its_node,
        limits::of_nine_callers_at_once_four_are_let_into_the_conference_and_five_get_486_each_time,
        limits::of_eight_calls_at_once_all_go_through_and_three_are_recorded,
        signed::a_validating_client_believes_names_and_their_absence,
        names::a_suspended_instance_leaves_the_dns_and_comes_back_with_its_data,
        names::a_deleted_instance_takes_children_and_name_with_it_and_keeps_its_claim,
        faults::operator_and_bridge_killed_in_the_middle_come_to_the_same_end,
        faults::asterisk_killed_and_the_agent_killed_phones_and_limits_are_back_by_themselves,
        rest::twenty_instances_at_rest_for_two_minutes_cause_no_write,
    ]
}
