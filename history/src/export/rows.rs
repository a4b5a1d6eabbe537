//! How banks, long forks and transactions over rows are written.

use super::{Exported, read_write, scalar};
use crate::{
    Key, Value, Vocabulary,
    import::NOT_KNOWN,
    vocabulary::{
        Bank, LongFork, Predicate, bank,
        predicate::{self, Answer, Condition, Step},
        rw_register,
    },
};

impl Exported for Bank {
    fn value(call: &bank::Call, returned: Option<&bank::Return>, _: bool) -> String {
        match (call, returned) {
            (bank::Call::Transfer(from, to, amount), _) => {
                format!("{{:from {}, :to {}, :amount {amount}}}", scalar(from), scalar(to))
            }
            (bank::Call::Read, Some(bank::Return::Balances(balances))) => {
                let balance = |number: &Option<i64>| number.map_or("nil".into(), |number| number.to_string());
                let text = |(account, number): &(Key, Option<i64>)| {
                    format!("{} {}", scalar(account), balance(number))
                };
                format!("{{{}}}", balances.iter().map(text).collect::<Vec<_>>().join(", "))
            }
            (bank::Call::Read, _) => "nil".into(),
        }
    }
}

impl Exported for LongFork {
    fn value(call: &Vec<rw_register::Step>, returned: Option<&Vec<rw_register::Answer>>, _: bool) -> String {
        read_write(call, returned.map(Vec::as_slice))
    }
}

fn condition(condition: &Condition) -> String {
    match condition {
        Condition::All => ":true".into(),
        Condition::Equals(value) => format!("[:= {}]", scalar(value)),
        Condition::Modulo(by, rest) => format!("[:mod {by} {rest}]"),
        Condition::Between(least, most) => format!("[:between {} {}]", scalar(least), scalar(most)),
        Condition::Keys(least, most) => format!("[:keys {} {}]", scalar(least), scalar(most)),
    }
}

fn rows(rows: &[(Key, Value)]) -> String {
    let rows: Vec<String> =
        rows.iter().map(|(key, value)| format!("{} {}", scalar(key), scalar(value))).collect();
    format!("{{{}}}", rows.join(", "))
}

fn asked(step: &Step) -> String {
    match step {
        Step::Read(key) => format!("[:r {} nil]", scalar(key)),
        Step::Write(key, value) => format!("[:w {} {}]", scalar(key), scalar(value)),
        Step::Insert(key, value) => format!("[:insert {} {}]", scalar(key), scalar(value)),
        Step::Delete(key) => format!("[:delete {}]", scalar(key)),
        Step::Select(wanted) => format!("[:rp {} nil]", condition(wanted)),
    }
}

fn answered(answer: &Answer) -> String {
    match answer {
        Answer::Read(key, Some(value)) => format!("[:r {} {}]", scalar(key), scalar(value)),
        Answer::Read(key, None) => format!("[:r {} :{NOT_KNOWN}]", scalar(key)),
        Answer::Write(key, value) => format!("[:w {} {}]", scalar(key), scalar(value)),
        Answer::Insert(key, value) => format!("[:insert {} {}]", scalar(key), scalar(value)),
        Answer::Delete(key) => format!("[:delete {}]", scalar(key)),
        Answer::Select(wanted, Some(found)) => format!("[:rp {} {}]", condition(wanted), rows(found)),
        Answer::Select(wanted, None) => format!("[:rp {} :{NOT_KNOWN}]", condition(wanted)),
    }
}

impl Exported for Predicate {
    fn f(call: &predicate::Call) -> &'static str {
        Self::kind(call)
    }

    fn value(call: &predicate::Call, returned: Option<&predicate::Return>, _: bool) -> String {
        let steps = match (call, returned) {
            (predicate::Call::Init(made), _) => return rows(made),
            (_, Some(predicate::Return::Transaction(answers))) => answers.iter().map(answered).collect(),
            (predicate::Call::Transaction(steps), _) => steps.iter().map(asked).collect::<Vec<_>>(),
        };
        format!("[{}]", steps.join(" "))
    }
}
