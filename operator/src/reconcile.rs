//! One look at one instance, from what is there to what should be, in five named steps. I/O: through the steps.

use std::{sync::Arc, time::Duration};

use ecqx_crds::{
    EcqxInstance, EcqxInstanceStatus, InstanceTerm, TrialClaim,
    condition::{self, reason},
};
use ecqx_domain::{hostname::HostnameError, item::Item};
use jiff::{SignedDuration, Timestamp};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::{
    Resource,
    runtime::{
        controller::Action,
        reflector::{Lookup, ObjectRef},
    },
};

use crate::{
    build::{self, Provider, dns_endpoint},
    context::{Context, LONGEST_LOOK, LONGEST_REQUEUE, after_conflict, backoff, until},
    naming::{Handed, Name, Naming, Served},
    rollout::Decision,
    status::{self, Finding, Observed, finding},
    trials::{self, TrialClaimed},
    validate::{ValidateError, ValidatedInstance, validate},
};
use apply::ApplyError;
use claim::Claim;
use dereference::{DereferenceError, Dereferenced};
use update_status::UpdateStatusError;

pub mod apply;
pub mod claim;
pub mod dereference;
mod drain;
mod name_change;
pub mod observe;
pub mod retention;
mod rollout;
pub mod update_status;

/// How soon an agent that is about to apply new limits is asked again.
const SOON: Duration = Duration::from_millis(400);
/// How soon an agent that has refused them, or does not answer, is asked again.
const LATER: Duration = Duration::from_secs(5);

/// How soon one is asked again that has no certificate: nobody tells when the kubelet has brought it.
const SELDOM: Duration = Duration::from_secs(20);

/// How long an agent is asked soon; one that takes longer is not about to apply anything.
const PATIENCE: SignedDuration = SignedDuration::from_mins(1);

