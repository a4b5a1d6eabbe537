//! `check --certificate` and `verify` for every kind of witness, as a user meets them: what was found is accepted, and nothing
//! that was changed afterwards is.

use std::{
    path::{Path, PathBuf},
    process::{Command, Output},
};

use serde_json::{Value as Json, json};

fn disprove(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_disprove")).args(arguments).output().expect("the program starts")
}

fn folder() -> PathBuf {
    let folder = std::env::temp_dir().join(format!("disprove-verify-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder can be made");
    folder
}

/// One history: how it is judged, what is to be found, and its calls one after the other. Each is `process f called returned`;
/// `!` stands for a call that failed, and `?` for one of unknown outcome.
struct Case {
    vocabulary: &'static str,
    arguments: &'static [&'static str],
    kind: &'static str,
    calls: &'static str,
}

const fn case(
    vocabulary: &'static str,
    arguments: &'static [&'static str],
    kind: &'static str,
    calls: &'static str,
) -> Case {
    Case { vocabulary, arguments, kind, calls }
}

const REGISTERS: &[Case] = &[
    case("register", &[], "stale-read", "0 write 1 1; 0 write 2 2; 1 read nil 1"),
    case("register", &[], "lost-write", "0 write 1 1; 0 write 2 2; 1 read nil 1; 2 read nil 1"),
    case("register", &[], "garbage-read", "0 write 1 1; 1 read nil 7"),
    case("register", &[], "dirty-read", "0 write 1 !; 1 read nil 1"),
    case("register", &[], "future-read", "1 read nil 1; 0 write 1 1"),
    case("register", &[], "duplicate-effect", "0 write 1 1; 0 cas [1,2] [1,2]; 1 cas [1,3] [1,3]"),
    case(
        "register",
        &["--model", "sequential"],
        "nonsequential",
        "0 write [x,1] [x,1]; 1 write [y,1] [y,1]; 0 read [y,nil] [y,nil]; 1 read [x,nil] [x,nil]",
    ),
    case(
        "register",
        &["--model", "causal"],
        "own-write-missed",
        "0 write [x,1] [x,1]; 0 read [x,nil] [x,nil]",
    ),
    case(
        "register",
        &["--model", "causal"],
        "non-monotonic-read",
        "0 write [x,1] [x,1]; 1 read [x,nil] [x,1]; 1 read [x,nil] [x,nil]",
    ),
    case(
        "register",
        &["--model", "pram"],
        "non-monotonic-write",
        "0 write [x,1] [x,1]; 0 write [y,1] [y,1]; 1 read [y,nil] [y,1]; 1 read [x,nil] [x,nil]",
    ),
    case(
        "register",
        &["--model", "causal"],
        "effect-without-cause",
        "0 write [x,1] [x,1]; 1 read [x,nil] [x,1]; 1 write [y,1] [y,1]; 2 read [y,nil] [y,1]; 2 read [x,nil] [x,nil]",
    ),
    case(
        "register",
        &["--model", "causal-convergent"],
        "divergent-order",
        "0 write [x,1] [x,1]; 1 write [x,2] [x,2]; 2 read [x,nil] [x,1]; 2 read [x,nil] [x,2]; 3 read [x,nil] [x,2]; 3 read [x,nil] [x,1]",
    ),
    case(
        "register",
        &["--model", "real-time-causal"],
        "real-time-causality-violation",
        "0 write [x,1] [x,1]; 1 write [x,2] [x,2]; 2 read [x,nil] [x,2]; 2 read [x,nil] [x,1]",
    ),
    case(
        "register",
        &["--model", "regular"],
        "write-order-contradiction",
        "0 write [x,1] [x,1]; 0 write [x,2] [x,2]; 1 read [x,nil] [x,1]",
    ),
    case(
        "register",
        &["--model", "safe"],
        "stale-read",
        "0 write [x,1] [x,1]; 0 write [x,2] [x,2]; 1 read [x,nil] [x,1]",
    ),
    case(
        "register",
        &["--model", "weak-regular"],
        "future-read",
        "1 read [x,nil] [x,1]; 0 write [x,1] [x,1]",
    ),
    case(
        "register",
        &["--model", "bounded-staleness", "--staleness-versions", "1"],
        "too-stale",
        "0 write [x,1] [x,1]; 0 write [x,2] [x,2]; 0 write [x,3] [x,3]; 1 read [x,nil] [x,1]",
    ),
    case("key-value", &[], "nonlinearizable", "0 put [x,1] [x,1]; 0 put [x,2] [x,2]; 1 get [x,nil] [x,1]"),
    case("key-value", &[], "stale-read", "0 append [x,a] [x,a]; 0 append [x,b] [x,b]; 1 get [x,nil] [x,b]"),
    case(
        "key-value",
        &["--model", "sequential"],
        "nonsequential",
        "0 append [x,a] [x,a]; 1 append [x,b] [x,b]; 2 get [x,nil] [x,a]; 3 get [x,nil] [x,b]",
    ),
];

