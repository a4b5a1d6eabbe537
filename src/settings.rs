//! Where each setting comes from: the command line, the environment, a TOML file, or its default, in that order.

use std::{ffi::OsString, fmt::Write as _, path::Path, path::PathBuf};

use clap::{Arg, ArgMatches, Command, parser::ValueSource};

use crate::exit::Failure;

/// The file that is read where it is there and `--config` names no other.
const USUAL_FILE: &str = "disprove.toml";

/// What a file said: its name, and each key with its value as it would stand on the command line.
#[derive(Debug, Default)]
pub struct FileLayer {
    path: Option<PathBuf>,
    values: Vec<(String, String)>,
}

/// Parses the command line of `test` a second time with what the file says slipped in behind the program's name, so
/// that one parser with one set of messages judges every value.
pub fn parse_with_file(
    command: &Command,
    arguments: &[OsString],
) -> Result<(ArgMatches, FileLayer), clap::Error> {
    let first = command.clone().try_get_matches_from(arguments)?;
    let Some(("test", test)) = first.subcommand() else {
        return Ok((first, FileLayer::default()));
    };
    let layer = read_file_layer(command, test).map_err(|failure| {
        clap::Error::raw(clap::error::ErrorKind::ValueValidation, failure.message + "\n")
    })?;
    let place =
        arguments.iter().position(|argument| argument == "test").map_or(arguments.len(), |place| place + 1);
    let mut all = arguments[..place].to_vec();
    for (key, value) in &layer.values {
        let given = test.value_source(&key.replace('-', "_"));
        if matches!(given, Some(ValueSource::CommandLine | ValueSource::EnvVariable)) {
            continue;
        }
        match value.as_str() {
            "true" => all.push(format!("--{key}").into()),
            "false" => {}
            _ => all.push(format!("--{key}={value}").into()),
        }
    }
    all.extend_from_slice(&arguments[place..]);
    let matches = command.clone().try_get_matches_from(all)?;
    Ok((matches, layer))
}

fn read_file_layer(command: &Command, test: &ArgMatches) -> Result<FileLayer, Failure> {
    let named = test.get_one::<PathBuf>("config");
    let Some(path) = file_of(named.map(PathBuf::as_path)) else { return Ok(FileLayer::default()) };
    let text = std::fs::read_to_string(&path).map_err(|error| {
        Failure::usage(format!("cannot read the settings in {}: {error}", path.display()))
    })?;
    let known = known_keys(command);
    let values =
        parse_file(&text, &known).map_err(|what| Failure::usage(format!("{}: {what}", path.display())))?;
    Ok(FileLayer { path: Some(path), values })
}

/// The settings file: the one that was named, or the usual one where it is there.
pub fn file_of(named: Option<&Path>) -> Option<PathBuf> {
    match named {
        Some(path) => Some(path.to_owned()),
        None => Path::new(USUAL_FILE).is_file().then(|| PathBuf::from(USUAL_FILE)),
    }
}

pub(crate) fn known_keys(command: &Command) -> Vec<String> {
    let longs = settings_of(command).filter_map(|argument| argument.get_long());
    longs.filter(|long| !matches!(*long, "help" | "config" | "print-config")).map(str::to_owned).collect()
}

/// What `test` can be told, also what every command can.
fn settings_of(command: &Command) -> impl Iterator<Item = &Arg> {
    let test = command.find_subcommand("test").expect("the test command is built in");
    test.get_arguments().chain(command.get_arguments().filter(|argument| argument.is_global_set()))
}

/// The keys of `[run]` with their values, or one sentence with the line and the remedy.
fn parse_file(text: &str, known: &[String]) -> Result<Vec<(String, String)>, String> {
    let table: toml::Table = text.parse().map_err(|error: toml::de::Error| {
        let line = error.span().map_or(1, |span| line_of(text, span.start));
        format!("line {line}: {}", error.message())
    })?;
    // A system that the file describes is the one to test, unless somebody names another.
    let own = table.get("database").and_then(|database| database.get("name")).and_then(toml::Value::as_str);
    let own = own.map(|name| ("db".to_owned(), name.to_owned()));
    let Some(run) = table.get("run") else {
        return match (own, table.contains_key("database")) {
            (own, true) => Ok(own.into_iter().collect()),
            _ => Err("there is no table [run] in it; settings stand under a line [run]".into()),
        };
    };
    let toml::Value::Table(run) = run else {
        return Err("run is not a table; settings stand under a line [run]".into());
    };
    let mut values: Vec<(String, String)> = own.into_iter().filter(|_| !run.contains_key("db")).collect();
    for (key, value) in run {
        let flag = key.replace('_', "-");
        if !known.contains(&flag) {
            let nearest = nearest(&flag, known.iter().map(String::as_str));
            let line = line_of_key(text, key);
            return Err(format!("line {line}: there is no setting `{key}`; did you mean `{nearest}`?"));
        }
        values.push((
            flag,
            plain(value).ok_or_else(|| {
                format!(
                    "line {}: `{key}` is to be a text, a number or a list of texts",
                    line_of_key(text, key)
                )
            })?,
        ));
    }
    Ok(values)
}

