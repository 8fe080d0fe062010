//! Probes against servers that are well, wrong, slow, silent or gone.
#![expect(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a test fails by panicking and may talk"
)]

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::Path,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};

use remuda::{
    error::Kind,
    probe::{self, Connection, HttpCheck, Reason, Sample, Unwell, Watch},
    retry::{Deadline, sleep},
};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _};
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};

const LOCALHOST: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

fn millis(count: u64) -> Duration {
    Duration::from_millis(count)
}

/// Reads one request's head.
async fn head(stream: &mut (impl AsyncRead + Unpin)) -> Option<String> {
    let mut read = Vec::new();
    while !read.ends_with(b"\r\n\r\n") {
        read.push(stream.read_u8().await.ok()?);
    }
    String::from_utf8(read).ok()
}

/// Answers every request of every connection with what `answer` makes of its head.
async fn serve(listener: TcpListener, answer: impl Fn(&str) -> String + Send + Sync + 'static) {
    let answer = Arc::new(answer);
    loop {
        let Ok((mut stream, _)) = listener.accept().await else { return };
        let answer = Arc::clone(&answer);
        tokio::spawn(async move {
            while let Some(head) = head(&mut stream).await {
                if stream.write_all(answer(&head).as_bytes()).await.is_err() {
                    return;
                }
            }
        });
    }
}

fn answer(status: u16, headers: &str, body: &str) -> String {
    let length = body.len();
    format!("HTTP/1.1 {status} Words\r\nContent-Length: {length}\r\n{headers}\r\n{body}")
}

async fn bind() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind((LOCALHOST, 0)).await.unwrap();
    let addr = listener.local_addr().unwrap();
    (listener, addr)
}

/// Binds again where a listener was, although its old connections have not quite gone.
async fn bind_at(addr: SocketAddr) -> TcpListener {
    TcpListener::bind(addr).await.unwrap()
}

fn check(addr: SocketAddr) -> HttpCheck {
    let url = format!("http://{addr}/healthz").parse().unwrap();
    HttpCheck { timeout: millis(2000), ..HttpCheck::new(url) }
}

/// Starts a server that answers with that, and asks it once.
async fn asked(answer: String, change: impl FnOnce(&mut HttpCheck)) -> Result<Sample, Unwell> {
    let (listener, addr) = bind().await;
    let server = tokio::spawn(serve(listener, move |_| answer.clone()));
    let mut check = check(addr);
    change(&mut check);
    let found = probe::http(&check).await;
    server.abort();
    found
}

#[tokio::test]
async fn an_answer_is_judged_by_status_header_and_body() {
    let good = answer(200, "X-Release: v2\r\n", "all is well");
    let sample = asked(good.clone(), |check| {
        check.headers = vec![("X-Release".into(), "v2".into())];
        check.contains = Some("is well".into());
    })
    .await
    .unwrap();
    assert_eq!((sample.status, sample.release.as_deref()), (200, Some("v2")));
    assert!(sample.millis > 0.0);

    let unwell = asked(answer(503, "", "\x1b[2Jdown\n"), |_| {}).await.unwrap_err();
    assert_eq!(unwell.reason, Reason::Status(503));
    assert_eq!(unwell.text, "status 503 instead of 200");
    assert_eq!(unwell.body.as_deref(), Some("[2Jdown"));

    let moved = answer(301, "Location: https://x/\r\n", "");
    let unwell = asked(moved, |_| {}).await.unwrap_err();
    assert_eq!(unwell.text, "status 301 (to https://x/) instead of 200");

    let wants = |name: &str, value: &str| {
        let header = (name.to_owned(), value.to_owned());
        move |check: &mut HttpCheck| check.headers = vec![header]
    };
    let unwell = asked(good.clone(), wants("x-release", "v3")).await.unwrap_err();
    assert_eq!(unwell.text, "header x-release is `v2` instead of `v3`");
    assert_eq!(unwell.release.as_deref(), Some("v2"));
    let unwell = asked(good.clone(), wants("x-other", "1")).await.unwrap_err();
    assert_eq!(unwell.text, "no header x-other, which should be `1`");
    let unwell = asked(good, |check| check.contains = Some("nope".into())).await.unwrap_err();
    assert_eq!(unwell.text, "the body does not contain `nope`");
}

