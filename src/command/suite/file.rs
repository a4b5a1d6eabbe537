//! The file of a suite: what it says, with every mistake told by its line.

use std::{collections::BTreeMap, time::Duration};

use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use crate::{settings, span};

/// Flags of `test` that a suite sets itself, or that make no sense in one.
const OWN: &[&str] =
    &["output", "store", "name", "repeat", "until-anomaly", "print-config", "leave-running", "help", "seed"];
/// The plural by which people name an axis, and the flag it is.
const PLURALS: &[(&str, &str)] = &[
    ("databases", "db"),
    ("versions", "programs"),
    ("diseases", "disease"),
    ("workloads", "workload"),
    ("models", "model"),
    ("isolations", "isolation"),
    ("rates", "rate"),
];
/// The keys of the file itself.
const TOP: &[&str] = &[
    "name",
    "store",
    "time_budget",
    "parallel",
    "repeat",
    "until",
    "reruns",
    "policy",
    "settings",
    "matrix",
];
/// The most cells of a suite.
const CELLS_MAX: usize = 10_000;

/// Which reruns of a run that went wrong must go wrong too, for it to count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Policy {
    /// One is enough: an anomaly once proven is proven.
    #[default]
    Any,
    /// More than half.
    Most,
    /// Every one.
    All,
}

/// What a suite's file says.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct SuiteFile {
    pub(super) name: String,
    pub(super) store: Option<String>,
    pub(super) time_budget: Option<Duration>,
    pub(super) parallel: usize,
    pub(super) repeat: u64,
    pub(super) until_anomaly: bool,
    pub(super) reruns: u64,
    pub(super) policy: Policy,
    pub(super) cells: Vec<Flags>,
}

/// The flags of one cell with their values; `seed` is one of them.
pub(super) type Flags = BTreeMap<String, String>;

/// One value of an axis: the flags it sets, mostly one.
type Choice = Vec<(String, String)>;

struct Reader<'a> {
    text: &'a str,
    known: &'a [String],
}

type Table<'a> = DeTable<'a>;
type Value<'a> = Spanned<DeValue<'a>>;

/// Reads the file. `known` are the flags of `test`. The error is one sentence that begins with the line.
pub(super) fn read(text: &str, known: &[String]) -> Result<SuiteFile, String> {
    let reader = Reader { text, known };
    let table = DeTable::parse(text).map_err(|error| {
        format!("line {}: {}", reader.line(error.span().map_or(0, |span| span.start)), error.message())
    })?;
    reader.file(table.get_ref())
}

