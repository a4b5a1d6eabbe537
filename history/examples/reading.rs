//! How fast a history is read, and how much memory that takes: `cargo run --release --example reading FILE [FORMAT]`.
//!
//! CPU time and peak memory are the process's own, from Linux's /proc; elsewhere they are zero.

use std::{env, fs, path::PathBuf, process::ExitCode, time::Instant};

use disprove_history::import::{Format, read_any};

/// CPU seconds of all threads of this process: in user mode, and in the kernel.
fn cpu_seconds() -> (f64, f64) {
    let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let ticks: Vec<f64> =
        stat.rsplit(')').next().unwrap_or_default().split(' ').filter_map(|n| n.parse().ok()).collect();
    // Without the state, user and system time are the 11th and 12th numbers; a tick is 10 ms.
    ticks.get(10).zip(ticks.get(11)).map_or((0.0, 0.0), |(user, system)| (user / 100.0, system / 100.0))
}

/// A figure of /proc/self/status in bytes.
fn memory(name: &str) -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with(name)).unwrap_or_default();
    line.split_whitespace().nth(1).and_then(|kilobytes| kilobytes.parse::<u64>().ok()).unwrap_or_default()
        << 10
}

/// The size of a file, or of the files in a folder.
fn bytes(path: &PathBuf) -> u64 {
    match fs::read_dir(path) {
        Ok(entries) => entries.filter_map(|entry| Some(entry.ok()?.metadata().ok()?.len())).sum(),
        Err(_) => fs::metadata(path).map_or(0, |metadata| metadata.len()),
    }
}

fn main() -> ExitCode {
    let mut arguments = env::args().skip(1);
    let (Some(path), name) = (arguments.next().map(PathBuf::from), arguments.next()) else {
        eprintln!("usage: reading FILE [FORMAT]");
        return ExitCode::from(64);
    };
    let format = match name.as_deref().map(Format::from_name) {
        Some(None) => {
            eprintln!("there is no such format; known are {}", Format::ALL.map(Format::name).join(", "));
            return ExitCode::from(64);
        }
        format => format.flatten(),
    };
    let start = Instant::now();
    match read_any(&path, format, None, None) {
        Ok(history) => {
            let wall = start.elapsed().as_secs_f64();
            let (user, system) = cpu_seconds();
            let (size, operations) = (bytes(&path) as f64, history.len() as f64);
            let (peak, stays) = (memory("VmHWM") as f64, memory("VmRSS") as f64);
            println!("{} operations of {}", history.len(), history.header().vocabulary);
            println!(
                "{wall:.3} s, user {user:.2} s, system {system:.2} s, {:.0} MB/s of user time",
                size / 1e6 / user.max(0.01)
            );
            println!(
                "peak {:.1} MB, {:.0} bytes per operation; {:.0} stay",
                peak / 1e6,
                peak / operations,
                stays / operations
            );
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::from(65)
        }
    }
}
