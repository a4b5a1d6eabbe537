//! Sequential consistency of any data type, by trying what each session may do next.
//!
//! This is for calls of which nothing can be deduced, such as appends to the values of a store. It is exact, and there are
//! as many ways to go as sessions can be shuffled, so only small histories are decided. What a session reads next is read at
//! once where the state is what it saw: whatever comes later is possible all the same. Of a write that changes nothing now
//! that would be wrong, since it may be needed to change something later.

use history::{History, OpIndex, Operation, Outcome, Process, Vocabulary};
use rustc_hash::{FxHashMap, FxHashSet};

use crate::{Budget, DataType, Limit, levels::meter::Meter};

/// The answer about one object.
pub(crate) enum Shuffled {
    /// In this order.
    Order(Vec<OpIndex>),
    /// In none. These operations suffice to show it; all others may have happened at any time or never.
    Nothing(Vec<OpIndex>),
    /// A limit was hit.
    Stopped(Limit),
}

/// The most steps of one attempt to do with fewer operations.
const SHRINK_STEPS: u64 = 50_000;

/// Histories of more operations are not made smaller.
const SHRUNK_MAX: usize = 64;

/// How an operation takes part.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    /// It happened, and its answer must be explained.
    Answered,
    /// It may have happened, at any time after what its session had done before, or never.
    Perhaps,
    /// It may have happened at any time, or never: what its session did is no matter.
    Loose,
    /// It says nothing.
    Out,
}

/// Decides the operations of one object.
pub(crate) fn decide<D: DataType>(
    history: &History<D::Vocabulary>,
    sessions: &Sessions,
    operations: &[OpIndex],
    budget: &Budget,
) -> Shuffled {
    let parts: Vec<Part> = operations.iter().map(|&index| part(history, index)).collect();
    let problem = Problem::new(sessions, operations, &parts);
    match search::<D>(history, &problem, &mut Meter::new(budget)) {
        Ok(Some(order)) => Shuffled::Order(order),
        Ok(None) => Shuffled::Nothing(shrink::<D>(history, sessions, (operations, parts), budget)),
        Err(limit) => Shuffled::Stopped(limit),
    }
}

fn part<V: Vocabulary>(history: &History<V>, index: OpIndex) -> Part {
    let operation = &history.operations[index.0 as usize];
    match operation.outcome {
        Outcome::Ok(_) => Part::Answered,
        Outcome::Unknown(_) if !V::is_read(&operation.call) => Part::Perhaps,
        Outcome::Fail(_) | Outcome::Unknown(_) => Part::Out,
    }
}

/// Operations of which alone there is no order. An observation is dropped, anything else becomes one that may have happened
/// at any time.
fn shrink<D: DataType>(
    history: &History<D::Vocabulary>,
    sessions: &Sessions,
    (operations, mut parts): (&[OpIndex], Vec<Part>),
    budget: &Budget,
) -> Vec<OpIndex> {
    if operations.len() <= SHRUNK_MAX {
        for place in 0..operations.len() {
            let before = parts[place];
            if before == Part::Out {
                continue;
            }
            let is_read = D::Vocabulary::is_read(&history.operations[operations[place].0 as usize].call);
            parts[place] = if is_read { Part::Out } else { Part::Loose };
            let problem = Problem::new(sessions, operations, &parts);
            let mut meter = Meter::at_most(budget, SHRINK_STEPS);
            if !matches!(search::<D>(history, &problem, &mut meter), Ok(None)) {
                parts[place] = before;
            }
        }
    }
    let is_kept = |part: &Part| matches!(part, Part::Answered | Part::Perhaps);
    let kept = operations.iter().zip(&parts).filter(|(_, part)| is_kept(part));
    kept.map(|(&index, _)| index).collect()
}

/// The session of what is bound to none.
const NO_SESSION: usize = usize::MAX;

/// What is to be put in order.
struct Problem {
    /// The answered operations of each session, in their order.
    sessions: Vec<Vec<OpIndex>>,
    /// Those that may have happened, each with its session and how many of that come before it.
    perhaps: Vec<(OpIndex, usize, u32)>,
}

impl Problem {
    fn new(sessions: &Sessions, operations: &[OpIndex], parts: &[Part]) -> Self {
        let mut problem = Self { sessions: Vec::new(), perhaps: Vec::new() };
        let mut lanes: FxHashMap<u32, usize> = FxHashMap::default();
        for (&index, &part) in operations.iter().zip(parts) {
            let fresh = problem.sessions.len();
            let mut lane = || *lanes.entry(sessions.0[index.0 as usize]).or_insert(fresh);
            match part {
                Part::Out => {}
                Part::Loose => problem.perhaps.push((index, NO_SESSION, 0)),
                Part::Answered | Part::Perhaps => {
                    let lane = lane();
                    if lane == fresh {
                        problem.sessions.push(Vec::new());
                    }
                    if part == Part::Answered {
                        problem.sessions[lane].push(index);
                    } else {
                        let before = problem.sessions[lane].len() as u32;
                        problem.perhaps.push((index, lane, before));
                    }
                }
            }
        }
        problem
    }
}

/// The session of each operation of a history: what one process did up to an outcome that nobody knows. A process that began
/// a call before it had the answer of another is none, and each of its calls is one by itself. What a process did to
/// other keys counts.
pub(crate) struct Sessions(Vec<u32>);

