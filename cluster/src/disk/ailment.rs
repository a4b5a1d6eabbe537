//! What can be wrong with a disk that is in use.

use std::{collections::BTreeMap, time::Duration};

use serde::{Deserialize, Serialize};

use crate::LayerId;

/// What is done with a file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Operation {
    /// It is read.
    Read,
    /// It is written, made longer, or cut.
    Write,
    /// It is asked to be kept, as `fsync` and `fdatasync` do.
    #[default]
    #[serde(alias = "fsync")]
    Sync,
}

/// What is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Trouble {
    /// An operation fails as one on a broken medium does (`EIO`).
    Broken(Operation),
    /// Nothing more fits (`ENOSPC`); what is there may be written over.
    Full,
    /// An operation takes so many milliseconds longer.
    Slow(Operation, u64),
    /// Nothing may be changed (`EROFS`).
    ReadOnly,
    /// What is asked to be kept is said to be, and is not.
    Lies,
    /// What is written is said to be, and is not; only its length is.
    LosesWrites,
    /// What is written comes to lie elsewhere in its file.
    MisdirectsWrites,
}

/// Something that is wrong with a disk, and where.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ailment {
    /// What is wrong.
    pub trouble: Trouble,
    /// Which operations it strikes.
    pub strikes: Strikes,
}

/// Which operations of the kind are struck.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Strikes {
    /// Only those on files whose path below the data folder matches; `*` stands for any letters, `/` among them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// Of those one in so many.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub every: Option<u64>,
    /// Of those only this one, from 1 on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nth: Option<u64>,
}

impl Strikes {
    /// What is wrong with it, if anything is.
    pub fn doubt(&self) -> Option<String> {
        match (self.every, self.nth) {
            (Some(_), Some(_)) => {
                Some("operations are struck `every` so often, or only the `nth` is: not both".into())
            }
            (Some(0), _) | (_, Some(0)) => Some("operations are counted from 1 on".into()),
            _ if self.path.as_ref().is_some_and(String::is_empty) => {
                Some("no file has an empty path; leave `path` out for all files".into())
            }
            _ => None,
        }
    }

    fn chooses(&self, met: u64) -> bool {
        self.every.is_none_or(|every| met.is_multiple_of(every)) && self.nth.is_none_or(|nth| met == nth)
    }
}

/// Whether a path matches a pattern in which `*` stands for any letters.
pub fn matches(pattern: &str, path: &str) -> bool {
    let (pattern, path) = (pattern.as_bytes(), path.as_bytes());
    let (mut at, mut in_path) = (0, 0);
    // Where to go on when the last star takes one letter more.
    let mut star: Option<(usize, usize)> = None;
    while in_path < path.len() {
        if pattern.get(at) == Some(&b'*') {
            star = Some((at, in_path));
            at += 1;
        } else if pattern.get(at) == Some(&path[in_path]) {
            (at, in_path) = (at + 1, in_path + 1);
        } else if let Some((place, taken)) = star {
            star = Some((place, taken + 1));
            (at, in_path) = (place + 1, taken + 1);
        } else {
            return false;
        }
    }
    pattern[at..].iter().all(|byte| *byte == b'*')
}

/// How often an ailment met an operation of its kind, and how often it struck.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Struck {
    /// Operations of its kind, on its files.
    pub met: u64,
    /// Those that it struck.
    pub struck: u64,
}

/// What becomes of an operation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Fate {
    /// It takes so much longer.
    pub delay: Duration,
    /// It fails with this error.
    pub error: Option<i32>,
    /// It is said to have been done, and is not.
    pub lie: bool,
    /// It is done elsewhere.
    pub astray: bool,
}

/// What an operation asks of a disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asked {
    Read,
    Overwrite,
    /// It needs room that is not taken yet.
    Grow,
    /// Names and permissions.
    Rearrange,
    Sync,
}

/// Everything that is wrong with a disk.
#[derive(Debug, Default)]
pub(super) struct Ailments {
    active: BTreeMap<LayerId, (Ailment, Struck)>,
}

impl Ailments {
    pub(super) fn impose(&mut self, layer: LayerId, ailment: Ailment) {
        self.active.insert(layer, (ailment, Struck::default()));
    }

    pub(super) fn lift(&mut self, layer: LayerId) {
        self.active.remove(&layer);
    }

