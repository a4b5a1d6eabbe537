//! The watermarks of a file: each says how many events come before it, and that nothing earlier than its time follows.

use crate::Nanos;

/// How many events were taken, and the last watermark.
#[derive(Debug, Default)]
pub(super) struct Marks {
    lines: u64,
    last: Option<Nanos>,
}

impl Marks {
    /// An event was taken.
    pub fn count(&mut self) {
        self.lines += 1;
    }

    /// Takes a watermark. The error says what is wrong with it, in words that fit "line 3 …".
    pub fn mark(&mut self, time: Nanos, lines: u64) -> Result<(), String> {
        if lines != self.lines {
            return Err(format!("says that {lines} events come before it, but {} do", self.lines));
        }
        if self.last.is_some_and(|before| before > time) {
            return Err("is a watermark that goes back in time".into());
        }
        self.last = Some(time);
        Ok(())
    }

    /// The time of the last watermark.
    pub fn last(&self) -> Option<Nanos> {
        self.last
    }
}
