//! Whom a fault strikes: by name, or in words that are resolved when it begins.

use std::fmt;

use history::NodeId;
use rand::{Rng, RngExt, seq::SliceRandom};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// The nodes a fault strikes. In a plan it is a word (`"leader"`) or a list of names (`["n1", "n4"]`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Targets {
    /// A node that believes it leads; any node where nobody knows a leader.
    Leader,
    /// One node.
    One,
    /// A random number of nodes, at least one, that are no majority.
    Minority,
    /// As many nodes as stay below a third of all, at least one.
    MinorityThird,
    /// The first half of the nodes, rounded down, in the order of the cluster.
    Half,
    /// A random half of the nodes, rounded down.
    RandomHalf,
    /// The smallest majority, of random nodes.
    Majority,
    /// The smallest majority, of random nodes that do not lead as far as anybody knows. A leader is only among them where
    /// there are too few others.
    FollowersMajority,
    /// All nodes.
    All,
    /// These nodes.
    Nodes(Vec<String>),
}

/// The words, with what they mean.
const WORDS: [(&str, Targets); 9] = [
    ("leader", Targets::Leader),
    ("one", Targets::One),
    ("minority", Targets::Minority),
    ("minority-third", Targets::MinorityThird),
    ("half", Targets::Half),
    ("random-half", Targets::RandomHalf),
    ("majority", Targets::Majority),
    ("followers-majority", Targets::FollowersMajority),
    ("all", Targets::All),
];

impl fmt::Display for Targets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nodes(names) => f.write_str(&names.join(", ")),
            word => f.write_str(WORDS.iter().find(|(_, known)| known == word).map_or("", |(name, _)| name)),
        }
    }
}

impl Serialize for Targets {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Nodes(names) => names.serialize(serializer),
            word => serializer.collect_str(word),
        }
    }
}

impl<'de> Deserialize<'de> for Targets {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TargetsVisitor)
    }
}

struct TargetsVisitor;

impl<'de> de::Visitor<'de> for TargetsVisitor {
    type Value = Targets;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words: Vec<&str> = WORDS.iter().map(|(word, _)| *word).collect();
        write!(f, "a list of names of nodes, or one of {}", words.join(", "))
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Targets, E> {
        let found = WORDS.iter().find(|(word, _)| *word == text);
        found
            .map(|(_, targets)| targets.clone())
            .ok_or_else(|| E::invalid_value(de::Unexpected::Str(text), &self))
    }

    fn visit_seq<A: de::SeqAccess<'de>>(self, mut sequence: A) -> Result<Targets, A::Error> {
        let mut names = Vec::new();
        while let Some(name) = sequence.next_element()? {
            names.push(name);
        }
        Ok(Targets::Nodes(names))
    }
}

/// The nodes that were chosen, and what is to be said of the choice.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Chosen {
    /// The nodes, in the order that the fault uses.
    pub nodes: Vec<NodeId>,
    /// The node of these that was chosen because it leads.
    pub leader: Option<NodeId>,
    /// What a reader should know of the choice.
    pub note: Option<String>,
}

impl Targets {
    /// Chooses among the nodes of a cluster. `leaders` are the nodes that believe they lead.
    pub(crate) fn choose<R: Rng>(
        &self,
        names: &[String],
        leaders: &[NodeId],
        random: &mut R,
    ) -> Result<Chosen, String> {
        let count = names.len();
        let take = |nodes| Chosen { nodes, ..Chosen::default() };
        Ok(match self {
            Self::Leader => choose_leader(count, leaders, random),
            Self::One => take(sample(count, 1, random)),
            Self::Minority => {
                let most = (count.saturating_sub(1) / 2).max(1);
                let size = random.random_range(1..=most);
                take(sample(count, size, random))
            }
            Self::MinorityThird => take(sample(count, (count.saturating_sub(1) / 3).max(1), random)),
            Self::Half => take(all(count / 2)),
            Self::RandomHalf => take(sample(count, count / 2, random)),
            Self::Majority => take(sample(count, count / 2 + 1, random)),
            Self::FollowersMajority => {
                let mut nodes = sample(count, count, random);
                nodes.sort_by_key(|node| leaders.contains(node));
                nodes.truncate(count / 2 + 1);
                let note = leaders.is_empty().then(|| "no leader was known to be spared".into());
                Chosen { nodes, leader: None, note }
            }
            Self::All => take(all(count)),
            Self::Nodes(wanted) => take(by_name(wanted, names)?),
        })
    }
}

