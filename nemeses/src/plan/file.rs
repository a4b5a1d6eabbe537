//! Reads plans from files that people wrote, and from the journals of runs.

use std::path::Path;

use super::Plan;
use crate::{Error, journal};

/// The longest plan file that is read.
const BYTES_MAX: u64 = 64 << 20;

/// Reads a plan: a JSON or TOML file, or the journal (`faults.jsonl`) of a run, whose faults are then repeated on the
/// nodes they struck at the times they began.
pub fn read_plan(path: &Path) -> Result<Plan, Error> {
    let size = std::fs::metadata(path).map_err(Error::file("read", path))?.len();
    if size > BYTES_MAX {
        return Err(malformed(path, 1, format!("it is {size} bytes long; a plan is at most {BYTES_MAX}")));
    }
    let bytes = std::fs::read(path).map_err(Error::file("read", path))?;
    let plan = if journal::is_journal(&bytes) {
        journal::parse(path, &bytes)?.plan()
    } else {
        let text = std::str::from_utf8(&bytes).map_err(|error| {
            let line = 1 + bytes[..error.valid_up_to()].iter().filter(|&&byte| byte == b'\n').count();
            malformed(path, line, "it is not text in UTF-8".into())
        })?;
        parse(path, text)?
    };
    plan.check()?;
    Ok(plan)
}

fn parse(path: &Path, text: &str) -> Result<Plan, Error> {
    let looks_like_json = text.trim_start().starts_with('{');
    if looks_like_json {
        return serde_json::from_str(text).map_err(|error| malformed(path, error.line(), error.to_string()));
    }
    toml::from_str(text).map_err(|error| {
        let line = error.span().map_or(1, |span| 1 + text[..span.start].matches('\n').count());
        malformed(path, line, error.message().to_owned())
    })
}

