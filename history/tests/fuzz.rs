//! Every reader against random and mutated bytes: no panic, no memory beyond what the text can hold, and whatever is
//! read is a well-formed history.
//!
//! `FUZZ_SECONDS=600 cargo test -p disprove-history --test fuzz --release` goes on for that long, with other seeds every
//! time `FUZZ_SEED` differs.

#[path = "material/foreign.rs"]
#[allow(dead_code, reason = "other tests compare what was written with what is read")]
mod foreign;
#[path = "material/random.rs"]
mod random;

use std::{
    env, fs,
    io::Write,
    path::Path,
    time::{Duration, Instant},
};

use disprove_history::{
    History, Outcome, Vocabulary, export,
    export::Exported,
    import::{AnyHistory, Format, VOCABULARIES, detect, import, read_any},
    vocabulary::{
        Bag, Bank, Counter, FencedLock, Ids, KeyValue, Lease, ListAppend, Log, LongFork, MultiRegister,
        Mutex, Predicate, PriorityQueue, Queue, ReadWriteLock, ReentrantMutex, Register, RwRegister,
        Semaphore, Set, Stack,
    },
    with_history,
};
use random::{Made, Random};

/// Pieces that mean something in one of the formats.
const WORDS: [&str; 48] = [
    "{",
    "}",
    "[",
    "]",
    "(",
    ")",
    "#{",
    "#_",
    "#",
    "\"",
    "\\",
    ";",
    ":",
    ",",
    "\n",
    "nil",
    "null",
    ":type ",
    ":invoke",
    ":ok",
    ":info",
    ":fail",
    ":process ",
    ":nemesis",
    ":f ",
    ":value ",
    ":txn",
    ":append",
    ":r",
    "[:w 1 2]",
    "-",
    "9223372036854775808",
    "18446744073709551616",
    "1e999",
    "[\"w\",",
    "[\"e\",",
    "[\"c\",0,",
    ":enqueue",
    ":dequeue",
    ":drain",
    ":acquire",
    ":release",
    ":remove",
    ":decr",
    ":multi-get",
    "{:client 1}",
    ":time 5",
    "\u{0}",
];

fn exported<V: Made + Exported>(seed: u64) -> Vec<u8> {
    let mut text = Vec::new();
    export::edn(&random::history::<V>(&mut Random(seed), if seed < 6 { 10 } else { 4 }), &mut text).unwrap();
    text
}

/// Small texts in every format, to be mutated.
fn seeds() -> Vec<Vec<u8>> {
    let own = "{\"disprove\":1,\"vocabulary\":\"register\",\"initial\":null,\"seed\":1,\"nodes\":[\"n1\"]}\n\
               [\"i\",0,0,0,10,{\"write\":[\"x\",1]}]\n[\"i\",1,1,0,11,{\"read\":\"x\"}]\n[\"c\",0,20,{\"ok\":\"written\"}]\n\
               [\"w\",15,3]\n[\"c\",1,30,{\"ok\":{\"value\":1}}]\n\
               [\"f\",{\"id\":0,\"family\":\"kill\",\"description\":\"killed\",\"nodes\":[\"n1\"],\"began\":5,\"ended\":9,\
               \"state\":\"installed\",\"evidence\":\"\"}]\n[\"e\",50,5]\n";
    let mut compressed = zstd::encode_all(&own.as_bytes()[..150], 1).unwrap();
    compressed.extend(zstd::encode_all(&own.as_bytes()[150..], 1).unwrap());
    let mut seeds = vec![
        own.as_bytes().to_vec(),
        compressed,
        exported::<Register>(1),
        exported::<ListAppend>(2),
        exported::<RwRegister>(3),
        exported::<Set>(4),
        exported::<MultiRegister>(6),
        exported::<KeyValue>(7),
        exported::<Counter>(8),
        exported::<Bag>(9),
        exported::<Queue>(10),
        exported::<Stack>(11),
        exported::<PriorityQueue>(12),
        exported::<Log>(13),
        exported::<Mutex>(14),
        exported::<ReentrantMutex>(15),
        exported::<FencedLock>(16),
        exported::<ReadWriteLock>(17),
        exported::<Semaphore>(18),
        exported::<Lease>(19),
        exported::<Ids>(20),
        exported::<Bank>(21),
        exported::<LongFork>(22),
        exported::<Predicate>(23),
        b"{:type :invoke, :f :enqueue, :value 1, :process 0}\n{:type :ok, :f :enqueue, :value 1, :process 0}\n{:type :invoke, :f :drain, :process 1}\n{:type :ok, :f :drain, :value [1 2 3], :process 1}\n{:type :invoke, :f :drain, :process 1}\n"
            .to_vec(),
        zstd::encode_all(&exported::<Register>(5)[..], 1).unwrap(),
        b"[{\"type\":\"invoke\",\"f\":\"write\",\"value\":1,\"process\":0},{\"type\":\"ok\",\"f\":\"write\",\"value\":1,\"process\":0}]"
            .to_vec(),
        b"INFO  jepsen.util - 0\t:invoke\t:cas\t[1 2]\nINFO  jepsen.util - 0\t:fail\t:cas\t[1 2]\n".to_vec(),
        b"[{:process :nemesis :type :info :f :start :value #{:a {1 [2 \\c]}}} #_{:x 1} #tag {:type :ok :value [[:r 1 [1]]]}]"
            .to_vec(),
    ];
    let sessions = foreign::sessions(&mut Random(5), true);
    seeds.extend([
        foreign::plume(&sessions),
        foreign::dbcop_binary(&sessions),
        foreign::dbcop_json(&sessions, true),
        foreign::dbcop_json(&sessions, false),
        foreign::dbcop_text(&sessions),
        foreign::cobra(&sessions).swap_remove(0),
    ]);
    let sessions = foreign::sessions(&mut Random(7), false);
    seeds.extend([
        foreign::awdit(&sessions),
        foreign::viper(&sessions).swap_remove(0),
        foreign::timekiller(&sessions),
    ]);
    seeds
}

