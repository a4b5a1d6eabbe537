//! A store that was made up: two runs, one under way, and things beside it that are nobody's business.

use std::{fs, path::Path, process::Command};

/// What lies outside the store.
pub const SECRET: &str = "nobody may read this";
/// What a database may have answered.
pub const HOSTILE: &str = "<img src=x onerror=alert(1)>";
/// A report draws itself by a script, which is to reach nothing but its own page.
pub const REPORT: &str = "<p>the report</p><script>document.body.append('drawn by a script');\
    fetch('/').then(() => document.body.append('reached the server'), () => document.body.append('kept in'))</script>";

fn results(validity: &str, kind: &str) -> String {
    let anomaly =
        format!("{{\"kind\":\"{kind}\",\"sentence\":\"{HOSTILE}\",\"witness\":[0,1],\"key\":\"x\"}}");
    let anomalies = if kind.is_empty() { "" } else { anomaly.as_str() };
    format!(
        "{{\"schema\":1,\"headline\":\"{validity}\",\"validity\":\"{validity}\",\"run\":{{\"title\":\"{HOSTILE}\"}},\
         \"verdicts\":[{{\"checker\":\"c\",\"model\":\"linearizable\",\"validity\":\"{validity}\",\
         \"anomalies\":[{anomalies}],\"limits\":[],\"notes\":[],\"operations\":2}}],\"operations\":2,\
         \"ok_operations\":2,\"counts\":[],\"reasons\":[],\"faults\":[],\
         \"exposure\":{{\"operations\":0,\"ok\":0,\"ok_reads\":0,\"unknown\":0}},\"phases\":[],\"recovery\":null,\
         \"doubts\":[],\"limits\":[],\"warnings\":[],\"failure\":null,\"interrupted\":false,\"damage\":null,\
         \"scenes\":[],\"rows\":[],\"overview\":{{}}}}"
    )
}

fn run(store: &Path, label: &str, kind: Option<&str>) {
    let path = store.join(label);
    fs::create_dir_all(path.join("logs/n1")).expect("a folder can be made");
    let started = label.rsplit('/').next().unwrap_or_default();
    let choices = format!("{{\"schema\":1,\"run_id\":\"r1\",\"started\":\"{started}\"}}");
    fs::write(path.join("run.json"), choices).expect("it can be written");
    fs::write(path.join("logs/n1/specimen.html"), HOSTILE).expect("it can be written");
    let Some(kind) = kind else { return };
    let headline = if kind.is_empty() { "valid" } else { "invalid" };
    fs::write(path.join("results.json"), results(headline, kind)).expect("it can be written");
    fs::write(path.join("report.html"), REPORT).expect("it can be written");
    let line = format!(
        "{{\"headline\":\"{headline}\",\"folder\":\"{label}\",\"title\":\"{HOSTILE}\",\"database\":\"etcd 3\",\
         \"workload\":\"register\",\"started\":\"{started}\",\"faults\":[\"kill\"],\"rate\":100.0,\"p99\":1000000}}\n"
    );
    let list = store.join("runs.jsonl");
    let before = fs::read_to_string(&list).unwrap_or_default();
    fs::write(list, before + &line).expect("it can be written");
}

/// Fills a folder with it.
pub fn fill(folder: &Path) {
    use std::os::unix::fs::symlink;
    let store = folder.join("store");
    run(&store, "etcd/20260101T000000.000", Some(""));
    run(&store, "etcd/20260102T000000.000", Some("stale-read"));
    run(&store, "etcd/20260103T000000.000", None);
    for night in ["20260101T020000.000", "20260102T020000.000"] {
        let night = store.join("suites/nightly").join(night);
        fs::create_dir_all(&night).expect("a folder can be made");
        fs::write(night.join("summary.html"), "<p>the last night</p>").expect("it can be written");
    }
    fs::write(folder.join("secret.txt"), SECRET).expect("it can be written");
    fs::create_dir_all(folder.join("store-beside")).expect("a folder can be made");
    fs::write(folder.join("store-beside/secret.txt"), SECRET).expect("it can be written");
    symlink(folder.join("secret.txt"), store.join("etcd/20260101T000000.000/logs/out.txt"))
        .expect("a link can be made");
    symlink("../../..", store.join("etcd/20260101T000000.000/logs/up")).expect("a link can be made");
    symlink("../../../..", store.join("etcd/20260101T000000.000/logs/away")).expect("a link can be made");
    symlink("/", store.join("root")).expect("a link can be made");
    symlink("etcd/20260102T000000.000", store.join("latest")).expect("a link can be made");
    fs::write(store.join(".hidden"), SECRET).expect("it can be written");
    let made = Command::new("mkfifo").arg(store.join("etcd/20260101T000000.000/logs/pipe")).status();
    assert!(made.is_ok_and(|status| status.success()), "a pipe can be made");
}