const OBJECTS: &[Case] = &[
    case(
        "multi-register",
        &[],
        "nonlinearizable",
        "0 txn [[:w,x,1],[:w,y,1]] [[:w,x,1],[:w,y,1]]; 1 txn [[:r,x,nil],[:r,y,nil]] [[:r,x,1],[:r,y,nil]]",
    ),
    case("counter", &[], "nonlinearizable", "0 add 1 1; 0 add 1 1; 1 read nil 1"),
    case(
        "mutex",
        &[],
        "nonlinearizable",
        "0 acquire [m,{:client,1}] [m,{:client,1}]; 1 acquire [m,{:client,2}] [m,{:client,2}]",
    ),
    case(
        "reentrant-mutex",
        &[],
        "nonlinearizable",
        "0 acquire [m,{:client,1}] [m,{:client,1}]; 1 acquire [m,{:client,2}] [m,{:client,2}]",
    ),
    case(
        "read-write-lock",
        &[],
        "nonlinearizable",
        "0 acquire-shared [m,{:client,1}] [m,{:client,1}]; 1 acquire-exclusive [m,{:client,2}] [m,{:client,2}]",
    ),
    case(
        "lease",
        &[],
        "nonlinearizable",
        "0 acquire [m,{:client,1,:duration,1000000}] [m,{:client,1,:duration,1000000}]; 1 acquire [m,{:client,2,:duration,5}] [m,{:client,2,:duration,5}]",
    ),
    case("ids", &[], "duplicate-id", "0 generate nil 1; 1 generate nil 1"),
    case("queue", &[], "out-of-order", "0 enqueue 1 1; 0 enqueue 2 2; 1 dequeue nil 2; 1 dequeue nil 1"),
    case("queue", &[], "element-from-nowhere", "0 enqueue 1 1; 1 dequeue nil 7"),
    case("queue", &[], "duplicate-delivery", "0 enqueue 1 1; 1 dequeue nil 1; 2 dequeue nil 1"),
    case("queue", &[], "lost-element", "0 enqueue 1 1; 0 enqueue 2 2; 1 dequeue nil 2"),
    case(
        "queue",
        &["--model", "exactly-once"],
        "element-from-nowhere",
        "0 enqueue 1 1; 1 dequeue nil 7; 1 dequeue nil 1",
    ),
    case(
        "queue",
        &["--model", "at-most-once"],
        "duplicate-delivery",
        "0 enqueue 1 1; 1 dequeue nil 1; 2 dequeue nil 1",
    ),
    case("stack", &[], "out-of-order", "0 push 1 1; 0 push 2 2; 1 pop nil 1; 1 pop nil 2"),
    case(
        "priority-queue",
        &[],
        "out-of-order",
        "0 enqueue 1 1; 0 enqueue 2 2; 1 dequeue nil 2; 1 dequeue nil 1",
    ),
    case("bag", &[], "duplicate-delivery", "0 add 1 1; 1 take nil 1; 2 take nil 1"),
    case("log", &[], "nonlinearizable", "0 append [l,1] [l,1]; 0 append [l,2] [l,2]; 1 read [l,0] [l,[2]]"),
    case(
        "log",
        &["--model", "ordered-log"],
        "lost-entry",
        "0 append [l,1] [l,1]; 0 append [l,2] [l,2]; 1 read [l,0] [l,[2]]",
    ),
    case(
        "log",
        &["--model", "ordered-log"],
        "duplicate-entry",
        "0 append [l,1] [l,1]; 1 read [l,0] [l,[1,1]]",
    ),
    case(
        "log",
        &["--model", "ordered-log"],
        "inconsistent-offset",
        "0 append [l,1] [l,1]; 0 append [l,2] [l,2]; 1 poll [l,0] [l,[1]]; 2 poll [l,0] [l,[2,1]]",
    ),
    case(
        "log",
        &["--model", "ordered-log"],
        "entry-from-nowhere",
        "0 append [l,1] [l,1]; 1 read [l,0] [l,[1,7]]",
    ),
    case("log", &["--model", "ordered-log"], "aborted-entry", "0 append [l,1] !; 1 read [l,0] [l,[1]]"),
    case("set", &[], "lost-element", "0 add 1 1; 0 add 2 2; 1 read nil #{2}"),
    case("set", &[], "stale-element", "0 add 1 1; 0 add 2 2; 1 read nil #{2}; 1 read nil #{1,2}"),
    case("set", &[], "unexpected-element", "0 add 1 1; 1 read nil #{1,7}"),
    case("set", &[], "duplicated-element", "0 add 1 1; 1 read nil (1,1)"),
    case("set", &["--model", "eventual"], "lost-element", "0 add 1 1; 0 add 2 2; 1 read nil #{2}"),
    case("set", &["--model", "eventual"], "unexpected-element", "0 add 1 1; 1 read nil #{1,7}"),
    case("set", &["--model", "eventual"], "duplicated-element", "0 add 1 1; 1 read nil (1,1)"),
    case(
        "bank",
        &[],
        "wrong-total",
        "0 transfer {:from,0,:to,1,:amount,1} {:from,0,:to,1,:amount,1}; 1 read nil {0,9,1,1}; 1 read nil {0,8,1,1}",
    ),
    case(
        "bank",
        &[],
        "negative-balance",
        "0 transfer {:from,0,:to,1,:amount,1} {:from,0,:to,1,:amount,1}; 1 read nil {0,-1,1,1}",
    ),
    case(
        "bank",
        &["--model", "snapshot-isolation"],
        "wrong-total",
        "0 transfer {:from,0,:to,1,:amount,1} {:from,0,:to,1,:amount,1}; 1 read nil {0,9,1,1}; 1 read nil {0,8,1,1}",
    ),
];

