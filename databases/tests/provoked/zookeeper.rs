//! ZooKeeper: errors that its servers give before they propose anything, and what is in doubt.

use std::{
    fs,
    io::{Read as _, Write as _},
    path::Path,
};

use disprove_databases::{
    Zookeeper,
    zookeeper::{Reads, ZookeeperClients},
};
use history::{
    Mutex, Outcome, Set, Value,
    vocabulary::{
        lock,
        register::{Call, Register, Return},
        set,
    },
};

use crate::server::{Server, failed, in_doubt, key, number, race, share_out};

fn start(member: u8) -> Option<Server> {
    let jars = ["zookeeper", "slf4j-simple"].map(|name| format!("/usr/share/java/{name}.jar"));
    let prepare = |address: &str, folder: &str| {
        let settings = format!(
            "tickTime=500\ndataDir={folder}/data\nclientPort=2181\nclientPortAddress={address}\nmaxClientCnxns=0\n\
             admin.enableServer=false\n"
        );
        fs::write(format!("{folder}/zoo.cfg"), settings).is_ok()
            && jars.iter().all(|jar| Path::new(jar).exists())
    };
    let main = "org.apache.zookeeper.server.quorum.QuorumPeerMain";
    let arguments = |_: &str, folder: &str| {
        let settings = format!("{folder}/zoo.cfg");
        ["-Xmx128m", "-cp", &jars.join(":"), main, &settings].map(str::to_owned).to_vec()
    };
    Server::prepared("java", member, 2181, prepare, arguments, &[])
}

fn clients() -> ZookeeperClients {
    ZookeeperClients(Zookeeper { reads: Reads::Local, running: None })
}

/// A frame of ZooKeeper's protocol.
fn frame(parts: &[&[u8]]) -> Vec<u8> {
    let body = parts.concat();
    [&(body.len() as i32).to_be_bytes()[..], &body].concat()
}

fn text(text: &str) -> Vec<u8> {
    [&(text.len() as i32).to_be_bytes()[..], text.as_bytes()].concat()
}

/// Makes a node that everybody may read and nobody may write, as clients of others can.
fn make_locked_node(server: &Server, path: &str) {
    let mut stream = server.connect();
    let mut answer = |request: &[u8]| {
        stream.write_all(request).expect("it listens");
        let mut length = [0; 4];
        stream.read_exact(&mut length).expect("it answers");
        let mut bytes = vec![0; i32::from_be_bytes(length) as usize];
        stream.read_exact(&mut bytes).expect("it answers");
        bytes
    };
    let (zero, long) = (0_i32.to_be_bytes(), 0_i64.to_be_bytes());
    answer(&frame(&[&zero, &long, &10_000_i32.to_be_bytes(), &long, &16_i32.to_be_bytes(), &[0; 16]]));
    let (create, one, read) = (1_i32.to_be_bytes(), 1_i32.to_be_bytes(), 1_i32.to_be_bytes());
    let said = answer(&frame(&[
        &one,
        &create,
        &text(path),
        &text("1"),
        &one,
        &read,
        &text("world"),
        &text("anyone"),
        &zero,
    ]));
    assert_eq!(said[12..16], zero, "the node is made");
}

#[tokio::test]
async fn errors_that_are_given_before_anything_is_proposed() {
    let Some(server) = start(31) else { return };
    let clients = clients();
    // -103: the version had changed.
    race(&server, &clients).await;
    // -110: there is one, an observation.
    let mut client = server.open::<Register>(&clients).await;
    let made = client.invoke(&Call::Cas(key("race"), Value::Nil, number(7))).await;
    assert_eq!(made, Outcome::Ok(Return::Refused));
    // -102: not permitted.
    make_locked_node(&server, "/locked");
    let why = failed(client.invoke(&Call::Write(key("locked"), number(2))).await);
    assert!(why.contains("-102"), "{why}");
    let read = client.invoke(&Call::Read(key("locked"))).await;
    assert_eq!(read, Outcome::Ok(Return::Value(Some(number(1)))));
    assert!(!client.is_broken());
    // -101: there is none, an observation.
    let mut client = server.open::<Set>(&clients).await;
    let gone = client.invoke(&set::Call::Remove(key("s"), number(1))).await;
    assert_eq!(gone, Outcome::Ok(set::Return::Changed(false)));
    // -101 to the first of its set, which is made then; and -110 to one that is there.
    for _ in 0..2 {
        assert_eq!(
            client.invoke(&set::Call::Add(key("s"), number(1))).await,
            Outcome::Ok(set::Return::Added)
        );
    }
}

#[tokio::test]
async fn an_element_or_a_lock_that_somebody_else_has_was_not_taken() {
    let Some(server) = start(32) else { return };
    let clients = clients();
    share_out(&server, &clients).await;

    let mut holder = server.open::<Mutex>(&clients).await;
    let mut other = server.open::<Mutex>(&clients).await;
    let had = holder.invoke(&lock::Call::Acquire(key("l"), number(1))).await;
    assert_eq!(had, Outcome::Ok(lock::Return::Acquired));
    failed(other.invoke(&lock::Call::Acquire(key("l"), number(2))).await);
    assert_eq!(
        holder.invoke(&lock::Call::Release(key("l"), number(1))).await,
        Outcome::Ok(lock::Return::Released)
    );
    // Its own node was removed again: nobody waits behind it.
    let had = other.invoke(&lock::Call::Acquire(key("l"), number(2))).await;
    assert_eq!(had, Outcome::Ok(lock::Return::Acquired));
}

#[tokio::test]
async fn what_has_no_answer_is_in_doubt() {
    let Some(mut server) = start(33) else { return };
    let clients = clients();
    let mut holder = server.open::<Mutex>(&clients).await;
    holder.invoke(&lock::Call::Acquire(key("l"), number(1))).await;
    let mut client = server.open::<Register>(&clients).await;
    let mut reader = server.open::<Register>(&clients).await;
    assert_eq!(client.invoke(&Call::Write(key("x"), number(1))).await, Outcome::Ok(Return::Written));
    server.doubt(client.as_mut(), &Call::Write(key("x"), number(2))).await;
    in_doubt(holder.invoke(&lock::Call::Release(key("l"), number(1))).await);
    failed(reader.invoke(&Call::Read(key("x"))).await);
    server.is_gone::<Register>(&clients).await;
}
