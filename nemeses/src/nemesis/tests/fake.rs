//! A cluster in memory that remembers what was done to it, and refuses what a real one could not do.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
};

use async_trait::async_trait;
use cluster::{
    ClockControl, Cluster, DaemonState, Database, Endpoint, Error, LayerId, Link, LinkCounters, LinkPolicy,
    Load, Membership, Network, Node, Primaries, ProcessControl, Skew, Speaks, Version, Versions,
};
use history::NodeId;

mod remote;

use crate::journal;
use remote::FakeRemote;

/// How an act misbehaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    Fails,
    Hangs,
}

/// What can be seen and changed from outside.
#[derive(Debug, Default)]
pub struct World {
    pub layers: BTreeMap<LayerId, Vec<(Link, LinkPolicy)>>,
    pub processes: Vec<Option<(u32, bool)>>,
    pub offsets: Vec<i64>,
    /// What the processes of each node may have, where that is less than usual.
    pub limits: Vec<Option<u64>>,
    /// Nodes that left.
    pub gone: BTreeSet<NodeId>,
    /// What the processes of each node take for the time.
    pub skews: Vec<Option<Skew>>,
    /// Of the clients of each node: how many are to crash, and whether their calls wait.
    pub wishes: Vec<(usize, bool)>,
    /// What names mean on each node, where they mean something wrong.
    pub names: Vec<Vec<(String, IpAddr)>>,
    /// The version that each node is to run from its next start on, and the one that it runs.
    pub versions: Vec<(Version, Version)>,
    struck: u64,
    pub leaders: Vec<NodeId>,
    /// Everything that was done, in order.
    pub acts: Vec<String>,
    /// Acts that no real cluster would have been asked for.
    pub wrongs: Vec<String>,
    /// Acts that go wrong, and how often they still will.
    pub troubles: BTreeMap<&'static str, (Trouble, u32)>,
    pub silent: bool,
    counters: BTreeMap<Link, LinkCounters>,
    next_pid: u32,
}

#[derive(Debug)]
pub struct Fake {
    pub world: Mutex<World>,
    journal: PathBuf,
}

impl Fake {
    pub fn new(count: usize, journal: &Path) -> Arc<Self> {
        let world = World {
            processes: (0..count).map(|place| Some((100 + place as u32, false))).collect(),
            offsets: vec![0; count],
            limits: vec![None; count],
            skews: vec![None; count],
            wishes: vec![(0, false); count],
            names: vec![Vec::new(); count],
            versions: vec![(Version::Old, Version::Old); count],
            leaders: vec![NodeId(0)],
            next_pid: 1000,
            ..World::default()
        };
        Arc::new(Self { world: Mutex::new(world), journal: journal.to_owned() })
    }

    pub fn cluster(self: &Arc<Self>) -> Cluster {
        let count = self.world.lock().unwrap().offsets.len();
        let node = |place: usize| Node {
            id: NodeId(place as u16),
            name: format!("n{}", place + 1),
            address: std::net::IpAddr::from([10, 0, 0, place as u8 + 1]),
            port_offset: 0,
            data: "/data".into(),
            logs: "/logs".into(),
            remote: Some(Arc::new(FakeRemote { fake: self.clone(), place })),
        };
        Cluster { nodes: (0..count).map(node).collect(), network: Some(self.clone()) }
    }

    pub fn change(&self, change: impl FnOnce(&mut World)) {
        change(&mut self.world.lock().unwrap());
    }

    pub fn acts(&self) -> Vec<String> {
        self.world.lock().unwrap().acts.clone()
    }

