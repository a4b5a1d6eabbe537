//! The families of faults, as `--faults` names them.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::Error;

/// A kind of fault. Each has a file of its own below `faults`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Family {
    /// Nothing passes between some nodes.
    Partition,
    /// Links that lose, delay, duplicate, reorder, damage or throttle packets.
    Link,
    /// Processes that end at once and are started again.
    Kill,
    /// Processes that are stopped and go on.
    Pause,
    /// Clocks that are wrong.
    Clock,
    /// Links that break and heal again and again.
    Flap,
    /// Nodes that are cut off one by one, and come back in another order.
    Swizzle,
    /// Connections that are reset.
    Reset,
    /// Connections that only one end still believes in.
    HalfOpen,
    /// Processes that are asked to end and started again.
    Terminate,
    /// One node after another is restarted.
    Roll,
    /// Processes that get little processor time.
    Throttle,
    /// Processes that get no more memory.
    Memory,
    /// Processes that can open no more files and connections.
    Files,
    /// Processes that take the time to be another.
    Time,
    /// Clients that crash in mid-call, or come all at once.
    Clients,
    /// Connections of strangers, who say nothing, never finish, or cannot be understood.
    Strangers,
    /// Nodes that leave for good, and fresh ones in their places.
    Replace,
    /// Names of nodes that mean others, or nobody.
    Dns,
    /// One node after another is restarted with another version, and back.
    Upgrade,
    /// Nodes to which the kernel gives no time at all.
    Freeze,
    /// Nodes that end as a whole and start again.
    Reboot,
    /// Machines that lose power: what was not synced is gone.
    #[serde(rename = "power-loss")]
    PowerLoss,
    /// Machines that lose power in the middle of writing.
    #[serde(rename = "torn-write")]
    TornWrite,
    /// Disks on which reading, writing or syncing fails.
    #[serde(rename = "disk-error")]
    DiskError,
    /// Disks that are full.
    #[serde(rename = "disk-full")]
    DiskFull,
    /// Disks that take their time.
    #[serde(rename = "disk-slow")]
    DiskSlow,
    /// Disks that cannot be written to.
    #[serde(rename = "disk-readonly")]
    DiskReadonly,
    /// Disks that say that they have synced, and have not.
    #[serde(rename = "fsync-lies")]
    FsyncLies,
    /// Disks that lose writes.
    #[serde(rename = "lost-write")]
    LostWrite,
    /// Disks that write to the wrong place.
    #[serde(rename = "misdirected-write")]
    MisdirectedWrite,
    /// Disks on which bits turn round.
    #[serde(rename = "bit-flip")]
    BitFlip,
    /// Disks that forget the ends of files.
    #[serde(rename = "truncate")]
    Truncate,
    /// Disks with nothing on them.
    Wipe,
    /// Disks that are again what they were.
    #[serde(rename = "roll-back")]
    RollBack,
}

/// How many families, the last ones, break the promise of disks.
const BETRAYALS: usize = 7;

