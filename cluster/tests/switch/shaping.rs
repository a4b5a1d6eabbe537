//! What a policy does is what it says, from the packet after the call on.

use std::time::{Duration, Instant};

use disprove_cluster::network::Distribution;

use crate::rig::{Rig, link, ms, number, packet, policy};

#[test]
fn a_cut_goes_one_way_only_and_can_be_lifted() {
    let rig = Rig::seeded(1);
    rig.impose(1, &[(link(1, 2), policy(|p| p.cut = true))]);
    rig.send(1, &packet(1, 2, 1, 1, 40));
    rig.send(2, &packet(2, 1, 1, 2, 40));
    assert_eq!(number(&rig.receive(1, ms(1000)).unwrap()), 2);
    let counters = rig.until(1, 2, |counters| counters.cut == 1);
    assert_eq!(counters.passed, 0);
    assert!(rig.numbers(2, ms(5)).is_empty());
    rig.lift(1);
    rig.send(1, &packet(1, 2, 1, 3, 40));
    assert_eq!(number(&rig.receive(2, ms(1000)).unwrap()), 3);
}

#[test]
fn a_command_holds_for_every_packet_after_it_and_for_none_before() {
    let rig = Rig::seeded(1);
    for round in 0..300_u32 {
        rig.impose(1, &[(link(1, 2), policy(|p| p.cut = true))]);
        rig.send(1, &packet(1, 2, 1, 2 * round, 40));
        rig.until(1, 2, |counters| counters.cut == u64::from(round) + 1);
        rig.lift(1);
        rig.send(1, &packet(1, 2, 1, 2 * round + 1, 40));
        assert_eq!(number(&rig.receive(2, ms(1000)).unwrap()), 2 * round + 1);
    }
    assert_eq!(rig.receive(2, ms(5)), None);
}

#[test]
fn a_cut_drops_what_is_under_way() {
    let rig = Rig::seeded(1);
    let slow = policy(|p| (p.delay, p.reorder) = (ms(2000), 0.3));
    rig.impose(1, &[(link(1, 2), slow.clone()), (link(0, 2), slow)]);
    let began = Instant::now();
    for number in 0..20 {
        rig.send(1, &packet(1, 2, 1, number, 40));
    }
    rig.send(0, &packet(0, 2, 1, 99, 40));
    std::thread::sleep(ms(100));
    rig.impose(2, &[(link(1, 2), policy(|p| p.cut = true))]);
    rig.until(1, 2, |counters| counters.cut == 20);
    assert!(began.elapsed() < ms(1900), "at once, not when they would have arrived");
    rig.lift(2);
    assert_eq!(number(&rig.receive(2, ms(5000)).unwrap()), 99, "another link is not touched");
    assert_eq!(rig.receive(2, ms(300)), None);
    rig.send(1, &packet(1, 2, 1, 50, 40));
    assert_eq!(number(&rig.receive(2, ms(5000)).unwrap()), 50);
}

#[test]
fn a_delay_that_is_lifted_holds_nothing_back_any_more() {
    let rig = Rig::seeded(1);
    rig.impose(1, &[(link(1, 2), policy(|p| (p.delay, p.jitter) = (Duration::from_secs(60), ms(10_000))))]);
    for number in 0..20 {
        rig.send(1, &packet(1, 2, 1, number, 40));
    }
    assert!(rig.numbers(2, ms(50)).is_empty());
    rig.impose(1, &[(link(1, 2), policy(|p| p.delay = ms(100)))]);
    let began = Instant::now();
    rig.send(1, &packet(1, 2, 1, 20, 40));
    assert_eq!(number(&rig.receive(2, ms(1000)).unwrap()), 0);
    assert!(began.elapsed() >= ms(90));
    assert_eq!(rig.numbers(2, ms(300)), (1..=20).collect::<Vec<_>>());

    rig.impose(1, &[(link(1, 2), policy(|p| p.delay = Duration::from_secs(60)))]);
    for number in 0..20 {
        rig.send(1, &packet(1, 2, 1, number, 40));
    }
    assert!(rig.numbers(2, ms(50)).is_empty());
    rig.lift_all();
    rig.send(1, &packet(1, 2, 1, 20, 40));
    assert_eq!(rig.numbers(2, ms(300)), (0..=20).collect::<Vec<_>>());
}

/// How long each of so many packets takes that are sent one after another on its own.
fn times(rig: &Rig, count: u32) -> Vec<Duration> {
    let mut times: Vec<Duration> = (0..count)
        .map(|n| {
            let began = Instant::now();
            rig.send(1, &packet(1, 2, 1, n, 40));
            assert_eq!(number(&rig.receive(2, ms(2000)).unwrap()), n);
            began.elapsed()
        })
        .collect();
    times.sort_unstable();
    times
}

