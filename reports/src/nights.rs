//! The findings of several nights: which are new, which go on, which are rare, and which are gone.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

/// How many nights back are looked at, this one included.
pub const NIGHTS_MAX: usize = 30;

/// One night: what was tested, and what was found where.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Night {
    /// Its name: when it began.
    pub name: String,
    /// What was tested to a verdict, each with the fingerprints of what was found.
    pub tested: BTreeMap<String, BTreeSet<String>>,
}

/// How a finding stands after a night.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Standing {
    /// Found tonight, and in no night before.
    New,
    /// Found tonight, and in at least half of the nights since it was first found.
    Ongoing,
    /// Found in fewer than half of the nights since it was first found.
    Rare,
    /// Found before, and not in this night or as many nights as make it likely that it is gone.
    Resolved,
}

/// A finding over the nights.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Followed {
    /// How it stands.
    pub standing: Standing,
    /// What was tested: database, workload, faults, and whatever else was set but the seed.
    pub tested: String,
    /// What was found.
    pub fingerprint: String,
    /// In how many of the nights in which this was tested it was found.
    pub found: u64,
    /// In how many nights this was tested since it was first found.
    pub nights: u64,
    /// The night in which it was first found.
    pub first: String,
    /// The night in which it was last found.
    pub last: String,
}

impl Standing {
    /// The word as it is shown.
    pub fn word(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Ongoing => "ongoing",
            Self::Rare => "rare",
            Self::Resolved => "resolved",
        }
    }

    /// All of them, in the order they are shown.
    pub const ALL: [Self; 4] = [Self::New, Self::Ongoing, Self::Rare, Self::Resolved];
}

/// How the findings stand after the last of the nights, which are given oldest first. What was not tested in the last
/// night says nothing about its findings, and they are left out.
pub fn follow(nights: &[Night]) -> Vec<Followed> {
    let nights = &nights[nights.len().saturating_sub(NIGHTS_MAX)..];
    let Some(tonight) = nights.last() else { return Vec::new() };
    let mut followed = Vec::new();
    for tested in tonight.tested.keys() {
        let mut prints = BTreeSet::new();
        nights.iter().filter_map(|night| night.tested.get(tested)).for_each(|found| prints.extend(found));
        followed.extend(prints.into_iter().map(|print| follow_one(nights, tested, print)));
    }
    followed.sort_by(|a, b| {
        (a.standing, &a.tested, &a.fingerprint).cmp(&(b.standing, &b.tested, &b.fingerprint))
    });
    followed
}

fn follow_one(nights: &[Night], tested: &str, print: &str) -> Followed {
    let seen: Vec<(&Night, bool)> = nights
        .iter()
        .filter_map(|night| Some((night, night.tested.get(tested)?.contains(print))))
        .skip_while(|(_, is_there)| !is_there)
        .collect();
    let found = seen.iter().filter(|(_, is_there)| *is_there).count();
    let absent = seen.iter().rev().take_while(|(_, is_there)| !is_there).count();
    let last = seen.iter().rev().find(|(_, is_there)| *is_there).map_or("", |(night, _)| &night.name);
    Followed {
        standing: standing(seen.len(), found, absent),
        tested: tested.into(),
        fingerprint: print.into(),
        found: found as u64,
        nights: seen.len() as u64,
        first: seen.first().map_or_else(String::new, |(night, _)| night.name.clone()),
        last: last.into(),
    }
}

/// Of so many nights since the first, in so many found, and in the last so many not. While it was about, it came once in
/// `about / found` nights: it is taken for gone when it has stayed away for twice as long as that, or for one night if
/// it came every night.
fn standing(nights: usize, found: usize, absent: usize) -> Standing {
    let about = nights - absent;
    match (nights, absent) {
        (1, _) => Standing::New,
        (_, 0) if found * 2 >= nights => Standing::Ongoing,
        (_, 0) => Standing::Rare,
        _ if found == about && about > 1 => Standing::Resolved,
        _ if absent * found >= 2 * about => Standing::Resolved,
        _ => Standing::Rare,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Nights in which one thing was tested: `x` is found, `.` is not found, a blank is not tested.
    fn nights(pattern: &str) -> Vec<Night> {
        let night = |(place, mark): (usize, char)| {
            let mut night = Night { name: format!("night {place}"), ..Night::default() };
            if mark != ' ' {
                let found = if mark == 'x' {
                    BTreeSet::from(["stale-read@m:key".to_owned()])
                } else {
                    BTreeSet::new()
                };
                night.tested.insert("etcd".into(), found);
            }
            night
        };
        pattern.chars().enumerate().map(night).collect()
    }

    fn stands(pattern: &str) -> Option<Standing> {
        follow(&nights(pattern)).first().map(|followed| followed.standing)
    }

    #[test]
    fn findings_are_grouped_by_how_often_and_how_lately_they_came() {
        assert_eq!(stands("...x"), Some(Standing::New));
        assert_eq!(stands("x"), Some(Standing::New));
        assert_eq!(stands("..xx"), Some(Standing::Ongoing));
        assert_eq!(stands("x.xx"), Some(Standing::Ongoing));
        assert_eq!(stands("x....x"), Some(Standing::Rare));
        assert_eq!(stands("xxx."), Some(Standing::Resolved));
        assert_eq!(stands("x..x."), Some(Standing::Rare), "away no longer than usual");
        assert_eq!(stands("x..x...."), Some(Standing::Resolved));
        assert_eq!(stands("x."), Some(Standing::Rare), "one night alone says little");
        assert_eq!(stands("x.."), Some(Standing::Resolved));
        assert_eq!(stands("...."), None);
        assert_eq!(stands("xxx "), None, "not tested tonight");
        assert_eq!(stands("xx x"), Some(Standing::Ongoing), "a night without the test counts for nothing");
        assert_eq!(stands(""), None);
    }

    #[test]
    fn a_finding_tells_its_first_and_last_night() {
        let followed = follow(&nights(".x.x."));
        let one = &followed[0];
        assert_eq!(
            (one.first.as_str(), one.last.as_str(), one.found, one.nights),
            ("night 1", "night 3", 2, 4)
        );
    }
}