/// What else people call a family.
const ALIASES: [(&str, Family); 77] = [
    ("links", Family::Link),
    ("packet", Family::Link),
    ("lossy", Family::Link),
    ("loss", Family::Link),
    ("slow", Family::Link),
    ("delay", Family::Link),
    ("duplicate", Family::Link),
    ("duplicating", Family::Link),
    ("reorder", Family::Link),
    ("reordering", Family::Link),
    ("corrupt", Family::Link),
    ("corrupting", Family::Link),
    ("narrow", Family::Link),
    ("bandwidth", Family::Link),
    ("kills", Family::Kill),
    ("crash", Family::Kill),
    ("pauses", Family::Pause),
    ("skew", Family::Clock),
    ("flapping", Family::Flap),
    ("swizzle-clog", Family::Swizzle),
    ("resets", Family::Reset),
    ("rst", Family::Reset),
    ("halfopen", Family::HalfOpen),
    ("stop", Family::Terminate),
    ("sigterm", Family::Terminate),
    ("rolling", Family::Roll),
    ("rolling-restart", Family::Roll),
    ("cpu", Family::Throttle),
    ("oom", Family::Memory),
    ("descriptors", Family::Files),
    ("fds", Family::Files),
    ("load", Family::Clients),
    ("bursts", Family::Clients),
    ("connection-storm", Family::Strangers),
    ("storm", Family::Strangers),
    ("garbage", Family::Strangers),
    ("slow-clients", Family::Strangers),
    ("jump", Family::Time),
    ("strobe", Family::Time),
    ("drift", Family::Time),
    ("freezer", Family::Freeze),
    ("freezing", Family::Freeze),
    ("reboots", Family::Reboot),
    ("member", Family::Replace),
    ("members", Family::Replace),
    ("membership", Family::Replace),
    ("names", Family::Dns),
    ("hosts", Family::Dns),
    ("stale-dns", Family::Dns),
    ("downgrade", Family::Upgrade),
    ("rolling-upgrade", Family::Upgrade),
    ("versions", Family::Upgrade),
    ("power", Family::PowerLoss),
    ("power-failure", Family::PowerLoss),
    ("powerloss", Family::PowerLoss),
    ("torn", Family::TornWrite),
    ("torn-writes", Family::TornWrite),
    ("eio", Family::DiskError),
    ("io-error", Family::DiskError),
    ("enospc", Family::DiskFull),
    ("full", Family::DiskFull),
    ("slow-disk", Family::DiskSlow),
    ("slow-fsync", Family::DiskSlow),
    ("read-only", Family::DiskReadonly),
    ("readonly", Family::DiskReadonly),
    ("erofs", Family::DiskReadonly),
    ("lying-fsync", Family::FsyncLies),
    ("disk-lost-write", Family::LostWrite),
    ("lost-writes", Family::LostWrite),
    ("misdirected-writes", Family::MisdirectedWrite),
    ("bit-flips", Family::BitFlip),
    ("bitrot", Family::BitFlip),
    ("truncation", Family::Truncate),
    ("wipe-and-rejoin", Family::Wipe),
    ("empty-disk", Family::Wipe),
    ("rollback", Family::RollBack),
    ("snapshot", Family::RollBack),
];

