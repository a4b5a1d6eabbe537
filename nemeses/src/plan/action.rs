//! What a fault does, with its parameters.

use cluster::{
    Skew,
    disk::{Operation, Strikes},
    network::Distribution,
};
use serde::{Deserialize, Serialize};

use super::{Answer, Conduct, Shape, is_default};
use crate::Family;

/// The largest offset of a clock, in milliseconds: a hundred years.
const OFFSET_MAX: i64 = 100 * 366 * 24 * 3600 * 1000;

/// What a fault does, with its parameters.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Action {
    /// Nothing passes.
    Partition {
        /// Between whom.
        shape: Shape,
    },
    /// Links lose packets.
    Lossy {
        /// The share that is lost, 0 to 1.
        share: f64,
    },
    /// Links deliver late.
    Slow {
        /// How late.
        delay_ms: u64,
        /// How much that varies.
        #[serde(default)]
        jitter_ms: u64,
        /// How it varies.
        #[serde(default)]
        distribution: Distribution,
    },
    /// Links deliver packets twice.
    Duplicating {
        /// The share that arrives twice, 0 to 1.
        share: f64,
    },
    /// Links let later packets overtake earlier ones.
    Reordering {
        /// The share that is overtaken, 0 to 1.
        share: f64,
    },
    /// Links flip bits.
    Corrupting {
        /// The share that is damaged, 0 to 1.
        share: f64,
        /// With a correct checksum, so that the program sees the damage; else it comes to the same as loss.
        #[serde(default)]
        past_checksum: bool,
    },
    /// Links carry little.
    Narrow {
        /// The most bits per second.
        bits_per_second: u64,
    },
    /// Processes end at once, and are started again in the end.
    Kill,
    /// Processes stop, and go on in the end.
    Pause,
    /// Clocks are wrong.
    Clock {
        /// How far ahead they are; negative is back.
        offset_ms: i64,
    },
    /// Links break and heal again and again.
    Flapping {
        /// Between whom.
        shape: Shape,
        /// How long nothing passes.
        down_ms: u64,
        /// How long everything passes then.
        up_ms: u64,
    },
    /// The targets are cut off one by one, and come back one by one in another order.
    Swizzle {
        /// How long from one to the next.
        step_ms: u64,
    },
    /// TCP segments arrive as the end of their connection.
    Resetting {
        /// The share of them, 0 to 1.
        share: f64,
    },
    /// Processes end and start again at once, and nobody hears of the end of their connections.
    HalfOpen,
    /// Processes are asked to end, and are started again in the end.
    Terminate,
    /// One target after another is asked to end and started again.
    Roll {
        /// How long each is down.
        down_ms: u64,
        /// How long from one's start to the next one's end.
        gap_ms: u64,
    },
    /// Processes run for short slices of time only.
    Throttle {
        /// The share of time in which they run, 0 to 1.
        share: f64,
    },
    /// Processes get no more memory; they are started again if they end of it.
    Memory {
        /// How much more than they have, in MiB.
        spare_mib: u64,
    },
    /// Processes can open no more files and connections.
    Files {
        /// How many more than they have.
        spare: u64,
    },
    /// One target after another is asked to end and started again with the other version; in the end all go back in turn.
    Upgrade {
        /// How long each is down.
        down_ms: u64,
        /// How long from one's start to the next one's end.
        gap_ms: u64,
    },
    /// Clients crash in the middle of their calls.
    ClientCrash {
        /// How many of each target's at a time.
        count: usize,
    },
    /// Calls wait, and then come all at once.
    Burst {
        /// How long they wait.
        hold_ms: u64,
    },
    /// Strangers open connections.
    Strangers {
        /// What they do with them.
        #[serde(default)]
        conduct: Conduct,
        /// How many at each target at a time.
        count: usize,
    },
    /// Nodes leave for good, and fresh ones without data join in their places in the end.
    Replace,
    /// On the targets, the names of their peers mean something else.
    Dns {
        /// What they mean.
        #[serde(default)]
        answer: Answer,
    },
    /// Nodes as a whole get no time, and go on in the end.
    Freeze,
    /// Nodes as a whole end, and are started in the end.
    Reboot,
    /// Processes take the time to be another.
    Time(Skew),
    /// The power fails: processes end, and what was not synced is gone. They are started again in the end.
    PowerLoss,
    /// The power fails in the middle of writing: of each file, the first sectors of what was not synced arrived.
    TornWrite {
        /// Decides how many.
        #[serde(default)]
        seed: u64,
    },
    /// Operations of disks fail.
    DiskError {
        /// Which.
        #[serde(default)]
        on: Operation,
        /// Which of those.
        #[serde(default, skip_serializing_if = "is_default")]
        strikes: Strikes,
    },
    /// Nothing more fits on disks.
    DiskFull {
        /// Which operations are refused.
        #[serde(default, skip_serializing_if = "is_default")]
        strikes: Strikes,
    },
    /// Operations of disks take longer.
    DiskSlow {
        /// Which.
        #[serde(default)]
        on: Operation,
        /// How much longer.
        delay_ms: u64,
        /// Which of those.
        #[serde(default, skip_serializing_if = "is_default")]
        strikes: Strikes,
    },
    /// Disks refuse every change.
    DiskReadonly,
    /// Disks say that they have synced, and have not. It ends in a power failure.
    FsyncLies {
        /// Which syncs.
        #[serde(default, skip_serializing_if = "is_default")]
        strikes: Strikes,
    },
    /// Disks acknowledge writes and drop them. It ends in a power failure.
    LostWrite {
        /// Which writes.
        #[serde(default, skip_serializing_if = "is_default")]
        strikes: Strikes,
    },
    /// Disks write to another place of the same file. It ends in a power failure.
    MisdirectedWrite {
        /// Which writes.
        #[serde(default, skip_serializing_if = "is_default")]
        strikes: Strikes,
    },
    /// Processes end, and bits turn round on their disks before they are started again.
    BitFlip {
        /// How many.
        count: u64,
        /// In which files: `*` stands for any letters.
        #[serde(default, skip_serializing_if = "is_default")]
        path: Option<String>,
        /// Decides where.
        #[serde(default)]
        seed: u64,
    },
    /// Processes end, and a file on their disk loses its end before they are started again.
    Truncate {
        /// At most how many bytes.
        bytes: u64,
        /// Of which files: `*` stands for any letters.
        #[serde(default, skip_serializing_if = "is_default")]
        path: Option<String>,
        /// Decides of which.
        #[serde(default)]
        seed: u64,
    },
    /// Processes end, and start again in the end with nothing on their disks.
    Wipe,
    /// Disks are in the end what they were in the beginning; processes end for that, and are started again.
    RollBack,
}

