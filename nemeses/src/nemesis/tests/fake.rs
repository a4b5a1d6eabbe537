//! A cluster in memory that remembers what was done to it, and refuses what a real one could not do.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use cluster::{
    ClockControl, Cluster, Daemon, DaemonState, Database, Endpoint, Error, LayerId, Link, LinkCounters,
    LinkPolicy, Network, Node, Output, Primaries, ProcessControl, Remote, Signal, Speaks,
};
use history::NodeId;

use crate::journal;

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
            remote: Some(Arc::new(NoRemote)),
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
    fn demand_journalled(&self, kind: &str, is_it: impl Fn(u32, &[String]) -> bool) {
        let bytes = std::fs::read(&self.journal).unwrap_or_default();
        let contents = journal::parse_leniently(&bytes);
        let known = contents.open().iter().any(|(id, planned, _)| match &planned.targets {
            crate::Targets::Nodes(names) => planned.fault.family().name() == kind && is_it(id.0, names),
            _ => false,
        });
        if !known {
            self.change(|world| world.wrongs.push(format!("{kind} was done before it was written down")));
        }
    }

    fn demand_node(&self, kind: &str, node: NodeId) {
        let name = format!("n{}", node.0 + 1);
        self.demand_journalled(kind, |_, names| names.contains(&name));
    }
}

#[async_trait]
impl Network for Fake {
    async fn impose(&self, layer: LayerId, policies: &[(Link, LinkPolicy)]) -> Result<(), Error> {
        let kind = if policies.iter().any(|(_, policy)| policy.cut) { "partition" } else { "link" };
        self.demand_journalled(kind, |id, _| id == layer.0);
        // Half of it is done when it fails or hangs, which is what an undo must cope with.
        self.change(|world| drop(world.layers.insert(layer, policies.to_vec())));
        self.act("impose", layer.0.to_string()).await
    }

    async fn lift(&self, layer: LayerId) -> Result<(), Error> {
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
    async fn kill(&self, _: &Cluster, node: NodeId) -> Result<(), Error> {
        self.demand_node("kill", node);
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
            world.processes[usize::from(node.0)].get_or_insert((pid, false));
        });
        Ok(())
    }

    async fn pause(&self, _: &Cluster, node: NodeId) -> Result<(), Error> {
        self.demand_node("pause", node);
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
            self.demand_node("clock", node);
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
}

/// A node on which nothing is ever asked for directly.
struct NoRemote;

fn never<T>() -> Result<T, Error> {
    Err(Error::Unsupported("acting on a node in memory".into()))
}

#[async_trait]
impl Remote for NoRemote {
    async fn exec(&self, _: &[&str], _: &[u8], _: Duration) -> Result<Output, Error> {
        never()
    }
    async fn upload(&self, _: &Path, _: &[u8]) -> Result<(), Error> {
        never()
    }
    async fn download(&self, _: &Path) -> Result<Vec<u8>, Error> {
        never()
    }
    async fn start(&self, _: &Daemon) -> Result<(), Error> {
        never()
    }
    async fn signal(&self, _: &str, _: Signal) -> Result<(), Error> {
        never()
    }
    async fn state(&self, _: &str) -> Result<DaemonState, Error> {
        never()
    }
    async fn wipe(&self) -> Result<(), Error> {
        never()
    }
}
