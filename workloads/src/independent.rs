//! Combinators over independent keys: one key after another, or several at a time by groups of workers.

use std::fmt;

use history::{Key, Vocabulary};

use crate::{
    Context, Event, Generator, Step,
    order::{InOrder, Supply, Walk, in_order},
    threads::Scope,
};

/// The generator of each key, one key after another, for all workers together.
pub fn sequential<G, K, F>(keys: K, make: F) -> InOrder<impl Iterator<Item = G> + Send, G>
where
    K: IntoIterator<Item = Key, IntoIter: Send>,
    F: FnMut(Key) -> G + Send,
{
    in_order(keys.into_iter().map(make))
}

/// Divides the workers into groups of this size; each group works on a key of its own until its generator has ended
/// for all of the group, and then takes the next key. The last group has what workers are left.
pub fn concurrent<G, K, F>(group: usize, keys: K, make: F) -> Concurrent<impl Iterator<Item = G> + Send, G>
where
    K: IntoIterator<Item = Key, IntoIter: Send>,
    F: FnMut(Key) -> G + Send,
{
    let parts = keys.into_iter().map(make);
    Concurrent { size: group.max(1), supply: Supply { parts, is_over: false }, groups: Vec::new() }
}

/// See [`concurrent`].
pub struct Concurrent<I, G> {
    size: usize,
    supply: Supply<I>,
    groups: Vec<(Scope, Walk<G>)>,
}

impl<I, G> fmt::Debug for Concurrent<I, G> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Concurrent").field("size", &self.size).finish_non_exhaustive()
    }
}

impl<I, G> Concurrent<I, G> {
    fn make_groups(&mut self, threads: usize) {
        let mut from = 0;
        while from < threads {
            self.groups.push((Scope::of(self.size.min(threads - from)), Walk::default()));
            from += self.size;
        }
    }
}

impl<V, G, I> Generator<V> for Concurrent<I, G>
where
    V: Vocabulary,
    G: Generator<V>,
    I: Iterator<Item = G> + Send,
{
    fn next(&mut self, context: &Context) -> Step<V::Call> {
        if self.groups.is_empty() {
            self.make_groups(context.threads);
        }
        let Some((scope, walk)) = self.groups.get_mut(context.thread / self.size) else { return Step::Done };
        walk.next(&scope.context(context, context.thread % self.size), &mut self.supply)
    }

    fn update(&mut self, context: &Context, event: &Event<'_, V>) {
        if let Some((scope, walk)) = self.groups.get_mut(event.thread() / self.size) {
            let thread = event.thread() % self.size;
            scope.update(context, event, thread, |context, event| walk.update(context, event));
        }
    }
}
