//! Real servers on loopback addresses of their own, which end with their tests; and what is asked of every one of them.

use std::{
    collections::BTreeSet,
    io::{Read as _, Write as _},
    net::{IpAddr, TcpStream},
    path::PathBuf,
    process::{Child, Command, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};

use cluster::{Client, ClientFactory, Cluster, Node};
use history::{
    Key, NodeId, Outcome, Queue, Value, Vocabulary,
    vocabulary::{
        queue,
        register::{Call, Register, Return},
    },
};

/// Long enough for anything on a machine that has much else to do.
pub const LONG: Duration = Duration::from_secs(90);

/// A server on a loopback address of its own, which ends with its test.
pub struct Server {
    child: Child,
    pub cluster: Cluster,
    pub folder: PathBuf,
    pub address: String,
    port: u16,
}

impl Server {
    /// Starts a program, told its address and a folder of its own, and waits until its port answers.
    pub fn start(
        program: &str,
        number: u8,
        port: u16,
        arguments: impl Fn(&str, &str) -> Vec<String>,
    ) -> Option<Self> {
        Self::prepared(program, number, port, |_, _| true, arguments, &[])
    }

    /// The same after `prepare` has made ready what it needs; `false` is that it is not installed.
    pub fn prepared(
        program: &str,
        number: u8,
        port: u16,
        prepare: impl Fn(&str, &str) -> bool,
        arguments: impl Fn(&str, &str) -> Vec<String>,
        env: &[(&str, String)],
    ) -> Option<Self> {
        let pid = std::process::id();
        let address = format!("127.{}.{}.{}", 110 + number, (pid >> 8) & 0xff, (pid & 0xff).clamp(2, 254));
        let folder = std::env::temp_dir().join(format!("disprove-provoked-{pid}-{number}"));
        std::fs::create_dir_all(&folder).expect("a folder can be made");
        let shown = folder.display().to_string();
        let name = program.rsplit('/').next().unwrap_or(program);
        let left_out = || {
            println!("left out: the errors of {name} (it is not installed)");
            let _ = std::fs::remove_dir_all(&folder);
        };
        if !prepare(&address, &shown) {
            left_out();
            return None;
        }
        let mut command = Command::new(program);
        command.args(arguments(&address, &shown)).envs(env.iter().cloned()).current_dir(&folder);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let Ok(child) = command.spawn() else {
            left_out();
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
        let cluster = Cluster { nodes: vec![node], network: None };
        let this = Self { child, cluster, folder, address, port };
        let began = Instant::now();
        while TcpStream::connect((this.address.as_str(), port)).is_err() {
            assert!(began.elapsed() < LONG, "{program} does not serve");
            sleep(Duration::from_millis(20));
        }
        Some(this)
    }

    /// A session, once there is one.
    pub async fn open<V: Vocabulary>(
        &self,
        clients: &(impl ClientFactory<V> + ?Sized),
    ) -> Box<dyn Client<V>> {
        let began = Instant::now();
        loop {
            // Some servers never answer a session that was asked for while they were still starting.
            let opening = clients.open(&self.cluster, &self.cluster.nodes[0]);
            match tokio::time::timeout(Duration::from_secs(5), opening).await {
                Ok(Ok(client)) => return client,
                Ok(Err(why)) => assert!(began.elapsed() < LONG, "{why}"),
                Err(_) => assert!(began.elapsed() < LONG, "no session"),
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// A connection of nobody's session.
    pub fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect((self.address.as_str(), self.port)).expect("it serves");
        stream.set_read_timeout(Some(LONG)).expect("a time-out can be set");
        stream
    }

    /// What is answered to this on a connection of nobody's session, as soon as anything is.
    pub fn say(&self, question: &[u8]) -> String {
        let mut stream = self.connect();
        stream.write_all(question).expect("it listens");
        let mut buffer = [0; 4096];
        let length = stream.read(&mut buffer).expect("it answers");
        String::from_utf8_lossy(&buffer[..length]).into_owned()
    }

    fn signal(&self, name: &str) {
        let sent = Command::new("kill").args([&format!("-{name}"), &self.child.id().to_string()]).status();
        assert!(sent.expect("kill is there").success());
    }

    /// Asks something of a server that has stopped to answer, and ends it then: nobody knows what became of that.
    pub async fn doubt<V: Vocabulary>(&mut self, client: &mut dyn Client<V>, call: &V::Call) {
        self.signal("STOP");
        let outcome = {
            let asked = client.invoke(call);
            tokio::pin!(asked);
            let early = tokio::time::timeout(Duration::from_millis(300), &mut asked).await;
            assert!(early.is_err(), "a server that stands still has answered");
            self.signal("KILL");
            asked.await
        };
        assert!(matches!(outcome, Outcome::Unknown(_)), "a write without an answer is in doubt");
        assert!(client.is_broken());
        self.child.wait().expect("it ends");
    }

    /// Nobody opens a session with a server that is gone.
    pub async fn is_gone<V: Vocabulary>(&self, clients: &(impl ClientFactory<V> + ?Sized)) {
        let opened = clients.open(&self.cluster, &self.cluster.nodes[0]).await;
        assert!(opened.is_err(), "nothing is sent where nobody listens");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

pub fn key(name: &str) -> Key {
    Key::from(name)
}

pub fn number(number: i64) -> Value {
    Value::Int(number)
}

/// What a call that certainly was not done says.
pub fn failed<R: std::fmt::Debug>(outcome: Outcome<R>) -> String {
    let Outcome::Fail(why) = outcome else { panic!("it is not certain that nothing was done: {outcome:?}") };
    why.to_string()
}

/// What a call of which nobody knows says.
pub fn in_doubt<R: std::fmt::Debug>(outcome: Outcome<R>) -> String {
    let Outcome::Unknown(why) = outcome else { panic!("it is believed to be certain: {outcome:?}") };
    why.to_string()
}

/// One of several that swap the value of one register for values of their own: what it wrote, and what it was refused.
async fn swap_often(mut client: Box<dyn Client<Register>>, who: i64) -> (Vec<i64>, Vec<i64>, Vec<Value>) {
    let (mut done, mut failed, mut seen) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..150 {
        let Outcome::Ok(Return::Value(Some(from))) = client.invoke(&Call::Read(key("race"))).await else {
            panic!("it can be read");
        };
        seen.push(from.clone());
        let to = who * 1000 + round;
        match client.invoke(&Call::Cas(key("race"), from, number(to))).await {
            Outcome::Ok(Return::Swapped) => done.push(to),
            Outcome::Ok(Return::Refused) | Outcome::Fail(_) => failed.push(to),
            other => panic!("nothing is in doubt here: {other:?}"),
        }
        assert!(!client.is_broken());
    }
    (done, failed, seen)
}

/// What comparing systems refuse because somebody was faster was certainly not done: nobody ever reads it.
pub async fn race<C: ClientFactory<Register>>(server: &Server, clients: &C) {
    let mut first = server.open::<Register>(clients).await;
    assert_eq!(first.invoke(&Call::Write(key("race"), number(0))).await, Outcome::Ok(Return::Written));
    let mut racers = Vec::new();
    for who in 1..=4 {
        racers.push(tokio::spawn(swap_often(server.open::<Register>(clients).await, who)));
    }
    let (mut done, mut refused, mut seen) = (0, BTreeSet::new(), BTreeSet::new());
    for racer in racers {
        let (own, failed, read) = racer.await.expect("it ends");
        done += own.len();
        refused.extend(failed.into_iter().map(number));
        seen.extend(read);
    }
    assert!(done > 0 && !refused.is_empty(), "{done} swaps, {} refused", refused.len());
    let false_refusals: Vec<&Value> = refused.intersection(&seen).collect();
    assert!(false_refusals.is_empty(), "refused, and there nevertheless: {false_refusals:?}");
}

/// Three sessions empty one queue at once: each element comes out once, and who was told that another session took it took nothing.
pub async fn share_out(server: &Server, clients: &impl ClientFactory<Queue>) {
    let mut client = server.open::<Queue>(clients).await;
    for element in 0..100 {
        let put = client.invoke(&queue::Call::Enqueue(key("q"), number(element))).await;
        assert_eq!(put, Outcome::Ok(queue::Return::Enqueued));
    }
    let mut takers = Vec::new();
    for _ in 0..3 {
        let mut client = server.open::<Queue>(clients).await;
        takers.push(tokio::spawn(async move {
            let (mut taken, mut refused) = (Vec::new(), 0);
            loop {
                match client.invoke(&queue::Call::Dequeue(key("q"))).await {
                    Outcome::Ok(queue::Return::Dequeued(element)) => taken.push(element),
                    Outcome::Ok(_) => return (taken, refused),
                    outcome => {
                        assert!(failed(outcome).contains("another session took"));
                        refused += 1;
                    }
                }
            }
        }));
    }
    let (mut taken, mut refused) = (Vec::new(), 0);
    for taker in takers {
        let (own, not) = taker.await.expect("it ends");
        taken.extend(own);
        refused += not;
    }
    taken.sort();
    assert!(refused > 0, "nobody came in between");
    assert_eq!(taken, (0..100).map(number).collect::<Vec<_>>());
}
