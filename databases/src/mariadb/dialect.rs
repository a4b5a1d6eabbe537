//! Systems that speak MySQL's protocol: which levels they have, how a session gets one, and which errors of their own say that
//! nothing was done.

use super::Isolation;

/// Whose levels they are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Dialect {
    /// MariaDB.
    #[default]
    Mariadb,
    /// MySQL.
    Mysql,
    /// TiDB. It has no serializable level. Its repeatable read is as MySQL's where transactions are pessimistic, as they are
    /// unless somebody says otherwise; optimistic ones are snapshot isolation.
    Tidb,
}

impl Dialect {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Mariadb, Self::Mysql, Self::Tidb];

    /// Its name in `--dialect`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Mariadb => "mariadb",
            Self::Mysql => "mysql",
            Self::Tidb => "tidb",
        }
    }

    /// The dialect of a URL's scheme.
    pub fn of_scheme(scheme: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|dialect| dialect.name() == scheme)
    }

    /// Its levels. Each promises what its name says.
    pub fn levels(self) -> &'static [Isolation] {
        use Isolation::{ReadCommitted, ReadUncommitted, RepeatableRead, Serializable, SnapshotIsolation};
        match self {
            Self::Mariadb => &Isolation::ALL,
            Self::Mysql => &[ReadUncommitted, ReadCommitted, RepeatableRead, Serializable],
            Self::Tidb => &[ReadCommitted, RepeatableRead, SnapshotIsolation],
        }
    }

    /// The statements that give a session a level. A server that does not know one of them refuses, and the session with it: a
    /// level that was not asked for is never tested by mistake.
    pub(super) fn statements(self, isolation: Isolation) -> Vec<String> {
        let mut statements = vec![format!("SET SESSION TRANSACTION ISOLATION LEVEL {}", isolation.sql())];
        let more = match (self, isolation) {
            (Self::Mariadb, Isolation::SnapshotIsolation) => {
                Some("SET SESSION innodb_snapshot_isolation = ON")
            }
            (Self::Mariadb, Isolation::RepeatableRead) => Some("SET SESSION innodb_snapshot_isolation = OFF"),
            (Self::Tidb, Isolation::SnapshotIsolation) => Some("SET SESSION tidb_txn_mode = 'optimistic'"),
            (Self::Tidb, _) => Some("SET SESSION tidb_txn_mode = 'pessimistic'"),
            _ => None,
        };
        statements.extend(more.map(str::to_owned));
        statements
    }

    /// Errors of its own after which it has taken back the whole transaction: of TiDB write conflicts, and a commit that was
    /// rolled back. 8501, which says that the result is undetermined, is not one of them.
    pub(super) fn taken_back(self) -> &'static [u16] {
        match self {
            Self::Mariadb | Self::Mysql => &[],
            Self::Tidb => &[8002, 8005, 8022, 9007],
        }
    }
}
