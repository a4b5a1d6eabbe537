//! Foreign histories: small ones written here, and all that were recorded by others.

use std::{env, fs, path::Path};

use disprove_history::{
    Outcome, ReadError, Value,
    import::{Format, detect, read_any},
    with_history,
};

/// Imports a text and shows its operations, one a line: `p1 write 3 = written [0 2]`.
fn show(text: &str, vocabulary: Option<&str>, initial: Option<Value>) -> Result<String, String> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("history.edn");
    fs::write(&path, text).unwrap();
    match read_any(&path, None, vocabulary, initial) {
        Ok(any) => Ok(with_history!(&any, history => lines(history))),
        Err(error) => Err(error.to_string().replace(&path.display().to_string(), "FILE")),
    }
}

fn lines<V: disprove_history::Vocabulary>(history: &disprove_history::History<V>) -> String {
    // Ranks are a millisecond apart.
    let unit = if history.header.ranked { 1_000_000 } else { 1 };
    let mut text = String::new();
    for operation in &history.operations {
        let outcome = match &operation.outcome {
            Outcome::Ok(returned) => V::describe_return(&operation.call, returned),
            other => other.kind().to_owned(),
        };
        let call = V::describe_call(&operation.call);
        let ended = operation.ended.map_or("-".into(), |ended| (ended.0 / unit).to_string());
        text += &format!("{} {call} = {outcome} [{} {ended}]\n", operation.process, operation.began.0 / unit);
    }
    for fault in &history.faults {
        let ended = fault.ended.map_or("-".into(), |ended| (ended.0 / unit).to_string());
        text +=
            &format!("fault {} {:?} [{} {ended}]\n", fault.family, fault.description, fault.began.0 / unit);
    }
    if let Some(damage) = &history.damage {
        text += &format!("damage {} {} {}\n", damage.line, damage.byte, damage.what);
    }
    text
}

#[track_caller]
fn check(text: &str, expected: &str) {
    assert_eq!(show(text, None, None).as_deref(), Ok(expected));
}

