//! One fault from its plan to its end.

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use cluster::{Cluster, Database, Error, Load};
use history::{FaultId, FaultRecord, FaultState, Nanos, NodeId};
use tokio_util::sync::CancellationToken;

use super::{Limits, Sink, conditions::Conditions, tamed};
use crate::{
    Journal, MaxDown, PlannedFault, Powers, Targets,
    faults::{self, Evidence, Fault, Names, Probe, Settled},
    journal::Entry,
    streams::stream,
};

/// What all faults of a run share.
pub(super) struct Stage {
    pub(super) cluster: Cluster,
    pub(super) database: Arc<dyn Database>,
    pub(super) clock: Arc<dyn Fn() -> Nanos + Send + Sync>,
    pub(super) limits: Limits,
    pub(super) max_down: MaxDown,
    pub(super) load: Option<Arc<dyn Load>>,
    seed: u64,
    journal: Arc<Journal>,
    sink: Sink,
    conditions: Mutex<Conditions>,
    active: Mutex<Vec<Active>>,
}

/// A fault that may be in force.
#[derive(Clone, Debug)]
pub(super) struct Active {
    pub(super) fault: Arc<dyn Fault>,
    pub(super) record: FaultRecord,
    names: Names,
    /// Whether doing it went well, so that it stays for its time.
    came: bool,
    /// The first look after it came, where one was possible.
    early: Option<Probe>,
}

/// A fault whose targets are chosen.
struct Chosen {
    fault: Arc<dyn Fault>,
    names: Names,
    resolved: PlannedFault,
    notes: Vec<String>,
}

impl fmt::Debug for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stage")
            .field("cluster", &self.cluster)
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}

impl Stage {
    pub(super) fn new(
        seed: u64,
        cluster: Cluster,
        database: Arc<dyn Database>,
        journal: Journal,
        clock: Arc<dyn Fn() -> Nanos + Send + Sync>,
        sink: Sink,
    ) -> Self {
        Self {
            cluster,
            database,
            clock,
            limits: Limits::default(),
            max_down: MaxDown::Any,
            load: None,
            seed,
            journal: Arc::new(journal),
            sink,
            conditions: Mutex::default(),
            active: Mutex::default(),
        }
    }

    /// The names of the nodes, by id.
    pub(super) fn names(&self) -> Vec<String> {
        self.cluster.nodes.iter().map(|node| node.name.clone()).collect()
    }

    /// Writes to the journal, away from the threads that carry everything else, since a disk may take its time.
    pub(super) async fn write(&self, entry: Entry) -> Result<(), String> {
        let journal = Arc::clone(&self.journal);
        match tokio::task::spawn_blocking(move || journal.append(&entry)).await {
            Ok(written) => written.map_err(|error| error.to_string()),
            Err(error) => Err(format!("the journal could not be written: {error}")),
        }
    }

    /// Does a fault, waits, and undoes it.
    pub(super) async fn carry_out(
        self: Arc<Self>,
        id: FaultId,
        planned: PlannedFault,
        zero: Nanos,
        stop: CancellationToken,
    ) {
        let chosen = match self.choose(id, &planned).await {
            Ok(chosen) => chosen,
            Err(reason) => return self.skip(id, &planned, reason).await,
        };
        if stop.is_cancelled() {
            self.lock_conditions().release(id);
            return self.skip(id, &planned, "the run ended before it could begin".into()).await;
        }
        let began = (self.clock)();
        let came = tokio::time::Instant::now();
        let lasts = planned.lasts;
        let Some(mut active) = self.begin(id, planned, chosen, (began, zero)).await else { return };
        if active.came {
            let over = CancellationToken::new();
            let wait = async {
                tokio::select! {
                    () = stop.cancelled() => {}
                    () = tokio::time::sleep_until(came + lasts) => {}
                }
                over.cancel();
            };
            let tended = tamed::tend(active.fault.as_ref(), self.scene(), (self.limits, &over), wait).await;
            if let Err(error) = tended {
                let text = format!("it was not kept up to its end: {error}");
                active.record.evidence = with(&active.record.evidence, &text);
            }
        }
        if let Err(reason) = self.finish(active, false).await {
            tracing::error!("fault {} could not be undone yet: {reason}", id.0);
        }
    }

