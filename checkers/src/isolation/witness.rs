//! From a history that breaks a level to the few transactions that prove it.
//!
//! A part of a history keeps every level that the whole keeps, so a part that is refuted refutes the whole.

use super::{
    Level,
    circle::Contradiction,
    decision::{Finding, examine},
    graph::{Edge, Graph, Why, known_edges},
    level::Scope,
    meter::Meter,
    problem::{INITIAL, NONE, Problem},
    strong,
};

/// The most attempts one witness may take, and the most transactions they may look at together.
const ATTEMPTS: usize = 600;
const LOOKED_AT: usize = 400_000;
/// Of more transactions than this no circle of reasons is looked for.
const REASONED: usize = 48;

/// A small proof of what was found.
pub(super) fn prove(problem: &Problem, level: Level, finding: Finding, meter: &mut Meter) -> Contradiction {
    let (culprits, count) = match &finding {
        Finding::Kept(_) => (Vec::new(), 0),
        Finding::Circle(circle, involved) => (around(problem, level, circle), *involved),
        Finding::Clash(clash) => (clash.transactions(problem), 2),
        Finding::Disorder(culprits) => (culprits.clone(), culprits.len() as u64),
    };
    let mut shrinking = Shrinking { level, meter, left: ATTEMPTS, room: LOOKED_AT };
    let Some((kept, part)) = shrinking.first(problem, culprits) else {
        // Only a limit that is hit just now keeps the whole from being refuted once more.
        return tell(problem, level, finding, count);
    };
    let small: Vec<u32> = shrinking.shrink(&part).into_iter().map(|t| kept[t as usize]).collect();
    let part = problem.part(&small);
    let again = match examine(&part, level, shrinking.meter) {
        Ok(Finding::Kept(_)) | Err(_) => Finding::Disorder((0..small.len() as u32).collect()),
        Ok(found) => found,
    };
    let mut told = tell(&part, level, again, count);
    // Whoever a circle leaves out may be why one of its reasons holds.
    told.transactions = small;
    told
}

fn tell(problem: &Problem, level: Level, finding: Finding, involved: u64) -> Contradiction {
    match finding {
        Finding::Circle(circle, _) => Contradiction::of_circle(problem, level, circle, involved),
        Finding::Clash(clash) => Contradiction::of_circle(problem, level, clash.circle(), involved),
        Finding::Disorder(group) => {
            let circle =
                if problem.len() <= REASONED { strong::reasoned_circle(problem, level) } else { None };
            match circle {
                Some(circle) => Contradiction::of_circle(problem, level, circle, involved),
                None => Contradiction::of_group(problem, level, group),
            }
        }
        Finding::Kept(_) => Contradiction::of_group(problem, level, Vec::new()),
    }
}

/// The transactions of a circle and those through which its readers see what they should have shown.
fn around(problem: &Problem, level: Level, circle: &[Edge]) -> Vec<u32> {
    let known = known_edges(problem, level.scope() != Scope::Plain);
    let graph = Graph::new(problem.len(), &known);
    let mut culprits: Vec<u32> = Vec::new();
    for edge in circle {
        culprits.extend([edge.from, edge.to, edge.reader].into_iter().filter(|&t| t != NONE));
        let visible = match edge.why {
            Why::Hidden => Some(edge.from),
            Why::Replaced => Some(edge.to),
            _ => None,
        };
        if let Some(visible) = visible.filter(|_| edge.reader != NONE) {
            culprits.extend(graph.path(visible, edge.reader));
        }
    }
    culprits
}

struct Shrinking<'m, 'b> {
    level: Level,
    meter: &'m mut Meter<'b>,
    left: usize,
    room: usize,
}

impl Shrinking<'_, '_> {
    fn refutes(&mut self, part: &Problem) -> bool {
        if self.left == 0 || part.is_empty() {
            return false;
        }
        self.left -= 1;
        self.room = self.room.saturating_sub(part.len());
        examine(part, self.level, self.meter).is_ok_and(|found| !matches!(found, Finding::Kept(_)))
    }

    /// The culprits, or as much as is needed with them, as a problem of their own.
    fn first(&mut self, problem: &Problem, culprits: Vec<u32>) -> Option<(Vec<u32>, Problem)> {
        let mut kept = culprits;
        for _ in 0..3 {
            kept.sort_unstable();
            kept.dedup();
            let part = problem.part(&kept);
            if self.refutes(&part) {
                return Some((kept, part));
            }
            let sources: Vec<u32> = kept
                .iter()
                .flat_map(|&t| problem.reads(t).iter().map(|read| read.from).chain(problem.previous(t)))
                .filter(|&from| from != INITIAL)
                .collect();
            kept.extend(sources);
        }
        let all: Vec<u32> = problem.transactions().collect();
        let part = problem.part(&all);
        self.refutes(&part).then_some((all, part))
    }

    /// Takes away what is not needed, in ever smaller pieces.
    fn shrink(&mut self, whole: &Problem) -> Vec<u32> {
        let mut kept: Vec<u32> = (0..whole.len() as u32).collect();
        let mut piece = kept.len().div_ceil(2);
        while piece > 0 && self.left > 0 && self.room >= kept.len() {
            let (mut begin, mut removed) = (0, false);
            while begin < kept.len() && self.left > 0 && self.room >= kept.len() {
                let end = (begin + piece).min(kept.len());
                let candidate: Vec<u32> = kept[..begin].iter().chain(&kept[end..]).copied().collect();
                if self.refutes(&whole.part(&candidate)) {
                    kept = candidate;
                    removed = true;
                } else {
                    begin = end;
                }
            }
            if piece > 1 || !removed {
                piece /= 2;
            }
        }
        kept
    }
}
