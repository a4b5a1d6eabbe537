//! Sessions with Tarantool: each call is one procedure of the server's, which is one transaction.
//!
//! | what happened | outcome | why |
//! |---|---|---|
//! | no connection was made | `Fail` | nothing was sent |
//! | a read has no answer, or an error | `Fail` | a read changes nothing, so it did not happen |
//! | 7 (`ER_READONLY`), 116 (`ER_LOADING`) | `Fail` | the server looks at these before it changes anything |
//! | 33 (`ER_NO_SUCH_PROC`), 42 (`ER_ACCESS_DENIED`) | `Fail` | the procedure was not begun: a server that starts takes calls before it has them all |
//! | any other error | `Unknown` | a write that had no quorum in time is taken back, and others may have seen it by then |
//! | no answer | `Unknown` | it may have been carried out |

use cluster::{Cluster, Node};
use history::{
    Counter, Outcome, Reason, Set, Value,
    vocabulary::{
        ListAppend, Register, RwRegister, counter, list_append,
        register::{self, Return as Answer},
        rw_register, set,
    },
};

use super::{
    address,
    pack::Pack,
    wire::{Trouble, Wire},
};
use crate::speaking::{Speaker, speaks};

/// Errors that are given before anything is changed.
const REFUSALS: [i64; 4] = [7, 33, 42, 116];

/// Opens sessions with the server that takes writes.
#[derive(Clone, Copy, Debug, Default)]
pub struct TarantoolClients;

/// One session: one connection, opened once.
struct Session {
    wire: Wire,
    broken: bool,
}

/// A value as it was written: a number where it reads as one.
fn parse(text: &str) -> Value {
    text.parse().map_or_else(|_| Value::from(text), Value::Int)
}

/// A value that a procedure gave; nothing where there is none.
fn value(pack: &Pack) -> Result<Value, Trouble> {
    match pack {
        Pack::Nil => Ok(Value::Nil),
        Pack::Text(text) => Ok(parse(text)),
        _ => Err(Trouble::strange()),
    }
}

fn values(pack: &Pack) -> Result<Vec<Value>, Trouble> {
    pack.list().ok_or_else(Trouble::strange)?.iter().map(value).collect()
}

impl Session {
    async fn open(cluster: &Cluster, _: &Node) -> Result<Self, Reason> {
        // Whichever node they are of, clients speak with the one that takes writes.
        Ok(Self { wire: Wire::open(address(&cluster.nodes[0])).await?, broken: false })
    }

    /// What a procedure gave first; nothing where it gave nothing.
    async fn call(&mut self, procedure: &str, given: Vec<Pack>) -> Result<Pack, Trouble> {
        let mut data = self.wire.call(procedure, given).await?;
        data.truncate(1);
        Ok(data.pop().unwrap_or(Pack::Nil))
    }

    async fn truth(&mut self, procedure: &str, given: Vec<Pack>) -> Result<bool, Trouble> {
        self.call(procedure, given).await?.truth().ok_or_else(Trouble::strange)
    }

    async fn register(&mut self, call: &register::Call) -> Result<Answer, Trouble> {
        let key = Pack::of(call.key());
        match call {
            register::Call::Read(_) => {
                let found = self.call("disprove_read", vec![key]).await?;
                Ok(Answer::Value(Some(value(&found)?)))
            }
            register::Call::Write(_, to) => {
                self.call("disprove_write", vec![key, Pack::of(to)]).await?;
                Ok(Answer::Written)
            }
            register::Call::Cas(_, from, to) => {
                let from = if *from == Value::Nil { Pack::Nil } else { Pack::of(from) };
                let swapped = self.truth("disprove_swap", vec![key, from, Pack::of(to)]).await?;
                Ok(if swapped { Answer::Swapped } else { Answer::Refused })
            }
        }
    }

