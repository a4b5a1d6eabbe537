//! Profiles: families of faults and a pace, under one name.

use serde::{Deserialize, Serialize};

use crate::{Error, Family, family};

/// How hard and how often faults strike.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Pace {
    /// One short and mild fault at a time, with long rests; some periods have none.
    Gentle,
    /// Mixes of faults, each period with another, and rests in which a system recovers.
    #[default]
    Standard,
    /// Longer periods and shorter rests, and never one fault alone where two can go together.
    Harsh,
}

impl Pace {
    /// All paces, the mildest first.
    pub const ALL: [Self; 3] = [Self::Gentle, Self::Standard, Self::Harsh];

    /// Its name in `--pace`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Gentle => "gentle",
            Self::Standard => "standard",
            Self::Harsh => "harsh",
        }
    }
}

/// A name for families that go together, and their pace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Profile {
    /// Its name in `--faults`.
    pub name: &'static str,
    /// What it is for, in one line.
    pub description: &'static str,
    /// What it draws from.
    pub families: &'static [Family],
    /// How hard it strikes.
    pub pace: Pace,
}

const PROFILES: [Profile; 10] = [
    Profile { name: "none", description: "no faults at all", families: &[], pace: Pace::Standard },
    Profile {
        name: "gentle",
        description: "one short, mild fault at a time: what any machine room sees in a week",
        families: &[Family::Partition, Family::Link, Family::Kill, Family::Pause],
        pace: Pace::Gentle,
    },
    Profile {
        name: "standard",
        description: "partitions, bad links, kills, pauses and clocks, drawn anew each period (also `all`)",
        families: Family::usual(),
        pace: Pace::Standard,
    },
    Profile {
        name: "harsh",
        description: "what standard has and restarts, flapping and starved processes, longer and with little rest",
        families: &[
            Family::Partition,
            Family::Link,
            Family::Kill,
            Family::Pause,
            Family::Clock,
            Family::Flap,
            Family::Swizzle,
            Family::Terminate,
            Family::Throttle,
        ],
        pace: Pace::Harsh,
    },
    Profile {
        name: "partitions",
        description: "everything that keeps messages from arriving",
        families: &[Family::Partition, Family::Flap, Family::Swizzle, Family::Reset, Family::HalfOpen],
        pace: Pace::Standard,
    },
    Profile {
        name: "crashes",
        description: "everything that ends, stops or starves processes",
        families: &[
            Family::Kill,
            Family::Pause,
            Family::Terminate,
            Family::Roll,
            Family::Throttle,
            Family::Memory,
            Family::Files,
            Family::Freeze,
            Family::Reboot,
        ],
        pace: Pace::Standard,
    },
    Profile {
        name: "clocks",
        description: "clocks that jump, strobe, drift and stand still while nodes are cut off, paused and killed",
        families: &[Family::Partition, Family::Kill, Family::Pause, Family::Clock, Family::Time],
        pace: Pace::Standard,
    },
    Profile {
        name: "disks",
        description: "what honest disks do: power fails, syncs fail, they are full, slow or read-only; and kills",
        families: &[
            Family::Kill,
            Family::PowerLoss,
            Family::TornWrite,
            Family::DiskError,
            Family::DiskFull,
            Family::DiskSlow,
            Family::DiskReadonly,
        ],
        pace: Pace::Standard,
    },
    Profile {
        name: "bad-disks",
        description: "what no disk may do: syncs that lie, lost and misdirected writes, decay, emptiness, and going back",
        families: &[
            Family::FsyncLies,
            Family::LostWrite,
            Family::MisdirectedWrite,
            Family::BitFlip,
            Family::Truncate,
            Family::Wipe,
            Family::RollBack,
        ],
        pace: Pace::Standard,
    },
    Profile {
        name: "everything",
        description: "every family that a database may be expected to bear, at a harsh pace",
        families: Family::bearable(),
        pace: Pace::Harsh,
    },
];

impl Profile {
    /// All profiles.
    pub const fn all() -> &'static [Self] {
        &PROFILES
    }
}

/// What a list of families and profiles comes to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selection {
    /// The families, in their own order and each once.
    pub families: Vec<Family>,
    /// The hardest pace of its profiles; the standard one where no profile is named.
    pub pace: Pace,
}

impl Selection {
    /// Reads a comma-separated list of families and profiles. `all` is `standard`.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let (mut families, mut pace) = (Vec::new(), None);
        for given in text.split(',').map(str::trim).filter(|name| !name.is_empty()) {
            let name = given.to_ascii_lowercase();
            let name = if name == "all" { "standard" } else { name.as_str() };
            if let Some(profile) = PROFILES.iter().find(|profile| profile.name == name) {
                families.extend_from_slice(profile.families);
                if !profile.families.is_empty() {
                    pace = pace.max(Some(profile.pace));
                }
            } else if let Ok(family) = name.parse() {
                families.push(family);
            } else {
                let own = Family::all().iter().map(|family| family.name());
                let known = own.chain(family::aliases()).chain(PROFILES.iter().map(|profile| profile.name));
                return Err(family::unknown(given, &known.collect::<Vec<_>>()));
            }
        }
        families.sort_unstable();
        families.dedup();
        Ok(Self { families, pace: pace.unwrap_or_default() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn families(text: &str) -> Vec<Family> {
        Selection::parse(text).unwrap().families
    }

    #[test]
    fn lists_are_read_in_any_order_and_once() {
        assert_eq!(families("kill, partition,kill"), [Family::Partition, Family::Kill]);
        assert_eq!(families("all"), Family::usual());
        assert_eq!(families("standard"), Family::usual());
        assert_eq!(families("everything"), Family::bearable());
        assert!(families("everything,bad-disks").iter().eq(Family::all()));
        assert_eq!(families("none"), []);
        assert_eq!(families(""), []);
        assert_eq!(families("lossy,slow"), [Family::Link]);
    }

    #[test]
    fn the_hardest_profile_sets_the_pace_and_single_families_do_not() {
        for (text, pace) in [
            ("kill", Pace::Standard),
            ("none", Pace::Standard),
            ("gentle", Pace::Gentle),
            ("gentle,none", Pace::Gentle),
            ("gentle,kill", Pace::Gentle),
            ("gentle,partitions", Pace::Standard),
            ("crashes,everything", Pace::Harsh),
        ] {
            assert_eq!(Selection::parse(text).unwrap().pace, pace, "{text}");
        }
    }

    #[test]
    fn a_misspelt_profile_is_answered_with_the_nearest() {
        let error = Selection::parse("kill,evrything").unwrap_err().to_string();
        assert!(error.contains("`evrything`; did you mean `everything`?"), "{error}");
    }
}
