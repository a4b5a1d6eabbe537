//! Ctrl-C: once stops the calls, heals, collects and judges; twice heals only.

use tokio_util::sync::CancellationToken;

/// What the user's interruptions ask for.
#[derive(Clone, Debug, Default)]
pub struct Interrupts {
    /// Raised by the first: begin nothing new.
    pub first: CancellationToken,
    /// Raised by the second: heal and leave.
    pub second: CancellationToken,
}

impl Interrupts {
    /// Listens for Ctrl-C, and for the signals that ask a process to end.
    pub fn listen() -> std::io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        let interrupts = Self::default();
        let (first, second) = (interrupts.first.clone(), interrupts.second.clone());
        let mut interrupt = signal(SignalKind::interrupt())?;
        let mut terminate = signal(SignalKind::terminate())?;
        let mut hangup = signal(SignalKind::hangup())?;
        tokio::spawn(async move {
            loop {
                tokio::select! {
                    _ = interrupt.recv() => {}
                    _ = terminate.recv() => {}
                    _ = hangup.recv() => {}
                }
                if first.is_cancelled() {
                    second.cancel();
                } else {
                    eprintln!(
                        "\ninterrupted: stopping the calls, healing, and judging what there is (again: heal only)"
                    );
                    first.cancel();
                }
            }
        });
        Ok(interrupts)
    }
}
