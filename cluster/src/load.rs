//! What a load fault may ask of the runner, so that nemeses never see a workload.

/// Shapes the load of the run.
pub trait Load: Send + Sync {
    /// Multiplies the rate of calls; 1 is the plan.
    fn set_rate_factor(&self, factor: f64);
    /// Drops so many clients in mid-call; their calls become `Unknown`.
    fn crash_clients(&self, count: usize);
}
