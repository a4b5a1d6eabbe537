//! Real TCP of the kernel between real TUN devices in namespaces, over links of every kind.

use std::{
    io::{self, Read, Write},
    net::{Ipv4Addr, Shutdown, TcpListener, TcpStream, UdpSocket},
    sync::Arc,
    time::{Duration, Instant},
};

use disprove_cluster::{
    LayerId, Link, LinkPolicy, Network,
    switch::{Framing, Port, Switch, SwitchOptions},
};

use crate::{
    rig::{address, block_on, endpoint, link, ms, policy, udp_sum},
    tun::Host,
};

const PORT: u16 = 7000;

/// Hosts on a switch, or nothing where making namespaces is not permitted.
fn hosts(count: usize) -> Option<(Vec<Host>, Arc<Switch>)> {
    let (mut hosts, mut ports) = (Vec::new(), Vec::new());
    for place in 0..count {
        let (host, device) = match Host::new(address(place), 1500) {
            Ok(made) => made,
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
                eprintln!("skipped: making a namespace with a TUN device is not permitted here");
                return None;
            }
            Err(error) => panic!("{error}"),
        };
        ports.push(Port { endpoint: endpoint(place), address: address(place), device, framing: Framing::Ip });
        hosts.push(host);
    }
    let options = SwitchOptions { seed: 4, ..SwitchOptions::default() };
    Some((hosts, Switch::start(ports, options).unwrap()))
}

fn impose(switch: &Switch, policies: &[(Link, LinkPolicy)]) {
    block_on(switch.impose(LayerId(1), policies)).unwrap();
}

/// What a transfer carries: bytes that differ from place to place.
fn pattern(place: usize) -> u8 {
    (place / 251 + place) as u8
}

/// Sends so many bytes from one host to another by TCP, checks every one, and says how long it took.
pub fn transfer(from: &Host, to: &Host, bytes: usize) -> Duration {
    let target = to.address;
    let (ready, listening) = std::sync::mpsc::channel();
    let receiver = to.spawn(move || {
        let listener = TcpListener::bind((target, PORT)).unwrap();
        ready.send(()).unwrap();
        let (mut stream, _) = listener.accept().unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        let mut all = Vec::with_capacity(bytes);
        stream.read_to_end(&mut all).unwrap();
        stream.write_all(b"done").unwrap();
        all
    });
    listening.recv().unwrap();
    let sender = from.spawn(move || {
        let began = Instant::now();
        let mut stream = TcpStream::connect_timeout(&(target, PORT).into(), Duration::from_secs(20)).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        stream.set_write_timeout(Some(Duration::from_secs(20))).unwrap();
        stream.write_all(&(0..bytes).map(pattern).collect::<Vec<u8>>()).unwrap();
        stream.shutdown(Shutdown::Write).unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        assert_eq!(answer, b"done");
        began.elapsed()
    });
    let took = sender.join().unwrap();
    let all = receiver.join().unwrap();
    assert_eq!(all.len(), bytes);
    assert!(all.iter().enumerate().all(|(place, byte)| *byte == pattern(place)), "the data was damaged");
    took
}

#[test]
fn tcp_gets_through_links_of_every_kind() {
    let Some((hosts, switch)) = hosts(3) else { return };
    let slow = policy(|p| p.delay = ms(5));
    let mut jittery = slow.clone();
    jittery.jitter = ms(4);
    let both = |policy: &LinkPolicy| vec![(link(1, 2), policy.clone()), (link(2, 1), policy.clone())];
    for (name, megabytes, policies) in [
        ("a plain link", 20, Vec::new()),
        ("5 ms each way", 20, both(&slow)),
        ("5 ms each way with 4 ms of jitter", 20, both(&jittery)),
        ("1 % of loss", 5, both(&policy(|p| p.loss = 0.01))),
        ("2 % out of order", 5, both(&policy(|p| p.reorder = 0.02))),
        ("5 % twice", 5, both(&policy(|p| p.duplicate = 0.05))),
        ("1 % damaged", 5, both(&policy(|p| p.corrupt = 0.01))),
        ("40 Mbit/s", 5, both(&policy(|p| p.bandwidth_bits = 40_000_000))),
    ] {
        impose(&switch, &policies);
        let took = transfer(&hosts[1], &hosts[2], megabytes << 20);
        let rate = megabytes as f64 * 1.048_576 / took.as_secs_f64();
        println!("{megabytes} MiB over {name}: {took:.2?}, {rate:.1} MB/s");
        // A link without loss carries several megabytes each second; one with loss is as fast as TCP makes it.
        let limit = if name.contains('%') { 30 } else { 10 };
        assert!(took < Duration::from_secs(limit), "{name} took {took:?}");
        if name == "40 Mbit/s" {
            assert!(rate < 5.2, "{rate:.2} MB/s are more than 40 Mbit/s");
        }
    }
    println!("{:?}\n{:?}", switch.lag(), switch.strays());
}

