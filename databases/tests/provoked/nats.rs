//! NATS: messages that nobody took, streams that could not be made, and what is in doubt.

use std::io::{Read as _, Write as _};

use disprove_databases::{Nats, nats::NatsClients};
use history::{
    Outcome, Queue, Value,
    vocabulary::{
        Log, log, queue,
        register::{Call, Register, Return},
    },
};

use crate::server::{Server, failed, key, number, race};

fn start(member: u8, more: &[&str]) -> Option<Server> {
    Server::start("nats-server", member, 4222, |address, folder| {
        [&["-a", address, "-p", "4222", "-sd", folder], more]
            .concat()
            .iter()
            .map(|word| (*word).into())
            .collect()
    })
}

/// Asks JetStream for something as somebody else, and waits for its answer.
fn api(server: &Server, what: &str, request: &str) -> String {
    let mut stream = server.connect();
    let asked = format!(
        "CONNECT {{\"verbose\":false}}\r\nSUB in 1\r\nPUB $JS.API.{what} in {}\r\n{request}\r\n",
        request.len()
    );
    stream.write_all(asked.as_bytes()).expect("it listens");
    let (mut said, mut buffer) = (String::new(), [0; 4096]);
    while !said.contains("MSG in") || !said.ends_with("}\r\n") {
        let length = stream.read(&mut buffer).expect("it answers");
        assert!(length > 0, "it closed after {said}");
        said += &String::from_utf8_lossy(&buffer[..length]);
    }
    said
}

/// The stream of the registers, as a run makes it.
fn make_registers(server: &Server) {
    let wanted = r#"{"name":"registers","subjects":["registers.>"],"retention":"limits","storage":"file","num_replicas":1,"max_msgs_per_subject":1,"discard":"old"}"#;
    let said = api(server, "STREAM.CREATE.registers", wanted);
    assert!(said.contains("\"state\""), "{said}");
}

#[tokio::test]
async fn a_message_that_no_stream_takes_went_nowhere() {
    let Some(server) = start(1, &["-js"]) else { return };
    let clients = NatsClients(Nats::default());
    let mut client = server.open::<Register>(&clients).await;
    let why = failed(client.invoke(&Call::Write(key("x"), number(1))).await);
    assert!(why.starts_with("503"), "{why}");
    // A read of a stream that is not there is no observation either.
    failed(client.invoke(&Call::Read(key("x"))).await);
    assert!(!client.is_broken());
    // There is no stream yet whose replicas a queue or a log could have as many of: nothing was published.
    let mut client = server.open::<Queue>(&clients).await;
    failed(client.invoke(&queue::Call::Enqueue(key("q"), number(7))).await);
    let mut client = server.open::<Log>(&clients).await;
    failed(client.invoke(&log::Call::Append(key("l"), number(7))).await);
    assert!(client.is_broken());
}

#[tokio::test]
async fn a_server_without_jetstream_took_nothing() {
    let Some(server) = start(4, &[]) else { return };
    let clients = NatsClients(Nats::default());
    let mut client = server.open::<Queue>(&clients).await;
    let why = failed(client.invoke(&queue::Call::Enqueue(key("q"), number(7))).await);
    assert!(why.starts_with("503"), "{why}");
}

#[tokio::test]
async fn a_message_that_was_to_come_after_another_one_was_not_taken() {
    let Some(server) = start(5, &["-js"]) else { return };
    make_registers(&server);
    let clients = NatsClients(Nats::default());
    race(&server, &clients).await;
    let mut client = server.open::<Register>(&clients).await;
    let made = client.invoke(&Call::Cas(key("race"), Value::Nil, number(7))).await;
    assert_eq!(made, Outcome::Ok(Return::Refused));
}

#[tokio::test]
async fn what_has_no_answer_is_in_doubt() {
    let Some(mut server) = start(6, &["-js"]) else { return };
    make_registers(&server);
    let clients = NatsClients(Nats::default());
    let mut client = server.open::<Register>(&clients).await;
    let mut reader = server.open::<Register>(&clients).await;
    assert_eq!(client.invoke(&Call::Write(key("x"), number(1))).await, Outcome::Ok(Return::Written));
    server.doubt(client.as_mut(), &Call::Write(key("x"), number(2))).await;
    failed(reader.invoke(&Call::Read(key("x"))).await);
    server.is_gone::<Register>(&clients).await;
}
