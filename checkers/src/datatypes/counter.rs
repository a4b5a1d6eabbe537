//! A counter, with bounds where the initial value names them.

use history::{
    Value,
    vocabulary::{
        Counter,
        counter::{Call, Return},
    },
};

use crate::DataType;

/// A counter. It is wide enough that no history can make it overflow.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct CounterState {
    value: i128,
    least: Option<i64>,
    most: Option<i64>,
}

impl CounterState {
    /// The counter that an initial value describes: nil, `5`, `5 in 0..10`, `0 in 0..`, `0 in ..10`. Both bounds may be
    /// reached. `None` where the value is something else.
    pub fn parse(initial: &Value) -> Option<Self> {
        let text = match initial {
            Value::Nil => return Some(Self { value: 0, least: None, most: None }),
            Value::Int(value) => return Some(Self { value: i128::from(*value), least: None, most: None }),
            Value::Text(text) => text,
        };
        let (value, bounds) = text.split_once(" in ")?;
        let (least, most) = bounds.split_once("..")?;
        let bound = |text: &str| match text.trim() {
            "" => Some(None),
            number => number.parse::<i64>().ok().map(Some),
        };
        Some(Self { value: value.trim().parse().ok()?, least: bound(least)?, most: bound(most)? })
    }

    fn is_bounded(&self) -> bool {
        self.least.is_some() || self.most.is_some()
    }

    fn allows(&self, value: i128) -> bool {
        self.least.is_none_or(|least| i128::from(least) <= value)
            && self.most.is_none_or(|most| value <= i128::from(most))
    }
}

impl DataType for CounterState {
    type Vocabulary = Counter;

    fn initial(value: &Value) -> Self {
        Self::parse(value).unwrap_or(Self { value: 0, least: None, most: None })
    }

    fn step(&self, call: &Call, returned: Option<&Return>, next: &mut Vec<Self>) {
        let Call::Add(_, number) = call else {
            let right = match returned {
                Some(Return::Value(Some(seen))) => i128::from(*seen) == self.value,
                _ => true,
            };
            next.extend(right.then(|| self.clone()));
            return;
        };
        let value = self.value + i128::from(*number);
        let after = || Self { value, ..self.clone() };
        next.extend(match returned {
            // Where nobody named bounds, a refusal is the database's own affair and says nothing.
            Some(Return::Refused) => (!self.is_bounded() || !self.allows(value)).then(|| self.clone()),
            Some(Return::Value(Some(now))) => (i128::from(*now) == value && self.allows(value)).then(after),
            _ => self.allows(value).then(after),
        });
    }

    fn describe(&self) -> String {
        self.value.to_string()
    }
}
