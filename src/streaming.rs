//! Judges a history while it is read or while it is written, and keeps of it only what still matters.

use std::{collections::HashMap, path::Path, time::Instant};

use checkers::{
    Budget, Limit, OnlineLists, OnlineRegisters, Streaming, Transactions, Validity, Verdict, lattice::Model,
    transactions::VersionOrder,
};
use history::{
    FaultRecord, Header, History, Key, ListAppend, Operation, Outcome, RwRegister, Value, Vocabulary,
    import::Format,
    stream::{Event, Follower, StreamError, Streamed, is_streamed},
};
use reports::{Count, Findings, Gathering, Run, Whole};

use crate::{
    exit::Failure,
    judge::{JudgeSettings, Judgement, Limits, within},
};

/// After how many calls that leave a key alone it is forgotten, where nobody says.
pub const FORGET_AFTER: u64 = 20_000;

/// How much memory a history takes as a whole, with its judgement, for each byte that it takes on disk: 28 times as much were
/// measured of long lists, and 60 of registers.
const WHOLE_PER_DISK: u64 = 48;

/// How much memory a transaction may take that is remembered, while it is judged too.
const REMEMBERED_BYTES: u64 = 4 << 10;

/// What is to be judged, and how.
#[derive(Clone, Debug)]
pub struct Stream {
    /// The promises.
    pub models: Vec<&'static str>,
    /// What the order of versions is inferred from.
    pub order: VersionOrder,
    /// After how many calls that leave a key alone it is forgotten.
    pub forget_after: u64,
    /// Whether what is found only ends the calls of a run, and is judged again.
    pub is_preliminary: bool,
}

impl Stream {
    /// By these promises, where all of them are of the lattice.
    pub fn by(models: &str, is_preliminary: bool) -> Option<Self> {
        let models = models.split(',').map(Model::named).collect::<Result<Vec<_>, _>>().ok()?;
        let models = models.into_iter().map(Model::name).collect();
        Some(Self { models, order: VersionOrder::EXACT, forget_after: FORGET_AFTER, is_preliminary })
    }

    fn checker(&self) -> Transactions {
        let models = self.models.iter().filter_map(|name| Model::named(name).ok()).collect();
        Transactions::new(models, self.order)
    }
}

/// A vocabulary with a checker that can be fed.
trait Watchable: Streamed {
    fn online(stream: &Stream, header: Header) -> Box<dyn Streaming<Self>>;
    /// One that takes nothing but what is about these keys, and forgets nothing of that.
    fn alone(_stream: &Stream, _header: Header, _keys: &[Key]) -> Option<Box<dyn Streaming<Self>>> {
        None
    }
}

impl Watchable for ListAppend {
    fn online(stream: &Stream, header: Header) -> Box<dyn Streaming<Self>> {
        let online = OnlineLists::new(stream.checker(), header, stream.forget_after);
        Box::new(if stream.is_preliminary { online.hasty() } else { online })
    }

    fn alone(stream: &Stream, header: Header, keys: &[Key]) -> Option<Box<dyn Streaming<Self>>> {
        Some(Box::new(OnlineLists::new(stream.checker(), header, u64::MAX).about(keys)))
    }
}

impl Watchable for RwRegister {
    fn online(stream: &Stream, header: Header) -> Box<dyn Streaming<Self>> {
        Box::new(OnlineRegisters::new(stream.checker(), header, stream.forget_after))
    }
}

