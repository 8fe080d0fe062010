//! One address: its listeners, and where they lead.

use std::{
    collections::{BTreeSet, HashMap},
    io,
    net::Ipv4Addr,
    sync::{Arc, Mutex, PoisonError, Weak},
    time::Duration,
};

use tokio::{
    net::TcpListener,
    sync::{Mutex as AsyncMutex, watch},
    task::{AbortHandle, JoinHandle},
};

use super::{Move, Notices, connection};
use crate::{retry::sleep, sim::hosts::Hosts};

/// How long until a port that could not be listened on is tried again.
const AGAIN: Duration = Duration::from_secs(1);

/// How long until a droplet without a host is looked for again.
const UNBORN: Duration = Duration::from_millis(100);

/// An address of the simulator.
#[derive(Debug)]
pub(super) struct Address {
    ip: Ipv4Addr,
    hosts: Arc<Hosts>,
    on_move: Move,
    notices: Arc<Notices>,
    /// The droplet that new connections go to.
    target: watch::Sender<Option<u64>>,
    /// Open connections end when this does.
    life: Mutex<Option<watch::Sender<()>>>,
    /// Held while the listeners are changed; a move and a host's new port may come at once.
    listeners: AsyncMutex<HashMap<u16, Listener>>,
    supervisor: Mutex<Option<AbortHandle>>,
}

/// Listens as long as it is there.
#[derive(Debug)]
struct Listener(JoinHandle<()>);

impl Listener {
    /// Closes the socket; when this returns, nobody listens any more.
    async fn close(mut self) {
        self.0.abort();
        let _ = (&mut self.0).await;
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Drop for Address {
    fn drop(&mut self) {
        let supervisor = self.supervisor.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(supervisor) = supervisor {
            supervisor.abort();
        }
    }
}

impl Address {
    /// Opens an address that leads nowhere yet.
    pub(super) fn open(
        ip: Ipv4Addr,
        hosts: Arc<Hosts>,
        on_move: Move,
        notices: Arc<Notices>,
    ) -> Arc<Self> {
        let address = Arc::new(Self {
            ip,
            hosts,
            on_move,
            notices,
            target: watch::Sender::new(None),
            life: Mutex::new(Some(watch::Sender::new(()))),
            listeners: AsyncMutex::default(),
            supervisor: Mutex::default(),
        });
        let supervisor =
            tokio::spawn(supervise(Arc::downgrade(&address), address.target.subscribe()));
        *address.supervisor.lock().unwrap_or_else(PoisonError::into_inner) =
            Some(supervisor.abort_handle());
        address
    }

    /// Leads new connections to `droplet` from now on.
    pub(super) async fn point(self: &Arc<Self>, droplet: Option<u64>) {
        // What it listens on is asked before the move, so that nothing waits between the two.
        let ports = self.ports_of(droplet).await;
        let mut listeners = self.listeners.lock().await;
        self.target.send_if_modified(|target| {
            let moved = *target != droplet;
            *target = droplet;
            moved
        });
        self.apply(&mut listeners, &ports).await;
    }

    /// Closes the listeners and resets the connections.
    pub(super) async fn close(&self) {
        for (_, listener) in self.listeners.lock().await.drain() {
            listener.close().await;
        }
        *self.life.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    async fn ports_of(&self, droplet: Option<u64>) -> Vec<u16> {
        match droplet {
            Some(id) => self.hosts.ports(id).await.unwrap_or_default(),
            None => Vec::new(),
        }
    }

    /// Listens on these ports and no others; a listener that stays is not touched.
    ///
    /// Returns whether some port could not be had.
    async fn apply(
        self: &Arc<Self>,
        listeners: &mut HashMap<u16, Listener>,
        ports: &[u16],
    ) -> bool {
        let wanted: BTreeSet<u16> = ports.iter().copied().collect();
        let gone: Vec<u16> =
            listeners.keys().filter(|port| !wanted.contains(port)).copied().collect();
        for port in gone {
            if let Some(listener) = listeners.remove(&port) {
                listener.close().await;
            }
        }
        let mut missing = false;
        for port in wanted {
            if listeners.contains_key(&port) {
                continue;
            }
            match TcpListener::bind((self.ip, port)).await {
                Ok(listener) => {
                    let task = tokio::spawn(accept(listener, port, Arc::downgrade(self)));
                    listeners.insert(port, Listener(task));
                }
                Err(error) => {
                    missing = true;
                    self.notices.say(&self.cannot(port, &error));
                }
            }
        }
        missing
    }

    fn cannot(&self, port: u16, error: &io::Error) -> String {
        match error.kind() {
            io::ErrorKind::PermissionDenied => format!(
                "port {port} of droplets cannot be reached from here: ports below 1024 need root \
                 (or: sudo sysctl net.ipv4.ip_unprivileged_port_start=0); use a port from 1024 on"
            ),
            io::ErrorKind::AddrInUse => format!(
                "port {port} of droplets cannot be reached at {}: another program of this machine \
                 listens there",
                self.ip
            ),
            _ => format!("cannot listen on {}:{port}: {error}", self.ip),
        }
    }
}

/// Follows where the address leads and what is listened on there.
async fn supervise(address: Weak<Address>, mut target: watch::Receiver<Option<u64>>) {
    loop {
        let droplet = *target.borrow_and_update();
        let Some(here) = address.upgrade() else { return };
        let watched = droplet.and_then(|id| here.hosts.watch_ports(id));
        drop(here);
        let Some(mut watched) = watched else {
            // Nothing there, or it has been destroyed: nothing to listen for.
            let Some(here) = address.upgrade() else { return };
            refresh(&here, droplet, &[]).await;
            drop(here);
            tokio::select! {
                moved = target.changed() => {
                    if moved.is_err() {
                        return;
                    }
                }
                // the host of a droplet may be made after its address
                () = sleep(UNBORN), if droplet.is_some() => {}
            }
            continue;
        };
        loop {
            let ports = watched.borrow_and_update().clone();
            let Some(here) = address.upgrade() else { return };
            let again = refresh(&here, droplet, &ports).await;
            drop(here);
            tokio::select! {
                moved = target.changed() => {
                    if moved.is_err() {
                        return;
                    }
                    break;
                }
                changed = watched.changed() => {
                    if changed.is_err() {
                        // The droplet has been destroyed.
                        let Some(here) = address.upgrade() else { return };
                        refresh(&here, droplet, &[]).await;
                        drop(here);
                        if target.changed().await.is_err() {
                            return;
                        }
                        break;
                    }
                }
                () = sleep(AGAIN), if again => {}
            }
        }
    }
}

/// Listens on a droplet's ports, unless the address leads elsewhere by now.
async fn refresh(address: &Arc<Address>, droplet: Option<u64>, ports: &[u16]) -> bool {
    let mut listeners = address.listeners.lock().await;
    *address.target.borrow() == droplet && address.apply(&mut listeners, ports).await
}

/// Accepts the connections of one port.
async fn accept(listener: TcpListener, port: u16, address: Weak<Address>) {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                let Some(address) = address.upgrade() else { return };
                let alive = address
                    .life
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .as_ref()
                    .map(watch::Sender::subscribe);
                let Some(alive) = alive else { return };
                tokio::spawn(connection::carry(connection::Connection {
                    stream,
                    port,
                    hosts: Arc::downgrade(&address.hosts),
                    target: address.target.subscribe(),
                    alive,
                    cut: address.on_move == Move::Cut,
                }));
            }
            Err(_) => sleep(Duration::from_millis(50)).await,
        }
    }
}