const LISTS: &[Case] = &[
    case("list-append", &[], "G1a", "0 txn [[:append,x,1]] !; 1 txn [[:r,x,nil]] [[:r,x,[1]]]"),
    case(
        "list-append",
        &[],
        "G1b",
        "0 txn [[:append,x,1],[:append,x,2]] [[:append,x,1],[:append,x,2]]; 1 txn [[:r,x,nil]] [[:r,x,[1]]]",
    ),
    case(
        "list-append",
        &[],
        "garbage-read",
        "0 txn [[:append,x,1]] [[:append,x,1]]; 1 txn [[:r,x,nil]] [[:r,x,[1,7]]]",
    ),
    case("list-append", &[], "internal", "0 txn [[:append,x,1],[:r,x,nil]] [[:append,x,1],[:r,x,[]]]"),
    case(
        "list-append",
        &[],
        "duplicate-elements",
        "0 txn [[:append,x,1]] [[:append,x,1]]; 1 txn [[:r,x,nil]] [[:r,x,[1,1]]]",
    ),
    case(
        "list-append",
        &[],
        "incompatible-order",
        "0 txn [[:append,x,1]] [[:append,x,1]]; 1 txn [[:append,x,2]] [[:append,x,2]]; 2 txn [[:r,x,nil]] [[:r,x,[1]]]; 3 txn [[:r,x,nil]] [[:r,x,[2]]]",
    ),
    case(
        "list-append",
        &[],
        "lost-update",
        "0 txn [[:r,x,nil],[:append,x,1]] [[:r,x,[]],[:append,x,1]]; 1 txn [[:r,x,nil],[:append,x,2]] [[:r,x,[]],[:append,x,2]]; 2 txn [[:r,x,nil]] [[:r,x,[1,2]]]",
    ),
    case(
        "list-append",
        &[],
        "dirty-update",
        "0 txn [[:append,x,1]] !; 1 txn [[:append,x,2]] [[:append,x,2]]; 2 txn [[:r,x,nil]] [[:r,x,[1,2]]]",
    ),
    case(
        "list-append",
        &["--model", "serializable"],
        "G0",
        "0 txn [[:append,x,1],[:append,y,1]] [[:append,x,1],[:append,y,1]]; 1 txn [[:append,x,2],[:append,y,2]] [[:append,x,2],[:append,y,2]]; 2 txn [[:r,x,nil],[:r,y,nil]] [[:r,x,[1,2]],[:r,y,[2,1]]]",
    ),
    case(
        "list-append",
        &["--model", "serializable"],
        "G1c",
        "0 txn [[:append,x,1],[:r,y,nil]] [[:append,x,1],[:r,y,[1]]]; 1 txn [[:append,y,1],[:r,x,nil]] [[:append,y,1],[:r,x,[1]]]",
    ),
    case(
        "list-append",
        &["--model", "serializable"],
        "G-single-item",
        "0 txn [[:append,x,1],[:append,y,1]] [[:append,x,1],[:append,y,1]]; 1 txn [[:r,x,nil],[:r,y,nil]] [[:r,x,[1]],[:r,y,[]]]",
    ),
    case(
        "list-append",
        &["--model", "serializable"],
        "G2-item",
        "0 txn [[:r,x,nil],[:append,y,1]] [[:r,x,[]],[:append,y,1]]; 1 txn [[:r,y,nil],[:append,x,1]] [[:r,y,[]],[:append,x,1]]",
    ),
    case(
        "list-append",
        &[],
        "G-single-item-realtime",
        "0 txn [[:append,x,1]] [[:append,x,1]]; 1 txn [[:r,x,nil]] [[:r,x,[]]]",
    ),
    case(
        "list-append",
        &["--model", "per-key-linearizable"],
        "nonlinearizable-key",
        "0 txn [[:append,x,1]] [[:append,x,1]]; 1 txn [[:r,x,nil]] [[:r,x,[]]]",
    ),
];

