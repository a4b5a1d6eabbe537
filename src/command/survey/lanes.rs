//! Does pieces of work side by side, and takes their results in one place.

use std::{
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
    thread,
};

/// A piece of work that has ended.
#[derive(Debug)]
pub(super) struct Ended<R> {
    /// How many have ended, this one included.
    pub(super) place: usize,
    /// How many there are.
    pub(super) of: usize,
    /// What came of it.
    pub(super) result: R,
}

/// Does all pieces, so many at a time. The first whose result cannot be taken ends it: what is under way is still finished
/// and taken, and nothing more is begun.
pub(super) fn run_all<C: Send, R: Send, E>(
    pieces: Vec<C>,
    side_by_side: usize,
    work: impl Fn(&C) -> R + Sync,
    mut take: impl FnMut(Ended<R>) -> Result<(), E>,
) -> Result<(), E> {
    let of = pieces.len();
    let queue = Mutex::new(pieces.into_iter());
    let stop = AtomicBool::new(false);
    let (sender, results) = mpsc::channel();
    let mut outcome = Ok(());
    thread::scope(|scope| {
        for _ in 0..side_by_side.clamp(1, of.max(1)) {
            let (sender, queue, work, stop) = (sender.clone(), &queue, &work, &stop);
            scope.spawn(move || {
                while !stop.load(Ordering::Relaxed) {
                    let Some(piece) = queue.lock().unwrap_or_else(PoisonError::into_inner).next() else {
                        break;
                    };
                    if sender.send(work(&piece)).is_err() {
                        break;
                    }
                }
            });
        }
        drop(sender);
        for (done, result) in results.into_iter().enumerate() {
            if let Err(error) = take(Ended { place: done + 1, of, result }) {
                stop.store(true, Ordering::Relaxed);
                if outcome.is_ok() {
                    outcome = Err(error);
                }
            }
        }
    });
    outcome
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_piece_is_done_once_whatever_the_number_of_lanes() {
        for side_by_side in [0, 1, 2, 7, 100] {
            let mut taken = Vec::new();
            let ended = run_all(
                (0..20).collect(),
                side_by_side,
                |piece| piece * 2,
                |ended| {
                    assert_eq!((ended.place, ended.of), (taken.len() + 1, 20));
                    taken.push(ended.result);
                    Ok::<(), ()>(())
                },
            );
            taken.sort_unstable();
            assert_eq!((ended, taken), (Ok(()), (0..20).map(|piece| piece * 2).collect()));
        }
    }

    #[test]
    fn the_first_that_cannot_be_taken_ends_it_and_what_was_under_way_is_kept() {
        let mut taken = Vec::new();
        let work = |piece: &i32| {
            thread::sleep(std::time::Duration::from_millis(5));
            *piece
        };
        let ended = run_all((0..1000).collect(), 1, work, |ended| {
            taken.push(ended.result);
            if ended.result == 3 { Err("the disk is full") } else { Ok(()) }
        });
        assert_eq!(ended, Err("the disk is full"));
        assert!(taken.starts_with(&[0, 1, 2, 3]) && taken.len() < 1000, "{taken:?}");
    }
}
