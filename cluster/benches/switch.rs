//! How many packets the switch forwards each second on one core: `cargo bench -p disprove-cluster --bench switch`.
//!
//! The load is made on the same machine, so the rate by the clock is a lower bound; the rate by the processor time of the
//! switch's own thread is what one core can do.

#[cfg(target_os = "linux")]
#[allow(dead_code, reason = "the bench needs only some of it")]
#[path = "../tests/switch/rig.rs"]
mod rig;
#[cfg(target_os = "linux")]
#[allow(dead_code, reason = "the bench needs only some of it")]
#[path = "../tests/switch/tun.rs"]
mod tun;

#[cfg(not(target_os = "linux"))]
fn main() {
    println!("the switch needs Linux");
}

#[cfg(target_os = "linux")]
fn main() {
    linux::main();
}

#[cfg(target_os = "linux")]
mod linux {
    use std::{
        net::UdpSocket,
        sync::{
            Arc,
            atomic::{AtomicBool, Ordering::Relaxed},
        },
        time::{Duration, Instant},
    };

    use disprove_cluster::{
        LayerId, Link, LinkPolicy, Network,
        switch::{Framing, Port, Switch, SwitchOptions},
    };

    use crate::{
        rig::{Rig, address, block_on, endpoint, link, ms, packet, policy},
        tun::Host,
    };

    const SECONDS: u64 = 2;

    pub fn main() {
        println!(
            "{:34} {:>12} {:>12} {:>12} {:>10} {:>10}",
            "", "packets/s", "per core", "MB/s", "p99", "worst"
        );
        let nothing = LinkPolicy::default();
        let small = policy(|p| p.delay = ms(5));
        let rough = policy(|p| {
            (p.delay, p.jitter, p.loss, p.duplicate, p.reorder, p.corrupt) =
                (ms(5), ms(2), 0.01, 0.01, 0.01, 0.01);
        });
        for (name, size, policy) in [
            ("pairs, 64 bytes, plain", 64, &nothing),
            ("pairs, 1400 bytes, plain", 1400, &nothing),
            ("pairs, 64 bytes, 5 ms", 64, &small),
            ("pairs, 64 bytes, everything", 64, &rough),
        ] {
            over_pairs(name, size, policy);
        }
        for (name, size, policy) in [
            ("TUN, 64 bytes, plain", 64, &nothing),
            ("TUN, 1400 bytes, plain", 1400, &nothing),
            ("TUN, 64 bytes, 5 ms", 64, &small),
            ("TUN, 64 bytes, everything", 64, &rough),
        ] {
            if let Err(error) = over_tun(name, size, policy, SwitchOptions::default()) {
                println!("{name}: not measured: {error}");
            }
        }
        let capture = std::env::temp_dir().join(format!("disprove-bench-{}.pcapng", std::process::id()));
        let options =
            SwitchOptions { seed: 0, capture: Some(capture.clone()), capture_bytes_max: 300_000_000 };
        if let Err(error) = over_tun("TUN, 64 bytes, with a capture", 64, &nothing, options) {
            println!("with a capture: not measured: {error}");
        }
        if let Err(error) = std::fs::remove_file(&capture) {
            println!("{}: {error}", capture.display());
        }
        if let Err(error) = round_trips() {
            println!("round trips: not measured: {error}");
        }
    }

    /// How long a packet and its answer take between two hosts with nothing else to do.
    fn round_trips() -> std::io::Result<()> {
        let (hosts, switch) = tun_switch(SwitchOptions::default())?;
        let target = (address(2), 7000);
        let server = hosts[2].spawn(move || UdpSocket::bind(target)).join().expect("no panic")?;
        let client = hosts[1].spawn(|| UdpSocket::bind("0.0.0.0:0")).join().expect("no panic")?;
        client.connect(target)?;
        let echo = std::thread::spawn(move || {
            let mut buffer = [0; 100];
            while let Ok((length, from)) = server.recv_from(&mut buffer)
                && length > 0
                && server.send_to(&buffer[..length], from).is_ok()
            {}
        });
        let mut times = Vec::new();
        for _ in 0..5000 {
            let began = Instant::now();
            client.send(b"hello")?;
            client.recv(&mut [0; 100])?;
            times.push(began.elapsed());
        }
        client.send(b"")?;
        echo.join().expect("no panic");
        times.sort_unstable();
        println!(
            "round trip over TUN: median {:.1?}, p99 {:.1?}; {:?}",
            times[2500],
            times[4950],
            switch.lag()
        );
        Ok(())
    }

