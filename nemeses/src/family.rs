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
}

/// What else people call a family.
const ALIASES: [(&str, Family); 20] = [
    ("partitions", Family::Partition),
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
    ("clocks", Family::Clock),
    ("skew", Family::Clock),
];

impl Family {
    /// All families.
    pub const fn all() -> &'static [Self] {
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
        }
    }

    /// The family of a name.
    pub fn parse(name: &str) -> Result<Self, Error> {
        name.parse()
    }

    /// The families of a comma-separated list, in their own order and each once. `all` is all of them, `none` and
    /// nothing are none.
    pub fn parse_list(text: &str) -> Result<Vec<Self>, Error> {
        let mut families = Vec::new();
        for name in text.split(',').map(str::trim).filter(|name| !name.is_empty()) {
            match name {
                "all" => families.extend_from_slice(Self::all()),
                "none" => {}
                _ => families.push(name.parse()?),
            }
        }
        families.sort_unstable();
        families.dedup();
        Ok(families)
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
        let known: Vec<(&str, Self)> = own.chain(ALIASES).collect();
        if let Some(&(_, family)) = known.iter().find(|(name, _)| *name == lower) {
            return Ok(family);
        }
        let nearest = known.iter().min_by_key(|(name, _)| distance(name.as_bytes(), lower.as_bytes()));
        let names: Vec<&str> = Self::all().iter().map(|family| family.name()).collect();
        Err(Error::UnknownFamily {
            given: given.trim().chars().take(40).collect(),
            nearest: nearest.map_or("partition", |(_, family)| family.name()),
            known: format!("{}; all and none", names.join(", ")),
        })
    }
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
    fn lists_are_read_in_any_order_and_once() {
        assert_eq!(Family::parse_list("kill, partition,kill").unwrap(), [Family::Partition, Family::Kill]);
        assert_eq!(Family::parse_list("all").unwrap(), Family::all());
        assert_eq!(Family::parse_list("none").unwrap(), []);
        assert_eq!(Family::parse_list("").unwrap(), []);
        assert_eq!(Family::parse_list("lossy,slow").unwrap(), [Family::Link]);
    }

    #[test]
    fn a_wrong_name_is_answered_with_the_nearest() {
        for (given, nearest) in
            [("partiton", "partition"), ("kil", "kill"), ("clokc", "clock"), ("lossi", "link")]
        {
            let error = Family::parse(given).unwrap_err().to_string();
            assert!(error.contains(&format!("`{given}`; did you mean `{nearest}`?")), "{error}");
        }
    }

    #[test]
    fn every_name_is_read_back() {
        for &family in Family::all() {
            assert_eq!(Family::parse(family.name()).unwrap(), family);
        }
    }
}