    async fn set(&mut self, call: &set::Call) -> Result<set::Return, Trouble> {
        let key = Pack::of(call.key());
        match call {
            set::Call::Add(_, element) => {
                self.call("disprove_add", vec![key, Pack::of(element)]).await?;
                Ok(set::Return::Added)
            }
            set::Call::Remove(_, element) => {
                Ok(set::Return::Changed(self.truth("disprove_remove", vec![key, Pack::of(element)]).await?))
            }
            set::Call::Contains(_, element) => Ok(set::Return::Contains(
                self.truth("disprove_contains", vec![key, Pack::of(element)]).await?,
            )),
            set::Call::Read(_) => {
                Ok(set::Return::Elements(values(&self.call("disprove_elements", vec![key]).await?)?))
            }
        }
    }

    async fn counter(&mut self, call: &counter::Call) -> Result<counter::Return, Trouble> {
        match call {
            counter::Call::Add(key, number) => {
                self.call("disprove_count", vec![Pack::of(key), Pack::Int(*number)]).await?;
                Ok(counter::Return::Added)
            }
            counter::Call::Read(key) => match self.call("disprove_counted", vec![Pack::of(key)]).await? {
                Pack::Int(number) => Ok(counter::Return::Value(Some(number))),
                _ => Err(Trouble::strange()),
            },
        }
    }

    /// What a transaction gave, an answer for each step.
    async fn steps(&mut self, procedure: &str, steps: Vec<Pack>) -> Result<Vec<Pack>, Trouble> {
        let count = steps.len();
        match self.call(procedure, vec![Pack::List(steps)]).await? {
            Pack::List(answers) if answers.len() == count => Ok(answers),
            _ => Err(Trouble::strange()),
        }
    }

    async fn lists(&mut self, call: &[list_append::Step]) -> Result<Vec<list_append::Answer>, Trouble> {
        let asked = call.iter().map(|step| match step {
            list_append::Step::Read(key) => Pack::List(vec![Pack::of(key)]),
            list_append::Step::Append(key, value) => Pack::List(vec![Pack::of(key), Pack::of(value)]),
        });
        let answers = self.steps("disprove_lists", asked.collect()).await?;
        let answers = call.iter().zip(&answers).map(|(step, answer)| match step {
            list_append::Step::Read(key) => {
                Ok(list_append::Answer::Read(key.clone(), Some(values(answer)?.into())))
            }
            list_append::Step::Append(key, value) => {
                Ok(list_append::Answer::Append(key.clone(), value.clone()))
            }
        });
        answers.collect()
    }

    async fn registers(&mut self, call: &[rw_register::Step]) -> Result<Vec<rw_register::Answer>, Trouble> {
        let asked = call.iter().map(|step| match step {
            rw_register::Step::Read(key) => Pack::List(vec![Pack::of(key)]),
            rw_register::Step::Write(key, value) => Pack::List(vec![Pack::of(key), Pack::of(value)]),
        });
        let answers = self.steps("disprove_registers", asked.collect()).await?;
        let answers = call.iter().zip(&answers).map(|(step, answer)| match step {
            rw_register::Step::Read(key) => Ok(rw_register::Answer::Read(key.clone(), Some(value(answer)?))),
            rw_register::Step::Write(key, value) => {
                Ok(rw_register::Answer::Write(key.clone(), value.clone()))
            }
        });
        answers.collect()
    }
}

impl Speaker for Session {
    type Trouble = Trouble;

    fn outcome<R>(&mut self, trouble: Trouble, is_read: bool) -> Outcome<R> {
        self.broken |= matches!(trouble, Trouble::Lost(_));
        let is_refusal = matches!(trouble, Trouble::Error(number, _) if REFUSALS.contains(&number));
        let (Trouble::Error(_, reason) | Trouble::Lost(reason)) = trouble;
        if is_read || is_refusal { Outcome::Fail(reason) } else { Outcome::Unknown(reason) }
    }

    fn is_broken(&self) -> bool {
        self.broken
    }
}

speaks! {
    Session, opened by TarantoolClients as |_clients, cluster, node| Session::open(cluster, node).await?;
    Register: register;
    Set: set;
    Counter: counter;
    ListAppend: lists;
    RwRegister: registers;
}