    /// What is still broken, or was done wrongly.
    pub fn blemishes(&self) -> Vec<String> {
        let world = self.world.lock().unwrap();
        let mut blemishes = world.wrongs.clone();
        blemishes.extend(world.layers.keys().map(|layer| format!("layer {} is still there", layer.0)));
        for (place, process) in world.processes.iter().enumerate() {
            match process {
                None => blemishes.push(format!("n{} is down", place + 1)),
                Some((_, true)) => blemishes.push(format!("n{} is stopped", place + 1)),
                Some((_, false)) => {}
            }
        }
        blemishes
            .extend(world.wishes.iter().filter(|wish| **wish != (0, false)).map(|wish| format!("{wish:?}")));
        blemishes.extend(world.names.iter().flatten().map(|(name, at)| format!("{name} is {at}")));
        let is_old = |versions: &&(Version, Version)| **versions != (Version::Old, Version::Old);
        blemishes.extend(world.versions.iter().filter(is_old).map(|versions| format!("{versions:?}")));
        blemishes.extend(world.gone.iter().map(|node| format!("n{} is no member", node.0 + 1)));
        blemishes.extend(world.skews.iter().flatten().map(|skew| format!("time {skew:?}")));
        blemishes.extend(world.limits.iter().flatten().map(|limit| format!("limited to {limit}")));
        blemishes.extend(
            world.offsets.iter().filter(|&&offset| offset != 0).map(|offset| format!("clock {offset}")),
        );
        blemishes
    }

    /// Notes an act, and has the trouble that was asked for with it.
    async fn act(&self, name: &'static str, what: String) -> Result<(), Error> {
        let trouble = {
            let mut world = self.world.lock().unwrap();
            world.acts.push(format!("{name} {what}"));
            match world.troubles.get_mut(name) {
                Some((trouble, times)) if *times > 0 => {
                    *times -= 1;
                    Some(*trouble)
                }
                _ => None,
            }
        };
        match trouble {
            None => Ok(()),
            Some(Trouble::Fails) => {
                Err(Error::Node { node: "n1".into(), what: "it was told to fail".into() })
            }
            Some(Trouble::Hangs) => std::future::pending().await,
        }
    }

    /// A harmful act must stand in the journal, on disk, before it is done.
    fn demand_journalled(&self, kinds: &[&str], is_it: impl Fn(u32, &[String]) -> bool) {
        let bytes = std::fs::read(&self.journal).unwrap_or_default();
        let contents = journal::parse_leniently(&bytes);
        let known = contents.open().iter().any(|(id, planned, _)| match &planned.targets {
            crate::Targets::Nodes(names) => {
                kinds.contains(&planned.fault.family().name()) && is_it(id.0, names)
            }
            _ => false,
        });
        if !known {
            let wrong = format!("{} was done before it was written down", kinds.join(" or "));
            self.change(|world| world.wrongs.push(wrong));
        }
    }

    fn demand_node(&self, kinds: &[&str], node: NodeId) {
        let name = format!("n{}", node.0 + 1);
        self.demand_journalled(kinds, |_, names| names.contains(&name));
    }
}

#[async_trait]
impl Network for Fake {
    async fn impose(&self, layer: LayerId, policies: &[(Link, LinkPolicy)]) -> Result<(), Error> {
        let cuts = policies.iter().any(|(_, policy)| policy.cut);
        let kinds: &[&str] =
            if cuts { &["partition", "flap", "swizzle"] } else { &["link", "reset", "half-open"] };
        self.demand_journalled(kinds, |id, _| id == layer.0);
        // Packets pass all the time; they are counted when something changes.
        self.counters().await?;
        // Half of it is done when it fails or hangs, which is what an undo must cope with.
        self.change(|world| drop(world.layers.insert(layer, policies.to_vec())));
        self.act("impose", layer.0.to_string()).await
    }

    async fn lift(&self, layer: LayerId) -> Result<(), Error> {
        self.counters().await?;
        self.act("lift", layer.0.to_string()).await?;
        self.change(|world| drop(world.layers.remove(&layer)));
        Ok(())
    }

    async fn lift_all(&self) -> Result<(), Error> {
        self.act("lift_all", String::new()).await?;
        self.change(|world| world.layers.clear());
        Ok(())
    }

    async fn counters(&self) -> Result<Vec<(Link, LinkCounters)>, Error> {
        let mut world = self.world.lock().unwrap();
        let nodes = (0..world.offsets.len()).map(|place| Endpoint::Node(NodeId(place as u16)));
        let ends: Vec<Endpoint> = nodes.chain([Endpoint::Controller]).collect();
        let policies: BTreeMap<Link, LinkPolicy> = world.layers.values().flatten().cloned().collect();
        let packets = if world.silent { 0 } else { 10 };
        let pairs = ends.iter().flat_map(|&from| ends.iter().map(move |&to| Link { from, to }));
        for link in pairs.filter(|link| link.from != link.to).collect::<BTreeSet<_>>() {
            let counters = world.counters.entry(link).or_default();
            let policy = policies.get(&link).cloned().unwrap_or_default();
            let share = |share: f64| (share * packets as f64).ceil() as u64;
            if policy.cut {
                counters.cut += packets;
                continue;
            }
            counters.reset += share(policy.reset);
            counters.hushed += u64::from(policy.hush) * packets;
            counters.lost += share(policy.loss);
            counters.duplicated += share(policy.duplicate);
            counters.reordered += share(policy.reorder);
            counters.corrupted += share(policy.corrupt);
            counters.delayed +=
                if policy.delay.is_zero() && policy.bandwidth_bits == 0 { 0 } else { packets };
            counters.passed += packets - share(policy.loss);
        }
        Ok(world.counters.iter().map(|(link, counters)| (*link, *counters)).collect())
    }
}

