//! What was recorded, over the agent's HTTP: listed while it goes on, fetched, deleted, and kept within its bound.

use std::time::Duration;

use anyhow::{Result, bail};
use ecqx_tests::pbx::{Attempt, Files, Pbx, Phone};
use pbx_contract::{AGENT_PORT, Recording, RecordingsPage, secret};
use reqwest::{Method, StatusCode};

/// Asks with the token, and gives the code and the body.
async fn ask(pbx: &Pbx, method: Method, path: String, range: Option<&'static str>) -> Result<(StatusCode, Vec<u8>)> {
    let token = pbx.files.secrets[secret::AGENT_TOKEN].clone();
    pbx.inside(move || async move {
        let url = format!("http://127.0.0.1:{AGENT_PORT}/v1/recordings{path}");
        let mut request = reqwest::Client::new().request(method, url).bearer_auth(token);
        if let Some(range) = range {
            request = request.header("range", range);
        }
        let response = request.send().await?;
        Ok((response.status(), response.bytes().await?.to_vec()))
    })
    .await
}

async fn page(pbx: &Pbx) -> Result<RecordingsPage> {
    match ask(pbx, Method::GET, String::new(), None).await? {
        (StatusCode::OK, body) => Ok(serde_json::from_slice(&body)?),
        (code, body) => bail!("{code}: {}", String::from_utf8_lossy(&body)),
    }
}

#[tokio::test]
async fn a_recorded_call_is_listed_fetched_and_deleted_and_none_that_goes_on_is() {
    let files = Files::of(2).licensed(|limits| limits.call_recording = 1);
    let mut pbx = Pbx::start(files.with("102", |phone| phone.recording = Recording::Always)).await.unwrap();
    let phones = Phone::first(2);
    let _called = pbx.answering(&phones[1], Duration::from_mins(1)).await.unwrap();
    let call = pbx.begin(&Attempt::new("talk", &phones[..1]).calling("102").lasting(Duration::from_secs(5))).unwrap();
    pbx.eventually("it is recorded", async || Ok(page(&pbx).await?.recordings.iter().any(|one| one.in_progress)))
        .await
        .unwrap();
    let one = page(&pbx).await.unwrap().recordings.remove(0);
    let parties = (one.caller.as_deref(), one.callee.as_deref(), one.extension.as_deref());
    assert_eq!(parties, (Some("101"), Some("102"), Some("102")));
    let path = format!("/{}", one.name);
    let (code, _) = ask(&pbx, Method::DELETE, path.clone(), None).await.unwrap();
    assert_eq!(code, StatusCode::CONFLICT);
    // A bound of nothing deletes it as soon as it has ended, and not before.
    let mut none = pbx.files.clone();
    none.limits.policy.recordings_mib = 0;
    assert!(call.ended().await.unwrap().success);
    pbx.eventually("it has ended", async || Ok(page(&pbx).await?.recordings.iter().all(|one| !one.in_progress)))
        .await
        .unwrap();
    let ended = page(&pbx).await.unwrap().recordings.remove(0);
    assert!((4..=6).contains(&ended.seconds), "{ended:?}");
    let (code, head) = ask(&pbx, Method::GET, path.clone(), Some("bytes=0-3")).await.unwrap();
    assert_eq!((code, head.as_slice()), (StatusCode::PARTIAL_CONTENT, &b"RIFF"[..]));
    let (code, whole) = ask(&pbx, Method::GET, path.clone(), None).await.unwrap();
    assert_eq!((code, whole.len() as u64), (StatusCode::OK, ended.bytes));

    let second =
        pbx.begin(&Attempt::new("talk", &phones[..1]).calling("102").lasting(Duration::from_secs(15))).unwrap();
    pbx.eventually("two are there", async || Ok(page(&pbx).await?.count == 2)).await.unwrap();
    pbx.apply(none).await.unwrap();
    pbx.eventually("the one that has ended is gone", async || Ok(page(&pbx).await?.count == 1)).await.unwrap();
    let left = page(&pbx).await.unwrap().recordings.remove(0);
    assert!(left.in_progress && left.name != ended.name, "{left:?}");
    assert!(second.ended().await.unwrap().success);
    pbx.eventually("so is the other, once it has ended", async || Ok(page(&pbx).await?.count == 0)).await.unwrap();
    let (code, _) = ask(&pbx, Method::GET, path, None).await.unwrap();
    assert_eq!(code, StatusCode::NOT_FOUND);
}
