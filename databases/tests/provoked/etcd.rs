//! etcd: comparisons that are refused, and what is in doubt.

use disprove_databases::{Etcd, etcd::EtcdClients};
use history::{
    Key, ListAppend, Log, Mutex, Outcome, Value,
    vocabulary::{
        list_append::{Answer, Step},
        lock, log,
        register::{Call, Register, Return},
    },
};

use crate::server::{Server, failed, in_doubt, key, number, race, share_out};

fn start(member: u8) -> Option<Server> {
    Server::start("etcd", member, 2379, |address, folder| {
        let (client, peer) = (format!("http://{address}:2379"), format!("http://{address}:2380"));
        [
            ("data-dir", format!("{folder}/data")),
            ("listen-client-urls", client.clone()),
            ("advertise-client-urls", client),
            ("listen-peer-urls", peer.clone()),
            ("initial-advertise-peer-urls", peer.clone()),
            ("initial-cluster", format!("default={peer}")),
        ]
        .map(|(flag, value)| format!("--{flag}={value}"))
        .to_vec()
    })
}

#[tokio::test]
async fn a_refused_comparison_did_nothing() {
    let Some(server) = start(11) else { return };
    let clients = EtcdClients(Etcd::default());
    race(&server, &clients).await;
    let mut client = server.open::<Register>(&clients).await;
    let made = client.invoke(&Call::Cas(key("race"), Value::Nil, number(7))).await;
    assert_eq!(made, Outcome::Ok(Return::Refused));
}

/// Appends of several sessions to one list: which were taken, and which were refused.
async fn append_often(server: &Server, clients: &EtcdClients) -> (Vec<Value>, Vec<Value>) {
    let mut writers = Vec::new();
    for who in 1..=4 {
        let mut client = server.open::<ListAppend>(clients).await;
        writers.push(tokio::spawn(async move {
            let (mut done, mut refused) = (Vec::new(), Vec::new());
            for round in 0..100 {
                let value = number(who * 1000 + round);
                match client.invoke(&vec![Step::Append(key("list"), value.clone())]).await {
                    Outcome::Ok(_) => done.push(value),
                    outcome => {
                        assert!(failed(outcome).contains("had changed"));
                        refused.push(value);
                    }
                }
            }
            (done, refused)
        }));
    }
    let (mut done, mut refused) = (Vec::new(), Vec::new());
    for writer in writers {
        let (own, not) = writer.await.expect("it ends");
        done.extend(own);
        refused.extend(not);
    }
    (done, refused)
}

#[tokio::test]
async fn a_transaction_whose_key_had_changed_did_nothing() {
    let Some(server) = start(12) else { return };
    let clients = EtcdClients(Etcd::default());
    let (mut done, refused) = append_often(&server, &clients).await;
    assert!(!refused.is_empty(), "nobody came in between");
    let mut client = server.open::<ListAppend>(&clients).await;
    let read = client.invoke(&vec![Step::Read(key("list"))]).await;
    let Outcome::Ok(answers) = read else { panic!("{read:?}") };
    let [Answer::Read(_, Some(list))] = &answers[..] else { panic!("{answers:?}") };
    let mut found: Vec<Value> = list.iter().cloned().collect();
    found.sort();
    done.sort();
    assert_eq!(found, done);
}

#[tokio::test]
async fn an_element_that_another_session_took_was_not_taken_twice() {
    let Some(server) = start(13) else { return };
    let clients = EtcdClients(Etcd::default());
    share_out(&server, &clients).await;
}

