//! A sequential order out of linear orders of single keys: linearizable histories are sequentially consistent.

use history::{History, vocabulary::Register};

use crate::{
    Budget,
    levels::calls::{NONE, Problem},
    linearizability::Linearizable,
};

/// How many steps per call the attempt may take.
const STEPS_PER_CALL: u64 = 8;

/// An order of all calls, if each key is linearizable and its order is found quickly.
pub(super) fn linearizable(
    history: &History<Register>,
    problem: &Problem,
    budget: &Budget,
    per_key: bool,
) -> Option<Vec<u32>> {
    if per_key || history.header.untimed {
        return None;
    }
    let mut quick = budget.clone();
    quick.steps_max = budget.steps_max.min(history.operations.len() as u64 * STEPS_PER_CALL + 1_000);
    let mut number = vec![NONE; history.operations.len()];
    for (call, at) in (0u32..).zip(&problem.calls) {
        number[at.origin.0 as usize] = call;
    }
    let mut after: Vec<[u32; 2]> = vec![[NONE; 2]; problem.calls.len()];
    let mut open: Vec<u8> = vec![0; problem.calls.len()];
    let mut placed = vec![false; problem.calls.len()];
    for (_, order) in Linearizable::default().certificate(history, &quick) {
        let order: Vec<u32> = order?.iter().map(|index| number[index.0 as usize]).collect();
        if order.contains(&NONE) {
            return None;
        }
        for pair in order.windows(2) {
            after[pair[0] as usize][0] = pair[1];
            open[pair[1] as usize] += 1;
        }
        order.iter().for_each(|&call| placed[call as usize] = true);
    }
    for session in &problem.sessions {
        for pair in session.windows(2).filter(|pair| placed[pair[1] as usize]) {
            after[pair[0] as usize][1] = pair[1];
            open[pair[1] as usize] += 1;
        }
    }
    let free = |&call: &u32| placed[call as usize] && open[call as usize] == 0;
    let mut ready: Vec<u32> = (0..problem.calls.len() as u32).rev().filter(free).collect();
    let mut order = Vec::with_capacity(problem.calls.len());
    while let Some(call) = ready.pop() {
        order.push(call);
        for next in after[call as usize].into_iter().filter(|&next| next != NONE) {
            open[next as usize] -= 1;
            if open[next as usize] == 0 {
                ready.push(next);
            }
        }
    }
    explains(problem, &order).then_some(order)
}

/// Whether the order has all that must happen, in the order of its sessions, with the right answers.
fn explains(problem: &Problem, order: &[u32]) -> bool {
    let mut state = problem.initial.clone();
    let mut heads = vec![0; problem.sessions.len()];
    for &number in order {
        let call = &problem.calls[number as usize];
        if std::mem::replace(&mut heads[call.session as usize], call.place + 1) != call.place {
            return false;
        }
        let key = call.key as usize;
        let Some(after) = call.action.apply(state[key]) else { return false };
        state[key] = after;
    }
    problem.calls.iter().all(|call| call.optional || call.place < heads[call.session as usize])
}
