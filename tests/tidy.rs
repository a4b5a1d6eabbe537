//! The house rules that a machine can check: sizes, names, and that every crate says what it is.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// The longest a file may be, tests aside.
const FILE_LINES_MAX: usize = 500;
/// The longest a function may be.
const FUNCTION_LINES_MAX: usize = 70;
/// Names that say nothing of what is inside.
const BANNED_NAMES: &[&str] =
    &["util", "utils", "common", "helper", "helpers", "misc", "mod", "stuff", "shared"];
const ROOMS: &[&str] =
    &["src", "history", "checkers", "cluster", "nemeses", "workloads", "databases", "specimens", "reports"];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        let Ok(entries) = fs::read_dir(&folder) else { continue };
        for path in entries.filter_map(|entry| Some(entry.ok()?.path())) {
            if path.is_dir() && !path.ends_with("target") {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                found.push(path);
            }
        }
    }
}

fn all_sources() -> Vec<PathBuf> {
    let mut found = Vec::new();
    for room in ROOMS {
        sources(&root().join(room), &mut found);
    }
    sources(&root().join("tests"), &mut found);
    found.sort();
    assert!(found.len() > 50, "the sources were not found: only {} files", found.len());
    found
}

fn is_test(path: &Path) -> bool {
    path.components()
        .any(|part| ["tests", "benches", "examples"].iter().any(|name| part.as_os_str() == *name))
        || path.file_stem().is_some_and(|stem| stem == "tests")
}

/// The lines of a file before its unit tests.
fn lines_without_tests(text: &str) -> Vec<&str> {
    text.lines().take_while(|line| *line != "#[cfg(test)]").collect()
}

#[test]
fn files_stay_readable() {
    let mut long = Vec::new();
    for path in all_sources().into_iter().filter(|path| !is_test(path)) {
        let text = fs::read_to_string(&path).expect("a source file is readable");
        let lines = lines_without_tests(&text).len();
        if lines > FILE_LINES_MAX {
            long.push(format!("{}: {lines} lines", path.display()));
        }
    }
    assert!(long.is_empty(), "files over {FILE_LINES_MAX} lines:\n{}", long.join("\n"));
}

#[test]
fn functions_fit_a_screen() {
    let mut long = Vec::new();
    for path in all_sources().into_iter().filter(|path| !is_test(path)) {
        let text = fs::read_to_string(&path).expect("a source file is readable");
        let mut begun: Option<(usize, usize)> = None;
        for (number, line) in lines_without_tests(&text).into_iter().enumerate() {
            let indent = line.len() - line.trim_start().len();
            let code = line.trim_start();
            let begins = ["fn ", "pub fn ", "pub(crate) fn ", "pub(super) fn ", "async fn ", "pub async fn "]
                .iter()
                .any(|start| code.starts_with(start));
            if begins && !code.ends_with(['}', ';']) {
                begun = Some((number, indent));
            } else if let Some((start, depth)) = begun
                && code == "}"
                && indent == depth
            {
                if number - start + 1 > FUNCTION_LINES_MAX {
                    long.push(format!("{}:{}: {} lines", path.display(), start + 1, number - start + 1));
                }
                begun = None;
            }
        }
    }
    assert!(long.is_empty(), "functions over {FUNCTION_LINES_MAX} lines:\n{}", long.join("\n"));
}

#[test]
fn modules_are_named_by_what_they_hold() {
    for path in all_sources() {
        let stem = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
        assert!(!BANNED_NAMES.contains(&stem), "{} is named by nothing", path.display());
    }
}

#[test]
fn every_crate_says_what_it_is_and_what_it_does_not_do() {
    for room in ROOMS {
        let path =
            if *room == "src" { root().join("src/lib.rs") } else { root().join(room).join("src/lib.rs") };
        let text = fs::read_to_string(&path).expect("every room has a lib.rs");
        let head: String =
            text.lines().take_while(|line| line.starts_with("//!")).collect::<Vec<_>>().join("\n");
        assert!(
            head.contains("deliberately"),
            "{} does not say what it deliberately does not do",
            path.display()
        );
        assert!(head.contains("```"), "{} has no example in its first lines", path.display());
    }
}

#[test]
fn nothing_is_left_unfinished() {
    // Split, so that this file does not find itself.
    let marks = [
        concat!("TO", "DO"),
        concat!("FIX", "ME"),
        concat!("to", "do!("),
        concat!("unimple", "mented!("),
        concat!("#[ig", "nore"),
    ];
    for path in all_sources() {
        let text = fs::read_to_string(&path).expect("a source file is readable");
        for (number, line) in text.lines().enumerate() {
            let mark = marks.iter().find(|mark| line.contains(**mark));
            assert!(mark.is_none(), "{}:{} says {}", path.display(), number + 1, mark.unwrap_or(&""));
        }
    }
}