    /// Three hosts on a switch.
    fn tun_switch(options: SwitchOptions) -> std::io::Result<(Vec<Host>, Arc<Switch>)> {
        let (mut hosts, mut ports) = (Vec::new(), Vec::new());
        for place in 0..3 {
            let (host, device) = Host::new(address(place), 1500)?;
            hosts.push(host);
            let (endpoint, address) = (endpoint(place), address(place));
            ports.push(Port { endpoint, address, device, framing: Framing::Ip });
        }
        Ok((hosts, Switch::start(ports, options).map_err(std::io::Error::other)?))
    }

    /// Processor time of the thread of the switch.
    fn switch_time() -> Duration {
        let tasks = std::fs::read_dir("/proc/self/task").expect("Linux lists the threads of a process");
        for task in tasks.flatten() {
            let read = |file: &str| std::fs::read_to_string(task.path().join(file)).unwrap_or_default();
            if read("comm").trim() == "switch" {
                let nanos = read("schedstat").split(' ').next().and_then(|field| field.parse().ok());
                return Duration::from_nanos(nanos.expect("schedstat begins with the time on a processor"));
            }
        }
        panic!("no thread is called switch");
    }

    /// Measures a switch under a load that is running already.
    fn measure(name: &str, switch: &Switch, over: Link) {
        let passed = || {
            let all = switch.link_counters();
            all.into_iter().find(|(of, _)| *of == over).map(|(_, counters)| counters).unwrap_or_default()
        };
        std::thread::sleep(ms(200));
        let (before, time, began) = (passed(), switch_time(), Instant::now());
        std::thread::sleep(Duration::from_secs(SECONDS));
        let (after, time, took) = (passed(), switch_time() - time, began.elapsed());
        let packets = (after.passed - before.passed) as f64;
        let lag = switch.lag();
        println!(
            "{name:34} {:12.0} {:12.0} {:12.1} {:>10.1?} {:>10.1?}",
            packets / took.as_secs_f64(),
            packets / time.as_secs_f64(),
            (after.bytes - before.bytes) as f64 / 1e6 / took.as_secs_f64(),
            lag.p99,
            lag.worst,
        );
    }

    fn over_pairs(name: &str, size: usize, policy: &LinkPolicy) {
        let rig = Rig::new(3, SwitchOptions::default());
        rig.impose(1, &[(link(1, 2), policy.clone())]);
        let ends: Vec<_> = rig.ends.iter().map(|end| end.try_clone().expect("descriptors clone")).collect();
        let stop = Arc::new(AtomicBool::new(false));
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let bytes = packet(1, 2, 7, 0, size);
                while !stop.load(Relaxed) {
                    let _ = nix::unistd::write(&ends[1], &bytes);
                }
            });
            scope.spawn(|| while !stop.load(Relaxed) && rig.receive(2, ms(100)).is_some() {});
            measure(name, &rig.switch, link(1, 2));
            stop.store(true, Relaxed);
        });
    }

    fn over_tun(name: &str, size: usize, policy: &LinkPolicy, options: SwitchOptions) -> std::io::Result<()> {
        let (hosts, switch) = tun_switch(options)?;
        block_on(switch.impose(LayerId(1), &[(link(1, 2), policy.clone())]))
            .map_err(std::io::Error::other)?;
        let target = (address(2), 7000);
        // It takes what fits its buffer and drops the others, as a program does that is slower than its network.
        let _receiver = hosts[2].spawn(move || UdpSocket::bind(target)).join().expect("no panic")?;
        let stop = Arc::new(AtomicBool::new(false));
        let stopping = stop.clone();
        let sender = hosts[1].spawn(move || {
            let socket = UdpSocket::bind("0.0.0.0:0")?;
            socket.connect(target)?;
            let bytes = vec![0; size - 28];
            while !stopping.load(Relaxed) {
                // A full device drops; the counters of the switch say what came through.
                let _ = socket.send(&bytes);
            }
            Ok::<_, std::io::Error>(())
        });
        measure(name, &switch, link(1, 2));
        stop.store(true, Relaxed);
        sender.join().expect("no panic")
    }
}
