//! Acting on a local node: commands, files, daemons, and what their processes may do.
#![cfg(target_os = "linux")]

#[path = "scene/scene.rs"]
#[allow(dead_code)]
mod scene;

use std::time::{Duration, Instant};

use disprove_cluster::{
    Daemon, DaemonState, Remote, Signal,
    local::{Device, LocalCluster, LocalSpec, inside_or_reexec},
};
use scene::{SHORT, Scene, eventually, run, text};

fn inside(test: &str) -> bool {
    inside_or_reexec(test).expect("the test passes inside namespaces")
}

async fn shell(remote: &dyn Remote, script: &str) -> String {
    let output = remote.exec(&["sh", "-c", script], b"", SHORT).await.expect("a shell runs");
    assert_eq!(output.code, 0, "{script}: {}", text(&output.stderr));
    text(&output.stdout)
}

#[test]
fn names_mean_something_else_on_one_node_alone_and_then_what_they_did() {
    if !inside("names_mean_something_else_on_one_node_alone_and_then_what_they_did") {
        return;
    }
    run(async {
        let scene = Scene::start(3, Device::Auto).await;
        let (changed, other) = (scene.remote(0), scene.remote(1));
        let before = shell(changed, "cat /etc/hosts").await;
        let wrong = vec![("n2".to_owned(), scene.node(2).address), ("n3".into(), [192, 0, 2, 1].into())];
        assert!(changed.can_point_names());
        for _ in 0..2 {
            changed.point_names(&wrong).await.expect("its names are its own");
            let third = scene.node(2).address.to_string();
            assert_eq!(shell(changed, "getent hosts n2 | cut -d' ' -f1").await, third);
            assert_eq!(shell(changed, "getent hosts n3 | cut -d' ' -f1").await, "192.0.2.1");
            let second = scene.node(1).address.to_string();
            assert_eq!(shell(other, "getent hosts n2 | cut -d' ' -f1").await, second, "on another node");
        }
        for _ in 0..2 {
            changed.point_names(&[]).await.expect("its names are its own");
            assert_eq!(shell(changed, "cat /etc/hosts").await, before);
        }
        scene.stop().await;
    });
}

#[test]
fn a_node_is_a_host_of_its_own() {
    if !inside("a_node_is_a_host_of_its_own") {
        return;
    }
    run(async {
        let scene = Scene::start(3, Device::Auto).await;
        for index in 0..3 {
            let remote = scene.remote(index);
            let name = &scene.node(index).name;
            assert_eq!(&shell(remote, "uname -n").await, name);
            let hosts = shell(remote, "cat /etc/hosts").await;
            for node in &scene.nodes {
                assert!(
                    hosts.lines().any(|line| line == format!("{} {}", node.address, node.name)),
                    "{hosts}"
                );
            }
            assert_eq!(shell(remote, "cat /proc/1/comm").await, format!("disprove {name}"));
            let devices = shell(remote, "tail -n +3 /proc/net/dev | cut -d: -f1 | tr -d ' ' | sort").await;
            assert_eq!(devices, "eth0\nlo");
            let processes = shell(remote, "cd /proc && ls -d [0-9]* | wc -l").await;
            assert!(processes.parse::<u32>().expect("a number") < 8, "the node sees {processes} processes");
            assert_eq!(shell(remote, "pwd; echo $HOME").await, {
                let data = scene.node(index).data.display();
                format!("{data}\n{data}")
            });
            shell(remote, "echo kept > file && echo shared > /dev/shm/file").await;
        }
        assert!(!std::path::Path::new("/dev/shm/file").exists(), "shared memory is the node's own");
        scene.stop().await;
    });
}

#[test]
fn processes_of_a_node_may_nothing() {
    if !inside("processes_of_a_node_may_nothing") {
        return;
    }
    run(async {
        let scene = Scene::start(1, Device::Auto).await;
        let remote = scene.remote(0);
        let log = scene.node(0).logs.join("status.log");
        let daemon = Daemon {
            name: "status".into(),
            argv: ["cat", "/proc/self/status"].map(String::from).into(),
            log: log.clone(),
            ..Daemon::default()
        };
        remote.start(&daemon).await.expect("it starts");
        eventually(|| async { matches!(remote.state("status").await, Ok(DaemonState::Exited { code: 0 })) })
            .await;
        let logged = remote.download(&log).await.expect("the log is there");
        for status in [text(&logged), shell(remote, "cat /proc/self/status").await] {
            let field = |name: &str| {
                let line =
                    status.lines().find_map(|line| line.strip_prefix(name)).expect("the kernel says it");
                line.trim().to_owned()
            };
            for set in ["CapInh:", "CapPrm:", "CapEff:", "CapBnd:", "CapAmb:"] {
                assert_eq!(field(set), "0000000000000000", "{set}");
            }
            assert_eq!(field("NoNewPrivs:"), "1");
            assert_eq!(field("SigBlk:"), "0000000000000000");
            assert_eq!(field("SigIgn:"), "0000000000000000");
            assert!(field("Uid:").split_whitespace().all(|uid| uid != "0"), "{}", field("Uid:"));
            assert!(field("Gid:").split_whitespace().all(|gid| gid != "0"), "{}", field("Gid:"));
        }
        // Only the three standard streams, and the one that `ls` opens.
        assert_eq!(shell(remote, "ls /proc/self/fd | wc -l").await, "4");
        scene.stop().await;
    });
}

