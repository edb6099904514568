//! Starts one PBX without a cluster, to be looked at by hand; it ends with Ctrl-C or SIGTERM.

use anyhow::Result;
use ecqx_tests::pbx::{Authority, Files, Pbx};
use tokio::signal::unix::{SignalKind, signal};

#[tokio::main]
async fn main() -> Result<()> {
    let everything = |limits: &mut pbx_contract::Limits| {
        (limits.call_recording, limits.audio_conference, limits.call_center) = (3, 4, 2);
        (limits.eqall_softphone, limits.eqall_receptionist) = (2, 2);
    };
    let authority = Authority::new("ours")?;
    let files = Files { certificate: Some(authority.issue(90)?), ..Files::of(9) };
    let pbx = Pbx::start(files.licensed(everything)).await?;
    let (agent, data) = (pbx.agent(), pbx.data());
    println!(
        "A PBX with extensions 101 to 109 (password `{}`, mailbox PIN 77101 and so on) runs.",
        Files::password("101")
    );
    println!("  its console:     nsenter --target={agent} --all --root --wd=/ -- asterisk -rvvv");
    println!(
        "  in its network:  nsenter --target={agent} --net -- sipp 127.0.0.1:5060 ...   (scenarios in tests/phones)"
    );
    println!("  its status:      nsenter --target={agent} --net -- curl -s http://127.0.0.1:8088/v1/status");
    let trusted = data.with_file_name("authority.pem");
    std::fs::write(&trusted, authority.certificate())?;
    println!("  its authority:   {}  (for SIP over TLS, port 5061)", trusted.display());
    println!("  its volume:      {}", data.display());
    println!("Ctrl-C ends it and leaves nothing behind.");
    let mut told = signal(SignalKind::terminate())?;
    tokio::select! {
        pressed = tokio::signal::ctrl_c() => pressed?,
        _ = told.recv() => {}
    }
    Ok(())
}
