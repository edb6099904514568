//! From the reseller's objects to what the domain judges its orders against. Pure.

use std::collections::BTreeMap;

use ecqx_crds::{EcqxInstance, InstanceTerm, LicenseSet, facts};
use ecqx_domain::{
    feature::Feature,
    ledger::{self, Term},
    order::{Instance, Item},
    settings::Settings,
    trial::{Beneficiary, Scope},
};
use k8s_openapi::jiff::Timestamp;
use kube::ResourceExt;

use super::{CONVERTED_BY_ANNOTATION, ORDER_ANNOTATION, Surroundings};

impl Surroundings {
    /// The reseller's instances, save the one that this very order made.
    pub(super) fn domain_instances(&self, settings: &Settings, now: Timestamp) -> Vec<Instance> {
        let others = self.instances.iter().filter(|instance| !self.is_of_order(*instance, ORDER_ANNOTATION));
        others.map(|instance| self.domain_instance(instance, settings, now)).collect()
    }

    fn domain_instance(&self, instance: &EcqxInstance, settings: &Settings, now: Timestamp) -> Instance {
        let name = instance.name_any();
        let set = self.license_sets.iter().find(|set| set.name_any() == name);
        let situation = facts::situation_of(instance, set, settings, now);
        let standing = ledger::standing(&situation.facts, &settings.catalogue, now);
        let paid = standing.entitlements.iter().map(|entitlement| (entitlement.feature, entitlement.paid));
        let paid: BTreeMap<Feature, u64> = paid.collect();
        Instance {
            name,
            hostname: instance.spec.hostname.clone(),
            display_name: instance.spec.display_name.clone(),
            unique_id: instance.status.as_ref().and_then(|status| status.unique_id.clone()),
            company: instance.spec.company.clone(),
            life: situation.life,
            paid,
            converted_by_this_order: self.is_of_order(instance, CONVERTED_BY_ANNOTATION),
        }
    }

    /// The names of the records that stand for the trials in what the reseller has, save the instance that this very order
    /// made: the operator writes them a moment after it sees the trial.
    pub(super) fn trials_in_specs(&self, scope: Scope) -> Vec<String> {
        let own = self.own_instance().map(ResourceExt::name_any);
        let mut records = Vec::new();
        for instance in self.instances.iter().filter(|instance| instance.spec.term == InstanceTerm::Trial) {
            if own != Some(instance.name_any()) {
                records.push(self.beneficiary(scope, &instance.name_any()).claim_name(Item::Ecqx));
            }
        }
        for set in self.license_sets.iter().filter(|set| own != Some(set.name_any())) {
            let beneficiary = self.beneficiary(scope, &set.name_any());
            records.extend(features_on_trial(set).map(|feature| beneficiary.claim_name(Item::Feature(feature))));
        }
        records
    }

    fn beneficiary(&self, scope: Scope, instance: &str) -> Beneficiary {
        let company = self.instance(instance).and_then(|instance| instance.spec.company.as_deref());
        Beneficiary::of(scope, &self.namespace, company)
    }
}

fn features_on_trial(set: &LicenseSet) -> impl Iterator<Item = Feature> + '_ {
    set.spec.grants.iter().filter(|grant| grant.term == Term::Trial).map(|grant| grant.feature)
}
