//! A switch with nothing to do costs next to nothing, also when a device has ended. Alone in its program, so that the
//! only thread called `switch` is the one it looks at.
#![cfg(target_os = "linux")]

#[allow(dead_code, reason = "this test needs only some of it")]
#[path = "switch/rig.rs"]
mod rig;

use std::time::Duration;

use rig::{Rig, link, ms, packet, policy};

/// Processor time of the thread of the switch.
fn switch_time() -> Duration {
    for task in std::fs::read_dir("/proc/self/task").unwrap() {
        let read = |file: &str| std::fs::read_to_string(task.as_ref().unwrap().path().join(file)).unwrap();
        if read("comm").trim() == "switch" {
            return Duration::from_nanos(read("schedstat").split(' ').next().unwrap().parse().unwrap());
        }
    }
    panic!("no thread is called switch");
}

/// How much of half a second the switch spends.
fn spent() -> Duration {
    let before = switch_time();
    std::thread::sleep(ms(500));
    switch_time() - before
}

#[test]
fn an_idle_switch_sleeps() {
    let mut rig = Rig::seeded(1);
    // A thread gives itself its name; once it answers, it has it.
    rig.lift_all();
    let idle = spent();
    // Packets that are far from due, and one that waits for room at a device that nobody reads.
    rig.impose(1, &[(link(1, 0), policy(|p| p.delay = Duration::from_secs(60)))]);
    rig.send(1, &packet(1, 0, 1, 0, 40));
    for number in 0..2000 {
        rig.send(1, &packet(1, 2, 1, number, 500));
    }
    rig.until(1, 2, |counters| counters.overflowed > 0);
    let waiting = spent();
    drop(rig.ends.remove(2));
    let ended = spent();
    println!("of 500 ms: idle {idle:?}, waiting {waiting:?}, after a device ended {ended:?}");
    assert!(idle.max(waiting).max(ended) < ms(25));
}
