//! RabbitMQ: queues that cannot be made, messages that come back, refusals, and what is in doubt.

use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
};

use disprove_databases::{
    Rabbitmq,
    rabbitmq::{RabbitmqClients, Topology},
};
use history::{
    Mutex, Outcome, Queue,
    vocabulary::{
        lock,
        queue::{Call, Return},
    },
};

use crate::server::{Server, failed, in_doubt, key, number};

const PROGRAM: &str = "/usr/lib/rabbitmq/bin/rabbitmq-server";
const CONTROL: &str = "/usr/lib/rabbitmq/bin/rabbitmqctl";

/// A server with a directory of names (epmd) of its own, which is ended with it.
struct Broker {
    server: Server,
    env: Vec<(&'static str, String)>,
}

impl Broker {
    fn start() -> Option<Self> {
        let pid = std::process::id();
        let folder = std::env::temp_dir().join(format!("disprove-provoked-{pid}-41"));
        let inside = |name: &str| folder.join(name).display().to_string();
        let address = format!("127.{}.{}.{}", 151, (pid >> 8) & 0xff, (pid & 0xff).clamp(2, 254));
        let env = vec![
            ("HOME", folder.display().to_string()),
            ("RABBITMQ_NODENAME", format!("rabbit@{address}")),
            ("RABBITMQ_USE_LONGNAME", "true".into()),
            ("RABBITMQ_DIST_PORT", "25672".into()),
            ("RABBITMQ_MNESIA_BASE", inside("mnesia")),
            ("RABBITMQ_LOG_BASE", inside("log")),
            ("RABBITMQ_LOGS", "-".into()),
            ("RABBITMQ_CONFIG_FILE", inside("rabbitmq.conf")),
            ("RABBITMQ_ENABLED_PLUGINS_FILE", inside("plugins")),
            ("RABBITMQ_PID_FILE", inside("pid")),
            ("RABBITMQ_CONF_ENV_FILE", "/dev/null".into()),
            ("RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS", "+S 2:2 +sbwt none".into()),
            ("ERL_EPMD_PORT", (20_000 + pid % 10_000).to_string()),
            ("ERL_EPMD_ADDRESS", address),
        ];
        let prepare = |address: &str, folder: &str| {
            let settings = format!("listeners.tcp.1 = {address}:5672\nloopback_users = none\n");
            let written =
                [("rabbitmq.conf", settings.as_str()), ("plugins", "[].\n"), (".erlang.cookie", "DISPROVE")];
            written.iter().all(|(name, text)| fs::write(format!("{folder}/{name}"), text).is_ok())
                && Command::new("chmod").arg("400").arg(format!("{folder}/.erlang.cookie")).status().is_ok()
                && Path::new(PROGRAM).exists()
        };
        let server = Server::prepared(PROGRAM, 41, 5672, prepare, |_, _| Vec::new(), &env)?;
        Some(Self { server, env })
    }

    fn control(&self, arguments: &[&str]) {
        let mut command = Command::new(CONTROL);
        command
            .arg("--longnames")
            .args(["-n", &self.env[1].1])
            .args(arguments)
            .envs(self.env.iter().cloned());
        let done = command.stdin(Stdio::null()).output().expect("it starts");
        assert!(done.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&done.stderr));
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        // The program is a shell that waits for Erlang's machine, which is told to end by its own means.
        let mut stop = Command::new(CONTROL);
        stop.arg("--longnames").args(["-n", &self.env[1].1, "shutdown"]).envs(self.env.iter().cloned());
        let _ = stop.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status();
        let mut end = Command::new("epmd");
        end.arg("-kill").envs(self.env.iter().cloned());
        let _ = end.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status();
    }
}

