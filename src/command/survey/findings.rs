//! The survey of a file of rows: what is claimed of real systems, confirmed or refuted with many seeds.

use std::{fmt::Write as _, fs, path::Path};

use checkers::Validity;
use clap::Parser as _;
use serde::{Deserialize, Serialize};

use super::measured::{self, Measured};
use crate::{
    arguments::{Arguments, Command, SurveyArguments},
    endpoints,
    exit::{Exit, Failure},
};

/// A file of rows.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Rows {
    /// What stands above the table.
    #[serde(default)]
    above: String,
    /// What stands below it.
    #[serde(default)]
    below: String,
    row: Vec<Row>,
}

/// A claim, and the command that tries it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    /// The system, and how it is set up.
    system: String,
    /// What is claimed of it.
    claim: String,
    /// What a run is expected to say.
    expect: Expected,
    /// What `disprove test` is told, but the seed.
    flags: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Expected {
    /// An anomaly. What is proven once is proven; the table says in how many runs it was.
    Invalid,
    /// None, in any run.
    Valid,
}

/// What decides a run of a row.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
struct Case {
    flags: String,
    seed: u64,
}

impl measured::Case for Case {
    fn flags(&self) -> Vec<String> {
        let words = self.flags.split_whitespace().map(str::to_owned);
        words.chain([format!("--seed={}", self.seed)]).collect()
    }

    fn label(&self) -> String {
        format!("{} --seed {}", self.flags, self.seed)
    }
}

/// Runs what is missing and writes the table.
pub(super) fn run(survey: &SurveyArguments, file: &Path) -> Result<Exit, Failure> {
    let text = fs::read_to_string(file)
        .map_err(|error| Failure::usage(format!("cannot read the rows in {}: {error}", file.display())))?;
    let rows = read(&text).map_err(|wrong| Failure::usage(format!("{}: {wrong}", file.display())))?;
    // One seed of every row after another, so that a survey that is stopped has something of each.
    let cases: Vec<Case> = (1..=u64::from(survey.seeds))
        .flat_map(|seed| rows.row.iter().map(move |row| Case { flags: row.flags.clone(), seed }))
        .collect();
    let belongs = |case: &Case| rows.row.iter().any(|row| row.flags == case.flags);
    measured::survey(survey, &cases, belongs, |results| draw(&rows, results), |results| judge(&rows, results))
}

/// The rows of a file, each with flags that `test` knows.
fn read(text: &str) -> Result<Rows, String> {
    let rows: Rows = toml::from_str(text).map_err(|error| error.to_string().trim_end().to_owned())?;
    for row in &rows.row {
        let words = row.flags.split_whitespace();
        let parsed = Arguments::try_parse_from(["disprove", "test"].into_iter().chain(words));
        let arguments = parsed.map_err(|error| {
            let what = error.to_string();
            format!("the flags `{}`: {}", row.flags, what.lines().next().unwrap_or_default())
        })?;
        if let Command::Test(test) = &arguments.command {
            endpoints::refuse_passwords(test).map_err(|failure| failure.message)?;
        }
    }
    Ok(rows)
}

fn of<'a>(row: &Row, results: &[&'a Measured<Case>]) -> Vec<&'a Measured<Case>> {
    results.iter().copied().filter(|result| result.case.flags == row.flags).collect()
}

/// How a claim stands after some runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Standing {
    Open,
    Holds,
    /// It was to be clean and is not.
    Accused,
    /// It was to be broken and is not, or no run of a clean one proved anything.
    Fails,
}

fn standing(row: &Row, results: &[&Measured<Case>]) -> Standing {
    let count = |verdict| results.iter().filter(|result| result.verdict == verdict).count();
    let (invalid, unknown) = (count(Validity::Invalid), count(Validity::Unknown));
    match row.expect {
        _ if results.is_empty() => Standing::Open,
        Expected::Valid if invalid > 0 => Standing::Accused,
        Expected::Valid if unknown == 0 => Standing::Holds,
        Expected::Invalid if invalid > 0 => Standing::Holds,
        Expected::Valid | Expected::Invalid => Standing::Fails,
    }
}

