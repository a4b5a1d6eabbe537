//! Judges a history while it is being written, so that a run can end at its first anomaly.
//!
//! Every look reads the history up to its last watermark, where the calls under way are unknown, and judges it like any
//! other. Looks take at most a tenth of the time, so that they grow rarer as the history grows. What they find only ends the
//! calls: the verdict of the run is that about the whole history, final reads included.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use checkers::Validity;
use tokio_util::sync::CancellationToken;

use super::progress::Progress;
use crate::{
    exit::Failure,
    expectation::Expectation,
    judge::{JudgeSettings, Judgement, Limits},
    registry::AnyWorkload,
};

/// The shortest time between two looks.
const PAUSE_MIN: Duration = Duration::from_secs(1);
/// A pause is so many times as long as the look before it.
const PAUSE_PER_LOOK: u32 = 9;
/// A look that takes longer is given up: the run must not wait for it.
const LOOK_MAX: Duration = Duration::from_secs(20);

/// The history of a run that goes on.
pub struct Watched {
    /// Who judges it.
    pub workload: Arc<dyn AnyWorkload>,
    /// Where it is, and what the judges may spend.
    pub settings: JudgeSettings,
}

/// Looks again and again, and says so and ends when there is an anomaly that is not known already.
pub async fn keep(
    watched: Watched,
    expectation: &Expectation,
    progress: &Progress,
    enough: &CancellationToken,
) {
    let Watched { workload, mut settings } = watched;
    // The clients need the other processors.
    settings.limits = Limits { threads: 1, time: settings.limits.time.min(LOOK_MAX), ..settings.limits };
    let mut pause = PAUSE_MIN;
    loop {
        tokio::time::sleep(pause).await;
        let began = Instant::now();
        let (judge, settings) = (Arc::clone(&workload), settings.clone());
        let looked = tokio::task::spawn_blocking(move || judge.judge(&settings)).await;
        pause = PAUSE_MIN.max(began.elapsed() * PAUSE_PER_LOOK);
        let found = match looked {
            Ok(Ok(judgement)) => is_enough(judgement, expectation),
            Ok(Err(Failure { message, .. })) => {
                tracing::warn!("the history so far cannot be judged: {message}");
                false
            }
            Err(error) => {
                tracing::warn!("the checkers died while the run went on: {error}");
                false
            }
        };
        if found {
            progress.say("  an anomaly was found: the calls end here");
            return enough.cancel();
        }
    }
}

fn is_enough(judgement: Judgement, expectation: &Expectation) -> bool {
    let mut findings = judgement.findings;
    expectation.note(&mut findings);
    findings.validity_of_the_new() == Validity::Invalid
}