fn mutate(random: &mut Random, text: &mut Vec<u8>, others: &[Vec<u8>]) {
    for _ in 0..=random.below(4) {
        let at = random.below(text.len() + 1);
        let end = (at + random.below(30)).min(text.len());
        match random.below(8) {
            0 => text.truncate(at),
            1 if at < text.len() => text[at] ^= 1 << random.below(8),
            2 if at < text.len() => text[at] = random.next() as u8,
            3 => drop(text.drain(at..end)),
            4 => {
                let copy = text[at..end].to_vec();
                let to = random.below(text.len() + 1);
                text.splice(to..to, copy);
            }
            5 => {
                let other = &others[random.below(others.len())];
                let from = random.below(other.len());
                let to = (from + random.below(60)).min(other.len());
                text.splice(at..end, other[from..to].iter().copied());
            }
            _ => drop(text.splice(at..at, WORDS[random.below(WORDS.len())].bytes())),
        }
    }
}

fn assert_is_sound<V: Vocabulary>(history: &History<V>, bytes: usize) {
    // The shortest operation is an element of `{:type :ok :f :drain :value [1 1 1]}`; compression is undone by the
    // caller.
    assert!(
        history.operations.len() <= bytes / 2,
        "{} operations from {bytes} bytes",
        history.operations.len()
    );
    assert!(history.operations.is_sorted_by_key(|operation| operation.began));
    for (index, operation) in history.operations.iter().enumerate() {
        assert_eq!(operation.index.0 as usize, index);
        assert!(operation.ended.is_none_or(|ended| ended >= operation.began));
        assert!(operation.ended.is_some() || matches!(operation.outcome, Outcome::Unknown(_)));
    }
    assert!(history.faults.is_sorted_by_key(|fault| fault.began));
    let by_key: usize = history.by_key().iter().map(|(_, operations)| operations.len()).sum();
    assert!(
        by_key >= history.operations.iter().filter(|operation| !V::keys(&operation.call).is_empty()).count()
    );
    assert_eq!(
        history.by_process().iter().map(|(_, list)| list.len()).sum::<usize>(),
        history.operations.len()
    );
    assert_eq!(
        history.counts().values().map(|counts| counts.total()).sum::<u64>(),
        history.operations.len() as u64
    );
}

fn assert_any_is_sound(history: &AnyHistory, bytes: usize) {
    with_history!(history, history => assert_is_sound(history, bytes))
}