#[test]
fn arguments_pass_untouched() {
    if !inside("arguments_pass_untouched") {
        return;
    }
    run(async {
        let scene = Scene::start(1, Device::Auto).await;
        let remote = scene.remote(0);
        let long = "x".repeat(100_000);
        let hostile = [
            "",
            " ",
            "a b",
            "$HOME",
            "`id`",
            "'\"\\",
            "*",
            "-n",
            "--",
            "\n\t\r",
            "ü€𝄞",
            "%s%n",
            "; exit 1",
            &long,
        ];
        for argument in hostile {
            let output =
                remote.exec(&["printf", "%s|%s", argument, "end"], b"", SHORT).await.expect("printf runs");
            assert_eq!((output.code, output.stdout), (0, format!("{argument}|end").into_bytes()));
        }
        assert!(remote.exec(&["printf", "a\0b"], b"", SHORT).await.is_err(), "no argument can hold a zero");
        assert!(remote.exec(&[], b"", SHORT).await.is_err());
        let error =
            remote.exec(&["no-such-program"], b"", SHORT).await.expect_err("there is none").to_string();
        assert!(error.starts_with("n1: failed to execute no-such-program: No such file"), "{error}");
        let error =
            remote.exec(&["/etc/passwd"], b"", SHORT).await.expect_err("it is no program").to_string();
        assert!(error.contains("Permission denied"), "{error}");
        let too_long = "x".repeat(1 << 20);
        assert!(remote.exec(&["true", &too_long], b"", SHORT).await.is_err(), "a request has a limit");
        assert_eq!(shell(remote, "echo still here").await, "still here");
        scene.stop().await;
    });
}

#[test]
fn commands_end_with_their_code_and_in_time() {
    if !inside("commands_end_with_their_code_and_in_time") {
        return;
    }
    run(async {
        let scene = Scene::start(1, Device::Auto).await;
        let remote = scene.remote(0);
        let code =
            async |script: &str| remote.exec(&["sh", "-c", script], b"", SHORT).await.expect("it runs").code;
        assert_eq!(code("exit 0").await, 0);
        assert_eq!(code("exit 42").await, 42);
        assert_eq!(code("kill -9 $$").await, 137);
        let big: Vec<u8> = (0..3_000_000_u32).map(|i| i as u8).collect();
        let output = remote.exec(&["cat"], &big, SHORT).await.expect("cat runs");
        assert_eq!(output.stdout, big);
        assert_eq!(remote.exec(&["true"], &big, SHORT).await.expect("input may stay unread").code, 0);
        let output = remote.exec(&["sh", "-c", "echo out; echo err >&2"], b"", SHORT).await.expect("it runs");
        assert_eq!((output.stdout, output.stderr), (b"out\n".to_vec(), b"err\n".to_vec()));

        let started = Instant::now();
        let slow =
            remote.exec(&["sh", "-c", "sleep 1000 & sleep 1000"], b"", Duration::from_millis(300)).await;
        assert!(
            slow.is_err() && started.elapsed() < Duration::from_secs(3),
            "{slow:?} after {:?}",
            started.elapsed()
        );
        // Whoever was killed is there until it is reaped.
        let left = async || shell(remote, "grep -lx sleep /proc/[0-9]*/comm | wc -l").await;
        let killed = Instant::now();
        while left().await != "0" {
            assert!(killed.elapsed() < Duration::from_secs(5), "what timed out is ended");
        }

        let started = Instant::now();
        assert_eq!(shell(remote, "sleep 1000 & echo begun").await, "begun");
        assert!(started.elapsed() < Duration::from_secs(3), "a child left behind does not keep the command");
        scene.stop().await;
    });
}