fn plain(value: &toml::Value) -> Option<String> {
    Some(match value {
        toml::Value::String(text) => text.clone(),
        toml::Value::Integer(number) => number.to_string(),
        toml::Value::Float(number) => number.to_string(),
        toml::Value::Boolean(flag) => flag.to_string(),
        toml::Value::Array(items) => items.iter().map(plain).collect::<Option<Vec<_>>>()?.join(","),
        toml::Value::Datetime(_) | toml::Value::Table(_) => return None,
    })
}

/// The line of a byte.
pub fn line_of(text: &str, byte: usize) -> usize {
    text.as_bytes()[..byte.min(text.len())].iter().filter(|&&byte| byte == b'\n').count() + 1
}

/// The line of the first key of this name.
pub fn line_of_key(text: &str, key: &str) -> usize {
    let found = text.lines().position(|line| {
        line.trim_start().strip_prefix(key).is_some_and(|rest| rest.trim_start().starts_with('='))
    });
    found.map_or(1, |place| place + 1)
}

/// The name nearest to what was typed.
pub fn nearest<'a>(typed: &str, names: impl Iterator<Item = &'a str>) -> &'a str {
    names.min_by_key(|name| edit_distance(typed, name)).unwrap_or("")
}

/// The few names that come nearest to what was typed, each in backticks.
pub fn nearest_few<'a>(typed: &str, names: impl Iterator<Item = &'a str>) -> Vec<String> {
    let mut near: Vec<(usize, &str)> = names.map(|name| (edit_distance(typed, name), name)).collect();
    near.sort_unstable();
    near.dedup();
    let best = near.first().map_or(0, |(distance, _)| *distance);
    let few = near.iter().take_while(|(distance, _)| *distance <= best + 1).take(3);
    few.map(|(_, name)| format!("`{name}`")).collect()
}

/// How many letters must be put in, left out, replaced or swapped with their neighbour.
fn edit_distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut rows: Vec<Vec<usize>> = vec![(0..=b.len()).collect()];
    for i in 1..=a.len() {
        let mut row = vec![i];
        for j in 1..=b.len() {
            let replaced = rows[i - 1][j - 1] + usize::from(a[i - 1] != b[j - 1]);
            let mut least = replaced.min(rows[i - 1][j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                least = least.min(rows[i - 2][j - 2] + 1);
            }
            row.push(least);
        }
        rows.push(row);
    }
    rows[a.len()][b.len()]
}

/// What `--print-config` prints: every setting of `test`, its value, and where it came from.
pub fn print_config(command: &Command, matches: &ArgMatches, layer: &FileLayer) -> String {
    let Some(("test", test)) = matches.subcommand() else { return String::new() };
    let mut text = String::new();
    for argument in settings_of(command) {
        let (Some(long), id) = (argument.get_long(), argument.get_id().as_str()) else { continue };
        if matches!(long, "help" | "print-config") {
            continue;
        }
        let raw = test.get_raw(id);
        let value = raw.map_or_else(
            || "(unset)".into(),
            |raw| raw.map(|part| part.to_string_lossy().into_owned()).collect::<Vec<_>>().join(","),
        );
        let from_file = layer.values.iter().any(|(key, _)| key == long);
        let source = match test.value_source(id) {
            Some(ValueSource::CommandLine) if from_file && !given_by_hand(long) => {
                let path = layer.path.as_deref().unwrap_or(Path::new(USUAL_FILE));
                format!("file {}", path.display())
            }
            Some(ValueSource::CommandLine) => "command line".into(),
            Some(ValueSource::EnvVariable) => {
                format!("environment {}", argument.get_env().unwrap_or_default().to_string_lossy())
            }
            _ => "default".into(),
        };
        let value = databases::endpoint::without_password(&value);
        let _ = writeln!(text, "{long:<18} {value:<24} {source}");
    }
    text
}

/// Whether the user's own command line has the flag; the file's values were slipped in as if it had.
fn given_by_hand(long: &str) -> bool {
    let flag = format!("--{long}");
    std::env::args().any(|argument| argument == flag || argument.starts_with(&format!("{flag}=")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known() -> Vec<String> {
        ["seed", "time-limit", "faults"].map(str::to_owned).to_vec()
    }

    #[test]
    fn a_file_sets_flags_by_their_names() {
        let values =
            parse_file("[run]\nseed = 7\ntime_limit = 2.5\nfaults = [\"kill\", \"pause\"]\n", &known());
        let expected = [("faults", "kill,pause"), ("seed", "7"), ("time-limit", "2.5")];
        assert_eq!(values.unwrap(), expected.map(|(key, value)| (key.to_owned(), value.to_owned())));
    }

    #[test]
    fn an_unknown_setting_is_named_with_its_line_and_the_nearest_one() {
        let error = parse_file("[run]\nseed = 7\ntime-limt = 3\n", &known()).unwrap_err();
        assert_eq!(error, "line 3: there is no setting `time-limt`; did you mean `time-limit`?");
    }

    #[test]
    fn a_broken_file_is_named_with_its_line() {
        assert!(parse_file("[run]\nseed = \n", &known()).unwrap_err().starts_with("line 2: "));
        assert!(parse_file("seed = 3\n", &known()).unwrap_err().contains("[run]"));
    }

    #[test]
    fn the_nearest_name_is_the_one_with_the_fewest_edits() {
        assert_eq!(nearest("partion", ["pause", "partition", "kill"].into_iter()), "partition");
    }
}
