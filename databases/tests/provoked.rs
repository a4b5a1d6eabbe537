//! Errors of real servers, provoked, and what the clients make of them. A server that is not installed is left out by name.
#![cfg(all(feature = "memcached", feature = "nats"))]

use std::{
    net::{IpAddr, TcpStream},
    path::PathBuf,
    process::{Child, Command, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};

use cluster::{Client, ClientFactory, Cluster, Node};
use disprove_databases::{
    memcached::MemcachedClients,
    nats::{NatsClients, Reads},
};
use history::{
    Key, NodeId, Outcome, Value,
    vocabulary::register::{Call, Register, Return},
};

/// Long enough for anything on a machine that has much else to do.
const LONG: Duration = Duration::from_secs(60);

/// A server on a loopback address of its own, which ends with its test.
struct Server {
    child: Child,
    cluster: Cluster,
    folder: PathBuf,
}

impl Server {
    fn start(
        program: &str,
        number: u8,
        port: u16,
        arguments: impl Fn(&str, &str) -> Vec<String>,
    ) -> Option<Self> {
        let pid = std::process::id();
        let address = format!("127.{}.{}.{}", 110 + number, (pid >> 8) & 0xff, (pid & 0xff).clamp(2, 254));
        let folder = std::env::temp_dir().join(format!("disprove-provoked-{pid}-{program}"));
        std::fs::create_dir_all(&folder).expect("a folder can be made");
        let mut command = Command::new(program);
        command.args(arguments(&address, &folder.display().to_string()));
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let Ok(child) = command.spawn() else {
            println!("left out: the errors of {program} (sudo apt-get install {program})");
            return None;
        };
        let node = Node {
            id: NodeId(0),
            name: "n1".into(),
            address: address.parse::<IpAddr>().expect("it is an address"),
            port_offset: 0,
            data: PathBuf::new(),
            logs: PathBuf::new(),
            remote: None,
        };
        let this = Self { child, cluster: Cluster { nodes: vec![node], network: None }, folder };
        let began = Instant::now();
        while TcpStream::connect((address.as_str(), port)).is_err() {
            assert!(began.elapsed() < LONG, "{program} does not serve");
            sleep(Duration::from_millis(20));
        }
        Some(this)
    }

    async fn open(&self, clients: &impl ClientFactory<Register>) -> Box<dyn Client<Register>> {
        clients.open(&self.cluster, &self.cluster.nodes[0]).await.expect("it serves")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

fn key(name: &str) -> Key {
    Key::from(name)
}

#[tokio::test]
async fn a_message_that_no_stream_takes_went_nowhere() {
    let arguments = |address: &str, folder: &str| {
        ["-a", address, "-p", "4222", "-js", "-sd", folder].map(str::to_owned).to_vec()
    };
    let Some(server) = Server::start("nats-server", 1, 4222, arguments) else { return };
    let mut client = server.open(&NatsClients { reads: Reads::Leader }).await;
    let written = client.invoke(&Call::Write(key("x"), Value::Int(1))).await;
    let Outcome::Fail(why) = written else { panic!("{written:?}") };
    assert!(why.to_string().starts_with("503"), "{why}");
    // A read of a stream that is not there is no observation either.
    let read = client.invoke(&Call::Read(key("x"))).await;
    assert!(matches!(read, Outcome::Fail(_)), "{read:?}");
    assert!(!client.is_broken());
}

#[tokio::test]
async fn a_cache_that_refuses_a_value_has_forgotten_the_one_before() {
    let arguments = |address: &str, _: &str| {
        let flags = ["-u", "root", "-l", address, "-p", "11211", "-U", "0", "-m", "16"];
        flags.map(str::to_owned).to_vec()
    };
    let Some(server) = Server::start("memcached", 2, 11211, arguments) else { return };
    let mut client = server.open(&MemcachedClients).await;
    let written = client.invoke(&Call::Write(key("x"), Value::Int(1))).await;
    assert!(matches!(written, Outcome::Ok(Return::Written)), "{written:?}");
    let made = client.invoke(&Call::Cas(key("x"), Value::Nil, Value::Int(2))).await;
    assert!(matches!(made, Outcome::Ok(Return::Refused)), "{made:?}");
    let large = Value::from("a".repeat(1_200_000).as_str());
    let written = client.invoke(&Call::Write(key("x"), large)).await;
    let Outcome::Unknown(why) = written else { panic!("{written:?}") };
    assert!(why.to_string().starts_with("SERVER_ERROR"), "{why}");
    // That is why it is not certain that nothing was done.
    let read = server.open(&MemcachedClients).await.invoke(&Call::Read(key("x"))).await;
    assert!(matches!(read, Outcome::Ok(Return::Value(Some(Value::Nil)))), "{read:?}");
    // A line that is refused ends the session: what follows it may be taken for another line.
    let long = "k".repeat(300);
    let mut client = server.open(&MemcachedClients).await;
    let written = client.invoke(&Call::Write(key(&long), Value::Int(1))).await;
    assert!(matches!(written, Outcome::Fail(_)) && client.is_broken(), "{written:?}");
}
