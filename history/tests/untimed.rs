//! Histories without times: the same transactions in every format are the same history, and what cannot be understood is
//! refused in one sentence that says where.

#[path = "material/foreign.rs"]
mod foreign;
#[path = "material/random.rs"]
#[allow(dead_code, reason = "other tests make whole histories of it")]
mod random;

use std::{
    env, fs,
    path::{Path, PathBuf},
};

use disprove_history::{
    GivenTimes, Header, History, Nanos, Outcome, Value, Vocabulary,
    import::{AnyHistory, Format, detect, read_any},
    vocabulary::RwRegister,
};
use foreign::{Sessions, expected};
use random::Random;

fn registers(path: &Path, format: Option<Format>) -> History<RwRegister> {
    match read_any(path, format, None, None) {
        Ok(AnyHistory::RwRegister(history)) => history,
        other => panic!("{}: {other:?}", path.display()),
    }
}

/// A file, or a folder of files `T0.log` and so on, in a folder.
enum Material {
    File(Vec<u8>),
    Folder(char, Vec<Vec<u8>>),
}

fn put(folder: &Path, material: &Material) -> PathBuf {
    let path = folder.join("history");
    match material {
        Material::File(bytes) => fs::write(&path, bytes).unwrap(),
        Material::Folder(letter, files) => {
            fs::create_dir(&path).unwrap();
            for (number, bytes) in files.iter().enumerate() {
                fs::write(path.join(format!("{letter}{number}.log")), bytes).unwrap();
            }
        }
    }
    path
}

/// The formats, what each makes of the sessions, and what a read of nothing is in it.
fn written(sessions: &Sessions, aborts: bool) -> Vec<(Format, Material, Value)> {
    let zero = Value::Int(0);
    let mut written = vec![
        (Format::Plume, Material::File(foreign::plume(sessions)), zero.clone()),
        (Format::DbcopBinary, Material::File(foreign::dbcop_binary(sessions)), zero.clone()),
        (Format::DbcopJson, Material::File(foreign::dbcop_json(sessions, true)), zero.clone()),
        (Format::DbcopJson, Material::File(foreign::dbcop_json(sessions, false)), zero.clone()),
        (Format::DbcopText, Material::File(foreign::dbcop_text(sessions)), zero.clone()),
        (Format::Cobra, Material::Folder('T', foreign::cobra(sessions)), Value::Nil),
    ];
    if !aborts {
        written.push((Format::Awdit, Material::File(foreign::awdit(sessions)), zero));
        written.push((Format::Viper, Material::Folder('J', foreign::viper(sessions)), Value::Nil));
        written.push((Format::TimeKiller, Material::File(foreign::timekiller(sessions)), Value::Nil));
    }
    written
}

#[test]
fn every_format_tells_the_same_transactions() {
    let mut compared = 0;
    for seed in 0..60 {
        let aborts = seed % 2 == 0;
        let sessions = foreign::sessions(&mut Random(seed), aborts);
        if sessions.iter().all(Vec::is_empty) {
            continue;
        }
        for (format, material, initial) in written(&sessions, aborts) {
            let folder = tempfile::tempdir().unwrap();
            let path = put(folder.path(), &material);
            let is_telling = format != Format::Awdit || !sessions[0].is_empty();
            if is_telling {
                assert_eq!(detect(&path).unwrap(), format, "seed {seed}");
            }
            let history = registers(&path, Some(format));
            assert_eq!(
                foreign::read(&history),
                expected(&sessions, &initial),
                "seed {seed}, {}",
                format.name()
            );
            assert!(
                history.header.untimed
                    && history.header.given_times.is_some() == (format == Format::TimeKiller)
            );
            assert_eq!(history.header.vocabulary, RwRegister::NAME);
            for operation in &history.operations {
                assert_eq!((operation.began, operation.ended), (Nanos(0), Some(Nanos(u64::MAX))));
            }
            compared += 1;
        }
    }
    assert!(compared > 300, "{compared} files were compared");
}

#[test]
fn databases_times_become_ranks_in_their_order() {
    let folder = tempfile::tempdir().unwrap();
    let object = |sid, start, commit| {
        format!(
            "{{\"sid\":{sid},\"tid\":1,\"sts\":{start},\"cts\":{commit},\"ops\":[{{\"t\":\"w\",\"k\":1,\"v\":{sid}}}]}}"
        )
    };
    let text = [
        object("\"a\"", "{\"p\":\"9007199254740993\",\"l\":0}", "{\"p\":\"9007199254740993\",\"l\":2}"),
        object("2", "{\"p\":5,\"l\":7}", "{\"p\":9007199254740992,\"l\":9}"),
    ];
    let path = put(folder.path(), &Material::File(format!("[{}]", text.join(",")).into_bytes()));
    let history = registers(&path, None);
    let given = history.header.given_times.as_deref().unwrap();
    assert_eq!(given, [Some(GivenTimes { start: 2, commit: 3 }), Some(GivenTimes { start: 0, commit: 1 })]);
    assert_eq!(history.operations[1].process.0, 2);
    assert!(history.operations[0].process.0 > 1 << 30, "a session with a name is no number");
}

