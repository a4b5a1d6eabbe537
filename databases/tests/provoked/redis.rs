//! Redis: errors that its servers give before they carry a command out, those that they give within a transaction, and what
//! is in doubt.

use std::{
    io::{BufRead as _, BufReader, Write as _},
    thread::sleep,
    time::{Duration, Instant},
};

use cluster::Client;
use disprove_databases::{Redis, redis::RedisClients};
use history::{
    Lease, ListAppend, Mutex, Outcome, Set,
    vocabulary::{
        lease,
        list_append::{Answer, Step},
        lock,
        register::{Call, Register, Return},
        set,
    },
};

use crate::server::{LONG, Server, failed, in_doubt, key, number};

fn start(member: u8, more: &[&str]) -> Option<Server> {
    Server::start("redis-server", member, 6379, |address, folder| {
        let flags = ["--bind", address, "--port", "6379", "--save", "", "--dir", folder];
        [&flags, more].concat().iter().map(|word| (*word).to_owned()).collect()
    })
}

#[tokio::test]
async fn a_lock_that_somebody_has_fails_and_a_lease_that_ended_is_refused() {
    let Some(server) = start(3, &[]) else { return };
    let clients = RedisClients(Redis::default());
    let (one, other) = (number(1), number(2));
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

/// Tells the server something on a connection of nobody's session, and expects this answer.
fn tell(server: &Server, command: &str, expected: &str) {
    let said = server.say(format!("{command}\r\n").as_bytes());
    assert!(said.starts_with(expected), "{command}: {said}");
}

/// Writes, and expects an error with this code; nothing was written.
async fn refused(server: &Server, client: &mut dyn Client<Register>, code: &str, mend: &str) {
    let why = failed(client.invoke(&Call::Write(key("x"), number(2))).await);
    assert!(why.starts_with(code), "{code}: {why}");
    tell(server, mend, "+OK");
    let mut client = server.open::<Register>(&RedisClients(Redis::default())).await;
    let read = client.invoke(&Call::Read(key("x"))).await;
    assert_eq!(read, Outcome::Ok(Return::Value(Some(number(1)))), "{code}");
}

#[tokio::test]
async fn errors_that_are_given_before_a_command_is_carried_out() {
    let Some(server) = start(61, &["--enable-protected-configs", "yes", "--lua-time-limit", "10"]) else {
        return;
    };
    let clients = RedisClients(Redis::default());
    let open = || server.open::<Register>(&clients);
    let mut client = open().await;
    assert_eq!(client.invoke(&Call::Write(key("x"), number(1))).await, Outcome::Ok(Return::Written));
    for (cause, code, mend) in [
        ("CONFIG SET maxmemory 1", "OOM", "CONFIG SET maxmemory 0"),
        ("CONFIG SET min-replicas-to-write 1", "NOREPLICAS", "CONFIG SET min-replicas-to-write 0"),
        ("REPLICAOF 127.0.0.1 1", "READONLY", "REPLICAOF NO ONE"),
        ("ACL SETUSER default -@write", "NOPERM", "ACL SETUSER default +@all"),
    ] {
        let mut client = open().await;
        tell(&server, cause, "+OK");
        refused(&server, client.as_mut(), code, mend).await;
    }
    // MISCONF: what was to be saved could not be.
    let mut client = open().await;
    tell(&server, "CONFIG SET save \"1 1\" dbfilename nowhere", "+OK");
    std::fs::create_dir(server.folder.join("nowhere")).expect("a folder can be made");
    tell(&server, "BGSAVE", "+Background");
    let began = Instant::now();
    while !server.say(b"INFO persistence\r\n").contains("rdb_last_bgsave_status:err") {
        assert!(began.elapsed() < LONG, "it was saved");
        sleep(Duration::from_millis(50));
    }
    refused(&server, client.as_mut(), "MISCONF", "CONFIG SET stop-writes-on-bgsave-error no").await;
    // BUSY: a script does not end.
    let mut client = open().await;
    let mut busy = server.connect();
    busy.write_all(b"EVAL \"while true do end\" 0\r\n").expect("it listens");
    sleep(Duration::from_millis(300));
    refused(&server, client.as_mut(), "BUSY", "SCRIPT KILL").await;
    // MASTERDOWN: a replica without a primary that is not to answer, asked for what is not in doubt either way.
    let mut client = open().await;
    tell(&server, "CONFIG SET replica-serve-stale-data no", "+OK");
    tell(&server, "REPLICAOF 127.0.0.1 1", "+OK");
    let why = failed(client.invoke(&Call::Read(key("x"))).await);
    assert!(why.starts_with("MASTERDOWN") && client.is_broken(), "{why}");
    tell(&server, "REPLICAOF NO ONE", "+OK");
    // NOAUTH and WRONGPASS: nobody is let in, so there is no session.
    tell(&server, "CONFIG SET requirepass secret", "+OK");
    let opened = <RedisClients as cluster::ClientFactory<Register>>::open(
        &clients,
        &server.cluster,
        &server.cluster.nodes[0],
    )
    .await;
    assert!(opened.is_err_and(|why| why.to_string().starts_with("NOAUTH")));
}

#[tokio::test]
async fn a_server_that_loads_its_data_took_nothing() {
    let Some(server) = start(62, &["--enable-debug-command", "yes", "--key-load-delay", "100"]) else {
        return;
    };
    let clients = RedisClients(Redis::default());
    let mut client = server.open::<Register>(&clients).await;
    client.invoke(&Call::Write(key("x"), number(1))).await;
    tell(&server, "DEBUG POPULATE 50000", "+OK");
    tell(&server, "CONFIG SET loading-process-events-interval-bytes 1024", "+OK");
    let mut reload = server.connect();
    reload.write_all(b"DEBUG RELOAD\r\n").expect("it listens");
    let began = Instant::now();
    let why = loop {
        // Until it begins, reads are answered.
        match client.invoke(&Call::Read(key("x"))).await {
            Outcome::Ok(_) => assert!(began.elapsed() < LONG, "it does not load"),
            outcome => break failed(outcome),
        }
    };
    assert!(why.starts_with("LOADING") && client.is_broken(), "{why}");
    let mut line = String::new();
    BufReader::new(reload).read_line(&mut line).expect("it answers");
    let read = server.open::<Register>(&clients).await.invoke(&Call::Read(key("x"))).await;
    assert_eq!(read, Outcome::Ok(Return::Value(Some(number(1)))));
}

#[tokio::test]
async fn a_transaction_is_refused_as_a_whole_or_is_in_doubt() {
    let Some(mut server) = start(63, &[]) else { return };
    let clients = RedisClients(Redis::default());
    let mut client = server.open::<ListAppend>(&clients).await;
    let both = vec![Step::Append(key("a"), number(1)), Step::Append(key("b"), number(1))];
    // EXECABORT: a command was refused when it was queued.
    tell(&server, "CONFIG SET maxmemory 1", "+OK");
    let why = failed(client.invoke(&both).await);
    assert!(why.starts_with("OOM"), "{why}");
    tell(&server, "CONFIG SET maxmemory 0", "+OK");
    let read = client.invoke(&vec![Step::Read(key("a"))]).await;
    assert_eq!(read, Outcome::Ok(vec![Answer::Read(key("a"), Some(Vec::new().into()))]));
    // An error within EXEC: the other command was carried out.
    tell(&server, "SET b text", "+OK");
    let why = in_doubt(client.invoke(&both).await);
    assert!(why.contains("in part: WRONGTYPE"), "{why}");
    let read = client.invoke(&vec![Step::Read(key("a"))]).await;
    assert_eq!(read, Outcome::Ok(vec![Answer::Read(key("a"), Some(vec![number(1)].into()))]));
    // WRONGTYPE to one command: nothing was done.
    let mut set = server.open::<Set>(&clients).await;
    let why = failed(set.invoke(&set::Call::Add(key("b"), number(1))).await);
    assert!(why.starts_with("WRONGTYPE"), "{why}");
    let mut writer = server.open::<Register>(&clients).await;
    server.doubt(writer.as_mut(), &Call::Write(key("x"), number(2))).await;
    failed(server_gone(&mut set).await);
    server.is_gone::<Register>(&clients).await;
}

/// A read of a server that is gone.
async fn server_gone(set: &mut Box<dyn Client<Set>>) -> Outcome<set::Return> {
    set.invoke(&set::Call::Read(key("b"))).await
}

#[tokio::test]
async fn a_cluster_without_slots_took_nothing() {
    let Some(server) = start(64, &["--cluster-enabled", "yes"]) else { return };
    let clients =
        RedisClients(Redis { topology: disprove_databases::redis::Topology::Cluster, ..Redis::default() });
    let mut client = server.open::<Register>(&clients).await;
    let why = failed(client.invoke(&Call::Write(key("x"), number(1))).await);
    assert!(why.starts_with("CLUSTERDOWN") && client.is_broken(), "{why}");
    // A key whose slot another server has, at which nobody answers: whoever says so did nothing.
    tell(&server, "CLUSTER ADDSLOTSRANGE 0 16383", "+OK");
    let mut client = server.open::<Register>(&clients).await;
    let began = Instant::now();
    while client.invoke(&Call::Write(key("x"), number(1))).await != Outcome::Ok(Return::Written) {
        assert!(began.elapsed() < LONG, "it does not serve");
        client = server.open::<Register>(&clients).await;
        sleep(Duration::from_millis(100));
    }
}