/// Judges a run's history while reading it, where the whole of it would take more memory than is allowed and its vocabulary can
/// be judged so; `None` where it is to be judged as a whole.
pub fn judge_large(vocabulary: &str, settings: &JudgeSettings) -> Result<Option<Judgement>, Failure> {
    let on_disk = std::fs::metadata(&settings.path).map_or(0, |file| file.len());
    if on_disk.saturating_mul(WHOLE_PER_DISK) <= settings.limits.memory {
        return Ok(None);
    }
    let Some(mut stream) = Stream::by(&settings.options.model, false) else { return Ok(None) };
    // What the limit has room for is remembered: the final reads come back to keys of long ago.
    stream.forget_after = stream.forget_after.max(settings.limits.memory / REMEMBERED_BYTES);
    let work = (&stream, settings.run.clone(), settings.limits);
    let judged = judge_file(&settings.path, Format::Disprove, vocabulary, None, work)?;
    Ok(judged.ok().map(|mut judgement| {
        judgement.findings.warnings.push(
            "the history was judged while it was read, and up to its first anomaly: as a whole it would take more memory than \
             --memory-limit allows"
                .into(),
        );
        judgement
    }))
}

/// Judges a file while reading it, up to the first anomaly. The inner error says why it cannot be judged so, but only as a
/// whole.
pub fn judge_file(
    path: &Path,
    format: Format,
    vocabulary: &str,
    initial: Option<Value>,
    (stream, run, limits): (&Stream, Run, Limits),
) -> Result<Result<Judgement, String>, Failure> {
    if !is_streamed(format) {
        return Ok(Err(format!(
            "files of the format {} have no times by which to judge while reading",
            format.name()
        )));
    }
    let allows_failed = |name: &&&str| Model::named(name).is_ok_and(|model| !model.prohibits("G1a"));
    if let Some(name) = stream.models.iter().find(allows_failed) {
        return Ok(Err(format!("{name} allows reads of what failed, and so is judged as a whole only")));
    }
    match vocabulary {
        ListAppend::NAME => read::<ListAppend>(path, format, initial, (stream, run, limits)),
        RwRegister::NAME => read::<RwRegister>(path, format, initial, (stream, run, limits)),
        other => Ok(Err(format!("{other} is judged as a whole only"))),
    }
}

fn read<V: Watchable>(
    path: &Path,
    format: Format,
    initial: Option<Value>,
    (stream, run, limits): (&Stream, Run, Limits),
) -> Result<Result<Judgement, String>, Failure> {
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(limits.threads)
        .build()
        .map_err(|error| Failure::harness(format!("cannot start the checkers' threads: {error}")))?;
    let budget = limits.budget();
    let began = Instant::now();
    let fed =
        within(limits.time, &budget, || pool.install(|| feed::<V>(path, format, initial, (stream, &budget))));
    let fed = match fed {
        Ok(fed) => fed,
        Err(StreamError::Unordered { line, what }) => return Ok(Err(format!("line {line} {what}"))),
        Err(StreamError::Read(error)) => {
            return Err(Failure::input(format!("{}: {error}", path.display())));
        }
    };
    let seconds = began.elapsed().as_secs_f64();
    let findings = Findings::from_excerpt(run, &fed.excerpt, vec![fed.verdict], fed.whole);
    Ok(Ok(Judgement { findings, seconds }))
}

/// What came of a file.
struct Fed<V: Vocabulary> {
    verdict: Verdict,
    excerpt: History<V>,
    whole: Whole,
}

/// What is counted while a history goes by.
enum Tally<V: Vocabulary> {
    /// Of a file of others, how its transactions ended.
    Outcomes(Count),
    /// Of a run of ours, all that is told of one: the calls under way, and what came of the others.
    Run(HashMap<u32, Operation<V>>, Box<Gathering>),
}

impl<V: Vocabulary> Tally<V> {
    /// A run of ours is gone through once before, for its length and its faults.
    fn open(path: &Path, format: Format, header: &Header) -> Result<(Self, Vec<FaultRecord>), StreamError> {
        if format != Format::Disprove {
            return Ok((Self::Outcomes(Count { kind: "txn".into(), ..Count::default() }), Vec::new()));
        }
        let outline = history::outline::<V>(path)?;
        let span = (outline.began.0, outline.ended.0);
        let gathering = Gathering::new(&outline.faults, span, &header.nodes);
        Ok((Self::Run(HashMap::new(), Box::new(gathering)), outline.faults))
    }

