//! Proofs in words.

use history::{
    History, Key, OpIndex, Operation, Value, Vocabulary,
    vocabulary::{
        Register,
        register::{Call as Asked, Return},
    },
};

use super::{
    calls::{Action, NONE, Problem},
    forced::{Edge, Why},
};
use crate::{Link, Relation, subject};

/// How many links of a cycle a sentence tells.
const TOLD_MAX: usize = 6;

/// An operation in words: who, what, when, and the answer.
pub(crate) fn tell(operation: &Operation<Register>) -> String {
    let (who, when) = (operation.process, operation.began);
    match (&operation.call, operation.outcome.ok()) {
        (Asked::Read(Value::Nil), Some(Return::Value(Some(seen)))) => {
            format!("read by {who} at {when} returned {seen}")
        }
        (Asked::Read(key), Some(Return::Value(Some(seen)))) => {
            format!("read of {key} by {who} at {when} returned {seen}")
        }
        (Asked::Cas(..), Some(Return::Refused)) => {
            format!("`{}` by {who} at {when} was refused", Register::describe_call(&operation.call))
        }
        (call, _) => format!("`{}` by {who} at {when}", Register::describe_call(call)),
    }
}

/// The same without the time, where several are told in a row.
fn tell_short(operation: &Operation<Register>) -> String {
    let who = operation.process;
    match (&operation.call, operation.outcome.ok()) {
        (Asked::Read(Value::Nil), Some(Return::Value(Some(seen)))) => format!("the read of {seen} by {who}"),
        (Asked::Read(key), Some(Return::Value(Some(seen)))) => format!("the read of {key} = {seen} by {who}"),
        (Asked::Cas(..), Some(Return::Refused)) => {
            format!("the refused `{}` by {who}", Register::describe_call(&operation.call))
        }
        (call, _) => format!("`{}` by {who}", Register::describe_call(call)),
    }
}

/// Turns edges between calls into links between operations.
pub(crate) struct Words<'a> {
    /// The history.
    pub history: &'a History<Register>,
    /// The calls that the edges are about.
    pub problem: &'a Problem,
}

impl Words<'_> {
    /// The operation of a call. Models that look at a call twice number its second half after all calls.
    pub fn operation(&self, call: u32) -> &Operation<Register> {
        &self.history.operations[self.call(call).origin.0 as usize]
    }

    fn call(&self, call: u32) -> &super::calls::Call {
        &self.problem.calls[call as usize % self.problem.calls.len()]
    }

    fn key(&self, call: u32) -> &Key {
        &self.problem.keys[self.call(call).key as usize]
    }

    fn register(&self, call: u32) -> String {
        subject::named(self.key(call), "the register")
    }

    fn made(&self, call: u32) -> String {
        let made = self.call(call).action.makes();
        made.map_or_else(|| "?".into(), |made| self.problem.versions[made as usize].value.to_string())
    }

    fn seen(&self, call: u32) -> String {
        match self.call(call).action {
            Action::Read(seen) | Action::Cas(seen, _) => {
                self.problem.versions[seen as usize].value.to_string()
            }
            _ => "another value".into(),
        }
    }

    /// The cycle as data.
    pub fn links(&self, cycle: &[Edge]) -> Vec<Link> {
        let mut links: Vec<Link> = Vec::with_capacity(cycle.len());
        for edge in cycle {
            let (from, to) = (self.call(edge.from).origin, self.call(edge.to).origin);
            if from != to {
                let (relation, key, because) = self.reason(edge);
                links.push(Link::new(from, to, relation, key, &because));
            }
        }
        links
    }

    fn reason(&self, edge: &Edge) -> (Relation, Option<Key>, String) {
        let key = || Some(self.key(edge.to).clone());
        match edge.why {
            Why::Session => {
                let process = self.operation(edge.from).process;
                (Relation::Process, None, format!("{process} made {{from}} before {{to}}"))
            }
            Why::Reads => {
                let (made, key_name) = (self.made(edge.from), self.register(edge.to));
                (Relation::Wr, key(), format!("{{from}} set {key_name} to {made}, and {{to}} saw it"))
            }
            Why::Older { reader } => {
                let (seen, reader) = (self.made(edge.to), self.operation(reader));
                let who = reader.process;
                let because = format!(
                    "{who} still saw the {seen} of {{to}} in {}, and {{from}} comes before that",
                    reader.index
                );
                (Relation::Ww, key(), because)
            }
            Why::Replaced { writer } => {
                let (seen, made) = (self.seen(edge.from), self.made(edge.to));
                let known = self.call(edge.from).action.sees().is_some();
                let which = if writer == NONE && known { "the initial " } else { "" };
                let key_name = self.register(edge.to);
                let because =
                    format!("{{from}} saw {which}{seen} on {key_name}, and {{to}} replaced it with {made}");
                (Relation::Rw, key(), because)
            }
            Why::Realtime => {
                let ended = self.operation(edge.from).ended.unwrap_or_default();
                let began = self.operation(edge.to).began;
                let because = format!("{{from}} had ended at {ended}, and {{to}} began at {began}");
                (Relation::Realtime, None, because)
            }
        }
    }

    /// The links as one sentence.
    pub fn chain(&self, links: &[Link]) -> String {
        let name = |index: OpIndex| tell_short(&self.history.operations[index.0 as usize]);
        let told = links.iter().take(TOLD_MAX).map(|link| {
            let why = match link.relation {
                Relation::Process => "same session",
                Relation::Wr => "it was seen there",
                Relation::Ww => "the second was still seen after the first",
                Relation::Rw | Relation::PredicateRw => "which replaced what it saw",
                Relation::Realtime => "it had ended first",
            };
            format!("{} before {} ({why})", name(link.from), name(link.to))
        });
        let mut told = told.collect::<Vec<_>>().join(", ");
        if links.len() > TOLD_MAX {
            told.push_str(&format!(", and {} more, back to the first", links.len() - TOLD_MAX));
        }
        told
    }
}
