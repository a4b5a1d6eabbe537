//! Registers and sets in a directory: an entry for each, whose attribute `description` has the value, or the elements.
//!
//! | what happened | outcome | why |
//! |---|---|---|
//! | no connection was made, or nobody was let in | `Fail` | nothing was asked |
//! | 16 (no such attribute) or 32 (no such entry) to a compare-and-set | `refused` | the value was not there: an observation |
//! | 68 (the entry is there) to one of nothing | `refused` | the register has a value: an observation |
//! | 20 (the value is there) to an addition; 16 or 32 to a removal | done | what was to be is so already |
//! | 8, 10, 21, 50, 53 (a stronger login, another server, another syntax, another user, or none of it is wanted) | `Fail` | the server refused it before it did anything |
//! | a read has no answer, or another result | `Fail` | a read changes nothing, so it did not happen |
//! | any other result, or no answer | `Unknown` | it may have been done |
//!
//! A register without an entry is written by making one, and where somebody else was faster, by changing that: each step of which it is
//! certain that it did nothing is followed by the next.

use cluster::{Cluster, Node};
use history::{
    Outcome, Reason, Set, Value,
    vocabulary::{
        Register,
        register::{self, Return as Answered},
        set,
    },
};

use super::{
    Slapd,
    wire::{Attribute, Change, Trouble, Wire, code},
};
use crate::speaking::{Speaker, speaks};

/// The attribute that everything is in.
const VALUES: &str = "description";
/// Results that say that nothing was done.
const CERTAIN: [i32; 9] = [
    code::STRONGER_AUTH_REQUIRED,
    code::REFERRAL,
    code::NO_SUCH_ATTRIBUTE,
    code::VALUE_EXISTS,
    code::INVALID_SYNTAX,
    code::NO_SUCH_OBJECT,
    code::INSUFFICIENT_ACCESS,
    code::UNWILLING,
    code::ENTRY_EXISTS,
];
/// How often a value is written where its entry comes or goes meanwhile.
const ATTEMPTS_MAX: usize = 4;

/// Opens sessions.
#[derive(Clone, Debug, Default)]
pub struct SlapdClients(pub Slapd);

/// One session: with the server of its node, and with the one that takes writes where that is another.
struct Session {
    database: Slapd,
    own: Wire,
    writer: Option<Wire>,
    broken: bool,
}

/// A value as it was written: a number where it reads as one.
fn parse(text: &str) -> Value {
    text.parse().map_or_else(|_| Value::from(text), Value::Int)
}

/// What a register holds. That of several values at once nobody ever wrote, and it is told as it is.
fn one_of(mut values: Vec<String>) -> Value {
    values.sort();
    match &values[..] {
        [] => Value::Nil,
        [value] => parse(value),
        several => Value::from(several.join(" and ").as_str()),
    }
}

impl Session {
    async fn open(database: &Slapd, cluster: &Cluster, node: &Node) -> Result<Self, Reason> {
        let own = database.open(node).await?;
        let writes = database.writes_at(cluster, node);
        let writer = if writes.id == node.id { None } else { Some(database.open(writes).await?) };
        Ok(Self { database: database.clone(), own, writer, broken: false })
    }

    fn writer(&mut self) -> &mut Wire {
        self.writer.as_mut().unwrap_or(&mut self.own)
    }

