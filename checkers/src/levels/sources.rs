//! Which call each observation saw, as far as the values say it.
//!
//! A value that only one call can have made names its call. One that several can have made, the initial value being made
//! by nobody before everything, leaves a choice, and so does a refused compare-and-set, which saw any other value. A choice
//! is never guessed where an answer hangs on it: [`Choices`] goes through all of them, the likeliest first.

use super::calls::{Action, NONE, Problem};

/// Stands for the version before the first call.
pub(crate) const INITIAL: u32 = u32::MAX - 1;

/// What each call saw.
#[derive(Clone, Debug)]
pub(crate) struct Sources {
    /// Of each call the call whose version it saw, [`INITIAL`], or [`NONE`] if it saw nothing that is known.
    pub of: Vec<u32>,
    /// Whether a call happened: all that are not optional, and those of which a version was certainly seen.
    pub happened: Vec<bool>,
    /// What saw something, but it is not certain what.
    pub uncertain: Vec<u32>,
    /// An observation that nothing can have caused, the first of them.
    pub impossible: Option<u32>,
}

impl Sources {
    /// Those that are certain. What is uncertain saw nothing that is known.
    pub fn certain(problem: &Problem) -> Self {
        Self::chosen(problem, false, |_, _| NONE)
    }

    /// Where it is uncertain what a call saw, what is preferred for it, or else the likeliest.
    pub fn preferring(problem: &Problem, preferred: &[u32]) -> Self {
        Self::chosen(problem, true, |observer, candidates| {
            let wanted = preferred[observer as usize];
            if candidates.contains(&wanted) { wanted } else { candidates[0] }
        })
    }

    /// With a choice for all that is uncertain, if there is to be one.
    fn chosen(problem: &Problem, choose: bool, mut pick: impl FnMut(u32, &[u32]) -> u32) -> Self {
        let size = problem.calls.len();
        let mut sources = Self {
            of: vec![NONE; size],
            happened: problem.calls.iter().map(|call| !call.optional).collect(),
            uncertain: Vec::new(),
            impossible: None,
        };
        let mut observers: Vec<u32> = (0u32..)
            .zip(&problem.calls)
            .filter(|(_, call)| call.action.observes() && !call.optional)
            .map(|(number, _)| number)
            .collect();
        let (mut next, mut candidates) = (0, Vec::new());
        while let Some(&observer) = observers.get(next) {
            next += 1;
            let found = find(problem, observer, choose, &mut candidates);
            let source = match found {
                Found::Nothing => {
                    sources.impossible = sources.impossible.or(Some(observer));
                    continue;
                }
                Found::One(source) => source,
                Found::Several => {
                    sources.uncertain.push(observer);
                    if !choose {
                        continue;
                    }
                    pick(observer, &candidates)
                }
            };
            sources.of[observer as usize] = source;
            if source != INITIAL && !std::mem::replace(&mut sources.happened[source as usize], true) {
                // An unknown call that was seen happened, and so it saw something itself.
                if problem.calls[source as usize].action.observes() {
                    observers.push(source);
                }
            }
        }
        sources
    }
}

enum Found {
    Nothing,
    One(u32),
    Several,
}

/// What an observer may have seen. Where all candidates are wanted, they are listed from the likeliest on.
fn find(problem: &Problem, observer: u32, all: bool, candidates: &mut Vec<u32>) -> Found {
    let call = &problem.calls[observer as usize];
    candidates.clear();
    match call.action {
        Action::Read(seen) | Action::Cas(seen, _) => {
            let writers = problem.writers[seen as usize].iter().copied();
            candidates.extend(writers.filter(|&writer| writer != observer && problem.is_possible(writer)));
            if problem.is_initial(seen) {
                candidates.push(INITIAL);
            }
        }
        Action::Refused(_) if !all => return refused(problem, observer),
        Action::Refused(other) => {
            let fits = |writer: &u32| {
                problem.calls[*writer as usize].action.makes() != Some(other) && problem.is_possible(*writer)
            };
            candidates.extend(problem.makers(call.key).filter(fits));
            if problem.initial[call.key as usize] != other {
                candidates.push(INITIAL);
            }
        }
        Action::Write(_) | Action::Silent => {}
    }
    match candidates[..] {
        [] => return Found::Nothing,
        [only] => return Found::One(only),
        _ => {}
    }
    if all {
        // The last that began before the answer came, is the likeliest.
        let began = |writer: u32| if writer == INITIAL { 0 } else { problem.calls[writer as usize].began };
        let rank = |&writer: &u32| {
            let at = began(writer);
            let late = at > call.ended;
            (late, if late { at } else { u64::MAX - at }, writer)
        };
        candidates.sort_by_key(rank);
    }
    Found::Several
}

/// Without a list: what a refused compare-and-set saw is certain only where there is one other version.
fn refused(problem: &Problem, observer: u32) -> Found {
    let call = &problem.calls[observer as usize];
    let Action::Refused(other) = call.action else { return Found::Nothing };
    let initial = problem.initial[call.key as usize] != other;
    let mut only = initial.then_some(INITIAL);
    for writer in problem.makers(call.key).filter(|&writer| problem.is_possible(writer)) {
        if problem.calls[writer as usize].action.makes() != Some(other) && only.replace(writer).is_some() {
            return Found::Several;
        }
    }
    only.map_or(Found::Nothing, Found::One)
}

/// All ways to choose what the uncertain observations saw, one after the other.
#[derive(Debug)]
pub(crate) struct Choices<'a> {
    problem: &'a Problem,
    /// The number of the candidate that was chosen and how many there are, for each choice.
    choices: Vec<(u32, u32)>,
    done: bool,
}

impl<'a> Choices<'a> {
    /// All ways for this problem.
    pub fn new(problem: &'a Problem) -> Self {
        Self { problem, choices: Vec::new(), done: false }
    }
}

impl Iterator for Choices<'_> {
    type Item = Sources;

    fn next(&mut self) -> Option<Sources> {
        if self.done {
            return None;
        }
        let (choices, mut taken) = (&mut self.choices, 0);
        let sources = Sources::chosen(self.problem, true, |_, candidates| {
            if taken == choices.len() {
                choices.push((0, u32::try_from(candidates.len()).expect("fewer than calls")));
            }
            taken += 1;
            candidates[choices[taken - 1].0 as usize]
        });
        while let Some((chosen, count)) = self.choices.last_mut() {
            *chosen += 1;
            if chosen < count {
                break;
            }
            self.choices.pop();
        }
        self.done = self.choices.is_empty();
        Some(sources)
    }
}