    /// Settles whom a fault strikes, as far as that is legal now.
    async fn choose(&self, id: FaultId, planned: &PlannedFault) -> Result<Chosen, String> {
        let family = planned.fault.family();
        let mut powers = Powers::of(self.database.as_ref(), &self.cluster);
        powers.clients = self.load.is_some();
        if let Some(lack) = powers.lack(family) {
            return Err(lack);
        }
        let leaders = match planned.targets {
            Targets::Leader | Targets::FollowersMajority => self.leaders().await,
            _ => Vec::new(),
        };
        let mut names = Names { nodes: self.names(), leader: None };
        let mut random = stream(self.seed, "targets", u64::from(id.0));
        let picked = planned.targets.choose(&names.nodes, &leaders, &mut random)?;
        names.leader = picked.leader;
        let count = names.nodes.len();
        let nodes = match planned.targets {
            Targets::Nodes(_) => picked.nodes,
            _ => faults::arrange(&planned.fault, picked.nodes, count, &mut random),
        };
        let down_max = self.max_down.of(count);
        let (nodes, refused) = self.lock_conditions().claim(id, family, nodes, down_max);
        let why: Vec<String> =
            refused.iter().map(|(node, reason)| format!("{} {reason}", names.plain(*node))).collect();
        if nodes.is_empty() {
            return Err(if why.is_empty() { "it strikes no node".into() } else { why.join(", ") });
        }
        let mut notes: Vec<String> = picked.note.into_iter().collect();
        notes.extend((!why.is_empty()).then(|| format!("left alone: {}", why.join(", "))));
        let mut resolved = planned.clone();
        resolved.targets = Targets::Nodes(nodes.iter().map(|&node| names.plain(node).to_owned()).collect());
        let (direction, from) = (planned.direction, planned.from);
        let fault = faults::build(Settled { id, action: &planned.fault, nodes, direction, from, count });
        Ok(Chosen { fault: Arc::from(fault), names, resolved, notes })
    }

    async fn leaders(&self) -> Vec<NodeId> {
        let Some(primaries) = self.database.primaries() else { return Vec::new() };
        let asked = primaries.primaries(&self.cluster);
        tokio::time::timeout(self.limits.ask, asked).await.unwrap_or_default()
    }

    /// Writes the fault down, does it, and looks. `None` when it was not done.
    async fn begin(
        &self,
        id: FaultId,
        planned: PlannedFault,
        chosen: Chosen,
        (began, zero): (Nanos, Nanos),
    ) -> Option<Active> {
        let Chosen { fault, names, mut resolved, notes } = chosen;
        let before = match tamed::look(fault.as_ref(), self.scene(), self.limits).await {
            Ok(probe) => fault.say(&names, &probe),
            Err(error) => error.to_string(),
        };
        resolved.at = Duration::from_micros(began.0.saturating_sub(zero.0) / 1000);
        let description = fault.describe(&names);
        let record = FaultRecord {
            id,
            family: fault.family().name().into(),
            description: description.clone(),
            nodes: fault.targets().iter().map(|&node| names.plain(node).to_owned()).collect(),
            began,
            ended: None,
            state: FaultState::Indeterminate,
            evidence: notes.join("; "),
        };
        let mut active = Active { fault, record, names, came: false, early: None };
        let picked = planned.targets.to_string();
        let entry = Entry::Begin { id, began, planned: resolved, picked, description, before };
        if let Err(reason) = self.write(entry).await {
            self.lock_conditions().release(id);
            self.skip(id, &planned, format!("it could not be written down first: {reason}")).await;
            return None;
        }
        // From here on the final healing knows of it, even if this task is dropped at its next wait.
        self.lock_active().push(active.clone());
        let evidence = self.inject(&mut active).await;
        active.record.state = evidence.state;
        (self.sink)(&FaultRecord {
            evidence: with(&active.record.evidence, &evidence.text),
            ..active.record.clone()
        });
        if !active.came {
            active.record.evidence = with(&active.record.evidence, &evidence.text);
        }
        self.update(&active);
        let entry = Entry::Installed { id, state: evidence.state, evidence: evidence.text };
        if let Err(error) = self.write(entry).await {
            tracing::warn!("{error}");
        }
        Some(active)
    }

    /// Does the fault and looks whether it came.
    async fn inject(&self, active: &mut Active) -> Evidence {
        let fault = Arc::clone(&active.fault);
        let injected = tamed::in_time("doing it", self.limits.inject, fault.inject(self.scene())).await;
        if let Err(error) = injected {
            let state = match error {
                Error::Unsupported(_) | Error::NotPermitted { .. } => FaultState::Skipped,
                _ => FaultState::Indeterminate,
            };
            return Evidence {
                state,
                text: format!("it was undone at once, because doing it failed: {error}"),
            };
        }
        active.came = true;
        match tamed::look_until(fault.as_ref(), self.scene(), self.limits, true).await {
            Ok(probe) => {
                let first = match probe {
                    Probe::Links(_) => {
                        Evidence { state: FaultState::Installed, text: "the network took it".into() }
                    }
                    Probe::Disks(_) => {
                        Evidence { state: FaultState::Installed, text: "the disks took it".into() }
                    }
                    Probe::Squeezed(_) => {
                        Evidence { state: FaultState::Installed, text: "the kernel took it".into() }
                    }
                    Probe::Clients(_) => {
                        Evidence { state: FaultState::Installed, text: "the clients were told".into() }
                    }
                    _ => fault.judge(&active.names, &probe, &probe),
                };
                active.early = Some(probe);
                first
            }
            // What cannot be seen is left in force for its time all the same: it may well be there.
            Err(error) => unseen("soon after it came", &error),
        }
    }