impl Family {
    /// All families.
    pub const fn all() -> &'static [Self] {
        &[
            Self::Partition,
            Self::Link,
            Self::Kill,
            Self::Pause,
            Self::Clock,
            Self::Flap,
            Self::Swizzle,
            Self::Reset,
            Self::HalfOpen,
            Self::Terminate,
            Self::Roll,
            Self::Throttle,
            Self::Memory,
            Self::Files,
            Self::Time,
            Self::Clients,
            Self::Strangers,
            Self::Replace,
            Self::Dns,
            Self::Upgrade,
            Self::Freeze,
            Self::Reboot,
            Self::PowerLoss,
            Self::TornWrite,
            Self::DiskError,
            Self::DiskFull,
            Self::DiskSlow,
            Self::DiskReadonly,
            Self::FsyncLies,
            Self::LostWrite,
            Self::MisdirectedWrite,
            Self::BitFlip,
            Self::Truncate,
            Self::Wipe,
            Self::RollBack,
        ]
    }

    /// All families but those with which a disk breaks its own promise.
    pub const fn bearable() -> &'static [Self] {
        Self::all().split_at(Self::all().len() - BETRAYALS).0
    }

    /// The families that a run draws from unless somebody says otherwise.
    pub const fn usual() -> &'static [Self] {
        &[Self::Partition, Self::Link, Self::Kill, Self::Pause, Self::Clock]
    }

    /// The name in `--faults` and in records.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Partition => "partition",
            Self::Link => "link",
            Self::Kill => "kill",
            Self::Pause => "pause",
            Self::Clock => "clock",
            Self::Flap => "flap",
            Self::Swizzle => "swizzle",
            Self::Reset => "reset",
            Self::HalfOpen => "half-open",
            Self::Terminate => "terminate",
            Self::Roll => "roll",
            Self::Throttle => "throttle",
            Self::Memory => "memory",
            Self::Files => "files",
            Self::Time => "time",
            Self::Clients => "clients",
            Self::Strangers => "strangers",
            Self::Replace => "replace",
            Self::Dns => "dns",
            Self::Upgrade => "upgrade",
            Self::Freeze => "freeze",
            Self::Reboot => "reboot",
            Self::PowerLoss => "power-loss",
            Self::TornWrite => "torn-write",
            Self::DiskError => "disk-error",
            Self::DiskFull => "disk-full",
            Self::DiskSlow => "disk-slow",
            Self::DiskReadonly => "disk-readonly",
            Self::FsyncLies => "fsync-lies",
            Self::LostWrite => "lost-write",
            Self::MisdirectedWrite => "misdirected-write",
            Self::BitFlip => "bit-flip",
            Self::Truncate => "truncate",
            Self::Wipe => "wipe",
            Self::RollBack => "roll-back",
        }
    }

    /// What the family does, in one line.
    pub const fn describe(self) -> &'static str {
        match self {
            Self::Partition => "cuts nodes off from one another, both ways or one way, and from clients",
            Self::Link => "makes links lossy, slow, duplicating, reordering, corrupting or narrow",
            Self::Kill => "ends processes as a crash does, and starts them again",
            Self::Pause => "stops processes and lets them go on",
            Self::Clock => "sets the clocks of nodes ahead or back",
            Self::Flap => "cuts nodes off and lets them back, several times a second",
            Self::Swizzle => "cuts nodes off one by one, and lets them back one by one in another order",
            Self::Reset => "resets connections in the middle of what they carry",
            Self::HalfOpen => "restarts a node while nobody hears of its connections' end",
            Self::Terminate => "asks processes to end in their own order, and starts them again",
            Self::Roll => "restarts one node after another, as an upgrade does",
            Self::Throttle => "gives processes only a share of the processor, in short slices",
            Self::Memory => {
                "lets processes have no more memory than they have, and starts those that end of it"
            }
            Self::Files => "lets processes open no more files and connections",
            Self::Time => "has processes take the time for another: jumps, strobes, drifts and stands still",
            Self::Clients => "crashes clients in the middle of their calls, and has calls come in bursts",
            Self::Strangers => {
                "opens connections that say nothing, never finish what they say, or say what means nothing"
            }
            Self::Replace => "has nodes leave for good and fresh ones without data join in their places",
            Self::Dns => "has nodes find others, or nobody, under the names of their peers",
            Self::Upgrade => "restarts one node after another with the other version, and then back",
            Self::Freeze => {
                "freezes all that runs on nodes, by a control group or the container engine, and thaws it"
            }
            Self::Reboot => "ends nodes as a whole, as containers are, and starts them again",
            Self::PowerLoss => {
                "cuts the power of nodes: what was not synced is lost, names and renames with it"
            }
            Self::TornWrite => {
                "cuts the power in the middle of writing: of what was not synced, the first sectors arrive"
            }
            Self::DiskError => "has reads, writes or syncs of disks fail with an input/output error",
            Self::DiskFull => "fills disks up: nothing more fits",
            Self::DiskSlow => "has disks take long to sync, to write or to read",
            Self::DiskReadonly => "has disks refuse every change, as after an error",
            Self::FsyncLies => "has disks say that they synced what they did not, until the power fails",
            Self::LostWrite => "has disks acknowledge writes and drop them",
            Self::MisdirectedWrite => "has disks write to another place of the same file",
            Self::BitFlip => "turns bits round on the disks of nodes that are off",
            Self::Truncate => "cuts off the ends of files on the disks of nodes that are off",
            Self::Wipe => "has nodes come back under their names with nothing on their disks",
            Self::RollBack => "puts the disks of nodes back to what they were a while ago",
        }
    }

    /// Whether it is done to the network rather than to processes.
    pub const fn is_of_network(self) -> bool {
        matches!(self, Self::Partition | Self::Link | Self::Flap | Self::Swizzle | Self::Reset)
    }

    /// Whether it is done to disks of ours. Some of it ends processes as well.
    pub const fn is_of_disks(self) -> bool {
        // What is on a disk can be removed from any.
        self.is_honest_of_disks() || (self.betrays() && !matches!(self, Self::Wipe))
    }

    /// Whether it is done to disks, and disks may do it: a sound database bears it, as far as it promises to.
    const fn is_honest_of_disks(self) -> bool {
        matches!(
            self,
            Self::PowerLoss
                | Self::TornWrite
                | Self::DiskError
                | Self::DiskFull
                | Self::DiskSlow
                | Self::DiskReadonly
        )
    }

    /// Whether a disk breaks its own promise by it, so that it proves something only against a database that promises to
    /// notice.
    pub const fn betrays(self) -> bool {
        matches!(
            self,
            Self::FsyncLies
                | Self::LostWrite
                | Self::MisdirectedWrite
                | Self::BitFlip
                | Self::Truncate
                | Self::Wipe
                | Self::RollBack
        )
    }

    /// Whether it is done to processes, through the database's power over them.
    pub const fn is_of_processes(self) -> bool {
        !self.is_of_network() && !matches!(self, Self::Clock | Self::Time | Self::Clients | Self::Dns)
    }

    /// Whether it is done to nodes as a whole.
    pub const fn is_of_whole_nodes(self) -> bool {
        matches!(self, Self::Freeze | Self::Reboot)
    }

    /// Whether a node does not serve while one of these strikes it.
    pub const fn takes_down(self) -> bool {
        matches!(
            self,
            Self::Kill
                | Self::Pause
                | Self::HalfOpen
                | Self::Terminate
                | Self::Roll
                | Self::Memory
                | Self::Replace
                | Self::Upgrade
                | Self::Freeze
                | Self::Reboot
                | Self::PowerLoss
                | Self::TornWrite
                | Self::DiskError
                | Self::DiskFull
                | Self::DiskReadonly
                | Self::FsyncLies
                | Self::LostWrite
                | Self::MisdirectedWrite
                | Self::BitFlip
                | Self::Truncate
                | Self::Wipe
                | Self::RollBack
        )
    }

    /// Whether its nodes are taken down one after another, so that one is down at a time.
    pub const fn is_in_turn(self) -> bool {
        matches!(self, Self::Roll | Self::Upgrade)
    }

    /// The family of a name.
    pub fn parse(name: &str) -> Result<Self, Error> {
        name.parse()
    }
}

