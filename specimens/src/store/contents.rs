//! What clients ask of the store, in each vocabulary, what it answers, and the objects that it is asked of.

use history::{
    Vocabulary,
    vocabulary::{
        Bank, Counter, Ids, Lease, ListAppend, Log, LongFork, Mutex, Predicate, Queue, Register, RwRegister,
        Set,
    },
};
use serde::{Deserialize, Serialize};

use super::{
    accounts::Accounts, counters::Counters, issuer::Issuer, leases::Leases, lists::Lists, locks::Locks,
    logs::Logs, queues::Queues, registers::Registers, rows::Rows, sets::Sets,
};

/// What a command is carried out with, besides what it asks.
#[derive(Clone, Copy, Debug, Default)]
pub struct Circumstances {
    /// The wall clock of the node that took the command from its client.
    pub stamp_ns: i64,
    /// The steady clock of the node that carries it out.
    pub now_ms: u64,
    /// The grant of a lease that has run out, as the leader found.
    pub over: Option<u64>,
    /// The mistake: of two writes the one with the later wall clock wins.
    pub wall_wins: bool,
}

/// Objects that calls of a vocabulary are asked of.
pub trait Object<V: Vocabulary> {
    /// What a call returns that can change nothing; nothing for any other.
    fn read(&self, call: &V::Call) -> Option<V::Return>;

    /// Carries out a call. Nothing where it cannot be: then nothing has changed.
    fn change(&mut self, call: &V::Call, with: Circumstances) -> Option<V::Return>;
}

/// A vocabulary that the store speaks.
pub trait Spoken: Vocabulary {
    /// A call among those of all vocabularies.
    fn command(call: Self::Call) -> Command;
    /// An answer to such a call; nothing where it answers another.
    fn returned(answer: Answer) -> Option<Self::Return>;
}

macro_rules! vocabularies {
    ($($vocabulary:ident: $object:ident, $type:ty;)*) => {
        /// A call of any vocabulary.
        #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(rename_all = "kebab-case")]
        pub enum Command {
            $(
                #[doc = concat!("A call of the vocabulary [`", stringify!($vocabulary), "`].")]
                $vocabulary(<$vocabulary as Vocabulary>::Call),
            )*
        }

        /// What a call of any vocabulary returns.
        #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(rename_all = "kebab-case")]
        pub enum Answer {
            /// The call cannot be carried out, and has changed nothing.
            Impossible,
            $(
                #[doc = concat!("What a call of the vocabulary [`", stringify!($vocabulary), "`] returns.")]
                $vocabulary(<$vocabulary as Vocabulary>::Return),
            )*
        }

        impl Command {
            /// True when it can change nothing.
            pub fn is_read(&self) -> bool {
                match self {
                    $(Self::$vocabulary(call) => $vocabulary::is_read(call),)*
                }
            }
        }

        impl Contents {
            /// What a command returns that can change nothing; nothing for any other.
            pub fn read(&self, command: &Command) -> Option<Answer> {
                match command {
                    $(Command::$vocabulary(call) => {
                        Object::<$vocabulary>::read(&self.$object, call).map(Answer::$vocabulary)
                    })*
                }
            }

            /// Carries out a command.
            pub fn change(&mut self, command: &Command, with: Circumstances) -> Answer {
                match command {
                    $(Command::$vocabulary(call) => {
                        let returned = Object::<$vocabulary>::change(&mut self.$object, call, with);
                        returned.map_or(Answer::Impossible, Answer::$vocabulary)
                    })*
                }
            }
        }

        $(impl Spoken for $vocabulary {
            fn command(call: Self::Call) -> Command {
                Command::$vocabulary(call)
            }

            fn returned(answer: Answer) -> Option<Self::Return> {
                match answer {
                    Answer::$vocabulary(returned) => Some(returned),
                    _ => None,
                }
            }
        })*
    };
}

vocabularies! {
    Register: registers, Registers;
    RwRegister: registers, Registers;
    LongFork: registers, Registers;
    ListAppend: lists, Lists;
    Set: sets, Sets;
    Counter: counters, Counters;
    Queue: queues, Queues;
    Bank: accounts, Accounts;
    Predicate: rows, Rows;
    Mutex: locks, Locks;
    Lease: leases, Leases;
    Ids: issuer, Issuer;
    Log: logs, Logs;
}

/// All objects of a store.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contents {
    /// Registers, which are read and written one by one or by transactions.
    pub registers: Registers,
    /// Lists, which transactions append to and read.
    pub lists: Lists,
    /// Sets.
    pub sets: Sets,
    /// Counters.
    pub counters: Counters,
    /// Queues.
    pub queues: Queues,
    /// The accounts of the bank.
    pub accounts: Accounts,
    /// Rows, which transactions read by conditions.
    pub rows: Rows,
    /// Locks.
    pub locks: Locks,
    /// Leases.
    pub leases: Leases,
    /// Who gives out ids.
    pub issuer: Issuer,
    /// Logs.
    pub logs: Logs,
}
