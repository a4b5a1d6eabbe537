//! Clusters on this machine: what a node is, and that it can be acted on. Each test runs itself again inside namespaces.
#![cfg(target_os = "linux")]

#[path = "scene/scene.rs"]
#[allow(dead_code)]
mod scene;

use std::{
    io::{Read, Write},
    net::{IpAddr, TcpListener, TcpStream},
    time::Duration,
};

use disprove_cluster::{
    Daemon,
    local::{Device, inside_or_reexec},
};
use scene::{SHORT, Scene, eventually, run, text};

/// Answers every line on port 7000 with the same line; given to the nodes as a role of this very test binary.
fn echo() -> i32 {
    let listener = TcpListener::bind("0.0.0.0:7000").expect("the port is free on a fresh node");
    for stream in listener.incoming() {
        let mut stream = stream.expect("a connection");
        std::thread::spawn(move || {
            let mut buffer = [0; 65536];
            while let Ok(length) = stream.read(&mut buffer) {
                if length == 0 || stream.write_all(&buffer[..length]).is_err() {
                    break;
                }
            }
        });
    }
    0
}

/// Asks the echo at the address that is its argument, from wherever it runs.
fn ask() -> i32 {
    let arguments = disprove_cluster::reexec::arguments();
    let address: IpAddr = arguments[0].to_str().expect("text").parse().expect("an address");
    println!("{}", ask_echo(address, b"from a node").map_or("silence", |_| "answered"));
    0
}

disprove_cluster::role!("test-echo", echo);
disprove_cluster::role!("test-ask", ask);

fn ask_echo(address: IpAddr, what: &[u8]) -> Option<Vec<u8>> {
    let mut stream = TcpStream::connect_timeout(&(address, 7000).into(), Duration::from_secs(2)).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(2))).ok()?;
    stream.set_write_timeout(Some(Duration::from_secs(2))).ok()?;
    let mut writer = stream.try_clone().ok()?;
    let sent = what.to_vec();
    let writing = std::thread::spawn(move || writer.write_all(&sent));
    let mut answer = vec![0; what.len()];
    stream.read_exact(&mut answer).ok()?;
    writing.join().ok()?.ok()?;
    Some(answer)
}

fn role_daemon(name: &str, role: &str, scene: &Scene) -> Daemon {
    Daemon {
        name: name.into(),
        argv: vec!["/proc/self/exe".into()],
        env: vec![("DISPROVE_ROLE".into(), role.into())],
        directory: Default::default(),
        log: scene.node(0).logs.join(format!("{name}.log")),
    }
}

async fn every_end_reaches_every_other(device: Device) {
    let scene = Scene::start(3, device).await;
    for index in 0..3 {
        let remote = scene.remote(index);
        let mut daemon = role_daemon("echo", "test-echo", &scene);
        daemon.log = scene.node(index).logs.join("echo.log");
        remote.start(&daemon).await.expect("the echo starts");
    }
    let long: Vec<u8> = (0..2_000_000_u32).map(|i| (i / 7) as u8).collect();
    for index in 0..3 {
        let address = scene.node(index).address;
        eventually(|| async move { ask_echo(address, b"hello").is_some() }).await;
        let answer = tokio::task::spawn_blocking({
            let long = long.clone();
            move || ask_echo(address, &long)
        });
        assert_eq!(answer.await.expect("no panic").expect("the long echo answers"), long);
        for other in 0..3 {
            let address = scene.node(other).address.to_string();
            let argv = ["/usr/bin/env", "DISPROVE_ROLE=test-ask", scene.program(), &address];
            let output = scene.remote(index).exec(&argv, b"", SHORT).await.expect("the question runs");
            assert_eq!(text(&output.stdout), "answered", "{index} to {other}: {}", text(&output.stderr));
        }
    }
    scene.stop().await;
}

fn inside(test: &str) -> bool {
    inside_or_reexec(test).expect("the test passes inside namespaces")
}

#[test]
fn tcp_passes_between_all_ends_by_tun() {
    if tun_is_permitted() && inside("tcp_passes_between_all_ends_by_tun") {
        run(every_end_reaches_every_other(Device::Tun));
    }
}

#[test]
fn tcp_passes_between_all_ends_by_veth() {
    if inside("tcp_passes_between_all_ends_by_veth") {
        run(every_end_reaches_every_other(Device::Veth));
    }
}

/// Whether the device file lets us in; where it does not, clusters use veth pairs and there is nothing to try here.
fn tun_is_permitted() -> bool {
    std::fs::OpenOptions::new().read(true).write(true).open("/dev/net/tun").is_ok()
}
