use super::*;

fn model(name: &str) -> Model {
    Model::named(name).unwrap()
}

#[test]
fn names_aliases_and_case_find_the_same_promise() {
    for name in ["serializable", "PL-3", "pl-3", "conflict-serializable", ":serializable", "Serializable"] {
        assert_eq!(model(name).name(), "serializable", "{name}");
    }
    assert_eq!(model("strong-serializable"), model("strict-serializable"));
    assert_eq!(model("strict_serializable"), model("PL-SS"));
}

#[test]
fn a_wrong_name_gets_the_nearest_ones() {
    let nearest = |name| Model::named(name).unwrap_err().nearest;
    assert_eq!(nearest("serialisable")[0], "serializable");
    assert!(nearest("snapshot").contains(&"snapshot-isolation"));
    assert_eq!(nearest("strict-serialisable")[0], "strict-serializable");
    assert_eq!(nearest("").len(), 5);
}

#[test]
fn every_implied_promise_and_forbidden_kind_is_known() {
    let kinds: Vec<&str> = anomalies::kinds().collect();
    for entry in MODELS {
        for name in entry.implies {
            assert!(MODELS.iter().any(|other| other.name == *name), "{name}");
        }
        for kind in entry.forbids {
            assert!(kinds.contains(kind), "{kind}");
        }
    }
    assert!(MODELS.windows(2).all(|pair| pair[0].name < pair[1].name), "the promises are in order");
}

#[test]
fn a_stronger_promise_prohibits_whatever_a_weaker_one_does() {
    for strong in Model::all() {
        for weak in strong.implied().iter() {
            for kind in weak.prohibited() {
                assert!(strong.prohibits(kind), "{strong} allows {kind}, {weak} does not");
            }
        }
    }
}

#[test]
fn anomalies_break_the_promises_that_the_literature_says() {
    for (kind, weakest) in [
        ("G0", vec!["read-uncommitted"]),
        ("G1a", vec!["read-committed"]),
        ("G1c", vec!["read-committed"]),
        ("G-single-item", vec!["consistent-view", "repeatable-read"]),
        ("G-single", vec!["consistent-view"]),
        ("G-nonadjacent-item", vec!["repeatable-read", "snapshot-isolation"]),
        ("G2-item", vec!["repeatable-read"]),
        ("G2", vec!["serializable"]),
        ("internal", vec!["read-atomic"]),
        ("lost-update", vec!["cursor-stability", "update-atomic"]),
        ("G-single-item-process", vec!["strong-session-parallel-snapshot-isolation"]),
        ("G-nonadjacent-item-process", vec!["strong-session-snapshot-isolation"]),
        ("G2-item-process", vec!["strong-session-serializable"]),
        ("G0-realtime", vec!["strong-read-uncommitted"]),
        ("G1c-realtime", vec!["strong-read-committed"]),
        ("G-single-item-realtime", vec!["strong-snapshot-isolation"]),
        ("G2-item-realtime", vec!["strict-serializable"]),
        ("predicate-read-miss", vec!["serializable"]),
    ] {
        assert_eq!(weakest_violated(kind), weakest, "{kind}");
    }
    assert!(Model::all().all(|model| model.prohibits("garbage-read")));
}

#[test]
fn standing_names_the_weakest_refuted_and_the_strongest_kept() {
    let kept = [model("snapshot-isolation"), model("read-committed")].into_iter().collect();
    let standing = standing(Models::refuted_by("G2-item"), kept);
    assert_eq!(standing.refuted, ["repeatable-read"]);
    assert_eq!(standing.also_refuted, ["serializable", "strict-serializable", "strong-session-serializable"]);
    assert_eq!(standing.strongest_standing, ["snapshot-isolation"]);
}