#[test]
fn lists_with_times_are_list_append() {
    let folder = tempfile::tempdir().unwrap();
    let text = "[{\"sid\":1,\"tid\":1,\"ops\":[{\"t\":\"a\",\"k\":1,\"v\":4},{\"t\":\"r\",\"k\":1,\"v\":[4]},{\"t\":\"r\",\"k\":2}]}]";
    let path = put(folder.path(), &Material::File(text.into()));
    let AnyHistory::ListAppend(history) = read_any(&path, None, None, None).unwrap() else { panic!("lists") };
    let answers = history.operations[0].outcome.ok().unwrap();
    assert_eq!(
        format!("{answers:?}"),
        "[Append(Int(1), Int(4)), Read(Int(1), Some([Int(4)])), Read(Int(2), Some([]))]"
    );
}

#[test]
fn cobra_tells_the_writers_of_one_version_apart() {
    let record = |kind: u8, numbers: &[i64]| -> Vec<u8> {
        [kind].into_iter().chain(numbers.iter().flat_map(|number| number.to_be_bytes())).collect()
    };
    let log = [
        record(b'S', &[1]),
        record(b'W', &[7, 3, 0]),
        record(b'C', &[1]),
        record(b'S', &[2]),
        record(b'W', &[7, 3, 0]),
        record(b'S', &[4]),
        record(b'R', &[2, 7, 3, 0]),
        record(b'R', &[1, 7, 3, 0]),
        record(b'R', &[0xbebe_ebee, 0x2333_2333, 9, 0]),
        record(b'R', &[0xdead_beef, 0xdead_beef, 9, 0]),
        record(b'C', &[4]),
    ]
    .concat();
    let folder = tempfile::tempdir().unwrap();
    let history = registers(&put(folder.path(), &Material::File(log)), None);
    let described: Vec<String> = history
        .operations
        .iter()
        .map(|operation| match &operation.outcome {
            Outcome::Ok(answers) => RwRegister::describe_return(&operation.call, answers),
            other => format!("{} {}", other.kind(), RwRegister::describe_call(&operation.call)),
        })
        .collect();
    assert_eq!(
        described,
        ["w 3 7", "unknown w 3 7 of transaction 2", "r 3 7 of transaction 2, r 3 7, r 9 ?, r 9 nil"]
    );
}

#[test]
fn what_cannot_be_understood_is_refused_where_it_is() {
    let binary = foreign::dbcop_binary(&vec![vec![foreign::Transaction {
        committed: true,
        steps: vec![(true, 1, 2)],
    }]]);
    let cut = |bytes: &[u8]| bytes[..bytes.len() - 1].to_vec();
    let longer = [binary.as_slice(), b"x"].concat();
    let log = [b"S".as_slice(), &[0; 8], b"W", &[0; 20]].concat();
    let cases: [(Format, Vec<u8>, &str); 16] = [
        (
            Format::Plume,
            b"w(1,2,3,4)\nw(1,2,3\n".into(),
            "line 2 (byte 11) is not r(key,value,session,transaction) or w(key,value,session,transaction)",
        ),
        (
            Format::Plume,
            b"w(1,2,3,-2)\n".into(),
            "line 1 (byte 0) is of transaction -2, but only -1 and what is not negative mean something",
        ),
        (Format::Plume, b"\n\n".into(), "it is empty"),
        (
            Format::Awdit,
            b"w 1 2\n---\nw 1 -2\n".into(),
            "line 3 (byte 10) is not r KEY VALUE or w KEY VALUE, nor a line of - or =",
        ),
        (
            Format::DbcopText,
            b"[x:=1]\n[x:=12x]\n".into(),
            "line 2 (byte 7) has a step that is none of key:=number, key==number and key==?, or lacks its ]",
        ),
        (
            Format::DbcopText,
            b"[x:=1] y\n".into(),
            "line 1 (byte 0) is not a transaction in brackets, a line of - or a comment",
        ),
        (
            Format::DbcopJson,
            b"{\"data\":[[{\"events\":[[\"x\",1,2]],\"committed\":true}]]}".into(),
            "line 1 (byte 30) is not dbcop's JSON: unknown variant `x`, expected one of `Read`, `Write`, `r`, `w`",
        ),
        (
            Format::DbcopJson,
            b"{\"params\":{}}".into(),
            "line 1 (byte 13) is not dbcop's JSON: missing field `data`",
        ),
        (
            Format::DbcopBinary,
            cut(&binary),
            "byte 188 is where the file ends, in the middle of what was announced",
        ),
        (Format::DbcopBinary, longer, "byte 189 is where the history ends, but the file goes on"),
        (
            Format::DbcopBinary,
            vec![255; 80],
            "byte 48 announces a text longer than the head of a history has",
        ),
        (Format::Cobra, log.clone(), "byte 10 is where the file ends, in the middle of a record"),
        (Format::Cobra, b"Q".into(), "byte 0 begins no record: it is 0x51 and none of S, C, A, W, R"),
        (Format::Cobra, b"A".into(), "byte 0 is a record outside of a transaction"),
        (
            Format::Viper,
            b"{\"value\": [[\"range\", 1, 2, [], []]]}".into(),
            "line 1 (byte 0) has a step range, which the vocabulary rw-register does not have",
        ),
        (
            Format::TimeKiller,
            b"[{\"sid\":1,\"sts\":{\"p\":2},\"cts\":{\"p\":1},\"ops\":[]}]".into(),
            "line 1 (byte 1) commits before it begins, by its own times",
        ),
    ];
    for (format, bytes, expected) in cases {
        let folder = tempfile::tempdir().unwrap();
        let path = put(folder.path(), &Material::File(bytes));
        let error = read_any(&path, Some(format), None, None).unwrap_err().to_string();
        let what = error.replace(&format!("read {}: ", path.display()), "");
        assert_eq!(what, expected, "{}", format.name());
    }
    let folder = tempfile::tempdir().unwrap();
    let path = put(folder.path(), &Material::File(b"w(1,2,3,4)\n".into()));
    let error = read_any(&path, None, Some("register"), None).unwrap_err().to_string();
    assert!(
        error.ends_with("the format plume holds transactions of the vocabulary rw-register, not of register"),
        "{error}"
    );
}

