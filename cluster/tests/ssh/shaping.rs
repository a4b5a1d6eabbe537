//! The network between machines: cut, lossy and narrow links, and that nothing of it stays.

use std::time::{Duration, Instant};

use disprove_cluster::{
    Endpoint, LayerId, Link, LinkCounters, LinkPolicy, Network, Remote,
    machine::{MachineCluster, MachineSpec},
};
use history::NodeId;

use super::machines::{LONG, Machines, run, text};

fn spec(machines: &Machines, run: &str) -> MachineSpec {
    MachineSpec {
        nodes: (1..=3).map(|node| machines.target(node).into()).collect(),
        run: run.into(),
        logs: machines.folder.join(format!("logs-{run}")),
        program: None,
    }
}

fn link(from: u16, to: u16) -> Link {
    Link { from: Endpoint::Node(NodeId(from)), to: Endpoint::Node(NodeId(to)) }
}

fn cut() -> LinkPolicy {
    LinkPolicy { cut: true, ..LinkPolicy::default() }
}

/// Starts what answers to a datagram with what came, on every node.
async fn echo(cluster: &MachineCluster) {
    let program = "import socket\ns = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\ns.bind(('', 7777))\n\
                   while True:\n    data, peer = s.recvfrom(2000)\n    s.sendto(data, peer)\n";
    for node in &cluster.cluster().nodes {
        let daemon = disprove_cluster::Daemon {
            name: "echo".into(),
            argv: ["python3", "-c", program].map(str::to_owned).to_vec(),
            env: Vec::new(),
            directory: node.data.clone(),
            log: node.logs.join("echo.log"),
        };
        node.remote().expect("it is reached").start(&daemon).await.expect("python3 starts");
    }
}

/// How many of ten datagrams came back.
async fn answers(cluster: &MachineCluster, from: u16, to: u16) -> u32 {
    let nodes = cluster.cluster().nodes;
    let program = "import socket, sys\ns = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\ns.settimeout(0.3)\nn = 0\n\
                   for i in range(10):\n    s.sendto(b'x%d' % i, (sys.argv[1], 7777))\n    try:\n        s.recv(100)\n        n += 1\n    \
                   except OSError: pass\nprint(n)\n";
    let to = nodes[usize::from(to)].address.to_string();
    let remote = cluster.remote(NodeId(from));
    let output = remote.exec(&["python3", "-c", program, &to], b"", LONG).await.expect("python3 runs");
    text(&output.stdout).parse().unwrap_or_else(|_| panic!("{}", text(&output.stderr)))
}

async fn settled(cluster: &MachineCluster) {
    for (from, to) in [(0, 1), (1, 2), (2, 0)] {
        let began = Instant::now();
        while answers(cluster, from, to).await < 10 {
            assert!(began.elapsed() < LONG, "{from} and {to} do not hear each other");
        }
    }
}

async fn rules(cluster: &MachineCluster, node: u16) -> String {
    let text_of = "nft list ruleset; iptables -w -S; tc qdisc show";
    let output = cluster
        .remote(NodeId(node))
        .exec(&["sh", "-c", &format!("PATH=$PATH:/usr/sbin; {text_of}")], b"", LONG)
        .await;
    text(&output.expect("it runs").stdout)
}

async fn counted(network: &dyn Network, link: Link) -> LinkCounters {
    let all = network.counters().await.expect("they are read");
    all.into_iter().find(|(known, _)| *known == link).map(|(_, counters)| counters).unwrap_or_default()
}

fn left_out() -> bool {
    let missing = std::process::Command::new("sh")
        .args(["-c", "PATH=$PATH:/usr/sbin command -v nft && command -v python3"])
        .output();
    let missing = !missing.is_ok_and(|output| output.status.success());
    if missing {
        println!(
            "left out: the network between machines (there is no nft or no python3; to have them: apt-get install nftables python3)"
        );
    }
    missing
}

/// The nodes are one network: tests that shape it take turns.
static TURN: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