    fn take(&mut self, event: &Event<V>) {
        match (self, event) {
            (Self::Outcomes(count), Event::Began(_)) => count.unknown += 1,
            (Self::Outcomes(count), Event::Ended { outcome, .. }) => match outcome {
                Outcome::Ok(_) => (count.ok, count.unknown) = (count.ok + 1, count.unknown - 1),
                Outcome::Fail(_) => (count.fail, count.unknown) = (count.fail + 1, count.unknown - 1),
                Outcome::Unknown(_) => {}
            },
            (Self::Run(open, _), Event::Began(operation)) => {
                open.insert(operation.index.0, operation.clone());
            }
            (Self::Run(open, gathering), Event::Ended { index, at, outcome, .. }) => {
                if let Some(mut operation) = open.remove(&index.0) {
                    (operation.outcome, operation.ended) = (outcome.clone(), Some(*at));
                    gathering.add(&operation);
                }
            }
        }
    }

    fn finish(self) -> Whole {
        match self {
            Self::Outcomes(count) => Whole::Counts(vec![count]),
            Self::Run(open, mut gathering) => {
                open.values().for_each(|operation| gathering.add(operation));
                Whole::Gathered(gathering)
            }
        }
    }
}

fn feed<V: Watchable>(
    path: &Path,
    format: Format,
    initial: Option<Value>,
    (stream, budget): (&Stream, &Budget),
) -> Result<Fed<V>, StreamError> {
    let mut events = V::events(path, format, initial.clone())?;
    let mut header = events.header().clone();
    let mut online = V::online(stream, header.clone());
    let (mut tally, faults) = Tally::<V>::open(path, format, &header)?;
    let mut told = None;
    while told.is_none() && !budget.is_expired() {
        let Some(event) = events.next_event()? else { break };
        tally.take(&event);
        online.take(event);
        if online.is_due() {
            told = online.look(budget);
        }
    }
    let is_cut = told.is_none() && budget.is_expired();
    let was_early = told.is_some();
    let mut verdict = told.unwrap_or_else(|| online.finish(budget));
    let (line, byte) = events.place();
    let damage = events.damage().cloned();
    let mut operations = online.retained().to_vec();
    let (begun, strayed) = (online.begun(), online.strayed());
    drop(online);
    if verdict.validity == Validity::Unknown && !strayed.is_empty() {
        match judge_alone::<V>(path, format, initial, (stream, budget, &strayed))? {
            Some((alone, about)) => (verdict, operations) = (alone, about),
            None => verdict.notes.push(format!(
                "of the keys that came back, {} were judged again, without all others: that shows nothing wrong",
                strayed.len()
            )),
        }
    }
    if was_early {
        verdict.notes.push(format!(
            "reading ended at the first anomaly, at line {line} (byte {byte}), when {} transactions had begun",
            begun
        ));
    }
    if is_cut {
        verdict.notes.push(format!("only what comes before line {line} was judged"));
        if !verdict.limits.contains(&Limit::Time) {
            verdict.limits.push(Limit::Time);
        }
        verdict.validity = verdict.validity.max(Validity::Unknown);
    }
    header.given_times = None;
    let excerpt = History { header, operations, faults, damage };
    Ok(Fed { verdict, excerpt, whole: tally.finish() })
}

/// A verdict, and the calls that it is about.
type Alone<V> = (Verdict, Vec<Operation<V>>);