impl Action {
    /// The family it belongs to.
    pub fn family(&self) -> Family {
        match self {
            Self::Partition { .. } => Family::Partition,
            Self::Lossy { .. }
            | Self::Slow { .. }
            | Self::Duplicating { .. }
            | Self::Reordering { .. }
            | Self::Corrupting { .. }
            | Self::Narrow { .. } => Family::Link,
            Self::Kill => Family::Kill,
            Self::Pause => Family::Pause,
            Self::Clock { .. } => Family::Clock,
            Self::Flapping { .. } => Family::Flap,
            Self::Swizzle { .. } => Family::Swizzle,
            Self::Resetting { .. } => Family::Reset,
            Self::HalfOpen => Family::HalfOpen,
            Self::Terminate => Family::Terminate,
            Self::Roll { .. } => Family::Roll,
            Self::Throttle { .. } => Family::Throttle,
            Self::Memory { .. } => Family::Memory,
            Self::Files { .. } => Family::Files,
            Self::Freeze => Family::Freeze,
            Self::Reboot => Family::Reboot,
            Self::Time(_) => Family::Time,
            Self::Strangers { .. } => Family::Strangers,
            Self::Replace => Family::Replace,
            Self::Dns { .. } => Family::Dns,
            Self::Upgrade { .. } => Family::Upgrade,
            Self::ClientCrash { .. } | Self::Burst { .. } => Family::Clients,
            Self::PowerLoss => Family::PowerLoss,
            Self::TornWrite { .. } => Family::TornWrite,
            Self::DiskError { .. } => Family::DiskError,
            Self::DiskFull { .. } => Family::DiskFull,
            Self::DiskSlow { .. } => Family::DiskSlow,
            Self::DiskReadonly => Family::DiskReadonly,
            Self::FsyncLies { .. } => Family::FsyncLies,
            Self::LostWrite { .. } => Family::LostWrite,
            Self::MisdirectedWrite { .. } => Family::MisdirectedWrite,
            Self::BitFlip { .. } => Family::BitFlip,
            Self::Truncate { .. } => Family::Truncate,
            Self::Wipe => Family::Wipe,
            Self::RollBack => Family::RollBack,
        }
    }

