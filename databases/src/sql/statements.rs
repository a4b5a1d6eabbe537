//! Registers and sets over SQL: every call is a single statement, and a transaction by itself.

use history::{
    Set, Value,
    vocabulary::{
        Register,
        register::{self, Return as Answer},
        set,
    },
};

use super::{Datum, SqlClients, Talk, Trouble, first, parse};
use crate::speaking::speaks;

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
}

speaks! {
    Talk, opened by SqlClients as |clients, node| clients.talk(node).await?;
    Register: register;
    Set: set;
}