#[test]
fn files_come_and_go() {
    if !inside("files_come_and_go") {
        return;
    }
    run(async {
        let scene = Scene::start(2, Device::Auto).await;
        let remote = scene.remote(0);
        let path = scene.node(0).data.join("a folder/with 'quotes'/file");
        let content: Vec<u8> = (0..2_000_000_u32).map(|i| (i * 7) as u8).collect();
        remote.upload(&path, &content).await.expect("it is written");
        assert_eq!(remote.download(&path).await.expect("it is read"), content);
        remote.upload(&path, b"").await.expect("it is written over");
        assert_eq!(remote.download(&path).await.expect("it is read"), b"");
        assert_eq!(
            shell(remote, "ls -A \"a folder/with 'quotes'\"").await,
            "file",
            "nothing else is left there"
        );
        let error = remote
            .download(&scene.node(0).data.join("absent"))
            .await
            .expect_err("it is not there")
            .to_string();
        assert!(error.contains("No such file"), "{error}");
        assert!(remote.upload("/proc/nothing".as_ref(), b"x").await.is_err());

        let other = scene.remote(1);
        let kept = scene.node(1).data.join("kept");
        other.upload(&kept, b"other").await.expect("it is written");
        let daemon = Daemon {
            name: "d".into(),
            argv: vec!["sleep".into(), "1000".into()],
            log: log(&scene),
            ..Daemon::default()
        };
        remote.start(&daemon).await.expect("it starts");
        shell(
            remote,
            "ln -s /etc linked; mkdir -p deep/er; chmod 0 deep/er; setsid sleep 1000 > /dev/null 2>&1 &",
        )
        .await;
        remote.wipe().await.expect("it is wiped");
        assert_eq!(shell(remote, "ls -A").await, "", "the data folder is there and empty");
        assert_eq!(shell(remote, "grep -lx sleep /proc/[0-9]*/comm | wc -l").await, "0");
        assert_eq!(remote.state("d").await.expect("it is known"), DaemonState::Exited { code: 137 });
        assert_eq!(other.download(&kept).await.expect("another node's data stays"), b"other");
        scene.stop().await;
    });
}

fn log(scene: &Scene) -> std::path::PathBuf {
    scene.node(0).logs.join("daemon.log")
}

#[test]
fn daemons_live_stop_go_on_and_die() {
    if !inside("daemons_live_stop_go_on_and_die") {
        return;
    }
    run(async {
        let scene = Scene::start(1, Device::Auto).await;
        let remote = scene.remote(0);
        lifecycle(remote, &scene).await;
        scene.stop().await;
    });
}

/// The same daemon through all its states; also used without namespaces.
async fn lifecycle(remote: &dyn Remote, scene: &Scene) {
    assert_eq!(remote.state("d").await.expect("it is asked"), DaemonState::Absent);
    remote.signal("d", Signal::Kill).await.expect("what never ran need not be ended");
    // A grandchild in a session of its own is not in the daemon's group, as the backends of PostgreSQL are not.
    let script = "echo begun; setsid sleep 1001 & sleep 1002 & wait";
    let daemon = Daemon {
        name: "d".into(),
        argv: vec!["sh".into(), "-c".into(), script.into()],
        env: vec![("VARIABLE".into(), "a value".into())],
        directory: scene.node(0).data.clone(),
        log: log(scene),
    };
    let sleepers = "grep -lzx 100[12] /proc/[0-9]*/cmdline | wc -l";
    for round in 1..=3 {
        remote.start(&daemon).await.expect("it starts");
        let again = remote.start(&daemon).await.expect_err("it runs already").to_string();
        assert!(again.contains("running already"), "{again}");
        let DaemonState::Running { pid } = remote.state("d").await.expect("it is known") else {
            panic!("it runs")
        };
        let environment = shell(remote, &format!("tr '\\0' '\\n' < /proc/{pid}/environ")).await;
        assert!(
            environment.contains("VARIABLE=a value") && environment.contains("DISPROVE_NODE=n1"),
            "{environment}"
        );
        assert!(!environment.contains("CARGO"), "the controller's environment is not the node's");
        eventually(|| async { shell(remote, sleepers).await == "2" }).await;
        remote.signal("d", Signal::Stop).await.expect("it stops");
        assert_eq!(remote.state("d").await.expect("it is known"), DaemonState::Stopped { pid });
        let states = "for p in $(grep -lzx 100[12] /proc/[0-9]*/cmdline); do sed 's/.*) \\(.\\).*/\\1/' ${p%cmdline}stat; done";
        assert_eq!(shell(remote, states).await, "T\nT", "what it has started stops as well");
        remote.signal("d", Signal::Continue).await.expect("it goes on");
        assert_eq!(remote.state("d").await.expect("it is known"), DaemonState::Running { pid });
        match round {
            1 => remote.signal("d", Signal::Terminate).await.expect("it is asked to end"),
            2 => remote.signal("d", Signal::Stop).await.expect("it stops"),
            _ => {}
        }
        remote.signal("d", Signal::Kill).await.expect("it ends");
        let code = if round == 1 { 143 } else { 137 };
        let ended = remote.state("d").await.expect("it is known");
        assert!(
            ended == DaemonState::Exited { code } || ended == DaemonState::Exited { code: 137 },
            "{ended:?}"
        );
        if round > 1 {
            assert_eq!(shell(remote, sleepers).await, "0", "nothing of it survives");
        }
        shell(remote, "pkill -9 -x sleep || true").await;
        let log = remote.download(&log(scene)).await.expect("the log is there");
        assert_eq!(text(&log), vec!["begun"; round].join("\n"), "logs are appended to");
    }
    let absent = Daemon {
        name: "e".into(),
        argv: vec!["no-such-program".into()],
        log: log(scene),
        ..Daemon::default()
    };
    assert!(remote.start(&absent).await.is_err());
    assert_eq!(remote.state("e").await.expect("it is asked"), DaemonState::Absent);
}

