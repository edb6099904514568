//! When a key is used. Pure.

use std::fmt::Write;

/// A time in Unix seconds.
pub type Instant = u64;

/// The form of a time in a key file.
const FORM: &str = "%Y%m%d%H%M%S";

/// From when on a key is used for what; never where there is no time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Times {
    /// Its DNSKEY record stands in the zone.
    pub publish: Option<Instant>,
    /// It signs the zone's records.
    pub activate: Option<Instant>,
    /// It signs them no more.
    pub inactive: Option<Instant>,
    /// Its DNSKEY record has gone.
    pub delete: Option<Instant>,
    /// The parent is asked to point to it (CDS, CDNSKEY).
    pub sync_publish: Option<Instant>,
    /// The parent is asked no more.
    pub sync_delete: Option<Instant>,
}

impl Times {
    /// In use from the beginning of time, without asking the parent for anything.
    pub const ALWAYS: Self = Self {
        publish: Some(0),
        activate: Some(0),
        inactive: None,
        delete: None,
        sync_publish: None,
        sync_delete: None,
    };

    /// Whether its DNSKEY record stands in the zone.
    pub fn is_published(&self, at: Instant) -> bool {
        between(self.publish, self.delete, at)
    }

    /// Whether it signs records.
    pub fn is_active(&self, at: Instant) -> bool {
        between(self.activate, self.inactive, at)
    }

    /// Whether the parent is asked to point to it.
    pub fn is_announced(&self, at: Instant) -> bool {
        between(self.sync_publish, self.sync_delete, at)
    }

    /// As lines of a key file.
    pub fn text(&self) -> String {
        let mut text = String::new();
        for (name, time) in NAMES.iter().zip(self.all()) {
            if let Some(time) = time.and_then(written) {
                // Writing to a text cannot fail.
                let _written = writeln!(text, "{name}: {time}");
            }
        }
        text
    }

    /// Reads them from the lines of a key file. One without any time, as `ldns-keygen` writes it, is always in use.
    ///
    /// # Errors
    /// With what is no time.
    pub fn parse(text: &str) -> Result<Self, String> {
        let of = |name: &str| text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':')).map(str::trim);
        if of("Created").is_none() && NAMES.iter().all(|name| of(name).is_none()) {
            return Ok(Self::ALWAYS);
        }
        let mut times = [None; 6];
        for (time, text) in times.iter_mut().zip(NAMES.map(of)) {
            *time = text.map(|text| read(text).ok_or_else(|| text.to_owned())).transpose()?;
        }
        let [publish, activate, inactive, delete, sync_publish, sync_delete] = times;
        Ok(Self { publish, activate, inactive, delete, sync_publish, sync_delete })
    }

    fn all(&self) -> [Option<Instant>; 6] {
        [self.publish, self.activate, self.inactive, self.delete, self.sync_publish, self.sync_delete]
    }
}

/// What the times are called in a key file.
pub const NAMES: [&str; 6] = ["Publish", "Activate", "Inactive", "Delete", "SyncPublish", "SyncDelete"];

fn between(begin: Option<Instant>, end: Option<Instant>, at: Instant) -> bool {
    begin.is_some_and(|begin| begin <= at) && end.is_none_or(|end| at < end)
}

/// A time as it stands in a key file: `YYYYMMDDHHMMSS`, in UTC.
pub fn read(text: &str) -> Option<Instant> {
    let time = jiff::civil::DateTime::strptime(FORM, text).ok()?;
    u64::try_from(time.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp().as_second()).ok()
}

fn written(time: Instant) -> Option<String> {
    let time = jiff::Timestamp::from_second(i64::try_from(time).ok()?).ok()?;
    Some(time.strftime(FORM).to_string())
}
