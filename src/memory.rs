//! What memory this process holds, and how its allocator is kept from holding more than it must: `--memory-limit` promises what the
//! system sees, not what was asked for.

/// From now on, large pieces go back to the system at once when they are freed, and grow without being copied. Left to itself glibc
/// learns to keep pieces of up to 32 MiB, and a search that grows in many of them then holds a fifth more than it counts.
pub fn return_what_is_freed() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    // SAFETY: it takes no pointer. Where it is refused, memory is used as it was before.
    unsafe {
        libc::mallopt(libc::M_MMAP_THRESHOLD, 1 << 20);
    }
}

/// Gives the system back what the allocator keeps of small freed pieces.
pub fn release() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    // SAFETY: it takes no pointer, and locks what other threads allocate from.
    unsafe {
        libc::malloc_trim(0);
    }
}

/// The memory this process holds, where the system tells.
pub fn held_bytes() -> Option<u64> {
    told("VmRSS:")
}

/// The most memory this process ever held, where the system tells.
pub fn peak_bytes() -> Option<u64> {
    told("VmHWM:")
}

fn told(what: &str) -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with(what))?;
    let kibibytes: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kibibytes * 1024)
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    #[test]
    fn what_is_held_is_seen() {
        let before = super::held_bytes().expect("Linux tells");
        let piece = vec![1_u8; 64 << 20];
        let with_it = super::held_bytes().expect("Linux tells");
        assert!(with_it >= before + (60 << 20), "{before} and {with_it} with {} bytes more", piece.len());
        assert!(super::peak_bytes().expect("Linux tells") >= with_it);
    }
}
