//! Judges a history within limits, in a pool of so many threads.

use std::{
    path::PathBuf,
    sync::{atomic::Ordering, mpsc},
    time::{Duration, Instant},
};

use checkers::{Budget, Checker, Validity, Verdict};
use history::{Header, History, Vocabulary, import::AnyHistory, vocabulary::Register};
use reports::{Findings, Run};
use workloads::{Options, Workload};

use crate::{
    exit::Failure,
    memory,
    models::{Judgeable, Wish},
};

/// What the checkers may spend.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Steps per part of a history.
    pub steps: u64,
    /// Bytes in all.
    pub memory: u64,
    /// Wall time.
    pub time: Duration,
    /// Threads; 0 is one per core.
    pub threads: usize,
}

impl Limits {
    /// The limits as the flags give them.
    pub fn new(steps: u64, memory_mib: u64, seconds: f64, threads: usize) -> Result<Self, Failure> {
        let time = Duration::try_from_secs_f64(seconds).map_err(|_| {
            Failure::usage(format!("a time limit of {seconds} s makes no sense; give seconds, as in 60"))
        })?;
        Ok(Self { steps, memory: memory_mib.saturating_mul(1 << 20), time, threads })
    }

    /// Steps and memory, for the checkers to count.
    pub fn budget(&self) -> Budget {
        memory::return_what_is_freed();
        Budget::new(self.steps, self.memory).releasing(memory::release).measuring(memory::held_bytes)
    }
}

/// What is to be judged, and how.
#[derive(Clone, Debug)]
pub struct JudgeSettings {
    /// The history.
    pub path: PathBuf,
    /// What was run, for the findings.
    pub run: Run,
    /// What the workload was told.
    pub options: Options,
    /// What the checkers may spend.
    pub limits: Limits,
}

/// How long the weaker promises are judged, at most, where one is broken: they are not what was asked.
const WEAKER_MAX: Duration = Duration::from_secs(30);

/// What was found.
#[derive(Debug)]
pub struct Judgement {
    /// Everything a report shows.
    pub findings: Findings,
    /// How long the checkers took.
    pub seconds: f64,
}

/// Judges the history of a workload by the workload's own checkers.
pub fn judge_workload<W: Workload + ?Sized>(
    workload: &W,
    settings: &JudgeSettings,
) -> Result<Judgement, Failure> {
    let history =
        history::read::<W::Vocabulary>(&settings.path).map_err(|error| Failure::input(error.to_string()))?;
    let checkers = workload.checkers(&settings.options);
    judge(&history, &checkers, true, (settings.run.clone(), settings.limits))
}

/// Judges a history that was read from anywhere by promises that its vocabulary can be judged by.
pub fn judge_any(history: &AnyHistory, wish: &Wish, run: Run, limits: Limits) -> Result<Judgement, Failure> {
    history::with_history!(history, history => {
        refuse_initial(history)?;
        judge(history, &checkers_of(history, wish), wish.weaker, (run, limits))
    })
}

/// The judgement about a file in which nothing was recorded, so that nobody knows what of.
pub fn judge_nothing(run: Run) -> Judgement {
    let history = History::<Register> {
        header: Header::new(Register::NAME),
        operations: Vec::new(),
        faults: Vec::new(),
        damage: None,
    };
    let mut verdict = Verdict { checker: "check".into(), model: run.model.clone(), ..Verdict::default() };
    doubt(&history, &mut verdict);
    Judgement { findings: Findings::from_history(run, &history, vec![verdict]), seconds: 0.0 }
}

/// Where no call was recorded, nothing can contradict a promise, and that is said; where nothing at all was, not even a
/// fault, it is no reason to call the promise kept.
fn doubt<V: Vocabulary>(history: &History<V>, verdict: &mut Verdict) {
    if !history.operations.is_empty() || verdict.validity != Validity::Valid {
        return;
    }
    if !history.faults.is_empty() {
        verdict.notes.insert(0, "no call was recorded, so there was nothing that a fault could break".into());
        return;
    }
    verdict.validity = Validity::Unknown;
    verdict.certificate = None;
    verdict.notes.insert(0, "nothing was recorded, so there is nothing to judge by".into());
}

/// An initial value that the data type cannot have is a mistake of whoever gave it.
fn refuse_initial<V: Judgeable>(history: &History<V>) -> Result<(), Failure> {
    let initial = &history.header.initial;
    match V::wrong_initial(initial) {
        None => Ok(()),
        Some(wrong) => Err(Failure::usage(format!(
            "the initial value {initial} is not understood: {wrong}; see --initial"
        ))),
    }
}

/// Who judges this history. The history only tells its vocabulary.
fn checkers_of<V: Judgeable>(_: &History<V>, wish: &Wish) -> Vec<Box<dyn Checker<V>>> {
    V::checkers(wish)
}

fn judge<V: Vocabulary>(
    history: &History<V>,
    checkers: &[Box<dyn Checker<V>>],
    weaker: bool,
    (run, limits): (Run, Limits),
) -> Result<Judgement, Failure> {
    let check = |checker: usize, budget: &Budget| checkers[checker].check(history, budget);
    let (mut verdicts, seconds) = judge_all(checkers.len(), &check, limits)?;
    verdicts.iter_mut().for_each(|verdict| doubt(history, verdict));
    // Who named several promises has judged what is wanted.
    if let ([checker], [verdict], true) = (checkers, verdicts.as_mut_slice(), weaker)
        && verdict.validity == Validity::Invalid
        && let Some(ladder) = checker.weaker()
    {
        let stand = |budget: &Budget| ladder.standing(history, budget);
        verdict.standing = Some(in_pool(&stand, Limits { time: limits.time.min(WEAKER_MAX), ..limits })?.0);
    }
    Ok(Judgement { findings: Findings::from_history(run, history, verdicts), seconds })
}

/// What so many checkers say within the limits, and how many seconds that took.
fn judge_all(
    checkers: usize,
    check: &(dyn Fn(usize, &Budget) -> Verdict + Sync),
    limits: Limits,
) -> Result<(Vec<Verdict>, f64), Failure> {
    in_pool(&|budget| (0..checkers).map(|checker| check(checker, budget)).collect(), limits)
}

/// What comes of work within the limits, and how many seconds it took.
fn in_pool<R: Send>(work: &(dyn Fn(&Budget) -> R + Sync), limits: Limits) -> Result<(R, f64), Failure> {
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(limits.threads)
        .build()
        .map_err(|error| Failure::harness(format!("cannot start the checkers' threads: {error}")))?;
    let budget = limits.budget();
    let began = Instant::now();
    let came = within(limits.time, &budget, || pool.install(|| work(&budget)));
    Ok((came, began.elapsed().as_secs_f64()))
}

/// Does something and raises the budget's expiry when it takes too long.
pub(crate) fn within<R>(time: Duration, budget: &Budget, work: impl FnOnce() -> R) -> R {
    let expiry = budget.expiry();
    let (done, ended) = mpsc::channel::<()>();
    std::thread::scope(|scope| {
        scope.spawn(move || {
            if let Err(mpsc::RecvTimeoutError::Timeout) = ended.recv_timeout(time) {
                expiry.store(true, Ordering::Relaxed);
            }
        });
        let result = work();
        drop(done);
        result
    })
}
