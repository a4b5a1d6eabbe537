//! Commands, files, daemons, logs and packages.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use disprove_cluster::{Daemon, DaemonState, Remote, Signal, ssh::SshRemote};

use super::machines::{LONG, Machines, run, text};

async fn shell(remote: &SshRemote, script: &str) -> String {
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
    let Some(machines) = Machines::borrow("commands over SSH") else { return };
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
    let Some(machines) = Machines::borrow("commands over SSH that take too long") else { return };
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
    let Some(machines) = Machines::borrow("files over SSH") else { return };
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
    let Some(machines) = Machines::borrow("daemons over SSH") else { return };
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
fn sessions_are_shared_out_and_come_back_when_they_are_lost() {
    let Some(machines) = Machines::borrow("sessions over SSH") else { return };
    run(async {
        // A machine that no other test uses: what is cut below would be cut for them too.
        let remote = std::sync::Arc::new(machines.remote(4, "sessions"));
        let many: Vec<_> = (0..24)
            .map(|number| {
                let remote = std::sync::Arc::clone(&remote);
                tokio::spawn(async move {
                    let number = number.to_string();
                    let output = remote.exec(&["sh", "-c", "sleep 0.05; cat"], number.as_bytes(), LONG).await;
                    (number, output.expect("it runs").stdout)
                })
            })
            .collect();
        for one in many {
            let (asked, answered) = one.await.expect("no panic");
            assert_eq!(asked.as_bytes(), answered, "nobody hears another's answer");
        }
        // Every connection of this node dies, this one too; who may be asked twice is.
        let killer = "for s in /proc/[0-9]*/comm; do read -r c <$s; p=${s%/comm}; p=${p#/proc/}; \
                      [ \"$c\" != sshd ] || [ $p = 1 ] || kill -9 $p; done 2>/dev/null";
        let cut = remote.exec(&["sh", "-c", killer], b"", LONG).await;
        assert!(cut.is_err(), "a command whose connection broke is not called done: {cut:?}");
        assert_eq!(remote.state("nothing").await.expect("reached anew"), DaemonState::Absent);
        assert_eq!(shell(&remote, "hostname").await, "n4");
    });
}

#[test]
fn a_log_is_followed_as_it_grows() {
    let Some(machines) = Machines::borrow("following a log over SSH") else { return };
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

#[test]
fn archives_and_packages_are_installed() {
    let Some(machines) = Machines::borrow("installing over SSH") else { return };
    run(async {
        let remote = machines.remote(1, "installing");
        let folder = Path::new("/var/tmp/disprove/installing/soft ware");
        let make = |flag: &str| {
            format!("cd /tmp && mkdir -p 'top/in ner' && echo hi >'top/in ner/file' && tar -c {flag} top")
        };
        for flag in ["-z", ""] {
            let made = remote.exec(&["sh", "-c", &make(flag)], b"", LONG).await.expect("tar runs");
            remote.install_archive(&made.stdout, folder, 1).await.expect("it is unpacked");
            assert_eq!(shell(&remote, "cd '/var/tmp/disprove/installing/soft ware' && cat 'in ner/file' && ls -A && rm -rf 'in ner'").await, "hi\nin ner");
        }
        assert!(
            remote.install_archive(&[0x1f, 0x8b, 1, 2, 3], folder, 0).await.is_err(),
            "that is no archive"
        );
        // The nodes reach no mirror, so a package manager that only says what it was asked stands in for the real one.
        let fake = b"#!/bin/sh\necho \"$@\" >>/root/asked\n";
        remote.upload(Path::new("/usr/local/bin/apt-get"), fake).await.expect("it is written");
        shell(&remote, "chmod 755 /usr/local/bin/apt-get").await;
        remote.install_packages(&["coreutils"]).await.expect("it is there");
        assert_eq!(
            shell(&remote, "cat /root/asked 2>/dev/null; :").await,
            "",
            "what is there is not asked for"
        );
        remote.install_packages(&["coreutils", "no-such-package"]).await.expect("it is asked for");
        let asked = "install -y -q --no-install-recommends no-such-package";
        assert_eq!(shell(&remote, "cat /root/asked").await, asked);
        remote.wipe().await.expect("it goes");
    });
}
