//! Those who watch etcd, through somebody in between who now and then keeps a change to himself: that is noticed, and nothing else is.

use std::{
    io::{self, BufRead as _, BufReader, Read as _, Write as _},
    net::{Shutdown, TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

#[path = "endpoints/bench.rs"]
mod bench;

use bench::{Bench, TURN, expect, skip};

/// One connection through: to the server as it is, and from it without every so-manieth message of a watch.
fn pass(client: TcpStream, server: TcpStream, every: usize, told: &AtomicUsize) -> io::Result<()> {
    let (mut from_client, mut to_server) = (client.try_clone()?, server.try_clone()?);
    let mut first = [0; 4096];
    let length = from_client.read(&mut first)?;
    to_server.write_all(&first[..length])?;
    let is_watch = first.starts_with(b"POST /v3/watch ");
    let up = thread::spawn(move || {
        let _ = io::copy(&mut from_client, &mut to_server);
        let _ = to_server.shutdown(Shutdown::Both);
    });
    let (mut from_server, mut to_client) = (BufReader::new(server), client);
    if is_watch {
        let _ = pass_watch(&mut from_server, &mut to_client, every, told);
    } else {
        let _ = io::copy(&mut from_server, &mut to_client);
    }
    let _ = to_client.shutdown(Shutdown::Both);
    let _ = up.join();
    Ok(())
}

/// The head of an answer, and then its chunks, each of which is a message.
fn pass_watch(
    from: &mut BufReader<TcpStream>,
    to: &mut TcpStream,
    every: usize,
    told: &AtomicUsize,
) -> io::Result<()> {
    let line = |from: &mut BufReader<TcpStream>| {
        let mut line = String::new();
        match from.read_line(&mut line)? {
            0 => Err(io::Error::other("it closed")),
            _ => Ok(line),
        }
    };
    loop {
        let head = line(from)?;
        to.write_all(head.as_bytes())?;
        if head == "\r\n" {
            break;
        }
    }
    loop {
        let size = line(from)?;
        let length = usize::from_str_radix(size.trim(), 16).map_err(io::Error::other)?;
        let mut chunk = vec![0; length + 2];
        from.read_exact(&mut chunk)?;
        let is_change = String::from_utf8_lossy(&chunk).contains("\"events\"");
        if is_change && every > 0 && (told.fetch_add(1, Ordering::Relaxed) + 1).is_multiple_of(every) {
            continue;
        }
        to.write_all(size.as_bytes())?;
        to.write_all(&chunk)?;
    }
}

/// Somebody in between, for as long as this program runs. Returns the port.
fn between(server: String, every: usize) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("there is a port");
    let port = listener.local_addr().expect("it listens").port();
    thread::spawn(move || {
        let told = Arc::new(AtomicUsize::new(0));
        for client in listener.incoming().flatten() {
            let Ok(server) = TcpStream::connect((server.as_str(), 2379)) else { continue };
            let told = Arc::clone(&told);
            thread::spawn(move || pass(client, server, every, &told));
        }
    });
    port
}

#[test]
fn a_change_that_is_not_told_is_noticed_and_nothing_else_is() {
    let _turn = TURN.lock();
    if skip("watching etcd", "etcd", "etcd-server") {
        return;
    }
    let mut bench = Bench::new("watch", 31);
    let (client, peer) = (format!("http://{}:2379", bench.address), format!("http://{}:2380", bench.address));
    let flags = [
        format!("--data-dir={}/etcd", bench.server()),
        format!("--listen-client-urls={client}"),
        format!("--advertise-client-urls={client}"),
        format!("--listen-peer-urls={peer}"),
        format!("--initial-advertise-peer-urls={peer}"),
        format!("--initial-cluster=default={peer}"),
    ];
    bench.serve("etcd", &flags.iter().map(String::as_str).collect::<Vec<_>>(), 2379);
    let run = |every| {
        let port = between(bench.address.clone(), every);
        bench.test(&format!("--endpoint http://127.0.0.1:{port} --workload watch --time-limit 4"))
    };
    expect(&mut run(0), 0);
    let told = expect(&mut run(40), 1);
    assert!(told.contains("inconsistent-offset"), "{told}");
}
