//! Packets go where they belong, and nothing stops the switch.

use std::time::{Duration, Instant};

use disprove_cluster::{
    Endpoint,
    switch::{Framing, Port, Strays, Switch, SwitchOptions, mac_of},
};

use crate::rig::{Rig, address, endpoint, link, ms, number, packet, pair, policy};

#[test]
fn packets_reach_their_address_and_nobody_else() {
    let rig = Rig::seeded(1);
    for (from, to) in [(0, 1), (1, 0), (1, 2), (2, 0)] {
        let sent = packet(from, to, 1, 7, 100);
        rig.send(from, &sent);
        assert_eq!(rig.receive(to, ms(1000)), Some(sent));
        rig.until(from, to, |counters| counters.passed == 1 && counters.bytes == 100);
    }
    for place in 0..3 {
        assert_eq!(rig.receive(place, ms(5)), None, "port {place} got more than its own");
    }
    assert_eq!(rig.switch.link_counters().len(), 6);
    assert_eq!(rig.switch.strays(), Strays::default());
}

#[test]
fn padding_is_cut_off() {
    let rig = Rig::seeded(1);
    let sent = packet(1, 2, 1, 7, 40);
    let mut padded = sent.clone();
    padded.extend([0; 20]);
    rig.send(1, &padded);
    assert_eq!(rig.receive(2, ms(1000)), Some(sent));
}

#[test]
fn what_belongs_nowhere_is_dropped_and_counted() {
    let rig = Rig::seeded(1);
    let mut broadcast = packet(1, 2, 1, 0, 40);
    broadcast[16..20].fill(255);
    let mut multicast = packet(1, 2, 1, 0, 40);
    multicast[16] = 224;
    let mut ipv6 = packet(1, 2, 1, 0, 40);
    ipv6[0] = 0x60;
    rig.send(1, &broadcast);
    rig.send(1, &multicast);
    rig.send(1, &ipv6);
    rig.send(1, &packet(1, 9, 1, 0, 40));
    rig.send(1, &packet(1, 1, 1, 0, 40));
    rig.send(1, &packet(1, 2, 1, 0, 40)[..30]);
    rig.send(1, &packet(1, 2, 1, 42, 40));
    assert_eq!(number(&rig.receive(2, ms(1000)).unwrap()), 42);
    let strays = Strays { ipv6: 1, broadcast: 2, unknown_destination: 2, malformed: 1, ..Strays::default() };
    assert_eq!(rig.switch.strays(), strays);
}

#[test]
fn ethernet_headers_are_added_and_taken_off() {
    let rig = Rig::framed(&[Framing::Ip, Framing::Ethernet, Framing::Ethernet], SwitchOptions::default());
    let frame = |to: usize, from: usize, bytes: &[u8]| {
        [&mac_of(address(to))[..], &mac_of(address(from)), &[8, 0], bytes].concat()
    };
    let up = packet(1, 0, 1, 1, 60);
    rig.send(1, &frame(0, 1, &up));
    assert_eq!(rig.receive(0, ms(1000)), Some(up));
    let down = packet(0, 1, 1, 2, 60);
    rig.send(0, &down);
    assert_eq!(rig.receive(1, ms(1000)), Some(frame(1, 0, &down)));
    let across = packet(1, 2, 1, 3, 60);
    rig.send(1, &frame(2, 1, &across));
    assert_eq!(rig.receive(2, ms(1000)), Some(frame(2, 1, &across)));
    // A packet socket also sees the frames that it sent itself.
    rig.send(1, &frame(1, 0, &down));
    rig.send(1, &frame(2, 1, &across));
    assert_eq!(rig.receive(2, ms(1000)), Some(frame(2, 1, &across)));
    assert_eq!(rig.switch.strays(), Strays::default());
}

#[test]
fn a_full_device_stops_nobody_and_loses_only_what_is_too_much() {
    let rig = Rig::seeded(1);
    const SENT: u32 = 5000;
    let began = Instant::now();
    for number in 0..SENT {
        // Port 2 reads nothing; port 0 has its packets at once all the same.
        rig.send(1, &packet(1, 2, 1, number, 500));
        if number % 100 == 0 {
            rig.send(1, &packet(1, 0, 1, number, 500));
            assert_eq!(number, crate::rig::number(&rig.receive(0, ms(1000)).unwrap()));
        }
    }
    assert!(began.elapsed() < Duration::from_secs(5));
    // All have come in when only those are missing that wait for room.
    let counters = rig.until(1, 2, |c| c.passed + c.overflowed == u64::from(SENT) - 1024);
    assert!(counters.passed > 0 && counters.overflowed > 0);
    // Room again: all that waited comes, in order, and what comes after it as well.
    let arrived = rig.numbers(2, ms(300));
    assert!(arrived.len() >= 1024);
    assert!(arrived.iter().enumerate().all(|(place, number)| place as u32 == *number), "the tail is dropped");
    let counters = rig.counters(1, 2);
    assert_eq!(counters.passed as usize, arrived.len());
    assert_eq!(counters.passed + counters.overflowed, u64::from(SENT));
    rig.send(1, &packet(1, 2, 1, SENT, 500));
    assert_eq!(number(&rig.receive(2, ms(1000)).unwrap()), SENT);
}