#[tokio::test]
async fn it_goes_to_the_address_with_the_hosts_name() {
    let (listener, addr) = bind().await;
    let heads = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&heads);
    let server = tokio::spawn(serve(listener, move |head| {
        seen.lock().unwrap().push(head.to_ascii_lowercase());
        answer(200, "", "")
    }));
    for host in ["blog.invalid", "203.0.113.10", "[2001:db8::1]"] {
        let url = format!("http://{host}:{}/x?y=z", addr.port()).parse().unwrap();
        probe::http(&HttpCheck { to: Some(LOCALHOST), ..HttpCheck::new(url) }).await.unwrap();
        let head = heads.lock().unwrap().pop().unwrap();
        assert!(head.starts_with("get /x?y=z http/1.1\r\n"), "{head}");
        assert!(head.contains(&format!("\r\nhost: {host}:{}\r\n", addr.port())), "{head}");
    }
    server.abort();
    let url = "https://203.0.113.10/".parse().unwrap();
    let check = HttpCheck { to: Some(LOCALHOST), ..HttpCheck::new(url) };
    assert_eq!(probe::http(&check).await.unwrap_err().reason, Reason::Check);
    let check = HttpCheck::new("ftp://x/".parse().unwrap());
    assert_eq!(probe::http(&check).await.unwrap_err().reason, Reason::Check);
}

#[tokio::test]
async fn what_is_not_there_is_said() {
    let (listener, addr) = bind().await;
    drop(listener);
    let unwell = probe::http(&check(addr)).await.unwrap_err();
    assert_eq!(unwell.reason, Reason::Refused);
    assert_eq!(unwell.text, format!("{addr} refuses connections"));
    assert_eq!(probe::tcp(addr, millis(500)).await.unwrap_err().reason, Reason::Refused);

    let mut check = HttpCheck::new("http://no-such-name.invalid/".parse().unwrap());
    check.timeout = Duration::from_secs(30);
    let unwell = probe::http(&check).await.unwrap_err();
    assert_eq!(unwell.reason, Reason::Name, "{unwell}");
    assert_eq!(unwell.text, "the name no-such-name.invalid has no address");
}

#[tokio::test]
async fn servers_that_hang_or_break_off_are_given_up() {
    // Says nothing: the listener's queue takes the connection.
    let (_listener, addr) = bind().await;
    let began = Instant::now();
    let mute = HttpCheck { timeout: millis(300), ..check(addr) };
    let unwell = probe::http(&mute).await.unwrap_err();
    assert_eq!(unwell.reason, Reason::Timeout);
    assert!(began.elapsed() < millis(1500));
    probe::tcp(addr, millis(500)).await.unwrap();

    // Hangs up at once; hangs up in the middle; is not HTTP; a body that never ends its trickle.
    let cases: [(&str, Reason); 4] = [
        ("", Reason::Broken),
        ("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf", Reason::Broken),
        ("SSH-2.0-OpenSSH_9.2\r\n\r\n", Reason::Broken),
        ("slow", Reason::Timeout),
    ];
    for (text, reason) in cases {
        let (listener, addr) = bind().await;
        let server = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            head(&mut stream).await.unwrap();
            if text == "slow" {
                stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.unwrap();
                while stream.write_all(b"x").await.is_ok() {
                    sleep(millis(20)).await;
                }
            } else {
                stream.write_all(text.as_bytes()).await.unwrap();
            }
        });
        let slow = HttpCheck { timeout: millis(400), ..check(addr) };
        let unwell = probe::http(&slow).await.unwrap_err();
        assert_eq!(unwell.reason, reason, "{text:?}: {unwell}");
        server.abort();
    }
}

#[tokio::test]
async fn a_huge_body_is_not_read_to_its_end() {
    let (listener, addr) = bind().await;
    let written = Arc::new(AtomicU32::new(0));
    let count = Arc::clone(&written);
    let server = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        head(&mut stream).await.unwrap();
        stream.write_all(b"HTTP/1.1 200 OK\r\n\r\nfirst words").await.unwrap();
        let mebibyte = vec![b'x'; 1024 * 1024];
        while stream.write_all(&mebibyte).await.is_ok() {
            count.fetch_add(1, Ordering::Relaxed);
        }
    });
    let mut check = check(addr);
    check.contains = Some("first words".into());
    probe::http(&check).await.unwrap();
    server.await.unwrap();
    assert!(written.load(Ordering::Relaxed) < 64);
}

