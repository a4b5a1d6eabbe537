//! What the user sees while a run goes on: a live line on a terminal, a line now and then elsewhere.

mod status;

use std::{
    collections::BTreeMap,
    io::{IsTerminal as _, Write as _},
    sync::{Arc, Mutex, PoisonError, atomic::Ordering},
    time::{Duration, Instant},
};

use history::{FaultId, FaultRecord, FaultState};

use super::worker::Tally;

/// Where a run is: its phase, its counts, the faults in force.
#[derive(Debug)]
pub struct Progress {
    phase: Mutex<Phase>,
    /// The faults in force, as they are described.
    faults: Mutex<BTreeMap<FaultId, String>>,
    began: Instant,
    /// The counts of the run's workers.
    pub tally: Arc<Tally>,
    live: bool,
    quiet: bool,
    finished: Mutex<Vec<(String, f64)>>,
}

#[derive(Debug)]
struct Phase {
    name: String,
    began: Instant,
    limit: Option<Duration>,
}

/// How often a line is printed where there is no terminal.
const PLAIN_EVERY: Duration = Duration::from_secs(10);
/// How often the live line is drawn.
const LIVE_EVERY: Duration = Duration::from_millis(200);

impl Progress {
    /// A progress that begins now. A quiet one prints nothing.
    pub fn new(quiet: bool) -> Arc<Self> {
        let live = !quiet && std::io::stderr().is_terminal() && std::env::var_os("CI").is_none();
        Arc::new(Self {
            phase: Mutex::new(Phase { name: String::new(), began: Instant::now(), limit: None }),
            faults: Mutex::default(),
            began: Instant::now(),
            tally: Arc::default(),
            live,
            quiet,
            finished: Mutex::default(),
        })
    }

    /// Enters a phase; the one before has ended.
    pub fn enter(&self, name: &str, limit: Option<Duration>) {
        self.leave();
        tracing::info!("phase {name}");
        let mut phase = self.phase.lock().unwrap_or_else(PoisonError::into_inner);
        *phase = Phase { name: name.to_owned(), began: Instant::now(), limit };
        drop(phase);
        if !self.live && !self.quiet {
            self.say(&self.line());
        }
    }

    /// Ends the phase that is under way and keeps how long it took.
    pub fn leave(&self) {
        let mut phase = self.phase.lock().unwrap_or_else(PoisonError::into_inner);
        if !phase.name.is_empty() {
            let name = std::mem::take(&mut phase.name);
            let took = phase.began.elapsed().as_secs_f64();
            self.finished.lock().unwrap_or_else(PoisonError::into_inner).push((name, took));
        }
        drop(phase);
        if self.live {
            eprint!("\r\x1b[2K");
        }
    }

    /// The phases that have ended, each with its seconds.
    pub fn phases(&self) -> Vec<(String, f64)> {
        self.finished.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// A fault came into force or left.
    pub fn note_fault(&self, record: &FaultRecord) {
        let mut faults = self.faults.lock().unwrap_or_else(PoisonError::into_inner);
        if record.ended.is_none() && record.state != FaultState::Skipped {
            faults.insert(record.id, record.description.clone());
        } else {
            faults.remove(&record.id);
        }
    }

    /// Says something that stays on the screen.
    pub fn say(&self, text: &str) {
        if !self.quiet {
            let clear = if self.live { "\r\x1b[2K" } else { "" };
            let _ = writeln!(std::io::stderr(), "{clear}{text}");
        }
    }

    fn line(&self) -> String {
        let phase = self.phase.lock().unwrap_or_else(PoisonError::into_inner);
        let elapsed = phase.began.elapsed().as_secs_f64();
        let mut line = format!("  {:<12}", phase.name);
        if let Some(limit) = phase.limit {
            line += &format!(" {:>4.0}/{:.0} s", elapsed, limit.as_secs_f64());
        }
        let [ok, fail, unknown] = [&self.tally.ok, &self.tally.fail, &self.tally.unknown]
            .map(|counter| counter.load(Ordering::Relaxed));
        if ok + fail + unknown > 0 {
            line += &format!("  {ok} ok, {fail} failed, {unknown} unknown");
        }
        match self.faults.lock().unwrap_or_else(PoisonError::into_inner).len() {
            0 => {}
            1 => line += "  1 fault in force",
            many => line += &format!("  {many} faults in force"),
        }
        line
    }

    /// Draws until the task is dropped.
    pub async fn draw(self: Arc<Self>) {
        if self.quiet {
            return;
        }
        let mut ticks = tokio::time::interval(if self.live { LIVE_EVERY } else { PLAIN_EVERY });
        ticks.tick().await;
        loop {
            ticks.tick().await;
            let named = !self.phase.lock().unwrap_or_else(PoisonError::into_inner).name.is_empty();
            if named && self.live {
                let _ = write!(std::io::stderr(), "\r\x1b[2K{}", self.line());
            } else if named {
                self.say(&self.line());
            }
        }
    }
}