#[test]
fn a_device_that_ends_is_let_go_of() {
    let mut rig = Rig::seeded(1);
    drop(rig.ends.remove(2));
    for round in 0..3 {
        rig.send(1, &packet(1, 2, 1, round, 40));
        rig.send(1, &packet(1, 0, 1, round, 40));
        assert_eq!(number(&rig.receive(0, ms(1000)).unwrap()), round);
    }
    assert_eq!(rig.switch.strays().undeliverable, 3);
}

#[test]
fn nothing_that_arrives_confuses_the_switch() {
    use rand::{RngExt, SeedableRng};
    let rig = Rig::framed(&[Framing::Ip, Framing::Ip, Framing::Ethernet], SwitchOptions::default());
    let rough = policy(|p| {
        (p.loss, p.duplicate, p.reorder, p.corrupt, p.corrupt_past_checksum) = (0.1, 0.1, 0.1, 0.5, true);
        (p.delay, p.jitter, p.bandwidth_bits) = (ms(1), ms(2), 100_000_000);
    });
    rig.impose(1, &[(link(1, 2), rough.clone()), (link(1, 0), rough)]);
    let mut random = rand_chacha::ChaCha8Rng::seed_from_u64(9);
    const SENT: u32 = 20_000;
    for number in 0..SENT {
        let mut bytes = packet(1, random.random_range(0..4), 1, number, random.random_range(32..90));
        for _ in 0..random.random_range(0..5) {
            let place = random.random_range(0..bytes.len());
            bytes[place] = random.random();
        }
        if random.random_range(0..4) == 0 {
            bytes.truncate(random.random_range(1..=bytes.len()));
        }
        rig.send(1, &bytes);
        while rig.receive(0, ms(0)).is_some() || rig.receive(2, ms(0)).is_some() {}
    }
    std::thread::sleep(ms(300));
    // Every packet is accounted for, whatever it was.
    let strays = rig.switch.strays();
    let [a, b] = [rig.counters(1, 0), rig.counters(1, 2)];
    let on_links = |c: disprove_cluster::LinkCounters| c.passed + c.lost + c.overflowed - c.duplicated;
    let nowhere = strays.ipv6 + strays.broadcast + strays.unknown_destination + strays.malformed;
    assert_eq!(on_links(a) + on_links(b) + nowhere, u64::from(SENT), "{strays:?}\n{a:?}\n{b:?}");
    assert!(a.passed > 100 && b.passed > 100 && strays.malformed > 100, "{strays:?}\n{a:?}\n{b:?}");
}

#[test]
fn the_switch_ends_with_its_last_handle() {
    let rig = Rig::seeded(1);
    for number in 0..200 {
        rig.send(1, &packet(1, 2, 1, number, 40));
    }
    let Rig { switch, ends } = rig;
    let began = Instant::now();
    drop(switch);
    assert!(began.elapsed() < Duration::from_secs(1));
    // Our ends see that the others were closed.
    let rest = std::iter::from_fn(|| match nix::unistd::read(&ends[2], &mut [0; 100]) {
        Ok(0) => None,
        Ok(length) => Some(length),
        Err(nix::errno::Errno::ECONNRESET) => None,
        Err(error) => panic!("{error}"),
    });
    assert!(rest.count() <= 200);
}

#[test]
fn ports_that_cannot_be_told_apart_are_refused() {
    let port = |of: usize, at: usize| Port {
        endpoint: endpoint(of),
        address: address(at),
        device: pair().0,
        framing: Framing::Ip,
    };
    assert!(Switch::start(vec![port(1, 1), port(1, 2)], SwitchOptions::default()).is_err());
    assert!(Switch::start(vec![port(1, 1), port(2, 1)], SwitchOptions::default()).is_err());
    let many = (0..257).map(|n| port(n, n)).collect();
    assert!(Switch::start(many, SwitchOptions::default()).is_err());
    assert_eq!(endpoint(0), Endpoint::Controller);
}

#[test]
fn lag_is_measured_without_and_with_traffic() {
    let rig = Rig::seeded(1);
    std::thread::sleep(ms(300));
    let idle = rig.switch.lag();
    assert!(idle.samples >= 3, "the heart beats: {idle:?}");
    rig.exchange(1000, 100);
    let busy = rig.switch.lag();
    assert!(busy.samples >= idle.samples + 1000, "{busy:?}");
    assert!(busy.p50 <= busy.p99 && busy.p99 <= busy.p999 && busy.p999 <= busy.worst);
    assert!(busy.worst > Duration::ZERO);
}
