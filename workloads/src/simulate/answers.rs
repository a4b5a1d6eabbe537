//! What a correct database would answer, for simulations.

use std::collections::BTreeMap;

use history::{
    Key, Value,
    vocabulary::{register, set},
};

/// Registers that answer as they should: each call takes effect as it completes.
#[derive(Clone, Debug, Default)]
pub struct Registers(BTreeMap<Key, Value>);

impl Registers {
    /// Does the call.
    pub fn answer(&mut self, call: &register::Call) -> register::Return {
        let held = self.0.entry(call.key().clone()).or_default();
        match call {
            register::Call::Read(_) => register::Return::Value(Some(held.clone())),
            register::Call::Write(_, value) => {
                *held = value.clone();
                register::Return::Written
            }
            register::Call::Cas(_, from, to) if held == from => {
                *held = to.clone();
                register::Return::Swapped
            }
            register::Call::Cas(..) => register::Return::Refused,
        }
    }
}

/// Sets that answer as they should: each call takes effect as it completes.
#[derive(Clone, Debug, Default)]
pub struct Sets(BTreeMap<Key, Vec<Value>>);

impl Sets {
    /// Does the call.
    pub fn answer(&mut self, call: &set::Call) -> set::Return {
        match call {
            set::Call::Add(key, element) => {
                self.0.entry(key.clone()).or_default().push(element.clone());
                set::Return::Added
            }
            set::Call::Remove(key, element) => {
                self.0.entry(key.clone()).or_default().retain(|other| other != element);
                set::Return::Removed
            }
            set::Call::Contains(key, element) => {
                set::Return::Contains(self.0.get(key).is_some_and(|elements| elements.contains(element)))
            }
            set::Call::Read(key) => set::Return::Elements(self.0.get(key).cloned().unwrap_or_default()),
        }
    }
}