#[test]
fn without_namespaces_processes_can_still_be_broken() {
    run(async {
        let scene = Scene::start(2, Device::Auto).await;
        assert_eq!(scene.cluster.limits().len(), 1, "it says what it cannot do");
        assert!(scene.cluster.cluster().network.is_none());
        assert_eq!(scene.node(1).address.to_string(), "127.0.0.2");
        lifecycle(scene.remote(0), &scene).await;
        let daemon = Daemon {
            name: "d".into(),
            argv: vec!["sleep".into(), "1003".into()],
            log: log(&scene),
            ..Daemon::default()
        };
        scene.remote(1).start(&daemon).await.expect("it starts");
        let DaemonState::Running { pid } = scene.remote(1).state("d").await.expect("it is known") else {
            panic!("it runs")
        };
        scene.stop().await;
        assert!(
            !std::path::Path::new(&format!("/proc/{pid}")).exists(),
            "the end of a node ends its processes"
        );
    });
}

#[test]
fn a_dead_node_fails_at_once() {
    if !inside("a_dead_node_fails_at_once") {
        return;
    }
    run(async {
        let scene = Scene::start(2, Device::Auto).await;
        let nodes = scene.nodes.clone();
        let (first, second) = (nodes[0].remote().expect("a node"), nodes[1].remote().expect("a node"));
        let waiting = tokio::spawn({
            let node = nodes[0].clone();
            async move {
                node.remote().expect("a node").exec(&["sleep", "1000"], b"", Duration::from_secs(50)).await
            }
        });
        eventually(|| async { shell(first, "grep -lx sleep /proc/[0-9]*/comm | wc -l").await == "1" }).await;
        let started = Instant::now();
        scene.stop().await;
        assert!(waiting.await.expect("no panic").is_err(), "who waits for a dead node hears of it");
        assert!(first.state("d").await.is_err() && second.exec(&["true"], b"", SHORT).await.is_err());
        assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
    });
}

#[test]
fn folders_of_root_that_a_node_cannot_reach_are_shown_to_it() {
    if !nix::unistd::Uid::effective().is_root()
        || !inside("folders_of_root_that_a_node_cannot_reach_are_shown_to_it")
    {
        return;
    }
    run(async {
        let folder = scene::folder();
        let closed = folder.0.join("closed");
        std::fs::create_dir(&closed).expect("the folder is ours");
        std::fs::set_permissions(&closed, std::os::unix::fs::PermissionsExt::from_mode(0o700))
            .expect("it is ours");
        let spec =
            LocalSpec { nodes: vec!["n1".into()], directory: closed.join("run"), ..LocalSpec::default() };
        let cluster = LocalCluster::start(spec).await.expect("the cluster starts");
        let node = cluster.cluster().nodes[0].clone();
        let remote = node.remote().expect("a local node can be acted on");
        remote.upload(&node.data.join("file"), b"data").await.expect("it is written");
        let argv = ["echo", "logged"].map(String::from).into();
        let log = node.logs.join("log");
        remote.start(&Daemon { name: "d".into(), argv, log, ..Daemon::default() }).await.expect("it starts");
        eventually(|| async { matches!(remote.state("d").await, Ok(DaemonState::Exited { code: 0 })) }).await;
        let read = |path: &str| {
            std::fs::read(closed.join("run").join(path)).expect("it is in the folder of the run")
        };
        assert_eq!((read("data/n1/file"), read("logs/n1/log")), (b"data".to_vec(), b"logged\n".to_vec()));
        remote.wipe().await.expect("it is wiped");
        assert!(!closed.join("run/data/n1/file").exists());
        cluster.stop().await.expect("the node ends");
    });
}
