//! Dependencies between our rooms point one way.

use std::{collections::BTreeMap, process::Command};

/// What each room may use of the others. DESIGN: history <- checkers <- reports; history <- cluster <- nemeses;
/// history, checkers <- workloads; history, cluster <- databases, specimens; the root uses all.
const ALLOWED: &[(&str, &[&str])] = &[
    ("history", &[]),
    ("checkers", &["history"]),
    ("reports", &["history", "checkers"]),
    ("cluster", &["history"]),
    ("nemeses", &["history", "cluster"]),
    ("workloads", &["history", "checkers"]),
    ("databases", &["history", "cluster"]),
    ("specimens", &["history", "cluster"]),
];

/// Rooms that do no network and no async.
const PURE: &[&str] = &["history", "checkers", "reports", "workloads"];

fn metadata() -> serde_json::Value {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version=1", "--no-deps", "--offline", "--locked"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("cargo runs, since it runs this test");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("cargo metadata prints JSON")
}

/// Each package of the workspace with the names of what it depends on, tests left out.
fn dependencies() -> BTreeMap<String, Vec<String>> {
    let metadata = metadata();
    let packages = metadata["packages"].as_array().expect("there are packages");
    let named = packages.iter().map(|package| {
        let all = package["dependencies"].as_array().expect("there are dependencies");
        let used = all.iter().filter(|dependency| dependency["kind"].is_null());
        let names = used.map(|dependency| dependency["name"].as_str().unwrap_or_default().to_owned());
        (package["name"].as_str().unwrap_or_default().to_owned(), names.collect())
    });
    named.collect()
}

#[test]
fn rooms_use_only_what_lies_below_them() {
    let dependencies = dependencies();
    assert_eq!(dependencies.len(), ALLOWED.len() + 1, "a room is missing here: {:?}", dependencies.keys());
    for (room, allowed) in ALLOWED {
        let used = &dependencies[&format!("disprove-{room}")];
        for name in used.iter().filter_map(|name| name.strip_prefix("disprove-")) {
            assert!(allowed.contains(&name), "{room} uses {name}, and may use only {allowed:?}");
        }
        assert!(!used.iter().any(|name| name == "disprove"), "{room} uses the controller");
    }
}

#[test]
fn pure_rooms_do_no_network_and_no_async() {
    let dependencies = dependencies();
    for room in PURE {
        for name in &dependencies[&format!("disprove-{room}")] {
            let forbidden = ["tokio", "reqwest", "async-trait", "nix", "libc", "ssh2", "clap", "tracing"];
            assert!(!forbidden.contains(&name.as_str()), "{room} uses {name}");
        }
    }
}
