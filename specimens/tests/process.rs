//! Five real processes on loopback addresses: they elect a leader, survive its death, and lose nothing.

use std::{
    net::{Ipv4Addr, SocketAddr},
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::atomic::{AtomicU8, Ordering},
    time::{Duration, Instant},
};

use disprove_specimens::{
    Disease, Settings, Timing,
    client::SpecimenClient,
    runtime::{CLOCK_FILE, Launch, ROLE},
};
use history::{
    NodeId, Outcome, Value,
    vocabulary::{
        Register,
        register::{Call, Return},
    },
};

const NODES: u16 = 5;

struct Hosts {
    addresses: Vec<SocketAddr>,
    folder: PathBuf,
    disease: Disease,
    children: Vec<Option<Child>>,
}

impl Hosts {
    fn start_all(name: &str, disease: Disease) -> Self {
        // Every cluster has loopback addresses of its own. With ports that the kernel deals, a node that was killed
        // would free its port for a node of another test, and nobody would notice whom they talk to.
        static CLUSTERS: AtomicU8 = AtomicU8::new(1);
        let cluster = CLUSTERS.fetch_add(1, Ordering::Relaxed);
        let [high, low] = (std::process::id() as u16).to_be_bytes();
        let address = Ipv4Addr::new(127, 64 | high & 63, low, cluster);
        let addresses = (0..NODES).map(|node| SocketAddr::from((address, 7400 + node))).collect();
        let folder = std::env::temp_dir().join(format!("specimen-{name}-{}", std::process::id()));
        let mut hosts = Self { addresses, folder, disease, children: Vec::new() };
        for node in 0..NODES {
            let child = hosts.spawn(node);
            hosts.children.push(Some(child));
        }
        hosts
    }

    fn spawn(&self, node: u16) -> Child {
        let timing = Timing::default();
        let launch = Launch {
            settings: Settings {
                id: NodeId(node),
                nodes: NODES,
                disease: self.disease,
                version: cluster::Version::Old,
                incarnation: 0,
                timing,
                seed: 0,
            },
            addresses: self.addresses.clone(),
            names: Vec::new(),
            folder: self.folder.join(format!("n{node}")),
        };
        let (name, value) = launch.to_environment().expect("it can be written down");
        Command::new(cluster::reexec::SELF)
            .env(cluster::reexec::ROLE, ROLE)
            .env(name, value)
            .stdin(Stdio::null())
            .spawn()
            .expect("the test starts itself again")
    }

    fn kill(&mut self, node: u16) {
        let mut child = self.children[usize::from(node)].take().expect("it runs");
        child.kill().expect("it is killed");
        child.wait().expect("it ended");
    }

    fn restart(&mut self, node: u16) {
        self.children[usize::from(node)] = Some(self.spawn(node));
    }

    async fn client(&self, node: u16) -> Option<SpecimenClient> {
        SpecimenClient::open(self.addresses[usize::from(node)]).await.ok()
    }

