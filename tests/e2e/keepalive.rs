//! What a cutover does to connections that are kept open: measured, printed, and bounded.
//!
//! docs/cutover.md quotes these figures. A hard cut resets what is open, as the real address does;
//! what is asserted is that nothing else fails: no new connection, and no client more than once.

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::TcpStream,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::JoinHandle,
    time::{Duration, Instant},
};

use crate::world::{Make, World, can_run};

/// Clients with one connection each.
const CLIENTS: usize = 16;
/// Cutovers in a row: to and fro between two droplets.
const CUTOVERS: usize = 4;
/// How long a client waits between two requests.
const PAUSE: Duration = Duration::from_millis(20);

/// What one client saw.
#[derive(Debug, Default, Clone, Copy)]
struct Saw {
    requests: u64,
    /// The connection was closed or reset between two requests, or instead of an answer.
    cut: u64,
    /// The same, after a part of the answer had arrived.
    torn: u64,
    /// A new connection could not be made, or its first request failed.
    refused: u64,
    /// The longest time from a cut to the next answer.
    longest: Duration,
}

/// A connection that is kept.
struct Kept(BufReader<TcpStream>);

impl Kept {
    fn open(ip: &str) -> Option<Self> {
        let stream = TcpStream::connect((ip, 8080)).ok()?;
        stream.set_read_timeout(Some(Duration::from_secs(5))).ok()?;
        stream.set_nodelay(true).ok()?;
        Some(Self(BufReader::new(stream)))
    }

    /// Asks once. The error says whether a part of an answer had arrived.
    fn ask(&mut self) -> Result<(), bool> {
        let question = b"GET / HTTP/1.1\r\nhost: hello.example.com\r\n\r\n";
        self.0.get_mut().write_all(question).map_err(|_| false)?;
        let (mut begun, mut length) = (false, 0);
        loop {
            let mut line = String::new();
            match self.0.read_line(&mut line) {
                Ok(0) | Err(_) => return Err(begun || !line.is_empty()),
                Ok(_) => begun = true,
            }
            let line = line.trim().to_ascii_lowercase();
            if line.is_empty() {
                break;
            }
            if let Some(value) = line.strip_prefix("content-length:") {
                length = value.trim().parse().unwrap_or(0);
            }
        }
        self.0.read_exact(&mut vec![0; length]).map_err(|_| true)
    }
}

fn client(ip: &str, stop: &AtomicBool) -> Saw {
    let mut saw = Saw::default();
    let mut kept = Kept::open(ip);
    let mut cut_at: Option<Instant> = None;
    let mut fresh = true;
    while !stop.load(Ordering::Relaxed) {
        saw.requests += 1;
        match kept.as_mut().map(Kept::ask) {
            Some(Ok(())) => {
                fresh = false;
                if let Some(at) = cut_at.take() {
                    saw.longest = saw.longest.max(at.elapsed());
                }
                std::thread::sleep(PAUSE);
                continue;
            }
            Some(Err(_)) | None if fresh => saw.refused += 1,
            Some(Err(true)) => saw.torn += 1,
            Some(Err(false)) | None => saw.cut += 1,
        }
        // as a browser does: once more, at once, on a new connection
        cut_at.get_or_insert_with(Instant::now);
        kept = Kept::open(ip);
        fresh = true;
    }
    saw
}

/// Lets clients ask while traffic moves to and fro; returns what all of them saw.
fn through(reserved_ip: &'static str) -> Option<Saw> {
    if !can_run(&format!("keep-alive connections, --reserved-ip {reserved_ip}")) {
        return None;
    }
    let world = World::new(&Make { watch: "300ms", reserved_ip, ..Make::default() });
    drop(world.remuda(&["release", "v1"]).ended(0));
    drop(world.remuda(&["release", "v2"]).ended(0));
    let stop = Arc::new(AtomicBool::new(false));
    let clients: Vec<JoinHandle<Saw>> = (0..CLIENTS)
        .map(|_| {
            let (ip, stop) = (world.ip.clone(), Arc::clone(&stop));
            std::thread::spawn(move || client(&ip, &stop))
        })
        .collect();
    std::thread::sleep(Duration::from_millis(500));
    for number in 0..CUTOVERS {
        let to = if number % 2 == 0 { "v1" } else { "v2" };
        drop(world.remuda(&["rollback", to]).ended(0));
        std::thread::sleep(Duration::from_millis(500));
    }
    stop.store(true, Ordering::Relaxed);
    let mut all = Saw::default();
    for client in clients {
        let saw = client.join().unwrap();
        assert!(
            saw.cut + saw.torn <= CUTOVERS as u64,
            "one client failed more than once a cutover: {saw:?}"
        );
        all.requests += saw.requests;
        all.cut += saw.cut;
        all.torn += saw.torn;
        all.refused += saw.refused;
        all.longest = all.longest.max(saw.longest);
    }
    eprintln!(
        "--reserved-ip {reserved_ip}: {CLIENTS} keep-alive clients, {CUTOVERS} cutovers, {} \
         requests: {} found their connection closed, {} answers torn, {} new connections failed; \
         at most {:.1} ms from there to the next answer",
        all.requests,
        all.cut,
        all.torn,
        all.refused,
        all.longest.as_secs_f64() * 1000.0
    );
    Some(all)
}

#[test]
fn a_hard_cut_costs_a_kept_connection_one_request_at_most() {
    let Some(saw) = through("cut") else { return };
    assert!(saw.requests > 500, "the load was none: {saw:?}");
    assert!(saw.cut > 0, "nothing was cut: this measures nothing: {saw:?}");
    assert_eq!((saw.torn, saw.refused), (0, 0), "{saw:?}");
}

#[test]
fn a_draining_address_costs_a_kept_connection_nothing() {
    let Some(saw) = through("drain") else { return };
    assert!(saw.requests > 500, "the load was none: {saw:?}");
    assert_eq!((saw.cut, saw.torn, saw.refused), (0, 0, 0), "{saw:?}");
}