fn draw(rows: &Rows, results: &[&Measured<Case>]) -> String {
    let mut text = rows.above.trim_start().to_owned();
    text.push_str(
        "| system | claim | `disprove test` | expected | broken | first anomaly, median (latest) | calls ok, median (least) | shows as |\n\
         |---|---|---|---|---|---|---|---|\n",
    );
    for row in &rows.row {
        let mine = of(row, results);
        let firsts = mine.iter().filter_map(|result| result.first_anomaly_seconds).collect();
        let expected = match (row.expect, standing(row, &mine)) {
            (_, Standing::Open) => "not run yet",
            (Expected::Valid, Standing::Holds) => "clean, and is",
            (Expected::Valid, Standing::Accused) => "clean, **and is not**",
            (Expected::Valid, _) if mine.iter().any(|result| result.verdict == Validity::Valid) => {
                "clean, where decided"
            }
            (Expected::Valid, _) => "clean, **not decided**",
            (Expected::Invalid, Standing::Holds) => "broken, and is",
            (Expected::Invalid, _) => "broken, **and is not**",
        };
        let _ = writeln!(
            text,
            "| {} | {} | `{}` | {expected} | {} | {} | {} | {} |",
            row.system,
            row.claim,
            row.flags,
            measured::found(&mine),
            measured::spread(firsts, |first| format!("{first:.1} s")),
            measured::shares(&mine),
            measured::shown(&mine),
        );
    }
    text.push_str(rows.below.trim_end());
    text.push('\n');
    text
}

/// 1 when what was to be clean was accused, 2 when another claim did not hold.
fn judge(rows: &Rows, results: &[&Measured<Case>]) -> Exit {
    let standings: Vec<Standing> = rows.row.iter().map(|row| standing(row, &of(row, results))).collect();
    if standings.contains(&Standing::Accused) {
        return Exit::Anomaly;
    }
    if standings.iter().all(|standing| *standing == Standing::Holds) { Exit::Valid } else { Exit::Unknown }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROWS: &str = "above = \"# Found\\n\\n\"\n\
        [[row]]\nsystem = \"A\"\nclaim = \"loses\"\nexpect = \"invalid\"\nflags = \"--db specimen --disease no-fsync\"\n\
        [[row]]\nsystem = \"B\"\nclaim = \"keeps\"\nexpect = \"valid\"\nflags = \"--db specimen\"\n";

    fn ran(flags: &str, seed: u64, verdict: Validity) -> Measured<Case> {
        Measured {
            case: Case { flags: flags.into(), seed },
            version: "0.1.0".into(),
            verdict,
            kinds: vec!["lost-update".into()],
            operations: 100,
            ok_operations: 90,
            first_anomaly_seconds: None,
            doubts: Vec::new(),
            warnings: Vec::new(),
            run: "store/survey/1".into(),
        }
    }

    #[test]
    fn a_claim_stands_as_its_runs_say() {
        let rows = read(ROWS).expect("the rows are right");
        let sick = "--db specimen --disease no-fsync";
        let good = [ran(sick, 1, Validity::Invalid), ran("--db specimen", 1, Validity::Valid)];
        let good: Vec<_> = good.iter().collect();
        assert_eq!(judge(&rows, &good), Exit::Valid);
        let table = draw(&rows, &good);
        assert!(table.starts_with("# Found\n\n| system"), "{table}");
        assert!(
            table.contains("| broken, and is | 1 of 1 |") && table.contains("| clean, and is | 0 of 1 |"),
            "{table}"
        );
        let missed = ran(sick, 2, Validity::Valid);
        assert_eq!(judge(&rows, &[&missed, good[1]]), Exit::Unknown, "what was claimed was not seen");
        assert_eq!(judge(&rows, &[good[0], &missed, good[1]]), Exit::Valid, "once proven is proven");
        let vague = ran("--db specimen", 1, Validity::Unknown);
        assert_eq!(judge(&rows, &[good[0], &vague]), Exit::Unknown);
        assert!(draw(&rows, &[&vague]).contains("| clean, **not decided** | 0 of 1 (1 undecided) |"));
        assert!(draw(&rows, &[good[1], &vague]).contains("| clean, where decided | 0 of 2 (1 undecided) |"));
        let accused = ran("--db specimen", 2, Validity::Invalid);
        assert_eq!(judge(&rows, &[good[0], good[1], &accused]), Exit::Anomaly);
        assert!(draw(&rows, &[&accused]).contains("| clean, **and is not** | 1 of 1 |"));
        assert_eq!(judge(&rows, &good[..1]), Exit::Unknown, "a row that was not run holds nothing");
    }

    #[test]
    fn a_wrong_key_and_a_wrong_flag_are_told() {
        let wrong = read("[[row]]\nsystem = \"A\"\nclam = \"b\"\n").unwrap_err();
        assert!(wrong.contains("line 3") && wrong.contains("clam"), "{wrong}");
        let wrong = read(&ROWS.replace("--disease", "--diseas")).unwrap_err();
        assert!(wrong.contains("--diseas"), "{wrong}");
    }
}
