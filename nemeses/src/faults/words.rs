//! How faults and their evidence are put into words.

use cluster::{DaemonState, Endpoint, Life, Version};
use history::NodeId;

use super::{Allowance, Meaning, Probe};

/// The names of the nodes, and which of them was struck because it leads.
#[derive(Clone, Debug, Default)]
pub struct Names {
    /// The names, by id.
    pub nodes: Vec<String>,
    /// The node that was chosen because it leads.
    pub leader: Option<NodeId>,
}

impl Names {
    /// The name of a node.
    pub fn plain(&self, node: NodeId) -> &str {
        self.nodes.get(usize::from(node.0)).map_or("a node that is not there", String::as_str)
    }

    /// The name of a node, with its role where it was chosen for that.
    pub fn one(&self, node: NodeId) -> String {
        let role = if self.leader == Some(node) { " (leader)" } else { "" };
        format!("{}{role}", self.plain(node))
    }

    /// The names of several nodes.
    pub fn list(&self, nodes: &[NodeId]) -> String {
        let names: Vec<String> = nodes.iter().map(|&node| self.one(node)).collect();
        names.join(", ")
    }

    /// The name of an end of a link.
    pub fn end(&self, end: Endpoint) -> &str {
        match end {
            Endpoint::Controller => "the clients",
            Endpoint::Node(node) => self.plain(node),
        }
    }
}

/// A number of packets.
pub(super) fn packets(count: u64) -> String {
    if count == 1 { "1 packet".into() } else { format!("{count} packets") }
}

/// A length of time in milliseconds, in the unit that reads best.
pub(super) fn milliseconds(count: u64) -> String {
    if count < 1000 { format!("{count} ms") } else { format!("{} s", count as f64 / 1000.0) }
}

/// A share in per cent.
pub(super) fn percent(share: f64) -> String {
    format!("{} %", (share * 1000.0).round() / 10.0)
}

/// A process.
pub(super) fn state(state: DaemonState) -> String {
    match state {
        DaemonState::Running { pid } => format!("runs as process {pid}"),
        DaemonState::Stopped { pid } => format!("is stopped as process {pid}"),
        DaemonState::Exited { code } => format!("has ended with code {code}"),
        DaemonState::Absent => "has no process".into(),
    }
}

/// A node as a whole.
fn life(life: Life) -> &'static str {
    match life {
        Life::Running => "runs",
        Life::Frozen => "is frozen",
        Life::Off => "has no process at all",
    }
}

/// A clock.
pub(super) fn offset(milliseconds_ahead: i64) -> String {
    match milliseconds_ahead {
        0 => "right".into(),
        ahead if ahead > 0 => format!("{} ahead", milliseconds(ahead.unsigned_abs())),
        back => format!("{} back", milliseconds(back.unsigned_abs())),
    }
}

/// What names mean on nodes.
fn meanings(names: &Names, nodes: &[(NodeId, Vec<Meaning>)]) -> Vec<String> {
    let all = nodes.iter().flat_map(|(node, meanings)| meanings.iter().map(move |meaning| (node, meaning)));
    all.map(|(node, Meaning { name, address, .. })| match address {
        Some(address) => format!("{name} is {address} for {}", names.plain(*node)),
        None => format!("{name} is nobody for {}", names.plain(*node)),
    })
    .collect()
}

/// Which versions nodes run.
fn versions(names: &Names, nodes: &[(NodeId, Option<Version>)]) -> Vec<String> {
    let what = |version: &Option<Version>| match version {
        Some(Version::Old) => "runs the old version",
        Some(Version::New) => "runs the new version",
        None => "does not say what it runs",
    };
    nodes.iter().map(|(node, version)| format!("{} {}", names.plain(*node), what(version))).collect()
}

/// One look.
pub(super) fn probe(names: &Names, probe: &Probe) -> String {
    let parts: Vec<String> = match probe {
        Probe::Links(links) => {
            let passed: u64 = links.values().map(|counters| counters.passed).sum();
            return format!("{} had passed on its {} links", packets(passed), links.len());
        }
        Probe::Processes(states) => {
            states.iter().map(|(node, now)| format!("{} {}", names.plain(*node), state(*now))).collect()
        }
        Probe::Offsets(offsets) => offsets
            .iter()
            .map(|(node, now)| match now {
                Some(now) => format!("the clock of {} is {}", names.plain(*node), offset(*now)),
                None => format!("{} cannot say what its clock is", names.plain(*node)),
            })
            .collect(),
        Probe::Errors(nodes) => nodes
            .iter()
            .map(|(node, errors)| {
                match errors.iter().map(|(_, error)| error / 1_000_000).max_by_key(|e| e.abs()) {
                    Some(error) => format!("the time is {} for {}", offset(error), names.plain(*node)),
                    None => format!("{} has no process that takes the time", names.plain(*node)),
                }
            })
            .collect(),
        Probe::Clients(counts) => {
            counts.iter().map(|(node, count)| format!("{count} so far at {}", names.plain(*node))).collect()
        }
        Probe::Members(nodes) => nodes
            .iter()
            .map(|(node, is_member)| {
                let what = if *is_member { "is a member" } else { "is no member any more" };
                format!("{} {what}", names.plain(*node))
            })
            .collect(),
        Probe::Names(nodes) => meanings(names, nodes),
        Probe::Versions(nodes) => versions(names, nodes),
        Probe::Disks(disks) => disks
            .iter()
            .map(|(node, now)| match now {
                Some(struck) => format!(
                    "{} of {} operations were struck on {}",
                    struck.struck,
                    struck.met,
                    names.plain(*node)
                ),
                None => format!("nothing is wrong with the disk of {}", names.plain(*node)),
            })
            .collect(),
        Probe::Lives(lives) => {
            lives.iter().map(|(node, now)| format!("{} {}", names.plain(*node), life(*now))).collect()
        }
        Probe::Squeezed(all) => all
            .iter()
            .map(|(node, now)| match now {
                Some(squeeze) => format!("{} is kept short by {}", names.plain(*node), squeeze.by),
                None => format!("no control group keeps anything from {}", names.plain(*node)),
            })
            .collect(),
        Probe::Limits(limits) => limits
            .iter()
            .map(|(node, now)| match now {
                Allowance::Usual => format!("{} is not limited", names.plain(*node)),
                Allowance::Limited(most) => format!("{} is limited to {most}", names.plain(*node)),
                Allowance::Ended(ended) => format!("{} {}", names.plain(*node), state(*ended)),
            })
            .collect(),
    };
    parts.join(", ")
}
