//! `pjsip.conf`: the transports, a stranger's endpoint, and endpoint, credential and address of each phone. Pure.

use std::fmt::Write as _;

use pbx_contract::Recording;

use super::text::caller_name;
use super::{Network, dialplan, recording, signals, voicemail};
use crate::wanted::{Phone, Wanted};

/// Whoever is none of the phones. It has no address of record, so that a REGISTER gets 403, and no way to call.
const STRANGER: &str = "anonymous";

/// Renders the file. `mark` stands where `pjsip show endpoint anonymous` shows it.
pub fn render(wanted: &Wanted, network: &Network, mark: &str) -> String {
    let mut out = global(&wanted.fqdn);
    for protocol in ["udp", "tcp"] {
        out += &transport(protocol, network);
    }
    for phone in &wanted.phones {
        out += &endpoint(phone, &wanted.fqdn, wanted.suspended);
        out += &address(phone, network.qualify_seconds);
    }
    let context = dialplan::REFUSED;
    let _ = write!(
        out,
        "\n[{STRANGER}]\ntype = endpoint\ncontext = {context}\ndisallow = all\nallow = alaw\ncallerid_tag = {mark}\n"
    );
    out
}

/// The credentials' user name goes before the From header, which anybody may write.
fn global(realm: &str) -> String {
    format!(
        "[global]\ntype = global\nuser_agent = ecQX\ndefault_realm = {realm}\n\
         endpoint_identifier_order = auth_username,username,anonymous\nmax_initial_qualify_time = 30\n"
    )
}

/// A transport may be reloaded: the address of a load balancer comes when Asterisk runs. One that is as it was is left alone by a
/// reload, and one whose addresses change keeps its socket's port and its connections (seen with Asterisk 22).
fn transport(protocol: &str, network: &Network) -> String {
    let mut out = format!(
        "\n[{protocol}]\ntype = transport\nprotocol = {protocol}\nbind = 0.0.0.0:{}\nallow_reload = yes\n",
        network.sip_port
    );
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
fn endpoint(phone: &Phone, realm: &str, suspended: bool) -> String {
    let Phone { number, credential, enabled, watches, .. } = phone;
    let context = if *enabled && !suspended { dialplan::PHONES } else { dialplan::REFUSED };
    let caller = match phone.name.as_deref().and_then(caller_name) {
        Some(name) => format!("\"{name}\" <{number}>"),
        None => format!("<{number}>"),
    };
    let (credential, more) = (credential.reveal(), features(phone));
    let (subscribe, hints) = (if *watches { "yes" } else { "no" }, dialplan::HINTS);
    format!(
        "\n[{number}]\ntype = endpoint\ncontext = {context}\ncallerid = {caller}\nauth = {number}\naors = {number}\n\
         identify_by = auth_username,username\ndisallow = all\nallow = g722,alaw,ulaw\ndtmf_mode = rfc4733\n\
         direct_media = no\nrtp_symmetric = yes\nforce_rport = yes\nrewrite_contact = yes\n\
         allow_subscribe = {subscribe}\nsubscribe_context = {hints}\n{more}\
         \n[{number}]\ntype = auth\nauth_type = digest\nusername = {number}\nrealm = {realm}\n\
         password_digest = MD5:{credential}\n"
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
