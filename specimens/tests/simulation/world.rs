//! A virtual cluster: state machines, a network that loses, delays and cuts, disks that forget what was not synced.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BinaryHeap, VecDeque},
};

use cluster::Version;
use disprove_specimens::{
    Disease, Input, Machine, Moment, Outputs, Settings, Timing, machine,
    members::{Change, Member},
    message::{Message, Record, Reply, Request, RequestId, Status},
};
use history::NodeId;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// What is to happen at a virtual time.
#[derive(Debug)]
pub enum Event {
    Tick(u16),
    Deliver(u16, u16, Message),
    Ask(u16, Request),
    Answered(RequestId, Reply),
    Synced(u16, u64),
    Wake(usize),
    Timeout(usize, RequestId),
    Fault(usize, bool),
    /// Whoever administers the cluster looks at its members.
    Manage,
    End,
}

struct Host {
    machine: Option<Box<dyn Machine>>,
    life: u64,
    incarnation: u64,
    /// From when on each other node has a connection to this one.
    reached_us: Vec<u64>,
    paused: bool,
    offset_ms: i64,
    inbox: VecDeque<Input>,
    durable: Vec<Record>,
    unsynced: Vec<Record>,
    held: Option<Outputs>,
}

/// What is wrong with a link.
#[derive(Clone, Copy, Debug, Default)]
pub struct Link {
    pub cut: bool,
    pub loss: f64,
    pub twice: f64,
    pub delay_us: u64,
    pub jitter_us: u64,
}

pub struct World {
    pub now_us: u64,
    pub rng: ChaCha8Rng,
    /// What each fault does to the links, from and to.
    pub layers: BTreeMap<usize, Vec<Vec<Link>>>,
    hosts: Vec<Host>,
    queue: BinaryHeap<Reverse<(u64, u64, usize)>>,
    events: Vec<Option<Event>>,
    settings: Settings,
    leaders: BTreeMap<u64, u16>,
    digests: BTreeMap<u64, u64>,
    pub broken: Vec<String>,
}

impl World {
    pub fn new(seed: u64, nodes: u16, disease: Disease) -> Self {
        let timing = Timing::of(disease);
        let version = Version::Old;
        let settings = Settings { id: NodeId(0), nodes, disease, version, incarnation: 0, timing, seed };
        let mut world = Self {
            now_us: 0,
            rng: ChaCha8Rng::seed_from_u64(seed),
            layers: BTreeMap::new(),
            hosts: Vec::new(),
            queue: BinaryHeap::new(),
            events: Vec::new(),
            settings,
            leaders: BTreeMap::new(),
            digests: BTreeMap::new(),
            broken: Vec::new(),
        };
        for node in 0..nodes {
            world.hosts.push(Host {
                machine: None,
                life: 0,
                incarnation: 0,
                reached_us: vec![0; usize::from(nodes)],
                paused: false,
                offset_ms: 0,
                inbox: VecDeque::new(),
                durable: Vec::new(),
                unsynced: Vec::new(),
                held: None,
            });
            world.start(node);
            world.at(u64::from(node) * 1000, Event::Tick(node));
        }
        world
    }

    pub fn nodes(&self) -> u16 {
        self.settings.nodes
    }

    pub fn at(&mut self, at_us: u64, event: Event) {
        self.events.push(Some(event));
        self.queue.push(Reverse((at_us, self.events.len() as u64, self.events.len() - 1)));
    }

    pub fn after(&mut self, wait_us: u64, event: Event) {
        self.at(self.now_us + wait_us, event);
    }

