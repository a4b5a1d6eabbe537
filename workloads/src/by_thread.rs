//! A value per worker, made when the worker is first met.

/// A list that grows to the largest worker met. Workers are numbered without gaps, so it holds nothing in vain.
#[derive(Clone, Debug)]
pub(crate) struct ByThread<T>(Vec<T>);

impl<T> Default for ByThread<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T: Default> ByThread<T> {
    /// The value of a worker.
    pub(crate) fn of(&mut self, thread: usize) -> &mut T {
        if self.0.len() <= thread {
            self.0.resize_with(thread + 1, T::default);
        }
        &mut self.0[thread]
    }

    /// Every value so far, by worker.
    pub(crate) fn all(&self) -> &[T] {
        &self.0
    }

    /// Sets every value so far back to its default.
    pub(crate) fn clear(&mut self) {
        self.0.fill_with(T::default);
    }
}
