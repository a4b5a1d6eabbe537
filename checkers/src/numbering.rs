//! Numbers for values, told apart by key.
//!
//! Nearly all values of tests are small whole numbers that grow with the writes of their key. Those are found in a table of
//! the key, which lies together in memory where a hash table of all keys does not; the others are found by hash.

use history::Value;
use rustc_hash::FxHashMap;

/// No number.
const NONE: u32 = u32::MAX;
/// A table has room for so many values, or for so many times as many as its key has.
const ROOM: u32 = 8;
const ROOM_PER_VALUE: u32 = 4;

/// A number for each value of each key.
#[derive(Debug, Default)]
pub(crate) struct Numbering<'h> {
    keys: Vec<OfKey>,
    numbers: FxHashMap<(u32, i64), u32>,
    others: FxHashMap<(u32, &'h Value), u32>,
}

/// The values of one key.
#[derive(Debug, Default)]
struct OfKey {
    table: Vec<u32>,
    values: u32,
    /// Whether whole numbers of the key are outside the table.
    outside: bool,
}

impl OfKey {
    /// The place of a value in the table, if there is or may be room for it.
    fn place(&self, number: i64) -> Option<usize> {
        let room = ROOM.max(self.values.saturating_mul(ROOM_PER_VALUE));
        usize::try_from(number).ok().filter(|&place| place < room as usize || place < self.table.len())
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
            _ if of_key.outside => self.numbers.get(&(key, *number)).copied(),
            _ => None,
        }
    }

    /// The number of a value, which becomes `fresh` if it had none.
    pub fn number(&mut self, key: u32, value: &'h Value, fresh: u32) -> u32 {
        let Value::Int(number) = *value else { return *self.others.entry((key, value)).or_insert(fresh) };
        if key as usize >= self.keys.len() {
            self.keys.resize_with(key as usize + 1, OfKey::default);
        }
        let of_key = &mut self.keys[key as usize];
        let place = of_key.place(number);
        if let Some(known) = place.and_then(|place| of_key.table.get(place)).filter(|&&known| known != NONE) {
            return *known;
        }
        // It may have come when the table was too small for it.
        if of_key.outside
            && let Some(&known) = self.numbers.get(&(key, number))
        {
            return known;
        }
        of_key.values += 1;
        if let Some(place) = place {
            if place >= of_key.table.len() {
                of_key.table.resize((place + 1).next_power_of_two(), NONE);
            }
            of_key.table[place] = fresh;
        } else {
            of_key.outside = true;
            self.numbers.insert((key, number), fresh);
        }
        fresh
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
                (roll(5) as u32, value)
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
