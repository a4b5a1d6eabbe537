//! Mosquitto: what it does not allow, who nobody listens to, clients that take each other's place, and what is in doubt.

use disprove_databases::mosquitto::MosquittoClients;
use history::{
    Outcome, Queue, Value,
    vocabulary::{
        queue,
        register::{Call, Register, Return},
    },
};

use crate::server::{Server, failed, key, number};

fn start(member: u8, more: &'static str) -> Option<Server> {
    Server::prepared(
        "mosquitto",
        member,
        1883,
        |address, folder| {
            let rules = "topic readwrite disprove/register/mine\ntopic readwrite disprove/queue/#\n";
            std::fs::write(format!("{folder}/rules"), rules).expect("a file can be written");
            let settings = format!("listener 1883 {address}\nallow_anonymous true\nuser root\n{more}\n");
            std::fs::write(format!("{folder}/mosquitto.conf"), settings).is_ok()
        },
        |_, folder| vec!["-c".into(), format!("{folder}/mosquitto.conf")],
        &[],
    )
}

#[tokio::test]
async fn what_is_not_allowed_was_not_published() {
    let Some(server) = start(51, "acl_file rules") else { return };
    let clients = MosquittoClients::default();
    let mut client = server.open::<Register>(&clients).await;
    assert_eq!(client.invoke(&Call::Write(key("mine"), number(1))).await, Outcome::Ok(Return::Written));
    // 0x87: not authorized. Versions before 5 acknowledge that, too.
    let why = failed(client.invoke(&Call::Write(key("others"), number(2))).await);
    assert!(why.contains("0x87") && !client.is_broken(), "{why}");
    // MQTT compares nothing, and nothing was sent.
    failed(client.invoke(&Call::Cas(key("mine"), number(1), number(3))).await);
    let read = client.invoke(&Call::Read(key("mine"))).await;
    assert_eq!(read, Outcome::Ok(Return::Value(Some(number(1)))));
}

#[tokio::test]
async fn a_register_that_nobody_wrote_has_nothing_and_a_read_ends() {
    let Some(server) = start(52, "") else { return };
    let clients = MosquittoClients::default();
    let mut client = server.open::<Register>(&clients).await;
    assert_eq!(client.invoke(&Call::Read(key("x"))).await, Outcome::Ok(Return::Value(Some(Value::Nil))));
    for value in 0..50 {
        assert_eq!(client.invoke(&Call::Write(key("x"), number(value))).await, Outcome::Ok(Return::Written));
        let read = client.invoke(&Call::Read(key("x"))).await;
        assert_eq!(read, Outcome::Ok(Return::Value(Some(number(value)))));
    }
}

#[tokio::test]
async fn what_nobody_listens_to_is_nowhere() {
    let Some(server) = start(55, "") else { return };
    let clients = MosquittoClients::default();
    let mut client = server.open::<Queue>(&clients).await;
    let put = |element| queue::Call::Enqueue(key("q"), number(element));
    assert_eq!(client.invoke(&put(1)).await, Outcome::Ok(queue::Return::Enqueued));
    // Somebody else comes as the client of the queue, and wants to know nothing of what was: its session and its message are gone.
    let name = b"disprove-queue-q";
    let mut packet = vec![0x10, 13 + name.len() as u8, 0, 4, b'M', b'Q', b'T', b'T', 5, 2, 0, 0, 0, 0];
    packet.extend([name.len() as u8].iter().chain(name));
    assert!(server.say(&packet).starts_with(' '), "the connection is taken");
    let mut why = failed(client.invoke(&put(2)).await);
    assert!(why.contains("nobody listens") && !client.is_broken(), "{why}");
    // The next one makes somebody listen again.
    assert_eq!(client.invoke(&put(3)).await, Outcome::Ok(queue::Return::Enqueued));
    let mut taken = Vec::new();
    loop {
        match client.invoke(&queue::Call::Dequeue(key("q"))).await {
            Outcome::Ok(queue::Return::Dequeued(element)) => taken.push(element),
            Outcome::Ok(_) => break,
            outcome => why = failed(outcome),
        }
    }
    assert_eq!(taken, [number(3)], "{why}");
}

#[tokio::test]
async fn clients_that_take_each_others_place_lose_nothing() {
    let Some(server) = start(53, "max_queued_messages 0") else { return };
    let clients = MosquittoClients::default();
    let mut client = server.open::<Queue>(&clients).await;
    for element in 0..100 {
        let put = client.invoke(&queue::Call::Enqueue(key("q"), number(element))).await;
        assert_eq!(put, Outcome::Ok(queue::Return::Enqueued));
    }
    let mut takers = Vec::new();
    for _ in 0..3 {
        // Sessions of different runs do not know of each other, and take no turns.
        let mut client = server.open::<Queue>(&MosquittoClients::default()).await;
        takers.push(tokio::spawn(async move {
            let (mut taken, mut refused, mut unknown, mut empty) = (Vec::new(), 0, 0, 0);
            while empty < 5 {
                match client.invoke(&queue::Call::Dequeue(key("q"))).await {
                    Outcome::Ok(queue::Return::Dequeued(element)) => taken.push(element),
                    Outcome::Ok(_) => empty += 1,
                    // The server ended the connection, because another one came as the same client.
                    Outcome::Fail(_) => refused += 1,
                    Outcome::Unknown(_) => unknown += 1,
                }
            }
            (taken, refused, unknown)
        }));
    }
    let (mut taken, mut refused, mut unknown) = (Vec::new(), 0, 0);
    for taker in takers {
        let (own, not, maybe) = taker.await.expect("it ends");
        taken.extend(own);
        refused += not;
        unknown += maybe;
    }
    taken.sort();
    taken.dedup();
    assert!(refused > 0, "nobody came in between");
    let missing: Vec<Value> = (0..100).map(number).filter(|element| !taken.contains(element)).collect();
    assert!(missing.len() <= unknown, "{missing:?} are gone, and {unknown} were in doubt");
}

#[tokio::test]
async fn what_has_no_answer_is_in_doubt() {
    let Some(mut server) = start(54, "") else { return };
    let clients = MosquittoClients::default();
    let mut client = server.open::<Register>(&clients).await;
    let mut reader = server.open::<Register>(&clients).await;
    assert_eq!(client.invoke(&Call::Write(key("x"), number(1))).await, Outcome::Ok(Return::Written));
    server.doubt(client.as_mut(), &Call::Write(key("x"), number(2))).await;
    failed(reader.invoke(&Call::Read(key("x"))).await);
    server.is_gone::<Register>(&clients).await;
}
