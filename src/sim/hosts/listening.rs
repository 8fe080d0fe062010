//! Which TCP ports are listened on, read from the kernel's tables.
//!
//! A service that listens on 127.0.0.1 or `::1` alone is private to the droplet, as on a real one.

use std::{collections::BTreeSet, fs::File, io::Read as _, net::Ipv4Addr};

/// Returns the ports of this network namespace that the outside can reach, sorted.
pub(super) fn public() -> Vec<u16> {
    let (v4, v6) = (table("/proc/net/tcp"), table("/proc/net/tcp6"));
    let mut ports = BTreeSet::new();
    ports.extend(v4.lines().filter_map(|line| listens(line).filter(|at| !private_v4(at.0))));
    ports.extend(v6.lines().filter_map(|line| listens(line).filter(|at| !private_v6(at.0))));
    let ports: BTreeSet<u16> = ports.into_iter().map(|(_, port)| port).collect();
    ports.into_iter().collect()
}

/// Reads a table in as few steps as the kernel allows; it tells no length beforehand.
fn table(path: &str) -> String {
    let mut text = String::with_capacity(64 << 10);
    let read = File::open(path).and_then(|mut file| file.read_to_string(&mut text));
    if read.is_ok() { text } else { String::new() }
}

/// Returns the local address (in the kernel's hexadecimal) and port of a listening socket's line.
fn listens(line: &str) -> Option<(&str, u16)> {
    const LISTEN: &str = "0A";
    let mut fields = line.split_ascii_whitespace().skip(1);
    let (local, _, state) = (fields.next()?, fields.next()?, fields.next()?);
    let (address, port) = local.split_once(':')?;
    (state == LISTEN).then_some(())?;
    Some((address, u16::from_str_radix(port, 16).ok()?))
}

fn private_v4(address: &str) -> bool {
    u32::from_str_radix(address, 16)
        .is_ok_and(|word| Ipv4Addr::from(word.to_ne_bytes()) == Ipv4Addr::LOCALHOST)
}

fn private_v6(address: &str) -> bool {
    // Four words in the machine's order; ::1, and 127.0.0.1 as an IPv4-mapped address.
    let word = |at: usize| {
        let digits = address.get(at * 8..at * 8 + 8)?;
        u32::from_str_radix(digits, 16).ok().map(u32::to_ne_bytes)
    };
    let (Some(a), Some(b), Some(c), Some(d)) = (word(0), word(1), word(2), word(3)) else {
        return false;
    };
    let bytes: Vec<u8> = [a, b, c, d].concat();
    let Ok(bytes) = <[u8; 16]>::try_from(bytes) else { return false };
    let address = std::net::Ipv6Addr::from(bytes);
    address.is_loopback() || address.to_ipv4_mapped() == Some(Ipv4Addr::LOCALHOST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn listeners_are_told_from_connections_and_private_ones() {
        let line = "   0: 00000000:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000 0";
        assert_eq!(listens(line), Some(("00000000", 8080)));
        assert_eq!(listens("   0: 0100007F:1F90 0100007F:0050 01 0"), None);
        assert_eq!(listens("  sl  local_address rem_address   st"), None);
        assert_eq!(listens(""), None);
        assert!(private_v4("0100007F"));
        assert!(!private_v4("00000000") && !private_v4("0100017F"));
        assert!(private_v6("00000000000000000000000001000000"));
        assert!(private_v6("0000000000000000FFFF00000100007F"));
        assert!(!private_v6("00000000000000000000000000000000"));
        assert!(!private_v6("zz"));
    }
}
