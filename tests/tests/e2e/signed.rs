//! The zone is signed on the cluster, by a key of BIND's `dnssec-keygen`, and a validating client believes it.

use std::{collections::BTreeMap, fs};

use anyhow::{Context, Result, ensure};
use ecqx_tests::product::{NAMESPACE, ZONE};
use k8s_openapi::{
    ByteString,
    api::core::v1::{Namespace, Secret},
};
use kube::{
    Api, Client,
    api::{Patch, PatchParams},
};
use serde_json::json;

use crate::{names::instance, stage::Stage};

/// The Secret of the zone's keys.
pub const KEYS: &str = "zone-keys";
const NS: &str = "reseller-one";

/// Puts a key of the zone where the name servers find it.
pub async fn give_key(client: &Client) -> Result<()> {
    let apply = PatchParams::apply("ecqx-tests").force();
    let namespace = json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": NAMESPACE } });
    Api::<Namespace>::all(client.clone()).patch(NAMESPACE, &apply, &Patch::Apply(namespace)).await?;
    let secret = Secret { data: Some(made_key()?), ..Secret::default() };
    let secrets: Api<Secret> = Api::namespaced(client.clone(), NAMESPACE);
    secrets.patch(KEYS, &apply, &Patch::Apply(Secret { metadata: metadata(), ..secret })).await?;
    Ok(())
}

fn metadata() -> kube::core::ObjectMeta {
    kube::core::ObjectMeta { name: Some(KEYS.to_owned()), ..kube::core::ObjectMeta::default() }
}

/// Both files of a key that signs everything, under names that a Secret may have.
fn made_key() -> Result<BTreeMap<String, ByteString>> {
    let folder = tempfile::tempdir()?;
    let made = std::process::Command::new("dnssec-keygen")
        .args(["-q", "-a", "ED25519", "-f", "KSK", "-K"])
        .arg(folder.path())
        .arg(ZONE)
        .output()
        .context("dnssec-keygen (Debian: bind9-utils)")?;
    ensure!(made.status.success(), "dnssec-keygen: {}", String::from_utf8_lossy(&made.stderr));
    let files = fs::read_dir(folder.path())?.map(|file| {
        let file = file?.path();
        let kind = file.extension().and_then(|kind| kind.to_str()).context("a file without a kind")?;
        Ok((format!("zone.{kind}"), ByteString(fs::read(&file)?)))
    });
    files.collect()
}

pub async fn a_validating_client_believes_names_and_their_absence(stage: Stage) -> Result<()> {
    instance(&stage, NS, "proven", "tatev").await?;
    let at = stage.in_service(NS, "proven").await?;
    let secrets: Api<Secret> = Api::namespaced(stage.product.client.clone(), NAMESPACE);
    let data = secrets.get(KEYS).await?.data.unwrap_or_default();
    let public = String::from_utf8(data.get("zone.key").context("no key")?.0.clone())?;
    let record = public.lines().find(|line| !line.starts_with(';')).context("no record")?;
    let (_, key) = record.split_once("DNSKEY ").context("no DNSKEY")?;
    let mut fields = key.split_whitespace();
    let numbers: Vec<&str> = fields.by_ref().take(3).collect();
    let anchor = format!(
        "trust-anchors {{ \"{ZONE}.\" static-key {} \"{}\"; }};\n",
        numbers.join(" "),
        fields.collect::<String>()
    );
    stage.product.phones.run(&["sh", "-c", "cat > /tmp/anchor"], &anchor).await?;
    let told = validated(&stage, &at.fqdn, "A").await?;
    ensure!(told.contains("fully validated") && told.contains(&at.address), "{told}");
    let absent = validated(&stage, &format!("nobody-has-this.{ZONE}"), "A").await?;
    ensure!(absent.contains("negative response, fully validated"), "{absent}");
    stage.remove(NS, "proven").await
}

/// What BIND's validating client says.
async fn validated(stage: &Stage, name: &str, type_: &str) -> Result<String> {
    let server = format!("@{}", stage.product.dns);
    let root = format!("+root={ZONE}");
    let output = stage.product.phones.run(&["delv", &server, "-a", "/tmp/anchor", &root, name, type_], "").await?;
    Ok(output.stdout + &output.stderr)
}
