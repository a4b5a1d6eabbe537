//! Changes of the members, step by step: who is counted when.

use std::collections::{BTreeSet, VecDeque};

use cluster::Version;
use disprove_specimens::{
    Disease, Input, Machine, Moment, Outputs, Settings, Timing,
    members::{Change, Member},
    message::{Message, Record, Status},
    raft::Raft,
};
use history::NodeId;

/// Some nodes, and messages that arrive at once unless somebody is cut off.
struct Few {
    nodes: Vec<Raft>,
    journals: Vec<Vec<Record>>,
    now_ms: u64,
    cut: BTreeSet<u16>,
    /// Nothing is replicated: elections are all that goes on.
    only_votes: bool,
    queue: VecDeque<(NodeId, NodeId, Message)>,
}

fn moment(now_ms: u64) -> Moment {
    Moment { steady_ms: 1_000_000 + now_ms, wall_ns: 0 }
}

fn settings(nodes: u16, id: u16, incarnation: u64) -> Settings {
    Settings {
        id: NodeId(id),
        nodes,
        disease: Disease::None,
        version: Version::Old,
        incarnation,
        timing: Timing::default(),
        seed: u64::from(id) + 1,
    }
}

impl Few {
    fn new(nodes: u16) -> Self {
        let raft = |id| Raft::recover(settings(nodes, id, 0), moment(0), Vec::new());
        Self {
            nodes: (0..nodes).map(raft).collect(),
            journals: vec![Vec::new(); usize::from(nodes)],
            now_ms: 0,
            cut: BTreeSet::new(),
            only_votes: false,
            queue: VecDeque::new(),
        }
    }

    fn give(&mut self, node: u16, input: Input) {
        let mut out = Outputs::default();
        let machine = &mut self.nodes[usize::from(node)];
        machine.handle(moment(self.now_ms), input, &mut out);
        machine.finish(moment(self.now_ms), &mut out);
        let journal = &mut self.journals[usize::from(node)];
        if let Some(rewritten) = out.rewrite {
            *journal = rewritten;
        }
        journal.extend(out.records);
        self.queue.extend(out.messages.into_iter().map(|(to, message)| (NodeId(node), to, message)));
    }

    fn run(&mut self, lasts_ms: u64) {
        let ends_ms = self.now_ms + lasts_ms;
        while self.now_ms < ends_ms {
            self.now_ms += 10;
            for node in 0..self.nodes.len() as u16 {
                self.give(node, Input::Tick);
            }
            while let Some((from, to, message)) = self.queue.pop_front() {
                let lost = self.cut.contains(&from.0) || self.cut.contains(&to.0);
                let kept_back = self.only_votes && matches!(message, Message::Append { .. });
                if !lost && !kept_back {
                    self.give(to.0, Input::Peer(from, message));
                }
            }
        }
    }

    fn status(&self, node: u16) -> Status {
        self.nodes[usize::from(node)].status()
    }

    fn leader(&self) -> u16 {
        let leading = (0..self.nodes.len() as u16).filter(|node| self.status(*node).leads);
        leading.max_by_key(|node| self.status(*node).term).expect("somebody leads")
    }

    fn change(&mut self, node: u16, change: Change) {
        self.give(node, Input::Change(change));
    }

    /// How many members a node knows, and whether that is committed.
    fn members(&self, node: u16) -> (usize, bool) {
        let status = self.status(node);
        (status.members.len(), status.settled)
    }

    fn restart(&mut self, node: u16, incarnation: u64) {
        let settings = settings(self.nodes.len() as u16, node, incarnation);
        let journal = self.journals[usize::from(node)].clone();
        self.nodes[usize::from(node)] = Raft::recover(settings, moment(self.now_ms), journal);
    }

    fn others(&self, node: u16) -> BTreeSet<u16> {
        (0..self.nodes.len() as u16).filter(|other| *other != node).collect()
    }
}