#[test]
fn an_initial_value_can_be_chosen() {
    let folder = tempfile::tempdir().unwrap();
    let path = put(
        folder.path(),
        &Material::File(b"{\"data\":[[{\"events\":[[\"r\",1,null]],\"committed\":true}]]}".into()),
    );
    let AnyHistory::RwRegister(history) = read_any(&path, None, None, Some(Value::Int(5))).unwrap() else {
        panic!("registers")
    };
    assert_eq!(
        history.header,
        Header { initial: Value::Int(5), untimed: true, ..Header::new(RwRegister::NAME) }
    );
    assert_eq!(RwRegister::describe_return(&vec![], history.operations[0].outcome.ok().unwrap()), "r 1 5");
}

/// The histories kept beside the code, each in the format its name begins with.
#[test]
fn kept_files_are_recognised_and_read() {
    let kept = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/histories/untimed");
    let mut formats = Vec::new();
    for entry in fs::read_dir(kept).unwrap() {
        let path = entry.unwrap().path();
        let format = Format::from_name(path.file_stem().unwrap().to_str().unwrap()).unwrap();
        assert_eq!(detect(&path).unwrap(), format, "{}", path.display());
        let history = registers(&path, None);
        // Two sessions: one writes x and then reads what the other wrote, which had read the first value of both.
        let shown: Vec<String> = history
            .operations
            .iter()
            .filter(|operation| matches!(operation.outcome, Outcome::Ok(_)))
            .map(|operation| {
                let answers = RwRegister::describe_return(&operation.call, operation.outcome.ok().unwrap());
                format!("p{} {answers}", operation.process.0)
            })
            .collect();
        let first = match format {
            Format::Cobra | Format::Viper | Format::TimeKiller => "nil",
            _ => "0",
        };
        let expected = ["p0 w 1 11".into(), "p0 r 2 21, r 1 11".into(), format!("p1 r 2 {first}, w 2 21")];
        assert_eq!(shown, expected, "{}", path.display());
        formats.push(format.name());
    }
    formats.sort_unstable();
    let untimed = ["awdit", "cobra", "dbcop", "dbcop-json", "dbcop-text", "plume", "timekiller", "viper"];
    assert_eq!(formats, untimed);
}

/// Every recorded history of research tools, where they are found.
#[test]
fn recorded_histories_are_read() {
    let Some(folder) = env::var_os("DISPROVE_HISTORIES") else {
        eprintln!("the recorded histories of isolation levels were left out: DISPROVE_HISTORIES is not set");
        return;
    };
    let mut folders = vec![Path::new(&folder).join("isolation")];
    let (mut files, mut transactions) = (0, 0);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            let expected = match path.extension().and_then(|extension| extension.to_str()) {
                None if detect(&path).is_ok() => Format::Cobra,
                None => {
                    folders.push(path);
                    continue;
                }
                Some(_) if path.components().any(|part| part.as_os_str() == "awdit-tests") => Format::Awdit,
                Some(_) => Format::Plume,
            };
            assert_eq!(detect(&path).unwrap(), expected, "{}", path.display());
            transactions += registers(&path, None).operations.len();
            files += 1;
        }
    }
    eprintln!("{files} histories of {transactions} transactions were read");
    assert!(files >= 28 && transactions > 70_000, "{files} files, {transactions} transactions");
}
