//! Lists, which transactions append to and read.

use history::{
    Value,
    vocabulary::{
        ListAppend,
        list_append::{Answer, List, Step},
    },
};
use serde::{Deserialize, Serialize};

use super::{
    contents::{Circumstances, Object},
    table::Table,
};

/// The lists.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lists(Table<Vec<Value>>);

impl Lists {
    fn list(&self, key: &Value) -> List {
        self.0.get(key).cloned().unwrap_or_default().into()
    }
}

impl Object<ListAppend> for Lists {
    fn read(&self, steps: &Vec<Step>) -> Option<Vec<Answer>> {
        let answer = |step: &Step| match step {
            Step::Read(key) => Some(Answer::Read(key.clone(), Some(self.list(key)))),
            Step::Append(..) => None,
        };
        steps.iter().map(answer).collect()
    }

    fn change(&mut self, steps: &Vec<Step>, _: Circumstances) -> Option<Vec<Answer>> {
        let answer = |step: &Step| match step {
            Step::Read(key) => Answer::Read(key.clone(), Some(self.list(key))),
            Step::Append(key, value) => {
                self.0.at(key).push(value.clone());
                Answer::Append(key.clone(), value.clone())
            }
        };
        Some(steps.iter().map(answer).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_transaction_sees_its_own_appends() {
        let mut lists = Lists::default();
        let (append, read) = (|value: i64| Step::Append(1.into(), value.into()), Step::Read(1.into()));
        lists.change(&vec![append(5), append(6)], Circumstances::default());
        let seen = lists.change(&vec![append(7), read.clone()], Circumstances::default());
        let list: List = vec![5.into(), 6.into(), 7.into()].into();
        let expected = vec![Answer::Append(1.into(), 7.into()), Answer::Read(1.into(), Some(list.clone()))];
        assert_eq!(seen, Some(expected));
        let empty = Answer::Read(2.into(), Some(List::default()));
        assert_eq!(
            lists.read(&vec![read, Step::Read(2.into())]),
            Some(vec![Answer::Read(1.into(), Some(list)), empty])
        );
        assert_eq!(lists.read(&vec![append(8)]), None);
    }
}
