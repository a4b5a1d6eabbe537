//! Acts on a cluster, each with a time-out.

use std::{future::Future, time::Duration};

use cluster::Error;
use tokio_util::sync::CancellationToken;

use crate::faults::{Fault, Probe, Scene};

use super::Limits;

/// How often an undo is tried before it is left to the final healing.
const UNDO_TRIES: u32 = 3;
/// How long to wait between two looks or two tries.
const PAUSE: Duration = Duration::from_millis(50);

/// Waits for an act, but no longer than this.
pub(super) async fn in_time<T>(
    what: &str,
    limit: Duration,
    act: impl Future<Output = Result<T, Error>>,
) -> Result<T, Error> {
    match tokio::time::timeout(limit, act).await {
        Ok(outcome) => outcome,
        Err(_) => Err(Error::TimedOut { what: what.into(), seconds: limit.as_secs_f64() }),
    }
}

/// Keeps a fault up until `wait` is over, which `over` tells it. What it is doing then it may finish, within the time that
/// doing the fault may take.
pub(super) async fn tend(
    fault: &dyn Fault,
    scene: Scene<'_>,
    (limits, over): (Limits, &CancellationToken),
    wait: impl Future<Output = ()>,
) -> Result<(), Error> {
    let finish = async {
        over.cancelled().await;
        tokio::time::sleep(limits.inject).await;
        let what = "ending what keeps the fault up".into();
        Err(Error::TimedOut { what, seconds: limits.inject.as_secs_f64() })
    };
    let tended = async {
        tokio::select! {
            tended = fault.tend(scene, over) => tended,
            late = finish => late,
        }
    };
    tokio::join!(wait, tended).1
}

/// Looks once.
pub(super) async fn look(fault: &dyn Fault, scene: Scene<'_>, limits: Limits) -> Result<Probe, Error> {
    in_time("a look at what the fault strikes", limits.probe, fault.probe(scene)).await
}

/// Looks until the fault is seen to be in force, or not to be, as wanted; or until nothing better can be expected.
pub(super) async fn look_until(
    fault: &dyn Fault,
    scene: Scene<'_>,
    limits: Limits,
    wanted: bool,
) -> Result<Probe, Error> {
    let deadline = tokio::time::Instant::now() + limits.settle;
    loop {
        let seen = look(fault, scene, limits).await;
        let settled = seen.as_ref().is_ok_and(|probe| fault.in_force(probe) == Some(wanted));
        let cannot_tell = matches!(&seen, Ok(Probe::Links(_) | Probe::Clients(_)));
        if settled || cannot_tell || tokio::time::Instant::now() >= deadline {
            return seen;
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// Undoes a fault and looks whether it is gone. A few tries, each in its time.
pub(crate) async fn undo(
    fault: &dyn Fault,
    scene: Scene<'_>,
    limits: Limits,
) -> Result<Option<Probe>, String> {
    let mut reason = String::new();
    for attempt in 0..UNDO_TRIES {
        if attempt > 0 {
            tokio::time::sleep(PAUSE * 4_u32.pow(attempt)).await;
        }
        if let Err(error) = in_time("undoing it", limits.undo, fault.undo(scene)).await {
            reason = error.to_string();
            continue;
        }
        match look_until(fault, scene, limits, false).await {
            Ok(probe) if fault.in_force(&probe) == Some(true) => reason = "it is still in force".into(),
            Ok(probe) if is_half_gone(fault, &probe) => {
                reason = "it is still in force on a part of its nodes".into()
            }
            Ok(probe) => return Ok(Some(probe)),
            // The undo itself succeeded; that nobody could look afterwards does not make it fail.
            Err(_) => return Ok(None),
        }
    }
    Err(reason)
}

/// A look at processes or clocks always tells; where it neither shows the fault nor its absence, some nodes still have it.
fn is_half_gone(fault: &dyn Fault, probe: &Probe) -> bool {
    let tells = match probe {
        Probe::Links(_) | Probe::Clients(_) => false,
        Probe::Processes(_)
        | Probe::Limits(_)
        | Probe::Errors(_)
        | Probe::Members(_)
        | Probe::Names(_)
        | Probe::Squeezed(_)
        | Probe::Lives(_) => true,
        Probe::Versions(_) => false,
        Probe::Disks(disks) => disks.iter().any(|(_, struck)| struck.is_some()),
        Probe::Offsets(offsets) => offsets.iter().all(|(_, offset)| offset.is_some()),
    };
    tells && fault.in_force(probe).is_none()
}
