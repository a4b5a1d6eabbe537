//! Numbers for values, told apart by key.
//!
//! Nearly all values of tests are whole numbers that grow with the writes of their key, or with those of all keys. They are
//! found in a table of the key, or of all keys, where what is asked for together lies together; the others are found by
//! hash.

use history::Value;
use rustc_hash::FxHashMap;

/// No number.
const NONE: u32 = u32::MAX;
/// The table of a key has room for so many values, and the one of all keys; or for so many times as many as are there.
const ROOM: u32 = 8;
const ROOM_OF_ALL: u32 = 1024;
const ROOM_PER_VALUE: u32 = 4;

/// A number for each value of each key.
#[derive(Debug, Default)]
pub(crate) struct Numbering<'h> {
    keys: Vec<OfKey>,
    /// By value, the key and the number of one that is not in the table of its key, and how many such values there are.
    of_all: Vec<(u32, u32)>,
    outside: u32,
    numbers: FxHashMap<(u32, i64), u32>,
    others: FxHashMap<(u32, &'h Value), u32>,
}

/// The values of one key.
#[derive(Debug, Default)]
struct OfKey {
    table: Vec<u32>,
    values: u32,
    /// Whether whole numbers of the key are outside its table.
    outside: bool,
}

/// The place of a value in a table, if there is or may be room for it.
fn place(number: i64, least: u32, values: u32, length: usize) -> Option<usize> {
    let room = least.max(values.saturating_mul(ROOM_PER_VALUE)) as usize;
    usize::try_from(number).ok().filter(|&place| place < room || place < length)
}

fn make_room<T: Clone>(table: &mut Vec<T>, place: usize, nothing: T) {
    if place >= table.len() {
        table.resize((place + 1).next_power_of_two(), nothing);
    }
}

impl<'h> Numbering<'h> {
    /// The number of a value, if it has one.
    pub fn get(&self, key: u32, value: &Value) -> Option<u32> {
        let Value::Int(number) = value else { return self.others.get(&(key, value)).copied() };
        let of_key = self.keys.get(key as usize)?;
        let known = usize::try_from(*number).ok().and_then(|place| of_key.table.get(place));
        match known {
            Some(&known) if known != NONE => Some(known),
            _ if of_key.outside => self.outside(key, *number),
            _ => None,
        }
    }

    /// The number of a value that is not in the table of its key.
    fn outside(&self, key: u32, number: i64) -> Option<u32> {
        let known = usize::try_from(number).ok().and_then(|place| self.of_all.get(place));
        match known {
            Some(&(owner, known)) if owner == key => Some(known),
            _ => self.numbers.get(&(key, number)).copied(),
        }
    }

    /// The number of a value, which becomes `fresh` if it had none.
    pub fn number(&mut self, key: u32, value: &'h Value, fresh: u32) -> u32 {
        let Value::Int(number) = *value else { return *self.others.entry((key, value)).or_insert(fresh) };
        if key as usize >= self.keys.len() {
            self.keys.resize_with(key as usize + 1, OfKey::default);
        }
        let of_key = &self.keys[key as usize];
        let inside = place(number, ROOM, of_key.values, of_key.table.len());
        if let Some(known) = inside.and_then(|place| of_key.table.get(place)).filter(|&&known| known != NONE)
        {
            return *known;
        }
        // It may have come when the table was too small for it.
        if of_key.outside
            && let Some(known) = self.outside(key, number)
        {
            return known;
        }
        let of_key = &mut self.keys[key as usize];
        of_key.values += 1;
        if let Some(place) = inside {
            make_room(&mut of_key.table, place, NONE);
            of_key.table[place] = fresh;
        } else {
            of_key.outside = true;
            self.put_outside(key, number, fresh);
        }
        fresh
    }

    fn put_outside(&mut self, key: u32, number: i64, fresh: u32) {
        self.outside += 1;
        if let Some(place) = place(number, ROOM_OF_ALL, self.outside, self.of_all.len()) {
            make_room(&mut self.of_all, place, (NONE, NONE));
            if self.of_all[place].0 == NONE {
                self.of_all[place] = (key, fresh);
                return;
            }
        }
        self.numbers.insert((key, number), fresh);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_keeps_the_number_it_was_given_first() {
        let mut state = 9u64;
        let mut roll = |below: u64| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state % below
        };
        let values: Vec<(u32, Value)> = (0..20_000)
            .map(|place| {
                let value = match roll(4) {
                    0 => Value::Int(roll(40) as i64 - 5),
                    1 => Value::Int((place / 7) as i64),
                    2 => Value::Int(roll(u64::MAX) as i64),
                    _ => Value::from(format!("{}", roll(60)).as_str()),
                };
                // Of few keys the values are close together, of many far apart.
                (roll(if place % 3 == 0 { 5 } else { 3_000 }) as u32, value)
            })
            .collect();
        let (mut numbering, mut expected) = (Numbering::default(), FxHashMap::default());
        for (fresh, (key, value)) in (0..).zip(&values) {
            let known = expected.get(&(*key, value)).copied();
            assert_eq!(numbering.get(*key, value), known, "{value:?} of key {key}");
            assert_eq!(numbering.number(*key, value, fresh), known.unwrap_or(fresh));
            expected.entry((*key, value)).or_insert(fresh);
        }
        let all_agree =
            expected.iter().all(|((key, value), known)| numbering.get(*key, value) == Some(*known));
        assert!(all_agree);
    }
}
