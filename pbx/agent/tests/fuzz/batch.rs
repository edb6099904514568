//! A PBX whose every text is hostile, its files, and whether what Asterisk reads in them is what was meant.

use std::collections::BTreeMap;
use std::path::PathBuf;

use pbx_agent::ami::Secret;
use pbx_agent::render::text::{caller_name, email_address};
use pbx_agent::render::{self, DIALPLAN, Directories, Files, Network, PJSIP, QUEUES, Settings, VOICEMAIL};
use pbx_agent::wanted::{Passwords, Wanted};
use pbx_contract::{
    ConferenceRoom, Document as _, Extension, ExtensionsFile, Instance, Limits, LimitsFile, Policy, Queue,
    QueueStrategy, RingGroup, RingStrategy, Voicemail, secret,
};

use super::config_text::Category;
use super::hostile::Hostile;

/// The files that depend on what people typed.
pub const JUDGED: [&str; 4] = [PJSIP, VOICEMAIL, DIALPLAN, QUEUES];
/// What no name may hold wherever it is shown.
const FORBIDDEN: [char; 11] = [';', '"', '\\', '<', '>', '$', '{', '}', '|', '`', '\n'];

/// Hostile texts, by extension.
pub struct Batch {
    pub names: BTreeMap<String, String>,
    pub emails: BTreeMap<String, String>,
    hostile: Files,
    plain: Files,
}

impl Batch {
    /// So many extensions with a hostile name and a hostile address each.
    pub fn new(seed: u64, extensions: u32) -> Self {
        let mut hostile = Hostile::new(seed);
        let numbers: Vec<String> = (0..extensions).map(|index| (1000 + index).to_string()).collect();
        let names: BTreeMap<String, String> = numbers.iter().map(|number| (number.clone(), hostile.name())).collect();
        let emails: BTreeMap<String, String> = numbers.iter().map(|number| (number.clone(), hostile.email())).collect();
        let other: [String; 4] = std::array::from_fn(|_| hostile.name());
        let password = hostile.name();
        let none = BTreeMap::new();
        Self {
            hostile: files(&numbers, &names, &emails, &other, &password),
            plain: files(&numbers, &none, &none, &Default::default(), "plain"),
            names,
            emails,
        }
    }

    /// How many texts are in it.
    pub fn texts(&self) -> usize {
        self.names.len() + self.emails.len()
    }

    /// What is given to the parser.
    pub fn file(&self, name: &str) -> &str {
        &self.hostile[name]
    }

    /// What it would be without a hostile text.
    pub fn plain(&self, name: &str) -> &str {
        &self.plain[name]
    }

    /// Whether what was read means what was meant: all but names, addresses, digests and marks is as without them.
    pub fn judge(&self, name: &str, read: &[Category], plain: &[Category]) -> Result<(), String> {
        if read.len() != plain.len() {
            return Err(format!("{name}: {} categories, not {}", read.len(), plain.len()));
        }
        for (read, plain) in read.iter().zip(plain) {
            let names =
                |category: &Category| category.variables.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>();
            if read.name != plain.name || names(read) != names(plain) {
                return Err(format!("{name}: {read:?} is not of the form of {plain:?}"));
            }
            for ((variable, value), (_, plain)) in read.variables.iter().zip(&plain.variables) {
                let right = match (name, variable.as_str()) {
                    (PJSIP, "callerid") => self.is_caller_id(&read.name, value),
                    (PJSIP, "password_digest") => is_digest(value),
                    (PJSIP, "callerid_tag") => is_hex(value),
                    (DIALPLAN, "ECQX_RENDERED") => value.split('/').all(is_hex),
                    (VOICEMAIL, number) if self.names.contains_key(number) => self.is_mailbox(number, value),
                    _ => value == plain,
                };
                if !right {
                    return Err(format!(
                        "{name}: [{}] {variable} = {value:?}, without hostile text {plain:?}",
                        read.name
                    ));
                }
            }
        }
        Ok(())
    }

    /// As Asterisk takes it apart (`ast_callerid_parse`): the number is between the last `<` and `>`, the name between the first quotes.
    fn is_caller_id(&self, number: &str, value: &str) -> bool {
        let Some((name, location)) = value.rsplit_once('<') else { return false };
        let name = name.trim_end().strip_prefix('"').and_then(|name| name.strip_suffix('"'));
        let raw = &self.names[number];
        location == format!("{number}>")
            && name == caller_name(raw).as_deref()
            && name.is_none_or(|name| is_of(name, raw))
    }

