//! Why an order is held: each reason with a code, the field it is about, and the remedy. Pure.

use jiff::Timestamp;

use crate::{
    feature::Feature,
    hostname::{HostnameError, Label},
    item::Item,
    order::QUANTITY_LIMIT,
};

/// A reason to hold an order. The text is for the reseller and names what to do; it never tells of another reseller.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Hold {
    /// The shop named no customer: somebody ordered without an account.
    #[error("the order names no customer, so there is no reseller to fulfil it for; order again while signed in")]
    CustomerMissing,
    /// No lines.
    #[error("the order has no lines; order at least one service")]
    NoLines,
    /// An article that the configuration does not know.
    #[error(
        "SKU {sku:?} is not in the configuration; correct the article in the shop, or add it to skus of the bridge"
    )]
    UnknownSku {
        /// Which line.
        line: usize,
        /// As the shop gave it.
        sku: String,
    },
    /// Zero, less, or beyond all sense.
    #[error("quantity {quantity} is not possible; order 1 to {QUANTITY_LIMIT}")]
    QuantityOutOfRange {
        /// Which line.
        line: usize,
        /// As the shop gave it.
        quantity: i64,
    },
    /// More than one ecQX.
    #[error("the order contains {count} ecQX; place one order for each")]
    TooManyEcqx {
        /// How many.
        count: i64,
    },
    /// The note names no acceptable host name.
    #[error("{0}; order again with a host name of your choice in the note")]
    Hostname(HostnameError),
    /// Somebody holds the host name, or it is still reserved.
    #[error("host name {label} is taken; order again with another one in the note")]
    HostnameTaken {
        /// The wanted label.
        label: Label,
    },
    /// The reseller's own instance on trial has the host name.
    #[error(
        "host name {label} is that of your device on trial; to convert it, order again with the device named, or with another \
         host name in the note for a new instance"
    )]
    HostnameOnTrial {
        /// The wanted label.
        label: Label,
    },
    /// An add-on by a reseller that has no instance.
    #[error("the first order must contain an ecQX; order one, with these services in the same order")]
    FirstOrderWithoutEcqx,
    /// An add-on that names no instance.
    #[error("the order does not name the device it is for; order again with the device's host name or Unique ID")]
    DeviceMissing,
    /// An add-on for an instance that the reseller does not have.
    #[error("device {device:?} is none of yours; order again with the host name or Unique ID of one of your devices")]
    DeviceUnknown {
        /// As it was written.
        device: String,
    },
    /// An add-on for a name that several of the reseller's instances have.
    #[error("device {device:?} is the name of several of your devices; order again with the Unique ID of one")]
    DeviceAmbiguous {
        /// As it was written.
        device: String,
    },
    /// An add-on for several instances at once.
    #[error("the order names several devices: {}; place one order for each", .devices.join(", "))]
    SeveralDevices {
        /// Their object names.
        devices: Vec<String>,
    },
    /// A paid add-on for an instance on trial.
    #[error("device {device} is on trial; convert the trial first, with a paid order of its ecQX, then order again")]
    InstanceOnTrial {
        /// Its object name.
        device: String,
    },
    /// An order with an ecQX that names an instance which is paid for.
    #[error(
        "device {device} is paid already; order more of its services without an ecQX, or a new instance without naming a device"
    )]
    AlreadyPaid {
        /// Its object name.
        device: String,
    },
    /// A trial order with an ecQX that names an instance on trial.
    #[error(
        "device {device} had its trial; convert it with a paid order of its ecQX, or order a new instance without naming a device"
    )]
    TrialOfDevice {
        /// Its object name.
        device: String,
    },
    /// An order for an instance whose unsubscription is pending.
    #[error("device {device} is unsubscribed and ends at {at}; cancel the unsubscription first, then order again")]
    EndPending {
        /// Its object name.
        device: String,
        /// When it ends.
        at: Timestamp,
    },
    /// An order for an instance that has ended.
    #[error("device {device} ended at {at}: {end}")]
    InstanceEnded {
        /// Its object name.
        device: String,
        /// When it ended.
        at: Timestamp,
        /// How, and what can be done.
        end: End,
    },
    /// A second trial.
    #[error(
        "the one trial of {} was used before; order what was tried as a paid order", names(.services)
    )]
    TrialUsed {
        /// Of which services.
        services: Vec<Item>,
    },
    /// More than one instance can hold.
    #[error(
        "{feature} would come to {sum} (base configuration and earlier orders included), above the maximum of {maximum} on \
         one instance; order at most {}", room(*.sum, *.maximum, *.ordered)
    )]
    OverMaximum {
        /// Which feature.
        feature: Feature,
        /// Base, granted and ordered together.
        sum: u64,
        /// The most that one instance can hold.
        maximum: u32,
        /// How many of it this order asks for.
        ordered: u64,
    },
}