fn choose_leader<R: Rng>(count: usize, leaders: &[NodeId], random: &mut R) -> Chosen {
    let known: Vec<NodeId> = leaders.iter().copied().filter(|leader| usize::from(leader.0) < count).collect();
    let note = match known.len() {
        0 => {
            let nodes = sample(count, 1, random);
            return Chosen {
                nodes,
                leader: None,
                note: Some("no leader was known, so a random node was taken".into()),
            };
        }
        1 => None,
        several => Some(format!("{several} nodes believed that they lead, and one of them was taken")),
    };
    let leader = known[random.random_range(0..known.len())];
    Chosen { nodes: vec![leader], leader: Some(leader), note }
}

/// The nodes of these names, each once.
pub(crate) fn by_name(wanted: &[String], names: &[String]) -> Result<Vec<NodeId>, String> {
    let mut nodes = Vec::new();
    for name in wanted {
        let place = names.iter().position(|known| known == name);
        let place =
            place.ok_or_else(|| format!("this cluster has no node {name}; it has {}", names.join(", ")))?;
        let node = NodeId(place as u16);
        if !nodes.contains(&node) {
            nodes.push(node);
        }
    }
    Ok(nodes)
}

/// The first nodes of a cluster.
fn all(count: usize) -> Vec<NodeId> {
    (0..count).map(|place| NodeId(place as u16)).collect()
}

/// So many random nodes, in random order.
fn sample<R: Rng>(count: usize, size: usize, random: &mut R) -> Vec<NodeId> {
    let mut nodes = all(count);
    nodes.shuffle(random);
    nodes.truncate(size);
    nodes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::streams::stream;

    fn names(count: usize) -> Vec<String> {
        (1..=count).map(|number| format!("n{number}")).collect()
    }

    fn size(targets: &Targets, count: usize, seed: u64) -> usize {
        targets.choose(&names(count), &[], &mut stream(seed, "test", 0)).unwrap().nodes.len()
    }

    #[test]
    fn words_mean_what_they_say_for_every_size_of_cluster() {
        for count in 1..=9_usize {
            for seed in 0..50 {
                assert_eq!(size(&Targets::One, count, seed), 1);
                assert_eq!(size(&Targets::All, count, seed), count);
                assert_eq!(size(&Targets::Leader, count, seed), 1);
                let majority = size(&Targets::Majority, count, seed);
                assert!(majority * 2 > count && (majority - 1) * 2 <= count);
                let minority = size(&Targets::Minority, count, seed);
                assert!(minority >= 1 && (count < 3 || minority * 2 < count));
                let third = size(&Targets::MinorityThird, count, seed);
                assert!(third == 1 || third * 3 < count);
                assert_eq!(size(&Targets::FollowersMajority, count, seed), majority);
                assert_eq!(size(&Targets::RandomHalf, count, seed), count / 2);
            }
        }
    }

    #[test]
    fn a_known_leader_is_taken_and_an_unknown_one_replaced_with_a_word_of_it() {
        let mut random = stream(1, "test", 0);
        let chosen = Targets::Leader.choose(&names(5), &[NodeId(3)], &mut random).unwrap();
        assert_eq!(chosen, Chosen { nodes: vec![NodeId(3)], leader: Some(NodeId(3)), note: None });
        let chosen = Targets::Leader.choose(&names(5), &[], &mut random).unwrap();
        assert_eq!((chosen.nodes.len(), chosen.leader), (1, None));
        assert!(chosen.note.unwrap().contains("no leader was known"));
    }

    #[test]
    fn a_majority_of_followers_spares_the_leader_where_it_can() {
        for (count, spared) in [(1, false), (2, false), (3, true), (5, true), (7, true)] {
            for seed in 0..50 {
                let leader = NodeId((seed % count as u64) as u16);
                let mut random = stream(seed, "test", 0);
                let chosen =
                    Targets::FollowersMajority.choose(&names(count), &[leader], &mut random).unwrap();
                assert_eq!((chosen.nodes.len(), chosen.leader, chosen.note), (count / 2 + 1, None, None));
                assert_eq!(!chosen.nodes.contains(&leader), spared, "{count} nodes, seed {seed}");
            }
        }
    }

    #[test]
    fn an_unknown_name_is_refused() {
        let wanted = Targets::Nodes(vec!["n2".into(), "n9".into()]);
        let error = wanted.choose(&names(3), &[], &mut stream(1, "test", 0)).unwrap_err();
        assert_eq!(error, "this cluster has no node n9; it has n1, n2, n3");
    }

    #[test]
    fn targets_are_words_or_lists_in_files() {
        let listed = Targets::Nodes(vec!["n1".into(), "n4".into()]);
        for (text, targets) in [("\"minority-third\"", Targets::MinorityThird), ("[\"n1\",\"n4\"]", listed)] {
            assert_eq!(serde_json::from_str::<Targets>(text).unwrap(), targets);
            assert_eq!(serde_json::to_string(&targets).unwrap(), text);
        }
        assert!(
            serde_json::from_str::<Targets>("\"leadr\"")
                .unwrap_err()
                .to_string()
                .contains("one of leader, one")
        );
    }
}