/// Why a reconcile did not come to its end; it is tried again, with backoff.
#[derive(Debug, thiserror::Error)]
pub enum ReconcileError {
    /// Reading what is there.
    #[error(transparent)]
    Dereference(#[from] DereferenceError),
    /// Building what should be.
    #[error("cannot write the limits file as JSON: {0}")]
    Build(#[from] serde_json::Error),
    /// Writing what should be.
    #[error(transparent)]
    Apply(#[from] ApplyError),
    /// Saying what holds.
    #[error(transparent)]
    UpdateStatus(#[from] UpdateStatusError),
    /// Waiting for the API server.
    #[error("no end within {} s: the API server does not answer", LONGEST_LOOK.as_secs())]
    TooLong(#[from] tokio::time::error::Elapsed),
}

impl ReconcileError {
    /// True when another writer was ahead.
    fn is_conflict(&self) -> bool {
        match self {
            Self::Apply(error) => error.is_conflict(),
            Self::UpdateStatus(error) => error.is_conflict(),
            _ => false,
        }
    }
}

/// Where a reconcile ended.
struct Outcome {
    status: EcqxInstanceStatus,
    requeue: Duration,
    /// Whether a write was refused; it is tried again with backoff.
    refused: bool,
    /// The instance whose pod is to be replaced.
    replace: Option<ValidatedInstance>,
}

/// Brings one instance nearer to what is wanted.
///
/// # Errors
/// When a read or a write fails; every step can be repeated.
pub async fn reconcile(instance: Arc<EcqxInstance>, ctx: Arc<Context>) -> Result<Action, ReconcileError> {
    // What is being deleted belongs to the garbage collector, what is paused to whoever paused it.
    if instance.metadata.deletion_timestamp.is_some() || instance.spec.paused {
        return Ok(Action::await_change());
    }
    let requeue = tokio::time::timeout(LONGEST_LOOK, Box::pin(look(&instance, &ctx))).await??;
    Ok(requeue.map_or_else(Action::await_change, Action::requeue))
}

/// The five steps; then how soon to look again, or nothing for an instance that has gone.
async fn look(instance: &EcqxInstance, ctx: &Context) -> Result<Option<Duration>, ReconcileError> {
    let now = ctx.clock.now();
    let Some(there) = dereference::dereference(instance, ctx).await? else { return Ok(None) };
    let outcome = match validate(instance, &there.known(), &ctx.settings, now) {
        Ok(validated) => Box::pin(bring_about(instance, validated, &there, ctx, now)).await?,
        Err(error) => stalled(instance, vec![refusal(&error)], now),
    };
    if outcome.status.addresses.is_empty() {
        apply::withdraw(instance, &there, ctx).await?;
    }
    update_status::update_status(instance, outcome.status, ctx).await?;
    // Last: nobody is led to a pod that goes.
    if let (Some(validated), Some(pod)) = (&outcome.replace, &there.pod) {
        rollout::replace(validated, pod, ctx).await?;
    }
    if !outcome.refused {
        ctx.failed_instances.forget(&instance.to_object_ref(()));
    }
    Ok(Some(outcome.requeue))
}

/// What follows a failure.
#[allow(clippy::needless_pass_by_value)] // the signature is kube's
pub fn on_error(instance: Arc<EcqxInstance>, error: &ReconcileError, ctx: Arc<Context>) -> Action {
    if error.is_conflict() {
        tracing::debug!(%error, "the view was behind; looking again");
        return Action::requeue(after_conflict(
            &ctx.failed_instances,
            instance.to_object_ref(()),
            &ctx.stores.instances,
        ));
    }
    let wait = match error {
        // Nobody tells when the Secret of an earlier instance has gone: it is not watched.
        ReconcileError::Apply(ApplyError::NotYetGone { .. }) => failed(&instance, &ctx).min(LATER),
        _ => failed(&instance, &ctx),
    };
    let object: ObjectRef<EcqxInstance> = instance.to_object_ref(());
    tracing::warn!(%object, %error, retry_in_seconds = wait.as_secs(), "reconcile failed");
    Action::requeue(wait)
}

fn failed(instance: &EcqxInstance, ctx: &Context) -> Duration {
    backoff(&ctx.failed_instances, instance.to_object_ref(()), &ctx.stores.instances)
}

async fn bring_about(
    instance: &EcqxInstance,
    mut validated: ValidatedInstance,
    there: &Dereferenced,
    ctx: &Context,
    now: Timestamp,
) -> Result<Outcome, ReconcileError> {
    let trial_claim = match claims(instance, &validated, ctx).await? {
        Claims::Held { trial } => trial,
        Claims::Refused(why) => return Ok(stalled(instance, vec![why], now)),
    };
    drain::settle(&mut validated, there, ctx).await;
    let desired = build::build(&validated, Provider { defaults: &ctx.pbx, rules: &ctx.settings.pbx })?;
    // What is refused is told; the PBX that runs is looked at all the same.
    let refused = match Box::pin(apply::apply(&validated, desired, there, ctx)).await {
        Ok(()) => None,
        Err(error) if error.is_refusal() => Some(error.to_string()),
        Err(error) => return Err(error.into()),
    };
    // Due when nothing uses it any more.
    validated.life.data_is_due &= !validated.runs && there.pod.is_none();
    delete_due_data(instance, &validated, ctx).await?;
    let mut observed = Observed { refused, ..observe::observe(&validated, there.pod.as_deref(), ctx).await };
    let nudged = observed.refused.is_none() && apply::nudge_kubelet(&validated, &observed, there, ctx).await?;
    let previous = instance.status.clone().unwrap_or_default();
    observed.name = name(&validated, &observed, there, ctx).await;
    let decision = rollout::decide(&validated, there, &observed, &previous, ctx, now);
    observed.rollout = Some(rollout::told(&decision));
    let outlook = name_change::outlook(&validated, &decision, ctx.naming.ttl, now);
    observed.records_change_at = outlook.near;
    let status = status::of_running(&validated, &observed, &previous, instance.metadata.generation, now);
    hand_over(&validated, &status, there, ctx).await?;
    if let (Some(claim), Some(ready_at)) = (trial_claim, &status.first_ready_at)
        && validated.life.facts.trial.is_none()
    {
        // The claim tells its watchers, and this instance is looked at again with its trial: one place works out what follows.
        trials::start(&claim, ready_at.0, ctx.settings.lifecycle.trial, ctx).await?;
    }
    let refused = observed.refused.is_some();
    let dates = [rollout::next_look(&decision, &validated, now), outlook.next_look];
    let requeue = match ask_again(&status, nudged, now) {
        _ if refused => failed(instance, ctx),
        Some(soon) => soon,
        None if drain::is_waiting(&validated, there) => LATER,
        None => until(dates.into_iter().flatten().min(), ctx.clock.now()),
    };
    // While something is refused, only a pod that is not at work is replaced.
    let replace = (decision == Decision::Replace).then_some(validated);
    Ok(Outcome { status, requeue, refused, replace })
}

/// Deletes the data of an instance that has ended, once.
async fn delete_due_data(
    instance: &EcqxInstance,
    validated: &ValidatedInstance,
    ctx: &Context,
) -> Result<(), ReconcileError> {
    let is_done = instance.status.as_ref().is_some_and(|status| status.data_deleted_at.is_some());
    if validated.life.data_is_due && !is_done {
        retention::delete_data_of(instance, &validated.names, ctx).await?;
    }
    Ok(())
}

/// Brings the name to those who publish it in our place, where there are such.
async fn hand_over(
    instance: &ValidatedInstance,
    status: &EcqxInstanceStatus,
    there: &Dereferenced,
    ctx: &Context,
) -> Result<(), ReconcileError> {
    if ctx.naming.hands_over {
        let ttl = ctx.naming.ttl.at(status.records_change_at.is_some());
        let endpoint = dns_endpoint::build(instance, &status.addresses, status.sips, ttl);
        apply::hand_over(instance, endpoint, there, ctx).await?;
    }
    Ok(())
}

/// Where its name stands, where that can be known: asked of our own name servers, or seen in what was handed over.
async fn name(instance: &ValidatedInstance, observed: &Observed, there: &Dereferenced, ctx: &Context) -> Option<Name> {
    let Naming { name_servers, hands_over, .. } = &ctx.naming;
    match name_servers {
        Some(_) if instance.reach.published(&observed.addresses).is_empty() => Some(Name::Served(Served::Unknown)),
        Some(servers) => Some(Name::Served(servers.ask(&instance.namespace, &instance.name).await)),
        None => hands_over.then(|| Name::HandedOver(there.dns_endpoint.as_ref().map(Handed::of))),
    }
}

/// Whether an instance has what only one can have.
enum Claims {
    /// All of it; with its trial's claim, where it is on trial.
    Held { trial: Option<Arc<TrialClaim>> },
    /// Something is another's.
    Refused(Finding),
}

/// Claims the trial, then the name: an instance that may not be tried takes no name.
async fn claims(
    instance: &EcqxInstance,
    validated: &ValidatedInstance,
    ctx: &Context,
) -> Result<Claims, ReconcileError> {
    let trial = match instance.spec.term {
        InstanceTerm::Paid => None,
        InstanceTerm::Trial => match trials::claim(instance, Item::Ecqx, ctx).await? {
            TrialClaimed::Held(claim) => Some(claim),
            // One that has begun runs to its own end, whatever the claim would be called now.
            TrialClaimed::Used if validated.life.facts.trial.is_some() => None,
            TrialClaimed::Used => {
                let message = "the one trial of an ecQX has been used; set spec.term to Paid with a paid order";
                let why = finding(condition::TRIAL_ELIGIBLE, false, reason::TRIAL_USED, message);
                return Ok(Claims::Refused(why));
            }
        },
    };
    // A name that has been let go is not taken again by the instance that had it.
    let known = ctx.stores.claims.get(&ObjectRef::new(&validated.fqdn));
    let is_over = validated.life.name_is_released || validated.life.ended_at.is_some() && known.is_none();
    if !is_over && let Claim::Taken = claim::claim(instance, validated, ctx).await? {
        // Whoever holds it is not named: another reseller's business is nobody's else.
        let message = format!("{} is held by another instance; choose another hostname", validated.fqdn);
        let why = finding(condition::HOSTNAME_CLAIMED, false, reason::HOSTNAME_TAKEN, message);
        return Ok(Claims::Refused(why));
    }
    Ok(Claims::Held { trial })
}

fn stalled(instance: &EcqxInstance, why: Vec<Finding>, now: Timestamp) -> Outcome {
    let previous = instance.status.clone().unwrap_or_default();
    let status = status::of_stalled(why, &previous, instance.meta().generation, now);
    Outcome { status, requeue: LONGEST_REQUEUE, refused: false, replace: None }
}

fn refusal(error: &ValidateError) -> Finding {
    let (type_, reason) = match error {
        ValidateError::Hostname(HostnameError::Reserved { .. }) => {
            (condition::HOSTNAME_CLAIMED, reason::HOSTNAME_RESERVED)
        }
        ValidateError::Configuration(error) => (condition::CONFIGURATION_ACCEPTED, error.reason()),
        _ => (condition::HOSTNAME_CLAIMED, reason::INVALID),
    };
    finding(type_, false, reason, error.to_string())
}

/// How soon the agent and the name servers are asked again; nobody tells when they have taken up what is new. What else is
/// awaited, a watch tells.
fn ask_again(status: &EcqxInstanceStatus, nudged: bool, now: Timestamp) -> Option<Duration> {
    let of = |type_: &str| status.conditions.iter().find(|c| c.type_ == type_);
    let is_new = |c: &Condition| now.duration_since(c.last_transition_time.0) < PATIENCE;
    let agent = of(condition::LICENSES_APPLIED).and_then(|applied| match applied.reason.as_str() {
        _ if nudged => Some(SOON),
        reason::LIMITS_PENDING if is_new(applied) => Some(SOON),
        reason::LIMITS_PENDING | reason::LIMITS_REFUSED | reason::NO_ANSWER => Some(LATER),
        _ => None,
    });
    let certificate = of(condition::TLS_READY).filter(|c| c.status == "False").map(|_| SELDOM);
    let name = of(condition::DNS_PUBLISHED).and_then(|published| match published.reason.as_str() {
        reason::PROGRESSING if is_new(published) => Some(SOON),
        reason::PROGRESSING | reason::NO_ANSWER => Some(LATER),
        reason::PUBLISHED | reason::NOT_IN_SERVICE => None,
        reason::HANDED_OVER if published.status == "True" => None,
        _ => Some(SELDOM),
    });
    [agent, certificate, name].into_iter().flatten().min()
}
