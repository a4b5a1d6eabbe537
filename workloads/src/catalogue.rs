//! The workloads that come with Disprove, by vocabulary.
//!
//! A workload is listed only when a checker judges it: there is no verdict without one.

use history::{
    Vocabulary,
    vocabulary::{
        Bank, Counter, Ids, Lease, ListAppend, Log, LongFork, Mutex, Predicate, Queue, Register, RwRegister,
        Set,
    },
};

use crate::{
    BankWorkload, CounterWorkload, IdsWorkload, LeaseWorkload, ListAppendWorkload, LockWorkload, LogWorkload,
    LongForkWorkload, PredicateWorkload, QueueWorkload, RegisterWorkload, RwRegisterWorkload, SetWorkload,
    Workload, workload::Setting,
};

/// A workload of this vocabulary, with its defaults.
pub type BoxedWorkload<V> = Box<dyn Workload<Vocabulary = V>>;

/// A vocabulary that comes with workloads.
pub trait Catalogued: Vocabulary + Sized {
    /// All its workloads, the usual one first.
    fn workloads() -> Vec<BoxedWorkload<Self>>;
}

impl Catalogued for Register {
    fn workloads() -> Vec<BoxedWorkload<Self>> {
        vec![Box::new(RegisterWorkload::default()), Box::new(RegisterWorkload::read_write())]
    }
}

impl Catalogued for Set {
    fn workloads() -> Vec<BoxedWorkload<Self>> {
        vec![Box::new(SetWorkload::default())]
    }
}

impl Catalogued for Counter {
    fn workloads() -> Vec<BoxedWorkload<Self>> {
        vec![Box::new(CounterWorkload::default())]
    }
}

impl Catalogued for Queue {
    fn workloads() -> Vec<BoxedWorkload<Self>> {
        vec![Box::new(QueueWorkload::default())]
    }
}

impl Catalogued for ListAppend {
    fn workloads() -> Vec<BoxedWorkload<Self>> {
        vec![Box::new(ListAppendWorkload::default())]
    }
}

impl Catalogued for RwRegister {
    fn workloads() -> Vec<BoxedWorkload<Self>> {
        vec![Box::new(RwRegisterWorkload::default())]
    }
}

impl Catalogued for Bank {
    fn workloads() -> Vec<BoxedWorkload<Self>> {
        vec![Box::new(BankWorkload::default())]
    }
}

impl Catalogued for LongFork {
    fn workloads() -> Vec<BoxedWorkload<Self>> {
        vec![Box::new(LongForkWorkload::default())]
    }
}

impl Catalogued for Predicate {
    fn workloads() -> Vec<BoxedWorkload<Self>> {
        vec![Box::new(PredicateWorkload::default())]
    }
}

impl Catalogued for Mutex {
    fn workloads() -> Vec<BoxedWorkload<Self>> {
        vec![Box::new(LockWorkload::default())]
    }
}

impl Catalogued for Lease {
    fn workloads() -> Vec<BoxedWorkload<Self>> {
        vec![Box::new(LeaseWorkload::default())]
    }
}

impl Catalogued for Ids {
    fn workloads() -> Vec<BoxedWorkload<Self>> {
        vec![Box::new(IdsWorkload)]
    }
}

impl Catalogued for Log {
    fn workloads() -> Vec<BoxedWorkload<Self>> {
        vec![Box::new(LogWorkload::default()), Box::new(LogWorkload::watch())]
    }
}

/// A workload as it is listed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its name in `--workload`.
    pub name: String,
    /// The vocabulary it generates, which a database must speak.
    pub vocabulary: &'static str,
    /// The promise it tests, in one line.
    pub promise: String,
    /// What can be set.
    pub settings: Vec<Setting>,
}

/// Every workload, by vocabulary.
pub fn entries() -> Vec<Entry> {
    let mut entries = Vec::new();
    list::<Register>(&mut entries);
    list::<Set>(&mut entries);
    list::<Counter>(&mut entries);
    list::<Queue>(&mut entries);
    list::<ListAppend>(&mut entries);
    list::<RwRegister>(&mut entries);
    list::<Bank>(&mut entries);
    list::<LongFork>(&mut entries);
    list::<Predicate>(&mut entries);
    list::<Mutex>(&mut entries);
    list::<Lease>(&mut entries);
    list::<Ids>(&mut entries);
    list::<Log>(&mut entries);
    entries
}

fn list<V: Catalogued>(entries: &mut Vec<Entry>) {
    entries.extend(V::workloads().iter().map(|workload| Entry {
        name: workload.name().into(),
        vocabulary: V::NAME,
        promise: workload.promise().into(),
        settings: workload.settings(),
    }));
}

/// The workload of this vocabulary with this name.
pub fn find<V: Catalogued>(name: &str) -> Option<BoxedWorkload<V>> {
    V::workloads().into_iter().find(|workload| workload.name() == name)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_entry_is_found_by_a_name_of_its_own() {
        let entries = entries();
        let names: BTreeSet<_> = entries.iter().map(|entry| entry.name.clone()).collect();
        assert_eq!(names.len(), entries.len());
        assert!(find::<Register>("register").is_some());
        assert!(find::<Register>("nothing").is_none());
        assert!(find::<Set>("set").is_some());
        assert!(entries.iter().all(|entry| !entry.promise.is_empty() && !entry.promise.contains('\n')));
    }
}
