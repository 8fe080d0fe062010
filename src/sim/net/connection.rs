//! One connection through an address: to whom it goes, and what a move does to it.

use std::{sync::Weak, time::Duration};

use tokio::{
    net::{TcpStream, UnixStream},
    sync::watch,
};

use crate::{
    retry::{Deadline, sleep},
    sim::hosts::{
        Hosts,
        pipe::{Bridged, Flow, join, reset},
    },
};

/// What is on its way at the moment of a cut may still arrive, as packets do; this long.
///
/// A request that was sent gets its answer, and a host that has said all may be read to the end.
const IN_FLIGHT: Duration = Duration::from_secs(1);
/// After an answer, this long without a byte means that it was whole.
const QUIET: Duration = Duration::from_millis(10);

/// A connection that has been accepted.
pub(super) struct Connection {
    pub(super) stream: TcpStream,
    pub(super) port: u16,
    pub(super) hosts: Weak<Hosts>,
    pub(super) target: watch::Receiver<Option<u64>>,
    pub(super) alive: watch::Receiver<()>,
    pub(super) cut: bool,
}

/// Carries a connection to its end, or to the move that cuts it.
pub(super) async fn carry(connection: Connection) {
    let Connection { mut stream, port, hosts, mut target, mut alive, cut } = connection;
    let _ = stream.set_nodelay(true);
    tokio::select! {
        () = lead(&mut stream, port, &hosts, &mut target, cut) => return,
        // The address was given up.
        _ = alive.changed() => {}
    }
    reset(&stream);
}

async fn lead(
    stream: &mut TcpStream,
    port: u16,
    hosts: &Weak<Hosts>,
    target: &mut watch::Receiver<Option<u64>>,
    cut: bool,
) {
    let mut bridge = loop {
        let droplet = *target.borrow_and_update();
        let Some(bridge) = dial(hosts, droplet, port).await else {
            if target.has_changed().unwrap_or(false) {
                continue;
            }
            return reset(stream);
        };
        let bridge = Bridged::new(bridge);
        let mut byte = [0_u8];
        // Until a byte has passed, nobody can tell which host a connection is to.
        tokio::select! {
            biased;
            _ = stream.peek(&mut byte) => break bridge,
            () = bridge.readable() => break bridge,
            moved = target.changed() => if moved.is_err() {
                return reset(stream);
            },
        }
    };
    let flow = bridge.flow();
    tokio::select! {
        () = join(&mut bridge, stream) => return,
        () = ended(target, &flow), if cut => {}
    }
    reset(stream);
}

async fn dial(hosts: &Weak<Hosts>, droplet: Option<u64>, port: u16) -> Option<UnixStream> {
    hosts.upgrade()?.dial(droplet?, port).await.ok()
}

/// Returns when the address has moved and what was on its way has arrived.
async fn ended(target: &mut watch::Receiver<Option<u64>>, flow: &Flow) {
    // Where the whole network is gone, its connections are too.
    let _ = target.changed().await;
    let deadline = Deadline::after(IN_FLIGHT, "what is in flight");
    while !deadline.passed() {
        let before = flow.bytes();
        sleep(QUIET).await;
        // A client that has not said anything may not even know yet that it is connected.
        let settled = flow.was_asked() && !flow.owes_an_answer() && !flow.has_ended();
        if settled && flow.bytes() == before {
            return;
        }
    }
}
