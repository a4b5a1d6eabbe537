//! Anomalies as they are found: all are counted, the first few of each kind are described.

use std::collections::BTreeMap;

use crate::Anomaly;

#[derive(Debug, Default)]
pub(super) struct Findings {
    shown_max: usize,
    found: BTreeMap<&'static str, Found>,
}

#[derive(Debug, Default)]
pub(super) struct Found {
    pub count: u64,
    pub shown: Vec<Anomaly>,
}

impl Findings {
    pub fn new(shown_max: usize) -> Self {
        Self { shown_max, found: BTreeMap::new() }
    }

    pub fn add(&mut self, kind: &'static str, describe: impl FnOnce() -> Anomaly) {
        let found = self.found.entry(kind).or_default();
        found.count += 1;
        if found.shown.len() < self.shown_max {
            found.shown.push(Anomaly { kind: kind.into(), ..describe() });
        }
    }

    /// Keeps the kinds of which one of the described anomalies may be told, and those anomalies.
    pub fn retain(&mut self, may_be_told: &dyn Fn(&str, &Anomaly) -> bool) {
        self.found.retain(|kind, found| {
            let before = found.shown.len();
            found.shown.retain(|anomaly| may_be_told(kind, anomaly));
            found.count -= (before - found.shown.len()) as u64;
            !found.shown.is_empty()
        });
    }

    /// Hands everything over to others.
    pub fn join(self, others: &mut Self) {
        for (kind, found) in self.found {
            let other = others.found.entry(kind).or_default();
            other.count += found.count;
            let room = others.shown_max.saturating_sub(other.shown.len());
            other.shown.extend(found.shown.into_iter().take(room));
        }
    }

    pub fn kinds(&self) -> impl Iterator<Item = &'static str> {
        self.found.keys().copied()
    }

    pub fn into_iter(self) -> impl Iterator<Item = (&'static str, Found)> {
        self.found.into_iter()
    }
}