#[tokio::test]
async fn only_what_comes_back_or_has_no_queue_was_certainly_not_queued() {
    let Some(broker) = Broker::start() else { return };
    let server = &broker.server;
    let clients = RabbitmqClients(Rabbitmq::default());
    let mut client = server.open::<Queue>(&clients).await;
    let put = client.invoke(&Call::Enqueue(key("q"), number(1))).await;
    assert_eq!(put, Outcome::Ok(Return::Enqueued));
    // A queue of the same name and another kind: it cannot be made, and nothing was published.
    let classic = RabbitmqClients(Rabbitmq { topology: Topology::Mirrored, ..Rabbitmq::default() });
    let mut other = server.open::<Queue>(&classic).await;
    let why = failed(other.invoke(&Call::Enqueue(key("q"), number(2))).await);
    assert!(why.contains("406") && other.is_broken(), "{why}");
    // A queue that is gone: the message comes back.
    broker.control(&["delete_queue", "q"]);
    let why = failed(client.invoke(&Call::Enqueue(key("q"), number(3))).await);
    assert!(why.contains("came back") && !client.is_broken(), "{why}");
    // To take something out of it ends the session, and nobody can tell that from a lost answer.
    let why = in_doubt(client.invoke(&Call::Dequeue(key("q"))).await);
    assert!(why.contains("404") && client.is_broken(), "{why}");
    // Nothing of what failed was queued.
    let mut client = server.open::<Queue>(&clients).await;
    assert_eq!(client.invoke(&Call::Dequeue(key("q"))).await, Outcome::Ok(Return::Empty));
    // A queue that is full and refuses: a nack, for which the server gives no promise.
    let full = r#"{"max-length": 1, "overflow": "reject-publish"}"#;
    broker.control(&["set_policy", "full", "^full$", full, "--apply-to", "queues"]);
    let mut refused = 0;
    for element in 0..20 {
        match client.invoke(&Call::Enqueue(key("full"), number(element))).await {
            Outcome::Ok(_) => {}
            outcome => {
                assert_eq!(in_doubt(outcome), "nack");
                refused += 1;
            }
        }
    }
    assert!(refused > 0 && !client.is_broken(), "{refused} were refused");
    a_lock_is_had_by_one(server).await;
    // A connection that the server closes while something is asked of it.
    broker.control(&["close_all_connections", "a test"]);
    in_doubt(client.invoke(&Call::Enqueue(key("full"), number(99))).await);
    assert!(client.is_broken());
}

/// A lock that somebody has is not given to anybody else, and ends with the session of its holder.
async fn a_lock_is_had_by_one(server: &Server) {
    use cluster::Database as _;
    let clients = Rabbitmq::default().speaks().factory::<Mutex>().expect("it is spoken");
    let (key, owner) = (|| key("lock"), || number(1));
    let mut first = server.open::<Mutex>(clients.as_ref()).await;
    let mut second = server.open::<Mutex>(clients.as_ref()).await;
    let acquire = lock::Call::Acquire(key(), owner());
    let release = lock::Call::Release(key(), owner());
    assert_eq!(first.invoke(&acquire).await, Outcome::Ok(lock::Return::Acquired));
    for _ in 0..3 {
        let why = failed(second.invoke(&acquire).await);
        assert!(why.contains("empty") && !second.is_broken(), "{why}");
    }
    // Not taken in this session: nothing is asked of anybody.
    failed(second.invoke(&release).await);
    assert_eq!(first.invoke(&release).await, Outcome::Ok(lock::Return::Released));
    let mut had = second.invoke(&acquire).await;
    let began = std::time::Instant::now();
    // It is on its way back for a moment.
    while had != Outcome::Ok(lock::Return::Acquired) {
        assert!(began.elapsed() < crate::server::LONG, "{had:?}");
        had = second.invoke(&acquire).await;
    }
    drop(second);
    let mut again = first.invoke(&acquire).await;
    while again != Outcome::Ok(lock::Return::Acquired) {
        assert!(began.elapsed() < crate::server::LONG, "{again:?}");
        again = first.invoke(&acquire).await;
    }
}