#[tokio::test]
async fn what_has_no_answer_is_in_doubt_and_so_is_a_lock_that_was_not_given_back() {
    let Some(mut server) = start(14) else { return };
    let clients = EtcdClients(Etcd::default());
    let (lock, owner): (Key, Value) = (key("l"), number(1));
    let mut holder = server.open::<Mutex>(&clients).await;
    let had = holder.invoke(&lock::Call::Acquire(lock.clone(), owner.clone())).await;
    assert_eq!(had, Outcome::Ok(lock::Return::Acquired));
    // Not taken in this session: nothing is asked of anybody.
    let mut other = server.open::<Mutex>(&clients).await;
    failed(other.invoke(&lock::Call::Release(lock.clone(), owner.clone())).await);
    let mut writer = server.open::<Register>(&clients).await;
    let mut reader = server.open::<Register>(&clients).await;
    assert_eq!(writer.invoke(&Call::Write(key("x"), number(1))).await, Outcome::Ok(Return::Written));
    server.doubt(writer.as_mut(), &Call::Write(key("x"), number(2))).await;
    // It ends by itself, and not even that it could not be sent makes that certain.
    in_doubt(holder.invoke(&lock::Call::Release(lock, owner)).await);
    failed(reader.invoke(&Call::Read(key("x"))).await);
    server.is_gone::<Register>(&clients).await;
}

/// What somebody who follows a log is told from a place on, until it is so much. What was written before is told a tenth of a second late.
async fn follow(client: &mut dyn cluster::Client<Log>, from: u64, count: usize) -> Vec<Value> {
    let (mut told, began) = (Vec::<Value>::new(), std::time::Instant::now());
    loop {
        let polled = client.invoke(&log::Call::Poll(key("l"), from + told.len() as u64)).await;
        let Outcome::Ok(log::Return::Entries(entries)) = polled else { panic!("{polled:?}") };
        told.extend(entries.iter().cloned());
        if told.len() >= count {
            return told;
        }
        assert!(began.elapsed() < crate::server::LONG, "only {told:?} was told");
    }
}

#[tokio::test]
async fn who_watches_is_told_every_write_at_its_place_and_goes_on_where_another_session_stopped() {
    let Some(mut server) = start(15) else { return };
    // Sessions of one run know of each other where which revision was seen.
    use cluster::Database as _;
    let clients = Etcd::default().speaks().factory::<Log>().expect("it is spoken");
    let mut writer = server.open::<Log>(clients.as_ref()).await;
    let mut first = server.open::<Log>(clients.as_ref()).await;
    assert_eq!(follow(first.as_mut(), 0, 0).await, []);
    for entry in 0..40 {
        let appended = writer.invoke(&log::Call::Append(key("l"), number(entry))).await;
        assert_eq!(appended, Outcome::Ok(log::Return::Appended(Some(entry as u64))));
        // Other keys have revisions, too.
        writer.invoke(&log::Call::Append(key("other"), number(entry))).await;
    }
    let all: Vec<Value> = (0..40).map(number).collect();
    assert_eq!(follow(first.as_mut(), 0, 40).await, all);
    let mut second = server.open::<Log>(clients.as_ref()).await;
    assert_eq!(follow(second.as_mut(), 25, 15).await, all[25..]);
    assert_eq!(follow(second.as_mut(), 0, 40).await, all);
    // One that knows nothing passes over what was before.
    let stranger = Etcd::default().speaks().factory::<Log>().expect("it is spoken");
    let mut third = server.open::<Log>(stranger.as_ref()).await;
    assert_eq!(follow(third.as_mut(), 38, 2).await, all[38..]);
    let whole = third.invoke(&log::Call::Read(key("l"), 0)).await;
    assert_eq!(whole, Outcome::Ok(log::Return::Entries(all.into())));
    let nothing = third.invoke(&log::Call::Read(key("nobody's"), 0)).await;
    assert_eq!(nothing, Outcome::Ok(log::Return::Entries(Vec::new().into())));
    server.doubt(writer.as_mut(), &log::Call::Append(key("l"), number(99))).await;
    failed(first.invoke(&log::Call::Poll(key("l"), 40)).await);
    assert!(first.is_broken());
    server.is_gone::<Log>(clients.as_ref()).await;
}
