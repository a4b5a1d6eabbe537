//! Everything that a report shows, as plain data.
//!
//! Its size is bounded whatever the length of the history: operations are kept only around anomalies
//! ([`Scene`], [`Row`]), and the whole run only as a decimated [`Overview`].

use checkers::{Validity, Verdict};
use history::{Damage, FaultRecord, Nanos, OpIndex, Process};
use serde::{Deserialize, Serialize};

mod coverage;
mod evidence;
mod excerpt;
mod gather;
mod gathering;
mod headline;
mod nodes;
mod overlap;
mod overview;
mod pictures;
mod recorded;
mod scenes;
mod tape;
mod told;

pub use coverage::{Covered, Down};
pub use excerpt::Whole;
pub use gathering::Gathering;
pub use headline::Headline;
pub use nodes::NodeSeries;
pub use pictures::{Bar, Life, Picture, Point, Series, Shape, Sign, Span, Tone};
pub use tape::{Mark, Tape};
pub use told::KindLine;

/// The version of `results.json`. It grows when a field changes its meaning or disappears, not when one is added.
pub const SCHEMA_VERSION: u32 = 1;

/// A name and a value, where the order matters and names may repeat.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fact {
    /// What it is.
    pub name: String,
    /// What was found.
    pub value: String,
}

impl Fact {
    /// A fact of these two texts.
    pub fn new(name: impl Into<String>, value: impl Into<String>) -> Self {
        Self { name: name.into(), value: value.into() }
    }
}

/// What was run, as the controller knows it: everything that does not come from the history.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Run {
    /// A line for the top of the page: `register on etcd 3.4.23`.
    pub title: String,
    /// The folder of the run, where it has one.
    pub folder: String,
    /// Where `report.html` is, as a person can open it.
    pub report: String,
    /// When it started, in wall time, as text.
    pub started: String,
    /// The seed that decided everything the tester decided.
    pub seed: u64,
    /// The command line it was started with.
    pub argv: Vec<String>,
    /// The command that repeats the run.
    pub reproduce: String,
    /// The command that judges its history again.
    pub recheck: String,
    /// The name of the database.
    pub database: String,
    /// Its version, as it was asked for and answered; empty where nobody knows.
    pub database_version: String,
    /// The workload.
    pub workload: String,
    /// The promise that was judged.
    pub model: String,
    /// The nodes.
    pub nodes: Vec<String>,
    /// The machine, the versions, the choices: whatever helps to repeat it.
    pub environment: Vec<Fact>,
}

/// One phase of the run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Phase {
    /// Its name: `setup`, `calls`, `heal`, `settle`, `final reads`.
    pub name: String,
    /// How long it took.
    pub took: Nanos,
}

/// The three kinds of outcome.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OutcomeKind {
    /// It happened.
    Ok,
    /// It certainly did not happen.
    Fail,
    /// Nobody can say.
    Unknown,
}

impl OutcomeKind {
    /// All kinds, in the order they are shown.
    pub const ALL: [Self; 3] = [Self::Ok, Self::Fail, Self::Unknown];

    /// Its name in one word.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Fail => "fail",
            Self::Unknown => "unknown",
        }
    }
}

/// How many calls of one kind ended how.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Count {
    /// The kind of call: `read`.
    pub kind: String,
    /// How many happened.
    pub ok: u64,
    /// How many certainly did not.
    pub fail: u64,
    /// How many nobody can say about.
    pub unknown: u64,
}

impl Count {
    /// All calls of the kind.
    pub fn total(&self) -> u64 {
        self.ok + self.fail + self.unknown
    }

    /// How many ended so.
    pub fn of(&self, outcome: OutcomeKind) -> u64 {
        match outcome {
            OutcomeKind::Ok => self.ok,
            OutcomeKind::Fail => self.fail,
            OutcomeKind::Unknown => self.unknown,
        }
    }
}