#[test]
fn registers_in_lines_and_in_a_vector() {
    let operations = "{:index 0, :process 0, :type :invoke, :f :write, :value 1}
        {:type :invoke, :f :read, :value nil, :process 1, :time 99, :extra {:a [1 #{2}]}}
        {:process 1, :type :ok, :f :read, :value nil, :error nil}
        #jepsen.history.Op{:index 3, :time 5, :type :ok, :process 0, :f :write, :value 1}
        ; a comment
        {:process 1, :type :invoke, :f :cas, :value [1 2]} {:process 1, :type :fail, :f :cas, :value [1 2]}
        #_{:dropped true}
        {:process 0, :type :invoke, :f :cas, :value [1 \"b c\"]} {:process 0, :type :info, :f :cas, :value :timed-out}
        {:process 2, :type :invoke, :f :read}\n";
    let expected = "p0 write 1 = written [0 3]\np1 read = nil [1 2]\np1 cas 1 -> 2 = fail [4 5]\n\
         p0 cas 1 -> b c = unknown [6 7]\np2 read = unknown [8 -]\n";
    check(operations, expected);
    check(&format!("[{operations}]"), expected);
    check(&format!("({operations})"), expected);
    check(&format!("#jepsen.History [{operations}]"), expected);
}

#[test]
fn times_are_those_of_the_file_as_far_as_they_agree_with_its_lines() {
    let text = "{:process 0, :type :invoke, :f :write, :value 1, :time 1500}\n\
                {:process 1, :type :invoke, :f :read, :value nil, :time 1500}\n\
                {:process 0, :type :ok, :f :write, :value 1, :time 900}\n\
                {:process 1, :type :ok, :f :read, :value 1, :time 4000}\n";
    check(text, "p0 write 1 = written [1500 1502]\np1 read = 1 [1501 4000]\n");
    check(
        &text.replace(":f :", ":extra [], :f :"),
        "p0 write 1 = written [1500 1502]\np1 read = 1 [1501 4000]\n",
    );
    let is_ranked = |text: &str| {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("history.edn");
        fs::write(&path, text).unwrap();
        read_any(&path, None, None, None).unwrap().header().ranked
    };
    assert!(!is_ranked(text));
    assert!(is_ranked(&text.replace(":time", ":when")));
}

#[test]
fn a_nil_read_is_the_initial_value_or_not_known() {
    let text = "{:process 0 :type :invoke :f :read :value nil}\n{:process 0 :type :ok :f :read :value nil}\n";
    check(text, "p0 read = nil [0 1]\n");
    assert_eq!(show(text, None, Some(0.into())).as_deref(), Ok("p0 read = ? [0 1]\n"));
}

#[test]
fn values_under_keys() {
    check(
        "{:process 0 :type :invoke :f :write :value [\"x\" 1]}{:process 0 :type :ok :f :write :value [\"x\" 1]}
         {:process 0 :type :invoke :f :read :value [:y nil]}{:process 0 :type :ok :f :read :value [:y 3]}
         {:process 0 :type :invoke :f :cas :value [7 [1 2]]}{:process 0 :type :ok :f :cas :value [7 [1 2]]}",
        "p0 write x 1 = written [0 1]\np0 read :y = 3 [2 3]\np0 cas 7 1 -> 2 = swapped [4 5]\n",
    );
    let mixed =
        "{:process 0 :type :invoke :f :write :value [1 1]}\n{:process 1 :type :invoke :f :read :value nil}";
    assert_eq!(
        show(mixed, None, None).unwrap_err(),
        "read FILE: line 2 (byte 50) has a value that is not [key value], as the values before it are"
    );
}

#[test]
fn transactions() {
    check(
        "{:type :invoke :f :txn :value [[:r :x nil] [:append 2 3]] :process 0}
         {:type :ok :f :txn :value [[:r :x [1 2]] [:append 2 3]] :process 0}
         {:type :invoke, :value ([:append 255 8])} {:type :ok, :value [[:append 255 8]]}
         {:type :ok :f :txn :value [[:r :x]] :process 0}
         {:type :fail :f :txn :value [[:append 9 9]] :process 4 :error [:not-found {:b 1 :a 2}]}",
        "p0 r :x, append 2 3 = r :x [1 2], append 2 3 [0 1]\np4 append 9 9 = fail [0 5]\n\
         p0 r :x = r :x [] [1 4]\np2147483648 append 255 8 = append 255 8 [2 3]\n",
    );
    check(
        "[{\"type\":\"invoke\",\"f\":\"txn\",\"value\":[[\"w\",\"x\",2],[\"r\",\"y\",null]],\"process\":0},
          {\"type\":\"ok\",\"f\":\"txn\",\"value\":[[\"w\",\"x\",2],[\"r\",\"y\",null]],\"process\":0,\"index\":2}]",
        "p0 w x 2, r y = w x 2, r y nil [0 1]\n",
    );
}

#[test]
fn calls_of_one_process_at_the_same_time_are_told_apart_by_what_they_ask() {
    check(
        "{:process 0 :type :invoke :value [[:r :x nil]]} {:process 0 :type :invoke :value [[:w :x 1]]}
         {:process 0 :type :invoke :value [[:w :x 2]]} {:process 0 :type :ok :value [[:w :x 1]]}
         {:process 0 :type :ok :value [[:r :x 1]]} {:process 0 :type :invoke :value [[:w :x 3]]}
         {:process 0 :type :fail :value [[:w :x 2]]} {:process 0 :type :ok :value [[:w :x 3]]}
         {:process 0 :type :invoke :value [[:w :x 4]]} {:process 0 :type :info :value [[:w :x 4]]}",
        "p0 r :x = r :x 1 [0 4]\np2147483648 w :x 1 = w :x 1 [1 3]\np2147483649 w :x 2 = fail [2 6]\n\
         p2147483650 w :x 3 = w :x 3 [5 7]\np0 w :x 4 = unknown [8 9]\n",
    );
    let many = "{:process 0 :type :invoke :f :write :value 1}\n".repeat(4097);
    assert_eq!(
        show(&many, None, None).unwrap_err(),
        "read FILE: line 4097 (byte 188416) begins call 4097 of those under way that no :process tells apart, \
         and 4096 is the most"
    );
}

#[test]
fn sets_and_faults() {
    check(
        "{:process 0 :type :invoke :f :add :value 1}{:process 0 :type :ok :f :add :value 1}
         {:process :nemesis :type :info :f :start-partition :value :majority}
         {:process :nemesis :type :info :f :start-partition :value [:isolated {\"n1\" #{\"n2\"}}]}
         {:process 0 :type :invoke :f :read :value nil}{:process 0 :type :ok :f :read :value #{1 2}}
         {:process :nemesis :type :info :f :stop-partition :value nil}
         {:process :nemesis :type :info :f :stop-partition :value :healed}
         {:process 0 :type :invoke :f :read :value nil}{:process 0 :type :ok :f :read :value nil}",
        "p0 add 1 = added [0 1]\np0 read = [1 2] [4 5]\np0 read = unknown [8 9]\n\
         fault partition \"start-partition :majority\" [2 7]\n",
    );
}

#[test]
fn porcupine_logs_call_a_refusal_a_failure() {
    check(
        "INFO  jepsen.util - 0\t:invoke\t:read\tnil\nWARN something else\nINFO  jepsen.util - 0   :fail   :read   :timed-out  \n\
         INFO  jepsen.util - 1\t:invoke\t:cas\t[1 2]\nINFO  jepsen.util - 1\t:fail\t:cas\t[1 2]\n\
         INFO  jepsen.util - 1\t:invoke\t:write\t3\nINFO  jepsen.util - 1\t:info\t:write\t:timed-out\nINFO  jepsen.util - 4\t:inv",
        "p0 read = unknown [0 1]\np1 cas 1 -> 2 = refused [2 3]\np1 write 3 = unknown [4 5]\n\
         damage 8 278 the last line is not finished and was left out; the operations before it were read\n",
    );
}

#[test]
fn what_cannot_be_understood_is_refused_in_one_sentence() {
    for (text, expected) in [
        ("", "read FILE: it is empty"),
        ("  \n ", "read FILE: it is empty"),
        (
            "hello",
            "read FILE: it is not a history in a format known here (disprove, jepsen-edn, jepsen-json, etcd-log, plume, dbcop, dbcop-json, dbcop-text, cobra, awdit, viper, timekiller)",
        ),
        (
            "{:process 0 :type :invoke :f :transfer :value {:from 1}}",
            "read FILE: line 1 (byte 0) has a transfer whose value is not {:from a, :to b, :amount n}",
        ),
        (
            "{:process 0 :type :invoke :f :frobnicate :value {:from 1}}",
            "read FILE: it calls :frobnicate, which none of the vocabularies known here has (register, list-append, \
             rw-register, set, multi-register, key-value, counter, bag, queue, stack, priority-queue, log, mutex, \
             reentrant-mutex, fenced-lock, read-write-lock, semaphore, lease, ids, bank, long-fork, predicate)",
        ),
        (
            "{:process 0 :type :invoke :f :read}{:process 0 :type :invoke :f :read}\n{:process 0 :type :ok :f :read}\n",
            "read FILE: line 2 (byte 71) answers more than one of the calls that process 0 has under way",
        ),
        (
            "{:process 0 :type :invoke :f :write :value 1}\n{:process 1 :type :invoke :f :append :value 1}\n",
            "read FILE: line 2 (byte 46) calls :append, which the vocabulary register does not have; choose another \
             with --as if one fits",
        ),
        (
            "{:f :write :value 1}\n{:f :write}",
            "read FILE: line 1 (byte 0) is not an operation: it has no :type",
        ),
        (
            "{:type :maybe :f :write :value 1}",
            "read FILE: line 1 (byte 0) has a :type that is none of :invoke, :ok, :fail, :info",
        ),
        ("[]", "read FILE: it is empty"),
        (
            "{:process 0 :type :invoke :f :write :value 1}\n{:process 1 :type :ok :f :read :value {1 100}}",
            "read FILE: line 2 (byte 46) reads a register and gets a set or a map, so it is no history of registers; --as set takes its writes for additions to a set",
        ),
    ] {
        assert_eq!(show(text, None, None).unwrap_err(), expected, "{text}");
    }
    let error = show("{:process 0 :type :invoke :f :write :value 1}", Some("ledger"), None).unwrap_err();
    assert!(error.contains("there is no vocabulary ledger"), "{error}");
}

#[test]
fn a_torn_text_is_read_up_to_the_tear() {
    let whole =
        "[{:process 0 :type :invoke :f :write :value 1}\n {:process 0 :type :ok :f :write :value 1}\n]";
    let unknown = "p0 write 1 = unknown [0 -]\n";
    for (end, expected) in [
        (whole.len(), "p0 write 1 = written [0 1]\n".to_owned()),
        (
            whole.len() - 1,
            "p0 write 1 = written [0 1]\ndamage 3 90 the file ends before the bracket around its operations closes; \
             the operations before it were read\n"
                .to_owned(),
        ),
        (
            60,
            format!(
                "{unknown}damage 2 48 the file ends in the middle of an operation; the operations before it were read\n"
            ),
        ),
    ] {
        assert_eq!(show(&whole[..end], Some("register"), None).unwrap(), expected);
    }
    let broken = whole.replace(" {:process 0", " }:process 0");
    let expected = format!(
        "{unknown}damage 2 48 the text closes a bracket that was not opened; the operations before it were read\n"
    );
    assert_eq!(show(&broken, None, None).unwrap(), expected);
}

/// How many lines of a text say that a call begins, by its letters alone.
fn invocations(text: &str) -> usize {
    let nemesis = |line: &str| line.contains(":nemesis");
    let invokes = |line: &str| line.contains(":invoke") || line.contains("\"type\":\"invoke\"");
    text.split(['}', '\n']).filter(|part| invokes(part) && !nemesis(part)).count()
}

/// The recorded histories that are refused: of vocabularies that there are not, locks that do not say which lock, and
/// a set of which nobody can tell whether its elements are pairs.
const REFUSED: [&str; 5] = ["comments.edn", "etcd.edn", "etcd.json", "set_full.edn", "set_full.json"];

#[test]
fn recorded_histories_are_read() {
    let Ok(folder) = env::var("DISPROVE_HISTORIES") else {
        eprintln!("left out: about 1,000 recorded histories (DISPROVE_HISTORIES is not set)");
        return;
    };
    let (mut read, mut refused) = (0, Vec::new());
    let mut folders =
        vec![Path::new(&folder).join("linearizability"), Path::new(&folder).join("transactions")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if path.is_dir() {
                folders.push(path);
            } else if !name.contains(".expect") && !name.ends_with(".tsv") {
                let text = fs::read_to_string(&path).unwrap();
                match read_any(&path, None, None, None) {
                    Ok(history) => {
                        read += 1;
                        let begun = invocations(&text);
                        if begun > 0 && !name.starts_with("list-append") && !name.starts_with("rw-register") {
                            assert_eq!(history.len(), begun, "{}", path.display());
                        }
                        let damage = with_history!(&history, history => &history.damage);
                        assert_eq!(*damage, None, "{}", path.display());
                    }
                    Err(ReadError::Io { .. }) => panic!("{} cannot be opened", path.display()),
                    Err(error) => {
                        assert!(REFUSED.contains(&name.as_str()), "{error}");
                        refused.push(error.to_string());
                    }
                }
            }
        }
    }
    refused.sort();
    eprintln!("{read} recorded histories read, {} refused:\n{}", refused.len(), refused.join("\n"));
    assert_eq!(refused.len(), REFUSED.len());
    assert!(read >= 1000, "only {read} of the recorded histories were read");
}

/// The usual form of an operation is read along a shorter way than any other. A member that only the longer way reads
/// must change nothing.
#[test]
fn both_ways_of_reading_an_operation_agree() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("history.edn");
    let mut texts = vec![
        "{:index 0, :type :invoke, :process 0, :f :txn, :value [[:r :k nil] [:append \"k\" 1]], :time -5}\n\
         {:index 1, :type :ok, :process 0, :f :txn, :value [[:r :k [1 2]] [:append \"k\" 1]], :time 6, :node :n1}\n\
         {:index 2, :type :invoke, :process 1, :f :txn, :value [[:r \"k\" nil] [:r :k nil]]}\n\
         {:index 3, :type :ok, :process 1, :f :txn, :value [[:r \"k\" [1 2 3]] [:r :k [1]]]}\n\
         {:type :invoke :process nil :f :txn :value [[:r nil nil]] :error [:a {:b \\c}]}\n"
            .to_owned(),
    ];
    let mut folders: Vec<_> = env::var_os("DISPROVE_HISTORIES").map(Into::into).into_iter().collect();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir::<std::path::PathBuf>(folder).unwrap() {
            let path = entry.unwrap().path();
            match path.extension().and_then(|extension| extension.to_str()) {
                None => folders.push(path),
                Some("edn") if fs::metadata(&path).unwrap().len() < 60_000 => {
                    texts.push(fs::read_to_string(&path).unwrap());
                }
                _ => {}
            }
        }
    }
    let compared = texts.len();
    for text in texts {
        let read = |text: &str| {
            fs::write(&path, text).unwrap();
            match read_any(&path, Some(Format::JepsenEdn), None, None) {
                Ok(any) => with_history!(&any, history => format!("{:?}", history.operations)),
                // The byte of the place differs.
                Err(error) => error.to_string().split(") ").last().unwrap_or_default().to_owned(),
            }
        };
        let usual = read(&text);
        assert_eq!(
            usual,
            read(&text.replace("{:type", "{:unread {:a [1]} :type").replace("{:index", "{:unread [] :index"))
        );
    }
    eprintln!("{compared} histories were read in both ways");
}

#[test]
fn formats_are_told_apart() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("history");
    for (text, format) in [
        ("{\"disprove\":1,\"vocabulary\":\"register\"}\n", Format::Disprove),
        (" [\n {\"type\":\"invoke\"}]", Format::JepsenJson),
        ("({:type :invoke})", Format::JepsenEdn),
        ("; nothing but a remark\n", Format::JepsenEdn),
        ("INFO  jepsen.util - 0\t:invoke\t:read\tnil\n", Format::EtcdLog),
    ] {
        fs::write(&path, text).unwrap();
        assert_eq!(detect(&path).unwrap(), format, "{text}");
    }
}