/// Reads a text in every format and in so many of the vocabularies, others for texts of other lengths; true when one
/// of them accepted it.
fn read_in_every_way(path: &Path, text: &[u8], vocabularies: usize) -> bool {
    fs::write(path, text).unwrap();
    let bytes = match text.starts_with(&[0x28, 0xb5, 0x2f, 0xfd]) {
        // The texts that are compressed here are short.
        true => 1 << 20,
        false => text.len(),
    };
    let mut accepted = false;
    let mut take = |history: Result<AnyHistory, disprove_history::ReadError>| match history {
        Ok(history) => {
            accepted = true;
            assert_any_is_sound(&history, bytes);
        }
        Err(error) => assert!(!error.to_string().contains('\n'), "{error}"),
    };
    take(read_any(path, None, None, None));
    let detected = detect(path).ok();
    for format in Format::ALL {
        if detected == Some(format) || text.len() % 4 == 1 {
            take(import(path, format, None, None));
        }
        for turn in 0..vocabularies {
            let vocabulary = VOCABULARIES[(text.len() + turn) % VOCABULARIES.len()];
            // The wrong vocabulary fails soon, so the right format is worth more tries.
            if detected == Some(format) || text.len().is_multiple_of(4) {
                take(import(path, format, Some(vocabulary), Some(0.into())));
            }
        }
    }
    // Two formats are folders of such files.
    if matches!(detected, Some(Format::Cobra | Format::Viper)) {
        let folder = path.with_extension("folder");
        let name = if detected == Some(Format::Cobra) { "T1.log" } else { "J1.log" };
        fs::create_dir_all(&folder).unwrap();
        fs::copy(path, folder.join(name)).unwrap();
        take(read_any(&folder, None, None, None));
        fs::remove_dir_all(&folder).unwrap();
    }
    accepted
}

#[test]
fn mutated_and_random_bytes_do_no_harm() {
    let seconds = env::var("FUZZ_SECONDS").ok().and_then(|seconds| seconds.parse().ok());
    let seed = env::var("FUZZ_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(1);
    let end = seconds.map(|seconds| Instant::now() + Duration::from_secs(seconds));
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("fuzz");
    let (seeds, mut random) = (seeds(), Random(seed));
    let (mut tried, mut accepted) = (0, 0);
    while end.map_or(tried < 1000, |end| Instant::now() < end) {
        let mut text = if tried % 20 == 0 {
            (0..random.below(300)).map(|_| random.next() as u8).collect()
        } else {
            seeds[random.below(seeds.len())].clone()
        };
        mutate(&mut random, &mut text, &seeds);
        // The text of a failing case is left in the message, and the seed repeats it.
        let outcome = std::panic::catch_unwind(|| read_in_every_way(&path, &text, 5));
        match outcome {
            Ok(taken) => accepted += u32::from(taken),
            Err(_) => panic!("case {tried} of seed {seed} fails: {:?}", String::from_utf8_lossy(&text)),
        }
        tried += 1;
    }
    eprintln!("{accepted} of {tried} mutated texts were read as histories");
    assert!(accepted * 10 > tried, "mutations that are all refused test nothing: {accepted} of {tried}");
}

#[test]
fn truncations_at_every_byte_do_no_harm() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("truncated");
    for text in seeds() {
        assert!(
            read_in_every_way(&path, &text, VOCABULARIES.len()),
            "a seed must be readable: {}",
            String::from_utf8_lossy(&text)
        );
        for end in 0..text.len() {
            read_in_every_way(&path, &text[..end], 1);
        }
    }
}

/// The most memory this process ever had, in bytes; `None` where the system does not say.
fn peak_memory() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM"))?;
    line.split_whitespace().nth(1)?.parse::<u64>().ok().map(|kilobytes| kilobytes << 10)
}

#[test]
fn bombs_are_defused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bomb.zst");
    let header = "{\"disprove\":1,\"vocabulary\":\"register\"}\n";
    let before = peak_memory();
    for (start, filler) in
        [("", "["), ("", " "), ("", "{:a "), ("[{:type \"", "a"), (header, "["), (header, "9"), ("", "\"")]
    {
        let mut encoder = zstd::Encoder::new(fs::File::create(&path).unwrap(), 1).unwrap();
        encoder.write_all(start.as_bytes()).unwrap();
        let block = filler.repeat((1 << 20) / filler.len());
        for _ in 0..300 {
            encoder.write_all(block.as_bytes()).unwrap();
        }
        encoder.finish().unwrap();
        for format in Format::ALL {
            match import(&path, format, Some(Register::NAME), None) {
                Ok(AnyHistory::Register(history)) => assert!(history.operations.is_empty()),
                Ok(other) => panic!("{other:?}"),
                Err(error) => assert!(error.to_string().len() < 1000, "{error}"),
            }
        }
        assert!(
            read_any(&path, None, None, None).is_err()
                || start == header
                || filler == "["
                || filler == "{:a ",
            "{filler}"
        );
    }
    if let (Some(before), Some(after)) = (before, peak_memory()) {
        let grown = (after - before) >> 20;
        assert!(grown < 1200, "texts of 300 MiB took {grown} MiB of memory");
    }
}
