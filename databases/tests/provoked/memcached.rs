//! memcached: what it compares, lines that it does not understand, values it has no room for, and what is in doubt.

use disprove_databases::memcached::MemcachedClients;
use history::{
    Outcome, Value,
    vocabulary::register::{Call, Register, Return},
};

use crate::server::{Server, failed, in_doubt, key, number, race};

fn start(member: u8) -> Option<Server> {
    Server::start("memcached", member, 11211, |address, _| {
        ["-u", "root", "-l", address, "-p", "11211", "-U", "0", "-m", "16"].map(str::to_owned).to_vec()
    })
}

#[tokio::test]
async fn a_cache_that_refuses_a_value_has_forgotten_the_one_before() {
    let Some(server) = start(2) else { return };
    let clients = MemcachedClients::default();
    let mut client = server.open::<Register>(&clients).await;
    assert_eq!(client.invoke(&Call::Write(key("x"), number(1))).await, Outcome::Ok(Return::Written));
    // NOT_STORED: the key is there, an observation.
    let made = client.invoke(&Call::Cas(key("x"), Value::Nil, number(2))).await;
    assert_eq!(made, Outcome::Ok(Return::Refused));
    let large = Value::from("a".repeat(1_200_000).as_str());
    let why = in_doubt(client.invoke(&Call::Write(key("x"), large)).await);
    assert!(why.starts_with("SERVER_ERROR"), "{why}");
    // That is why it is not certain that nothing was done.
    let read = server.open::<Register>(&clients).await.invoke(&Call::Read(key("x"))).await;
    assert_eq!(read, Outcome::Ok(Return::Value(Some(Value::Nil))));
}

#[tokio::test]
async fn a_line_that_is_refused_ends_the_session() {
    let Some(server) = start(7) else { return };
    let clients = MemcachedClients::default();
    // CLIENT_ERROR: the key is too long. ERROR: there are too many words. What follows may be taken for another line.
    for (name, word) in [("k".repeat(300), "CLIENT_ERROR"), ("a b c d e".to_owned(), "ERROR")] {
        let mut client = server.open::<Register>(&clients).await;
        let why = failed(client.invoke(&Call::Write(key(&name), number(1))).await);
        assert!(why.starts_with(word) && client.is_broken(), "{why}");
    }
    assert!(server.say(b"stats\r\n").contains("STAT curr_items 0\r\n"));
}

#[tokio::test]
async fn a_key_that_changed_or_went_was_not_swapped() {
    let Some(server) = start(8) else { return };
    // EXISTS: another session was faster.
    race(&server, &MemcachedClients::default()).await;
    // NOT_FOUND: somebody removes the key all the time.
    let clients = MemcachedClients::default();
    let mut client = server.open::<Register>(&clients).await;
    let (mut missed, began) = (0, std::time::Instant::now());
    let over = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    let removing = std::thread::spawn({
        let (over, mut stream) = (over.clone(), server.connect());
        move || {
            use std::io::{Read as _, Write as _};
            let mut answer = [0; 64];
            while !over.load(std::sync::atomic::Ordering::Relaxed) {
                stream.write_all(b"delete gone\r\n").expect("it listens");
                let _ = stream.read(&mut answer).expect("it answers");
            }
        }
    });
    while missed == 0 && began.elapsed() < crate::server::LONG {
        assert_eq!(client.invoke(&Call::Write(key("gone"), number(1))).await, Outcome::Ok(Return::Written));
        match client.invoke(&Call::Cas(key("gone"), number(1), number(2))).await {
            Outcome::Ok(_) => {}
            outcome => {
                assert!(failed(outcome).contains("in between"));
                missed += 1;
            }
        }
    }
    over.store(true, std::sync::atomic::Ordering::Relaxed);
    removing.join().expect("it ends");
    assert!(missed > 0 && !client.is_broken(), "nobody came in between");
}

#[tokio::test]
async fn what_has_no_answer_is_in_doubt() {
    let Some(mut server) = start(9) else { return };
    let clients = MemcachedClients::default();
    let mut client = server.open::<Register>(&clients).await;
    let mut reader = server.open::<Register>(&clients).await;
    assert_eq!(client.invoke(&Call::Write(key("x"), number(1))).await, Outcome::Ok(Return::Written));
    server.doubt(client.as_mut(), &Call::Write(key("x"), number(2))).await;
    failed(reader.invoke(&Call::Read(key("x"))).await);
    server.is_gone::<Register>(&clients).await;
}
