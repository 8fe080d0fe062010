//! Over TLS the token goes to nobody whom this system does not trust.
//!
//! `tls/` holds a certificate authority without its key, and a server's certificate for localhost
//! made by it. They guard nothing.

use std::{
    io::{Read as _, Write as _},
    net::TcpListener,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use remuda::{
    cloud::{Class, Client, Options, class_of},
    secret::SecretString,
};
use rustls::{
    ServerConfig, ServerConnection, Stream,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
};

use crate::script::{TOKEN, quick};

fn file(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/cloud/tls").join(name)
}

/// Serves one account over TLS; returns its address and how many bytes it was told in confidence.
fn serve() -> (String, Arc<AtomicUsize>) {
    let certificate = CertificateDer::from_pem_file(file("server.pem")).unwrap();
    let key = PrivateKeyDer::from_pem_file(file("server.key")).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .unwrap();
    let config = Arc::new(config);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("https://localhost:{}", listener.local_addr().unwrap().port());
    let heard = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&heard);
    std::thread::spawn(move || {
        for socket in listener.incoming() {
            let (mut socket, mut buffer) = (socket.unwrap(), [0; 4096]);
            let mut connection = ServerConnection::new(Arc::clone(&config)).unwrap();
            let mut stream = Stream::new(&mut connection, &mut socket);
            let Ok(length) = stream.read(&mut buffer) else { continue };
            count.fetch_add(length, Ordering::SeqCst);
            let body = r#"{"account":{"droplet_limit":25}}"#;
            let length = body.len();
            let _ = write!(stream, "HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n{body}");
        }
    });
    (url, heard)
}

fn client(url: &str) -> Client {
    let options = Options { tries: 2, ..quick() };
    Client::new(&url.parse().unwrap(), SecretString::from(TOKEN), options).unwrap()
}

#[tokio::test]
async fn a_certificate_that_nobody_vouches_for_is_refused() {
    let (url, heard) = serve();
    let error = client(&url).account().await.unwrap_err();
    assert_eq!(class_of(&error), Some(Class::Final), "{error}");
    assert!(error.to_string().contains("certificate"), "{error}");
    assert!(error.hints()[0].contains("SSL_CERT_FILE"), "{:?}", error.hints());
    assert_eq!(heard.load(Ordering::SeqCst), 0, "the token was not sent");
}

#[test]
fn a_certificate_that_the_system_vouches_for_is_accepted() {
    let (url, heard) = serve();
    // What the system trusts is asked once a process, so that it takes another one.
    #[expect(clippy::disallowed_methods, reason = "a test runs itself under another trust")]
    let status = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "tls::in_a_system_that_trusts_it", "--ignored"])
        .env("SSL_CERT_FILE", file("ca.pem"))
        .env_remove("SSL_CERT_DIR")
        .env("REMUDA_TEST_URL", &url)
        .status()
        .unwrap();
    assert!(status.success());
    assert!(heard.load(Ordering::SeqCst) > 0);
}

#[tokio::test]
#[ignore = "is run by the test above"]
async fn in_a_system_that_trusts_it() {
    #[expect(clippy::disallowed_methods, reason = "the test above says where its server is")]
    let url = std::env::var("REMUDA_TEST_URL").unwrap();
    assert_eq!(client(&url).account().await.unwrap().droplet_limit, 25);
}
