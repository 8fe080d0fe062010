//! Does a port accept a connection?

use std::{io, net::SocketAddr, time::Duration};

use tokio::{net::TcpStream, time::Instant};

use super::{
    http::Sample,
    unwell::{Reason, Unwell},
};

/// Connects once and hangs up.
///
/// # Errors
/// Says why the port did not accept the connection within `timeout`.
pub async fn tcp(addr: SocketAddr, timeout: Duration) -> Result<Sample, Unwell> {
    let began = Instant::now();
    match tokio::time::timeout(timeout, TcpStream::connect(addr)).await {
        Ok(Ok(_)) => {
            let millis = began.elapsed().as_secs_f64() * 1000.0;
            Ok(Sample { millis, status: 0, release: None })
        }
        Ok(Err(error)) if error.kind() == io::ErrorKind::ConnectionRefused => {
            Err(Unwell::new(Reason::Refused, format!("{addr} refuses connections")))
        }
        Ok(Err(error)) => {
            Err(Unwell::new(Reason::Broken, format!("cannot connect to {addr}: {error}")))
        }
        Err(_) => Err(Unwell::late(timeout)),
    }
}
