//! What a piece of work takes: time on the processor of all threads, what the kernel took of it, and the rise of resident
//! memory.

use std::fs;

/// What a check took.
#[derive(Clone, Copy, Debug, Default)]
pub struct Usage {
    /// Of all threads together, on the processor.
    pub seconds: f64,
    /// Of that, of the thread that asked for it: what the others did not share.
    pub alone: f64,
    /// Of all, the part that the kernel took, most of it to give memory that was never touched before. It is counted in
    /// hundredths of a second, so it means something for long work only.
    pub system: f64,
    /// The most resident bytes beyond what was there before.
    pub peak: u64,
}

fn status(name: &str) -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with(name)).unwrap_or_default();
    line.split_whitespace().nth(1).and_then(|kilobytes| kilobytes.parse::<u64>().ok()).unwrap_or(0) * 1024
}

fn on_processor() -> f64 {
    let threads = fs::read_dir("/proc/self/task").into_iter().flatten().flatten();
    threads.filter_map(|thread| spent(&thread.path().join("schedstat"))).sum::<f64>() / 1e9
}

/// Seconds of this process in its own code, and in the kernel for it.
fn shares() -> (f64, f64) {
    let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let after_the_name = stat.rsplit(')').next().unwrap_or_default();
    let mut ticks = after_the_name.split_whitespace().skip(11).filter_map(|field| field.parse::<f64>().ok());
    (ticks.next().unwrap_or(0.0) / 100.0, ticks.next().unwrap_or(0.0) / 100.0)
}

fn spent(file: &std::path::Path) -> Option<f64> {
    fs::read_to_string(file).ok()?.split_whitespace().next()?.parse().ok()
}

fn alone() -> f64 {
    spent(std::path::Path::new("/proc/thread-self/schedstat")).unwrap_or(0.0) / 1e9
}

impl Usage {
    /// Does the work once.
    pub fn of<T>(work: impl FnOnce() -> T) -> (Self, T) {
        // The high-water mark of this process begins anew here.
        fs::write("/proc/self/clear_refs", "5").ok();
        std::thread::sleep(std::time::Duration::from_millis(1));
        let (before, began, own, shared) = (status("VmRSS"), on_processor(), alone(), shares());
        let made = work();
        // The kernel counts a thread's time when it switches; a short sleep makes it switch.
        std::thread::sleep(std::time::Duration::from_millis(1));
        let seconds = on_processor() - began;
        let alone = alone() - own;
        let (user, system) = (shares().0 - shared.0, shares().1 - shared.1);
        let system = if user + system > 0.0 { seconds * system / (user + system) } else { 0.0 };
        (Self { seconds, alone, system, peak: status("VmHWM").saturating_sub(before) }, made)
    }
}
