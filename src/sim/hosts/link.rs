//! Brings the loopback interface of a new network namespace up, which gives it 127.0.0.0/8.

use std::io;

use nix::sys::socket::{
    AddressFamily, MsgFlags, NetlinkAddr, SockFlag, SockProtocol, SockType, recv, sendto, socket,
};

/// The message: the kernel's `nlmsghdr` and `ifinfomsg`, saying "interface 1: up".
fn message() -> Vec<u8> {
    const LENGTH: u32 = 32;
    const RTM_NEWLINK: u16 = 16;
    const REQUEST_AND_ACKNOWLEDGE: u16 = 0x0001 | 0x0004;
    const LOOPBACK: i32 = 1;
    const UP: u32 = 1;
    let mut bytes = Vec::with_capacity(32);
    bytes.extend(LENGTH.to_ne_bytes());
    bytes.extend(RTM_NEWLINK.to_ne_bytes());
    bytes.extend(REQUEST_AND_ACKNOWLEDGE.to_ne_bytes());
    bytes.extend(1_u32.to_ne_bytes()); // sequence
    bytes.extend(0_u32.to_ne_bytes()); // port: the kernel chooses
    bytes.extend([0_u8, 0]); // family, padding
    bytes.extend(0_u16.to_ne_bytes()); // type
    bytes.extend(LOOPBACK.to_ne_bytes());
    bytes.extend(UP.to_ne_bytes()); // flags
    bytes.extend(UP.to_ne_bytes()); // which flags change
    bytes
}

/// Sets `lo` up.
pub(super) fn up() -> io::Result<()> {
    use std::os::fd::AsRawFd as _;
    let netlink = socket(
        AddressFamily::Netlink,
        SockType::Raw,
        SockFlag::SOCK_CLOEXEC,
        SockProtocol::NetlinkRoute,
    )?;
    sendto(netlink.as_raw_fd(), &message(), &NetlinkAddr::new(0, 0), MsgFlags::empty())?;
    let mut answer = [0_u8; 256];
    let length = recv(netlink.as_raw_fd(), &mut answer, MsgFlags::empty())?;
    // An acknowledgement is an error message whose error is zero.
    let error = answer.get(16..20).filter(|_| length >= 20);
    match error.and_then(|bytes| <[u8; 4]>::try_from(bytes).ok()).map(i32::from_ne_bytes) {
        Some(0) => Ok(()),
        Some(code) => Err(io::Error::from_raw_os_error(-code)),
        None => Err(io::Error::other("the kernel gave no answer about lo")),
    }
}