const ROWS: &[Case] = &[
    case(
        "rw-register",
        &["--model", "serializable"],
        "G1a",
        "0 txn [[:w,x,1]] !; 1 txn [[:r,x,nil]] [[:r,x,1]]",
    ),
    case(
        "rw-register",
        &["--model", "serializable"],
        "G1b",
        "0 txn [[:w,x,1],[:w,x,2]] [[:w,x,1],[:w,x,2]]; 1 txn [[:r,x,nil]] [[:r,x,1]]",
    ),
    case(
        "rw-register",
        &["--model", "serializable"],
        "internal",
        "0 txn [[:w,x,1],[:r,x,nil]] [[:w,x,1],[:r,x,nil]]; 1 txn [[:w,x,9]] [[:w,x,9]]",
    ),
    case(
        "rw-register",
        &["--model", "serializable"],
        "lost-update",
        "0 txn [[:r,x,nil],[:w,x,1]] [[:r,x,nil],[:w,x,1]]; 1 txn [[:r,x,nil],[:w,x,2]] [[:r,x,nil],[:w,x,2]]",
    ),
    case(
        "rw-register",
        &["--model", "serializable"],
        "G1c",
        "0 txn [[:w,x,1],[:r,y,nil]] [[:w,x,1],[:r,y,1]]; 1 txn [[:w,y,1],[:r,x,nil]] [[:w,y,1],[:r,x,1]]",
    ),
    case(
        "rw-register",
        &["--model", "serializable"],
        "G2-item",
        "0 txn [[:r,x,nil],[:w,y,1]] [[:r,x,nil],[:w,y,1]]; 1 txn [[:r,y,nil],[:w,x,1]] [[:r,y,nil],[:w,x,1]]",
    ),
    case(
        "rw-register",
        &["--model", "read-atomic"],
        "fractured-read",
        "0 txn [[:w,x,1],[:w,y,1]] [[:w,x,1],[:w,y,1]]; 1 txn [[:r,x,nil],[:r,y,nil]] [[:r,x,1],[:r,y,nil]]",
    ),
    case(
        "long-fork",
        &[],
        "long-fork",
        "0 write [[:w,0,1]] [[:w,0,1]]; 1 write [[:w,1,1]] [[:w,1,1]]; 2 read [[:r,0,nil],[:r,1,nil]] [[:r,0,1],[:r,1,nil]]; 3 read [[:r,0,nil],[:r,1,nil]] [[:r,0,nil],[:r,1,1]]",
    ),
    case(
        "predicate",
        &["--model", "serializable"],
        "G2",
        "0 txn [[:rp,:true,nil],[:insert,1,1]] [[:rp,:true,{}],[:insert,1,1]]; 1 txn [[:rp,:true,nil],[:insert,2,2]] [[:rp,:true,{}],[:insert,2,2]]",
    ),
];

