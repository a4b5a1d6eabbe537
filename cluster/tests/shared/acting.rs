//! Commands, files, daemons and logs, the same on machines over SSH and in containers.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use disprove_cluster::{Daemon, DaemonState, Remote, Signal, machine::MachineRemote};

use super::machines::{LONG, Machines, run, text};

pub async fn shell(remote: &MachineRemote, script: &str) -> String {
    let output = remote.exec(&["sh", "-c", script], b"", LONG).await.expect("a shell runs");
    assert_eq!(output.code, 0, "{script}: {}", text(&output.stderr));
    text(&output.stdout)
}

async fn until(what: &str, mut done: impl AsyncFnMut() -> bool) {
    let began = Instant::now();
    while !done().await {
        assert!(began.elapsed() < LONG, "{what} took longer than {LONG:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[test]
fn a_command_arrives_as_it_is_and_its_end_comes_back() {
    let Some(machines) = Machines::borrow("commands") else { return };
    run(async {
        let remote = machines.remote(1, "commands");
        assert_eq!(shell(&remote, "hostname").await, "n1");
        let hostile =
            ["", "'", "\"$(id)`id`", "${HOME};rm", "a\nb\n", "*?~!#&|<>", "\\0101\\", "-n", "ünï✓", "%s\t"];
        let mut argv = vec!["printf", "%s\\0"];
        argv.extend(hostile);
        let output = remote.exec(&argv, b"", LONG).await.expect("it runs");
        let arrived: Vec<_> =
            output.stdout.split(|byte| *byte == 0).map(|word| String::from_utf8_lossy(word)).collect();
        assert_eq!(arrived[..hostile.len()], hostile);
        let code = async |argv: &[&str]| remote.exec(argv, b"", LONG).await.expect("it runs").code;
        assert_eq!(code(&["sh", "-c", "exit 7"]).await, 7);
        assert_eq!(code(&["sh", "-c", "kill -TERM $$"]).await, 128 + 15);
        assert_eq!(code(&["/nowhere/at all"]).await, 127);
        assert!(remote.exec(&["echo", "a\0b"], b"", LONG).await.is_err(), "no command holds a zero byte");
        // Both outputs and the input at once, each larger than any window.
        let much: Vec<u8> =
            (0..6_000_000_u32).map(|place| (place.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
        let output = remote.exec(&["sh", "-c", "tee /dev/stderr"], &much, LONG).await.expect("it runs");
        assert!(output.stdout == much && output.stderr == much, "every byte came back by both ways");
    });
}

#[test]
fn a_command_that_takes_too_long_is_ended_there_too() {
    let Some(machines) = Machines::borrow("commands that take too long") else { return };
    run(async {
        let remote = machines.remote(1, "late");
        let limit = Duration::from_secs(1);
        let error = remote.exec(&["sleep", "98765"], b"", limit).await.expect_err("it sleeps for a day");
        assert!(error.to_string().contains("n1: sleep took longer than 1 s"), "{error}");
        until("the end of the command", async || {
            !shell(&remote, "cat /proc/[0-9]*/cmdline 2>/dev/null | tr '\\0' ' '")
                .await
                .contains("sleep 98765 ")
        })
        .await;
    });
}

#[test]
fn files_go_there_and_come_back() {
    let Some(machines) = Machines::borrow("files") else { return };
    run(async {
        let remote = machines.remote(2, "files");
        let content: Vec<u8> = (0..9_000_001_u32).map(|place| (place >> 3) as u8).collect();
        let path = Path::new("/var/tmp/disprove/files/a b/'c' $(d)\n/e");
        remote.upload(path, &content).await.expect("it is written with its folders");
        assert!(remote.download(path).await.expect("it is read") == content);
        remote.upload(path, b"").await.expect("it is replaced");
        assert_eq!(remote.download(path).await.expect("it is read"), b"");
        let left = shell(&remote, "find /var/tmp/disprove/files -name '*.part*' | wc -l").await;
        assert_eq!(left, "0", "nothing is left beside it");
        let error = remote.download(Path::new("/nowhere/at all")).await.expect_err("there is none");
        assert!(error.to_string().contains("reading /nowhere/at all failed"), "{error}");
        assert!(remote.upload(Path::new("/proc/nothing"), b"x").await.is_err());
        remote.wipe().await.expect("the folder goes");
        assert_eq!(shell(&remote, "ls -A /var/tmp/disprove/files 2>/dev/null | wc -l").await, "0");
    });
}

fn daemon(folder: &str, script: &str) -> Daemon {
    Daemon {
        name: "thing".into(),
        argv: ["sh", "-c", script].map(str::to_owned).to_vec(),
        env: vec![("SAID".into(), "a 'b' $c".into())],
        directory: Path::new("/var/tmp/disprove").join(folder).join("data"),
        log: Path::new("/var/tmp/disprove").join(folder).join("logs/thing.log"),
    }
}

#[test]
fn a_daemon_lives_on_without_a_connection_and_does_what_signals_say() {
    let Some(machines) = Machines::borrow("daemons") else { return };
    run(async {
        let remote = machines.remote(3, "daemons");
        assert_eq!(remote.state("thing").await.expect("it answers"), DaemonState::Absent);
        // One child in its own session, whose parent has ended: found by what it was given, not by whose it is.
        let script = "echo \"$SAID $DISPROVE_NODE\"; n=4242; export n; setsid sh -c '(setsid sleep $n &)'; while :; do sleep 0.05; echo on; done";
        let thing = daemon("daemons", script);
        remote.start(&thing).await.expect("it starts");
        let DaemonState::Running { pid } = remote.state("thing").await.expect("it answers") else {
            panic!("it runs")
        };
        let again = remote.start(&thing).await.expect_err("one of a name");
        assert!(again.to_string().contains(&format!("alive as process {pid}")), "{again}");
        // Another controller, with connections of its own, sees the same.
        let other = machines.remote(3, "daemons");
        assert_eq!(other.state("thing").await.expect("it answers"), DaemonState::Running { pid });
        let sleepers = "cat /proc/[0-9]*/cmdline 2>/dev/null | tr '\\0' ' ' | grep -o 'sleep 424[2]' | wc -l";
        until("the child", async || shell(&remote, sleepers).await == "1").await;
        remote.signal("thing", Signal::Stop).await.expect("it is stopped");
        until("the stop", async || {
            remote.state("thing").await.expect("it answers") == DaemonState::Stopped { pid }
        })
        .await;
        let lines = shell(&remote, "wc -l </var/tmp/disprove/daemons/logs/thing.log").await;
        tokio::time::sleep(Duration::from_millis(300)).await;
        assert_eq!(shell(&remote, "wc -l </var/tmp/disprove/daemons/logs/thing.log").await, lines);
        remote.signal("thing", Signal::Continue).await.expect("it goes on");
        until("its going on", async || {
            shell(&remote, "wc -l </var/tmp/disprove/daemons/logs/thing.log").await != lines
        })
        .await;
        remote.signal("thing", Signal::Kill).await.expect("it is ended");
        remote.signal("thing", Signal::Kill).await.expect("no harm in ending it twice");
        until("the end", async || {
            remote.state("thing").await.expect("it answers") == DaemonState::Exited { code: 137 }
        })
        .await;
        assert_eq!(shell(&remote, sleepers).await, "0", "what it had started ended with it");
        let log = remote.download(&thing.log).await.expect("it has a log");
        assert!(text(&log).starts_with("a 'b' $c n3\n"), "{}", text(&log));
        remote.start(&daemon("daemons", "exit 5")).await.expect("it starts again");
        until("its own end", async || {
            remote.state("thing").await.expect("it answers") == DaemonState::Exited { code: 5 }
        })
        .await;
        let mut none = daemon("daemons", "");
        none.argv = vec!["no-such-program".into()];
        let error = remote.start(&none).await.expect_err("there is none");
        assert!(error.to_string().contains("there is no program no-such-program"), "{error}");
        remote.start(&daemon("daemons", "n=4242; sleep $n")).await.expect("it starts again");
        remote.wipe().await.expect("all goes");
        assert_eq!(shell(&remote, sleepers).await, "0");
        assert_eq!(remote.state("thing").await.expect("it answers"), DaemonState::Absent);
    });
}

#[test]
fn a_log_is_followed_as_it_grows() {
    let Some(machines) = Machines::borrow("following a log") else { return };
    run(async {
        let remote = machines.remote(1, "logs");
        let path = Path::new("/var/tmp/disprove/logs/some log");
        let mut log = remote.follow(path);
        let mut had = Vec::new();
        let mut expected = String::new();
        for round in 0..3 {
            shell(
                &remote,
                &format!(
                    "mkdir -p /var/tmp/disprove/logs; echo line {round} >>'/var/tmp/disprove/logs/some log'"
                ),
            )
            .await;
            expected.push_str(&format!("line {round}\n"));
            while had.len() < expected.len() {
                let piece = tokio::time::timeout(LONG, log.next()).await.expect("it comes");
                had.extend(piece.expect("the stream goes on").expect("without an error"));
            }
            assert_eq!(String::from_utf8_lossy(&had), expected);
        }
        drop(log);
        until("the end of tail", async || {
            !shell(&remote, "cat /proc/[0-9]*/cmdline 2>/dev/null | tr '\\0' ' '")
                .await
                .contains("some log tail")
        })
        .await;
    });
}