    /// Looks once more, undoes the fault, and tells of its end. An error says why it is still in force.
    pub(super) async fn finish(&self, mut active: Active, healing: bool) -> Result<(), String> {
        let id = active.record.id;
        if std::mem::take(&mut active.came) {
            let late = tamed::look(active.fault.as_ref(), self.scene(), self.limits).await;
            let evidence = match (active.early.take(), late) {
                (Some(early), Ok(late)) => active.fault.judge(&active.names, &early, &late),
                (_, Err(error)) => unseen("just before its end", &error),
                (None, Ok(late)) => Evidence {
                    state: FaultState::Indeterminate,
                    text: format!(
                        "nobody could look soon after it came; just before its end {}",
                        active.fault.say(&active.names, &late)
                    ),
                },
            };
            active.record.state = evidence.state;
            active.record.evidence = with(&active.record.evidence, &evidence.text);
        }
        let undone = tamed::undo(active.fault.as_ref(), self.scene(), self.limits).await;
        let after = match undone {
            Ok(after) => after,
            Err(reason) => {
                self.keep(active, &reason).await;
                return Err(reason);
            }
        };
        self.lock_active().retain(|known| known.record.id != id);
        self.lock_conditions().release(id);
        let ended = (self.clock)();
        active.record.ended = Some(ended);
        if let Some(probe) = after.filter(|probe| !matches!(probe, Probe::Links(_) | Probe::Clients(_))) {
            let text = format!("afterwards {}", active.fault.say(&active.names, &probe));
            active.record.evidence = with(&active.record.evidence, &text);
        }
        if healing {
            active.record.evidence = with(&active.record.evidence, "undone by the final healing");
        }
        (self.sink)(&active.record);
        let FaultRecord { state, evidence, .. } = active.record;
        if let Err(error) = self.write(Entry::End { id, ended: Some(ended), state, evidence }).await {
            tracing::warn!("{error}");
        }
        Ok(())
    }

    /// Keeps a fault that could not be undone for the final healing.
    async fn keep(&self, active: Active, reason: &str) {
        let id = active.record.id;
        {
            let mut all = self.lock_active();
            all.retain(|known| known.record.id != id);
            all.push(active);
        }
        if let Err(error) = self.write(Entry::Stuck { id, reason: reason.into() }).await {
            tracing::warn!("{error}");
        }
    }

    /// Writes down and tells of a fault that is not done.
    async fn skip(&self, id: FaultId, planned: &PlannedFault, reason: String) {
        let now = (self.clock)();
        let nodes = match &planned.targets {
            Targets::Nodes(names) => names.clone(),
            _ => Vec::new(),
        };
        let family = planned.fault.family();
        let record = FaultRecord {
            id,
            family: family.name().into(),
            description: format!("did no {family} on {}", planned.targets),
            nodes,
            began: now,
            ended: None,
            state: FaultState::Skipped,
            evidence: reason.clone(),
        };
        (self.sink)(&record);
        (self.sink)(&FaultRecord { ended: Some(now), ..record });
        let entry = Entry::Skipped { id, began: now, planned: planned.clone(), reason };
        if let Err(error) = self.write(entry).await {
            tracing::warn!("{error}");
        }
    }

    fn update(&self, active: &Active) {
        if let Some(known) = self.lock_active().iter_mut().find(|known| known.record.id == active.record.id) {
            known.clone_from(active);
        }
    }

    /// Takes every fault that may be in force. Each stays known until it is undone.
    pub(super) fn take_active(&self) -> Vec<Active> {
        self.lock_active().clone()
    }

    fn lock_active(&self) -> MutexGuard<'_, Vec<Active>> {
        self.active.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lock_conditions(&self) -> MutexGuard<'_, Conditions> {
        self.conditions.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn unseen(when: &str, error: &Error) -> Evidence {
    Evidence { state: FaultState::Indeterminate, text: format!("nobody could look {when}: {error}") }
}

/// Evidence with more evidence.
fn with(first: &str, second: &str) -> String {
    if first.is_empty() { second.into() } else { format!("{first}; {second}") }
}