    pub(super) fn struck(&self, layer: LayerId) -> Option<Struck> {
        self.active.get(&layer).map(|(_, struck)| *struck)
    }

    /// What becomes of an operation on a file of this path.
    pub(super) fn meet(&mut self, asked: Asked, path: impl Fn() -> String) -> Fate {
        let mut fate = Fate::default();
        for (ailment, count) in self.active.values_mut() {
            let concerned = ailment.trouble.concerns(asked)
                && ailment.strikes.path.as_ref().is_none_or(|pattern| matches(pattern, &path()));
            if !concerned {
                continue;
            }
            count.met += 1;
            if ailment.strikes.chooses(count.met) {
                count.struck += 1;
                ailment.trouble.add_to(&mut fate);
            }
        }
        fate
    }
}

impl Trouble {
    fn concerns(self, asked: Asked) -> bool {
        match self {
            Self::Broken(operation) | Self::Slow(operation, _) => match operation {
                Operation::Read => asked == Asked::Read,
                Operation::Write => matches!(asked, Asked::Overwrite | Asked::Grow),
                Operation::Sync => asked == Asked::Sync,
            },
            Self::Full => asked == Asked::Grow,
            Self::ReadOnly => asked != Asked::Read,
            Self::Lies => asked == Asked::Sync,
            Self::LosesWrites | Self::MisdirectsWrites => matches!(asked, Asked::Overwrite | Asked::Grow),
        }
    }

    fn add_to(self, fate: &mut Fate) {
        match self {
            Self::Broken(_) => fate.error = fate.error.or(Some(libc::EIO)),
            Self::Full => fate.error = fate.error.or(Some(libc::ENOSPC)),
            Self::ReadOnly => fate.error = fate.error.or(Some(libc::EROFS)),
            Self::Slow(_, milliseconds) => fate.delay += Duration::from_millis(milliseconds),
            Self::Lies | Self::LosesWrites => fate.lie = true,
            Self::MisdirectsWrites => fate.astray = true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_stand_for_any_letters() {
        for (pattern, path, expected) in [
            ("*", "a/b", true),
            ("*.log", "wal/7.log", true),
            ("*.log", "wal/7.log.old", false),
            ("wal/*", "wal/7", true),
            ("wal/*", "data/wal", false),
            ("a*b*c", "a-b-b-c", true),
            ("a*b*c", "a-c-b", false),
            ("journal", "journal", true),
            ("", "", true),
            ("**", "", true),
        ] {
            assert_eq!(matches(pattern, path), expected, "{pattern} on {path}");
        }
    }

    #[test]
    fn the_operations_that_are_chosen_are_struck_and_all_are_counted() {
        let mut ailments = Ailments::default();
        let strikes = Strikes { path: Some("wal*".into()), every: Some(3), nth: None };
        let trouble = Trouble::Broken(Operation::Write);
        ailments.impose(LayerId(1), Ailment { trouble, strikes });
        let fates: Vec<bool> =
            (0..7).map(|_| ailments.meet(Asked::Grow, || "wal-1".into()).error.is_some()).collect();
        assert_eq!(fates, [false, false, true, false, false, true, false]);
        assert_eq!(ailments.meet(Asked::Grow, || "data".into()), Fate::default());
        assert_eq!(ailments.meet(Asked::Sync, || "wal-1".into()), Fate::default());
        assert_eq!(ailments.struck(LayerId(1)), Some(Struck { met: 7, struck: 2 }));
        ailments.lift(LayerId(1));
        assert_eq!(ailments.struck(LayerId(1)), None);
    }

    #[test]
    fn a_full_disk_can_be_written_over_and_a_read_only_one_can_only_be_read() {
        for (trouble, refused) in [
            (Trouble::Full, [false, false, true, false, false]),
            (Trouble::ReadOnly, [false, true, true, true, true]),
        ] {
            let mut ailments = Ailments::default();
            ailments.impose(LayerId(0), Ailment { trouble, strikes: Strikes::default() });
            let asked = [Asked::Read, Asked::Overwrite, Asked::Grow, Asked::Rearrange, Asked::Sync];
            let fates = asked.map(|asked| ailments.meet(asked, String::new).error.is_some());
            assert_eq!(fates, refused, "{trouble:?}");
        }
    }
}
