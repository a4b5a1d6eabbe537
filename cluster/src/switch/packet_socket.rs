//! What is particular to packet sockets, the way in where TUN devices are not permitted.

use std::{
    io,
    mem::size_of,
    os::fd::{AsRawFd, BorrowedFd},
};

/// How much a socket may keep until the switch reads it: some thousand packets, as TUN devices do.
const RECEIVE_BYTES: libc::c_int = 8 << 20;

/// Prepares a descriptor that may be a packet socket. What an old kernel does not offer is done without: our own frames
/// are then told by their header, and the buffer keeps the size it has.
pub(super) fn prepare(device: BorrowedFd<'_>) {
    for (what, level, option, value) in [
        ("ignore own frames", libc::SOL_PACKET, libc::PACKET_IGNORE_OUTGOING, 1),
        ("enlarge the buffer", libc::SOL_SOCKET, libc::SO_RCVBUFFORCE, RECEIVE_BYTES),
    ] {
        // SAFETY: the descriptor is open and the value is of the length that is given.
        let done = unsafe {
            libc::setsockopt(
                device.as_raw_fd(),
                level,
                option,
                (&raw const value).cast(),
                size_of::<libc::c_int>() as libc::socklen_t,
            )
        };
        if done != 0 {
            tracing::debug!(error = %io::Error::last_os_error(), "a port of the switch cannot {what}");
        }
    }
}

/// How many packets the kernel dropped since it was last asked, as the buffer was full; 0 for other descriptors.
pub(super) fn missed(device: BorrowedFd<'_>) -> u64 {
    // Two numbers: all packets, and those that were dropped.
    let mut statistics = [0_u32; 2];
    let mut length = size_of_val(&statistics) as libc::socklen_t;
    // SAFETY: the descriptor is open, and the kernel writes at most `length` bytes.
    let done = unsafe {
        libc::getsockopt(
            device.as_raw_fd(),
            libc::SOL_PACKET,
            libc::PACKET_STATISTICS,
            (&raw mut statistics).cast(),
            &raw mut length,
        )
    };
    if done == 0 { u64::from(statistics[1]) } else { 0 }
}