    /// `pin,name,address,pager,options`, as `app_voicemail` takes it apart; options are between bars, each with an equals sign.
    fn is_mailbox(&self, number: &str, value: &str) -> bool {
        let fields: Vec<&str> = value.split(',').collect();
        let [pin, name, email, "", options] = fields[..] else { return false };
        let raw = &self.emails[number];
        let is_name = name == number || is_of(name, &self.names[number]);
        let is_email = email.is_empty() || (email == raw && email_address(raw) == Some(email));
        pin == "4711" && is_name && is_email && matches!(options, "attach=yes" | "attach=no")
    }
}

/// Whether the shown name is what was typed, with nothing left out but what has a meaning to somebody, and nothing put in but blanks.
fn is_of(name: &str, raw: &str) -> bool {
    let mut typed = raw.chars();
    let in_order = name.chars().filter(|c| *c != ' ').all(|c| typed.any(|own| own == c));
    in_order && !name.contains(FORBIDDEN) && !name.chars().any(char::is_control)
}

/// The algorithm's name, and as many hex digits as it gives.
fn is_digest(value: &str) -> bool {
    let long = |algorithm: &str| match algorithm {
        "MD5" => 32,
        "SHA-256" => 64,
        _ => 0,
    };
    value.split_once(':').is_some_and(|(algorithm, digest)| is_hex(digest) && digest.len() == long(algorithm))
}

fn is_hex(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|octet| octet.is_ascii_hexdigit())
}

fn files(
    numbers: &[String],
    names: &BTreeMap<String, String>,
    emails: &BTreeMap<String, String>,
    other: &[String; 4],
    password: &str,
) -> Files {
    let extension = |number: &String| Extension {
        name: names.get(number).cloned(),
        email: emails.get(number).cloned(),
        voicemail: if number.ends_with('1') { Voicemail::Attach } else { Voicemail::Notify },
        ..Extension::of(number.clone())
    };
    let [group, room, queue, display_name] = other.clone();
    let members: Vec<String> = numbers.iter().take(2).cloned().collect();
    let extensions = ExtensionsFile {
        extensions: numbers.iter().map(extension).collect(),
        ring_groups: vec![ring_group(group, members.clone())],
        conference_rooms: vec![ConferenceRoom { number: "801".into(), name: Some(room) }],
        queues: vec![call_queue(queue, members)],
        ..ExtensionsFile::default()
    }
    .seal()
    .unwrap();
    let limits = limits(display_name, &extensions).seal().unwrap();
    let wanted = Wanted::new(&limits, &extensions, &passwords(numbers, password)).unwrap();
    render::render(&wanted, &settings()).files
}

fn ring_group(name: String, members: Vec<String>) -> RingGroup {
    RingGroup { number: "600".into(), name: Some(name), members, strategy: RingStrategy::All, ring_seconds: 20 }
}

fn call_queue(name: String, agents: Vec<String>) -> Queue {
    Queue {
        number: "700".into(),
        name: Some(name),
        strategy: QueueStrategy::RingAll,
        agents,
        supervisors: vec![],
        ring_seconds: 20,
        wrap_up_seconds: 0,
        max_wait_seconds: 0,
    }
}

fn limits(display_name: String, extensions: &ExtensionsFile) -> LimitsFile {
    LimitsFile {
        schema: 0,
        generation: String::new(),
        instance: Instance { unique_id: "ECQX-1".into(), fqdn: "a.epygicloud.com".into(), display_name },
        suspended: false,
        limits: Limits { ip_phone_extension: 3000, audio_conference: 2, call_center: 2, ..Limits::default() },
        policy: Policy::default(),
        network: pbx_contract::Network::default(),
        extensions: extensions.generation.clone(),
    }
}

fn passwords(numbers: &[String], password: &str) -> Passwords {
    let mut keys =
        BTreeMap::from([(secret::room_pin("801"), b"1".to_vec()), (secret::room_admin_pin("801"), b"2".to_vec())]);
    for number in numbers {
        keys.insert(number.clone(), format!("{password}x").into_bytes());
        keys.insert(secret::mailbox_pin(number), b"4711".to_vec());
    }
    Passwords(keys)
}

fn settings() -> Settings {
    let path = PathBuf::from;
    Settings {
        directories: Directories {
            config: path("/etc/asterisk"),
            run: path("/run/asterisk"),
            data: path("/var/lib/ecqx"),
            stock: path("/usr/share/asterisk"),
        },
        network: Network {
            sip_port: 5060,
            sips_port: 5061,
            rtp_first: 10_000,
            rtp_last: 20_000,
            external_signaling: None,
            external_media: None,
            local_nets: Vec::new(),
            qualify_seconds: 0,
            session_seconds: 600,
        },
        manager: Secret::new(&mut rand::rng()),
    }
}
