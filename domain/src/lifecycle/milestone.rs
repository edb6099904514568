//! The instants at which something happens to an instance by itself. Pure.

use jiff::Timestamp;

/// What happens to an instance when its time has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Milestone {
    /// The reseller is reminded of the trial's end.
    TrialReminder,
    /// The trial is over.
    TrialEnd,
    /// A payment has been overdue for the grace period: the instance is suspended.
    GraceEnd,
    /// The unsubscription of the ecQX takes effect.
    InstanceEnd,
    /// Calls that are still in progress are ended, and the pod goes.
    DrainDeadline,
    /// The deletion of the data is near.
    DeletionNotice,
    /// The data has been kept for as long as was promised, and the instance can no longer be converted.
    RetentionEnd,
    /// The data is deleted.
    DataDeletion,
    /// Others may take the name.
    NameRelease,
}

impl Milestone {
    /// Every milestone.
    pub const ALL: [Self; 9] = [
        Self::TrialReminder,
        Self::TrialEnd,
        Self::GraceEnd,
        Self::InstanceEnd,
        Self::DrainDeadline,
        Self::DeletionNotice,
        Self::RetentionEnd,
        Self::DataDeletion,
        Self::NameRelease,
    ];

    /// Whether an instance that was in service takes no calls from then on, so that its name leaves the DNS.
    pub const fn takes_out_of_service(self) -> bool {
        matches!(self, Self::TrialEnd | Self::GraceEnd | Self::InstanceEnd)
    }

    /// The name in the API.
    pub const fn name(self) -> &'static str {
        match self {
            Self::TrialReminder => "TrialReminder",
            Self::TrialEnd => "TrialEnd",
            Self::GraceEnd => "GraceEnd",
            Self::InstanceEnd => "InstanceEnd",
            Self::DrainDeadline => "DrainDeadline",
            Self::DeletionNotice => "DeletionNotice",
            Self::RetentionEnd => "RetentionEnd",
            Self::DataDeletion => "DataDeletion",
            Self::NameRelease => "NameRelease",
        }
    }

    /// The milestone of that API name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|milestone| milestone.name() == name)
    }
}

/// A milestone with its instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Reached {
    /// When it comes, or came.
    pub at: Timestamp,
    /// Which.
    pub milestone: Milestone,
}
