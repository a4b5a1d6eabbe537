//! Which promises a history can be judged by, vocabulary by vocabulary, and who judges.

mod meanings;

use checkers::{
    Checker, Deliveries, Delivery, OrderedLog, SetFull, datatypes,
    lattice::Model,
    levels,
    linearizability::Linearizable,
    ordered_log::ORDERED_LOG,
    transactions::{ConstantTotal, Transactions, VersionOrder},
};
use history::{
    Vocabulary,
    vocabulary::{
        Bag, Bank, Counter, FencedLock, Ids, KeyValue, Lease, ListAppend, Log, LongFork, MultiRegister,
        Mutex, Predicate, PriorityQueue, Queue, ReadWriteLock, ReentrantMutex, Register, RwRegister,
        Semaphore, Set, Stack,
    },
};

use crate::{exit::Failure, settings};

/// A promise that a vocabulary can be judged by.
#[derive(Clone, Debug)]
pub struct Promise {
    /// Its name in `--model`.
    pub name: &'static str,
    /// Its other names.
    pub aliases: &'static [&'static str],
    /// What it means, in one line.
    pub what: &'static str,
}

/// What is to be judged.
#[derive(Clone, Debug)]
pub struct Wish {
    /// The promises, by their names.
    pub models: Vec<&'static str>,
    /// What the order of versions is inferred from, where that is a question.
    pub order: VersionOrder,
    /// How stale a read may be, where the promise leaves that open.
    pub levels: levels::LevelOptions,
    /// Whether it is to be told which weaker promises stand where the one is broken.
    pub weaker: bool,
}

/// A vocabulary whose histories can be judged.
pub trait Judgeable: Vocabulary + datatypes::Judged + Sized {
    /// The promises, the usual one first.
    fn promises() -> Vec<Promise>;
    /// Who judges by them.
    fn checkers(wish: &Wish) -> Vec<Box<dyn Checker<Self>>>;
}

const LINEARIZABLE: Promise = Promise {
    name: "linearizable",
    aliases: &[],
    what: "every call takes effect at one moment between its beginning and its end",
};

const EVENTUAL: Promise = Promise {
    name: "eventual",
    aliases: &[],
    what: "what was acknowledged is there in the end, once, and nothing else is",
};

/// Linearizability and the weaker levels, as promises.
fn of_registers(linearizable: Promise) -> Vec<Promise> {
    let weaker = levels::levels().iter().map(|level| Promise {
        name: level.name,
        aliases: level.aliases,
        what: level.explanation,
    });
    std::iter::once(linearizable).chain(weaker).collect()
}

const OFFERED: &str = "its name is one of those that were offered";

impl Judgeable for Register {
    fn promises() -> Vec<Promise> {
        // One call is one transaction here, and then the strict form of serializability is linearizability.
        of_registers(Promise { aliases: &["strict-serializable", "atomic"], ..LINEARIZABLE })
    }

    fn checkers(wish: &Wish) -> Vec<Box<dyn Checker<Self>>> {
        let judge = |&name: &&'static str| -> Box<dyn Checker<Self>> {
            match name {
                "linearizable" => Box::new(Linearizable::default()),
                level => levels::checker(level, &wish.levels).expect(OFFERED),
            }
        };
        wish.models.iter().map(judge).collect()
    }
}

impl Judgeable for KeyValue {
    fn promises() -> Vec<Promise> {
        of_registers(LINEARIZABLE)
    }

    fn checkers(wish: &Wish) -> Vec<Box<dyn Checker<Self>>> {
        let judge = |&name: &&'static str| match name {
            "linearizable" => datatypes::checker(name).expect(OFFERED),
            level => levels::key_value_checker(level, &wish.levels).expect(OFFERED),
        };
        wish.models.iter().map(judge).collect()
    }
}

impl Judgeable for Set {
    fn promises() -> Vec<Promise> {
        vec![LINEARIZABLE, EVENTUAL]
    }

    fn checkers(wish: &Wish) -> Vec<Box<dyn Checker<Self>>> {
        let judge = |&name: &&'static str| -> Box<dyn Checker<Self>> {
            match name {
                "eventual" => Box::new(SetFull::new(false)),
                model => datatypes::checker(model).expect(OFFERED),
            }
        };
        wish.models.iter().map(judge).collect()
    }
}