#[tokio::test]
async fn until_well_wants_it_several_times_in_a_row() {
    let (listener, addr) = bind().await;
    // Down, down, up, down, then up.
    let count = AtomicU32::new(0);
    let server = tokio::spawn(serve(listener, move |_| {
        let number = count.fetch_add(1, Ordering::Relaxed);
        answer(if matches!(number, 0 | 1 | 3) { 503 } else { 200 }, "", "")
    }));
    let prober = probe::Prober::new(&check(addr), Connection::New).unwrap();
    let said = Mutex::new(Vec::new());
    let on_try = |text: &str| said.lock().unwrap().push(text.to_owned());
    let deadline = Deadline::after(Duration::from_secs(20), "the app to be well");
    let report =
        probe::until_well(|| prober.ask(), 3, millis(5), &deadline, &on_try).await.unwrap();
    assert_eq!(report.tries, 7);
    let said = said.into_inner().unwrap();
    assert_eq!(said[0], "status 503 instead of 200");
    assert!(said[2].starts_with("well 1 of 3, "), "{said:?}");
    assert!(said[6].starts_with("well 3 of 3, "), "{said:?}");
    server.abort();
}

#[tokio::test]
async fn until_well_tells_at_the_deadline_what_it_found() {
    let (listener, addr) = bind().await;
    let server = tokio::spawn(serve(listener, |_| answer(502, "", "bad gateway")));
    let began = Instant::now();
    let deadline = Deadline::after(millis(400), "the app to be well");
    let check = check(addr);
    let ask = || probe::http(&check);
    let error = probe::until_well(ask, 2, millis(20), &deadline, &|_| {}).await.unwrap_err();
    assert!(began.elapsed() < millis(2000));
    assert_eq!(error.kind(), Kind::Unhealthy);
    assert_eq!(error.what(), "waited 0.40 s for the app to be well, in vain");
    assert_eq!(error.causes(), ["status 502 instead of 200"]);
    let block = error.block().unwrap();
    assert!(block.contains("the last answer began with: bad gateway"), "{block}");
    server.abort();

    // A check that never answers ends with the deadline as well.
    let deadline = Deadline::after(millis(200), "a command");
    let ask = std::future::pending::<Result<Sample, Unwell>>;
    let error = probe::until_well(ask, 1, millis(20), &deadline, &|_| {}).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Unhealthy);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_watch_measures_an_outage() {
    let (listener, addr) = bind().await;
    let up = |listener| tokio::spawn(serve(listener, |_| answer(200, "X-Release: v1\r\n", "ok")));
    let first: JoinHandle<()> = up(listener);
    let watch = Watch::start(&check(addr), 50).unwrap();
    sleep(millis(400)).await;
    watch.mark("gone");
    let gone = Instant::now();
    first.abort();
    first.await.unwrap_err();
    sleep(millis(300)).await;
    let failing = watch.failing_for().unwrap();
    assert!((millis(150)..millis(2000)).contains(&failing), "{failing:?}");
    let second = up(bind_at(addr).await);
    let gone = gone.elapsed();
    sleep(millis(400)).await;
    assert_eq!(watch.failing_for(), None);
    assert!(watch.since("gone").sent < watch.stats().sent);
    let timeline = watch.stop().await;
    second.abort();

    let stats = timeline.stats();
    assert_eq!(stats.sent, stats.ok + stats.failed);
    let expected = u64::try_from(gone.as_millis()).unwrap() / 20;
    assert!((expected / 2..expected + 12).contains(&stats.failed), "{expected}: {stats:?}");
    // A connection that was not accepted yet when its listener went is reset.
    assert!(stats.reasons["refused"] + 2 >= stats.failed, "{stats:?}");
    assert_eq!(stats.releases["v1"], stats.ok);
    let off = stats.longest_outage.abs_diff(gone);
    assert!(off < millis(250), "{:?} and not {gone:?}", stats.longest_outage);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_watch_sees_every_request_of_a_standstill() {
    // Requests that come within the first half second after 300 ms are held until it is over.
    let (listener, addr) = bind().await;
    let began = Instant::now();
    let server = tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            tokio::spawn(async move {
                head(&mut stream).await;
                let (from, to) = (millis(300), millis(800));
                if (from..to).contains(&began.elapsed()) {
                    sleep(to.saturating_sub(began.elapsed())).await;
                }
                stream.write_all(answer(200, "", "").as_bytes()).await.ok();
            });
        }
    });
    let watch = Watch::start(&check(addr), 20).unwrap();
    sleep(millis(1200)).await;
    let timeline = watch.stop().await;
    server.abort();
    let stats = timeline.stats();
    assert_eq!(stats.failed, 0, "{stats:?}");
    assert_eq!(stats.longest_outage, Duration::ZERO);
    // Due at 300, 350 … 750 ms: ten requests, each waiting to the end of the standstill.
    let held = timeline.took_us.iter().filter(|took| **took > 30_000).count();
    assert!(held >= 8, "{held} of {:?}", timeline.took_us);
    assert!((420.0..1500.0).contains(&stats.max_ms), "{stats:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_kept_connection_is_kept_and_a_new_one_is_new() {
    for (connection, most) in [(Connection::Kept, 2), (Connection::New, 100)] {
        let (listener, addr) = bind().await;
        let connections = Arc::new(AtomicU32::new(0));
        let count = Arc::clone(&connections);
        let server = tokio::spawn(async move {
            loop {
                let (mut stream, _): (TcpStream, _) = listener.accept().await.unwrap();
                count.fetch_add(1, Ordering::Relaxed);
                tokio::spawn(async move {
                    while head(&mut stream).await.is_some() {
                        stream.write_all(answer(200, "", "ok").as_bytes()).await.ok();
                    }
                });
            }
        });
        let watch = Watch::start_with(&check(addr), 20, connection).unwrap();
        sleep(millis(500)).await;
        let stats = watch.stop().await.stats();
        server.abort();
        assert_eq!(stats.failed, 0, "{stats:?}");
        let made = u64::from(connections.load(Ordering::Relaxed));
        if connection == Connection::New {
            assert_eq!(made, stats.sent);
        } else {
            assert!(made <= most && made < stats.sent, "{made} connections");
        }
    }
}

