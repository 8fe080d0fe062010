//! Zero failed requests at a cutover of a healthy release, and what the watch does when it is not.

use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread::JoinHandle,
    time::Duration,
};

use crate::world::{Make, World, can_run};

/// Visitors who open a connection for every request.
struct Visitors {
    stop: Arc<AtomicBool>,
    asked: Arc<AtomicU64>,
    failed: Arc<AtomicU64>,
    threads: Vec<JoinHandle<()>>,
}

impl Visitors {
    fn start(ip: &str, many: usize) -> Self {
        let (stop, asked, failed) = (
            Arc::new(AtomicBool::new(false)),
            Arc::new(AtomicU64::new(0)),
            Arc::new(AtomicU64::new(0)),
        );
        let threads = (0..many)
            .map(|_| {
                let (stop, asked, failed) = (stop.clone(), asked.clone(), failed.clone());
                let ip = ip.to_owned();
                std::thread::spawn(move || {
                    while !stop.load(Ordering::Relaxed) {
                        asked.fetch_add(1, Ordering::Relaxed);
                        if !ask(&ip) {
                            failed.fetch_add(1, Ordering::Relaxed);
                        }
                        std::thread::sleep(Duration::from_millis(10));
                    }
                })
            })
            .collect();
        Self { stop, asked, failed, threads }
    }

    fn stop(self) -> (u64, u64) {
        self.stop.store(true, Ordering::Relaxed);
        for thread in self.threads {
            thread.join().unwrap();
        }
        (self.asked.load(Ordering::Relaxed), self.failed.load(Ordering::Relaxed))
    }
}

fn ask(ip: &str) -> bool {
    let Ok(mut stream) = TcpStream::connect((ip, 8080)) else { return false };
    stream.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    let asked =
        write!(stream, "GET / HTTP/1.1\r\nhost: hello.example.com\r\nconnection: close\r\n\r\n");
    let mut answer = String::new();
    asked.is_ok() && stream.read_to_string(&mut answer).is_ok() && answer.contains(" 200 ")
}

#[test]
fn ten_cutovers_under_load_fail_no_new_connection() {
    if !can_run("ten_cutovers_under_load_fail_no_new_connection") {
        return;
    }
    let world = World::new(&Make { watch: "500ms", ..Make::default() });
    drop(world.remuda(&["release", "v0"]).ended(0));
    let visitors = Visitors::start(&world.ip, 4);
    for number in 1..=10 {
        let version = format!("v{number}");
        drop(world.remuda(&["release", &version]).ended(0));
        assert_eq!(world.visit(), Some(version));
    }
    let (asked, failed) = visitors.stop();
    eprintln!("ten cutovers: {asked} requests, {failed} failed");
    assert!(asked > 500, "the load was none: {asked}");
    // a connection that is open at the very instant of a hard cut is cut: that is the address's
    // own nature and is documented; here no request is that long
    assert_eq!(failed, 0, "of {asked}");
}

#[test]
fn a_release_that_breaks_under_traffic_comes_back_by_itself() {
    if !can_run("a_release_that_breaks_under_traffic_comes_back_by_itself") {
        return;
    }
    let world = World::new(&Make { watch: "10s", ..Make::default() });
    drop(world.remuda(&["release", "v1", "--watch", "500ms"]).ended(0));
    world.overlay("project", "stack: { commands: { up: \"setsid nohup remuda sim app --listen 0.0.0.0:8080 --release {{ version }} --broken after-requests=15 </dev/null >~/log 2>&1 &\", logs: \"cat ~/log\" } }\n");
    let failed = world.remuda(&["release", "v2"]).ended(4);
    assert!(failed.err.contains("returned"), "{}", failed.err);
    assert_eq!(world.visit().as_deref(), Some("v1"));
    assert_eq!(world.locks(), 0);
    let status = world.status();
    assert_eq!(status["settled"], true);
    assert_eq!(status["droplets"][1]["role"], "quarantined");
}
