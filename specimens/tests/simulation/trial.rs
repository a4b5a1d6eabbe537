//! One simulated run: clients, faults, and what is found.

use std::collections::BTreeMap;

use disprove_specimens::{
    Disease,
    message::{Reply, Request, RequestId},
};
use history::{Value, vocabulary::register::Call};
use rand::{RngExt, seq::SliceRandom};

use crate::{
    linear::{Seen, first_anomaly},
    world::{Event, Link, World},
};

const CLIENTS: usize = 10;
const KEYS: i64 = 8;
const CLIENT_PATIENCE_US: u64 = 2_000_000;

/// A family of faults.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    Partition,
    Link,
    Kill,
    Pause,
    Clock,
}

pub const ALL: [Family; 5] = [Family::Partition, Family::Link, Family::Kill, Family::Pause, Family::Clock];

struct Session {
    node: u16,
    id: RequestId,
    call: Option<(Call, u64)>,
}

/// What a run came to.
#[derive(Debug, Default)]
pub struct Found {
    pub broken: Vec<String>,
    pub anomaly: Option<String>,
    pub ok: usize,
    pub calls: usize,
    /// Whether all nodes were equal after everything was healed.
    pub converged: bool,
}

pub struct Trial {
    world: World,
    sessions: Vec<Session>,
    seen: Vec<Seen>,
    last_seen: BTreeMap<i64, Value>,
    next_value: i64,
    next_session: u64,
    families: Vec<Family>,
    struck: Vec<u16>,
    ends_us: u64,
    found: Found,
}

/// Runs a cluster under faults and judges what its clients saw.
pub fn run(seed: u64, disease: Disease, families: &[Family], seconds: u64) -> Found {
    let world = World::new(seed, 5, disease);
    let mut trial = Trial {
        world,
        sessions: Vec::new(),
        seen: Vec::new(),
        last_seen: BTreeMap::new(),
        next_value: 1,
        next_session: 0,
        families: families.to_vec(),
        struck: Vec::new(),
        ends_us: seconds * 1_000_000,
        found: Found::default(),
    };
    trial.go();
    let converged: Vec<_> = (0..5).filter_map(|node| trial.world.status(node)).collect();
    trial.found.converged =
        converged.len() == 5 && converged.windows(2).all(|pair| pair[0].digest == pair[1].digest);
    trial.found.anomaly = first_anomaly(&trial.seen);
    trial.found.broken = std::mem::take(&mut trial.world.broken);
    trial.found
}

impl Trial {
    fn go(&mut self) {
        for client in 0..CLIENTS {
            let node = (client % 5) as u16;
            let id = self.fresh_session();
            self.sessions.push(Session { node, id, call: None });
            let wait_us = self.world.rng.random_range(1_000_000..1_100_000);
            self.world.at(wait_us, Event::Wake(client));
        }
        let mut at_us = 2_000_000;
        let mut fault = 0;
        while at_us + 4_000_000 < self.ends_us && !self.families.is_empty() {
            let lasts_us = self.world.rng.random_range(1_500_000..4_000_000);
            self.world.at(at_us, Event::Fault(fault, true));
            self.world.at(at_us + lasts_us, Event::Fault(fault, false));
            at_us += lasts_us + self.world.rng.random_range(1_000_000..2_500_000);
            fault += 1;
        }
        // Families take turns in a random order, so that no short run goes without one of them.
        self.families.shuffle(&mut self.world.rng);
        self.world.at(self.ends_us + 3_000_000, Event::End);
        loop {
            match self.world.next() {
                Some(Event::End) => break,
                Some(Event::Wake(client)) => self.ask(client),
                Some(Event::Answered(id, reply)) => self.answered(id, reply),
                Some(Event::Timeout(client, session)) => self.gave_up(client, session),
                Some(Event::Fault(fault, begins)) => self.fault(fault, begins),
                other => panic!("the world does not end and keeps its own events: {other:?}"),
            }
        }
        for client in 0..CLIENTS {
            self.end(client, None);
        }
    }

    fn fresh_session(&mut self) -> RequestId {
        self.next_session += 1;
        RequestId { session: self.next_session, sequence: 0 }
    }

    fn ask(&mut self, client: usize) {
        let node = self.sessions[client].node;
        if self.world.now_us > self.ends_us {
            return;
        }
        if !self.world.is_up(node) {
            self.world.after(100_000, Event::Wake(client));
            return;
        }
        let key = self.world.rng.random_range(0..KEYS);
        let fresh = Value::Int(self.next_value);
        let call = match self.world.rng.random_range(0..4) {
            0 | 1 => Call::Read(key.into()),
            2 => Call::Write(key.into(), fresh),
            _ => Call::Cas(key.into(), self.last_seen.get(&key).cloned().unwrap_or_default(), fresh),
        };
        self.next_value += 1;
        let began_us = self.world.now_us;
        let session = &mut self.sessions[client];
        session.id.sequence += 1;
        session.call = Some((call.clone(), began_us));
        let request = Request { id: session.id, call, stamp_ns: 0 };
        self.found.calls += 1;
        let name = session.id.session;
        self.world.after(100, Event::Ask(node, request));
        self.world.after(
            CLIENT_PATIENCE_US,
            Event::Timeout(client, name * 1_000_000 + self.sessions[client].id.sequence),
        );
    }

