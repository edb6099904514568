//! Our PBX beside the same Asterisk with a minimal configuration, written by hand: calls a second, calls at one time, as ratios within
//! one run; the time of a reload with 3000 extensions; memory. `make bench-pbx`.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use ecqx_tests::pbx::{Attempt, Files, Pbx, Phone};

/// Phones that call; each has one call at a time.
const PHONES: u32 = 100;
/// Rounds, ours and the bare one in turn, so that a busy moment of the machine meets both.
const ROUNDS: usize = 5;
/// Twenty of each phone.
const CALLS_OF_A_ROUND: u32 = 20 * PHONES;
/// As many calls at one time as keep Asterisk busy: each new one begins when one has ended.
const AT_ONCE: &str = "20";

#[tokio::main]
async fn main() -> Result<()> {
    let ours = Pbx::start(Files::of(PHONES)).await?;
    let bare = Pbx::bare(&by_hand()).await?;
    calls_at_once(&ours, &bare).await?;
    let (mut best, mut theirs) = (Vec::new(), Vec::new());
    for round in 1..=ROUNDS {
        best.push(calls_a_second(&ours).await?);
        theirs.push(calls_a_second(&bare).await?);
        println!(
            "round {round} of {ROUNDS}: ours {:.0}, bare {:.0} calls a second",
            best[round - 1],
            theirs[round - 1]
        );
    }
    println!("calls a second, ours ÷ bare (medians): {:.2}   (wanted: at least 0.95)", median(best) / median(theirs));
    let (asterisk, agent) = (ours.process("asterisk")?, ours.process("pbx-agent")?);
    println!(
        "processor time of a call: our Asterisk {:.0} µs, the agent {:.0} µs, the bare Asterisk {:.0} µs",
        a_call(asterisk)?,
        a_call(agent)?,
        a_call(bare.agent())?
    );
    let (asterisk, agent) = (mib(asterisk)?, mib(agent)?);
    println!(
        "memory after it: our Asterisk {asterisk} MiB, the agent {agent} MiB, the bare Asterisk {} MiB",
        mib(bare.agent())?
    );
    reload().await
}

