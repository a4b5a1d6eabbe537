//! Registers, sets, counters, locks and unique ids over SQL: every call is a single statement, and a transaction by itself.
//!
//! A lock is a row that is there while somebody has it. It ends with no session: who has it gives it back, or nobody does.

use history::{
    Counter, Set, Value,
    vocabulary::{
        Ids, Mutex, Register, counter, ids,
        lock::{self, Return as Locked},
        register::{self, Return as Answer},
        set,
    },
};

use super::{Datum, SqlClients, Talk, Trouble, first, parse};
use crate::speaking::speaks;

/// Why a lock was not had.
const SOMEBODY: &str = "somebody else has the lock";

impl Talk {
    async fn register(&mut self, call: &register::Call) -> Result<Answer, Trouble> {
        match call {
            register::Call::Read(key) => {
                let value = self.text("SELECT v FROM @registers WHERE k = ?", &[Datum::of(key)]).await?;
                Ok(Answer::Value(Some(value.map_or(Value::Nil, |text| parse(&text)))))
            }
            register::Call::Write(key, value) => {
                self.change(self.wording.write(), &[Datum::of(key), Datum::of(value)]).await?;
                Ok(Answer::Written)
            }
            register::Call::Cas(key, Value::Nil, to) => {
                match self.change(self.wording.make(), &[Datum::of(key), Datum::of(to)]).await {
                    Ok(0) => Ok(Answer::Refused),
                    Ok(_) => Ok(Answer::Swapped),
                    // The key is there: an observation.
                    Err(trouble) if trouble.is_duplicate => Ok(Answer::Refused),
                    Err(trouble) => Err(trouble),
                }
            }
            register::Call::Cas(key, from, to) => {
                let swap = "UPDATE @registers SET v = ? WHERE k = ? AND v = ?";
                let found = self.change(swap, &[Datum::of(to), Datum::of(key), Datum::of(from)]).await?;
                Ok(if found == 1 { Answer::Swapped } else { Answer::Refused })
            }
        }
    }

    async fn set(&mut self, call: &set::Call) -> Result<set::Return, Trouble> {
        let key = Datum::of(call.key());
        match call {
            set::Call::Add(_, element) => {
                self.change("INSERT INTO @elements (k, e) VALUES (?, ?)", &[key, Datum::of(element)]).await?;
                Ok(set::Return::Added)
            }
            set::Call::Remove(_, element) => {
                let remove = "DELETE FROM @elements WHERE k = ? AND e = ?";
                let gone = self.change(remove, &[key, Datum::of(element)]).await?;
                Ok(set::Return::Changed(gone > 0))
            }
            set::Call::Contains(_, element) => {
                let ask = "SELECT e FROM @elements WHERE k = ? AND e = ?";
                Ok(set::Return::Contains(!self.rows(ask, &[key, Datum::of(element)]).await?.is_empty()))
            }
            set::Call::Read(_) => {
                let rows = self.rows("SELECT e FROM @elements WHERE k = ?", &[key]).await?;
                let elements = rows.iter().map(|row| Ok(parse(first(row)?.text()?)));
                Ok(set::Return::Elements(elements.collect::<Result<_, Trouble>>()?))
            }
        }
    }

    async fn counter(&mut self, call: &counter::Call) -> Result<counter::Return, Trouble> {
        match call {
            counter::Call::Add(key, number) => {
                self.change(self.wording.count(), &[Datum::of(key), Datum::Number(*number)]).await?;
                Ok(counter::Return::Added)
            }
            counter::Call::Read(key) => {
                let value = self.number("SELECT v FROM @counters WHERE k = ?", &[Datum::of(key)]).await?;
                Ok(counter::Return::Value(Some(value.unwrap_or(0))))
            }
        }
    }

    async fn mutex(&mut self, call: &lock::Call) -> Result<Locked, Trouble> {
        let values = [Datum::of(call.key()), Datum::of(call.owner())];
        match call {
            lock::Call::Acquire(..) => match self.change(self.wording.make(), &values).await {
                Ok(1) => Ok(Locked::Acquired),
                Ok(_) => Err(Trouble::idle(SOMEBODY)),
                Err(trouble) if trouble.is_duplicate => Err(Trouble::idle(SOMEBODY)),
                Err(trouble) => Err(trouble),
            },
            lock::Call::Release(..) => {
                match self.change("DELETE FROM @registers WHERE k = ? AND v = ?", &values).await? {
                    0 => Ok(Locked::Refused),
                    _ => Ok(Locked::Released),
                }
            }
        }
    }

    async fn ids(&mut self, _: &ids::Call) -> Result<ids::Return, Trouble> {
        let (make, ask) = self.wording.id();
        if let Some(make) = make {
            self.change(make, &[]).await?;
        }
        let id = self.number(ask, &[]).await?;
        id.map(|id| ids::Return::Id(id.into())).ok_or_else(Trouble::strange)
    }
}

speaks! {
    Talk, opened by SqlClients as |clients, cluster, node| clients.talk(cluster, node).await?;
    Register: register;
    Set: set;
    Counter: counter;
    Mutex: mutex;
    Ids: ids;
}
