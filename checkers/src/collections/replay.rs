//! Accepts or rejects an order by the plainest means, with nothing of what found it.

use std::collections::{BTreeSet, VecDeque};

use super::{Action, Call, Discipline};

/// Whether the order keeps real time, holds every call that certainly happened, none twice, and explains every answer.
///
/// A removal of unknown result takes what the discipline says, and nothing if nothing is inside. From a bag it takes
/// the oldest element that nobody else took.
pub fn replay(discipline: Discipline, calls: &[Call], order: &[u32]) -> bool {
    let mut placed = vec![false; calls.len()];
    let mut latest = 0;
    let mut inside = Inside::new(discipline, calls);
    for &number in order {
        let Some(call) = calls.get(number as usize) else { return false };
        let twice = std::mem::replace(&mut placed[number as usize], true);
        latest = latest.max(call.began);
        let late = call.deadline.is_some_and(|deadline| deadline.max(call.began) < latest);
        if twice || late || !inside.apply(call.action) {
            return false;
        }
    }
    calls.iter().zip(placed).all(|(call, placed)| placed || call.optional)
}

/// What is inside, in the order in which it came in or by number. A bag keeps what nobody is known to take apart.
struct Inside {
    discipline: Discipline,
    line: VecDeque<u32>,
    sorted: BTreeSet<u32>,
    /// For a bag: whether an element is inside, and whether somebody is known to take it.
    known: Vec<(bool, bool)>,
    count: usize,
}

impl Inside {
    fn new(discipline: Discipline, calls: &[Call]) -> Self {
        let mut known = Vec::new();
        for call in calls.iter().filter(|_| discipline == Discipline::Bag) {
            if let Action::Insert(value) | Action::Remove(value) = call.action {
                known.resize(known.len().max(value as usize + 1), (false, false));
                known[value as usize].1 |= matches!(call.action, Action::Remove(_));
            }
        }
        Self { discipline, line: VecDeque::new(), sorted: BTreeSet::new(), known, count: 0 }
    }

    fn apply(&mut self, action: Action) -> bool {
        let last = self.discipline == Discipline::Stack;
        match (action, self.discipline) {
            (Action::Empty, _) => return self.count == 0,
            (Action::RemoveAny, _) if self.count == 0 => return true,
            (Action::Insert(value), Discipline::Priority) => drop(self.sorted.insert(value)),
            (Action::Insert(value), Discipline::Bag) => {
                let (inside, taken) = &mut self.known[value as usize];
                *inside = true;
                if !*taken {
                    self.line.push_back(value);
                }
            }
            (Action::Insert(value), _) => self.line.push_back(value),
            (Action::Remove(value), Discipline::Priority) => {
                if self.sorted.pop_first() != Some(value) {
                    return false;
                }
            }
            (Action::Remove(value), Discipline::Bag) => {
                if !std::mem::take(&mut self.known[value as usize].0) {
                    return false;
                }
            }
            (Action::Remove(value), _) => {
                if (if last { self.line.pop_back() } else { self.line.pop_front() }) != Some(value) {
                    return false;
                }
            }
            (Action::RemoveAny, Discipline::Priority) => drop(self.sorted.pop_first()),
            (Action::RemoveAny, _) if self.line.is_empty() => return true,
            (Action::RemoveAny, _) if last => drop(self.line.pop_back()),
            (Action::RemoveAny, _) => drop(self.line.pop_front()),
        }
        match action {
            Action::Insert(_) => self.count += 1,
            _ => self.count -= 1,
        }
        true
    }
}
