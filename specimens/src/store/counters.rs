//! Counters.

use history::vocabulary::{
    Counter,
    counter::{Call, Return},
};
use serde::{Deserialize, Serialize};

use super::{
    contents::{Circumstances, Object},
    table::Table,
};

/// The counters.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counters(Table<i64>);

impl Object<Counter> for Counters {
    fn read(&self, call: &Call) -> Option<Return> {
        match call {
            Call::Read(key) => Some(Return::Value(Some(self.0.get(key).copied().unwrap_or(0)))),
            Call::Add(..) => None,
        }
    }

    /// An addition answers with what it came to. One that would overflow cannot be carried out.
    fn change(&mut self, call: &Call, _: Circumstances) -> Option<Return> {
        let Call::Add(key, number) = call else { return self.read(call) };
        let counter = self.0.at(key);
        *counter = counter.checked_add(*number)?;
        Some(Return::Value(Some(*counter)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_addition_answers_with_the_sum_and_none_overflows() {
        let mut counters = Counters::default();
        let mut add = |number| counters.change(&Call::Add(1.into(), number), Circumstances::default());
        assert_eq!(add(5), Some(Return::Value(Some(5))));
        assert_eq!(add(-7), Some(Return::Value(Some(-2))));
        assert_eq!(add(i64::MIN), None);
        assert_eq!(counters.read(&Call::Read(1.into())), Some(Return::Value(Some(-2))));
        assert_eq!(counters.read(&Call::Read(2.into())), Some(Return::Value(Some(0))));
    }
}
