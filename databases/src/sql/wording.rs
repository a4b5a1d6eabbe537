//! The words of SQL that differ between dialects, and the tables that everything is kept in.

use history::vocabulary::bank::{ACCOUNTS, OPENED_WITH};

/// The tables, by what their names end with.
const TABLES: [&str; 8] =
    ["registers", "lists", "elements", "numbers", "accounts", "counters", "ids", "queues"];

/// Whose words a dialect uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(
    not(all(feature = "mariadb", feature = "postgres")),
    allow(dead_code, reason = "with one of the two systems the other's words are spoken by nobody")
)]
pub enum Family {
    /// PostgreSQL's.
    Postgres,
    /// MySQL's.
    Mysql,
}

/// The words of a dialect, and what the names of its tables begin with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wording {
    family: Family,
    prefix: String,
}

impl Wording {
    /// Tables whose names begin so.
    pub fn new(family: Family, prefix: impl Into<String>) -> Self {
        Self { family, prefix: prefix.into() }
    }

    /// A statement from a template, in which `@` stands before the name of a table and `?` for a value.
    pub fn statement(&self, template: &str) -> String {
        let mut statement = String::with_capacity(template.len() + 16);
        let mut values = 0;
        for letter in template.chars() {
            match (letter, self.family) {
                ('@', _) => statement.push_str(&self.prefix),
                ('?', Family::Postgres) => {
                    values += 1;
                    statement.push_str(&format!("${values}"));
                }
                _ => statement.push(letter),
            }
        }
        statement
    }