    /// What is wrong with its parameters, if anything is.
    pub(super) fn doubt(&self) -> Option<String> {
        match self {
            Self::Lossy { share }
            | Self::Duplicating { share }
            | Self::Reordering { share }
            | Self::Corrupting { share, .. }
            | Self::Resetting { share }
                if !(share.is_finite() && *share > 0.0 && *share <= 1.0) =>
            {
                Some(format!("a share is more than 0 and at most 1, and not {share}"))
            }
            Self::Slow { delay_ms, jitter_ms, .. } if *delay_ms > 3_600_000 || *jitter_ms > 3_600_000 => {
                Some("a delay is at most an hour".into())
            }
            Self::Narrow { bits_per_second: 0 } => {
                Some("a bandwidth is more than 0; use a partition for 0".into())
            }
            Self::Clock { offset_ms } if offset_ms.unsigned_abs() > OFFSET_MAX.unsigned_abs() => {
                Some("the offset of a clock is at most a hundred years".into())
            }
            Self::Throttle { share } if !(share.is_finite() && (0.01..=0.99).contains(share)) => {
                Some(format!("processes run for a share of time from 0.01 to 0.99, and not {share}"))
            }
            Self::Flapping { down_ms, up_ms, .. } if !(in_steps(*down_ms) && in_steps(*up_ms)) => {
                Some("a flapping link is down and up for 20 ms to an hour each".into())
            }
            Self::Swizzle { step_ms } if !in_steps(*step_ms) => {
                Some("a swizzle goes on from node to node after 20 ms to an hour".into())
            }
            Self::Roll { down_ms, gap_ms } | Self::Upgrade { down_ms, gap_ms }
                if *down_ms > STEP_MAX_MS || *gap_ms > STEP_MAX_MS =>
            {
                Some("a rolling restart waits for at most an hour".into())
            }
            Self::Memory { spare_mib } if *spare_mib > 1 << 30 => {
                Some("memory to spare is at most an exbibyte".into())
            }
            Self::ClientCrash { count } if !(1..=100_000).contains(count) => {
                Some("of a node's clients, 1 to 100000 crash at a time".into())
            }
            Self::Strangers { count, .. } if !(1..=1_000).contains(count) => {
                Some("of strangers, 1 to 1000 come to a node at a time".into())
            }
            Self::Burst { hold_ms } if !in_steps(*hold_ms) => {
                Some("calls are kept back for 20 ms to an hour".into())
            }
            Self::Time(skew) => skew.doubt(),
            other => other.doubt_of_disks(),
        }
    }

    fn doubt_of_disks(&self) -> Option<String> {
        match self {
            Self::DiskSlow { delay_ms, .. } if *delay_ms > SLOW_MAX_MS => {
                Some("a disk is slow by at most a minute".into())
            }
            Self::DiskError { strikes, .. }
            | Self::DiskFull { strikes }
            | Self::DiskSlow { strikes, .. }
            | Self::FsyncLies { strikes }
            | Self::LostWrite { strikes }
            | Self::MisdirectedWrite { strikes } => strikes.doubt(),
            Self::BitFlip { count, .. } if !(1..=1_000_000).contains(count) => {
                Some("of a disk, 1 to 1000000 bits turn round at a time".into())
            }
            Self::Truncate { bytes: 0, .. } => Some("a file loses at least one byte".into()),
            _ => None,
        }
    }
}

/// The longest that a disk takes longer.
const SLOW_MAX_MS: u64 = 60_000;

/// The longest step of a fault that has steps.
const STEP_MAX_MS: u64 = 3_600_000;

/// Whether a step is long enough to be taken and short enough to be meant.
fn in_steps(milliseconds: u64) -> bool {
    (20..=STEP_MAX_MS).contains(&milliseconds)
}