#[async_trait]
impl ProcessControl for Fake {
    fn daemons(&self) -> &[&str] {
        &[]
    }
    async fn kill(&self, _: &Cluster, node: NodeId) -> Result<(), Error> {
        self.demand_node(&["kill", "half-open", "terminate", "roll", "replace", "upgrade", "wipe"], node);
        self.change(|world| {
            if matches!(world.processes[usize::from(node.0)], None | Some((_, true))) {
                world.wrongs.push(format!("n{} was killed while it was down or stopped", node.0 + 1));
            }
            world.processes[usize::from(node.0)] = None;
        });
        self.act("kill", format!("n{}", node.0 + 1)).await
    }

    async fn start(&self, _: &Cluster, node: NodeId) -> Result<(), Error> {
        self.act("start", format!("n{}", node.0 + 1)).await?;
        self.change(|world| {
            world.next_pid += 1;
            let pid = world.next_pid;
            let place = usize::from(node.0);
            if world.processes[place].is_none() {
                world.processes[place] = Some((pid, false));
                world.versions[place].1 = world.versions[place].0;
            }
        });
        Ok(())
    }

    async fn pause(&self, _: &Cluster, node: NodeId) -> Result<(), Error> {
        self.demand_node(&["pause", "throttle"], node);
        self.change(|world| match &mut world.processes[usize::from(node.0)] {
            Some((_, stopped)) => *stopped = true,
            None => world.wrongs.push(format!("n{} was paused while it was down", node.0 + 1)),
        });
        self.act("pause", format!("n{}", node.0 + 1)).await
    }

    async fn resume(&self, _: &Cluster, node: NodeId) -> Result<(), Error> {
        self.act("resume", format!("n{}", node.0 + 1)).await?;
        self.change(|world| {
            if let Some((_, stopped)) = &mut world.processes[usize::from(node.0)] {
                *stopped = false;
            }
        });
        Ok(())
    }

    fn can_begin_anew(&self) -> bool {
        true
    }

    async fn begin_anew(&self, _: &Cluster, node: NodeId) -> Result<(), Error> {
        self.demand_node(&["wipe"], node);
        self.change(|world| {
            if world.processes[usize::from(node.0)].is_some() {
                world.wrongs.push(format!("the disk of n{} was emptied while it ran", node.0 + 1));
            }
        });
        self.act("begin_anew", format!("n{}", node.0 + 1)).await
    }

    async fn state(&self, _: &Cluster, node: NodeId) -> Result<DaemonState, Error> {
        Ok(match self.world.lock().unwrap().processes[usize::from(node.0)] {
            None => DaemonState::Exited { code: 137 },
            Some((pid, true)) => DaemonState::Stopped { pid },
            Some((pid, false)) => DaemonState::Running { pid },
        })
    }
}

#[async_trait]
impl ClockControl for Fake {
    async fn set_offset(&self, _: &Cluster, node: NodeId, milliseconds: i64) -> Result<(), Error> {
        if milliseconds != 0 {
            self.demand_node(&["clock"], node);
        }
        self.change(|world| {
            if world.processes[usize::from(node.0)].is_none() {
                world.wrongs.push(format!("the clock of n{} was set while it was down", node.0 + 1));
            }
        });
        self.act("set_offset", format!("n{} {milliseconds}", node.0 + 1)).await?;
        self.change(|world| world.offsets[usize::from(node.0)] = milliseconds);
        Ok(())
    }

    async fn offset(&self, _: &Cluster, node: NodeId) -> Result<Option<i64>, Error> {
        Ok(Some(self.world.lock().unwrap().offsets[usize::from(node.0)]))
    }
}