/// All phones of both hold a call to the echo test at one time.
async fn calls_at_once(ours: &Pbx, bare: &Pbx) -> Result<()> {
    let mut up = Vec::new();
    let phones = PHONES as usize;
    for pbx in [ours, bare] {
        let attempt = Attempt::new("talk", &Phone::first(PHONES)).calling("*43").lasting(Duration::from_secs(8));
        let calls = pbx.begin(&attempt.with(&["-r", "50"]))?;
        let mut most = 0;
        let begun = Instant::now();
        while begun.elapsed() < Duration::from_secs(9) {
            let counted = pbx.asterisk("core show channels count").await?;
            let active = counted.lines().find_map(|line| line.split_once(" active call")?.0.trim().parse::<u32>().ok());
            most = most.max(active.unwrap_or_default());
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        let outcome = calls.ended().await?;
        let answered = outcome.count(200);
        ensure!(
            answered == phones,
            "{answered} of {phones} calls were answered: {}\n{}",
            outcome.errors,
            pbx.log()?.lines().take(30).collect::<Vec<_>>().join("\n")
        );
        up.push(most);
    }
    println!(
        "calls at one time with audio, of {PHONES} offered: ours {}, bare {}; ratio {:.2}",
        up[0],
        up[1],
        f64::from(up[0]) / f64::from(up[1])
    );
    Ok(())
}

/// Calls, each set up, answered and ended at once, by how long all of them took.
async fn calls_a_second(pbx: &Pbx) -> Result<f64> {
    let phones: Vec<Phone> = (0..CALLS_OF_A_ROUND / PHONES).flat_map(|_| Phone::first(PHONES)).collect();
    let attempt = Attempt::new("race", &phones).calling("*43").lasting(Duration::from_millis(1));
    let begun = Instant::now();
    let outcome = pbx.attempt(&attempt.with(&["-l", AT_ONCE, "-r", "5000"])).await?;
    ensure!(outcome.count(200) == phones.len(), "{} of {} calls: {}", outcome.count(200), phones.len(), outcome.errors);
    #[allow(clippy::cast_precision_loss)] // some thousands
    let calls = phones.len() as f64;
    Ok(calls / begun.elapsed().as_secs_f64())
}

async fn reload() -> Result<()> {
    let mut pbx = Pbx::start(Files::of(3000)).await?;
    let one_less = Files::of(3000).licensed(|limits| limits.ip_phone_extension = 2999);
    let lowered = pbx.apply(one_less).await?;
    let raised = pbx.apply(Files::of(3000)).await?;
    println!(
        "3000 extensions: a limit lowered is in force after {} ms, raised after {} ms",
        lowered.as_millis(),
        raised.as_millis()
    );
    let (asterisk, agent) = (mib(pbx.process("asterisk")?)?, mib(pbx.process("pbx-agent")?)?);
    println!("3000 extensions: Asterisk {asterisk} MiB, the agent {agent} MiB");
    Ok(())
}

/// The processor time that a process has used so far for each of the calls of all rounds, in microseconds.
fn a_call(process: i32) -> Result<f64> {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat"))?;
    // In ticks of 10 ms: the 14th and the 15th field, of which the second ends with a bracket.
    let fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace();
    let ticks: u32 = fields.skip(11).take(2).filter_map(|field| field.parse::<u32>().ok()).sum();
    #[allow(clippy::cast_precision_loss)] // some thousands
    let calls = (ROUNDS * CALLS_OF_A_ROUND as usize) as f64;
    Ok(f64::from(ticks) * 10_000.0 / calls)
}

/// Resident memory of a process.
fn mib(process: i32) -> Result<u64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status"))?;
    let kib =
        status.lines().find_map(|line| line.strip_prefix("VmRSS:")?.trim().strip_suffix(" kB")?.parse::<u64>().ok());
    Ok(kib.unwrap_or_default() / 1024)
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// What somebody would write by hand for the same phones and the echo test, and no more.
fn by_hand() -> [(&'static str, String); 5] {
    let phone = |Phone { number, password }: Phone| {
        format!(
            "\n[{number}]\ntype = endpoint\ncontext = phones\ndisallow = all\nallow = alaw,ulaw\nauth = {number}\naors = {number}\n\
             direct_media = no\n\n[{number}]\ntype = auth\nauth_type = userpass\nusername = {number}\npassword = {password}\n\n\
             [{number}]\ntype = aor\nmax_contacts = 1\n"
        )
    };
    let phones: String = Phone::first(PHONES).into_iter().map(phone).collect();
    let realm = "[global]\ntype = global\ndefault_realm = syunikwin.epygicloud.com\n\n";
    let udp = "[udp]\ntype = transport\nprotocol = udp\nbind = 0.0.0.0:5060\n";
    let modules = [
        "res_timing_timerfd",
        "res_rtp_asterisk",
        "codec_alaw",
        "codec_ulaw",
        "codec_a_mu",
        "bridge_simple",
        "pbx_config",
        "app_echo",
        "res_sorcery_config",
        "res_sorcery_memory",
        "res_sorcery_astdb",
        "res_pjproject",
        "res_pjsip",
        "res_pjsip_session",
        "res_pjsip_authenticator_digest",
        "res_pjsip_endpoint_identifier_user",
        "res_pjsip_sdp_rtp",
        "res_pjsip_registrar",
        "res_pjsip_caller_id",
        "res_pjsip_nat",
        "res_pjsip_pubsub",
        "res_pjsip_outbound_publish",
        "chan_pjsip",
    ];
    let modules = modules.join(".so\nload = ");
    [
        ("asterisk.conf", "[directories]\nastetcdir = /etc/asterisk\nastvarlibdir = /var/lib/ecqx\nastdbdir = /var/lib/ecqx\nastspooldir = /var/lib/ecqx\nastdatadir = /usr/share/asterisk\nastrundir = /run/asterisk\nastlogdir = /var/log/asterisk\n".into()),
        ("modules.conf", format!("[modules]\nautoload = no\nload = {modules}.so\n")),
        ("extensions.conf", "[phones]\nexten => *43,1,Answer()\n same => n,Echo()\n same => n,Hangup()\n".into()),
        ("pjsip.conf", format!("{realm}{udp}{phones}")),
        ("logger.conf", "[logfiles]\nconsole = warning,error\n".into()),
    ]
}
