//! Every labelled register history that `DISPROVE_HISTORIES` names, by the public interface.

use std::{path::Path, time::Instant};

use disprove_checkers::{
    Budget, Checker, Validity,
    linearizability::{Linearizable, verify_order, verify_witness},
};
use history::{
    Value,
    import::{AnyHistory, read_any},
};

#[test]
fn labelled_histories_are_judged_as_labelled() {
    let Ok(folder) = std::env::var("DISPROVE_HISTORIES") else {
        println!(
            "DISPROVE_HISTORIES is not set: the labelled histories of the linearizability folder are left out"
        );
        return;
    };
    let folder = Path::new(&folder).join("linearizability");
    let manifest = std::fs::read_to_string(folder.join("MANIFEST.tsv")).expect("the manifest can be read");
    let (mut judged, mut left_out, mut wrong, mut witnesses) = (0, 0, Vec::new(), [0, 0]);
    let mut undecided = Vec::new();
    let mut seconds = [0.0; 2];
    for line in manifest.lines().skip(1) {
        let fields: Vec<&str> = line.split('\t').collect();
        let (name, model) = (fields[0], fields[2]);
        let expected = fields[3].split_whitespace().next().unwrap_or_default();
        let is_register = model.starts_with("cas-register") || model.starts_with("register");
        if !is_register || !["valid", "invalid"].contains(&expected) {
            left_out += 1;
            continue;
        }
        let initial = model.contains("init 0").then_some(Value::Int(0));
        let path = folder.join(name);
        let history = match read_any(&path, None, Some("register"), initial) {
            Ok(AnyHistory::Register(history)) => history,
            other => {
                wrong.push(format!(
                    "{name}: read as {:?}",
                    other.map(|history| history.header().vocabulary.clone())
                ));
                continue;
            }
        };
        let budget = Budget::new(400_000, 2 << 30);
        let began = Instant::now();
        let verdict = Linearizable::default().check(&history, &budget);
        let took = began.elapsed().as_secs_f64();
        seconds[usize::from(name.starts_with("porcupine-etcd"))] += took;
        if took > 0.5 {
            println!("{name}: {took:.3} s, {:?}", verdict.validity);
        }
        judged += 1;
        let labelled = if expected == "valid" { Validity::Valid } else { Validity::Invalid };
        if verdict.validity == Validity::Unknown {
            undecided.push(format!("{name}: {:?}", verdict.notes));
        } else if verdict.validity != labelled {
            wrong.push(format!("{name}: {:?} {:?}", verdict.validity, verdict.notes));
        }
        if verdict.validity == Validity::Valid && history.operations.len() < 20_000 {
            for (key, order) in Linearizable::default().certificate(&history, &budget) {
                assert!(
                    order.is_some_and(|order| verify_order(&history, &key, &order)),
                    "{name}: order of {key}"
                );
            }
        }
        for anomaly in &verdict.anomalies {
            let small = anomaly.witness.len() <= 16;
            witnesses[usize::from(small)] += 1;
            assert!(!small || verify_witness(&history, &anomaly.witness), "{name}: {anomaly:?}");
        }
    }
    println!("{judged} judged, {left_out} of other data types left out");
    println!("etcd {:.1} ms, others {:.1} ms", seconds[1] * 1e3, seconds[0] * 1e3);
    println!("witnesses: {} of at most 16 operations verified, {} larger", witnesses[1], witnesses[0]);
    println!("undecided within the step limit: {undecided:#?}");
    assert!(wrong.is_empty(), "{wrong:#?}");
    // Many clients on few values, with a contradiction deep inside, are beyond a small step limit. They are synthetic.
    assert!(
        undecided.len() <= 10 && undecided.iter().all(|case| case.starts_with("synthetic")),
        "{undecided:#?}"
    );
}