impl Load for Fake {
    fn crash_clients(&self, node: NodeId, count: usize) {
        if count > 0 {
            self.demand_node(&["clients"], node);
        }
        self.change(|world| world.wishes[usize::from(node.0)].0 = count);
    }

    fn crashed_clients(&self, _: NodeId) -> u64 {
        let mut world = self.world.lock().unwrap();
        world.struck += 1;
        world.struck
    }

    fn hold_calls(&self, node: NodeId, hold: bool) {
        if hold {
            self.demand_node(&["clients"], node);
        }
        self.change(|world| world.wishes[usize::from(node.0)].1 = hold);
    }

    fn held_calls(&self, node: NodeId) -> (u64, bool) {
        let held = self.world.lock().unwrap().wishes[usize::from(node.0)].1;
        (self.crashed_clients(node), held)
    }
}

#[async_trait]
impl Primaries for Fake {
    async fn primaries(&self, _: &Cluster) -> Vec<NodeId> {
        let leaders = self.world.lock().unwrap().leaders.clone();
        match self.act("primaries", String::new()).await {
            Ok(()) => leaders,
            Err(_) => Vec::new(),
        }
    }
}

#[async_trait]
impl Database for Fake {
    fn name(&self) -> &str {
        "fake"
    }
    fn promises(&self, _: &str) -> Option<&'static str> {
        None
    }
    fn speaks(&self) -> Speaks {
        Speaks::default()
    }
    async fn install(&self, _: &Cluster, _: &Node) -> Result<(), Error> {
        Ok(())
    }
    async fn start(&self, _: &Cluster) -> Result<(), Error> {
        Ok(())
    }
    async fn ready(&self, _: &Cluster) -> Result<(), Error> {
        Ok(())
    }
    async fn version(&self, _: &Cluster) -> Result<String, Error> {
        Ok("1".into())
    }
    async fn stop(&self, _: &Cluster) -> Result<(), Error> {
        Ok(())
    }
    async fn wipe(&self, _: &Cluster) -> Result<(), Error> {
        Ok(())
    }
    fn processes(&self) -> Option<&dyn ProcessControl> {
        Some(self)
    }
    fn primaries(&self) -> Option<&dyn Primaries> {
        Some(self)
    }
    fn clocks(&self) -> Option<&dyn ClockControl> {
        Some(self)
    }
    fn membership(&self) -> Option<&dyn Membership> {
        Some(self)
    }
    fn versions(&self) -> Option<&dyn Versions> {
        Some(self)
    }
}

#[async_trait]
impl Versions for Fake {
    async fn choose(&self, _: &Cluster, node: NodeId, version: Version) -> Result<(), Error> {
        if version == Version::New {
            self.demand_node(&["upgrade"], node);
        }
        self.act("choose", format!("n{}", node.0 + 1)).await?;
        self.change(|world| world.versions[usize::from(node.0)].0 = version);
        Ok(())
    }

    async fn running(&self, _: &Cluster, node: NodeId) -> Result<Option<Version>, Error> {
        let world = self.world.lock().unwrap();
        let place = usize::from(node.0);
        Ok(world.processes[place].map(|_| world.versions[place].1))
    }
}

#[async_trait]
impl Membership for Fake {
    async fn remove(&self, _: &Cluster, node: NodeId) -> Result<(), Error> {
        self.demand_node(&["replace"], node);
        self.change(|world| {
            if world.processes[usize::from(node.0)].is_some() {
                world.wrongs.push(format!("n{} was removed while it ran", node.0 + 1));
            }
            world.gone.insert(node);
        });
        self.act("remove", format!("n{}", node.0 + 1)).await
    }

    async fn join(&self, cluster: &Cluster, node: NodeId) -> Result<(), Error> {
        self.act("join", format!("n{}", node.0 + 1)).await?;
        self.change(|world| {
            world.gone.remove(&node);
        });
        ProcessControl::start(self, cluster, node).await
    }

    async fn members(&self, cluster: &Cluster) -> Result<Vec<NodeId>, Error> {
        let world = self.world.lock().unwrap();
        Ok(cluster.nodes.iter().map(|node| node.id).filter(|node| !world.gone.contains(node)).collect())
    }
}
