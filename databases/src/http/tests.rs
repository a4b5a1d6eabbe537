//! What each answer of a server means, from a server that says what the test tells it to.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use cluster::{Client, ClientFactory as _, Cluster, Node};
use history::{
    Key, NodeId, Outcome, Value,
    vocabulary::{Register, Set, register, set},
};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::TcpListener,
    sync::mpsc,
};

use super::{HttpClients, Means, Requests};

/// A server that answers every request with the same words, and tells what it was asked.
async fn server(answer: String) -> (SocketAddr, mpsc::UnboundedReceiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (tell, told) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Ok((connection, _)) = listener.accept().await {
            let mut connection = BufReader::new(connection);
            let (mut asked, mut length) = (String::new(), 0);
            while connection.read_line(&mut asked).await.unwrap_or(0) > 2 {
                let line = asked.lines().last().unwrap_or_default().to_ascii_lowercase();
                if let Some(said) = line.strip_prefix("content-length: ") {
                    length = said.parse().unwrap();
                }
            }
            let mut body = vec![0; length];
            connection.read_exact(&mut body).await.unwrap();
            asked.push_str(&String::from_utf8(body).unwrap());
            let _ = tell.send(asked);
            let _ = connection.write_all(answer.as_bytes()).await;
        }
    });
    (address, told)
}

fn said(status: u16, body: &str) -> String {
    let length = body.len();
    format!("HTTP/1.1 {status} Said\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}")
}

fn requests(port: u16) -> Requests {
    let url = format!("http://{{ip}}:{port}/kv/{{key}}");
    let text = serde_json::json!({
        "register": {
            "read": { "method": "GET", "url": url, "ok": [200], "absent": [404], "failed": [400], "value": "/value" },
            "write": {
                "method": "PUT", "url": url, "ok": [200], "failed": [400, 409], "body": "{\"v\":{value}}",
                "ok-body": "stored"
            },
            "cas": {
                "method": "PUT", "url": format!("{url}?old={{old}}"), "body": "{new}", "ok": [200], "refused": [412],
                "refused-body": "^false$", "headers": { "X-Key": "{key}" }
            }
        },
        "set": {
            "add": { "method": "POST", "url": url, "body": "{value}", "ok": [200] },
            "read": { "method": "GET", "url": url, "ok": [200], "absent": [404] }
        }
    });
    serde_json::from_value(text).unwrap()
}

fn cluster() -> Cluster {
    let node = Node {
        id: NodeId(0),
        name: "n1".into(),
        address: [127, 0, 0, 1].into(),
        port_offset: 0,
        data: "/d".into(),
        logs: "/l".into(),
        remote: None,
    };
    Cluster { nodes: vec![node], network: None }
}

/// What a call comes to where a server says this, whether the session is over, and what the server was asked.
async fn register(answer: &str, call: register::Call) -> (Outcome<register::Return>, bool, Option<String>) {
    let (address, mut told) = server(answer.into()).await;
    let cluster = cluster();
    let clients =
        HttpClients { requests: Arc::new(requests(address.port())), means: Arc::new(Means::default()) };
    let mut session: Box<dyn Client<Register>> = clients.open(&cluster, &cluster.nodes[0]).await.unwrap();
    let outcome = session.invoke(&call).await;
    (outcome, session.is_broken(), told.try_recv().ok())
}

fn key() -> Key {
    "x".into()
}

#[tokio::test]
async fn every_class_of_status_is_what_the_file_says() {
    use register::{Call, Return};
    let value = |value: Value| Some(Outcome::Ok(Return::Value(Some(value))));
    let (read, write) = (|| Call::Read(key()), || Call::Write(key(), 3.into()));
    let cas = || Call::Cas(key(), 3.into(), 4.into());
    // Nothing stands for what is unknown.
    for (status, body, call, expected) in [
        (200, "{\"value\":3}", read(), value(3.into())),
        (200, "{\"value\":\"3\"}", read(), value(3.into())),
        (200, "{\"value\":null}", read(), value(Value::Nil)),
        (404, "", read(), value(Value::Nil)),
        (200, "{\"node\":3}", read(), None),
        (200, "{\"value\":[3]}", read(), None),
        (200, "<html>", read(), None),
        (302, "", read(), None),
        (500, "{\"value\":3}", read(), None),
        (400, "", read(), Some(Outcome::Fail("status 400".into()))),
        (200, "stored", write(), Some(Outcome::Ok(Return::Written))),
        (200, "queued", write(), None),
        (201, "stored", write(), None),
        (404, "", write(), None),
        (503, "", write(), None),
        (409, "", write(), Some(Outcome::Fail("status 409".into()))),
        (200, "true", cas(), Some(Outcome::Ok(Return::Swapped))),
        (200, "false", cas(), Some(Outcome::Ok(Return::Refused))),
        (412, "", cas(), Some(Outcome::Ok(Return::Refused))),
        (409, "", cas(), None),
    ] {
        let (outcome, is_broken, _) = register(&said(status, body), call).await;
        match expected {
            Some(expected) => assert_eq!((outcome, is_broken), (expected, false), "{status} {body}"),
            None => {
                assert!(matches!(outcome, Outcome::Unknown(_)) && is_broken, "{status} {body}: {outcome:?}")
            }
        }
    }
}

