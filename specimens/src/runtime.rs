//! A node as a real process: the state machine between a journal on disk and connections over TCP.
//!
//! One thread does everything. Inputs that have come in while the journal was being written are handled together,
//! so one sync serves them all.

use std::{collections::HashMap, io, net::SocketAddr, path::PathBuf, sync::Arc, time::Duration};

use history::NodeId;
use serde::{Deserialize, Serialize};
use tokio::{
    net::TcpListener,
    sync::{mpsc, oneshot},
    time::{MissedTickBehavior, interval},
};

use crate::{
    Disease,
    machine::{self, Input, Machine, Outputs, Settings},
    members::Change,
    message::{self, Message, Reply, Request, RequestId, Status},
    store::contents::Command,
};

mod clock;
mod frame;
mod inbound;
mod incarnations;
mod journal;
mod names;
mod outbound;
mod versions;

pub use clock::CLOCK_FILE;
use clock::Clock;
use inbound::Numbers;
pub use incarnations::INCARNATION_FILE;
use journal::{Journal, Refusal};
pub use versions::VERSION_FILE;

/// The role of a specimen's process.
pub const ROLE: &str = "specimen";
/// How long a call waits that is refused, so that nobody who asks again at once keeps the processors busy.
const REFUSED_AFTER: Duration = Duration::from_millis(20);
/// The environment variable that holds a [`Launch`].
const LAUNCH: &str = "DISPROVE_SPECIMEN";
/// How often time passes for the state machine.
const TICK: Duration = Duration::from_millis(10);
/// The most inputs that wait, and that are handled together.
const INPUTS_MAX: usize = 4096;
/// The most messages that wait for one peer; beyond it they are lost, as on any network.
const OUTBOUND_MAX: usize = 2048;

/// Everything a node's process is told when it starts.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Launch {
    /// Who it is. The seed is mixed with the time, so that restarts differ.
    pub settings: Settings,
    /// Where each node listens, itself included.
    pub addresses: Vec<SocketAddr>,
    /// The name of each node, by which the others look it up; none where nodes have no names of their own.
    #[serde(default)]
    pub names: Vec<String>,
    /// Where its journal is.
    pub folder: PathBuf,
}

impl Launch {
    /// The variable of the environment that carries it.
    pub fn to_environment(&self) -> Result<(String, String), cluster::Error> {
        let text = serde_json::to_string(self)
            .map_err(|error| cluster::Error::io("write the specimen's settings", error))?;
        Ok((LAUNCH.into(), text))
    }
}

/// Something for the one thread that owns the state machine.
enum Event {
    Peer(NodeId, Message),
    /// Answers to a node go this way as well.
    Route(NodeId, mpsc::Sender<Message>),
    Call(RequestId, Command, oneshot::Sender<Reply>),
    Status(oneshot::Sender<Status>),
    Change(Change, oneshot::Sender<Status>),
}

cluster::role!(ROLE, run);

/// The life of a node's process, from its environment to its end.
fn run() -> i32 {
    let told = std::env::var(LAUNCH).map_err(io::Error::other);
    let result = told.and_then(|text| {
        let launch: Launch = serde_json::from_str(&text)?;
        tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(serve(launch))
    });
    match result {
        Ok(()) => 0,
        Err(error) => {
            log(&format!("ended: {error}"));
            1
        }
    }
}

/// A line in the node's own log, which is the standard error of its process.
fn log(line: &str) {
    use io::Write;
    let seconds = clock::since_1970_ns() as f64 / 1e9;
    // A node whose log cannot be written goes on without it.
    let _unlogged = writeln!(io::stderr(), "{seconds:.3} {line}");
}

/// Runs one node until its process is ended. Only an error of its disk or its port ends it by itself.
pub async fn serve(launch: Launch) -> io::Result<()> {
    std::fs::create_dir_all(&launch.folder)?;
    let id = launch.settings.id;
    let listener = TcpListener::bind(launch.addresses[usize::from(id.0)]).await?;
    let mut clock = Clock::new(&launch.folder);
    let incarnation = incarnations::kept(&launch.folder)?;
    let opened = Journal::open(&launch.folder, launch.settings.disease);
    let (journal, records) = match opened {
        Ok(opened) => opened,
        Err(Refusal::Io(error)) => return Err(error),
        Err(damaged @ Refusal::Damaged(_)) => {
            log(&damaged.to_string());
            return stand_aside(id, listener).await;
        }
    };
    log(&format!("{} starts with {} records, disease {}", id.0, records.len(), launch.settings.disease));

    let (events, inbox) = mpsc::channel(INPUTS_MAX);
    let trusting = launch.settings.disease == Disease::TrustsNames;
    let numbers = match launch.settings.disease {
        Disease::ShortSessionNumbers => Numbers::Counted(Arc::default()),
        _ => Numbers::Drawn,
    };
    tokio::spawn(inbound::accept(listener, inbound::Door { id, trusting, numbers, events: events.clone() }));
    let mut peers = HashMap::new();
    for peer in launch.settings.peers() {
        let (sender, queue) = mpsc::channel(OUTBOUND_MAX);
        peers.insert(peer, sender);
        let place = usize::from(peer.0);
        let (name, address) = (launch.names.get(place).cloned(), launch.addresses[place]);
        let events = trusting.then(|| events.clone());
        tokio::spawn(outbound::keep_sending(id, names::Peer { id: peer, name, address }, queue, events));
    }
    drop(events);
    let version = versions::chosen(&launch.folder)?;
    let seed = launch.settings.seed ^ rand::random::<u64>();
    let settings = Settings { seed, version, incarnation, ..launch.settings };
    log(&format!("its version is the {version:?} one").to_lowercase());
    let machine = machine::build(settings, clock.now(), records);
    let mut node = Node {
        machine,
        journal,
        peers,
        routes: trusting.then(HashMap::new),
        clients: HashMap::new(),
        clock,
        status: Status::default(),
    };
    node.run(inbox).await
}

