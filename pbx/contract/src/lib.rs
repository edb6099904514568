//! The file contract between the operator and a PBX pod: what is mounted, and what the agent answers. No I/O.
//!
//! Another PBX image can take the place of ours if it keeps this contract; `docs/pbx-contract.md` is its prose.
//!
//! | path in the pod | what |
//! | --- | --- |
//! | [`LIMITS_PATH`] | a [`LimitsFile`] as JSON, replaced atomically when anything changes |
//! | [`PASSWORDS_DIR`] | a file per extension, named by its number, that holds its SIP password |
//! | [`DATA_DIR`] | the volume that outlives the pod |

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// The version of the schema that this crate reads and writes.
pub const SCHEMA: u32 = 1;
/// Where the ConfigMap is mounted, as a directory, so that a change reaches the running pod.
pub const LIMITS_DIR: &str = "/etc/ecqx/limits";
/// The file in [`LIMITS_DIR`].
pub const LIMITS_FILE: &str = "limits.json";
/// The whole path of the limits file.
pub const LIMITS_PATH: &str = "/etc/ecqx/limits/limits.json";
/// Where the Secret with the SIP passwords is mounted: a file per extension number.
pub const PASSWORDS_DIR: &str = "/etc/ecqx/sip";
/// The volume that outlives the pod: voicemail, recordings, the registrar's contacts.
pub const DATA_DIR: &str = "/var/lib/ecqx";
/// SIP over UDP and TCP.
pub const SIP_PORT: u16 = 5060;
/// The agent's HTTP port: `/readyz`, `/livez`, `/v1/status`.
pub const AGENT_PORT: u16 = 8088;
/// The first RTP port (UDP), inclusive.
pub const RTP_FIRST: u16 = 10_000;
/// The last RTP port (UDP), inclusive.
pub const RTP_LAST: u16 = 20_000;
/// The uid and gid that the PBX runs under.
pub const PBX_UID: i64 = 1000;

/// What a PBX may do, and for whom. `limits.json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LimitsFile {
    /// [`SCHEMA`]; a reader refuses any other.
    pub schema: u32,
    /// Digest of everything else in the file (see [`LimitsFile::seal`]); the agent reports the one that it has applied.
    pub generation: String,
    /// Whose PBX this is.
    pub instance: Instance,
    /// When true no new call is let in; those in progress go on.
    pub suspended: bool,
    /// The entitlements, as counts; a flag is 0 or 1.
    pub limits: Limits,
    /// All configured extensions. Those beyond the limit are disabled, by number from the highest.
    pub extensions: Vec<Extension>,
}

/// Whose PBX this is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Instance {
    /// Never changes, never reused.
    pub unique_id: String,
    /// The full name, such as `syunikwin.epygicloud.com`; it is the SIP realm and domain.
    pub fqdn: String,
    /// Free text from the reseller: hostile until quoted.
    pub display_name: String,
}

/// One configured extension.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Extension {
    /// Digits only, such as `101`.
    pub number: String,
    /// The name shown to the called party. Free text from the reseller: hostile until quoted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

/// Entitlements by feature, named as in the API (§2 of the guide).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Limits {
    /// Enabled extensions.
    pub ip_phone_extension: u32,
    /// Calls recorded at one time.
    pub call_recording: u32,
    /// Participants of all conference rooms together.
    pub audio_conference: u32,
    /// Extensions that may use a softphone beside the phone.
    pub eqall_softphone: u32,
    /// Extensions that may watch others' state.
    pub eqall_receptionist: u32,
    /// Users whose calls are passed to their CRM.
    pub crm_integration: u32,
    /// Ports for agents and supervisors of the call centre.
    pub call_center: u32,
    /// 0 or 1.
    pub sms_whatsapp: u32,
    /// 0 or 1.
    pub vm_transcription: u32,
}

/// What the agent answers at `GET /v1/status`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AgentStatus {
    /// True when Asterisk is fully booted and the newest limits are applied.
    pub ready: bool,
    /// The generation of the limits that Asterisk runs with; none before the first.
    pub applied_generation: Option<String>,
    /// Why the newest limits are not applied, when they are not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
    /// What is in use.
    pub usage: Usage,
}

/// What is in use right now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Usage {
    /// Extensions that may register and call.
    pub extensions_enabled: u32,
    /// Extensions that have a registered phone.
    pub extensions_registered: u32,
    /// Calls in progress.
    pub active_calls: u32,
}

