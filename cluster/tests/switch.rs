//! The switch between stand-in devices (socket pairs that keep packets apart) and between real TUN devices.
#![cfg(target_os = "linux")]

#[path = "switch/capture.rs"]
mod capture;
#[path = "switch/chance.rs"]
mod chance;
#[path = "switch/forwarding.rs"]
mod forwarding;
#[path = "switch/rig.rs"]
mod rig;
#[path = "switch/shaping.rs"]
mod shaping;
#[path = "switch/tcp.rs"]
mod tcp;
#[path = "switch/tun.rs"]
mod tun;
#[path = "switch/veth.rs"]
mod veth;