/// How often one reason was given for a failed or unknown outcome.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReasonLine {
    /// The reason, as the client put it.
    pub reason: String,
    /// How many calls certainly did not happen because of it.
    pub fail: u64,
    /// How many outcomes are unknown because of it.
    pub unknown: u64,
}

/// How many operations were under way during something.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exposure {
    /// All of them.
    pub operations: u64,
    /// Those that succeeded.
    pub ok: u64,
    /// Those that succeeded and only read.
    pub ok_reads: u64,
    /// Those with an unknown outcome.
    pub unknown: u64,
}

/// One fault of the run and how many operations it met.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FaultLine {
    /// The fault, with its evidence.
    pub record: FaultRecord,
    /// The operations that were under way during it.
    pub exposure: Exposure,
    /// How long after its end every node that it struck had answered again; `None` where that never happened or
    /// cannot be known.
    #[serde(default)]
    pub answered: Option<Nanos>,
}

/// One operation as it is shown: its vocabulary is gone, its words remain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Row {
    /// Its rank in the history.
    pub index: OpIndex,
    /// The session that made the call.
    pub process: Process,
    /// The name of the node it talked to; empty where the history names none.
    pub node: String,
    /// The kind of call.
    pub kind: String,
    /// What was asked.
    pub call: String,
    /// How it ended.
    pub outcome: OutcomeKind,
    /// What it returned, or why it failed or is unknown.
    pub answer: String,
    /// When it began.
    pub began: Nanos,
    /// When it ended; for an unknown outcome, when the client gave up.
    pub ended: Option<Nanos>,
}

/// What is drawn of one anomaly: its witness and its neighbours.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scene {
    /// The place of its verdict in [`Findings::verdicts`].
    pub verdict: usize,
    /// The place of the anomaly in that verdict.
    pub anomaly: usize,
    /// The operations that are drawn, in the order they began; each has a row in [`Findings::rows`].
    pub operations: Vec<OpIndex>,
    /// The operation that cannot be placed.
    pub culprit: Option<OpIndex>,
    /// How many neighbours were left out to keep the picture readable.
    pub omitted: u64,
}

/// How often calls of one kind ended in one way, over time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RateSeries {
    /// The kind of call.
    pub kind: String,
    /// How they ended.
    pub outcome: OutcomeKind,
    /// How many ended so in each bin of [`Overview::bin`].
    pub counts: Vec<u32>,
}

/// One mark of the latency plot: the slowest operation of a cell of the plot, and how many share the cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dot(
    /// When the operation began, in nanoseconds.
    pub u64,
    /// How long it took, in nanoseconds.
    pub u64,
    /// How many operations share the cell.
    pub u32,
);

/// Latency quantiles of the successful operations that began in one bin of time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quantiles {
    /// The beginning of the bin.
    pub at: Nanos,
    /// Half were faster, to within an eighth.
    pub p50: Nanos,
    /// 99 of 100 were faster, to within an eighth.
    pub p99: Nanos,
    /// The slowest.
    pub max: Nanos,
}

/// Latencies of one outcome over the whole run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LatencyLine {
    /// The outcome.
    pub outcome: OutcomeKind,
    /// How many operations have a duration.
    pub operations: u64,
    /// Half were faster, to within an eighth.
    pub p50: Nanos,
    /// 99 of 100 were faster, to within an eighth.
    pub p99: Nanos,
    /// The slowest.
    pub max: Nanos,
    /// What is drawn of them.
    pub dots: Vec<Dot>,
}

/// The whole run, decimated.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Overview {
    /// The first moment of the time axis.
    pub began: Nanos,
    /// The last moment of the time axis.
    pub ended: Nanos,
    /// The length of a bin of time.
    pub bin: Nanos,
    /// Completions per bin by kind and outcome; series without any are absent.
    pub rates: Vec<RateSeries>,
    /// Latencies by outcome; outcomes without any are absent.
    pub latency: Vec<LatencyLine>,
    /// Latency quantiles over time; bins without a successful operation are absent.
    pub quantiles: Vec<Quantiles>,
    /// How the calls to each node ended, in the same bins.
    pub nodes: Vec<NodeSeries>,
}

