//! The calls that clients of this node wait for: whom they were passed to, and until when they are tried.

use std::collections::BTreeMap;

use history::NodeId;

use crate::{
    machine::{Moment, Timing},
    message::{Refusal, Reply, Request, RequestId},
};

/// The most calls of a node's own clients that may be under way.
const CALLS_MAX: usize = 4096;

#[derive(Clone, Debug)]
struct Waiting {
    request: Request,
    arrived_ms: u64,
    sent: Option<(NodeId, u64)>,
    ever_sent: bool,
}

/// The calls under way.
#[derive(Clone, Debug)]
pub struct Desk {
    timing: Timing,
    waiting: BTreeMap<RequestId, Waiting>,
}

impl Desk {
    /// An empty desk.
    pub fn new(timing: Timing) -> Self {
        Self { timing, waiting: BTreeMap::new() }
    }

    /// Takes a call in; gives it back refused when there are too many.
    pub fn take(&mut self, now: Moment, request: Request) -> Result<(), Reply> {
        if self.waiting.len() >= CALLS_MAX {
            return Err(Reply::Refused(Refusal::Busy));
        }
        let id = request.id;
        let waiting = Waiting { request, arrived_ms: now.steady_ms, sent: None, ever_sent: false };
        self.waiting.insert(id, waiting);
        Ok(())
    }

    /// Whether a client still waits for this call.
    pub fn awaits(&self, id: RequestId) -> bool {
        self.waiting.contains_key(&id)
    }

    /// Ends a call that was answered; false when nobody waits for it any more.
    pub fn done(&mut self, id: RequestId) -> bool {
        self.waiting.remove(&id).is_some()
    }

    /// The calls to hand to the leader now: those it was not handed yet, and those it has not answered for long.
    /// Handing a command over again is harmless, since it carries its name and is applied once.
    pub fn due(&mut self, now: Moment, leader: NodeId) -> Vec<Request> {
        let mut due = Vec::new();
        for waiting in self.waiting.values_mut() {
            let fresh = waiting
                .sent
                .is_some_and(|(to, at_ms)| to == leader && now.steady_ms < at_ms + self.timing.retry_ms);
            if !fresh {
                waiting.sent = Some((leader, now.steady_ms));
                waiting.ever_sent = true;
                due.push(waiting.request.clone());
            }
        }
        due
    }

    /// Gives up on calls that are too old. What was never handed to anybody certainly did not happen, and neither
    /// did a read; of the rest nobody knows.
    pub fn expire(&mut self, now: Moment) -> Vec<(RequestId, Reply)> {
        let patience_ms = self.timing.patience_ms;
        let mut replies = Vec::new();
        self.waiting.retain(|id, waiting| {
            let expired = now.steady_ms >= waiting.arrived_ms + patience_ms;
            if expired {
                let reply = match (waiting.request.call.is_read(), waiting.ever_sent) {
                    (_, false) => Reply::Refused(Refusal::NoLeader),
                    (true, true) => Reply::Refused(Refusal::ReadTimedOut),
                    (false, true) => Reply::Unsure,
                };
                replies.push((*id, reply));
            }
            !expired
        });
        replies
    }
}

#[cfg(test)]
mod tests {
    use history::vocabulary::register::Call;

    use super::*;
    use crate::store::contents::Command;

    fn at(steady_ms: u64) -> Moment {
        Moment { steady_ms, wall_ns: 0 }
    }

    fn call(sequence: u64, call: Call) -> Request {
        let id = RequestId { session: 1, sequence };
        Request { id, call: Command::Register(call), stamp_ns: 0, over: None }
    }

    #[test]
    fn only_what_nobody_heard_of_is_refused() {
        let mut desk = Desk::new(Timing::default());
        let write = || Call::Write(1.into(), 2.into());
        desk.take(at(0), call(1, write())).expect("there is room");
        desk.take(at(0), call(2, Call::Read(1.into()))).expect("there is room");
        assert_eq!(desk.due(at(1), NodeId(0)).len(), 2);
        desk.take(at(1), call(3, write())).expect("there is room");
        let replies: Vec<_> =
            desk.expire(at(5000)).into_iter().map(|(id, reply)| (id.sequence, reply)).collect();
        assert_eq!(
            replies,
            [
                (1, Reply::Unsure),
                (2, Reply::Refused(Refusal::ReadTimedOut)),
                (3, Reply::Refused(Refusal::NoLeader))
            ]
        );
    }

    #[test]
    fn a_call_is_passed_on_again_to_another_leader_or_after_a_while() {
        let mut desk = Desk::new(Timing::default());
        desk.take(at(0), call(1, Call::Read(1.into()))).expect("there is room");
        assert_eq!(desk.due(at(0), NodeId(1)).len(), 1);
        assert_eq!(desk.due(at(10), NodeId(1)).len(), 0);
        assert_eq!(desk.due(at(20), NodeId(2)).len(), 1);
        assert_eq!(desk.due(at(20 + 150), NodeId(2)).len(), 1);
    }
}