/// Judges by itself what is known of the keys that came back when they were forgotten: whatever is wrong with a part of each
/// transaction is wrong with the whole. `None` where nothing is.
fn judge_alone<V: Watchable>(
    path: &Path,
    format: Format,
    initial: Option<Value>,
    (stream, budget, keys): (&Stream, &Budget, &[Key]),
) -> Result<Option<Alone<V>>, StreamError> {
    let mut events = V::events(path, format, initial)?;
    let Some(mut online) = V::alone(stream, events.header().clone(), keys) else { return Ok(None) };
    while !budget.is_expired() {
        let Some(event) = events.next_event()? else { break };
        online.take(event);
    }
    let verdict = online.finish(budget);
    Ok((verdict.validity == Validity::Invalid).then(|| (verdict, online.retained().to_vec())))
}

/// Whoever judges a run while it is written.
pub trait Watch: Send {
    /// Looks at what was written since the last time: what is wrong, if anything is.
    fn look(&mut self, run: &Run, budget: &Budget) -> Result<Option<Findings>, Failure>;
}

/// Watches the file that a run of a workload writes, where that can be done bit by bit.
pub fn watch(path: &Path, vocabulary: &str, stream: Stream) -> Option<Box<dyn Watch>> {
    match vocabulary {
        ListAppend::NAME => Some(Box::new(Watcher::<ListAppend>::new(path, stream))),
        RwRegister::NAME => Some(Box::new(Watcher::<RwRegister>::new(path, stream))),
        _ => None,
    }
}

struct Watcher<V: Vocabulary> {
    follower: Follower<V>,
    stream: Stream,
    online: Option<(Header, Box<dyn Streaming<V>>)>,
}

impl<V: Vocabulary> Watcher<V> {
    fn new(path: &Path, stream: Stream) -> Self {
        Self { follower: Follower::new(path), stream, online: None }
    }
}

impl<V: Watchable> Watch for Watcher<V> {
    fn look(&mut self, run: &Run, budget: &Budget) -> Result<Option<Findings>, Failure> {
        let events = self.follower.read_on().map_err(|error| Failure::input(error.to_string()))?;
        let Some(header) = self.follower.header() else { return Ok(None) };
        let (header, online) =
            self.online.get_or_insert_with(|| (header.clone(), V::online(&self.stream, header.clone())));
        if events.is_empty() {
            return Ok(None);
        }
        events.into_iter().for_each(|event| online.take(event));
        let Some(verdict) = online.look(budget) else { return Ok(None) };
        let excerpt = History {
            header: header.clone(),
            operations: online.retained().to_vec(),
            faults: Vec::new(),
            damage: None,
        };
        let count = Count { kind: "txn".into(), ok: online.begun(), ..Count::default() };
        Ok(Some(Findings::from_excerpt(run.clone(), &excerpt, vec![verdict], Whole::Counts(vec![count]))))
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use workloads::Options;

    use super::*;

    #[test]
    fn only_what_would_take_more_memory_than_allowed_is_judged_while_it_is_read() {
        let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/histories/v1-list-append.jsonl.zst");
        let options = Options {
            threads: 1,
            nodes: 1,
            keys: 1,
            rate: None,
            seed: 0,
            run_id: String::new(),
            model: "serializable".into(),
        };
        let judged = |memory: u64, model: &str| {
            let limits = Limits { memory, ..Limits::new(1_000_000, 64, 60.0, 1).unwrap() };
            let options = Options { model: model.into(), ..options.clone() };
            let settings = JudgeSettings { path: path.clone(), run: Run::default(), options, limits };
            judge_large(ListAppend::NAME, &settings).unwrap()
        };
        assert!(judged(64 << 20, "serializable").is_none(), "there is room for the whole");
        let findings = judged(1, "serializable").unwrap().findings;
        let whole = history::read::<ListAppend>(&path).unwrap();
        assert_eq!(findings.operations, whole.operations.len() as u64);
        assert!(findings.warnings.iter().any(|warning| warning.contains("--memory-limit")));
        assert!(judged(1, "no-promise-of-the-lattice").is_none());
        assert!(
            judged(1, "read-uncommitted").is_none(),
            "reads of what failed are allowed, and judged as a whole"
        );
    }
}
