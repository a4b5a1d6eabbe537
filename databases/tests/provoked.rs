//! Errors of real servers, provoked, and what the clients make of them. A server that is not installed is left out by name.
#![cfg(all(feature = "memcached", feature = "nats", feature = "redis", feature = "tarantool"))]

use std::{
    net::{IpAddr, TcpStream},
    path::PathBuf,
    process::{Child, Command, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};

use cluster::{Client, ClientFactory, Cluster, Node};
use disprove_databases::{
    Nats, Redis, memcached::MemcachedClients, nats::NatsClients, redis::RedisClients,
    tarantool::TarantoolClients,
};
use history::{
    Counter, Key, Lease, Mutex, NodeId, Outcome, Queue, Value, Vocabulary,
    vocabulary::{
        counter, lease, lock, queue,
        register::{Call, Register, Return},
    },
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
        let folder = std::env::temp_dir().join(format!("disprove-provoked-{pid}-{number}-{program}"));
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

    async fn open<V: Vocabulary>(&self, clients: &impl ClientFactory<V>) -> Box<dyn Client<V>> {
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
    let mut client = server.open::<Register>(&NatsClients(Nats::default())).await;
    let written = client.invoke(&Call::Write(key("x"), Value::Int(1))).await;
    let Outcome::Fail(why) = written else { panic!("{written:?}") };
    assert!(why.to_string().starts_with("503"), "{why}");
    // A read of a stream that is not there is no observation either.
    let read = client.invoke(&Call::Read(key("x"))).await;
    assert!(matches!(read, Outcome::Fail(_)), "{read:?}");
    assert!(!client.is_broken());
}

#[tokio::test]
async fn a_lock_that_somebody_has_fails_and_a_lease_that_ended_is_refused() {
    let arguments = |address: &str, folder: &str| {
        let flags = ["--bind", address, "--port", "6379", "--save", "", "--dir", folder];
        flags.map(str::to_owned).to_vec()
    };
    let Some(server) = Server::start("redis-server", 3, 6379, arguments) else { return };
    let clients = RedisClients(Redis::default());
    let (one, other) = (Value::Int(1), Value::Int(2));
    let mut first = server.open::<Mutex>(&clients).await;
    let mut second = server.open::<Mutex>(&clients).await;
    let had = first.invoke(&lock::Call::Acquire(key("l"), one.clone())).await;
    assert!(matches!(had, Outcome::Ok(lock::Return::Acquired)), "{had:?}");
    // Nothing is known of a lock by not having it, since it may end at any moment.
    let had = second.invoke(&lock::Call::Acquire(key("l"), other.clone())).await;
    assert!(matches!(had, Outcome::Fail(_)) && !second.is_broken(), "{had:?}");
    let (mut first, mut second) =
        (server.open::<Lease>(&clients).await, server.open::<Lease>(&clients).await);
    let tenth = 100_000_000;
    let had = first.invoke(&lease::Call::Acquire(key("t"), one.clone(), tenth)).await;
    assert!(matches!(had, Outcome::Ok(lease::Return::Acquired)), "{had:?}");
    let began = Instant::now();
    while second.invoke(&lease::Call::Acquire(key("t"), other.clone(), 60_000_000_000)).await
        != Outcome::Ok(lease::Return::Acquired)
    {
        assert!(began.elapsed() < LONG, "the lease does not end");
        sleep(Duration::from_millis(10));
    }
    for call in [lease::Call::Renew(key("t"), one.clone(), tenth), lease::Call::Release(key("t"), one)] {
        let refused = first.invoke(&call).await;
        assert!(matches!(refused, Outcome::Ok(lease::Return::Refused)), "{refused:?}");
    }
}

#[tokio::test]
async fn a_queue_that_cannot_be_made_took_nothing() {
    let arguments = |address: &str, folder: &str| {
        ["-a", address, "-p", "4222", "-js", "-sd", folder].map(str::to_owned).to_vec()
    };
    let Some(server) = Server::start("nats-server", 4, 4222, arguments) else { return };
    let clients = NatsClients(Nats::default());
    let mut client = server.open::<Queue>(&clients).await;
    // There is no stream yet whose replicas it could have as many of: nothing was published.
    let put = client.invoke(&queue::Call::Enqueue(key("q"), Value::Int(7))).await;
    assert!(matches!(put, Outcome::Fail(_)), "{put:?}");
}

#[tokio::test]
async fn a_cache_that_refuses_a_value_has_forgotten_the_one_before() {
    let arguments = |address: &str, _: &str| {
        let flags = ["-u", "root", "-l", address, "-p", "11211", "-U", "0", "-m", "16"];
        flags.map(str::to_owned).to_vec()
    };
    let Some(server) = Server::start("memcached", 2, 11211, arguments) else { return };
    let mut client = server.open::<Register>(&MemcachedClients::default()).await;
    let written = client.invoke(&Call::Write(key("x"), Value::Int(1))).await;
    assert!(matches!(written, Outcome::Ok(Return::Written)), "{written:?}");
    let made = client.invoke(&Call::Cas(key("x"), Value::Nil, Value::Int(2))).await;
    assert!(matches!(made, Outcome::Ok(Return::Refused)), "{made:?}");
    let large = Value::from("a".repeat(1_200_000).as_str());
    let written = client.invoke(&Call::Write(key("x"), large)).await;
    let Outcome::Unknown(why) = written else { panic!("{written:?}") };
    assert!(why.to_string().starts_with("SERVER_ERROR"), "{why}");
    // That is why it is not certain that nothing was done.
    let read =
        server.open::<Register>(&MemcachedClients::default()).await.invoke(&Call::Read(key("x"))).await;
    assert!(matches!(read, Outcome::Ok(Return::Value(Some(Value::Nil)))), "{read:?}");
    // A line that is refused ends the session: what follows it may be taken for another line.
    let long = "k".repeat(300);
    let mut client = server.open::<Register>(&MemcachedClients::default()).await;
    let written = client.invoke(&Call::Write(key(&long), Value::Int(1))).await;
    assert!(matches!(written, Outcome::Fail(_)) && client.is_broken(), "{written:?}");
}

/// A server of Tarantool with the procedures of the adapter, and what is done before and after they are made.
fn tarantool(number: u8, settings: &str, before: &str, after: &str) -> Option<Server> {
    Server::start("tarantool", number, 3301, |address, folder| {
        let procedures = include_str!("../src/tarantool/procedures.lua");
        let begin = format!("box.cfg {{ listen = '{address}:3301', work_dir = '{folder}', {settings} }}");
        let file = format!("{folder}/test.lua");
        std::fs::write(&file, format!("{begin}\n{before}\n{procedures}\n{after}\n"))
            .expect("a file can be written");
        vec![file]
    })
}

/// The server listens before it has its procedures: asks until it has answered this.
async fn once_begun(server: &Server) {
    let began = Instant::now();
    let read = Call::Read(key("x"));
    while !matches!(server.open::<Register>(&TarantoolClients).await.invoke(&read).await, Outcome::Ok(_)) {
        assert!(began.elapsed() < LONG, "tarantool has no procedures");
        sleep(Duration::from_millis(20));
    }
}

#[tokio::test]
async fn a_write_without_a_quorum_was_seen_before_it_was_taken_back() {
    let settings = "replication_synchro_quorum = 2, replication_synchro_timeout = 0.5";
    let Some(server) = tarantool(5, settings, "is_sync = true", "") else { return };
    once_begun(&server).await;
    let mut writer = server.open::<Register>(&TarantoolClients).await;
    let mut reader = server.open::<Register>(&TarantoolClients).await;
    let writing = tokio::spawn(async move { writer.invoke(&Call::Write(key("x"), Value::Int(1))).await });
    let is_one = |read: &Outcome<Return>| *read == Outcome::Ok(Return::Value(Some(Value::Int(1))));
    let (began, mut seen) = (Instant::now(), false);
    while !writing.is_finished() {
        assert!(began.elapsed() < LONG, "the write does not end");
        seen |= is_one(&reader.invoke(&Call::Read(key("x"))).await);
    }
    let written = writing.await.expect("it does not panic");
    let Outcome::Unknown(why) = written else { panic!("{written:?}") };
    assert!(why.to_string().starts_with("216"), "{why}");
    assert!(seen, "nobody saw it");
    let read = reader.invoke(&Call::Read(key("x"))).await;
    assert!(!is_one(&read), "it is there: {read:?}");
}

#[tokio::test]
async fn a_server_that_only_reads_and_one_without_procedures_changed_nothing() {
    let Some(server) = tarantool(6, "", "", "box.cfg { read_only = true } disprove_count = nil") else {
        return;
    };
    once_begun(&server).await;
    let began = Instant::now();
    loop {
        let mut client = server.open::<Counter>(&TarantoolClients).await;
        match client.invoke(&counter::Call::Add(key("c"), 1)).await {
            Outcome::Fail(why) if why.to_string().starts_with("33:") => break,
            other => assert!(began.elapsed() < LONG, "{other:?}"),
        }
    }
    let mut client = server.open::<Register>(&TarantoolClients).await;
    let written = client.invoke(&Call::Write(key("x"), Value::Int(1))).await;
    let Outcome::Fail(why) = written else { panic!("{written:?}") };
    assert!(why.to_string().starts_with("7:") && !client.is_broken(), "{why}");
}
