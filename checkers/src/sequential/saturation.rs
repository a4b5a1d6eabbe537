//! The orders that are forced in every sequential order of a history, and a contradiction among them if there is one.
//!
//! A call comes after those before it in its session, and after the call whose version it saw. If a write comes before a
//! reader of another version of its key, it comes before the writer of that version; if it comes after that writer, it
//! comes after the reader. These two rules are applied until nothing new follows. What precedes a call is kept as one
//! number per session, because the calls of a session follow each other.

use crate::{
    Limit,
    levels::{
        calls::Problem,
        clocks::{Base, Clocks, Writes},
        forced::{Deduced, Edge, Graph},
        meter::Meter,
        sources::Sources,
    },
};

/// More rounds than these are not tried: the search goes on with what is known by then.
const ROUNDS_MAX: u32 = 64;
/// The most bytes that the numbers per call and session may take.
const CLOCKS_MAX: u64 = 2 << 30;

/// What was found.
#[derive(Debug)]
pub(super) enum Saturation {
    /// Orders that every sequential order keeps.
    Open(Deduced),
    /// A contradiction, and the calls that it rests on.
    Cycle(Vec<Edge>, Vec<u32>),
}

/// Deduces all it can.
pub(super) fn saturate(problem: &Problem, sources: &Sources, meter: &mut Meter) -> Result<Saturation, Limit> {
    let base = Base { problem, sources };
    let mut deduced = Deduced::new(problem.calls.len());
    let writes = Writes::new(problem, sources);
    deduced.add(writes.after_first_reads(problem, sources));
    let clock_bytes = (problem.calls.len() as u64 * problem.sessions.len() as u64).saturating_mul(4);
    for round in 1..=ROUNDS_MAX {
        let graph = Graph { given: &base, deduced: &deduced };
        let size = problem.calls.len();
        let roots = (0..size as u32).filter(|&call| sources.happened[call as usize]);
        let order = match graph.sort(size, roots, meter)? {
            Ok(order) => order,
            Err(stuck) => {
                let cycle = graph.shortest(&stuck, meter)?;
                let grounds = graph.grounds(&cycle, meter)?;
                return Ok(Saturation::Cycle(cycle, grounds));
            }
        };
        if clock_bytes > CLOCKS_MAX || meter.hold(clock_bytes).is_err() {
            break;
        }
        let all = 0..problem.sessions.len() as u32;
        let clocks = Clocks::new(&graph, problem, &order, all, meter)?;
        let mut more = writes.older(problem, sources, &clocks, round, meter)?;
        more.extend(writes.replaced(problem, &clocks, round, meter)?);
        if more.is_empty() {
            break;
        }
        deduced.add(more);
    }
    Ok(Saturation::Open(deduced))
}
