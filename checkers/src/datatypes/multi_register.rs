//! Several registers that one call reads and writes at one moment.

use history::{
    Key, Value,
    vocabulary::{
        MultiRegister,
        rw_register::{Answer, Step},
    },
};

use crate::DataType;

/// The registers whose value is not the initial one, in the order of their keys.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct MultiRegisterState {
    values: Vec<(Key, Value)>,
    initial: Value,
}

impl MultiRegisterState {
    fn place(&self, key: &Key) -> Result<usize, usize> {
        self.values.binary_search_by(|(other, _)| other.cmp(key))
    }

    fn get(&self, key: &Key) -> &Value {
        self.place(key).map_or(&self.initial, |at| &self.values[at].1)
    }

    fn set(&mut self, key: &Key, value: &Value) {
        match (self.place(key), *value == self.initial) {
            (Ok(at), true) => drop(self.values.remove(at)),
            (Ok(at), false) => self.values[at].1 = value.clone(),
            (Err(_), true) => {}
            (Err(at), false) => self.values.insert(at, (key.clone(), value.clone())),
        }
    }
}

impl DataType for MultiRegisterState {
    type Vocabulary = MultiRegister;

    fn initial(value: &Value) -> Self {
        Self { values: Vec::new(), initial: value.clone() }
    }

    fn step(&self, call: &Vec<Step>, returned: Option<&Vec<Answer>>, next: &mut Vec<Self>) {
        let mut after = self.clone();
        for (at, step) in call.iter().enumerate() {
            match (step, returned.and_then(|answers| answers.get(at))) {
                (Step::Write(key, value), _) => after.set(key, value),
                // A nil means "not known" where the registers hold something at first.
                (Step::Read(_), Some(Answer::Read(_, Some(Value::Nil)))) if self.initial != Value::Nil => {}
                (Step::Read(key), Some(Answer::Read(_, Some(seen)))) if after.get(key) != seen => return,
                (Step::Read(_), _) => {}
            }
        }
        next.push(after);
    }

    fn describe(&self) -> String {
        let values: Vec<String> = self.values.iter().map(|(key, value)| format!("{key} {value}")).collect();
        match values.is_empty() {
            true => format!("all {}", self.initial),
            false => values.join(", "),
        }
    }
}
