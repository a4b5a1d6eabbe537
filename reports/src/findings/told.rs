//! The anomalies as the first screen tells them: one line per kind, with how often, during which faults, and what
//! stands.

use history::{FaultState, Nanos};

use super::{FaultLine, Findings, Scene};

/// All anomalies of one kind that break one promise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KindLine {
    /// The kind.
    pub kind: String,
    /// The promise it breaks.
    pub model: String,
    /// The places of the anomalies among [`Findings::anomalies`].
    pub places: Vec<usize>,
    /// On how many keys; 0 where they are about none.
    pub keys: usize,
    /// How many operations are caught in such contradictions, as far as the checker counted them.
    pub involved: Option<u64>,
    /// The families of faults in force during them and how many anomalies each met, most frequent first.
    pub during: Vec<(String, usize)>,
    /// How many of the drawn anomalies happened while no fault was in force.
    pub undisturbed: usize,
}

impl Findings {
    /// The anomalies by kind and promise, in the order of the first of each.
    pub fn kinds_of_anomalies(&self) -> Vec<KindLine> {
        let mut lines: Vec<KindLine> = Vec::new();
        let mut keys: Vec<Vec<String>> = Vec::new();
        for (place, (verdict, anomaly)) in self.anomalies().enumerate() {
            let same = |line: &KindLine| line.kind == anomaly.kind && line.model == verdict.model;
            let at = lines.iter().position(same).unwrap_or_else(|| {
                lines.push(KindLine {
                    kind: anomaly.kind.clone(),
                    model: verdict.model.clone(),
                    places: Vec::new(),
                    keys: 0,
                    involved: None,
                    during: Vec::new(),
                    undisturbed: 0,
                });
                keys.push(Vec::new());
                lines.len() - 1
            });
            lines[at].places.push(place);
            lines[at].involved = match (lines[at].involved, anomaly.involved) {
                (Some(sum), Some(more)) => Some(sum.saturating_add(more)),
                (known, more) => known.or(more),
            };
            keys[at].extend(anomaly.key.as_ref().map(ToString::to_string));
            if let Some(scene) = self.scenes.get(place) {
                self.add_faults(&mut lines[at], scene);
            }
        }
        for (line, mut keys) in lines.iter_mut().zip(keys) {
            keys.sort_unstable();
            keys.dedup();
            line.keys = keys.len();
            line.during.sort_by_key(|(_, met)| std::cmp::Reverse(*met));
        }
        lines
    }

    fn add_faults(&self, line: &mut KindLine, scene: &Scene) {
        let mut families: Vec<&str> =
            self.faults_during(scene).into_iter().map(|fault| fault.record.family.as_str()).collect();
        families.sort_unstable();
        families.dedup();
        line.undisturbed += usize::from(families.is_empty());
        for family in families {
            match line.during.iter_mut().find(|(known, _)| known == family) {
                Some((_, met)) => *met += 1,
                None => line.during.push((family.into(), 1)),
            }
        }
    }

    /// The faults in force while the operations of the anomaly's proof were under way: its witness and its culprit.
    pub fn faults_during(&self, scene: &Scene) -> Vec<&FaultLine> {
        let Some((from, until)) = self.span_of_proof(scene) else { return Vec::new() };
        let meets = |line: &&FaultLine| {
            let record = &line.record;
            record.state != FaultState::Skipped
                && record.began <= until
                && record.ended.is_none_or(|ended| ended >= from)
        };
        self.faults.iter().filter(meets).collect()
    }

    /// The last fault that was over before the anomaly's proof began, and how long before.
    pub fn fault_before(&self, scene: &Scene) -> Option<(&FaultLine, Nanos)> {
        let (from, _) = self.span_of_proof(scene)?;
        let over = |line: &&FaultLine| {
            line.record.state != FaultState::Skipped && line.record.ended.is_some_and(|ended| ended < from)
        };
        let last = self.faults.iter().filter(over).max_by_key(|line| line.record.ended)?;
        Some((last, Nanos(from.0 - last.record.ended?.0)))
    }

    /// From the first beginning to the last certain end of the operations that prove an anomaly.
    pub fn span_of_proof(&self, scene: &Scene) -> Option<(Nanos, Nanos)> {
        let anomaly = self.verdicts.get(scene.verdict)?.anomalies.get(scene.anomaly)?;
        let proof = anomaly.witness.iter().copied().chain(scene.culprit);
        let (mut from, mut until) = (Nanos(u64::MAX), Nanos(0));
        for row in proof.filter_map(|operation| self.row(operation)) {
            let end = match row.outcome {
                super::OutcomeKind::Unknown => row.began,
                _ => row.ended.unwrap_or(row.began),
            };
            from = from.min(row.began);
            until = until.max(end).max(row.began);
        }
        (from.0 < u64::MAX).then_some((from, until))
    }
}
