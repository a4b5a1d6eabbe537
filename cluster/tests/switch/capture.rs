//! A capture is read back field by field, as the pcapng format defines them.

use std::{
    path::Path,
    time::{SystemTime, UNIX_EPOCH},
};

use disprove_cluster::switch::SwitchOptions;

use crate::rig::{Rig, link, ms, packet, policy};

/// One block: its type and what is in it.
type Block = (u32, Vec<u8>);

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap())
}

fn u16_at(bytes: &[u8], at: usize) -> u16 {
    u16::from_le_bytes(bytes[at..at + 2].try_into().unwrap())
}

fn blocks(path: &Path) -> Vec<Block> {
    let bytes = std::fs::read(path).unwrap();
    let mut rest = &bytes[..];
    let mut blocks = Vec::new();
    while !rest.is_empty() {
        let length = u32_at(rest, 4) as usize;
        assert!(length.is_multiple_of(4) && length >= 12);
        assert_eq!(u32_at(rest, length - 4) as usize, length, "the length stands at both ends");
        blocks.push((u32_at(rest, 0), rest[8..length - 4].to_vec()));
        rest = &rest[length..];
    }
    blocks
}

fn options(mut rest: &[u8]) -> Vec<(u16, Vec<u8>)> {
    let mut options = Vec::new();
    while !rest.is_empty() {
        let (code, length) = (u16_at(rest, 0), u16_at(rest, 2) as usize);
        if code == 0 {
            assert_eq!((length, rest.len()), (0, 4), "the end of the options is the end of the block");
            return options;
        }
        options.push((code, rest[4..4 + length].to_vec()));
        rest = &rest[4 + length.next_multiple_of(4)..];
    }
    assert!(options.is_empty(), "options without an end");
    options
}

/// Interface, nanoseconds since 1970, bytes and comment of a packet block.
fn fields(block: &Block) -> (u32, u64, Vec<u8>, String) {
    let (6, body) = block else { panic!("block {} is not a packet", block.0) };
    let at = u64::from(u32_at(body, 4)) << 32 | u64::from(u32_at(body, 8));
    let length = u32_at(body, 12) as usize;
    assert_eq!(u32_at(body, 16) as usize, length, "nothing was cut off");
    let comment = match &options(&body[20 + length.next_multiple_of(4)..])[..] {
        [] => String::new(),
        [(1, comment)] => String::from_utf8(comment.clone()).unwrap(),
        other => panic!("{other:?}"),
    };
    (u32_at(body, 0), at, body[20..20 + length].to_vec(), comment)
}

fn folder(name: &str) -> std::path::PathBuf {
    let path = std::env::temp_dir().join(format!("disprove-switch-{name}-{}.pcapng", std::process::id()));
    let _ = std::fs::remove_file(&path);
    path
}

#[test]
fn a_capture_holds_what_was_sent_and_what_became_of_it() {
    let path = folder("fields");
    let options_of = SwitchOptions { seed: 1, capture: Some(path.clone()), capture_bytes_max: 1 << 20 };
    let before = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos() as u64;
    let rig = Rig::new(3, options_of);
    let plain = packet(1, 2, 1, 1, 41);
    rig.send(1, &plain);
    rig.receive(2, ms(1000)).unwrap();
    rig.impose(1, &[(link(0, 2), policy(|p| p.cut = true)), (link(2, 0), policy(|p| p.loss = 1.0))]);
    rig.impose(2, &[(link(2, 1), policy(|p| (p.corrupt, p.duplicate) = (1.0, 1.0)))]);
    let (cut, lost, rough) = (packet(0, 2, 1, 2, 42), packet(2, 0, 1, 3, 43), packet(2, 1, 1, 4, 44));
    let nowhere = packet(1, 9, 1, 5, 45);
    rig.send(0, &cut);
    rig.until(0, 2, |counters| counters.cut == 1);
    rig.send(2, &lost);
    rig.send(2, &rough);
    rig.until(2, 1, |counters| counters.passed == 2);
    rig.send(1, &nowhere);
    while rig.switch.strays().unknown_destination == 0 {
        std::thread::sleep(ms(1));
    }
    assert_eq!(rig.switch.strays().uncaptured, 0);
    drop(rig);
    let after = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos() as u64;

    let blocks = blocks(&path);
    let (0x0a0d_0d0a, section) = &blocks[0] else { panic!("a file begins with a section") };
    assert_eq!((u32_at(section, 0), u16_at(section, 4), u16_at(section, 6)), (0x1a2b_3c4d, 1, 0));
    assert_eq!(section[8..16], [0xff; 8]);
    assert_eq!(options(&section[16..]), [(4, b"disprove".to_vec())]);
    for (block, name) in blocks[1..4].iter().zip(["controller", "n1", "n2"]) {
        assert_eq!((block.0, u16_at(&block.1, 0), u32_at(&block.1, 4)), (1, 101, 0));
        assert_eq!(options(&block.1[8..]), [(2, name.as_bytes().to_vec()), (9, vec![9])]);
    }
    let found: Vec<_> = blocks[4..].iter().map(fields).collect();
    let kept: Vec<_> =
        found.iter().map(|(port, _, bytes, comment)| (*port, &bytes[..], comment.as_str())).collect();
    assert_eq!(
        kept,
        [
            (1, &plain[..], ""),
            (0, &cut[..], "dropped: cut"),
            (2, &lost[..], "dropped: lost"),
            (2, &rough[..], "corrupted, duplicated"),
            (1, &nowhere[..], "dropped: unknown destination"),
        ]
    );
    let times: Vec<u64> = found.iter().map(|(_, at, _, _)| *at).collect();
    assert!(times.is_sorted() && times.iter().all(|at| (before..=after).contains(at)), "{times:?}");
    std::fs::remove_file(path).unwrap();
}

#[test]
fn a_capture_ends_at_its_size_and_says_so() {
    let path = folder("size");
    let options = SwitchOptions { seed: 1, capture: Some(path.clone()), capture_bytes_max: 100_000 };
    let rig = Rig::new(3, options);
    assert_eq!(rig.exchange(2000, 500).len(), 2000);
    let missing = rig.switch.strays().uncaptured;
    drop(rig);
    let kept = blocks(&path).iter().filter(|(kind, _)| *kind == 6).count() as u64;
    assert_eq!(kept + missing, 2000);
    let size = std::fs::metadata(&path).unwrap().len();
    assert!((99_000..=100_000).contains(&size), "{size}");
    std::fs::remove_file(path).unwrap();
}

#[test]
fn a_capture_that_cannot_be_created_is_an_error_at_the_start() {
    let options = SwitchOptions { capture: Some("/nonexistent/x.pcapng".into()), ..SwitchOptions::default() };
    let error = disprove_cluster::switch::Switch::start(Vec::new(), options).unwrap_err();
    assert!(error.to_string().contains("/nonexistent/x.pcapng"), "{error}");
}