#[test]
fn damage_past_the_checksum_reaches_the_program() {
    let Some((hosts, switch)) = hosts(3) else { return };
    let damaging = policy(|p| (p.corrupt, p.corrupt_past_checksum) = (1.0, true));
    impose(&switch, &[(link(1, 2), damaging)]);
    let target = hosts[2].address;
    let receiver = hosts[2].spawn(move || UdpSocket::bind((target, PORT)).unwrap()).join().unwrap();
    receiver.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    let sender = hosts[1].spawn(|| UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).unwrap()).join().unwrap();
    for size in [1, 100, 101] {
        sender.send_to(&vec![0x33; size], (target, PORT)).unwrap();
        let mut buffer = [0; 2000];
        let length = receiver.recv(&mut buffer).unwrap();
        assert_eq!(length, size, "the kernel of the receiver found the checksum right");
        let flipped: u32 = buffer[..length].iter().map(|byte| (byte ^ 0x33).count_ones()).sum();
        assert_eq!(flipped, 1);
    }
}

#[test]
fn a_cut_stalls_a_connection_and_healing_revives_it() {
    let Some((hosts, switch)) = hosts(3) else { return };
    let target = hosts[2].address;
    let listener = hosts[2].spawn(move || TcpListener::bind((target, PORT)).unwrap()).join().unwrap();
    let mut near = hosts[1].spawn(move || TcpStream::connect((target, PORT)).unwrap()).join().unwrap();
    let mut far = listener.accept().unwrap().0;
    far.set_read_timeout(Some(ms(300))).unwrap();
    impose(&switch, &[(link(1, 2), policy(|p| p.cut = true))]);
    near.write_all(b"x").unwrap();
    let stalled = far.read(&mut [0; 10]).unwrap_err();
    assert!(matches!(stalled.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut));
    block_on(switch.lift(LayerId(1))).unwrap();
    far.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    assert_eq!(far.read(&mut [0; 10]).unwrap(), 1);
}

#[test]
fn a_device_that_is_deleted_is_let_go_of() {
    let Some((hosts, switch)) = hosts(3) else { return };
    let deleted = hosts[2].spawn(|| std::process::Command::new("ip").args(["link", "del", "t0"]).status());
    match deleted.join().unwrap() {
        Ok(status) => assert!(status.success()),
        Err(error) => return eprintln!("skipped: no program called ip: {error}"),
    }
    let target = hosts[2].address;
    let sender = hosts[1].spawn(|| UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).unwrap()).join().unwrap();
    let end = Instant::now() + Duration::from_secs(5);
    while switch.strays().undeliverable == 0 {
        assert!(Instant::now() < end, "{:?}", switch.strays());
        sender.send_to(b"hello", (target, PORT)).unwrap();
        std::thread::sleep(ms(1));
    }
    transfer(&hosts[0], &hosts[1], 100_000);
}

#[test]
fn the_kernel_completes_the_checksums_of_what_it_sends_through_a_tun_device() {
    let (host, device) = match Host::new(address(1), 1500) {
        Ok(made) => made,
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            eprintln!("skipped: making a namespace with a TUN device is not permitted here");
            return;
        }
        Err(error) => panic!("{error}"),
    };
    let sender = host.spawn(|| UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).unwrap()).join().unwrap();
    sender.send_to(b"hello", (address(2), PORT)).unwrap();
    let mut buffer = [0; 2000];
    // The kernel may ask for routers by IPv6 first.
    let length = (0..10)
        .map(|_| nix::unistd::read(&device, &mut buffer).unwrap())
        .zip(0..10)
        .find_map(|(length, _)| (length == 33).then_some(length))
        .expect("the packet comes");
    assert_eq!((buffer[0], &buffer[28..33]), (0x45, &b"hello"[..]));
    assert_eq!(udp_sum(&buffer[..length]), 0);
}
