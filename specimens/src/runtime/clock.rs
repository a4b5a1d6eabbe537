//! The clocks of a node. The wall clock takes an offset from a file, in place of a clock that can be set.

use std::{
    path::{Path, PathBuf},
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use crate::Moment;

/// The file, in the node's folder, that holds the offset of its wall clock in milliseconds.
pub const CLOCK_FILE: &str = "clock-offset-ms";

/// How often the file is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// The clocks of one node.
#[derive(Debug)]
pub struct Clock {
    began: Instant,
    file: PathBuf,
    looked: Option<Instant>,
    offset_ms: i64,
}

impl Clock {
    /// The clocks of the node with this folder.
    pub fn new(folder: &Path) -> Self {
        Self { began: Instant::now(), file: folder.join(CLOCK_FILE), looked: None, offset_ms: 0 }
    }

    /// How far the wall clock was set off when it was last read.
    pub fn offset_ms(&self) -> i64 {
        self.offset_ms
    }

    /// The time now.
    pub fn now(&mut self) -> Moment {
        if self.looked.is_none_or(|at| at.elapsed() >= LOOK_EVERY) {
            self.looked = Some(Instant::now());
            self.offset_ms = offset_in(&self.file).unwrap_or(self.offset_ms);
        }
        // Early times are not 0, so that "so long ago" is never before the beginning.
        let steady_ms = 1_000_000 + self.began.elapsed().as_millis() as u64;
        Moment { steady_ms, wall_ns: since_1970_ns() + self.offset_ms * 1_000_000 }
    }
}

/// The offset a file holds; nothing while it is missing or half written.
fn offset_in(file: &Path) -> Option<i64> {
    let text = std::fs::read_to_string(file).ok()?;
    text.strip_suffix('\n')?.parse().ok()
}

/// The machine's own wall clock.
pub fn since_1970_ns() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_nanos() as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_half_written_offset_is_not_believed() {
        let folder = std::env::temp_dir().join(format!("specimen-clock-{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a folder for the test");
        let file = folder.join(CLOCK_FILE);
        assert_eq!(offset_in(&file), None);
        std::fs::write(&file, "-15").expect("the file is written");
        assert_eq!(offset_in(&file), None);
        std::fs::write(&file, "-1500\n").expect("the file is written");
        assert_eq!(offset_in(&file), Some(-1500));
        let real = since_1970_ns();
        let shifted = Clock::new(&folder).now().wall_ns;
        assert!(shifted < real - 1_000_000_000, "{shifted} is 1.5 s before {real}");
        std::fs::remove_dir_all(&folder).expect("the folder goes away");
    }
}