/// Everything that a report shows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Findings {
    /// The version of this format.
    pub schema: u32,
    /// What the run says in one word: kept in step by [`Findings::settle`].
    pub headline: Headline,
    /// The worst of all verdicts, and `unknown` where there is a doubt or no verdict at all.
    pub validity: Validity,
    /// What was run.
    pub run: Run,
    /// The judgement of each checker.
    pub verdicts: Vec<Verdict>,
    /// All operations of the history.
    pub operations: u64,
    /// Those that succeeded.
    pub ok_operations: u64,
    /// How many of these could change something, where that was counted.
    #[serde(default)]
    pub ok_changes: Option<u64>,
    /// Counts by kind of call and outcome.
    pub counts: Vec<Count>,
    /// The most frequent reasons of failed and unknown outcomes, most frequent first.
    pub reasons: Vec<ReasonLine>,
    /// The faults with their evidence.
    pub faults: Vec<FaultLine>,
    /// The operations that were under way during any fault that was in force.
    pub exposure: Exposure,
    /// Which families of faults struck which nodes.
    #[serde(default)]
    pub coverage: Vec<Covered>,
    /// How many nodes were down at once because of faults.
    #[serde(default)]
    pub down: Down,
    /// The phases of the run.
    pub phases: Vec<Phase>,
    /// How long the database took to answer again after the last fault was healed; `None` where it was not measured.
    pub recovery: Option<Nanos>,
    /// Reasons for which this run proves too little to be called valid.
    pub doubts: Vec<String>,
    /// The limits that were hit, in words.
    pub limits: Vec<String>,
    /// What a reader must know: the tester was the bottleneck, calls were late, outcomes were mostly unknown.
    pub warnings: Vec<String>,
    /// Anomalies that are known and let pass; they stay in the verdicts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub known: Vec<crate::expected::Known>,
    /// Thresholds that were required, and how they went.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub required: Vec<crate::expected::Required>,
    /// Rates of outcomes and latencies of the whole run, and during and outside of faults.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub measures: Vec<crate::measures::Measure>,
    /// What went wrong with the harness itself, if anything did. That is not a verdict.
    pub failure: Option<String>,
    /// Whether the run was interrupted.
    pub interrupted: bool,
    /// What was lost of the history, if its file was damaged.
    pub damage: Option<Damage>,
    /// The drawn anomalies, in the order of the verdicts.
    pub scenes: Vec<Scene>,
    /// The operations of all scenes, in the order they began.
    pub rows: Vec<Row>,
    /// The whole run, decimated.
    pub overview: Overview,
    /// The operations that the explorer shows.
    #[serde(default)]
    pub tape: Tape,
    /// What the checkers' own pictures show.
    #[serde(default)]
    pub pictures: Vec<Picture>,
}

impl Findings {
    /// All anomalies with their verdicts, in order.
    pub fn anomalies(&self) -> impl Iterator<Item = (&Verdict, &checkers::Anomaly)> {
        self.verdicts
            .iter()
            .flat_map(|verdict| verdict.anomalies.iter().map(move |anomaly| (verdict, anomaly)))
    }

    /// Successful operations over the length of the calls phase, per second; over that of the history where no phase is
    /// known.
    pub fn rate(&self) -> f64 {
        let calls = self.phases.iter().find(|phase| phase.name == "calls").map(|phase| phase.took);
        let whole = history::Nanos(self.overview.ended.0.saturating_sub(self.overview.began.0));
        let seconds = calls.unwrap_or(whole).seconds();
        if seconds > 0.0 { self.ok_operations as f64 / seconds } else { 0.0 }
    }

    /// The row of an operation, if it is drawn.
    pub fn row(&self, operation: OpIndex) -> Option<&Row> {
        let place = self.rows.binary_search_by_key(&operation, |row| row.index).ok()?;
        self.rows.get(place)
    }
}
