//! A set of records with one name and one type (RFC 2181, section 5). Pure.

use hickory_proto::{
    rr::{Name, RData, Record, RecordType},
    serialize::binary::{BinEncodable, BinEncoder, NameEncoding},
};

/// Records with one name and one type; never empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RrSet {
    kind: RecordType,
    records: Vec<Record>,
    octets: usize,
}

impl RrSet {
    /// The set of these data, which must be of one type; `None` when there are none.
    pub fn new(owner: &Name, ttl: u32, data: impl IntoIterator<Item = RData>) -> Option<Self> {
        let records: Vec<_> = data.into_iter().map(|data| Record::from_rdata(owner.clone(), ttl, data)).collect();
        let kind = records.first()?.record_type();
        Some(Self { kind, octets: octets(&records), records })
    }

    /// The set of one record.
    pub fn one(owner: &Name, ttl: u32, data: RData) -> Self {
        let (kind, records) = (data.record_type(), vec![Record::from_rdata(owner.clone(), ttl, data)]);
        Self { kind, octets: octets(&records), records }
    }

    /// The type.
    pub fn kind(&self) -> RecordType {
        self.kind
    }

    /// The name.
    pub fn owner(&self) -> Option<&Name> {
        self.records.first().map(|record| &record.name)
    }

    /// The records, in the order in which they are sent.
    pub fn records(&self) -> &[Record] {
        &self.records
    }

    /// How many octets it takes in a message at most, that is without name compression.
    pub fn octets(&self) -> usize {
        self.octets
    }
}

/// Counted once here, so that most answers are known to fit without a trial.
fn octets(records: &[Record]) -> usize {
    let mut bytes = Vec::new();
    let mut encoder = BinEncoder::new(&mut bytes);
    encoder.set_name_encoding(NameEncoding::Uncompressed);
    // A record that cannot be encoded never fits.
    if records.iter().all(|record| record.emit(&mut encoder).is_ok()) { bytes.len() } else { usize::from(u16::MAX) }
}