    /// Sets a register, whether it is there or not.
    pub(super) fn write(&self) -> &'static str {
        match self.family {
            Family::Postgres => {
                "INSERT INTO @registers VALUES (?, ?) ON CONFLICT (k) DO UPDATE SET v = EXCLUDED.v"
            }
            Family::Mysql => "INSERT INTO @registers VALUES (?, ?) ON DUPLICATE KEY UPDATE v = VALUES(v)",
        }
    }

    /// Makes a register that must not be there. Where it is, nothing changes, or the error says so.
    pub(super) fn make(&self) -> &'static str {
        match self.family {
            Family::Postgres => "INSERT INTO @registers VALUES (?, ?) ON CONFLICT (k) DO NOTHING",
            Family::Mysql => "INSERT INTO @registers VALUES (?, ?)",
        }
    }

    /// Adds to a counter, whether it is there or not.
    pub(super) fn count(&self) -> &'static str {
        match self.family {
            Family::Postgres => {
                "INSERT INTO @counters VALUES (?, ?) ON CONFLICT (k) DO UPDATE SET v = @counters.v + EXCLUDED.v"
            }
            Family::Mysql => "INSERT INTO @counters VALUES (?, ?) ON DUPLICATE KEY UPDATE v = v + VALUES(v)",
        }
    }

    /// Asks for a new id: what has to be done before, if anything, and the question itself.
    pub(super) fn id(&self) -> (Option<&'static str>, &'static str) {
        match self.family {
            Family::Postgres => (None, "INSERT INTO @ids DEFAULT VALUES RETURNING n"),
            Family::Mysql => {
                (Some("INSERT INTO @ids VALUES (NULL)"), "SELECT CAST(LAST_INSERT_ID() AS SIGNED)")
            }
        }
    }

    /// Puts an element behind a list, whether it is there or not.
    pub(super) fn append(&self) -> &'static str {
        match self.family {
            Family::Postgres => {
                "INSERT INTO @lists VALUES (?, ?) ON CONFLICT (k) DO UPDATE SET v = @lists.v || ' ' || EXCLUDED.v"
            }
            Family::Mysql => {
                "INSERT INTO @lists VALUES (?, ?) ON DUPLICATE KEY UPDATE v = CONCAT(v, ' ', VALUES(v))"
            }
        }
    }

    /// The statements, one line each, that make the tables; with `anew` they must not be there, else those that are there
    /// stay.
    pub fn tables(&self, anew: bool) -> Vec<String> {
        let unless = if anew { "" } else { "IF NOT EXISTS " };
        // Keys are ordered byte by byte, as those of a history are.
        let (key, list, engine) = match self.family {
            Family::Postgres => ("text", "text", ""),
            Family::Mysql => {
                ("VARCHAR(100) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin", "MEDIUMTEXT", " ENGINE=InnoDB")
            }
        };
        let table = |name: &str, columns: &str| format!("CREATE TABLE {unless}@{name} ({columns}){engine}");
        let mut templates = vec![
            table("registers", &format!("k {key} PRIMARY KEY, v {key} NOT NULL")),
            table("lists", &format!("k {key} PRIMARY KEY, v {list} NOT NULL")),
            table("accounts", &format!("k {key} PRIMARY KEY, balance BIGINT NOT NULL")),
            table("counters", &format!("k {key} PRIMARY KEY, v BIGINT NOT NULL")),
        ];
        match self.family {
            Family::Postgres => {
                templates.push(table("ids", "n BIGSERIAL PRIMARY KEY"));
                templates.push(table("queues", "n BIGSERIAL PRIMARY KEY, k text NOT NULL, e text NOT NULL"));
                templates.push(format!("CREATE INDEX {unless}@queues_k ON @queues (k, n)"));
                templates.push(table("elements", "k text NOT NULL, e text NOT NULL"));
                templates.push(format!("CREATE INDEX {unless}@elements_k ON @elements (k)"));
                templates.push(table("numbers", "k text PRIMARY KEY, v BIGINT NOT NULL"));
                templates.push(format!("CREATE INDEX {unless}@numbers_v ON @numbers (v)"));
            }
            Family::Mysql => {
                let own = "n BIGINT AUTO_INCREMENT PRIMARY KEY";
                templates.push(table("ids", own));
                templates.push(table(
                    "queues",
                    &format!("{own}, k {key} NOT NULL, e {key} NOT NULL, INDEX (k, n)"),
                ));
                templates.push(table(
                    "elements",
                    &format!("{own}, k {key} NOT NULL, e {key} NOT NULL, INDEX (k)"),
                ));
                templates
                    .push(table("numbers", &format!("k {key} PRIMARY KEY, v BIGINT NOT NULL, INDEX (v)")));
            }
        }
        templates.push(self.accounts());
        templates.iter().map(|template| self.statement(template)).collect()
    }

    /// Opens the accounts of a bank that was not opened before.
    fn accounts(&self) -> String {
        let rows: Vec<String> =
            (0..ACCOUNTS).map(|account| format!("('{account}', {OPENED_WITH})")).collect();
        let rows = rows.join(", ");
        match self.family {
            Family::Postgres => format!("INSERT INTO @accounts VALUES {rows} ON CONFLICT DO NOTHING"),
            Family::Mysql => format!("INSERT IGNORE INTO @accounts VALUES {rows}"),
        }
    }

    /// The statements that remove the tables, where they are there.
    pub fn removal(&self) -> Vec<String> {
        TABLES.iter().map(|table| self.statement(&format!("DROP TABLE IF EXISTS @{table}"))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_and_tables_are_named_as_the_dialect_wants_them() {
        let template = "UPDATE @registers SET v = ? WHERE k = ? AND v = ?";
        let postgres = Wording::new(Family::Postgres, "disprove_r1_");
        assert_eq!(
            postgres.statement(template),
            "UPDATE disprove_r1_registers SET v = $1 WHERE k = $2 AND v = $3"
        );
        let mysql = Wording::new(Family::Mysql, "");
        assert_eq!(mysql.statement(template), "UPDATE registers SET v = ? WHERE k = ? AND v = ?");
    }

    #[test]
    fn everything_that_is_made_is_removed() {
        for family in [Family::Postgres, Family::Mysql] {
            let wording = Wording::new(family, "p_");
            let made = wording.tables(true);
            for table in TABLES {
                assert!(
                    made.iter().any(|made| made.starts_with(&format!("CREATE TABLE p_{table} "))),
                    "{table}"
                );
            }
            let tables = made.iter().filter(|made| made.starts_with("CREATE TABLE")).count();
            assert_eq!((tables, wording.removal().len()), (TABLES.len(), TABLES.len()));
            assert!(made.iter().all(|made| !made.contains('\n')), "one line each: {made:?}");
        }
    }
}
