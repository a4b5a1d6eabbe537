//! Systems that speak PostgreSQL's protocol: which levels they have, and what each of them promises.

use super::Isolation;

/// Whose levels and promises they are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Dialect {
    /// PostgreSQL itself.
    #[default]
    Postgres,
    /// CockroachDB. A level that a cluster does not permit is quietly made serializable there, so every session asks which
    /// level it has, and one that has another is refused.
    Cockroachdb,
    /// YugabyteDB (YSQL). Where read committed is not switched on, it is quietly a snapshot: more than was asked for.
    Yugabytedb,
}

impl Dialect {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Postgres, Self::Cockroachdb, Self::Yugabytedb];

    /// Its name in `--dialect`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Postgres => "postgres",
            Self::Cockroachdb => "cockroachdb",
            Self::Yugabytedb => "yugabytedb",
        }
    }

    /// The dialect of a URL's scheme.
    pub fn of_scheme(scheme: &str) -> Option<Self> {
        match scheme {
            "postgres" | "postgresql" => Some(Self::Postgres),
            "cockroachdb" | "cockroach" => Some(Self::Cockroachdb),
            "yugabytedb" | "yugabyte" => Some(Self::Yugabytedb),
            _ => None,
        }
    }

    /// Its levels.
    pub fn levels(self) -> &'static [Isolation] {
        match self {
            Self::Postgres | Self::Yugabytedb => &Isolation::ALL,
            Self::Cockroachdb => &[Isolation::ReadCommitted, Isolation::Serializable],
        }
    }

    /// What its documentation promises of a level, as a promise of the lattice. Repeatable read is snapshot isolation in
    /// PostgreSQL and in YugabyteDB.
    pub(super) fn promise(self, isolation: Isolation) -> &'static str {
        match isolation {
            Isolation::ReadCommitted => "read-committed",
            Isolation::RepeatableRead => "snapshot-isolation",
            Isolation::Serializable => "serializable",
        }
    }

    /// What is promised of a set, of which every element is a row. CockroachDB is linearizable row by row: a read of many
    /// rows may have a later one and lack an earlier one.
    pub(super) fn promises_of_sets(self) -> &'static str {
        match self {
            Self::Postgres | Self::Yugabytedb => "linearizable",
            Self::Cockroachdb => "eventual",
        }
    }

    /// The question for its version. CockroachDB and YugabyteDB name a version of PostgreSQL as theirs.
    pub(super) fn version(self) -> &'static str {
        match self {
            Self::Postgres => "SHOW server_version",
            Self::Cockroachdb | Self::Yugabytedb => "SELECT version()",
        }
    }
}
