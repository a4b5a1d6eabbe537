//! Sets.

use std::collections::BTreeSet;

use history::{
    Value,
    vocabulary::{
        Set,
        set::{Call, Return},
    },
};
use serde::{Deserialize, Serialize};

use super::{
    contents::{Circumstances, Object},
    table::Table,
};

/// The sets.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sets(Table<BTreeSet<Value>>);

impl Object<Set> for Sets {
    fn read(&self, call: &Call) -> Option<Return> {
        let set = self.0.get(call.key());
        match call {
            Call::Contains(_, element) => {
                Some(Return::Contains(set.is_some_and(|set| set.contains(element))))
            }
            Call::Read(_) => Some(Return::Elements(set.into_iter().flatten().cloned().collect())),
            Call::Add(..) | Call::Remove(..) => None,
        }
    }

    fn change(&mut self, call: &Call, _: Circumstances) -> Option<Return> {
        match call {
            Call::Add(key, element) => Some(Return::Changed(self.0.at(key).insert(element.clone()))),
            Call::Remove(key, element) => Some(Return::Changed(self.0.at(key).remove(element))),
            Call::Contains(..) | Call::Read(_) => self.read(call),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_come_and_go() {
        let mut sets = Sets::default();
        let add = |element: i64| Call::Add(1.into(), element.into());
        let remove = Call::Remove(1.into(), 5.into());
        for (call, changes) in
            [(add(5), true), (add(5), false), (add(6), true), (remove.clone(), true), (remove, false)]
        {
            assert_eq!(sets.change(&call, Circumstances::default()), Some(Return::Changed(changes)));
            assert_eq!(sets.read(&call), None);
        }
        assert_eq!(sets.read(&Call::Read(1.into())), Some(Return::Elements(vec![6.into()])));
        assert_eq!(sets.read(&Call::Contains(1.into(), 6.into())), Some(Return::Contains(true)));
        assert_eq!(sets.read(&Call::Contains(2.into(), 6.into())), Some(Return::Contains(false)));
    }
}