    /// Tries a call at a node until it succeeds, and says how long that took.
    async fn call(&self, node: u16, call: &Call) -> (Return, Duration) {
        let began = Instant::now();
        while began.elapsed() < Duration::from_secs(10) {
            if let Some(mut client) = self.client(node).await
                && let Outcome::Ok(returned) = client.call::<Register>(call).await
            {
                return (returned, began.elapsed());
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("{call:?} at node {node} did not succeed in 10 s")
    }

    /// What every node says of itself, and the end of its journal: what a person needs to find a lost write.
    async fn told(&self) -> String {
        let mut told = String::new();
        for node in 0..NODES {
            let status = match self.client(node).await {
                Some(mut client) => format!("{:?}", client.status().await),
                None => "not reached".into(),
            };
            let journal = std::fs::read_to_string(self.folder.join(format!("n{node}/journal")));
            told += &format!("n{node} {status}\n{}\n", journal.unwrap_or_else(|error| error.to_string()));
        }
        told
    }

    async fn leader(&self) -> u16 {
        for _ in 0..200 {
            for node in 0..NODES {
                if let Some(mut client) = self.client(node).await
                    && client.status().await.is_ok_and(|status| status.leads)
                {
                    return node;
                }
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("nobody leads")
    }
}

impl Drop for Hosts {
    fn drop(&mut self) {
        for mut child in self.children.drain(..).flatten() {
            let _ended = child.kill().and_then(|()| child.wait());
        }
        let _removed = std::fs::remove_dir_all(&self.folder);
    }
}

fn block_on(test: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(test);
}

fn write(key: i64, value: i64) -> Call {
    Call::Write(key.into(), value.into())
}

#[test]
fn nothing_is_lost_when_the_leader_and_then_everybody_is_killed() {
    block_on(async {
        let mut hosts = Hosts::start_all("kill", Disease::None);
        for node in 0..NODES {
            hosts.call(node, &write(i64::from(node), 7)).await;
        }
        let leader = hosts.leader().await;
        let other = (leader + 1) % NODES;
        hosts.kill(leader);
        let (_, failover) = hosts.call(other, &write(100, 8)).await;
        println!("failover took {failover:?}");
        assert!(failover < Duration::from_secs(3), "failover took {failover:?}");
        hosts.restart(leader);
        let (returned, _) = hosts.call(leader, &Call::Read(100.into())).await;
        assert_eq!(returned, Return::Value(Some(8.into())));

        for node in 0..NODES {
            hosts.kill(node);
        }
        for node in 0..NODES {
            hosts.restart(node);
        }
        for node in 0..NODES {
            let (returned, _) = hosts.call(node, &Call::Read(i64::from(node).into())).await;
            assert_eq!(returned, Return::Value(Some(7.into())), "node {node}\n{}", hosts.told().await);
        }
    });
}

#[test]
fn what_was_never_synced_is_lost_when_everybody_is_killed() {
    block_on(async {
        let mut hosts = Hosts::start_all("no-fsync", Disease::NoFsync);
        hosts.call(0, &write(1, 1)).await;
        for node in 0..NODES {
            hosts.kill(node);
        }
        for node in 0..NODES {
            hosts.restart(node);
        }
        let (returned, _) = hosts.call(0, &Call::Read(1.into())).await;
        assert_eq!(returned, Return::Value(Some(Value::Nil)));
    });
}

#[test]
fn the_last_write_does_not_win_when_its_clock_is_behind() {
    block_on(async {
        let hosts = Hosts::start_all("clock", Disease::LastWriteWins);
        hosts.call(0, &write(1, 1)).await;
        let file = hosts.folder.join("n3").join(CLOCK_FILE);
        std::fs::write(file, "-60000\n").expect("the offset is written");
        tokio::time::sleep(Duration::from_millis(300)).await;
        hosts.call(3, &write(1, 2)).await;
        let (returned, _) = hosts.call(4, &Call::Read(1.into())).await;
        assert_eq!(returned, Return::Value(Some(1.into())));
    });
}

#[test]
fn every_disease_serves_as_long_as_nothing_happens() {
    block_on(async {
        for &disease in Disease::all() {
            let hosts = Hosts::start_all(&format!("serves-{disease}"), disease);
            for node in 0..NODES {
                let (returned, _) = hosts.call(node, &write(1, i64::from(node))).await;
                assert_eq!(returned, Return::Written, "{disease}");
            }
            let mut client = hosts.client(2).await.expect("it runs");
            let began = Instant::now();
            let mut ok = 0;
            while began.elapsed() < Duration::from_millis(500) {
                let Outcome::Ok(_) = client.call::<Register>(&write(2, ok)).await else { continue };
                ok += 1;
            }
            println!("{disease}: {} writes a second by one client", ok * 2);
            assert!(ok > 0, "{disease} serves");
        }
    });
}