    /// The next event that is not the world's own business.
    pub fn next(&mut self) -> Option<Event> {
        loop {
            let Reverse((at_us, _, place)) = self.queue.pop()?;
            self.now_us = at_us;
            match self.events[place].take()? {
                Event::Tick(node) => {
                    self.after(10_000, Event::Tick(node));
                    if !self.hosts[usize::from(node)].paused {
                        self.give(node, Input::Tick);
                    }
                }
                Event::Deliver(from, to, message) => {
                    if self.now_us >= self.hosts[usize::from(to)].reached_us[usize::from(from)] {
                        self.give(to, Input::Peer(NodeId(from), message));
                    }
                }
                Event::Ask(node, request) => {
                    let stamp_ns = self.moment(node).wall_ns;
                    self.give(node, Input::Client(Request { stamp_ns, ..request }));
                }
                Event::Synced(node, life) => self.synced(node, life),
                event => return Some(event),
            }
        }
    }

    fn moment(&self, node: u16) -> Moment {
        let offset_us = self.hosts[usize::from(node)].offset_ms * 1000;
        let wall_ns = (1_700_000_000_000_000 + self.now_us as i64 + offset_us) * 1000;
        Moment { steady_ms: 1_000_000 + self.now_us / 1000, wall_ns }
    }

    fn give(&mut self, node: u16, input: Input) {
        let host = &mut self.hosts[usize::from(node)];
        if host.machine.is_some() {
            host.inbox.push_back(input);
            self.work(node);
        }
    }

    fn work(&mut self, node: u16) {
        let now = self.moment(node);
        let host = &mut self.hosts[usize::from(node)];
        if host.paused || host.held.is_some() || host.inbox.is_empty() {
            return;
        }
        let Some(machine) = &mut host.machine else { return };
        let mut out = Outputs::default();
        for input in host.inbox.drain(..) {
            machine.handle(now, input, &mut out);
        }
        machine.finish(now, &mut out);
        let status = machine.status();
        host.unsynced.append(&mut out.records);
        let life = host.life;
        let sync = out.sync;
        host.held = Some(out);
        self.inspect(node, &status);
        if sync {
            let wait_us = self.rng.random_range(300..4000);
            self.after(wait_us, Event::Synced(node, life));
        } else {
            self.release(node);
        }
    }

    fn synced(&mut self, node: u16, life: u64) {
        let host = &mut self.hosts[usize::from(node)];
        if host.life != life {
            return;
        }
        if let Some(fresh) = host.held.as_mut().and_then(|out| out.rewrite.take()) {
            host.durable = fresh;
        }
        host.durable.append(&mut host.unsynced);
        if !host.paused {
            self.release(node);
        }
    }

    fn release(&mut self, node: u16) {
        let Some(out) = self.hosts[usize::from(node)].held.take() else { return };
        for (to, message) in out.messages {
            self.transmit(node, to.0, message);
        }
        for (id, reply) in out.replies {
            let wait_us = self.rng.random_range(50..300);
            self.after(wait_us, Event::Answered(id, reply));
        }
        self.work(node);
    }

    /// A lost packet is mostly sent again by the transport and only late; with every fourth seed it is gone.
    fn transmit(&mut self, from: u16, to: u16, message: Message) {
        let mut wait_us = self.rng.random_range(100..700);
        let mut copies = 1;
        for layer in self.layers.values() {
            let link = layer[usize::from(from)][usize::from(to)];
            if link.cut {
                return;
            }
            if link.loss > 0.0 && self.rng.random_bool(link.loss) {
                if self.settings.seed.is_multiple_of(4) {
                    return;
                }
                wait_us += self.rng.random_range(10_000..400_000);
            }
            if link.twice > 0.0 && self.rng.random_bool(link.twice) {
                copies = 2;
            }
            wait_us += link.delay_us + self.rng.random_range(0..=link.jitter_us);
        }
        for _ in 0..copies {
            let late_us = self.rng.random_range(0..100);
            self.after(wait_us + late_us, Event::Deliver(from, to, message.clone()));
        }
    }

    /// Election safety, and that nodes which have applied as much have applied the same.
    fn inspect(&mut self, node: u16, status: &Status) {
        if self.settings.disease == Disease::AsyncPrimaryBackup {
            return;
        }
        if status.leads && *self.leaders.entry(status.term).or_insert(node) != node {
            self.broken.push(format!("two leaders in term {}", status.term));
        }
        if *self.digests.entry(status.commit).or_insert(status.digest) != status.digest {
            self.broken.push(format!("two histories up to entry {}", status.commit));
        }
    }

