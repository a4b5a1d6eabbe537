//! Work that all threads share.
//!
//! What rayon compiles for each kind of work is longer than many a checker; here it is compiled once, for all of them.

use std::{
    cmp::Reverse,
    sync::{Mutex, PoisonError},
};

use rayon::prelude::*;

/// What becomes of one item.
enum Slot<I, T> {
    Waiting(I),
    Begun,
    Done(T),
}

/// The results of `work` on each of `items`, in their order.
pub(crate) fn map<I: Send, T: Send>(
    items: impl IntoIterator<Item = I>,
    work: impl Fn(I) -> T + Sync,
) -> Vec<T> {
    map_largest_first(items, false, |_| 0, work)
}

/// The same. What weighs most is begun first, so that no thread is left alone with it at the end; where all of it is
/// `little`, no other thread is woken.
pub(crate) fn map_largest_first<I: Send, T: Send>(
    items: impl IntoIterator<Item = I>,
    little: bool,
    weight: impl Fn(&I) -> usize,
    work: impl Fn(I) -> T + Sync,
) -> Vec<T> {
    let mut turns = Vec::new();
    let slots: Vec<Mutex<Slot<I, T>>> = (0u32..)
        .zip(items)
        .map(|(place, item)| {
            turns.push((Reverse(weight(&item)), place));
            Mutex::new(Slot::Waiting(item))
        })
        .collect();
    each(turns, little, &|place| {
        let slot = &slots[place as usize];
        let waiting =
            std::mem::replace(&mut *slot.lock().unwrap_or_else(PoisonError::into_inner), Slot::Begun);
        let Slot::Waiting(item) = waiting else { unreachable!("each place has one turn") };
        *slot.lock().unwrap_or_else(PoisonError::into_inner) = Slot::Done(work(item));
    });
    slots
        .into_iter()
        .map(|slot| match slot.into_inner().unwrap_or_else(PoisonError::into_inner) {
            Slot::Done(result) => result,
            Slot::Waiting(_) | Slot::Begun => unreachable!("each place had its turn"),
        })
        .collect()
}

/// Does the work of each place, the heaviest first.
fn each(mut turns: Vec<(Reverse<usize>, u32)>, little: bool, work: &(dyn Fn(u32) + Sync)) {
    turns.sort_unstable();
    if little || turns.len() < 2 {
        return turns.iter().for_each(|&(_, place)| work(place));
    }
    turns.par_iter().with_max_len(1).for_each(|&(_, place)| work(place));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_come_in_the_order_of_the_items() {
        assert_eq!(map(0..1000, |item: u32| item * 2), (0..1000).map(|item| item * 2).collect::<Vec<u32>>());
        assert_eq!(map(Vec::<u32>::new(), |item| item), Vec::<u32>::new());
        let lengths = map_largest_first(["a", "ccc", "bb"], true, |item| item.len(), str::len);
        assert_eq!(lengths, [1, 3, 2]);
    }

    #[test]
    fn the_largest_is_begun_first() {
        let begun = Mutex::new(Vec::new());
        let one_thread = rayon::ThreadPoolBuilder::new().num_threads(1).build().expect("a thread starts");
        one_thread.install(|| {
            map_largest_first(
                [1, 3, 2],
                false,
                |&item| item,
                |item| begun.lock().expect("nobody panics").push(item),
            )
        });
        assert_eq!(begun.into_inner().expect("nobody panics"), [3, 2, 1]);
    }
}
