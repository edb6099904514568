//! Events of what happened to an instance by itself: one for each milestone, when it is recorded for the first time. Pure.

use ecqx_crds::{EcqxInstanceStatus, InstancePhase, Milestone};
use ecqx_domain::lifecycle;
use kube::runtime::events::{Event, EventType};

/// The events of the milestones that the new status records and the old one did not, and of a conversion.
pub(super) fn events(previous: &EcqxInstanceStatus, current: &EcqxInstanceStatus) -> Vec<Event> {
    let new = |milestone: &&Milestone| !previous.reached.contains(milestone);
    let told = current.reached.iter().filter(new).filter(|milestone| is_news(milestone, current));
    told.filter_map(|milestone| event(milestone, current)).chain(conversion(previous, current)).collect()
}

/// Of reminders that came while nobody was there to tell, only the last is of use, and none after the end.
fn is_news(milestone: &Milestone, current: &EcqxInstanceStatus) -> bool {
    let is_reminder = milestone.what == lifecycle::Milestone::TrialReminder.name();
    let is_overtaken = |later: &Milestone| later.at.0 > milestone.at.0;
    !(is_reminder && current.reached.iter().any(is_overtaken))
}

fn event(milestone: &Milestone, current: &EcqxInstanceStatus) -> Option<Event> {
    use lifecycle::Milestone as M;
    let ends_at = current.trial.as_ref().map(|trial| trial.ends_at.0.to_string()).unwrap_or_default();
    let deletion = current.data_deletion_at.as_ref().map(|at| at.0.to_string()).unwrap_or_default();
    let (type_, note) = match M::from_name(&milestone.what)? {
        M::TrialReminder => {
            (EventType::Normal, format!("the trial ends at {ends_at}; a paid order of its ecQX converts it"))
        }
        M::TrialEnd => {
            (EventType::Warning, "the trial is over: no new calls; data and host name are kept for a time".to_owned())
        }
        M::GraceEnd => (EventType::Warning, "suspended: a payment was overdue for the whole grace period".to_owned()),
        M::InstanceEnd => (
            EventType::Warning,
            "the ecQX was unsubscribed: no new calls; data and host name are kept for a time".to_owned(),
        ),
        // What it brings about is told by the pod's own going.
        M::DrainDeadline => return None,
        M::DeletionNotice => (EventType::Warning, format!("the data will be deleted at {deletion}")),
        M::RetentionEnd => (EventType::Warning, "data was kept for as long as was promised".to_owned()),
        M::DataDeletion => (EventType::Warning, "the data is deleted".to_owned()),
        M::NameRelease => (EventType::Normal, "others may take the host name".to_owned()),
    };
    Some(of(type_, &milestone.what, note))
}

fn conversion(previous: &EcqxInstanceStatus, current: &EcqxInstanceStatus) -> Option<Event> {
    let was_trial = match previous.phase? {
        InstancePhase::Trial => true,
        InstancePhase::Ended | InstancePhase::Expired => previous.trial.is_some(),
        InstancePhase::Paid | InstancePhase::Grace | InstancePhase::Suspended => false,
    };
    let is_paid = current.phase == Some(InstancePhase::Paid);
    let note = "the trial was converted: same name, same data, same registrations".to_owned();
    (was_trial && is_paid).then(|| of(EventType::Normal, "Converted", note))
}

fn of(type_: EventType, reason: &str, note: String) -> Event {
    Event { type_, reason: reason.to_owned(), note: Some(note), action: "Reconcile".to_owned(), secondary: None }
}