    pub fn leaders(&self) -> Vec<u16> {
        let leads = |host: &Host| host.machine.as_ref().is_some_and(|machine| machine.status().leads);
        (0..self.nodes()).filter(|node| leads(&self.hosts[usize::from(*node)])).collect()
    }

    pub fn status(&self, node: u16) -> Option<Status> {
        self.hosts[usize::from(node)].machine.as_ref().map(|machine| machine.status())
    }

    pub fn is_up(&self, node: u16) -> bool {
        self.hosts[usize::from(node)].machine.is_some()
    }

    pub fn start(&mut self, node: u16) {
        if self.is_up(node) {
            return;
        }
        // Nodes that were up have fallen back to trying seldom; one that starts tries often.
        for peer in 0..self.hosts.len() {
            let (seldom_us, often_us) = (self.rng.random_range(0..320_000), self.rng.random_range(0..15_000));
            self.hosts[usize::from(node)].reached_us[peer] = self.now_us + seldom_us;
            self.hosts[peer].reached_us[usize::from(node)] = self.now_us + often_us;
        }
        let seed = self.rng.random();
        let now = self.moment(node);
        let host = &mut self.hosts[usize::from(node)];
        let incarnation = host.incarnation;
        let settings = Settings { id: NodeId(node), seed, incarnation, ..self.settings.clone() };
        host.machine = Some(machine::build(settings, now, host.durable.clone()));
    }

    /// A crash. Of a sync that was under way any beginning may have reached the disk; a rewrite is all or nothing.
    pub fn kill(&mut self, node: u16) {
        let host = &mut self.hosts[usize::from(node)];
        let syncing = host.held.take().is_some_and(|out| out.sync && out.rewrite.is_none());
        let kept = if syncing { self.rng.random_range(0..=host.unsynced.len()) } else { 0 };
        host.durable.extend(host.unsynced.drain(..).take(kept));
        host.unsynced.clear();
        host.machine = None;
        host.inbox.clear();
        host.life += 1;
        host.paused = false;
    }

    /// The node with the disk that it has.
    pub fn member(&self, node: u16) -> Member {
        Member { node: NodeId(node), incarnation: self.hosts[usize::from(node)].incarnation }
    }

    /// Another disk, with nothing on it.
    pub fn empty_disk(&mut self, node: u16, incarnation: u64) {
        let host = &mut self.hosts[usize::from(node)];
        host.durable.clear();
        host.incarnation = incarnation;
    }

    pub fn change(&mut self, node: u16, change: Change) {
        self.give(node, Input::Change(change));
    }

    pub fn pause(&mut self, node: u16, paused: bool) {
        let host = &mut self.hosts[usize::from(node)];
        host.paused = paused;
        if !paused {
            // Each connection keeps its order, but nothing says which connection is read first.
            let inbox: Vec<Input> = host.inbox.drain(..).collect();
            let salt: u64 = self.rng.random();
            let rank = |input: &Input| match input {
                Input::Peer(from, _) => (u64::from(from.0) + 1).wrapping_mul(salt | 1),
                Input::Client(request) => request.id.session.wrapping_mul(salt | 1),
                Input::Tick | Input::Change(_) => 0,
            };
            let mut inbox: Vec<_> = inbox.into_iter().map(|input| (rank(&input), input)).collect();
            inbox.sort_by_key(|(rank, _)| *rank);
            let host = &mut self.hosts[usize::from(node)];
            host.inbox = inbox.into_iter().map(|(_, input)| input).collect();
            let waits_for_disk = host.held.as_ref().is_some_and(|out| out.sync) && !host.unsynced.is_empty();
            if !waits_for_disk {
                self.release(node);
            }
            self.work(node);
        }
    }

    pub fn set_offset(&mut self, node: u16, offset_ms: i64) {
        self.hosts[usize::from(node)].offset_ms = offset_ms;
    }
}