impl Case {
    /// The history as a file of EDN. Commas are spaces there, which is why the calls are written with them.
    fn file(&self, folder: &Path, number: usize) -> String {
        let (mut text, mut time) = (String::new(), 0);
        for call in self.calls.split(';').map(str::trim) {
            let words: Vec<&str> = call.split(' ').collect();
            let [process, f, called, returned] = words[..] else { panic!("{call}") };
            let (kind, value) = match returned {
                "!" => ("fail", called),
                "?" => ("info", called),
                value => ("ok", value),
            };
            for (kind, value) in [("invoke", called), (kind, value)] {
                time += 10;
                text += &format!(
                    "{{:type :{kind}, :f :{f}, :value {value}, :process {process}, :time {time}}}\n"
                );
            }
        }
        let path = folder.join(format!("{}-{number}.edn", self.vocabulary));
        std::fs::write(&path, text).expect("a file can be written");
        path.display().to_string()
    }
}

/// The lines of `verify`, with its exit code.
fn verify(file: &str, proof: &Path, certificate: &Json) -> (Option<i32>, String) {
    std::fs::write(proof, certificate.to_string()).expect("a file can be written");
    let verified = disprove(&["verify", file, &proof.display().to_string()]);
    (verified.status.code(), String::from_utf8_lossy(&verified.stdout).into_owned())
}

