//! Chance has the asked size and follows the seed.

use crate::rig::{Rig, link, number, packet, policy, udp_sum};

/// The numbers that arrive of so many packets over a link of this seed.
fn arrivals(seed: u64, count: u32) -> Vec<u32> {
    let rig = Rig::seeded(seed);
    let rough = policy(|p| (p.loss, p.duplicate, p.reorder) = (0.2, 0.1, 0.1));
    rig.impose(1, &[(link(1, 2), rough)]);
    rig.exchange(count, 40).iter().map(|packet| number(packet)).collect()
}

#[test]
fn the_same_seed_has_the_same_fates() {
    let (mut first, mut second, mut other) = (arrivals(7, 3000), arrivals(7, 3000), arrivals(8, 3000));
    // How far a packet falls behind may depend on time; whether it is lost or doubled does not.
    for numbers in [&mut first, &mut second, &mut other] {
        numbers.sort_unstable();
    }
    assert_eq!(first, second);
    assert_ne!(first, other);
}

#[test]
fn fates_belong_to_the_number_of_a_packet_and_not_to_when_the_policy_came() {
    let lossy = policy(|p| p.loss = 0.5);
    let early = Rig::seeded(7);
    early.impose(1, &[(link(1, 2), lossy.clone())]);
    let early: Vec<u32> = early.exchange(400, 40).iter().map(|packet| number(packet)).collect();
    let late = Rig::seeded(7);
    assert_eq!(late.exchange(100, 40).len(), 100);
    late.impose(1, &[(link(1, 2), lossy)]);
    let late: Vec<u32> = late.exchange(300, 40).iter().map(|packet| number(packet) + 100).collect();
    assert_eq!(early.into_iter().filter(|n| *n >= 100).collect::<Vec<_>>(), late);
}

#[test]
fn loss_duplication_and_corruption_have_the_asked_rates() {
    const SENT: u32 = 20_000;
    let rig = Rig::seeded(3);
    let rough = policy(|p| {
        (p.loss, p.duplicate, p.corrupt, p.corrupt_past_checksum) = (0.1, 0.05, 0.08, true);
    });
    rig.impose(1, &[(link(1, 2), rough)]);
    let arrived = rig.exchange(SENT, 64);
    let counters = rig.counters(1, 2);
    println!("of {SENT}: {counters:?}");
    // Five standard deviations of the widest of these is 0.011.
    let share = |count: u64| count as f64 / f64::from(SENT);
    assert!((share(counters.lost) - 0.1).abs() < 0.011);
    assert!((share(counters.duplicated) - 0.9 * 0.05).abs() < 0.011);
    assert!((share(counters.corrupted) - 0.9 * 0.08).abs() < 0.011);
    // The counters are the truth about what arrived.
    assert_eq!(counters.passed as usize, arrived.len());
    assert_eq!(counters.passed + counters.lost, u64::from(SENT) + counters.duplicated);
    assert_eq!((counters.overflowed, counters.cut, counters.reordered), (0, 0, 0));
    let clean = packet(1, 2, 7, 0, 64);
    let damaged = arrived.iter().filter(|found| found[32..] != clean[32..] || number(found) >= SENT);
    let damaged = damaged.count() as u64;
    assert!(damaged <= counters.corrupted && damaged * 10 > counters.corrupted * 7, "{damaged}");
    assert!(arrived.iter().all(|found| udp_sum(found) == 0), "every checksum was made right again");
}

#[test]
fn damage_that_is_not_hidden_is_caught_by_the_checksum() {
    let rig = Rig::seeded(3);
    rig.impose(1, &[(link(1, 2), policy(|p| p.corrupt = 1.0))]);
    let arrived = rig.exchange(500, 64);
    assert_eq!(arrived.len(), 500);
    assert!(arrived.iter().all(|found| udp_sum(found) != 0));
    assert_eq!(rig.counters(1, 2).corrupted, 500);
}
