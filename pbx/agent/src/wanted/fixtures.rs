//! Limits, extensions and passwords for this crate's tests.

use pbx_contract::{Document as _, Extension, ExtensionsFile, Instance, Limits, LimitsFile, Network, Policy};

use super::{Passwords, Unfit, Wanted};

/// Both files.
pub(crate) type Files = (LimitsFile, ExtensionsFile);

pub(crate) fn limits(extensions: &[(&str, Option<&str>)], enabled: u32) -> Files {
    let extension =
        |(number, name): &(&str, Option<&str>)| Extension { name: name.map(Into::into), ..Extension::of(*number) };
    let extensions =
        ExtensionsFile { extensions: extensions.iter().map(extension).collect(), ..ExtensionsFile::default() };
    sealed(Limits { ip_phone_extension: enabled, ..Limits::default() }, extensions)
}

pub(crate) fn sealed(limits: Limits, extensions: ExtensionsFile) -> Files {
    let extensions = extensions.seal().unwrap();
    let limits = LimitsFile {
        schema: 0,
        generation: String::new(),
        instance: Instance { unique_id: "ECQX-1".into(), fqdn: "a.epygicloud.com".into(), display_name: "A".into() },
        suspended: false,
        limits,
        policy: Policy::default(),
        network: Network::default(),
        extensions: extensions.generation.clone(),
    };
    (limits.seal().unwrap(), extensions)
}

pub(crate) fn passwords(numbers: &[&str]) -> Passwords {
    Passwords(numbers.iter().map(|number| ((*number).into(), format!("secret{number}\n").into_bytes())).collect())
}

pub(crate) fn wanted((limits, extensions): &Files, passwords: &Passwords) -> Result<Wanted, Unfit> {
    Wanted::new(limits, extensions, passwords)
}
