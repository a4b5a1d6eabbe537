//! The known mistakes a specimen can be given, each with what it takes to show it.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// One protocol mistake, or none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Disease {
    /// Healthy.
    #[default]
    None,
    /// Every node answers reads from its own copy.
    StaleReadsAnyNode,
    /// A leader answers reads without asking a quorum whether it still leads, and never steps down by itself.
    StaleReadsOldLeader,
    /// Nodes answer reads under leases that they measure on a clock that can be set back.
    StaleReadsLease,
    /// A write is acknowledged as soon as the leader has it in its own log.
    AckBeforeReplication,
    /// The log, the term and the vote reach the disk only every few seconds.
    NoFsync,
    /// Reads see entries of the leader's log that are not committed.
    DirtyReads,
    /// A primary acknowledges before its backups have the write, and backups take over without a quorum.
    AsyncPrimaryBackup,
    /// The write with the latest wall-clock time wins, not the latest write.
    LastWriteWins,
    /// The comparison of a compare-and-set is made before its place in the log is known.
    CasBeforeLog,
    /// A command that was retried inside the system is applied again.
    DuplicateApply,
    /// A node forgets for whom it voted when it restarts.
    ForgottenVote,
    /// What is written reaches the kernel, and the disk when the kernel likes.
    UnsyncedWrites,
    /// A node believes whatever it reads from its disk.
    NoChecksum,
    /// A node takes whoever answers under the name of a peer for that peer.
    TrustsNames,
    /// The new version writes what the old one cannot read.
    UnreadableUpgrade,
    /// A node gives its vote to a candidate that has nothing.
    VotesForEmpty,
    /// A node takes a journal that it cannot open for one that was written.
    IgnoresRefusals,
    /// A node that joins takes part from where the log is, without what came before.
    JoinsHollow,
    /// A leader counts ticks to know for how long it still leads.
    LeaseByTicks,
    /// Sessions are numbered with one byte.
    ShortSessionNumbers,
}

struct Card {
    disease: Disease,
    name: &'static str,
    description: &'static str,
    needs: &'static [&'static str],
    anomaly: &'static str,
}

const CARDS: [Card; 21] = [
    Card {
        disease: Disease::None,
        name: "none",
        description: "healthy: reads by read index, writes acknowledged once a majority has them on disk",
        needs: &[],
        anomaly: "no anomaly",
    },
    Card {
        disease: Disease::StaleReadsAnyNode,
        name: "stale-reads-any-node",
        description: "every node answers reads from its own copy, which lags behind the leader's",
        needs: &[],
        anomaly: "a read returns a value that was overwritten before the read began",
    },
    Card {
        disease: Disease::StaleReadsOldLeader,
        name: "stale-reads-old-leader",
        description: "a leader answers reads without asking a quorum whether it still leads",
        needs: &["partition"],
        anomaly: "a deposed leader that was cut off returns values that were overwritten meanwhile",
    },
    Card {
        disease: Disease::StaleReadsLease,
        name: "stale-reads-lease",
        description: "nodes answer reads under leases that they measure on the wall clock",
        needs: &["clock"],
        anomaly: "a node whose clock was set back returns overwritten values under a lease that has run out",
    },
    Card {
        disease: Disease::AckBeforeReplication,
        name: "ack-before-replication",
        description: "a write or compare-and-set is acknowledged when it is in the leader's log, before any follower has it",
        needs: &["partition"],
        anomaly: "an acknowledged write is lost when another leader takes over",
    },
    Card {
        disease: Disease::NoFsync,
        name: "no-fsync",
        description: "the log, the term and the vote reach the disk only every few seconds",
        needs: &["kill"],
        anomaly: "acknowledged writes are lost when a majority crashes",
    },
    Card {
        disease: Disease::DirtyReads,
        name: "dirty-reads",
        description: "reads see entries of the leader's log that no majority has yet",
        needs: &["partition"],
        anomaly: "a value is read and then un-happens when another leader takes over",
    },
    Card {
        disease: Disease::AsyncPrimaryBackup,
        name: "async-primary-backup",
        description: "a primary acknowledges before its backups have the write, and a backup that misses it takes over alone",
        needs: &["partition"],
        anomaly: "two primaries at once: stale reads, and acknowledged writes of one of them are lost",
    },
    Card {
        disease: Disease::LastWriteWins,
        name: "last-write-wins",
        description: "of two writes the one with the later wall-clock time wins, whichever came later",
        needs: &["clock"],
        anomaly: "an acknowledged write by a node whose clock is behind has no effect",
    },
    Card {
        disease: Disease::CasBeforeLog,
        name: "cas-before-log",
        description: "a compare-and-set compares when it arrives and writes later, at its place in the log",
        needs: &[],
        anomaly: "two compare-and-sets from one value both succeed, or one overwrites a value it was not to",
    },
    Card {
        disease: Disease::DuplicateApply,
        name: "duplicate-apply",
        description: "a command that was retried inside the system is applied once more",
        needs: &["pause", "link", "partition"],
        anomaly: "an overwritten value comes back, or a compare-and-set that swapped is answered as refused",
    },
    Card {
        disease: Disease::ForgottenVote,
        name: "forgotten-vote",
        description: "a node writes down the term that ends and not its vote, and so votes once more when it restarts",
        needs: &["kill"],
        anomaly: "two leaders in one term: acknowledged writes of one of them are lost",
    },
    Card {
        disease: Disease::UnsyncedWrites,
        name: "unsynced-writes",
        description: "everything is written to the journal at once and never synced: it survives a kill",
        needs: &["power-loss"],
        anomaly: "acknowledged writes are lost when a majority loses power",
    },
    Card {
        disease: Disease::NoChecksum,
        name: "no-checksum",
        description: "a node trusts what it reads from its journal, and takes what it cannot read for its end",
        needs: &["bit-flip"],
        anomaly: "values appear that nobody wrote, or acknowledged writes are lost, after a journal decayed",
    },
    Card {
        disease: Disease::TrustsNames,
        name: "trusts-names",
        description: "a node takes whoever answers under the name of a peer for that peer",
        needs: &["dns"],
        anomaly: "acknowledged writes are lost: one node's word was counted as that of several",
    },
    Card {
        disease: Disease::UnreadableUpgrade,
        name: "unreadable-upgrade",
        description: "the new version writes commands that the old one cannot read, and passes over",
        needs: &["upgrade"],
        anomaly: "acknowledged writes are lost where the old version leads, while both run or after going back",
    },
    Card {
        disease: Disease::VotesForEmpty,
        name: "votes-for-empty",
        description: "a node gives its vote to a candidate that has no log at all, as if the cluster were only just beginning",
        needs: &["wipe"],
        anomaly: "all acknowledged writes are lost when a node with an empty disk is elected",
    },
    Card {
        disease: Disease::IgnoresRefusals,
        name: "ignores-refusals",
        description: "a node opens its journal for every write, and takes one that the system refused for one that was written",
        needs: &["files", "disk-error", "disk-readonly"],
        anomaly: "acknowledged writes are lost by a restart after the disks of a majority took nothing",
    },
    Card {
        disease: Disease::JoinsHollow,
        name: "joins-hollow",
        description: "a node that joins takes part from where the log is, without the state that came before",
        needs: &["replace"],
        anomaly: "acknowledged writes from before a node joined are lost when it leads",
    },
    Card {
        disease: Disease::LeaseByTicks,
        name: "lease-by-ticks",
        description: "a leader answers reads for some ticks after it heard a majority, and counts them rather than look at a clock",
        needs: &["throttle", "pause"],
        anomaly: "a deposed leader that gets little of the processor returns values that were overwritten meanwhile",
    },
    Card {
        disease: Disease::ShortSessionNumbers,
        name: "short-session-numbers",
        description: "a node numbers the sessions of its clients with one byte",
        needs: &["strangers", "kill"],
        anomaly: "a session is taken for an earlier one: its writes are acknowledged as repetitions and not carried out",
    },
];

