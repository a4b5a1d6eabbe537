//! Tarantool: writes without a quorum, a server that only reads, and one that has lost its procedures.

use std::time::{Duration, Instant};

use disprove_databases::tarantool::TarantoolClients;
use history::{
    Counter, Outcome, Value,
    vocabulary::{
        counter,
        register::{Call, Register, Return},
    },
};

use crate::server::{LONG, Server, key};

/// A server of Tarantool with the procedures of the adapter, and what is done before and after they are made.
fn tarantool(number: u8, settings: &str, before: &str, after: &str) -> Option<Server> {
    Server::start("tarantool", number, 3301, |address, folder| {
        let procedures = include_str!("../../src/tarantool/procedures.lua");
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
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn a_write_without_a_quorum_was_seen_before_it_was_taken_back() {
    let settings = "replication_synchro_quorum = 2, replication_synchro_timeout = 0.5";
    let Some(server) = tarantool(90, settings, "is_sync = true", "") else { return };
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
    let Some(server) = tarantool(91, "", "", "box.cfg { read_only = true } disprove_count = nil") else {
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