    /// Changes an entry, and makes it where it is not there.
    async fn put(&mut self, entry: &str, name: &str, how: Change, value: &str) -> Result<(), Trouble> {
        let values = [value];
        let (change, classes) = ((how, (VALUES, &values[..])), [super::CLASS]);
        let whole: [Attribute<'_>; 3] = [("objectClass", &classes), ("cn", &[name]), (VALUES, &values)];
        let mut last = None;
        for _ in 0..ATTEMPTS_MAX {
            match self.writer().modify(entry, &[change]).await {
                Err(trouble) if trouble.is(code::NO_SUCH_OBJECT) => {}
                done => return done,
            }
            match self.writer().add(entry, &whole).await {
                Err(trouble) if trouble.is(code::ENTRY_EXISTS) => last = Some(trouble),
                done => return done,
            }
        }
        Err(last.unwrap_or_else(|| Trouble::Lost("no attempt was made".into())))
    }

    async fn register(&mut self, call: &register::Call) -> Result<Answered, Trouble> {
        let name = call.key().to_string();
        let entry = self.database.entry(&name);
        match call {
            register::Call::Read(_) => {
                let found = self.own.values(&entry, VALUES).await?;
                Ok(Answered::Value(Some(one_of(found.unwrap_or_default()))))
            }
            register::Call::Write(_, value) => {
                self.put(&entry, &name, Change::Replace, &value.to_string()).await?;
                Ok(Answered::Written)
            }
            register::Call::Cas(_, Value::Nil, to) => {
                let to = to.to_string();
                let whole: [Attribute<'_>; 3] =
                    [("objectClass", &[super::CLASS]), ("cn", &[&name]), (VALUES, &[&to])];
                match self.writer().add(&entry, &whole).await {
                    Ok(()) => Ok(Answered::Swapped),
                    Err(trouble) if trouble.is(code::ENTRY_EXISTS) => Ok(Answered::Refused),
                    Err(trouble) => Err(trouble),
                }
            }
            register::Call::Cas(_, from, to) => {
                let (from, to) = (from.to_string(), to.to_string());
                let changes = [
                    (Change::Delete, (VALUES, &[from.as_str()][..])),
                    (Change::Add, (VALUES, &[to.as_str()][..])),
                ];
                match self.writer().modify(&entry, &changes).await {
                    Ok(()) => Ok(Answered::Swapped),
                    Err(trouble)
                        if trouble.is(code::NO_SUCH_ATTRIBUTE) || trouble.is(code::NO_SUCH_OBJECT) =>
                    {
                        Ok(Answered::Refused)
                    }
                    Err(trouble) => Err(trouble),
                }
            }
        }
    }

    async fn set(&mut self, call: &set::Call) -> Result<set::Return, Trouble> {
        match call {
            set::Call::Add(key, element) => {
                let name = key.to_string();
                let entry = self.database.entry(&name);
                match self.put(&entry, &name, Change::Add, &element.to_string()).await {
                    Err(trouble) if !trouble.is(code::VALUE_EXISTS) => Err(trouble),
                    _ => Ok(set::Return::Added),
                }
            }
            set::Call::Remove(key, element) => {
                let (entry, element) = (self.database.entry(&key.to_string()), element.to_string());
                let change = (Change::Delete, (VALUES, &[element.as_str()][..]));
                match self.writer().modify(&entry, &[change]).await {
                    Ok(()) => Ok(set::Return::Changed(true)),
                    Err(trouble)
                        if trouble.is(code::NO_SUCH_ATTRIBUTE) || trouble.is(code::NO_SUCH_OBJECT) =>
                    {
                        Ok(set::Return::Changed(false))
                    }
                    Err(trouble) => Err(trouble),
                }
            }
            set::Call::Contains(key, element) => {
                let found = self.own.values(&self.database.entry(&key.to_string()), VALUES).await?;
                let element = element.to_string();
                Ok(set::Return::Contains(found.unwrap_or_default().contains(&element)))
            }
            set::Call::Read(key) => {
                let found = self.own.values(&self.database.entry(&key.to_string()), VALUES).await?;
                Ok(set::Return::Elements(found.unwrap_or_default().iter().map(|text| parse(text)).collect()))
            }
        }
    }
}

impl Speaker for Session {
    type Trouble = Trouble;

    fn outcome<R>(&mut self, trouble: Trouble, is_read: bool) -> Outcome<R> {
        self.broken |= matches!(trouble, Trouble::Lost(_));
        let is_certain = is_read || CERTAIN.iter().any(|code| trouble.is(*code));
        if is_certain { Outcome::Fail(trouble.word()) } else { Outcome::Unknown(trouble.word()) }
    }

    fn is_broken(&self) -> bool {
        self.broken
    }
}

speaks! {
    Session, opened by SlapdClients as |clients, cluster, node| Session::open(&clients.0, cluster, node).await?;
    Register: register;
    Set: set;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn several_values_in_one_register_are_what_nobody_wrote() {
        assert_eq!(one_of(Vec::new()), Value::Nil);
        assert_eq!(one_of(vec!["7".into()]), Value::Int(7));
        assert_eq!(one_of(vec!["9".into(), "12".into()]), Value::from("12 and 9"));
    }
}