impl Judgeable for Queue {
    fn promises() -> Vec<Promise> {
        let what = |delivery| match delivery {
            Delivery::ExactlyOnce => "what was put in and acknowledged comes out once, in whatever order",
            Delivery::AtLeastOnce => {
                "what was put in and acknowledged comes out, perhaps more than once, in whatever order"
            }
            Delivery::AtMostOnce => "what was put in comes out once or not at all, in whatever order",
        };
        let weaker =
            |delivery: Delivery| Promise { name: delivery.name(), aliases: &[], what: what(delivery) };
        std::iter::once(LINEARIZABLE).chain(Delivery::ALL.map(weaker)).collect()
    }

    fn checkers(wish: &Wish) -> Vec<Box<dyn Checker<Self>>> {
        let judge = |&name: &&'static str| -> Box<dyn Checker<Self>> {
            match Delivery::named(name) {
                Some(delivery) => Box::new(Deliveries::new(delivery)),
                None => datatypes::checker(name).expect(OFFERED),
            }
        };
        wish.models.iter().map(judge).collect()
    }
}

impl Judgeable for Log {
    fn promises() -> Vec<Promise> {
        let what = "what was acknowledged stays in the log, once, at a place that is the same for all; reads may be late";
        vec![LINEARIZABLE, Promise { name: ORDERED_LOG, aliases: &["kafka"], what }]
    }

    fn checkers(wish: &Wish) -> Vec<Box<dyn Checker<Self>>> {
        let judge = |&name: &&'static str| -> Box<dyn Checker<Self>> {
            match name {
                ORDERED_LOG => Box::new(OrderedLog::default()),
                model => datatypes::checker(model).expect(OFFERED),
            }
        };
        wish.models.iter().map(judge).collect()
    }
}

/// The lattice as promises. The strictest that needs real time comes first, as it is Elle's usual one.
fn of_the_lattice() -> Vec<Promise> {
    let mut promises: Vec<Promise> = Model::all()
        .map(|model| Promise {
            name: model.name(),
            aliases: model.aliases(),
            what: meanings::meaning(model.name()),
        })
        .collect();
    promises.sort_by_key(|promise| promise.name != "strict-serializable");
    promises
}

fn transactions(wish: &Wish) -> Transactions {
    let models = wish.models.iter().filter_map(|name| Model::named(name).ok()).collect();
    Transactions::new(models, wish.order)
}

impl Judgeable for ListAppend {
    fn promises() -> Vec<Promise> {
        of_the_lattice()
    }

    fn checkers(wish: &Wish) -> Vec<Box<dyn Checker<Self>>> {
        vec![Box::new(transactions(wish))]
    }
}

impl Judgeable for RwRegister {
    fn promises() -> Vec<Promise> {
        of_the_lattice()
    }

    fn checkers(wish: &Wish) -> Vec<Box<dyn Checker<Self>>> {
        vec![Box::new(transactions(wish))]
    }
}

impl Judgeable for LongFork {
    fn promises() -> Vec<Promise> {
        of_the_lattice()
    }

    fn checkers(wish: &Wish) -> Vec<Box<dyn Checker<Self>>> {
        vec![Box::new(transactions(wish))]
    }
}

impl Judgeable for Predicate {
    fn promises() -> Vec<Promise> {
        of_the_lattice()
    }

    fn checkers(wish: &Wish) -> Vec<Box<dyn Checker<Self>>> {
        vec![Box::new(transactions(wish))]
    }
}

const CONSTANT_TOTAL: Promise = Promise {
    name: "constant-total",
    aliases: &[],
    what: "every read of a bank shows the same total, and no debts unless they are allowed",
};

impl Judgeable for Bank {
    fn promises() -> Vec<Promise> {
        let of_the_lattice = of_the_lattice().into_iter().filter(|promise| promise.name != LINEARIZABLE.name);
        [CONSTANT_TOTAL, LINEARIZABLE].into_iter().chain(of_the_lattice).collect()
    }

    fn checkers(wish: &Wish) -> Vec<Box<dyn Checker<Self>>> {
        ConstantTotal::judges(&wish.models)
    }
}

/// Vocabularies that are judged by what their calls mean, one after the other.
macro_rules! sequential_objects {
    ($($vocabulary:ident)*) => {
        $(impl Judgeable for $vocabulary {
            fn promises() -> Vec<Promise> {
                vec![LINEARIZABLE]
            }

            fn checkers(_: &Wish) -> Vec<Box<dyn Checker<Self>>> {
                datatypes::checker::<Self>(LINEARIZABLE.name).into_iter().collect()
            }
        })*
    };
}

sequential_objects! {
    MultiRegister Counter Bag Stack PriorityQueue Mutex ReentrantMutex FencedLock ReadWriteLock Semaphore Lease
    Ids
}

