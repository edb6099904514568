//! The file contract between the operator and a PBX pod: what is mounted, and what the agent answers. No I/O.
//!
//! Another PBX image can take the place of ours if it keeps this contract; `docs/pbx-contract.md` is its prose.
//!
//! | path in the pod | what |
//! | --- | --- |
//! | [`LIMITS_DIR`] | a [`LimitsFile`] and an [`ExtensionsFile`] as JSON, replaced together, atomically, when anything changes |
//! | [`PASSWORDS_DIR`] | passwords and PINs, a file each, named as in [`secret`] |
//! | [`TLS_DIR`] | `tls.crt` and `tls.key`, where the PBX has a certificate |
//! | [`DATA_DIR`] | the volume that outlives the pod |

pub use console::{
    Activity, AgentState, BargeMode, CONSOLE_PATH, CONSOLE_PROTOCOL, ConsoleAction, ConsoleMessage, ConsoleRefusal,
    ConsoleRequest, ConsoleState, QueueState, WaitingCaller,
};
pub use document::{ContractError, Document, Sealed};
pub use extensions::{
    ConferenceRoom, Extension, ExtensionsFile, MediaEncryption, Queue, QueueStrategy, Recording, RingGroup,
    RingStrategy, Seat, Voicemail, extension_order,
};
pub use limits::{Digests, Instance, Limits, LimitsFile, Network, Policy};
pub use recordings::{RecordingInfo, RecordingsPage};
pub use status::{AgentStatus, Usage};

mod console;
mod document;
pub mod event;
mod extensions;
mod limits;
mod recordings;
pub mod secret;
mod status;

/// The version of the schema that this crate reads and writes.
pub const SCHEMA: u32 = 2;
/// Where the ConfigMap is mounted, as a directory, so that a change reaches the running pod.
pub const LIMITS_DIR: &str = "/etc/ecqx/limits";
/// The file in [`LIMITS_DIR`].
pub const LIMITS_FILE: &str = "limits.json";
/// The other file in [`LIMITS_DIR`].
pub const EXTENSIONS_FILE: &str = "extensions.json";
/// Where the Secret with the passwords and PINs is mounted (see [`secret`]).
pub const PASSWORDS_DIR: &str = "/etc/ecqx/sip";
/// The volume that outlives the pod: voicemail, recordings, the registrar's contacts.
pub const DATA_DIR: &str = "/var/lib/ecqx";
/// Where a certificate for SIP over TLS is mounted, in cert-manager's form: `tls.crt` and `tls.key`.
pub const TLS_DIR: &str = "/etc/ecqx/tls";
/// SIP over UDP and TCP.
pub const SIP_PORT: u16 = 5060;
/// SIP over TLS, where there is a certificate.
pub const SIPS_PORT: u16 = 5061;
/// The agent's HTTP port, for kubelet and operator: `/readyz`, `/livez`, `/v1/status`.
pub const AGENT_PORT: u16 = 8088;
/// The call-centre console's port, for agents and supervisors.
pub const CONSOLE_PORT: u16 = 8089;
/// The first RTP port (UDP), inclusive.
pub const RTP_FIRST: u16 = 10_000;
/// The last RTP port (UDP), inclusive.
pub const RTP_LAST: u16 = 20_000;
/// The uid and gid that the PBX runs under.
pub const PBX_UID: i64 = 1000;

#[cfg(test)]
mod tests {
    use super::*;

    fn limits(limit: u32) -> LimitsFile {
        let instance =
            Instance { unique_id: "ECQX-0".into(), fqdn: "a.epygicloud.com".into(), display_name: "A".into() };
        let limits = Limits { ip_phone_extension: limit, ..Limits::default() };
        let (generation, policy, extensions) = (String::new(), Policy::default(), String::new());
        let network = Network::default();
        LimitsFile { schema: 0, generation, instance, suspended: false, limits, policy, network, extensions }
            .seal()
            .unwrap()
    }

    fn extensions(numbers: &[&str]) -> ExtensionsFile {
        let extensions = numbers.iter().map(|number| Extension::of(*number)).collect();
        ExtensionsFile { extensions, ..ExtensionsFile::default() }.seal().unwrap()
    }

    fn numbers(list: Vec<&Extension>) -> Vec<&str> {
        list.into_iter().map(|e| e.number.as_str()).collect()
    }

    #[test]
    fn the_lowest_numbers_are_enabled_and_the_rest_disabled() {
        let file = extensions(&["1000", "102", "99", "101"]);
        assert_eq!(numbers(file.enabled(2)), ["99", "101"]);
        assert_eq!(numbers(file.disabled(2)), ["102", "1000"]);
    }

    #[test]
    fn seats_go_to_the_lowest_numbers_of_those_that_ask_and_of_all_where_none_asks() {
        let mut file = extensions(&["101", "102", "103", "104"]);
        assert_eq!(numbers(file.seated(Seat::Softphone, 2, 4)), ["101", "102"]);
        for index in [1, 2, 3] {
            file.extensions[index].softphone = true;
        }
        assert_eq!(numbers(file.seated(Seat::Softphone, 2, 4)), ["102", "103"]);
        assert_eq!(numbers(file.seated(Seat::Softphone, 2, 2)), ["102"], "a disabled extension has no seat");
        assert_eq!(numbers(file.seated(Seat::Receptionist, 1, 4)), ["101"], "each kind of seat is asked for by itself");
    }

    #[test]
    fn a_sealed_file_reads_back_and_an_edited_one_is_refused() {
        let text = serde_json::to_string(&limits(1)).unwrap();
        assert_eq!(LimitsFile::parse(&text).unwrap(), limits(1));
        let edited = text.replace("\"IpPhoneExtension\":1", "\"IpPhoneExtension\":3000");
        assert!(matches!(LimitsFile::parse(&edited), Err(ContractError::Generation { .. })));
    }

    #[test]
    fn any_change_of_content_changes_the_generation() {
        assert_ne!(limits(1).generation, limits(2).generation);
        assert_ne!(limits(1).generation, LimitsFile { suspended: true, ..limits(1) }.seal().unwrap().generation);
        assert_ne!(extensions(&["101"]).generation, extensions(&["102"]).generation);
    }

    #[test]
    fn a_file_of_another_schema_is_refused_with_both_versions_whatever_its_shape() {
        let text = r#"{"schema":7,"generation":"x","something":"new"}"#;
        let error = LimitsFile::parse(text).unwrap_err().to_string();
        assert!(error.contains(&format!("schema 7, this agent reads {SCHEMA}")), "{error}");
    }
}
