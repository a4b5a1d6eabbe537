//! Registers. They are read, written and swapped one by one, or read and written by transactions.

use history::{
    Key, Value,
    vocabulary::{
        LongFork, Register, RwRegister,
        register::{Call, Return},
        rw_register::{Answer, Step},
    },
};
use serde::{Deserialize, Serialize};

use super::{
    contents::{Circumstances, Object},
    table::Table,
};

/// A value and the wall-clock time it was written with.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cell<T>(T, i64);

impl<T> Cell<T> {
    /// A value that is older than any.
    pub fn first(value: T) -> Self {
        Self(value, i64::MIN)
    }

    /// The value.
    pub fn value(&self) -> &T {
        &self.0
    }

    /// Writes a value, unless the wall clock is to decide and says that it is older than what is there.
    pub fn write(&mut self, value: T, with: Circumstances) {
        if !with.wall_wins || with.stamp_ns >= self.1 {
            *self = Self(value, with.stamp_ns);
        }
    }
}

/// The registers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Registers(Table<Cell<Value>>);

impl Registers {
    /// The value of a register.
    pub fn value(&self, key: &Key) -> Value {
        self.0.get(key).map(|cell| cell.value().clone()).unwrap_or_default()
    }

    /// Writes a register, whatever is in it.
    pub fn put(&mut self, key: &Key, value: Value, stamp_ns: i64) {
        self.0.insert(key.clone(), Cell(value, stamp_ns));
    }
}

impl Object<Register> for Registers {
    fn read(&self, call: &Call) -> Option<Return> {
        match call {
            Call::Read(key) => Some(Return::Value(Some(self.value(key)))),
            Call::Write(..) | Call::Cas(..) => None,
        }
    }

    fn change(&mut self, call: &Call, with: Circumstances) -> Option<Return> {
        Some(match call {
            Call::Read(key) => Return::Value(Some(self.value(key))),
            Call::Write(key, value) => {
                self.0.at(key).write(value.clone(), with);
                Return::Written
            }
            Call::Cas(key, from, to) => {
                let cell = self.0.at(key);
                if cell.0 != *from {
                    return Some(Return::Refused);
                }
                // It keeps the time of the value it replaces: a write that is under way with a later time must
                // still win, or this would go wrong with exact clocks as well.
                cell.0 = to.clone();
                Return::Swapped
            }
        })
    }
}

impl Object<RwRegister> for Registers {
    fn read(&self, steps: &Vec<Step>) -> Option<Vec<Answer>> {
        let answer = |step: &Step| match step {
            Step::Read(key) => Some(Answer::Read(key.clone(), Some(self.value(key)))),
            Step::Write(..) => None,
        };
        steps.iter().map(answer).collect()
    }

    fn change(&mut self, steps: &Vec<Step>, with: Circumstances) -> Option<Vec<Answer>> {
        let answer = |step: &Step| match step {
            Step::Read(key) => Answer::Read(key.clone(), Some(self.value(key))),
            Step::Write(key, value) => {
                self.0.at(key).write(value.clone(), with);
                Answer::Write(key.clone(), value.clone())
            }
        };
        Some(steps.iter().map(answer).collect())
    }
}

impl Object<LongFork> for Registers {
    fn read(&self, steps: &Vec<Step>) -> Option<Vec<Answer>> {
        Object::<RwRegister>::read(self, steps)
    }

    fn change(&mut self, steps: &Vec<Step>, with: Circumstances) -> Option<Vec<Answer>> {
        Object::<RwRegister>::change(self, steps, with)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(stamp_ns: i64, wall_wins: bool) -> Circumstances {
        Circumstances { stamp_ns, wall_wins, ..Circumstances::default() }
    }

    #[test]
    fn a_transaction_sees_its_own_writes_and_calls_see_them_too() {
        let mut registers = Registers::default();
        let steps = vec![Step::Read(1.into()), Step::Write(1.into(), 5.into()), Step::Read(1.into())];
        let seen = Object::<RwRegister>::change(&mut registers, &steps, at(0, false));
        let expected = vec![
            Answer::Read(1.into(), Some(Value::Nil)),
            Answer::Write(1.into(), 5.into()),
            Answer::Read(1.into(), Some(5.into())),
        ];
        assert_eq!(seen, Some(expected));
        let read = Object::<Register>::read(&registers, &Call::Read(1.into()));
        assert_eq!(read, Some(Return::Value(Some(5.into()))));
        assert_eq!(Object::<LongFork>::read(&registers, &steps), None, "it writes");
        let both = vec![Step::Read(1.into()), Step::Read(2.into())];
        assert_eq!(Object::<LongFork>::read(&registers, &both).map(|answers| answers.len()), Some(2));
    }

    #[test]
    fn the_later_wall_clock_wins_only_where_it_is_to_decide() {
        for (wall_wins, left) in [(false, 6), (true, 5)] {
            let mut registers = Registers::default();
            for (value, stamp_ns) in [(5, 20), (6, 10)] {
                let write = Call::Write(1.into(), value.into());
                Object::<Register>::change(&mut registers, &write, at(stamp_ns, wall_wins));
            }
            assert_eq!(registers.value(&1.into()), Value::Int(left));
        }
    }
}
