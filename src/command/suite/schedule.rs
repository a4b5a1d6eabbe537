//! Does pieces of work side by side, but never two at a time that share a cluster.

use std::{
    sync::{Condvar, Mutex, PoisonError, mpsc},
    thread,
};

/// A piece of work and the cluster it needs to itself, where it needs one.
#[derive(Debug)]
pub(super) struct Piece<C> {
    pub(super) work: C,
    pub(super) cluster: Option<String>,
}

struct Queue<C> {
    waiting: Vec<Piece<C>>,
    busy: Vec<String>,
}

/// Does all pieces in their order, so many at a time; `may_begin` is asked before each, and once it says no, nothing more
/// is begun. Results are taken in one place, as they come; the first that cannot be taken ends it too.
pub(super) fn run_all<C: Send, R: Send, E: Send>(
    pieces: Vec<Piece<C>>,
    side_by_side: usize,
    may_begin: impl Fn(&C) -> bool + Sync,
    work: impl Fn(&C) -> R + Sync,
    mut take: impl FnMut(C, R) -> Result<(), E>,
) -> Result<(), E> {
    let queue = Mutex::new(Queue { waiting: pieces, busy: Vec::new() });
    let freed = Condvar::new();
    let (sender, results) = mpsc::channel();
    let mut outcome = Ok(());
    thread::scope(|scope| {
        for _ in 0..side_by_side.max(1) {
            let (sender, queue, freed, may_begin, work) = (sender.clone(), &queue, &freed, &may_begin, &work);
            scope.spawn(move || {
                while let Some(piece) = next(queue, freed) {
                    let done = may_begin(&piece.work).then(|| work(&piece.work));
                    let mut held = queue.lock().unwrap_or_else(PoisonError::into_inner);
                    held.busy.retain(|busy| Some(busy) != piece.cluster.as_ref());
                    if done.is_none() {
                        held.waiting.clear();
                    }
                    drop(held);
                    freed.notify_all();
                    let sent = done.is_none_or(|done| sender.send((piece.work, done)).is_ok());
                    if !sent {
                        break;
                    }
                }
            });
        }
        drop(sender);
        for (piece, result) in results {
            if let (Err(error), true) = (take(piece, result), outcome.is_ok()) {
                outcome = Err(error);
                queue.lock().unwrap_or_else(PoisonError::into_inner).waiting.clear();
            }
        }
    });
    outcome
}

/// The next piece whose cluster is free, once there is one; `None` when nothing waits any more.
fn next<C>(queue: &Mutex<Queue<C>>, freed: &Condvar) -> Option<Piece<C>> {
    let mut held = queue.lock().unwrap_or_else(PoisonError::into_inner);
    loop {
        if held.waiting.is_empty() {
            return None;
        }
        let is_free =
            |piece: &Piece<C>| piece.cluster.as_ref().is_none_or(|cluster| !held.busy.contains(cluster));
        if let Some(place) = held.waiting.iter().position(is_free) {
            let piece = held.waiting.remove(place);
            held.busy.extend(piece.cluster.clone());
            return Some(piece);
        }
        held = freed.wait(held).unwrap_or_else(PoisonError::into_inner);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    fn pieces(clusters: &[Option<&str>]) -> Vec<Piece<usize>> {
        let piece =
            |(work, cluster): (usize, &Option<&str>)| Piece { work, cluster: cluster.map(str::to_owned) };
        clusters.iter().enumerate().map(piece).collect()
    }

    #[test]
    fn every_piece_is_done_once_and_a_shared_cluster_is_never_used_twice_at_a_time() {
        for side_by_side in [1, 2, 7] {
            let (using, worst) = (AtomicUsize::new(0), AtomicUsize::new(0));
            let all: Vec<Option<&str>> = (0..40).map(|n| (n % 2 == 0).then_some("ssh")).collect();
            let mut taken = Vec::new();
            let work = |piece: &usize| {
                if piece.is_multiple_of(2) {
                    worst.fetch_max(using.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                    thread::yield_now();
                    using.fetch_sub(1, Ordering::SeqCst);
                }
                *piece
            };
            let ended = run_all(
                pieces(&all),
                side_by_side,
                |_| true,
                work,
                |piece, result| {
                    assert_eq!(piece, result);
                    taken.push(piece);
                    Ok::<(), ()>(())
                },
            );
            taken.sort_unstable();
            assert_eq!((ended, taken), (Ok(()), (0..40).collect()));
            assert_eq!(worst.into_inner(), 1);
        }
    }

    #[test]
    fn when_no_more_may_begin_or_a_result_cannot_be_taken_it_ends() {
        let mut taken = Vec::new();
        let ended = run_all(
            pieces(&[None; 100]),
            1,
            |piece| *piece < 3,
            |piece| *piece,
            |piece, _| {
                taken.push(piece);
                Ok::<(), ()>(())
            },
        );
        assert_eq!((ended, taken), (Ok(()), vec![0, 1, 2]));
        assert_eq!(run_all(pieces(&[None; 100]), 3, |_| true, |_| (), |_, ()| Err("full")), Err("full"));
    }
}