impl fmt::Display for Family {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Family {
    type Err = Error;

    fn from_str(given: &str) -> Result<Self, Error> {
        let lower = given.trim().to_ascii_lowercase();
        let own = Self::all().iter().map(|&family| (family.name(), family));
        let known: Vec<(&'static str, Self)> = own.chain(ALIASES).collect();
        if let Some(&(_, family)) = known.iter().find(|(name, _)| *name == lower) {
            return Ok(family);
        }
        Err(unknown(given, &known.iter().map(|(name, _)| *name).collect::<Vec<_>>()))
    }
}

/// The answer to a name that nothing has.
pub(crate) fn unknown(given: &str, known: &[&'static str]) -> Error {
    let given = given.trim();
    let lower = given.to_ascii_lowercase();
    let nearest = known.iter().min_by_key(|name| distance(name.as_bytes(), lower.as_bytes()));
    let names: Vec<&str> = Family::all().iter().map(|family| family.name()).collect();
    let profiles: Vec<&str> = crate::Profile::all().iter().map(|profile| profile.name).collect();
    Error::UnknownFamily {
        given: given.chars().take(40).collect(),
        nearest: nearest.copied().unwrap_or("partition"),
        known: format!("{}; and the profiles {}", names.join(", "), profiles.join(", ")),
    }
}

/// The other names of the families.
pub(crate) fn aliases() -> impl Iterator<Item = &'static str> {
    ALIASES.iter().map(|(name, _)| *name)
}

/// How many letters must be put in, taken out or changed to make one word the other.
fn distance(a: &[u8], b: &[u8]) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut corner = std::mem::replace(&mut row[0], i + 1);
        for (j, y) in b.iter().enumerate() {
            let changed = corner + usize::from(x != y);
            corner = row[j + 1];
            row[j + 1] = changed.min(corner + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_name_is_answered_with_the_nearest() {
        for (given, nearest) in
            [("partiton", "partition"), ("kil", "kill"), ("clokc", "clock"), ("lossi", "lossy")]
        {
            let error = Family::parse(given).unwrap_err().to_string();
            assert!(error.contains(&format!("`{given}`; did you mean `{nearest}`?")), "{error}");
        }
    }

    #[test]
    fn no_family_that_betrays_is_bearable() {
        for family in Family::all() {
            assert_eq!(Family::bearable().contains(family), !family.betrays(), "{family}");
        }
    }

    #[test]
    fn every_name_is_read_back() {
        for &family in Family::all() {
            assert_eq!(Family::parse(family.name()).unwrap(), family);
        }
    }
}