#[tokio::test]
async fn a_dropped_watch_stops() {
    let (listener, addr) = bind().await;
    let count = Arc::new(AtomicU32::new(0));
    let seen = Arc::clone(&count);
    let server = tokio::spawn(serve(listener, move |_| {
        seen.fetch_add(1, Ordering::Relaxed);
        answer(200, "", "")
    }));
    let watch = Watch::start(&check(addr), 100).unwrap();
    sleep(millis(100)).await;
    drop(watch);
    sleep(millis(50)).await;
    let before = count.load(Ordering::Relaxed);
    assert!(before > 0);
    sleep(millis(200)).await;
    assert_eq!(count.load(Ordering::Relaxed), before);
    server.abort();
}

/// Makes a self-signed certificate for `blog.test` that is valid from and to these dates.
#[expect(clippy::disallowed_methods, reason = "openssl makes the certificates of this test")]
fn certificate(dir: &Path, from: &str, to: &str) -> Option<rustls::ServerConfig> {
    let sh = format!(
        "set -e; cd '{}'; rm -f index* serial; : >index; echo 01 >serial
         printf '[ca]\ndefault_ca=d\n[d]\ndatabase=index\nserial=serial\nnew_certs_dir=.\n\
default_md=sha256\npolicy=p\nx509_extensions=x\nunique_subject=no\n[p]\ncommonName=supplied\n\
[x]\nsubjectAltName=DNS:blog.test\n[req]\ndistinguished_name=n\n[n]\n' >conf
         openssl ecparam -name prime256v1 -genkey -noout | openssl pkcs8 -topk8 -nocrypt -out key
         openssl req -new -key key -subj /CN=blog.test -config conf -out csr
         openssl ca -batch -selfsign -config conf -keyfile key -in csr -notext -out cert \
            -startdate {from} -enddate {to}",
        dir.display()
    );
    let output = std::process::Command::new("sh").args(["-c", &sh]).output().unwrap();
    if !output.status.success() {
        let why = String::from_utf8_lossy(&output.stderr);
        eprintln!("not run: openssl cannot make a certificate here: {why}");
        return None;
    }
    let cert = CertificateDer::from_pem_file(dir.join("cert")).unwrap();
    let key = PrivateKeyDer::from_pem_file(dir.join("key")).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![cert], key)
        .unwrap();
    Some(config)
}