/// Every vocabulary with its promises.
pub fn catalogue() -> Vec<(&'static str, Vec<Promise>)> {
    macro_rules! list {
        ($($vocabulary:ident)*) => { vec![$(($vocabulary::NAME, $vocabulary::promises())),*] };
    }
    list![
        Register ListAppend RwRegister Set MultiRegister KeyValue Counter Bag Queue Stack PriorityQueue Log Mutex
        ReentrantMutex FencedLock ReadWriteLock Semaphore Lease Ids Bank LongFork Predicate
    ]
}

/// The vocabulary that `--as` names.
pub fn vocabulary(name: &str) -> Result<&'static str, Failure> {
    history::import::vocabulary_named(name).ok_or_else(|| no_vocabulary(name))
}

fn no_vocabulary(name: &str) -> Failure {
    let all = history::import::VOCABULARIES;
    let nearest = settings::nearest(name, all.iter().copied());
    Failure::usage(format!(
        "there is no vocabulary `{name}`; did you mean `{nearest}`? All: {}",
        all.join(", ")
    ))
}

/// The promises that a text names, separated by commas, for a vocabulary; the sentence for the user where one is
/// unknown or cannot be judged.
pub fn named(vocabulary: &str, text: &str) -> Result<Vec<&'static str>, Failure> {
    let catalogue = catalogue();
    let Some((_, promises)) = catalogue.iter().find(|(name, _)| *name == vocabulary) else {
        return Err(no_vocabulary(vocabulary));
    };
    let mut found = Vec::new();
    for name in text.split(',').map(str::trim) {
        if name.is_empty() {
            return Err(Failure::usage("--model takes names separated by commas, and one of them is empty"));
        }
        let wanted = name.to_lowercase();
        let is_named = |promise: &&Promise| {
            promise.name.to_lowercase() == wanted
                || promise.aliases.iter().any(|alias| alias.to_lowercase() == wanted)
        };
        match promises.iter().find(is_named) {
            Some(promise) if found.contains(&promise.name) => {}
            Some(promise) => found.push(promise.name),
            None => return Err(unknown(&catalogue, vocabulary, promises, name)),
        }
    }
    Ok(found)
}

fn unknown(
    catalogue: &[(&'static str, Vec<Promise>)],
    vocabulary: &str,
    promises: &[Promise],
    name: &str,
) -> Failure {
    let elsewhere: Vec<&str> = catalogue
        .iter()
        .filter(|(_, promises)| promises.iter().any(|promise| promise.name == name))
        .map(|(vocabulary, _)| *vocabulary)
        .collect();
    if !elsewhere.is_empty() {
        return Failure::usage(format!(
            "{vocabulary} cannot be judged by {name}, which is for {}; `disprove list models` shows what goes with what",
            elsewhere.join(", ")
        ));
    }
    let names = promises
        .iter()
        .flat_map(|promise| std::iter::once(promise.name).chain(promise.aliases.iter().copied()));
    Failure::usage(format!(
        "there is no model `{name}` here; did you mean {}? `disprove list models` shows all",
        settings::nearest_few(name, names).join(" or ")
    ))
}

/// The promise to judge by where nobody names one.
pub fn usual(vocabulary: &str, is_untimed: bool) -> &'static str {
    match vocabulary {
        Bank::NAME => CONSTANT_TOTAL.name,
        LongFork::NAME => "snapshot-isolation",
        ListAppend::NAME | RwRegister::NAME | Predicate::NAME if is_untimed => "serializable",
        ListAppend::NAME | RwRegister::NAME | Predicate::NAME => "strict-serializable",
        _ => LINEARIZABLE.name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_aliases_are_found_and_said_once() {
        assert_eq!(named("register", "linearizable, atomic").unwrap(), ["linearizable"]);
        assert_eq!(named("list-append", "PL-3,serializable").unwrap().len(), 1);
        assert_eq!(named("list-append", "serializable,snapshot-isolation").unwrap().len(), 2);
    }

    #[test]
    fn a_wrong_name_gets_the_nearest_or_where_it_belongs() {
        let said = named("list-append", "serialisable").unwrap_err().message;
        assert!(said.contains("`serializable`"), "{said}");
        let said = named("queue", "serializable").unwrap_err().message;
        assert!(said.contains("list-append"), "{said}");
        assert!(named("quue", "linearizable").unwrap_err().message.contains("`queue`"));
    }

    #[test]
    fn every_vocabulary_has_its_usual_promise() {
        for (vocabulary, promises) in catalogue() {
            for is_untimed in [false, true] {
                let usual = usual(vocabulary, is_untimed);
                assert!(promises.iter().any(|promise| promise.name == usual), "{vocabulary}: {usual}");
            }
        }
    }
}