impl Sessions {
    /// Those of a history.
    pub fn new<V: Vocabulary>(history: &History<V>) -> Self {
        let overlapping = overlapping(history);
        let (mut current, mut count) = (FxHashMap::<Process, u32>::default(), 0);
        let session = |operation: &Operation<V>| {
            let process = operation.process;
            let known = current.get(&process).copied().filter(|_| !overlapping.contains(&process));
            let session = known.unwrap_or_else(|| {
                count += 1;
                count
            });
            match operation.outcome {
                Outcome::Unknown(_) => current.remove(&process),
                _ => current.insert(process, session),
            };
            session
        };
        Self(history.operations.iter().map(session).collect())
    }
}

/// The processes that began a call before they had the answer of another.
fn overlapping<V: Vocabulary>(history: &History<V>) -> FxHashSet<Process> {
    let mut ends = FxHashMap::default();
    let mut overlapping = FxHashSet::default();
    let answered = history.operations.iter().filter(|operation| operation.outcome.ok().is_some());
    for operation in answered.filter(|_| !history.header.untimed) {
        let end = ends.entry(operation.process).or_insert(operation.began);
        if *end > operation.began {
            overlapping.insert(operation.process);
        }
        *end = operation.ended.unwrap_or_default().max(*end);
    }
    overlapping
}

/// How far each session is, and then which of those that may have happened did.
type Position = Vec<u32>;

/// A place of the search: where it is, what may come next, and how long the order was before.
struct Frame<D> {
    position: Position,
    /// What may be done next, with the state after it.
    next: std::vec::IntoIter<(usize, D)>,
    length: usize,
}

struct Search<'a, D: DataType> {
    history: &'a History<D::Vocabulary>,
    problem: &'a Problem,
    order: Vec<OpIndex>,
    seen: FxHashSet<(Position, D)>,
    scratch: Vec<D>,
}

fn search<D: DataType>(
    history: &History<D::Vocabulary>,
    problem: &Problem,
    meter: &mut Meter<'_>,
) -> Result<Option<Vec<OpIndex>>, Limit> {
    let mut search =
        Search::<D> { history, problem, order: Vec::new(), seen: FxHashSet::default(), scratch: Vec::new() };
    let start = vec![0; problem.sessions.len() + problem.perhaps.len()];
    let mut frames = vec![search.enter(start, D::initial(&history.header.initial), meter)?];
    while let Some(frame) = frames.last_mut() {
        if search.is_done(&frame.position) {
            return Ok(Some(search.order));
        }
        search.order.truncate(frame.length);
        let Some((lane, state)) = frame.next.next() else {
            frames.pop();
            continue;
        };
        let mut position = frame.position.clone();
        search.order.push(search.operation(&position, lane));
        position[lane] += 1;
        frames.push(search.enter(position, state, meter)?);
    }
    Ok(None)
}

impl<D: DataType> Search<'_, D> {
    fn is_done(&self, position: &Position) -> bool {
        self.problem.sessions.iter().zip(position).all(|(session, &at)| at as usize == session.len())
    }

    /// What a lane does next: a session its next call, or what may have happened itself.
    fn operation(&self, position: &Position, lane: usize) -> OpIndex {
        let sessions = &self.problem.sessions;
        match lane.checked_sub(sessions.len()) {
            None => sessions[lane][position[lane] as usize],
            Some(perhaps) => self.problem.perhaps[perhaps].0,
        }
    }

    /// Whether a lane can do anything now.
    fn is_open(&self, position: &Position, lane: usize) -> bool {
        let sessions = &self.problem.sessions;
        match lane.checked_sub(sessions.len()) {
            None => (position[lane] as usize) < sessions[lane].len(),
            Some(perhaps) => {
                let (_, session, before) = self.problem.perhaps[perhaps];
                position[lane] == 0 && (session == NO_SESSION || position[session] >= before)
            }
        }
    }

    /// The states after what a lane does next.
    fn after(&mut self, position: &Position, lane: usize, state: &D) -> &mut Vec<D> {
        let index = self.operation(position, lane);
        let operation = &self.history.operations[index.0 as usize];
        let answer = if lane < self.problem.sessions.len() { operation.outcome.ok() } else { None };
        self.scratch.clear();
        state.step(&operation.call, answer, &mut self.scratch);
        &mut self.scratch
    }

    /// Whether what a lane does next only looks, and sees this state.
    fn reads_now(&mut self, position: &Position, lane: usize, state: &D) -> bool {
        let index = self.operation(position, lane);
        D::Vocabulary::is_read(&self.history.operations[index.0 as usize].call)
            && self.after(position, lane, state).contains(state)
    }

    /// A new place, after everything was read that can be read there.
    fn enter(&mut self, mut position: Position, state: D, meter: &mut Meter<'_>) -> Result<Frame<D>, Limit> {
        let sessions = self.problem.sessions.len();
        let mut lane = 0;
        while lane < sessions {
            meter.spend(1)?;
            if self.is_open(&position, lane) && self.reads_now(&position, lane, &state) {
                self.order.push(self.operation(&position, lane));
                position[lane] += 1;
            } else {
                lane += 1;
            }
        }
        let mut next = Vec::new();
        if self.is_done(&position) || self.seen.insert((position.clone(), state.clone())) {
            let bytes = position.len() * 8 + 4 * size_of::<D>() + 256;
            meter.hold(self.seen.len() as u64 * bytes as u64)?;
            for lane in (0..position.len()).filter(|&lane| self.is_open(&position, lane)).collect::<Vec<_>>()
            {
                meter.spend(1)?;
                let after = std::mem::take(self.after(&position, lane, &state));
                next.extend(after.into_iter().map(|state| (lane, state)));
            }
        }
        Ok(Frame { position, next: next.into_iter(), length: self.order.len() })
    }
}
