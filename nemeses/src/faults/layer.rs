//! Policies on a set of links, imposed and lifted together: what partitions and link faults have in common.

use std::collections::{BTreeMap, BTreeSet};

use cluster::{Endpoint, Error, LayerId, Link, LinkCounters, LinkPolicy, Network};
use history::{FaultId, NodeId};

use super::{Evidence, Names, Probe, Scene, Settled, words};
use crate::{Direction, Peers};

/// How many links are named one by one in evidence.
const NAMED_MAX: usize = 6;

/// One policy on some links.
#[derive(Clone, Debug)]
pub(super) struct Layer {
    id: LayerId,
    policy: LinkPolicy,
    links: BTreeSet<Link>,
}

impl Layer {
    /// A layer of its own for a fault.
    pub(super) fn new(fault: FaultId, policy: LinkPolicy, links: BTreeSet<Link>) -> Self {
        Self { id: LayerId(fault.0), policy, links }
    }

    pub(super) async fn impose(&self, scene: Scene<'_>) -> Result<(), Error> {
        if self.links.is_empty() {
            return Err(Error::Unsupported("a fault of the network that strikes no link".into()));
        }
        let policies: Vec<_> = self.links.iter().map(|link| (*link, self.policy.clone())).collect();
        network(scene)?.impose(self.id, &policies).await
    }

    pub(super) async fn lift(&self, scene: Scene<'_>) -> Result<(), Error> {
        network(scene)?.lift(self.id).await
    }

    pub(super) async fn probe(&self, scene: Scene<'_>) -> Result<Probe, Error> {
        let counters = network(scene)?.counters().await?;
        Ok(Probe::Links(counters.into_iter().filter(|(link, _)| self.links.contains(link)).collect()))
    }

    /// What the links did between two looks, counted by `count`, in words like "dropped".
    pub(super) fn judge(
        &self,
        names: &Names,
        (early, late): (&Probe, &Probe),
        (verb, count): (&str, fn(&LinkCounters) -> u64),
    ) -> Evidence {
        let (Probe::Links(early), Probe::Links(late)) = (early, late) else {
            return Evidence::new(false, "the counters of its links are not known".into());
        };
        let grown = |of: fn(&LinkCounters) -> u64| growth(early, late, of);
        let struck = grown(count);
        let total: u64 = struck.iter().map(|(_, count)| count).sum();
        let passed: u64 = grown(|counters| counters.passed).iter().map(|(_, count)| count).sum();
        if total > 0 {
            let leaked = if self.policy.cut && passed > 0 {
                format!("; {} passed nevertheless", words::packets(passed))
            } else {
                String::new()
            };
            return Evidence::new(true, format!("{verb} {}{leaked}", by_link(names, struck)));
        }
        let why = match passed {
            0 => "nothing tried to pass on its links".into(),
            passed => format!("{} passed on its links untouched", words::packets(passed)),
        };
        Evidence::new(false, format!("the network took it, but {why}"))
    }
}

fn network<'a>(scene: Scene<'a>) -> Result<&'a dyn Network, Error> {
    scene.cluster.network.as_deref().ok_or_else(|| Error::Unsupported("shaping the network".into()))
}

/// By how much a counter of each link has grown, the most first.
fn growth(
    early: &BTreeMap<Link, LinkCounters>,
    late: &BTreeMap<Link, LinkCounters>,
    of: fn(&LinkCounters) -> u64,
) -> Vec<(Link, u64)> {
    let mut grown: Vec<(Link, u64)> = late
        .iter()
        .map(|(link, counters)| (*link, of(counters).saturating_sub(early.get(link).map_or(0, of))))
        .filter(|(_, count)| *count > 0)
        .collect();
    grown.sort_by_key(|(link, count)| (std::cmp::Reverse(*count), *link));
    grown
}

fn by_link(names: &Names, grown: Vec<(Link, u64)>) -> String {
    let mut parts: Vec<String> = Vec::new();
    for (place, (link, count)) in grown.iter().take(NAMED_MAX).enumerate() {
        let count = if place == 0 { words::packets(*count) } else { count.to_string() };
        parts.push(format!("{count} from {} to {}", names.end(link.from), names.end(link.to)));
    }
    let rest = &grown[grown.len().min(NAMED_MAX)..];
    if !rest.is_empty() {
        let count: u64 = rest.iter().map(|(_, count)| count).sum();
        parts.push(format!("{count} on {} other links", rest.len()));
    }
    parts.join(", ")
}

/// The links between two ends, seen from the first.
pub(super) fn between(links: &mut BTreeSet<Link>, target: Endpoint, peer: Endpoint, direction: Direction) {
    if direction != Direction::In {
        links.insert(Link { from: target, to: peer });
    }
    if direction != Direction::Out {
        links.insert(Link { from: peer, to: target });
    }
}

/// The links between each target and its peers. `apart` are the targets apart from one another as well.
pub(super) fn of_targets(settled: &Settled<'_>, apart: bool) -> BTreeSet<Link> {
    let mut links = BTreeSet::new();
    for &target in &settled.nodes {
        if settled.from != Peers::Clients {
            for peer in (0..settled.count).map(|place| NodeId(place as u16)) {
                if peer != target && (apart || !settled.nodes.contains(&peer)) {
                    between(&mut links, Endpoint::Node(target), Endpoint::Node(peer), settled.direction);
                }
            }
        }
        if settled.from != Peers::Nodes {
            between(&mut links, Endpoint::Node(target), Endpoint::Controller, settled.direction);
        }
    }
    links
}

/// Who the peers of the targets are, in words.
pub(super) fn peers_in_words(names: &Names, settled_nodes: &[NodeId], from: Peers, apart: bool) -> String {
    let others: Vec<NodeId> = (0..names.nodes.len())
        .map(|place| NodeId(place as u16))
        .filter(|node| !settled_nodes.contains(node))
        .collect();
    let nodes = match (others.is_empty(), apart && settled_nodes.len() > 1) {
        (true, _) => "one another".to_owned(),
        (false, true) => "all other nodes".to_owned(),
        (false, false) => names.list(&others),
    };
    match from {
        Peers::Nodes => nodes,
        Peers::Clients => "the clients".into(),
        Peers::Everybody => format!("{nodes} and the clients"),
    }
}