/// Why a limits file was refused.
#[derive(Debug, thiserror::Error)]
pub enum ContractError {
    /// Not the JSON of a [`LimitsFile`].
    #[error("limits file is not valid: {0}")]
    Json(#[from] serde_json::Error),
    /// Written for another version of the contract.
    #[error(
        "limits file has schema {found}, this agent reads {SCHEMA}; deploy matching versions of operator and PBX image"
    )]
    Schema {
        /// What the file says.
        found: u32,
    },
    /// The content does not hash to its generation: a partial or edited file.
    #[error("limits file says generation {stated}, its content gives {computed}; it was edited by hand or cut short")]
    Generation {
        /// What the file says.
        stated: String,
        /// What its content gives.
        computed: String,
    },
}

impl LimitsFile {
    /// Sets `schema` and `generation` from the content. Equal content gives an equal generation, in any process.
    #[must_use]
    pub fn seal(mut self) -> Self {
        self.schema = SCHEMA;
        self.generation = self.digest();
        self
    }

    /// Reads and checks a limits file.
    ///
    /// # Errors
    /// When it is not JSON of this shape, has another schema, or does not hash to its generation.
    pub fn parse(text: &str) -> Result<Self, ContractError> {
        let file: Self = serde_json::from_str(text)?;
        if file.schema != SCHEMA {
            return Err(ContractError::Schema { found: file.schema });
        }
        let computed = file.digest();
        if file.generation != computed {
            return Err(ContractError::Generation { stated: file.generation, computed });
        }
        Ok(file)
    }

    /// The extensions that are enabled: the N with the lowest numbers, compared as numbers.
    pub fn enabled(&self) -> Vec<&Extension> {
        self.ranked().into_iter().take(self.limits.ip_phone_extension as usize).collect()
    }

    /// The extensions beyond the limit: configured, disabled, not deleted.
    pub fn disabled(&self) -> Vec<&Extension> {
        self.ranked().into_iter().skip(self.limits.ip_phone_extension as usize).collect()
    }

    fn ranked(&self) -> Vec<&Extension> {
        let mut all: Vec<&Extension> = self.extensions.iter().collect();
        all.sort_by(|a, b| extension_order(&a.number, &b.number));
        all
    }

    fn digest(&self) -> String {
        let content = serde_json::json!([SCHEMA, self.instance, self.suspended, self.limits, self.extensions]);
        Sha256::digest(content.to_string()).iter().take(8).fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"))
    }
}

/// Orders extension numbers as numbers, without a bound on their length: `99` before `101`, `0101` after `101`.
pub fn extension_order(a: &str, b: &str) -> std::cmp::Ordering {
    let digits = |number: &str| number.trim_start_matches('0').to_owned();
    let (x, y) = (digits(a), digits(b));
    x.len().cmp(&y.len()).then_with(|| x.cmp(&y)).then_with(|| a.cmp(b))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(numbers: &[&str], limit: u32) -> LimitsFile {
        LimitsFile {
            schema: 0,
            generation: String::new(),
            instance: Instance {
                unique_id: "ECQX-0".into(),
                fqdn: "a.epygicloud.com".into(),
                display_name: "A".into(),
            },
            suspended: false,
            limits: Limits { ip_phone_extension: limit, ..Limits::default() },
            extensions: numbers.iter().map(|n| Extension { number: (*n).to_owned(), name: None }).collect(),
        }
        .seal()
    }

    fn numbers(list: Vec<&Extension>) -> Vec<&str> {
        list.into_iter().map(|e| e.number.as_str()).collect()
    }

    #[test]
    fn the_lowest_numbers_are_enabled_and_the_rest_disabled() {
        let file = file(&["1000", "102", "99", "101"], 2);
        assert_eq!(numbers(file.enabled()), ["99", "101"]);
        assert_eq!(numbers(file.disabled()), ["102", "1000"]);
    }

    #[test]
    fn a_sealed_file_reads_back_and_an_edited_one_is_refused() {
        let text = serde_json::to_string(&file(&["101"], 1)).unwrap();
        assert_eq!(LimitsFile::parse(&text).unwrap(), file(&["101"], 1));
        let edited = text.replace("\"IpPhoneExtension\":1", "\"IpPhoneExtension\":3000");
        assert!(matches!(LimitsFile::parse(&edited), Err(ContractError::Generation { .. })));
    }

    #[test]
    fn any_change_of_content_changes_the_generation() {
        let base = file(&["101"], 1);
        assert_ne!(base.generation, file(&["101"], 2).generation);
        assert_ne!(base.generation, file(&["102"], 1).generation);
        assert_ne!(base.generation, LimitsFile { suspended: true, ..base.clone() }.seal().generation);
    }

    #[test]
    fn a_file_of_another_schema_is_refused_with_both_versions() {
        let text = serde_json::to_string(&LimitsFile { schema: 2, ..file(&[], 0) }).unwrap();
        assert!(LimitsFile::parse(&text).unwrap_err().to_string().contains("schema 2, this agent reads 1"));
    }
}