#[test]
fn a_delay_is_never_shorter_and_hardly_longer() {
    let rig = Rig::seeded(1);
    let slow = |millis| policy(|p| p.delay = ms(millis));
    rig.impose(1, &[(link(1, 2), slow(3))]);
    rig.impose(2, &[(link(1, 2), slow(2))]);
    let times = times(&rig, 100);
    println!("5 ms of delay: least {:?}, median {:?}, most {:?}", times[0], times[50], times[99]);
    assert!(times[0] >= ms(5));
    // The best of them shows how exact the timer is; the others also how busy the machine.
    assert!(times[0] < Duration::from_micros(5500), "{:?}", times[0]);
    assert!(times[50] < ms(15), "the median is {:?}", times[50]);
    // A packet is counted just after it was handed over.
    let ended = Instant::now();
    while rig.counters(1, 2).delayed < 100 && ended.elapsed() < ms(1000) {
        std::thread::yield_now();
    }
    assert_eq!(rig.counters(1, 2).delayed, 100);
}

#[test]
fn jitter_varies_the_delay_round_its_mean() {
    for (distribution, least, mean) in [
        (Distribution::Uniform, 5.0, 8.0),
        (Distribution::Normal, 0.0, 8.0),
        (Distribution::Exponential, 8.0, 11.0),
    ] {
        let rig = Rig::seeded(5);
        let jittery = policy(|p| (p.delay, p.jitter, p.distribution) = (ms(8), ms(3), distribution));
        rig.impose(1, &[(link(1, 2), jittery)]);
        let times: Vec<f64> = times(&rig, 150).iter().map(|time| time.as_secs_f64() * 1000.0).collect();
        let found = times.iter().sum::<f64>() / 150.0;
        println!("{distribution:?}: least {:.2} ms, mean {found:.2} ms, most {:.2} ms", times[0], times[149]);
        assert!(times[0] >= least);
        // A busy machine adds to every time and takes from none.
        assert!((mean - 1.0..mean + 4.0).contains(&found), "{distribution:?} has a mean of {found} ms");
        assert!(times[149] - times[0] > 3.0, "{distribution:?} hardly varies");
    }
}

#[test]
fn jitter_keeps_the_order_within_a_flow_and_not_between_flows() {
    let rig = Rig::seeded(5);
    rig.impose(1, &[(link(1, 2), policy(|p| (p.delay, p.jitter) = (ms(20), ms(20))))]);
    for n in 0..200 {
        rig.send(1, &packet(1, 2, (n % 10) as u16, n, 40));
    }
    let arrived = rig.numbers(2, ms(300));
    assert_eq!(arrived.len(), 200);
    assert!(!arrived.is_sorted(), "no flow overtook another");
    for flow in 0..10 {
        assert!(arrived.iter().filter(|n| *n % 10 == flow).is_sorted(), "flow {flow} was shuffled");
    }
}

#[test]
fn reordering_lets_later_packets_pass_and_loses_none() {
    let rig = Rig::seeded(2);
    rig.impose(1, &[(link(1, 2), policy(|p| p.reorder = 0.2))]);
    let mut arrived: Vec<u32> = rig.exchange(2000, 40).iter().map(|packet| number(packet)).collect();
    let behind = arrived.windows(2).filter(|pair| pair[0] > pair[1]).count();
    assert!((200..450).contains(&behind), "{behind} of 2000 packets came after a later one");
    let counters = rig.counters(1, 2);
    assert!((300..500).contains(&counters.reordered), "{counters:?}");
    arrived.sort_unstable();
    assert_eq!(arrived, (0..2000).collect::<Vec<_>>());
    // With nobody behind it, a packet waits a little, and then goes.
    let times = times(&rig, 20);
    assert!(times[0] < ms(5) && times[19] < ms(500), "{times:?}");
}

#[test]
fn bandwidth_is_kept_and_its_queue_is_bounded() {
    const SIZE: usize = 1000;
    let rig = Rig::seeded(1);
    rig.impose(1, &[(link(1, 2), policy(|p| p.bandwidth_bits = 8_000_000))]);
    let began = Instant::now();
    for n in 0..150 {
        rig.send(1, &packet(1, 2, 1, n, SIZE));
    }
    for n in 0..150 {
        assert_eq!(number(&rig.receive(2, ms(1000)).unwrap()), n);
    }
    // One microsecond for each byte, less the burst of 5000 bytes.
    let took = began.elapsed();
    println!("150 kB at 1 MB/s took {took:?}");
    assert!((ms(140)..ms(300)).contains(&took), "{took:?}");
    assert_eq!(rig.counters(1, 2).overflowed, 0);
    // Far more than it can take: 200 ms of queue stay, the others are dropped.
    let began = Instant::now();
    for n in 0..1000 {
        rig.send(1, &packet(1, 2, 1, n, SIZE));
    }
    let counters = rig.until(1, 2, |c| c.overflowed > 0);
    let sending = began.elapsed().as_millis() as usize;
    let arrived = rig.numbers(2, ms(300)).len();
    // One packet leaves in each millisecond of sending.
    assert!((200..=210 + sending).contains(&arrived), "{arrived} in {sending} ms, {counters:?}");
    // The smallest of several limits wins, and lifting it lets everything pass.
    rig.lift_all();
    let delayed = rig.counters(1, 2).delayed;
    assert_eq!(rig.exchange(200, SIZE).len(), 200);
    assert_eq!(rig.counters(1, 2).delayed, delayed);
}