async fn serve_one<S: AsyncRead + AsyncWrite + Unpin>(mut stream: S) {
    if head(&mut stream).await.is_some() {
        stream.write_all(answer(200, "", "secure").as_bytes()).await.ok();
        stream.shutdown().await.ok();
    }
}

#[tokio::test]
async fn certificates_are_checked_and_called_by_what_is_wrong() {
    let dir = tempfile::tempdir().unwrap();
    let far = "20900101000000Z";
    let cases = [
        ("20200101000000Z", far, "https://blog.test", "nobody known has signed the certificate"),
        ("20200101000000Z", "20210101000000Z", "https://blog.test", "the certificate has expired"),
        ("20800101000000Z", far, "https://blog.test", "the certificate is not valid yet"),
    ];
    for (from, to, url, expected) in cases {
        let Some(config) = certificate(dir.path(), from, to) else { return };
        let (listener, addr) = bind().await;
        let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
        let server = tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                if let Ok(stream) = acceptor.accept(stream).await {
                    assert_eq!(stream.get_ref().1.server_name(), Some("blog.test"));
                    serve_one(stream).await;
                }
            }
        });
        let url = format!("{url}:{}/", addr.port()).parse().unwrap();
        let strict = HttpCheck { to: Some(LOCALHOST), ..HttpCheck::new(url) };
        let unwell = probe::http(&strict).await.unwrap_err();
        assert_eq!(unwell.reason, Reason::Tls);
        assert!(unwell.text.contains(expected), "{unwell}");
        let sample = probe::http(&HttpCheck { insecure: true, ..strict }).await.unwrap();
        assert_eq!(sample.status, 200);
        server.abort();
    }

    // No TLS at all where TLS is expected.
    let (listener, addr) = bind().await;
    let server = tokio::spawn(serve(listener, |_| answer(200, "", "")));
    let plain = tokio::spawn(async move {
        let url = format!("https://blog.test:{}/", addr.port()).parse().unwrap();
        let check = HttpCheck { to: Some(LOCALHOST), timeout: millis(1000), ..HttpCheck::new(url) };
        probe::http(&check).await.unwrap_err()
    });
    let unwell = plain.await.unwrap();
    assert!(matches!(unwell.reason, Reason::Tls | Reason::Timeout), "{unwell}");
    server.abort();
}

/// What a watch costs; run by hand: `cargo nextest run --run-ignored only cost --no-capture`.
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
#[ignore = "measures"]
async fn cost() {
    let (listener, addr) = bind().await;
    let server = tokio::spawn(serve(listener, |_| answer(200, "X-Release: v1\r\n", "ok")));
    let began = Instant::now();
    let _prober = probe::Prober::new(&check(addr), Connection::New).unwrap();
    eprintln!("a client for http: {:?}", began.elapsed());
    let began = Instant::now();
    let url = "https://blog.test/".parse().unwrap();
    let _prober = probe::Prober::new(&HttpCheck::new(url), Connection::New).unwrap();
    eprintln!("a client for https: {:?}", began.elapsed());
    let used = || {
        let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
        let words: Vec<u64> = stat
            .rsplit(')')
            .next()
            .unwrap()
            .split_whitespace()
            .map(|word| word.parse().unwrap_or(0))
            .collect();
        (words[11] + words[12]) * 10
    };
    let before = used();
    let watch = Watch::start(&check(addr), 20).unwrap();
    sleep(Duration::from_secs(10)).await;
    let stats = watch.stop().await.stats();
    eprintln!("10 s of a watch, its server included: {} ms of CPU; {stats:?}", used() - before);
    server.abort();
}
