//! A set of records with one name and one type (RFC 2181, section 5). Pure.

use hickory_proto::{
    ProtoError,
    rr::RData,
    serialize::binary::{BinEncodable, BinEncoder, NameEncoding},
};

/// Records with one name and one type; never empty. The name is not held: it is known from where the set stands.
///
/// There are several of these for each instance, so the data of all records stand in one piece, each after its length.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RrSet {
    kind: u16,
    ttl: u32,
    data: Box<[u8]>,
}

impl RrSet {
    /// The set of these data, which must be of one type; `None` when there are none.
    ///
    /// # Errors
    /// When a record cannot be written down.
    pub fn new(ttl: u32, data: impl IntoIterator<Item = RData>) -> Result<Option<Self>, ProtoError> {
        let (mut kind, mut all) = (None, Vec::<u8>::new());
        for data in data {
            kind.get_or_insert(u16::from(data.record_type()));
            let octets = octets(&data)?;
            let length =
                u16::try_from(octets.len()).map_err(|_| ProtoError::from("a record of more than 65535 octets"))?;
            all.extend(length.to_be_bytes());
            all.extend(octets);
        }
        Ok(kind.map(|kind| Self { kind, ttl, data: all.into() }))
    }

    /// The set of these data of one type, in octets.
    pub fn of_octets(kind: u16, ttl: u32, data: impl IntoIterator<Item = Vec<u8>>) -> Self {
        let mut all = Vec::new();
        for octets in data {
            // Keys, digests and signatures have some hundred octets.
            all.extend(u16::try_from(octets.len()).unwrap_or_default().to_be_bytes());
            all.extend(octets);
        }
        Self { kind, ttl, data: all.into() }
    }

    /// The same, to be kept for another time.
    #[must_use]
    pub fn with_ttl(&self, ttl: u32) -> Self {
        Self { ttl, ..self.clone() }
    }

    /// The type's number.
    pub fn kind(&self) -> u16 {
        self.kind
    }

    /// For how many seconds it may be kept.
    pub fn ttl(&self) -> u32 {
        self.ttl
    }

    /// The data of each record, in the order in which they are sent.
    pub fn data(&self) -> impl Iterator<Item = &[u8]> {
        let mut rest = &*self.data;
        std::iter::from_fn(move || {
            let (length, after) = rest.split_first_chunk::<2>()?;
            let (data, after) = after.split_at_checked(usize::from(u16::from_be_bytes(*length)))?;
            rest = after;
            Some(data)
        })
    }

    /// The records that the other set has not; all of them where the TTL is another.
    #[must_use]
    pub fn without(&self, other: &Self) -> Option<Self> {
        if self.ttl != other.ttl {
            return Some(self.clone());
        }
        let mut rest = Vec::new();
        for data in self.data().filter(|data| !other.data().any(|there| there == *data)) {
            // It fitted before.
            rest.extend(u16::try_from(data.len()).unwrap_or_default().to_be_bytes());
            rest.extend(data);
        }
        (!rest.is_empty()).then(|| Self { data: rest.into(), ..*self })
    }

    /// How large it is, to compare sets: the octets of its data.
    pub fn octets(&self) -> usize {
        self.data.len()
    }
}

fn octets(data: &RData) -> Result<Vec<u8>, ProtoError> {
    let mut octets = Vec::new();
    let mut encoder = BinEncoder::new(&mut octets);
    encoder.set_name_encoding(NameEncoding::Uncompressed);
    data.emit(&mut encoder)?;
    Ok(octets)
}
