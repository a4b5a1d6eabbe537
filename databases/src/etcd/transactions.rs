//! Transactions in etcd: all keys are read at one revision, and the writes are committed only if none of them has
//! changed since.
//!
//! | what happened | outcome | why |
//! |---|---|---|
//! | the first request, which only reads, has no answer | `Fail` | nothing was written yet |
//! | a key had changed in between | `Fail` | etcd compares and writes as one step, and refused |
//! | no connection for the second request | `Fail` | nothing was sent |
//! | the second request has no answer | `Unknown` | the proposal may be in the log already, and be applied later |

use std::collections::BTreeMap;

use async_trait::async_trait;
use cluster::{Client, ClientFactory, Cluster, Node};
use history::{
    Key, Outcome, Reason, Value, Vocabulary,
    vocabulary::{ListAppend, RwRegister, list_append, rw_register},
};

use super::{
    EtcdClients,
    client::{open, parse},
    gateway::{Gateway, Stored},
};

/// How the transactions of a vocabulary are carried out on what is stored under each key.
pub trait Stepwise: Vocabulary<Call = Vec<<Self as Stepwise>::Step>> {
    /// One step of a transaction.
    type Step: Send + Sync;
    /// The key of a step.
    fn key(step: &Self::Step) -> &Key;
    /// Does the steps on what is stored. Returns the answers and the keys that were written.
    fn carry_out(
        steps: &[Self::Step],
        stored: &mut BTreeMap<Key, Option<String>>,
    ) -> Result<(Self::Return, Vec<Key>), String>;
}

impl Stepwise for RwRegister {
    type Step = rw_register::Step;

    fn key(step: &Self::Step) -> &Key {
        step.key()
    }

    fn carry_out(
        steps: &[Self::Step],
        stored: &mut BTreeMap<Key, Option<String>>,
    ) -> Result<(Self::Return, Vec<Key>), String> {
        let mut written = Vec::new();
        let answers = steps.iter().map(|step| match step {
            rw_register::Step::Read(key) => {
                let value = stored.get(key).cloned().flatten();
                rw_register::Answer::Read(key.clone(), Some(value.map_or(Value::Nil, |text| parse(&text))))
            }
            rw_register::Step::Write(key, value) => {
                stored.insert(key.clone(), Some(value.to_string()));
                written.push(key.clone());
                rw_register::Answer::Write(key.clone(), value.clone())
            }
        });
        Ok((answers.collect(), written))
    }
}

impl Stepwise for ListAppend {
    type Step = list_append::Step;

    fn key(step: &Self::Step) -> &Key {
        step.key()
    }

    /// A list is kept as a JSON array.
    fn carry_out(
        steps: &[Self::Step],
        stored: &mut BTreeMap<Key, Option<String>>,
    ) -> Result<(Self::Return, Vec<Key>), String> {
        let mut lists: BTreeMap<Key, Vec<Value>> = BTreeMap::new();
        for (key, text) in stored.iter() {
            let text = text.as_deref().unwrap_or("[]");
            let list = serde_json::from_str(text).map_err(|_| format!("{key} holds no list: {text}"))?;
            lists.insert(key.clone(), list);
        }
        let (mut answers, mut written) = (Vec::with_capacity(steps.len()), Vec::new());
        for step in steps {
            let list = lists.entry(step.key().clone()).or_default();
            answers.push(match step {
                list_append::Step::Read(key) => {
                    list_append::Answer::Read(key.clone(), Some(list.clone().into()))
                }
                list_append::Step::Append(key, value) => {
                    list.push(value.clone());
                    written.push(key.clone());
                    list_append::Answer::Append(key.clone(), value.clone())
                }
            });
        }
        for key in &written {
            let text = serde_json::to_string(&lists[key]).map_err(|error| error.to_string())?;
            stored.insert(key.clone(), Some(text));
        }
        Ok((answers, written))
    }
}

/// A session that makes transactions.
struct EtcdTransactions {
    gateway: Gateway,
    broken: bool,
}