impl Reader<'_> {
    fn line(&self, byte: usize) -> usize {
        settings::line_of(self.text, byte)
    }

    fn fail<R>(&self, byte: usize, what: &str) -> Result<R, String> {
        Err(format!("line {}: {what}", self.line(byte)))
    }

    fn file(&self, table: &Table<'_>) -> Result<SuiteFile, String> {
        let mut file = SuiteFile {
            name: "suite".into(),
            store: None,
            time_budget: None,
            parallel: 1,
            repeat: 1,
            until_anomaly: false,
            reruns: 0,
            policy: Policy::Any,
            cells: Vec::new(),
        };
        let mut settings = Flags::new();
        for (key, value) in table {
            let start = key.span().start;
            match key.get_ref().as_ref() {
                "name" => file.name = self.name(value)?,
                "store" => file.store = Some(self.word(value)?),
                "time_budget" => file.time_budget = Some(self.length(value)?),
                "parallel" => file.parallel = self.number(value, 1, 64)? as usize,
                "repeat" => file.repeat = self.number(value, 1, 1_000_000)?,
                "until" => file.until_anomaly = self.one_of(value, &["anomaly", "never"])? == 0,
                "reruns" => file.reruns = self.number(value, 0, 100)?,
                "policy" => {
                    file.policy = [Policy::Any, Policy::Most, Policy::All]
                        [self.one_of(value, &["any", "most", "all"])?];
                }
                "settings" => settings = self.settings(value)?,
                "matrix" => {}
                wrong => {
                    let nearest = settings::nearest(wrong, TOP.iter().copied());
                    return self
                        .fail(start, &format!("there is no key `{wrong}`; did you mean `{nearest}`?"));
                }
            }
        }
        let Some(matrix) = table.get("matrix") else {
            return Err("line 1: there is no [[matrix]] in it, so there is nothing to run".into());
        };
        let DeValue::Array(parts) = matrix.get_ref() else {
            return self.fail(matrix.span().start, "matrix is a list of tables; begin each with [[matrix]]");
        };
        for part in parts.iter() {
            self.cells(part, &settings, &mut file.cells)?;
        }
        if file.cells.is_empty() {
            return self.fail(matrix.span().start, "the matrix has no cell");
        }
        Ok(file)
    }

    /// The flag that a key names.
    fn flag(&self, key: &str, byte: usize) -> Result<String, String> {
        let plural = PLURALS.iter().find(|(plural, _)| *plural == key).map(|(_, flag)| (*flag).to_owned());
        let flag = plural.unwrap_or_else(|| key.replace('_', "-"));
        if self.known.contains(&flag) && !OWN.contains(&flag.as_str()) {
            return Ok(flag);
        }
        if self.known.contains(&flag) {
            return self.fail(byte, &format!("`{key}` is not set here: the suite itself decides it"));
        }
        let plurals = PLURALS.iter().filter(|(_, flag)| self.known.iter().any(|known| known == flag));
        let flags = self.known.iter().map(String::as_str).filter(|flag| !OWN.contains(flag));
        let names = plurals.map(|(plural, _)| *plural).chain(flags).chain(["seeds"]);
        let nearest = settings::nearest(key, names);
        self.fail(byte, &format!("there is no setting `{key}`; did you mean `{nearest}`?"))
    }

    fn settings(&self, value: &Value<'_>) -> Result<Flags, String> {
        let DeValue::Table(table) = value.get_ref() else {
            return self.fail(value.span().start, "settings is a table; they stand under a line [settings]");
        };
        let mut flags = Flags::new();
        for (key, value) in table {
            flags.insert(self.flag(key.get_ref(), key.span().start)?, self.word(value)?);
        }
        Ok(flags)
    }

    /// The cells of one table of the matrix: every value of every axis with every other.
    fn cells(&self, part: &Value<'_>, settings: &Flags, cells: &mut Vec<Flags>) -> Result<(), String> {
        let start = part.span().start;
        let DeValue::Table(table) = part.get_ref() else {
            return self.fail(start, "matrix is a list of tables; begin each with [[matrix]]");
        };
        let mut axes: Vec<Vec<Choice>> = Vec::new();
        let mut seeds = vec![vec![("seed".to_owned(), "1".to_owned())]];
        // In the order of the file, as people read it.
        let mut keys: Vec<_> = table.iter().collect();
        keys.sort_by_key(|(key, _)| key.span().start);
        for (key, value) in keys {
            let name = key.get_ref().as_ref();
            if matches!(name, "seeds" | "seed") {
                seeds = self.seeds(value)?;
            } else {
                axes.push(self.axis(&self.flag(name, key.span().start)?, value)?);
            }
        }
        // All of one seed before the next: a suite that is cut short has something of everything.
        axes.insert(0, seeds);
        let size = axes.iter().try_fold(1, |size: usize, axis| size.checked_mul(axis.len()));
        if size.is_none_or(|size| size.saturating_add(cells.len()) > CELLS_MAX) {
            return self.fail(start, &format!("the matrix has more than {CELLS_MAX} cells"));
        }
        let mut made = vec![settings.clone()];
        for axis in &axes {
            made = made.iter().flat_map(|cell| axis.iter().map(|choice| with(cell, choice))).collect();
        }
        cells.extend(made);
        Ok(())
    }

    fn axis(&self, flag: &str, value: &Value<'_>) -> Result<Vec<Choice>, String> {
        let DeValue::Array(items) = value.get_ref() else { return Ok(vec![self.choice(flag, value)?]) };
        if items.is_empty() {
            return self.fail(value.span().start, &format!("the list of `{flag}` is empty"));
        }
        items.iter().map(|item| self.choice(flag, item)).collect()
    }

    /// A value of an axis: a word, a list that is one value (several families of faults), or a table that sets several
    /// flags together.
    fn choice(&self, flag: &str, value: &Value<'_>) -> Result<Choice, String> {
        let DeValue::Table(table) = value.get_ref() else {
            return Ok(vec![(flag.to_owned(), self.word(value)?)]);
        };
        let pairs = table
            .iter()
            .map(|(key, value)| Ok((self.flag(key.get_ref(), key.span().start)?, self.word(value)?)));
        pairs.collect()
    }

    fn seeds(&self, value: &Value<'_>) -> Result<Vec<Choice>, String> {
        let seed = |number: u64| vec![("seed".to_owned(), number.to_string())];
        if let DeValue::Array(items) = value.get_ref() {
            let seeds = items.iter().map(|item| Ok(seed(self.number(item, 0, i64::MAX as u64)?)));
            return seeds.collect();
        }
        let count = self.number(value, 1, CELLS_MAX as u64)?;
        Ok((1..=count).map(seed).collect())
    }

    fn word(&self, value: &Value<'_>) -> Result<String, String> {
        match value.get_ref() {
            DeValue::String(text) => Ok(text.to_string()),
            DeValue::Integer(number) => Ok(number.as_str().replace('_', "")),
            DeValue::Float(number) => Ok(number.as_str().replace('_', "")),
            DeValue::Boolean(flag) => Ok(flag.to_string()),
            DeValue::Array(items) => {
                let words: Result<Vec<String>, String> = items.iter().map(|item| self.word(item)).collect();
                Ok(words?.join(","))
            }
            DeValue::Datetime(_) | DeValue::Table(_) => {
                self.fail(value.span().start, "here a text, a number or a list of texts is wanted")
            }
        }
    }

    fn name(&self, value: &Value<'_>) -> Result<String, String> {
        let name = self.word(value)?;
        let usual = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
        if name.is_empty() || name.len() > 64 || name.starts_with('.') || !name.bytes().all(usual) {
            return self.fail(
                value.span().start,
                &format!("`{name}` cannot name a folder; use letters, digits and dashes"),
            );
        }
        Ok(name)
    }

    fn length(&self, value: &Value<'_>) -> Result<Duration, String> {
        span::parse(&self.word(value)?).or_else(|wrong| self.fail(value.span().start, &wrong))
    }

    fn number(&self, value: &Value<'_>, least: u64, most: u64) -> Result<u64, String> {
        let number = match value.get_ref() {
            DeValue::Integer(_) => self.word(value)?.parse::<u64>().ok(),
            _ => None,
        };
        match number.filter(|number| (least..=most).contains(number)) {
            Some(number) => Ok(number),
            None => self
                .fail(value.span().start, &format!("here a whole number from {least} to {most} is wanted")),
        }
    }

    fn one_of(&self, value: &Value<'_>, names: &[&str]) -> Result<usize, String> {
        let word = self.word(value)?;
        names.iter().position(|name| *name == word).map_or_else(
            || {
                let nearest = settings::nearest(&word, names.iter().copied());
                self.fail(
                    value.span().start,
                    &format!("there is no `{word}`; did you mean `{nearest}`? All: {}", names.join(", ")),
                )
            },
            Ok,
        )
    }
}

