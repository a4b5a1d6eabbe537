//! Does pieces of work side by side, and takes their results in one place.

use std::{
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
    thread,
};

/// A piece of work that is done.
#[derive(Debug)]
pub(super) struct Ended<R> {
    /// How many are done, this one included.
    pub(super) place: usize,
    /// How many there are.
    pub(super) of: usize,
    /// What came of it.
    pub(super) result: R,
}

/// Does all pieces, so many at a time. The first that fails, or whose result cannot be taken, ends it: what is under way
/// is still finished and taken, and nothing more is begun.
pub(super) fn run_all<C: Send, R: Send, E: Send>(
    pieces: Vec<C>,
    side_by_side: usize,
    work: impl Fn(&C) -> Result<R, E> + Sync,
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
            let taken = result.and_then(|result| take(Ended { place: done + 1, of, result }));
            if let Err(error) = taken {
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
                |piece| Ok::<i32, ()>(piece * 2),
                |ended| {
                    assert_eq!((ended.place, ended.of), (taken.len() + 1, 20));
                    taken.push(ended.result);
                    Ok(())
                },
            );
            taken.sort_unstable();
            assert_eq!((ended, taken), (Ok(()), (0..20).map(|piece| piece * 2).collect()));
        }
    }

    #[test]
    fn the_first_failure_ends_it_and_what_was_under_way_is_kept() {
        let mut taken = Vec::new();
        let work = |piece: &i32| if *piece == 3 { Err("it failed") } else { Ok(*piece) };
        let ended = run_all((0..1000).collect(), 1, work, |ended| {
            taken.push(ended.result);
            Ok(())
        });
        assert_eq!(ended, Err("it failed"));
        assert!(taken.starts_with(&[0, 1, 2]) && taken.len() < 1000, "{taken:?}");
        let full = run_all((0..1000).collect(), 2, work, |_| Err("the disk is full"));
        assert_eq!(full, Err("the disk is full"));
    }
}
