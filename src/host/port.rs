//! Waiting until something accepts a TCP connection.

use std::{net::SocketAddr, time::Duration};

use tokio::{net::TcpStream, time::Instant};

use crate::{error::Result, retry::Deadline};

/// How long one attempt may take: a host that is booting drops packets rather than refusing.
const ATTEMPT: Duration = Duration::from_secs(2);

/// The shortest pause between attempts; it grows to a twentieth of the time that has passed.
const SHORTEST: Duration = Duration::from_millis(50);
/// The longest.
const LONGEST: Duration = Duration::from_millis(500);

/// Waits until `addr` accepts a TCP connection.
///
/// It goes straight to the address: a host behind a jump host is waited for by
/// [`Host::connect`](super::Host::connect) alone.
///
/// # Errors
/// [`Kind::TimedOut`](crate::error::Kind::TimedOut) at the deadline, with the last refusal.
pub async fn wait_for_port(addr: SocketAddr, deadline: &Deadline) -> Result<()> {
    let began = Instant::now();
    loop {
        let within = ATTEMPT.min(deadline.left());
        let seen = match tokio::time::timeout(within, TcpStream::connect(addr)).await {
            Ok(Ok(_)) => return Ok(()),
            Ok(Err(error)) => error.to_string(),
            Err(_) => "no answer".to_owned(),
        };
        if deadline.passed() {
            return Err(deadline.error().at("address", addr).because(seen));
        }
        deadline.pause((began.elapsed() / 20).clamp(SHORTEST, LONGEST)).await?;
    }
}