#[tokio::test]
async fn an_answer_that_breaks_off_is_unknown() {
    let write = || register::Call::Write(key(), 3.into());
    for broken in ["", "HTTP/1.1 200", "HTTP/1.1 200 OK\r\nContent-Length: 60\r\n\r\nstored", "hello\r\n\r\n"]
    {
        let (outcome, is_broken, asked) = register(broken, write()).await;
        assert!(matches!(outcome, Outcome::Unknown(_)) && is_broken, "{broken}: {outcome:?}");
        assert!(asked.unwrap().ends_with("{\"v\":3}"));
    }
    // What certainly failed did so, whatever becomes of its body.
    let (outcome, ..) = register("HTTP/1.1 409 No\r\nContent-Length: 60\r\n\r\n", write()).await;
    assert_eq!(outcome, Outcome::Fail("status 409".into()));
}

#[tokio::test]
async fn where_nobody_listens_or_nothing_can_be_sent_the_call_failed() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let cluster = cluster();
    let clients = HttpClients { requests: Arc::new(requests(port)), means: Arc::new(Means::default()) };
    let mut session: Box<dyn Client<Register>> = clients.open(&cluster, &cluster.nodes[0]).await.unwrap();
    let outcome = session.invoke(&register::Call::Write(key(), 3.into())).await;
    assert!(matches!(&outcome, Outcome::Fail(why) if why.to_string().contains("refused")), "{outcome:?}");
    assert!(session.is_broken());
    assert!(clients.probe(&cluster.nodes[0]).await.is_err());

    let ok = said(200, "stored");
    for call in [
        register::Call::Write("..".into(), 3.into()),
        register::Call::Write("".into(), 3.into()),
        register::Call::Cas("a\nb: c".into(), 3.into(), 4.into()),
        register::Call::Cas(key(), Value::Nil, 4.into()),
    ] {
        let (outcome, _, asked) = register(&ok, call.clone()).await;
        assert!(matches!(outcome, Outcome::Fail(_)), "{call:?}: {outcome:?}");
        assert_eq!(asked, None, "{call:?}");
    }
}

#[tokio::test]
async fn a_hostile_key_and_value_are_one_key_and_one_value() {
    let call = register::Call::Write("../a?b#c d".into(), "\"},\n{\"".into());
    let (outcome, _, asked) = register(&said(200, "stored"), call).await;
    assert_eq!(outcome, Outcome::Ok(register::Return::Written));
    let asked = asked.unwrap();
    assert!(asked.starts_with("PUT /kv/..%2Fa%3Fb%23c%20d HTTP/1.1\r\n"), "{asked}");
    assert!(asked.ends_with("{\"v\":\"\\\"},\\n{\\\"\"}"), "{asked}");
}

#[tokio::test]
async fn elements_are_an_array_or_unknown() {
    let (address, _told) = server(said(200, "[1,\"2\",1]")).await;
    let cluster = cluster();
    let clients =
        HttpClients { requests: Arc::new(requests(address.port())), means: Arc::new(Means::default()) };
    let mut session: Box<dyn Client<Set>> = clients.open(&cluster, &cluster.nodes[0]).await.unwrap();
    let read = session.invoke(&set::Call::Read(key())).await;
    assert_eq!(read, Outcome::Ok(set::Return::Elements(vec![1.into(), 2.into(), 1.into()])));
    assert_eq!(session.invoke(&set::Call::Add(key(), 3.into())).await, Outcome::Ok(set::Return::Added));
    assert!(matches!(session.invoke(&set::Call::Remove(key(), 3.into())).await, Outcome::Fail(_)));

    let (address, _told) = server(said(200, "{}")).await;
    let clients =
        HttpClients { requests: Arc::new(requests(address.port())), means: Arc::new(Means::default()) };
    let mut session: Box<dyn Client<Set>> = clients.open(&cluster, &cluster.nodes[0]).await.unwrap();
    assert!(matches!(session.invoke(&set::Call::Read(key())).await, Outcome::Unknown(_)));
}

#[tokio::test]
async fn a_redirect_is_not_followed_and_nothing_is_asked_twice() {
    let (address, mut told) = server(String::new()).await;
    let cluster = cluster();
    let clients =
        HttpClients { requests: Arc::new(requests(address.port())), means: Arc::new(Means::default()) };
    let mut session: Box<dyn Client<Register>> = clients.open(&cluster, &cluster.nodes[0]).await.unwrap();
    assert!(matches!(session.invoke(&register::Call::Read(key())).await, Outcome::Unknown(_)));
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert!(told.try_recv().is_ok() && told.try_recv().is_err());

    let moved = format!("HTTP/1.1 307 Moved\r\nLocation: http://{address}/\r\nContent-Length: 0\r\n\r\n");
    let (outcome, ..) = register(&moved, register::Call::Write(key(), 3.into())).await;
    assert_eq!(outcome, Outcome::Unknown("status 307".into()));
    assert!(told.try_recv().is_err());
}
