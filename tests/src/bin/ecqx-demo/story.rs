//! From an order to a registered phone. I/O: the cluster, through the product's own doors.

use std::{path::Path, time::Duration};

use anyhow::{Context, Result, ensure};
use ecqx_crds::condition;
use ecqx_tests::product::{Product, RESELLER, ZONE, phones::Registrar, shop};
use kube::api::ListParams;

use crate::told::Told;

/// The longest that any step may take.
const PATIENCE: Duration = Duration::from_mins(2);

/// Posts the order and follows what becomes of it.
pub async fn tell(product: &Product, hostname: &str, extensions: u32, number: u64) -> Result<()> {
    let (namespace, fqdn) = (RESELLER.1, format!("{hostname}.{ZONE}"));
    let known = product.instances(namespace).get_opt(hostname).await?.is_some();
    println!("\nOrder {number}: an ecQX with {extensions} additional extensions, note \"{hostname}\"");
    if known {
        println!("  (this order was delivered before: delivering it again changes nothing)");
    }
    let told = Told::start();
    let answer = product.deliver(&shop::ecqx_order(number, extensions, hostname).to_string()).await?;
    ensure!(answer.code < 300, "the bridge answered {}: {}", answer.code, answer.body);
    told.step(&format!("order accepted: {} {}", answer.code, answer.body.trim()));

    let object = (namespace, hostname);
    resources(product, object).await?;
    told.step(&format!("resources written: ecqx/{hostname} and lic/{hostname} in {namespace}"));
    product.until(object, (condition::HOSTNAME_CLAIMED, "True"), PATIENCE).await?;
    told.step(&format!("host name claimed: {fqdn}"));
    product.until(object, (condition::READY, "True"), PATIENCE).await?;
    told.step("pod ready: Asterisk is booted and runs with these limits");
    let addresses = product.until_resolves(&fqdn, true, PATIENCE).await?;
    told.step(&format!("name resolves: {fqdn} A {} (asked with dig)", addresses.join(" ")));

    let address = addresses.first().context("no address")?.clone();
    let registrar = Registrar { address, fqdn };
    register(product, &told, &registrar, hostname, extensions, known).await
}

async fn resources(product: &Product, (namespace, name): (&str, &str)) -> Result<()> {
    let deadline = tokio::time::Instant::now() + PATIENCE;
    loop {
        let instance = product.instances(namespace).get_opt(name).await?;
        let licenses = product.license_sets(namespace).get_opt(name).await?;
        if instance.is_some() && licenses.is_some() {
            return Ok(());
        }
        let orders = product.orders().list(&ListParams::default()).await?.items;
        let states: Vec<_> = orders.iter().map(|order| &order.status).collect();
        ensure!(tokio::time::Instant::now() < deadline, "no resources were written; the orders: {states:#?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

async fn register(
    product: &Product,
    told: &Told,
    registrar: &Registrar,
    instance: &str,
    extensions: u32,
    known: bool,
) -> Result<()> {
    let passwords = product.passwords(RESELLER.1, instance).await?;
    let phones: Vec<(&str, &str)> = passwords.iter().map(|(number, password)| (&**number, &**password)).collect();
    let (first, rest) = phones.split_first().context("the instance has no extension")?;
    let output = product.phones.register(registrar, &[*first]).await?;
    ensure!(output.success, "extension {} did not register:\n{}{}", first.0, output.stdout, output.stderr);
    told.step(&format!("extension {} is registered at {}", first.0, registrar.fqdn));
    let took = told.seconds();
    let output = product.phones.register(registrar, rest).await?;
    ensure!(output.success, "not all extensions registered:\n{}{}", output.stdout, output.stderr);
    let last = phones.last().map_or("", |phone| phone.0);
    told.step(&format!("extensions {} to {last} are registered, each with 200 OK", first.0));

    let beyond = (100 + 5 + extensions + 1).to_string();
    let output = product.phones.register_is_forbidden(registrar, &[(&beyond, "guessed")]).await?;
    ensure!(output.success, "extension {beyond} was not refused:\n{}{}", output.stdout, output.stderr);
    told.step(&format!("extension {beyond} is refused with 403: it was not bought"));
    if !known {
        println!("\nOrder posted to first phone registered: {took:.2} s");
    }
    Ok(())
}

/// What somebody with the running cluster may want to try.
pub async fn what_next(product: &Product, kubeconfig: &Path, hostname: &str) -> Result<()> {
    let version = product.client.apiserver_version().await?;
    println!("\nThe cluster goes on running (Kubernetes {}). To try next:\n", version.git_version);
    println!("  export KUBECONFIG={}", kubeconfig.display());
    println!("  kubectl get ecqx -A            # kubectl is in the folder that `make kubectl` prints");
    println!("  kubectl describe ecqx -n {} {hostname}", RESELLER.1);
    println!("  dig @{} {hostname}.{ZONE} NAPTR", product.dns);
    println!("\nAnother order, signed as the shop signs it:\n");
    println!(
        "  SECRET=$(kubectl get secret -n ecqx-system ecqx-bridge -o jsonpath='{{.data.webhook-secret}}' | base64 -d)"
    );
    println!("  BODY='{}'", shop::ecqx_order(1002, 2, "hostname: goris"));
    println!("  SIGNATURE=$(printf %s \"$BODY\" | openssl dgst -sha256 -hmac \"$SECRET\" -binary | base64)");
    println!("  curl -H \"X-WC-Webhook-Signature: $SIGNATURE\" -H 'Content-Type: application/json' -d \"$BODY\" \\");
    println!("    http://{}/webhooks/woocommerce", product.bridge);
    println!("\nWhat the future holds: ask for half the extensions, then how the instance will stand next month:\n");
    println!(
        "  TOKEN=$(kubectl get secret -n ecqx-system ecqx-bridge -o jsonpath='{{.data.api-tokens}}' | base64 -d | head -n 1)"
    );
    println!("  API=http://{}/v1/instances/{}/{hostname}", product.bridge, RESELLER.1);
    println!("  curl -H \"Authorization: Bearer $TOKEN\" -H 'Content-Type: application/json' \\");
    println!(
        "    -d '{{\"id\":\"fewer\",\"service\":\"IpPhoneExtension\",\"kind\":\"Decrease\",\"newQuantity\":5}}' $API/changes"
    );
    println!("  curl -H \"Authorization: Bearer $TOKEN\" \"$API/forecast?at=$(date -u -d '+32 days' +%FT%TZ)\"");
    println!("  kubectl get ecqx -n {} {hostname} -o yaml      # status.upcoming has the same", RESELLER.1);
    println!("\n`make down` ends it and leaves nothing behind.");
    Ok(())
}