    fn answered(&mut self, id: RequestId, reply: Reply) {
        let Some(client) = self.sessions.iter().position(|session| session.id == id) else { return };
        if self.sessions[client].call.is_some() {
            self.end(client, Some(reply));
        }
    }

    fn gave_up(&mut self, client: usize, name: u64) {
        let session = &self.sessions[client];
        if session.id.session * 1_000_000 + session.id.sequence == name && session.call.is_some() {
            self.end(client, None);
        }
    }

    fn end(&mut self, client: usize, reply: Option<Reply>) {
        let Some((call, began_us)) = self.sessions[client].call.take() else { return };
        let think_us = self.world.rng.random_range(1000..60_000);
        self.world.after(think_us, Event::Wake(client));
        let answer = match reply {
            Some(Reply::Done(answer)) => Some(answer),
            Some(Reply::Refused(_)) => return,
            Some(Reply::Unsure) | None => None,
        };
        if answer.is_some() {
            self.found.ok += 1;
        } else {
            self.sessions[client].id = self.fresh_session();
        }
        if let (
            Call::Read(Value::Int(key)),
            Some(history::vocabulary::register::Return::Value(Some(value))),
        ) = (&call, &answer)
        {
            self.last_seen.insert(*key, value.clone());
        }
        if answer.is_some() || !matches!(call, Call::Read(_)) {
            self.seen.push(Seen { call, answer, began_us, ended_us: self.world.now_us });
        }
    }

    fn some_nodes(&mut self) -> Vec<u16> {
        let mut nodes: Vec<u16> = (0..5).collect();
        nodes.shuffle(&mut self.world.rng);
        let leader = self.world.leaders().first().copied();
        match (self.world.rng.random_range(0..5), leader) {
            (0, Some(leader)) => vec![leader],
            (1, _) => nodes[..1].to_vec(),
            (2, _) => nodes[..2].to_vec(),
            (3, _) => nodes[..3].to_vec(),
            _ => nodes,
        }
    }

    fn fault(&mut self, fault: usize, begins: bool) {
        let family = self.families[fault % self.families.len()];
        if begins {
            self.struck = self.some_nodes();
        }
        let struck = self.struck.clone();
        match family {
            Family::Partition | Family::Link if !begins => {
                self.world.links = vec![vec![Link::default(); 5]; 5];
            }
            Family::Partition => self.partition(&struck),
            Family::Link => self.spoil_links(&struck),
            Family::Kill => {
                struck.iter().for_each(|&node| if begins { self.kill(node) } else { self.world.start(node) })
            }
            Family::Pause => struck.iter().for_each(|&node| self.world.pause(node, begins)),
            Family::Clock => {
                for &node in &struck {
                    let offset_ms = if begins { self.world.rng.random_range(-3000..3000) } else { 0 };
                    self.world.set_offset(node, offset_ms);
                }
            }
        }
    }

    fn kill(&mut self, node: u16) {
        self.world.kill(node);
        for client in 0..CLIENTS {
            if self.sessions[client].node == node {
                self.end(client, None);
                self.sessions[client].id = self.fresh_session();
            }
        }
    }

    fn partition(&mut self, struck: &[u16]) {
        let one_way = self.world.rng.random_range(0..4);
        let ring = struck.len() == 5 && self.world.rng.random_bool(0.5);
        for from in 0..5u16 {
            for to in 0..5u16 {
                let crosses = struck.contains(&from) != struck.contains(&to);
                let far = (from + 2) % 5 == to || (to + 2) % 5 == from;
                let cut = match (ring, one_way) {
                    (true, _) => far,
                    (false, 0) => crosses && struck.contains(&from),
                    (false, 1) => crosses && struck.contains(&to),
                    (false, _) => crosses || struck.len() == 5,
                };
                self.world.links[usize::from(from)][usize::from(to)].cut = cut && from != to;
            }
        }
    }

    fn spoil_links(&mut self, struck: &[u16]) {
        let slow = self.world.rng.random_bool(0.5);
        let link = if slow {
            Link { delay_us: self.world.rng.random_range(20_000..150_000), ..Link::default() }
        } else {
            Link { loss: self.world.rng.random_range(0.1..0.5), ..Link::default() }
        };
        for from in 0..5 {
            for to in 0..5u16 {
                if struck.contains(&from) {
                    self.world.links[usize::from(from)][usize::from(to)] = link;
                }
            }
        }
    }
}