/// How an instance ended, as far as orders go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum End {
    /// Its trial is over, and it can still be converted.
    #[error("its trial is over; convert it with a paid order of its ecQX, then order again")]
    TrialRetained,
    /// Its trial is over, and so is the time in which it could be converted.
    #[error("its trial is over, and so is the time in which it could be converted; order a new ecQX")]
    Expired,
    /// It was unsubscribed.
    #[error("it was unsubscribed; order a new ecQX")]
    Unsubscribed,
}

fn names(services: &[Item]) -> String {
    services.iter().map(|service| service.name()).collect::<Vec<_>>().join(", ")
}

/// How many could have been ordered.
fn room(sum: u64, maximum: u32, ordered: u64) -> u64 {
    u64::from(maximum).saturating_sub(sum.saturating_sub(ordered))
}

impl Hold {
    /// One word for programs; it never changes once published.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::CustomerMissing => "CustomerMissing",
            Self::NoLines => "NoLines",
            Self::UnknownSku { .. } => "UnknownSku",
            Self::QuantityOutOfRange { .. } => "QuantityOutOfRange",
            Self::TooManyEcqx { .. } => "TooManyEcqx",
            Self::Hostname(HostnameError::Missing { .. }) => "HostnameMissing",
            Self::Hostname(HostnameError::Ambiguous { .. }) => "HostnameAmbiguous",
            Self::Hostname(HostnameError::Invalid { .. }) => "HostnameInvalid",
            Self::Hostname(HostnameError::Reserved { .. }) => "HostnameReserved",
            Self::HostnameTaken { .. } => "HostnameTaken",
            Self::HostnameOnTrial { .. } => "HostnameOnTrial",
            Self::FirstOrderWithoutEcqx => "FirstOrderWithoutEcqx",
            Self::DeviceMissing => "DeviceMissing",
            Self::DeviceUnknown { .. } => "DeviceUnknown",
            Self::DeviceAmbiguous { .. } => "DeviceAmbiguous",
            Self::SeveralDevices { .. } => "SeveralDevices",
            Self::InstanceOnTrial { .. } => "InstanceOnTrial",
            Self::AlreadyPaid { .. } => "InstanceAlreadyPaid",
            Self::TrialOfDevice { .. } => "TrialOfDevice",
            Self::EndPending { .. } => "InstanceEndPending",
            Self::InstanceEnded { .. } => "InstanceEnded",
            Self::TrialUsed { .. } => "TrialUsed",
            Self::OverMaximum { .. } => "OverMaximum",
        }
    }

    /// Which field of the order it is about.
    pub fn field(&self) -> String {
        match self {
            Self::CustomerMissing => "customer".to_owned(),
            Self::UnknownSku { line, .. } => format!("lines[{line}].sku"),
            Self::QuantityOutOfRange { line, .. } => format!("lines[{line}].quantity"),
            Self::Hostname(_) | Self::HostnameTaken { .. } | Self::HostnameOnTrial { .. } => "note".to_owned(),
            Self::DeviceMissing
            | Self::DeviceUnknown { .. }
            | Self::DeviceAmbiguous { .. }
            | Self::SeveralDevices { .. }
            | Self::InstanceOnTrial { .. }
            | Self::AlreadyPaid { .. }
            | Self::TrialOfDevice { .. }
            | Self::EndPending { .. }
            | Self::InstanceEnded { .. } => "lines[].device".to_owned(),
            Self::NoLines
            | Self::TooManyEcqx { .. }
            | Self::FirstOrderWithoutEcqx
            | Self::TrialUsed { .. }
            | Self::OverMaximum { .. } => "lines".to_owned(),
        }
    }
}
