//! The lists of list-append histories: whatever way they are recognised, they are what the text says, and reads of one
//! growing list share their storage.

#[path = "material/random.rs"]
#[allow(dead_code, reason = "other tests make whole histories of it")]
mod random;

use std::{fmt::Write as _, fs, path::Path};

use disprove_history::{
    History, Value,
    import::{AnyHistory, read_any},
    vocabulary::{
        ListAppend,
        list_append::{Answer, List},
    },
};
use random::Random;

fn import(path: &Path, text: &str) -> History<ListAppend> {
    fs::write(path, text).unwrap();
    match read_any(path, None, Some("list-append"), None).unwrap() {
        AnyHistory::ListAppend(history) => history,
        other => panic!("{other:?}"),
    }
}

fn lists(history: &History<ListAppend>) -> Vec<&List> {
    let answers = history.operations.iter().filter_map(|operation| operation.outcome.ok()).flatten();
    answers
        .filter_map(|answer| match answer {
            Answer::Read(_, list) => list.as_ref(),
            Answer::Append(..) => None,
        })
        .collect()
}

/// Lists of a few keys: mostly prefixes of what grows, now and then something else.
fn made(random: &mut Random) -> Vec<(i64, Vec<i64>)> {
    let mut longest = vec![Vec::new(); 3];
    let mut made = Vec::new();
    for _ in 0..40 {
        let key = random.below(3);
        let list: &mut Vec<i64> = &mut longest[key];
        if random.below(2) == 0 {
            list.push(random.below(120) as i64 - 20);
        }
        let mut read = list[..random.below(list.len() + 1)].to_vec();
        match random.below(8) {
            0 => read.push(random.below(12) as i64),
            1 if !read.is_empty() => read[0] *= 11,
            2 => read = list.clone(),
            _ => {}
        }
        made.push((key as i64, read));
    }
    made
}

/// The lists as a history in which every number is written with a sign or not, and set apart by `between`.
fn text(lists: &[(i64, Vec<i64>)], sign: &str, between: &str) -> String {
    let mut text = String::new();
    for (key, list) in lists {
        let numbers: Vec<String> =
            list.iter().map(|n| if *n < 0 { n.to_string() } else { format!("{sign}{n}") }).collect();
        let list = numbers.join(between);
        writeln!(text, "{{:type :ok, :f :txn, :value [[:r {key} [{list}]]], :process {key}}}").unwrap();
    }
    text
}

#[test]
fn lists_are_what_the_text_says() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("history");
    for seed in 0..100 {
        let made = made(&mut Random(seed));
        for (sign, between) in [("", " "), ("", ", "), ("", ","), ("+", " ")] {
            let history = import(&path, &text(&made, sign, between));
            let read = lists(&history);
            // Completions without invocations are ranked by when they may have begun, so the order differs.
            let mut expected: Vec<Vec<Value>> =
                made.iter().map(|(_, list)| list.iter().copied().map(Value::Int).collect()).collect();
            let mut found: Vec<Vec<Value>> = read.iter().map(|list| list.to_vec()).collect();
            expected.sort();
            found.sort();
            assert_eq!(found, expected, "seed {seed}, {sign:?}, {between:?}");
            for one in &read {
                for other in read.iter().filter(|other| one.shares_root(other) && one.len() <= other.len()) {
                    assert!(other.starts_with(one), "seed {seed}: {one:?} is no prefix of {other:?}");
                }
            }
        }
    }
}

#[test]
fn reads_of_a_growing_list_share_one_root_in_every_format() {
    let folder = tempfile::tempdir().unwrap();
    let growing: Vec<(i64, Vec<i64>)> = (1..50).map(|length| (7, (100..100 + length).collect())).collect();
    let json = |(key, list): &(i64, Vec<i64>)| {
        format!(
            "{{\"type\": \"ok\", \"f\": \"txn\", \"value\": [[\"r\", {key}, {list:?}]], \"process\": 1}}\n"
        )
    };
    let own = |(place, (key, list)): (usize, &(i64, Vec<i64>))| {
        let time = place + 1;
        format!(
            "[\"i\",{place},1,0,{time},[{{\"r\":{key}}}]]\n[\"c\",{place},{time},{{\"ok\":[{{\"r\":[{key},{list:?}]}}]}}]\n"
        )
    };
    let own: String = growing.iter().enumerate().map(own).collect();
    let own =
        format!("{{\"disprove\":1,\"vocabulary\":\"list-append\"}}\n{own}[\"e\",99,{}]\n", 2 * growing.len());
    let texts = [
        text(&growing, "", " "),
        text(&growing, "+", " "),
        growing.iter().map(json).collect(),
        own,
        text(&growing, "", " ").replace("[100", "[\"a\" 100"),
    ];
    for text in texts {
        let path = folder.path().join("history");
        let history = import(&path, &text);
        assert_eq!(history.damage, None);
        let read = lists(&history);
        assert_eq!(read.len(), growing.len(), "{text}");
        assert!(read.iter().all(|list| list.shares_root(read[0])), "{text}");
        assert!(read.windows(2).all(|pair| pair[0].is_prefix_of(pair[1])), "{text}");
    }
}