fn with(cell: &Flags, choice: &Choice) -> Flags {
    let mut cell = cell.clone();
    cell.extend(choice.iter().cloned());
    cell
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known() -> Vec<String> {
        ["db", "disease", "workload", "faults", "rate", "seed", "store", "output", "time-limit", "capture"]
            .map(str::to_owned)
            .to_vec()
    }

    fn wrong(text: &str) -> String {
        read(text, &known()).unwrap_err()
    }

    #[test]
    fn every_value_of_every_axis_meets_every_other() {
        let file = read(
            "name = \"nightly\"\ntime_budget = \"6h\"\nparallel = 2\nreruns = 2\npolicy = \"most\"\nuntil = \"anomaly\"\n\
             [settings]\nrate = 500\n\
             [[matrix]]\ndatabases = [\"specimen\", { db = \"specimen\", disease = \"no-fsync\" }]\n\
             workloads = \"register\"\nfaults = [\"all\", [\"kill\", \"pause\"]]\nseeds = 2\n\
             [[matrix]]\ndb = \"etcd\"\nrate = 9\nseeds = [7]\n",
            &known(),
        )
        .unwrap();
        assert_eq!(
            (file.time_budget, file.policy, file.until_anomaly),
            (Some(Duration::from_secs(21_600)), Policy::Most, true)
        );
        assert_eq!(file.cells.len(), 9);
        let second = &file.cells[1];
        assert_eq!(
            (second["seed"].as_str(), second["faults"].as_str(), second["rate"].as_str()),
            ("1", "kill,pause", "500")
        );
        assert_eq!(
            (file.cells[2]["disease"].as_str(), file.cells[2]["faults"].as_str()),
            ("no-fsync", "all")
        );
        assert_eq!(file.cells[4]["seed"], "2", "all of one seed before the next");
        let last = &file.cells[8];
        assert_eq!((last["db"].as_str(), last["seed"].as_str(), last["rate"].as_str()), ("etcd", "7", "9"));
    }

    #[test]
    fn mistakes_are_told_with_their_line_and_the_nearest_name() {
        let matrix = "[[matrix]]\ndb = \"specimen\"\n";
        assert_eq!(
            wrong(&format!("paralel = 2\n{matrix}")),
            "line 1: there is no key `paralel`; did you mean `parallel`?"
        );
        assert_eq!(
            wrong(&format!("{matrix}wrkloads = \"x\"\n")),
            "line 3: there is no setting `wrkloads`; did you mean `workloads`?"
        );
        assert!(
            wrong(&format!("[settings]\nratee = 3\n{matrix}"))
                .starts_with("line 2: there is no setting `ratee`")
        );
        assert!(
            wrong(&format!("{matrix}output = \"json\"\n")).starts_with("line 3: `output` is not set here")
        );
        assert!(wrong(&format!("policy = \"som\"\n{matrix}")).starts_with("line 1: there is no `som`"));
        assert!(wrong(&format!("time_budget = \"6 parsecs\"\n{matrix}")).starts_with("line 1: `6 parsecs`"));
        assert!(wrong(&format!("name = \"../x\"\n{matrix}")).starts_with("line 1: "));
        assert!(wrong(&format!("parallel = 0\n{matrix}")).contains("from 1 to 64"));
        assert!(wrong("name = \"x\"\n").contains("[[matrix]]"));
        assert!(wrong("name = \n").starts_with("line 1: "));
        assert!(wrong("[[matrix]]\ndb = []\n").contains("empty"));
        assert!(
            wrong("[[matrix]]\ndb = [{ db = \"a\", diseas = \"b\" }]\n").contains("did you mean `disease")
        );
        assert!(wrong("[[matrix]]\nseeds = 10000\nrate = [1,2]\n").contains("cells"));
    }
}