fn try_case(case: &Case, number: usize) -> Result<(), String> {
    let folder = folder();
    let file = case.file(&folder, number);
    let proof = folder.join(format!("{}-{number}.proof", case.vocabulary));
    let place = proof.display().to_string();
    let mut arguments = vec!["check", &file, "--as", case.vocabulary, "--certificate", &place];
    arguments.extend(case.arguments);
    let checked = disprove(&arguments);
    let told = String::from_utf8_lossy(&checked.stdout).into_owned();
    let error = String::from_utf8_lossy(&checked.stderr).into_owned();
    let name = format!("{} {:?} {}", case.vocabulary, case.arguments, case.kind);
    let text = std::fs::read_to_string(&proof).map_err(|_| format!("{name}: {told} {error}"))?;
    let certificate: Json = serde_json::from_str(&text).expect("a certificate is JSON");
    let witnesses = certificate["proofs"][0]["witnesses"].as_array().cloned().unwrap_or_default();
    let Some(at) = witnesses.iter().position(|witness| witness["kind"] == case.kind) else {
        return Err(format!("{name}: it was not found: {told}"));
    };
    // Each by itself, for what is found besides may be of another kind.
    let mut alone = certificate.clone();
    alone["proofs"][0]["witnesses"] = json!([witnesses[at]]);
    let (code, said) = verify(&file, &proof, &alone);
    if code != Some(0) || !said.starts_with("accepted") {
        return Err(format!("{name}: {said}"));
    }
    let broken = |change: &dyn Fn(&mut Json)| {
        let mut certificate = alone.clone();
        change(&mut certificate["proofs"][0]["witnesses"][0]);
        let (_, said) = verify(&file, &proof, &certificate);
        if said.starts_with("accepted") {
            return Err(format!("{name}: a changed witness was accepted: {certificate} {said}"));
        }
        Ok(())
    };
    let operations = witnesses[at]["operations"].as_array().cloned().unwrap_or_default();
    broken(&|witness| witness["operations"] = json!([99]))?;
    broken(&|witness| witness["operations"] = json!([]))?;
    broken(&|witness| witness["operations"] = json!([operations.as_slice(), &operations[..1]].concat()))?;
    for link in 0..witnesses[at]["cycle"].as_array().map_or(0, Vec::len) {
        broken(&|witness| {
            let link = &mut witness["cycle"][link];
            (link["from"], link["to"]) = (link["to"].clone(), link["from"].clone());
        })?;
    }
    Ok(())
}

fn try_all(cases: &[Case]) {
    let failed: Vec<String> =
        cases.iter().enumerate().filter_map(|(number, case)| try_case(case, number).err()).collect();
    assert!(failed.is_empty(), "{} of {}:\n{}", failed.len(), cases.len(), failed.join("\n"));
}

#[test]
fn witnesses_about_registers_are_accepted_and_broken_ones_are_not() {
    try_all(REGISTERS);
}

#[test]
fn witnesses_about_objects_are_accepted_and_broken_ones_are_not() {
    try_all(OBJECTS);
}

#[test]
fn witnesses_about_lists_are_accepted_and_broken_ones_are_not() {
    try_all(LISTS);
}

#[test]
fn witnesses_about_rows_are_accepted_and_broken_ones_are_not() {
    try_all(ROWS);
}

/// What was proven of the transactions that others recorded, where their folder is there.
#[test]
fn proofs_about_recorded_transactions_are_not_rejected() {
    let Some(recorded) = std::env::var_os("DISPROVE_HISTORIES") else {
        return println!(
            "left out: proofs about recorded transactions (set DISPROVE_HISTORIES to their folder)"
        );
    };
    let oracle = Path::new(&recorded).join("transactions/oracle");
    let files = std::fs::read_dir(&oracle).expect("the folder of histories holds transactions/oracle");
    let mut files: Vec<PathBuf> = files.filter_map(|entry| Some(entry.ok()?.path())).collect();
    files.retain(|path| {
        path.extension().is_some_and(|extension| extension == "edn")
            && !path.to_string_lossy().contains(".expect")
    });
    files.sort();
    let proof = folder().join("recorded.json").display().to_string();
    for file in &files {
        let file = file.display().to_string();
        let judged = disprove(&["check", &file, "--certificate", &proof]);
        assert!(matches!(judged.status.code(), Some(0..=2)), "{file}: {judged:?}");
        let verified = disprove(&["verify", &file, &proof]);
        let said = String::from_utf8_lossy(&verified.stdout);
        assert!(matches!(verified.status.code(), Some(0 | 2)), "{file}: {said}");
    }
    assert!(files.len() > 50, "only {} recorded histories of transactions", files.len());
}