#[test]
fn links_are_cut_and_mended_and_the_users_rules_stay() {
    let Some(machines) = Machines::borrow("the network between machines") else { return };
    if left_out() {
        return;
    }
    run(async {
        let _turn = TURN.lock().await;
        let cluster = MachineCluster::start(spec(&machines, "cuts")).await.expect("it is reached");
        assert!(cluster.limits().is_empty(), "{:?}", cluster.limits());
        let user = "PATH=$PATH:/usr/sbin; nft add table inet theirs; nft add chain inet theirs c '{ type filter hook input priority 0; }'; \
                    nft add rule inet theirs c ip saddr 192.0.2.7 drop";
        cluster.remote(NodeId(0)).exec(&["sh", "-c", user], b"", LONG).await.expect("it runs");
        let before = rules(&cluster, 0).await;
        echo(&cluster).await;
        settled(&cluster).await;
        let network = cluster.cluster().network.expect("it can be shaped");
        network.impose(LayerId(1), &[(link(1, 0), cut()), (link(0, 1), cut())]).await.expect("cut");
        let early = counted(network.as_ref(), link(1, 0)).await;
        assert_eq!(answers(&cluster, 0, 1).await, 0);
        assert_eq!(answers(&cluster, 0, 2).await, 10);
        // From the one side: the question arrives, the answer does not.
        network.impose(LayerId(2), &[(link(2, 1), cut())]).await.expect("cut");
        assert_eq!(answers(&cluster, 1, 2).await, 0);
        let one_way = counted(network.as_ref(), link(1, 2)).await;
        assert!(one_way.passed >= 10 && one_way.cut == 0, "{one_way:?}");
        let dropped = counted(network.as_ref(), link(2, 1)).await;
        assert!(dropped.cut >= 10, "{dropped:?}");
        network.lift(LayerId(1)).await.expect("mended");
        network.lift(LayerId(1)).await.expect("no harm in mending twice");
        assert_eq!(answers(&cluster, 0, 1).await, 10, "the other layer is not in the way");
        assert_eq!(answers(&cluster, 1, 2).await, 0, "the other layer stays");
        let late = counted(network.as_ref(), link(0, 1)).await;
        assert!(late.cut + early.cut >= 10, "{late:?}");
        network.lift_all().await.expect("all mended");
        settled(&cluster).await;
        assert!(counted(network.as_ref(), link(2, 1)).await.cut >= 10, "what was counted is kept");
        assert_eq!(rules(&cluster, 0).await, before, "nothing of ours is left, and the user's rules are");
        cluster.stop().await.expect("all is given back");
        assert!(machines.folder.join("logs-cuts/n2/echo.log").is_file(), "the logs came here");
    });
}

#[test]
fn clients_are_cut_off_and_ssh_is_not() {
    let Some(machines) = Machines::borrow("clients cut off from machines") else { return };
    if left_out() {
        return;
    }
    run(async {
        let _turn = TURN.lock().await;
        let cluster = MachineCluster::start(spec(&machines, "clients")).await.expect("it is reached");
        let network = cluster.cluster().network.expect("it can be shaped");
        let (clients, node) = (Endpoint::Controller, Endpoint::Node(NodeId(1)));
        let both = [(Link { from: clients, to: node }, cut()), (Link { from: node, to: clients }, cut())];
        network.impose(LayerId(7), &both).await.expect("cut");
        let address = cluster.cluster().nodes[1].address;
        let knock = || std::net::TcpStream::connect_timeout(&(address, 9).into(), Duration::from_millis(500));
        let error = knock().expect_err("nothing comes back");
        assert!(
            matches!(error.kind(), std::io::ErrorKind::TimedOut | std::io::ErrorKind::WouldBlock),
            "{error:?}"
        );
        // Also a connection that is new.
        let anew = machines.remote(2, "anew");
        assert_eq!(text(&anew.exec(&["hostname"], b"", LONG).await.expect("SSH passes").stdout), "n2");
        assert!(counted(network.as_ref(), both[0].0).await.cut > 0);
        network.lift(LayerId(7)).await.expect("mended");
        assert_eq!(knock().expect_err("nobody listens there").kind(), std::io::ErrorKind::ConnectionRefused);
        cluster.stop().await.expect("all is given back");
    });
}

