use std::{
    io::{BufRead as _, BufReader, Write as _},
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use super::*;
use crate::skew::Skew;

/// Tells the teller that it is one.
const TELLER: &str = "DISPROVE_TELLER";
const SECOND: i64 = 1_000_000_000;
const HOUR: i64 = 3600 * SECOND;

/// A program that prints the time of day and a monotonic time, again and again.
struct Teller {
    child: Child,
    last: Arc<Mutex<Option<(i64, i64, Instant)>>>,
}

impl Drop for Teller {
    fn drop(&mut self) {
        let _ended = self.child.kill();
        let _reaped = self.child.wait();
    }
}

impl Teller {
    fn start(command: &mut Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("it starts");
        let lines = BufReader::new(child.stdout.take().expect("it is piped"));
        let last = Arc::new(Mutex::new(None));
        let told = Arc::clone(&last);
        std::thread::spawn(move || {
            for line in lines.lines().map_while(Result::ok) {
                let numbers: Vec<i64> =
                    line.split_whitespace().filter_map(|word| word.parse().ok()).collect();
                if let [time, monotonic] = numbers[..] {
                    *told.lock().unwrap() = Some((time, monotonic, Instant::now()));
                }
            }
        });
        let teller = Self { child, last };
        teller.told_after(Instant::now());
        teller
    }

    fn pid(&self) -> i32 {
        self.child.id() as i32
    }

    /// The first that it tells some time after a moment: what it told then was read before that moment, perhaps.
    fn told_after(&self, moment: Instant) -> (i64, i64) {
        let began = Instant::now();
        while began.elapsed() < Duration::from_secs(60) {
            if let Some((time, monotonic, at)) = *self.last.lock().unwrap()
                && at > moment + Duration::from_millis(100)
            {
                return (time, monotonic);
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        panic!("it tells nothing");
    }

    /// How far its clock is off; a slow machine makes it seem later than it is.
    fn error(&self) -> i64 {
        let (time, _) = self.told_after(Instant::now());
        time - now()
    }
}

fn rust() -> Teller {
    let mut command = Command::new("/proc/self/exe");
    Teller::start(command.args(["--exact", "vdso::tests::teller", "--nocapture"]).env(TELLER, "1"))
}

#[test]
fn teller() {
    if std::env::var_os(TELLER).is_none() {
        return;
    }
    for _ in 0..2 {
        // These read the clock nearly all the time, and so are often stopped within the functions that change.
        std::thread::spawn(|| {
            loop {
                std::hint::black_box(SystemTime::now());
            }
        });
    }
    let began = Instant::now();
    while began.elapsed() < Duration::from_secs(120) {
        println!("{} {}", now(), began.elapsed().as_nanos());
        let _told = std::io::stdout().flush();
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn near(error: i64, expected: i64) {
    assert!((error - expected).abs() < 30 * SECOND, "the clock is {error} ns off instead of {expected}");
}

#[test]
fn a_running_program_reads_another_time_and_then_the_right_one_again() {
    let mut tellers = vec![("Rust", rust())];
    let python =
        "import time\nwhile 1: print(time.time_ns(), time.monotonic_ns(), flush=True); time.sleep(.005)";
    if Command::new("python3").arg("--version").output().is_ok() {
        tellers.push(("Python", Teller::start(Command::new("python3").args(["-c", python]))));
    } else {
        println!("left out: Python, which is not installed");
    }
    for (name, teller) in &tellers {
        near(teller.error(), 0);
        let monotonic = teller.told_after(Instant::now()).1;
        for offset_ms in [3_600_000, -7_200_000] {
            let terms = Skew::Jump { offset_ms }.terms(now());
            set(teller.pid(), Some(terms)).unwrap();
            set(teller.pid(), Some(terms)).unwrap();
            near(teller.error(), offset_ms * 1_000_000);
            assert_eq!(error_of(teller.pid()).unwrap(), offset_ms * 1_000_000);
        }
        set(teller.pid(), Some(Skew::Freeze.terms(now() + HOUR))).unwrap();
        let one = teller.told_after(Instant::now()).0;
        let other = teller.told_after(Instant::now()).0;
        assert_eq!(one, other, "{name}: a clock that stands still");
        set(teller.pid(), None).unwrap();
        set(teller.pid(), None).unwrap();
        near(teller.error(), 0);
        assert_eq!(error_of(teller.pid()).unwrap(), 0);
        let later = teller.told_after(Instant::now()).1;
        assert!((0..60 * SECOND).contains(&(later - monotonic)), "{name}: monotonic time stays true");
    }
}

#[test]
fn a_clock_is_changed_many_times_under_threads_that_read_it_all_the_time() {
    let teller = rust();
    for round in 1..=60 {
        let terms = Skew::Jump { offset_ms: round * 1_000_000 }.terms(now());
        set(teller.pid(), (round % 3 != 0).then_some(terms)).unwrap();
    }
    near(teller.error(), 0);
    set(teller.pid(), Some(Skew::Drift { parts_per_million: 50_000_000 }.terms(now()))).unwrap();
    let (one, other) = (teller.error(), teller.error());
    assert!(other - one >= 4 * SECOND, "it runs fifty times too fast: {one} {other}");
}

#[test]
fn a_process_that_was_stopped_stays_so_and_one_that_has_ended_is_no_error() {
    let teller = rust();
    let pid = nix::unistd::Pid::from_raw(teller.pid());
    nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGSTOP).unwrap();
    // A stop takes its time to be one.
    let asked = Instant::now();
    while !fs_state(teller.pid()).contains("T (stopped)") && asked.elapsed() < Duration::from_secs(30) {
        std::thread::sleep(Duration::from_millis(5));
    }
    set(teller.pid(), Some(Skew::Jump { offset_ms: 3_600_000 }.terms(now()))).unwrap();
    std::thread::sleep(Duration::from_millis(50));
    assert!(fs_state(teller.pid()).contains("T (stopped)"), "{}", fs_state(teller.pid()));
    nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGCONT).unwrap();
    near(teller.error(), HOUR);
    let gone = teller.pid();
    drop(teller);
    set(gone, Some(Skew::Freeze.terms(now()))).unwrap();
}

fn fs_state(pid: i32) -> String {
    std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default()
}