fn malformed(path: &Path, line: usize, what: String) -> Error {
    Error::Malformed { path: path.to_owned(), line, what }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::{Action, Direction, PlannedFault, Shape, Targets};

    fn read(name: &str, text: &[u8]) -> Result<Plan, String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        read_plan(&path)
            .map_err(|error| error.to_string().replace(&format!("{}/", folder.path().display()), ""))
    }

    #[test]
    fn a_plan_is_read_from_json_and_from_toml() {
        let json = br#"{"seed": 3, "faults": [
            {"at": 1.25, "lasts": 2, "fault": {"kind": "partition", "shape": "split"}, "targets": "leader", "direction": "in"},
            {"at": 4.1, "lasts": 0.3, "fault": {"kind": "clock", "offset_ms": -500}, "targets": ["n2", "n1"]}]}"#;
        let toml =
            b"seed = 3\n[[faults]]\nat = 1.25\nlasts = 2.0\ntargets = \"leader\"\ndirection = \"in\"\n\
            fault = { kind = \"partition\", shape = \"split\" }\n[[faults]]\nat = 4.1\nlasts = 0.3\n\
            targets = [\"n2\", \"n1\"]\nfault = { kind = \"clock\", offset_ms = -500 }\n";
        let milliseconds = Duration::from_millis;
        let cut = Action::Partition { shape: Shape::Split };
        let mut first = PlannedFault::new(milliseconds(1250), milliseconds(2000), cut, Targets::Leader);
        first.direction = Direction::In;
        let targets = Targets::Nodes(vec!["n2".into(), "n1".into()]);
        let clock = Action::Clock { offset_ms: -500 };
        let second = PlannedFault::new(milliseconds(4100), milliseconds(300), clock, targets);
        let expected = Plan { seed: 3, faults: vec![first, second], ..Plan::default() };
        assert_eq!(read("plan.json", json).unwrap(), expected);
        assert_eq!(read("plan.toml", toml).unwrap(), expected);
    }

    #[test]
    fn the_faults_that_are_asked_for_by_name_are_read_and_written() {
        use cluster::Skew;
        for (text, action) in [
            (r#"{"kind":"terminate"}"#, Action::Terminate),
            (r#"{"kind":"half-open"}"#, Action::HalfOpen),
            (r#"{"kind":"throttle","share":0.2}"#, Action::Throttle { share: 0.2 }),
            (r#"{"kind":"time","skew":"freeze"}"#, Action::Time(Skew::Freeze)),
            (r#"{"kind":"time","skew":"leap-second"}"#, Action::Time(Skew::LeapSecond)),
            (r#"{"kind":"time","skew":"jump","offset_ms":-5}"#, Action::Time(Skew::Jump { offset_ms: -5 })),
        ] {
            assert_eq!(serde_json::from_str::<Action>(text).unwrap(), action);
            assert_eq!(serde_json::to_string(&action).unwrap(), text);
        }
        let toml = b"[[faults]]\nat = 1.0\nlasts = 2.0\ntargets = \"leader\"\n\
            fault = { kind = \"time\", skew = \"strobe\", offset_ms = 700, period_ms = 20 }\n";
        let strobe = Action::Time(Skew::Strobe { offset_ms: 700, period_ms: 20 });
        assert_eq!(read("plan.toml", toml).unwrap().faults[0].fault, strobe);
        for fault in [
            r#"{"kind":"throttle","share":1.5}"#,
            r#"{"kind":"flapping","shape":"split","down_ms":0,"up_ms":9}"#,
            r#"{"kind":"time","skew":"strobe","offset_ms":0,"period_ms":20}"#,
        ] {
            let text =
                format!(r#"{{"faults": [{{"at": 1, "lasts": 1, "fault": {fault}, "targets": "one"}}]}}"#);
            let error = read("plan.json", text.as_bytes()).unwrap_err();
            assert!(error.contains("fault 1 of the plan"), "{fault}: {error}");
        }
    }

    #[test]
    fn what_is_wrong_is_said_with_its_place() {
        let one = |fault: &str, more: &str| {
            let text = format!(
                "{{\"faults\": [\n{{\"at\": 1, \"lasts\": 1, \"fault\": {fault}, \"targets\": \"one\"{more}}}]}}"
            );
            read("plan.json", text.as_bytes()).unwrap_err()
        };
        assert!(one(r#"{"kind": "kil"}"#, "").starts_with("plan.json, line 2: unknown variant `kil`"));
        assert!(
            one(r#"{"kind": "lossy", "share": 30}"#, "")
                .contains("fault 1 of the plan: a share is more than 0")
        );
        assert!(one(r#"{"kind": "kill"}"#, r#", "direction": "in""#).contains("mean nothing for kill"));
        assert!(one(r#"{"kind": "kill"}"#, r#", "speed": 3"#).contains("unknown field `speed`"));
        assert!(read("plan.json", br#"{"version": 9}"#).unwrap_err().contains("of version 9"));
        assert!(read("plan.toml", b"seed = 1\nfaults = 3\n").unwrap_err().starts_with("plan.toml, line 2: "));
        assert!(read("plan.toml", b"\n\xff").unwrap_err().starts_with("plan.toml, line 2: it is not text"));
    }

    #[test]
    fn a_bridge_that_names_one_node_only_is_refused() {
        let bridge = |targets: &str| {
            let fault = r#"{"kind": "partition", "shape": "bridge"}"#;
            let text =
                format!(r#"{{"faults": [{{"at": 1, "lasts": 1, "fault": {fault}, "targets": {targets}}}]}}"#);
            read("plan.json", text.as_bytes())
        };
        for targets in [r#"["n1"]"#, r#"["n1", "n1"]"#] {
            let error = bridge(targets).unwrap_err();
            assert!(
                error.contains("fault 1 of the plan: a bridge with one named node cuts nothing"),
                "{error}"
            );
        }
        for targets in [r#""one""#, r#"["n1", "n2"]"#, r#"["n2", "n1", "n3"]"#] {
            bridge(targets).unwrap();
        }
    }

    #[test]
    fn mutated_plans_and_journals_never_panic() {
        use rand::RngExt as _;
        let plan = Plan::generate(&crate::PlanSpec::new(
            crate::Family::usual().to_vec(),
            5,
            Duration::from_secs(20),
            5,
            crate::Powers::every(),
        ));
        let whole = serde_json::to_vec_pretty(&plan).unwrap();
        let mut random = crate::streams::stream(5, "mutations", 0);
        for _ in 0..2000 {
            let mut bytes = whole.clone();
            for _ in 0..random.random_range(1..4) {
                let place = random.random_range(0..bytes.len());
                bytes[place] = random.random();
            }
            bytes.truncate(random.random_range(0..=bytes.len()));
            let text = String::from_utf8_lossy(&bytes);
            if let Ok(plan) = parse(Path::new("plan"), &text) {
                let _ = plan.check();
            }
            let _ = journal::parse_leniently(&bytes).plan();
        }
    }
}
