//! A number of permits.

use history::{
    Value,
    vocabulary::{
        Semaphore,
        semaphore::{Call, Return},
    },
};

use crate::DataType;

/// How many permits are out, and how many there are.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SemaphoreState {
    out: u64,
    all: u64,
}

impl SemaphoreState {
    /// How many permits an initial value names: nil is 1. `None` where it is no number of permits.
    pub fn permits(initial: &Value) -> Option<u64> {
        match initial {
            Value::Nil => Some(1),
            Value::Int(permits) => u64::try_from(*permits).ok(),
            Value::Text(_) => None,
        }
    }
}

impl DataType for SemaphoreState {
    type Vocabulary = Semaphore;

    /// No permit is out at first; the initial value is how many there are.
    fn initial(value: &Value) -> Self {
        Self { out: 0, all: Self::permits(value).unwrap_or(1) }
    }

    fn step(&self, call: &Call, returned: Option<&Return>, next: &mut Vec<Self>) {
        let out = match call {
            Call::Acquire(_, permits) => self.out.checked_add(*permits).filter(|out| *out <= self.all),
            Call::Release(_, permits) => self.out.checked_sub(*permits),
        };
        match returned {
            Some(Return::Refused) => next.extend(out.is_none().then(|| self.clone())),
            _ => next.extend(out.map(|out| Self { out, all: self.all })),
        }
    }

    fn describe(&self) -> String {
        format!("{} of {} permits out", self.out, self.all)
    }
}
