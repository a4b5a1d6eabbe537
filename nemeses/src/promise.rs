//! What the database was promised: how many of its nodes are down at once at most.
//!
//! A fault outside of what a database promises to bear proves nothing against it. What counts as down is a node whose
//! processes were ended, asked to end, stopped, or left without memory by us ([`Family::takes_down`](crate::Family)); a
//! node that is cut off still runs, and no promise of safety excludes it.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// The most nodes that faults may take down at once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MaxDown {
    /// All of them.
    #[default]
    Any,
    /// Fewer than half of them.
    Minority,
    /// So many.
    Nodes(u16),
}

impl MaxDown {
    /// How many of so many nodes that is.
    pub fn of(self, nodes: usize) -> usize {
        match self {
            Self::Any => nodes,
            Self::Minority => nodes.saturating_sub(1) / 2,
            Self::Nodes(most) => usize::from(most).min(nodes),
        }
    }
}

impl fmt::Display for MaxDown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Any => f.write_str("any"),
            Self::Minority => f.write_str("minority"),
            Self::Nodes(most) => most.fmt(f),
        }
    }
}

impl FromStr for MaxDown {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.trim() {
            "any" | "all" => Ok(Self::Any),
            "minority" => Ok(Self::Minority),
            number => number
                .parse()
                .map(Self::Nodes)
                .map_err(|_| format!("`{text}` is not any, minority, or a number of nodes")),
        }
    }
}

impl Serialize for MaxDown {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for MaxDown {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_minority_leaves_a_majority_for_every_size() {
        for nodes in 1..100 {
            let down = MaxDown::Minority.of(nodes);
            assert!((nodes - down) * 2 > nodes && (nodes - down - 1) * 2 <= nodes, "{nodes}: {down}");
        }
        assert_eq!((MaxDown::Any.of(5), MaxDown::Nodes(1).of(5), MaxDown::Nodes(9).of(5)), (5, 1, 5));
    }

    #[test]
    fn words_and_numbers_are_read_and_others_are_not() {
        for text in ["any", "minority", "1", "0"] {
            assert_eq!(text.parse::<MaxDown>().unwrap().to_string(), text);
        }
        assert!("most".parse::<MaxDown>().unwrap_err().contains("`most` is not any"));
    }
}
