//! The queries: every name with every type, neighbours, random case, cuts, wildcards, variants of EDNS. Pure.

use std::fmt;

use ecqx_dns::zone::Zone;

/// Types that are asked for: those that stand in the zone, those that do not, and those that are no types.
const KINDS: [u16; 22] = [1, 2, 5, 6, 12, 15, 16, 28, 33, 35, 43, 46, 47, 48, 52, 64, 65, 99, 249, 255, 257, 65_280];

/// A query in octets, with what it asks.
pub struct Query {
    /// The message.
    pub octets: Vec<u8>,
    /// The name, as sent.
    pub name: String,
    /// The type.
    pub kind: u16,
    /// The class.
    pub class: u16,
    /// The variant of the message.
    pub variant: Variant,
}

/// How the message is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Variant {
    /// Without EDNS.
    Plain,
    /// With this payload and the DO bit.
    Edns(u16, bool),
    /// EDNS with an option that nobody knows.
    UnknownOption,
    /// EDNS with all flags that have no meaning.
    UnknownFlags,
    /// EDNS of a later version.
    Version(u8),
    /// Another operation.
    Operation(u8),
    /// Two questions.
    TwoQuestions,
    /// Octets after the end.
    Trailing,
    /// Cut off in the midst.
    Cut,
    /// Two OPT records.
    TwoOpts,
}

impl Variant {
    /// Whether the message cannot be read, or not in one way only.
    pub fn is_malformed(self) -> bool {
        matches!(self, Self::TwoQuestions | Self::Trailing | Self::Cut | Self::TwoOpts)
    }
}

impl fmt::Debug for Query {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} type {} class {} {:?}", self.name, self.kind, self.class, self.variant)
    }
}

/// A generator whose numbers are the same in every run.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap()
    }

    fn of<'a, T>(&mut self, choices: &'a [T]) -> &'a T {
        &choices[self.next() % choices.len()]
    }
}

/// That many queries, the same in every run.
pub fn all(zone: &Zone, count: usize) -> impl Iterator<Item = Query> {
    let names = names(zone);
    let mut each = names.clone();
    each.sort();
    each.dedup();
    let mut numbers = Numbers(1);
    (0..count).map(move |id| {
        // Every second one goes through all names with all types, the others are anything.
        let in_turn = each.get(id / 2 / KINDS.len()).filter(|_| id % 2 == 0);
        let (name, kind) = if let Some(name) = in_turn {
            (name.clone(), KINDS[id / 2 % KINDS.len()])
        } else {
            let name = numbers.of(&names).clone();
            (neighbour(&name, &mut numbers), *numbers.of(&KINDS))
        };
        let class = if numbers.next().is_multiple_of(50) { *numbers.of(&[3, 4, 254, 255]) } else { 1 };
        query(u16::try_from(id % 65_536).unwrap(), &name, kind, class, variant(&mut numbers))
    })
}

fn names(zone: &Zone) -> Vec<Vec<Vec<u8>>> {
    let origin: Vec<Vec<u8>> = zone.origin().iter().map(<[u8]>::to_vec).collect();
    let mut names = vec![origin.clone(); 20];
    for (label, branch) in zone.branches() {
        // What has rules of its own is asked for more often than the many instances, which are all alike.
        let times = if label.starts_with(b"pbx-") { 1 } else { 8 };
        for (part, _) in branch.nodes() {
            let labels = ecqx_dns::wire::name::labels(part).chain([label]).map(<[u8]>::to_vec);
            let name: Vec<_> = labels.chain(origin.clone()).collect();
            names.extend(vec![name; times]);
        }
    }
    names.extend([vec![], vec![b"com".to_vec()], vec![b"example".to_vec(), b"net".to_vec()]]);
    names
}

/// The name itself, or one close to it.
fn neighbour(name: &[Vec<u8>], numbers: &mut Numbers) -> Vec<Vec<u8>> {
    let mut name = name.to_vec();
    match numbers.next() % 10 {
        0 => name.insert(0, b"x".to_vec()),
        1 => name.insert(0, b"*".to_vec()),
        2 => name.splice(0..0, [b"a".to_vec(), b"b".to_vec()]).for_each(drop),
        3 if !name.is_empty() => drop(name.remove(0)),
        4 if !name.is_empty() => name[0].push(b'0'),
        5 if !name.is_empty() => name[0] = vec![0, b'.', 200],
        _ => (),
    }
    if numbers.next().is_multiple_of(3) {
        for label in &mut name {
            for octet in label.iter_mut().filter(|_| numbers.next().is_multiple_of(2)) {
                octet.make_ascii_uppercase();
            }
        }
    }
    name
}

fn variant(numbers: &mut Numbers) -> Variant {
    match numbers.next() % 40 {
        0 => Variant::UnknownOption,
        1 => Variant::UnknownFlags,
        2 => Variant::Version(*numbers.of(&[1, 2, 255])),
        3 => Variant::Operation(*numbers.of(&[1, 2, 3, 6, 15])),
        4 => Variant::TwoQuestions,
        5 => Variant::Trailing,
        6 => Variant::Cut,
        7 => Variant::TwoOpts,
        8..20 => Variant::Plain,
        _ => Variant::Edns(*numbers.of(&[0, 511, 512, 700, 1232, 4096, 65_535]), numbers.next().is_multiple_of(2)),
    }
}

/// One query.
pub fn query(id: u16, name: &[Vec<u8>], kind: u16, class: u16, variant: Variant) -> Query {
    let mut octets = id.to_be_bytes().to_vec();
    let operation = if let Variant::Operation(operation) = variant { operation << 3 } else { 0 };
    octets.extend([operation | id.to_be_bytes()[1] & 1, 0, 0, 1, 0, 0, 0, 0, 0, 0]);
    let begin = octets.len();
    for label in name {
        octets.push(u8::try_from(label.len()).unwrap());
        octets.extend(label);
    }
    octets.push(0);
    octets.extend(kind.to_be_bytes());
    octets.extend(class.to_be_bytes());
    let question = octets[begin..].to_vec();
    let mut opt = |payload: u16, version: u8, flags: [u8; 2], options: &[u8]| {
        octets[11] += 1;
        octets.extend([0, 0, 41]);
        octets.extend(payload.to_be_bytes());
        octets.extend([0, version, flags[0], flags[1]]);
        octets.extend(u16::try_from(options.len()).unwrap().to_be_bytes());
        octets.extend(options);
    };
    match variant {
        Variant::Edns(payload, dnssec_ok) => opt(payload, 0, [if dnssec_ok { 0x80 } else { 0 }, 0], &[]),
        Variant::UnknownOption => opt(1232, 0, [0, 0], &[0xfd, 0xe9, 0, 3, 1, 2, 3]),
        Variant::UnknownFlags => opt(1232, 0, [0x7f, 0xff], &[]),
        Variant::Version(version) => opt(1232, version, [0, 0], &[]),
        Variant::TwoOpts => (0..2).for_each(|_| opt(1232, 0, [0, 0], &[])),
        Variant::TwoQuestions => {
            octets[5] = 2;
            octets.extend(question);
        }
        Variant::Trailing => octets.extend([1, 2, 3]),
        Variant::Cut => octets.truncate(octets.len() - 3),
        Variant::Plain | Variant::Operation(_) => (),
    }
    let text: Vec<_> = name.iter().map(|label| label.escape_ascii().to_string()).collect();
    Query { octets, name: text.join("."), kind, class, variant }
}
