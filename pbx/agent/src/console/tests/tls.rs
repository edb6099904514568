//! With a certificate the console speaks TLS.

use std::sync::Arc;

use futures::StreamExt as _;
use pbx_contract::{CONSOLE_PATH, ConsoleMessage};
use rustls::crypto::ring;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_tungstenite::tungstenite::Message;

use super::pbx::{Pbx, wanted};
use crate::certificate::Certificate;
use crate::wanted::Wanted;

const NAME: &str = "syunikwin.epygicloud.com";

fn made() -> (Certificate, CertificateDer<'static>) {
    let made = rcgen::generate_simple_self_signed([NAME.to_owned()]).unwrap();
    (Certificate { chain: made.cert.pem(), key: made.signing_key.serialize_pem() }, made.cert.der().clone())
}

fn connector(trusted: CertificateDer<'static>) -> TlsConnector {
    let mut roots = RootCertStore::empty();
    roots.add(trusted).unwrap();
    let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()));
    let builder = builder.with_safe_default_protocol_versions().unwrap().with_root_certificates(roots);
    TlsConnector::from(Arc::new(builder.with_no_client_auth()))
}

async fn logs_in(pbx: &Pbx, trusted: CertificateDer<'static>) -> bool {
    let stream = TcpStream::connect(pbx.address).await.unwrap();
    let Ok(stream) = connector(trusted).connect(ServerName::try_from(NAME).unwrap(), stream).await else {
        return false;
    };
    let url = format!("wss://{NAME}{CONSOLE_PATH}");
    let (mut socket, _) = tokio_tungstenite::client_async(url, stream).await.unwrap();
    let login = r#"{"id":1,"do":{"login":{"extension":"101","password":"pw-101"}}}"#;
    futures::SinkExt::send(&mut socket, Message::text(login)).await.unwrap();
    let Some(Ok(Message::Text(answer))) = socket.next().await else { panic!("no answer") };
    matches!(serde_json::from_str(&answer).unwrap(), ConsoleMessage::Welcome { .. })
}

#[tokio::test]
async fn with_a_certificate_there_is_tls_alone_and_a_new_one_is_taken() {
    let pbx = Pbx::start(2).await;
    let ((first, first_der), (second, second_der)) = (made(), made());
    pbx.apply(Wanted { certificate: Some(first), ..wanted(2) });
    assert!(logs_in(&pbx, first_der.clone()).await);
    let plain = tokio_tungstenite::connect_async(format!("ws://{}{CONSOLE_PATH}", pbx.address)).await;
    assert!(plain.is_err());
    pbx.apply(Wanted { certificate: Some(second), ..wanted(2) });
    assert!(!logs_in(&pbx, first_der).await);
    assert!(logs_in(&pbx, second_der).await);
}