/// The life of a node that has lost what it once acknowledged: it votes for nobody and acknowledges nothing, as if it were
/// not there, and refuses its clients.
async fn stand_aside(id: NodeId, listener: TcpListener) -> io::Result<()> {
    let (events, mut inbox) = mpsc::channel(INPUTS_MAX);
    // It trusts nobody and tells nobody anything.
    let door = inbound::Door { id, trusting: false, numbers: Numbers::Drawn, events };
    tokio::spawn(inbound::accept(listener, door));
    while let Some(event) = inbox.recv().await {
        match event {
            Event::Peer(..) | Event::Route(..) => {}
            Event::Call(_, _, client) => {
                tokio::time::sleep(REFUSED_AFTER).await;
                // The client may have gone away, and then nobody needs the answer.
                let _gone = client.send(Reply::Refused(message::Refusal::Damaged));
            }
            Event::Status(asker) | Event::Change(_, asker) => {
                let _gone = asker.send(Status::default());
            }
        }
    }
    Ok(())
}

struct Node {
    machine: Box<dyn Machine>,
    journal: Journal,
    peers: HashMap<NodeId, mpsc::Sender<Message>>,
    /// The connections that each peer has opened, by which it is answered; only the node that trusts names does so.
    routes: Option<HashMap<NodeId, Vec<mpsc::Sender<Message>>>>,
    clients: HashMap<RequestId, oneshot::Sender<Reply>>,
    clock: Clock,
    status: Status,
}

impl Node {
    async fn run(&mut self, mut inbox: mpsc::Receiver<Event>) -> io::Result<()> {
        let mut ticks = interval(TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let mut out = Outputs::default();
            tokio::select! {
                event = inbox.recv() => match event {
                    Some(event) => self.take(event, &mut out),
                    None => return Ok(()),
                },
                _ = ticks.tick() => self.machine.handle(self.clock.now(), Input::Tick, &mut out),
            }
            for _ in 1..INPUTS_MAX {
                let Ok(event) = inbox.try_recv() else { break };
                self.take(event, &mut out);
            }
            self.machine.finish(self.clock.now(), &mut out);
            self.carry_out(out)?;
        }
    }

    fn take(&mut self, event: Event, out: &mut Outputs) {
        let now = self.clock.now();
        match event {
            Event::Peer(from, message) => self.machine.handle(now, Input::Peer(from, message), out),
            Event::Route(to, sender) => {
                if let Some(routes) = &mut self.routes {
                    routes.entry(to).or_default().push(sender);
                }
            }
            Event::Call(id, call, client) => {
                self.clients.insert(id, client);
                let request = Request { id, call, stamp_ns: now.wall_ns, over: None };
                self.machine.handle(now, Input::Client(request), out);
            }
            Event::Status(asker) => self.tell(asker),
            Event::Change(change, asker) => {
                self.machine.handle(now, Input::Change(change), out);
                self.tell(asker);
            }
        }
    }

    fn tell(&self, asker: oneshot::Sender<Status>) {
        // Who asked may have gone away, and then nobody needs the answer.
        let clock_offset_ms = self.clock.offset_ms();
        let _gone = asker.send(Status { clock_offset_ms, ..self.machine.status() });
    }

    fn carry_out(&mut self, out: Outputs) -> io::Result<()> {
        self.journal.write(out.rewrite, out.records, out.sync)?;
        for (to, message) in out.messages {
            if message.is_answer()
                && let Some(routes) = &mut self.routes
            {
                // The mistake is on the other side: who hears this takes it for the word of whom it meant to ask.
                let ways = routes.entry(to).or_default();
                ways.retain(|way| !way.is_closed());
                for way in ways {
                    let _lost = way.try_send(message.clone());
                }
                continue;
            }
            if let Some(peer) = self.peers.get(&to) {
                // A queue that is full loses the message, as the network might; everything is sent again anyway.
                let _lost = peer.try_send(message);
            }
        }
        for (id, reply) in out.replies {
            if let Some(client) = self.clients.remove(&id) {
                // The client may have gone away; what it asked for has happened all the same.
                let _gone = client.send(reply);
            }
        }
        let status = self.machine.status();
        if (status.leader, status.term) != (self.status.leader, self.status.term) {
            let leader = status.leader.map_or("nobody".into(), |leader| format!("node {}", leader.0));
            log(&format!("in term {} follows {leader}", status.term));
        }
        self.status = status;
        Ok(())
    }
}