impl Disease {
    /// The healthy form and every disease.
    pub fn all() -> &'static [Self] {
        const ALL: [Disease; CARDS.len()] = {
            let mut all = [Disease::None; CARDS.len()];
            let mut place = 0;
            while place < CARDS.len() {
                all[place] = CARDS[place].disease;
                place += 1;
            }
            all
        };
        &ALL
    }

    /// Whether only faults of real nodes show it that have to be asked for by name: neither a simulation nor a plan of the
    /// usual families has them.
    pub fn needs_special_faults(self) -> bool {
        matches!(
            self,
            Self::UnsyncedWrites
                | Self::NoChecksum
                | Self::TrustsNames
                | Self::UnreadableUpgrade
                | Self::VotesForEmpty
                | Self::IgnoresRefusals
                | Self::JoinsHollow
                | Self::LeaseByTicks
                | Self::ShortSessionNumbers
        )
    }

    fn card(self) -> &'static Card {
        &CARDS[self as usize]
    }

    /// Its name on the command line: `stale-reads-lease`, or `none`.
    pub fn name(self) -> &'static str {
        self.card().name
    }

    /// The mistake in one line.
    pub fn describe(self) -> &'static str {
        self.card().description
    }

    /// The fault families of which one must strike before it shows; empty when it shows without faults.
    pub fn needs(self) -> &'static [&'static str] {
        self.card().needs
    }

    /// What a client sees of it, in one line.
    pub fn anomaly(self) -> &'static str {
        self.card().anomaly
    }
}

impl fmt::Display for Disease {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// A name that is no disease.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no disease is called {name:?}; the diseases are {}", all_names())]
pub struct UnknownDisease {
    /// What was asked for.
    pub name: String,
}

fn all_names() -> String {
    Disease::all().iter().map(|disease| disease.name()).collect::<Vec<_>>().join(", ")
}

impl FromStr for Disease {
    type Err = UnknownDisease;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Self::all()
            .iter()
            .copied()
            .find(|disease| disease.name() == name)
            .ok_or_else(|| UnknownDisease { name: name.into() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lead_back_to_their_disease() {
        for &disease in Disease::all() {
            assert_eq!(disease.card().disease, disease, "the cards stand in the order of the diseases");
            assert_eq!(disease.name().parse(), Ok(disease));
            let written = serde_json::to_string(&disease).expect("a disease is a plain name");
            assert_eq!(written, format!("\"{}\"", disease.name()));
        }
        assert!("measles".parse::<Disease>().is_err());
    }
}