impl EtcdTransactions {
    async fn run<V: Stepwise>(&mut self, steps: &[V::Step]) -> Outcome<V::Return> {
        let mut keys: Vec<Key> = steps.iter().map(|step| V::key(step).clone()).collect();
        keys.sort();
        keys.dedup();
        let names: Vec<String> = keys.iter().map(Key::to_string).collect();
        let stored = match self.gateway.read_all(&names).await {
            Ok(stored) => stored,
            Err(error) => {
                self.broken = true;
                return error.outcome(true);
            }
        };
        let revisions: Vec<(String, u64)> =
            names.iter().cloned().zip(stored.iter().map(|stored| stored.revision)).collect();
        let mut values: BTreeMap<Key, Option<String>> =
            keys.iter().cloned().zip(stored.into_iter().map(|Stored { value, .. }| value)).collect();
        let (answers, mut written) = match V::carry_out(steps, &mut values) {
            Ok(done) => done,
            Err(reason) => return Outcome::Fail(reason.into()),
        };
        if written.is_empty() {
            return Outcome::Ok(answers);
        }
        written.sort();
        written.dedup();
        let puts: Vec<(String, String)> = written
            .iter()
            .map(|key| (key.to_string(), values.remove(key).flatten().unwrap_or_default()))
            .collect();
        match self.gateway.put_if_unchanged(&revisions, &puts).await {
            Ok(true) => Outcome::Ok(answers),
            Ok(false) => Outcome::Fail("a key had changed since it was read".into()),
            Err(error) => {
                self.broken = true;
                error.outcome(false)
            }
        }
    }
}

macro_rules! transactions {
    ($vocabulary:ty) => {
        #[async_trait]
        impl ClientFactory<$vocabulary> for EtcdClients {
            async fn open(&self, _: &Cluster, node: &Node) -> Result<Box<dyn Client<$vocabulary>>, Reason> {
                Ok(Box::new(EtcdTransactions { gateway: open(&self.0, node).await?, broken: false }))
            }
        }

        #[async_trait]
        impl Client<$vocabulary> for EtcdTransactions {
            async fn invoke(
                &mut self,
                call: &<$vocabulary as Vocabulary>::Call,
            ) -> Outcome<<$vocabulary as Vocabulary>::Return> {
                self.run::<$vocabulary>(call).await
            }

            fn is_broken(&self) -> bool {
                self.broken
            }
        }
    };
}

transactions!(ListAppend);
transactions!(RwRegister);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_transaction_reads_its_own_appends() {
        use list_append::{Answer, Step};
        let (x, y) = (Key::from("x"), Key::from("y"));
        let mut stored = BTreeMap::from([(x.clone(), Some("[1,2]".to_owned())), (y.clone(), None)]);
        let steps = [
            Step::Read(x.clone()),
            Step::Append(x.clone(), Value::Int(3)),
            Step::Read(x.clone()),
            Step::Read(y.clone()),
        ];
        let (answers, written) = ListAppend::carry_out(&steps, &mut stored).unwrap();
        let list = |values: &[i64]| Some(values.iter().map(|&v| Value::Int(v)).collect::<Vec<_>>().into());
        assert_eq!(
            answers,
            [
                Answer::Read(x.clone(), list(&[1, 2])),
                Answer::Append(x.clone(), Value::Int(3)),
                Answer::Read(x.clone(), list(&[1, 2, 3])),
                Answer::Read(y, list(&[])),
            ]
        );
        assert_eq!(written, std::slice::from_ref(&x));
        assert_eq!(stored[&x].as_deref(), Some("[1,2,3]"));
    }

    #[test]
    fn a_register_transaction_reads_its_own_write() {
        use rw_register::{Answer, Step};
        let x = Key::from("x");
        let mut stored = BTreeMap::from([(x.clone(), None)]);
        let steps = [Step::Read(x.clone()), Step::Write(x.clone(), Value::Int(7)), Step::Read(x.clone())];
        let (answers, _) = RwRegister::carry_out(&steps, &mut stored).unwrap();
        assert_eq!(answers[0], Answer::Read(x.clone(), Some(Value::Nil)));
        assert_eq!(answers[2], Answer::Read(x, Some(Value::Int(7))));
    }

    #[test]
    fn something_else_under_a_key_is_no_list() {
        let x = Key::from("x");
        let mut stored = BTreeMap::from([(x.clone(), Some("7".to_owned()))]);
        assert!(ListAppend::carry_out(&[list_append::Step::Read(x)], &mut stored).is_err());
    }
}