#[test]
fn a_leader_that_is_removed_leads_until_that_is_committed() {
    let mut few = Few::new(3);
    few.run(500);
    let leader = few.leader();
    few.cut = few.others(leader);
    few.change(leader, Change::Remove(NodeId(leader)));
    few.run(100);
    assert!(few.status(leader).leads, "nobody else has the entry yet");
    assert_eq!(few.members(leader), (2, false));
    few.cut.clear();
    few.run(1500);
    assert!(!few.status(leader).leads);
    let next = few.leader();
    assert_ne!(next, leader);
    assert_eq!(few.members(next), (2, true));
    let term = few.status(next).term;
    few.run(5000);
    assert_eq!((few.leader(), few.status(next).term), (next, term), "who is removed disturbs nobody");
}

#[test]
fn a_change_that_was_not_committed_is_undone() {
    let mut few = Few::new(3);
    few.run(500);
    let leader = few.leader();
    few.cut = BTreeSet::from([leader]);
    few.change(leader, Change::Remove(NodeId((leader + 1) % 3)));
    assert_eq!(few.members(leader), (2, false));
    few.run(2000);
    few.restart(leader, 0);
    assert_eq!(
        few.members(leader),
        (2, false),
        "it counts from the moment it is in the log, and after a restart"
    );
    few.cut.clear();
    few.run(1000);
    for node in 0..3 {
        assert_eq!(few.members(node), (3, true));
    }
}

#[test]
fn there_is_one_change_at_a_time() {
    let mut few = Few::new(5);
    few.run(500);
    let leader = few.leader();
    let others: Vec<u16> = few.others(leader).into_iter().collect();
    few.cut = few.others(leader);
    few.change(leader, Change::Remove(NodeId(others[0])));
    few.change(leader, Change::Remove(NodeId(others[1])));
    assert_eq!(few.members(leader), (4, false));
    few.cut.clear();
    few.run(200);
    assert_eq!(few.members(leader), (4, true));
    few.change(leader, Change::Remove(NodeId(others[1])));
    few.run(200);
    assert_eq!(few.members(leader), (3, true));
}

#[test]
fn a_leader_changes_nothing_before_an_entry_of_its_own_term_is_committed() {
    let mut few = Few::new(5);
    few.only_votes = true;
    few.run(300);
    let leader = few.leader();
    let another = NodeId((leader + 1) % 5);
    few.change(leader, Change::Remove(another));
    assert_eq!(few.members(leader), (5, true));
    few.only_votes = false;
    few.run(1000);
    let leader = few.leader();
    let another = NodeId((leader + 1) % 5);
    few.change(leader, Change::Remove(another));
    assert_eq!(few.members(leader), (4, false));
}

#[test]
fn who_joins_is_counted_when_it_has_the_log_and_by_its_own_word_only() {
    let mut few = Few::new(3);
    few.run(500);
    let leader = few.leader();
    let node = (leader + 1) % 3;
    few.change(leader, Change::Remove(NodeId(node)));
    few.run(200);
    assert_eq!(few.members(leader), (2, true));

    few.journals[usize::from(node)].clear();
    few.restart(node, 7);
    few.cut = BTreeSet::from([node]);
    let fresh = Member { node: NodeId(node), incarnation: 7 };
    few.change(leader, Change::Add(fresh));
    let Status { term, commit, .. } = few.status(leader);
    // What the former disk said of itself arrives late.
    let late = Message::AppendReply { term, matched: Some(commit), hint: commit, round: 0, incarnation: 0 };
    few.give(leader, Input::Peer(NodeId(node), late));
    few.change(leader, Change::Add(fresh));
    few.run(100);
    assert_eq!(few.members(leader), (2, true), "nobody has said that it has the log");
    few.run(3000);
    assert!(!few.status(node).leads && few.status(node).term == 0, "who joins elects nobody");

    few.cut.clear();
    few.run(300);
    assert_eq!(few.members(leader), (2, true), "nobody wished for it again");
    few.change(leader, Change::Add(fresh));
    few.run(300);
    assert_eq!(few.members(leader), (3, true));
    assert!(few.status(node).members.contains(fresh));
    few.restart(node, 7);
    assert!(few.status(node).members.contains(fresh), "its journal knows who it is");
}
