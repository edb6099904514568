//! `pjsip.conf`: the transports, a stranger's endpoint, and endpoint, credential and address of each phone. Pure.

use std::fmt::Write as _;

use std::path::Path;

use pbx_contract::{Digests, MediaEncryption, Recording};

use super::text::caller_name;
use super::{Network, dialplan, recording, seats, signals, voicemail};
use crate::certificate::{CHAIN, KEY};
use crate::throttle::LIST;
use crate::wanted::{Phone, Wanted};

/// Whoever is none of the phones. It has no address of record, so that a REGISTER gets 403, no way to call, and nothing to watch.
pub const STRANGER: &str = "anonymous";

/// Audio is encrypted (SRTP, keys in the SDP) with a phone that can, and goes as it is with one that cannot.
const OFFERED: &str = "media_encryption = sdes\nmedia_encryption_optimistic = yes\n";
/// Audio is encrypted, or there is no call.
const REQUIRED: &str = "media_encryption = sdes\nmedia_encryption_optimistic = no\n";

/// Renders the file. `mark` stands where `pjsip show endpoint anonymous` shows it.
pub fn render(wanted: &Wanted, network: &Network, config: &Path, mark: &str) -> String {
    let mut out = global(&wanted.fqdn);
    for protocol in ["udp", "tcp"] {
        out += &transport(protocol, network.sip_port, network);
    }
    let tls = wanted.certificate.is_some();
    if tls {
        out += &transport("tls", network.sips_port, network);
        let config = config.display();
        let _ = writeln!(out, "method = tlsv1_2\ncert_file = {config}/{CHAIN}\npriv_key_file = {config}/{KEY}");
    }
    let seats = seats::contexts(&wanted.phones);
    for phone in &wanted.phones {
        out += &endpoint(phone, seats.get(phone.number.as_str()), network, wanted.suspended);
        out += encryption(phone.encryption, tls);
        out += &credential(phone, &wanted.fqdn, wanted.policy.digests);
        out += &address(phone, network.qualify_seconds);
    }
    let context = dialplan::REFUSED;
    let _ = write!(
        out,
        "\n[{STRANGER}]\ntype = endpoint\ncontext = {context}\ndisallow = all\nallow = alaw\nallow_subscribe = no\n\
         callerid_tag = {mark}\n"
    );
    out
}

/// Beside it, who is kept out. The credentials' user name goes before the From header, which anybody may write.
fn global(realm: &str) -> String {
    format!(
        "[global]\ntype = global\nuser_agent = ecQX\ndefault_realm = {realm}\n\
         endpoint_identifier_order = auth_username,username,anonymous\nmax_initial_qualify_time = 30\n\
         \n[{LIST}]\ntype = acl\nacl = {LIST}\n"
    )
}

/// A transport may be reloaded: the address of a load balancer comes when Asterisk runs. One that is as it was is left alone by a
/// reload, and one whose addresses change keeps its socket's port and its connections (seen with Asterisk 22).
fn transport(protocol: &str, port: u16, network: &Network) -> String {
    let mut out =
        format!("\n[{protocol}]\ntype = transport\nprotocol = {protocol}\nbind = 0.0.0.0:{port}\nallow_reload = yes\n");
    if let Some(address) = network.external_signaling {
        let _ = writeln!(out, "external_signaling_address = {address}");
    }
    if let Some(address) = network.external_media {
        let _ = writeln!(out, "external_media_address = {address}");
    }
    for net in &network.local_nets {
        let _ = writeln!(out, "local_net = {net}");
    }
    out
}

/// A disabled phone is still asked for its credentials, so that a stranger learns nothing; then it gets 403.
///
/// A phone that has gone without a word is missed by the session's timers, which are for all phones, whether they know them or not:
/// else a conference port that it had would be taken for ever.
fn endpoint(phone: &Phone, seat: Option<&String>, network: &Network, suspended: bool) -> String {
    let Phone { number, enabled, .. } = phone;
    let context = if *enabled && !suspended { dialplan::PHONES } else { dialplan::REFUSED };
    let caller = match phone.name.as_deref().and_then(caller_name) {
        Some(name) => format!("\"{name}\" <{number}>"),
        None => format!("<{number}>"),
    };
    let more = features(phone);
    let watching = match seat {
        Some(context) => format!("allow_subscribe = yes\nsubscribe_context = {context}"),
        None => "allow_subscribe = no".to_owned(),
    };
    let seconds = network.session_seconds;
    format!(
        "\n[{number}]\ntype = endpoint\ncontext = {context}\ncallerid = {caller}\nauth = {number}\naors = {number}\n\
         identify_by = auth_username,username\ndisallow = all\nallow = g722,alaw,ulaw\ndtmf_mode = rfc4733\n\
         direct_media = no\nrtp_symmetric = yes\nforce_rport = yes\nrewrite_contact = yes\n\
         timers = always\ntimers_sess_expires = {seconds}\n{watching}\n{more}"
    )
}

/// A phone of which it is required keeps it without a certificate: it then has no calls, rather than calls in the clear.
fn encryption(wanted: MediaEncryption, tls: bool) -> &'static str {
    match wanted {
        MediaEncryption::Required => REQUIRED,
        MediaEncryption::Offered if tls => OFFERED,
        MediaEncryption::Offered => "",
    }
}

/// Each digest is a challenge of its own, in this order.
fn credential(phone: &Phone, realm: &str, digests: Digests) -> String {
    let Phone { number, credential, .. } = phone;
    let (md5, sha256) = (credential.reveal_md5(), credential.reveal_sha256());
    let offered = match digests {
        Digests::Md5 => "MD5",
        Digests::Md5First => "MD5,SHA-256",
        Digests::Sha256First => "SHA-256,MD5",
        Digests::Sha256Only => "SHA-256",
    };
    format!(
        "\n[{number}]\ntype = auth\nauth_type = digest\nusername = {number}\nrealm = {realm}\n\
         supported_algorithms_uas = {offered}\npassword_digest = MD5:{md5}\npassword_digest = SHA-256:{sha256}\n"
    )
}

/// What its channels know of it: its number, which of its calls are recorded, whether it may begin that itself.
fn features(phone: &Phone) -> String {
    let number = &phone.number;
    let mut out = format!("set_var = {}={number}\n", signals::EXTENSION_VARIABLE);
    if phone.mailbox.is_some() {
        let _ = writeln!(out, "mailboxes = {number}@{}", voicemail::BOXES);
    }
    match phone.recording {
        Recording::Never => {}
        Recording::OnDemand => out += "set_var = DYNAMIC_FEATURES=record\n",
        Recording::Always => {
            let _ = writeln!(out, "set_var = DYNAMIC_FEATURES=record\nset_var = {}=Always", recording::MODE);
        }
    }
    out
}

/// No contact may be added to a disabled phone's address: a REGISTER gets 403.
fn address(phone: &Phone, qualify_seconds: u32) -> String {
    let Phone { number, contacts, .. } = phone;
    let qualify = if phone.enabled { qualify_seconds } else { 0 };
    format!(
        "\n[{number}]\ntype = aor\nmax_contacts = {contacts}\nremove_existing = yes\nminimum_expiration = 60\n\
         default_expiration = 600\nmaximum_expiration = 3600\nqualify_frequency = {qualify}\n"
    )
}
