//! The trials of features, each given once (§6 of the guide). I/O: `TrialClaim`s.
//!
//! A trial that came with the instance's own starts with it, at the first readiness; one for an instance that is ready already
//! starts when its grant is first seen.

use std::collections::{BTreeMap, BTreeSet};

use ecqx_crds::{
    EcqxInstance, Grant, GrantRecord, LicenseSet,
    condition::{self, reason},
};
use ecqx_domain::{feature::Feature, item::Item, ledger::Term, lifecycle::Trial};
use jiff::Timestamp;

use crate::{
    context::{Context, whole_seconds},
    reconcile::apply::ApplyError,
    status::{Finding, finding},
    trials::{self, TrialClaimed},
};

/// How the trial of one grant stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FeatureTrial {
    /// It counts; with its time once it has started.
    Held(Option<Trial>),
    /// The trial of that feature was used before.
    Used(Feature),
}

/// Claims the trial of each feature that is tried, and starts those whose time has come; by the grants' ids.
pub(super) async fn claim_all(
    licenses: &LicenseSet,
    instance: &EcqxInstance,
    ctx: &Context,
    now: Timestamp,
) -> Result<BTreeMap<String, FeatureTrial>, ApplyError> {
    let mut all = BTreeMap::new();
    for (feature, grants) in by_feature(licenses) {
        let (first, later) = split(grants, licenses);
        let counts_from = first.iter().map(|grant| first_seen(grant, licenses, now)).min().unwrap_or(now);
        let trial = claim(feature, counts_from, instance, ctx, now).await?;
        all.extend(first.into_iter().map(|grant| (grant.id.clone(), trial)));
        all.extend(later.into_iter().map(|grant| (grant.id.clone(), FeatureTrial::Used(feature))));
    }
    Ok(all)
}

fn by_feature(licenses: &LicenseSet) -> BTreeMap<Feature, Vec<&Grant>> {
    let mut all: BTreeMap<Feature, Vec<&Grant>> = BTreeMap::new();
    for grant in licenses.spec.grants.iter().filter(|grant| grant.term == Term::Trial) {
        all.entry(grant.feature).or_default().push(grant);
    }
    all
}

/// The grant that was there first, with those of the same order, and the others: an instance tries a feature once, too.
fn split<'a>(mut grants: Vec<&'a Grant>, licenses: &LicenseSet) -> (Vec<&'a Grant>, Vec<&'a Grant>) {
    grants.sort_by_key(|grant| (first_seen(grant, licenses, Timestamp::MAX), grant.id.as_str()));
    let Some(first) = grants.first().copied() else { return (Vec::new(), Vec::new()) };
    let is_same =
        |grant: &&Grant| grant.id == first.id || grant.order_ref.is_some() && grant.order_ref == first.order_ref;
    grants.into_iter().partition(is_same)
}

/// When the grant was first seen, or from when it was written to count.
fn first_seen(grant: &Grant, licenses: &LicenseSet, otherwise: Timestamp) -> Timestamp {
    let recorded = licenses.status.as_ref().and_then(|status| {
        let of_grant = |record: &&GrantRecord| record.id == grant.id;
        status.grants.iter().find(of_grant).map(|record| record.counts_from.0)
    });
    grant.granted_at.as_ref().map(|at| at.0).or(recorded).unwrap_or(otherwise)
}

async fn claim(
    feature: Feature,
    counts_from: Timestamp,
    instance: &EcqxInstance,
    ctx: &Context,
    now: Timestamp,
) -> Result<FeatureTrial, ApplyError> {
    let TrialClaimed::Held(claim) = trials::claim(instance, Item::Feature(feature), ctx).await? else {
        return Ok(FeatureTrial::Used(feature));
    };
    let ready_at = instance.status.as_ref().and_then(|status| status.first_ready_at.as_ref());
    let starts_at = ready_at.map(|ready_at| ready_at.0.max(whole_seconds(counts_from)));
    let trial = match (trials::period(&claim), starts_at) {
        (Some(trial), _) => Some(trial),
        (None, Some(at)) if at <= now => Some(trials::start(&claim, at, ctx.settings.lifecycle.trial, ctx).await?),
        (None, _) => None,
    };
    Ok(FeatureTrial::Held(trial))
}

/// Whether all that is tried is tried for the first time; nothing where nothing is tried.
pub(super) fn finding_of(trials: &BTreeMap<String, FeatureTrial>) -> Option<Finding> {
    let used = |trial: &FeatureTrial| match trial {
        FeatureTrial::Used(feature) => Some(feature.name()),
        FeatureTrial::Held(_) => None,
    };
    let used: BTreeSet<&str> = trials.values().filter_map(used).collect();
    if trials.is_empty() {
        return None;
    }
    if used.is_empty() {
        return Some(finding(condition::TRIAL_ELIGIBLE, true, reason::FIRST_TRIAL, "each feature is tried once"));
    }
    let used: Vec<&str> = used.into_iter().collect();
    let message = format!("the one trial of {} has been used: that grant does not count; order it", used.join(", "));
    Some(finding(condition::TRIAL_ELIGIBLE, false, reason::TRIAL_USED, message))
}