#[test]
fn packets_are_lost_and_links_are_narrow() {
    let Some(machines) = Machines::borrow("lossy and narrow links between machines") else { return };
    if left_out() {
        return;
    }
    run(async {
        let _turn = TURN.lock().await;
        let cluster = MachineCluster::start(spec(&machines, "lossy")).await.expect("it is reached");
        let before = rules(&cluster, 0).await;
        echo(&cluster).await;
        settled(&cluster).await;
        let network = cluster.cluster().network.expect("it can be shaped");
        let lossy = LinkPolicy { loss: 0.9, ..LinkPolicy::default() };
        network.impose(LayerId(1), &[(link(0, 1), lossy)]).await.expect("lossy");
        let heard = answers(&cluster, 0, 1).await;
        assert!(heard < 10, "nine of ten are lost, and all ten came ({heard})");
        let counters = counted(network.as_ref(), link(0, 1)).await;
        assert!(counters.lost > 0, "{counters:?}");
        network.lift(LayerId(1)).await.expect("mended");
        let narrow = LinkPolicy { bandwidth_bits: 400_000, ..LinkPolicy::default() };
        match network.impose(LayerId(2), &[(link(0, 1), narrow)]).await {
            Err(disprove_cluster::Error::Unsupported(why)) => println!("left out: narrow links ({why})"),
            imposed => {
                imposed.expect("narrow");
                // 50,000 bytes per second: 100 KiB take two seconds, which on an idle link take none.
                let send = "import socket, sys, time\nl = socket.create_connection((sys.argv[1], 7778))\nb = time.time()\n\
                            l.sendall(b'x' * 102400)\nl.shutdown(1)\nl.recv(1)\nprint(time.time() - b)\n";
                let sink = "import socket\ns = socket.create_server(('', 7778))\nc, _ = s.accept()\nwhile c.recv(65536): pass\n";
                let node = &cluster.cluster().nodes[1];
                let daemon = disprove_cluster::Daemon {
                    name: "sink".into(),
                    argv: ["python3", "-c", sink].map(str::to_owned).to_vec(),
                    env: Vec::new(),
                    directory: node.data.clone(),
                    log: node.logs.join("sink.log"),
                };
                node.remote().expect("it is reached").start(&daemon).await.expect("python3 starts");
                let listening = "until grep -q ':1E62 .* 0A ' /proc/net/tcp; do sleep 0.05; done";
                cluster
                    .remote(NodeId(1))
                    .exec(&["sh", "-c", listening], b"", LONG)
                    .await
                    .expect("it listens");
                let argv = ["python3", "-c", send, &node.address.to_string()];
                let output = cluster.remote(NodeId(0)).exec(&argv, b"", LONG).await.expect("it is sent");
                let took: f64 =
                    text(&output.stdout).parse().unwrap_or_else(|_| panic!("{}", text(&output.stderr)));
                assert!(took > 1.0, "it took {took} s");
                assert!(counted(network.as_ref(), link(0, 1)).await.delayed > 0);
            }
        }
        let slow = LinkPolicy { delay: Duration::from_millis(60), ..LinkPolicy::default() };
        match network.impose(LayerId(3), &[(link(0, 2), slow)]).await {
            Err(disprove_cluster::Error::Unsupported(why)) => {
                println!("left out: slow links between machines ({why})");
                assert_eq!(answers(&cluster, 0, 2).await, 10, "what failed left nothing");
            }
            imposed => {
                imposed.expect("slow");
                assert_eq!(answers(&cluster, 0, 2).await, 10);
                assert!(counted(network.as_ref(), link(0, 2)).await.delayed >= 10);
            }
        }
        network.lift_all().await.expect("all mended");
        assert_eq!(rules(&cluster, 0).await, before, "nothing of ours is left");
        cluster.stop().await.expect("all is given back");
    });
}

#[test]
fn what_a_dead_controller_left_is_undone_by_the_next() {
    let Some(machines) = Machines::borrow("a dead controller") else { return };
    if left_out() {
        return;
    }
    run(async {
        let _turn = TURN.lock().await;
        let cluster = MachineCluster::start(spec(&machines, "dead")).await.expect("it is reached");
        let before = rules(&cluster, 2).await;
        echo(&cluster).await;
        let network = cluster.cluster().network.expect("it can be shaped");
        network.impose(LayerId(4), &[(link(0, 2), cut())]).await.expect("cut");
        assert_ne!(rules(&cluster, 2).await, before);
        drop((network, cluster));
        let error = MachineCluster::start(spec(&machines, "other")).await.expect_err("the nodes are taken");
        assert!(
            error.to_string().contains("n1: run dead has it") && error.to_string().contains("disprove heal"),
            "{error}"
        );
        let next = MachineCluster::resume(spec(&machines, "dead")).await.expect("it is reached");
        let network = next.cluster().network.expect("it can be shaped");
        network.lift(LayerId(4)).await.expect("mended by who did not cut it");
        assert_eq!(rules(&next, 2).await, before);
        next.stop().await.expect("all is given back");
        let other = MachineCluster::start(spec(&machines, "other")).await.expect("the nodes are free");
        let left =
            other.remote(NodeId(0)).exec(&["ls", "/var/tmp/disprove"], b"", LONG).await.expect("it runs");
        assert!(!text(&left.stdout).lines().any(|name| name == "dead"), "{}", text(&left.stdout));
        other.stop().await.expect("all is given back");
    });
}
