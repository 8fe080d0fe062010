//! The SSH server inside a droplet: public keys only, the host key read anew for each connection.

mod attend;
mod command;
mod forward;
mod hostkey;
mod ports;
mod session;
mod spool;
mod terminal;

use std::{
    collections::HashMap,
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use russh::{MethodKind, MethodSet, server};
use tokio::{
    net::{TcpListener, TcpStream},
    task::AbortHandle,
};

pub(super) use command::path;
pub(super) use hostkey::ensure as ensure_host_key;

use super::{init::log, system::System};
use crate::retry::sleep;

/// The listeners of a droplet's SSH server.
#[derive(Debug)]
pub(super) struct Server {
    system: Arc<System>,
    listeners: Mutex<HashMap<u16, AbortHandle>>,
}

impl Server {
    /// Starts to listen on the ports that the configuration names.
    pub(super) async fn start(system: Arc<System>) -> Self {
        let server = Self { system, listeners: Mutex::default() };
        server.rebind().await;
        server
    }

    /// Listens on what the configuration names by now, and on nothing else.
    pub(super) async fn rebind(&self) {
        let wanted = ports::configured();
        let missing: Vec<u16> = {
            let mut listeners = self.listeners.lock().unwrap_or_else(PoisonError::into_inner);
            listeners.retain(|port, task| {
                let keep = wanted.contains(port);
                if !keep {
                    task.abort();
                }
                keep
            });
            wanted.into_iter().filter(|port| !listeners.contains_key(port)).collect()
        };
        for port in missing {
            // One socket for both families, as sshd has by default.
            match TcpListener::bind(("::", port)).await.or(bind_v4(port).await) {
                Ok(listener) => {
                    let task = tokio::spawn(accept(listener, Arc::clone(&self.system)));
                    self.listeners
                        .lock()
                        .unwrap_or_else(PoisonError::into_inner)
                        .insert(port, task.abort_handle());
                }
                Err(error) => log(&format!("ssh cannot listen on port {port}: {error}")),
            }
        }
    }
}

async fn bind_v4(port: u16) -> std::io::Result<TcpListener> {
    TcpListener::bind(("0.0.0.0", port)).await
}

async fn accept(listener: TcpListener, system: Arc<System>) {
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => {
                tokio::spawn(serve(stream, peer, Arc::clone(&system)));
            }
            Err(_) => sleep(Duration::from_millis(100)).await,
        }
    }
}

async fn serve(stream: TcpStream, peer: SocketAddr, system: Arc<System>) {
    let _ = stream.set_nodelay(true);
    let Ok(key) = hostkey::read() else {
        log("ssh has no host key that it can read");
        return;
    };
    let mut config = server::Config {
        methods: MethodSet::from(&[MethodKind::PublicKey][..]),
        auth_rejection_time: Duration::from_millis(20),
        auth_rejection_time_initial: Some(Duration::ZERO),
        keys: vec![key],
        window_size: 2 << 20,
        maximum_packet_size: 32 << 10,
        event_buffer_size: 64,
        max_auth_attempts: 6,
        inactivity_timeout: None,
        keepalive_interval: Some(Duration::from_mins(1)),
        keepalive_max: 3,
        nodelay: true,
        ..server::Config::default()
    };
    // The post-quantum exchange is slow in a debug build, and this is a simulator.
    config.preferred.kex = config
        .preferred
        .kex
        .iter()
        .filter(|name| !name.as_ref().starts_with("mlkem"))
        .copied()
        .collect();
    let local = stream.local_addr().ok();
    let session = session::Session::new(system, peer, local);
    // A client that goes away is no event worth a line.
    if let Ok(running) = server::run_stream(Arc::new(config), stream, session).await {
        let _ = running.await;
    }
}
