//! The thread of the switch: waits until something can be done, and does it.

use std::{net::Ipv4Addr, sync::Arc};

use nix::{
    errno::Errno,
    sys::{
        epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout},
        time::TimeSpec,
        timerfd::{ClockId, Expiration, TimerFd, TimerFlags, TimerSetTimeFlags},
    },
};

use super::{
    Port, SwitchOptions,
    clock::{Nanos, now},
    command::Commands,
    counters::Counters,
    ethernet::HEADER,
    lag::LagMeter,
    outlet::{BUFFER, Incoming, Marks, Outlet, Parcel, Sent},
    packet::Arrival,
    policy::Shape,
};
use crate::Error;

/// The most packets that are read from one port before the others have their turn.
const BATCH: usize = 64;

/// How often the timer strikes when nothing is due.
const HEARTBEAT: Nanos = 20_000_000;

/// A wait shorter than this found something that was ready before.
const SLEPT_MIN: Nanos = 20_000;

/// What an event of no port carries.
const BELL: u64 = u64::MAX;
const TIMER: u64 = u64::MAX - 1;

/// All that the thread owns.
pub(super) struct Forwarder {
    outlets: Vec<Outlet>,
    /// Which port an address is at; sorted.
    routes: Vec<(Ipv4Addr, usize)>,
    shapes: Vec<Shape>,
    epoll: Epoll,
    timer: TimerFd,
    /// When the timer strikes next.
    armed: Nanos,
    commands: Arc<Commands>,
    counters: Arc<Counters>,
    lag: Arc<LagMeter>,
    /// When the last wait ended.
    woken: Nanos,
    /// How long something that is ready now may have been waiting already.
    carried: Nanos,
}

impl Forwarder {
    pub(super) fn new(
        ports: Vec<Port>,
        _options: &SwitchOptions,
        commands: Arc<Commands>,
        counters: Arc<Counters>,
        lag: Arc<LagMeter>,
    ) -> Result<Self, Error> {
        let mut routes: Vec<(Ipv4Addr, usize)> =
            ports.iter().enumerate().map(|(place, port)| (port.address, place)).collect();
        routes.sort_unstable();
        let outlets = ports.into_iter().map(Outlet::new).collect::<Result<Vec<_>, Error>>()?;
        let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)
            .map_err(|e| Error::io("create an epoll descriptor", e))?;
        let timer =
            TimerFd::new(ClockId::CLOCK_MONOTONIC, TimerFlags::TFD_NONBLOCK | TimerFlags::TFD_CLOEXEC)
                .map_err(|e| Error::io("create a timer", e))?;
        let watch = |fd: std::os::fd::BorrowedFd<'_>, data: u64| {
            epoll
                .add(fd, EpollEvent::new(EpollFlags::EPOLLIN, data))
                .map_err(|e| Error::io("wait for a network device", e))
        };
        for (place, outlet) in outlets.iter().enumerate() {
            watch(outlet.device(), place as u64)?;
        }
        watch(commands.bell(), BELL)?;
        watch(std::os::fd::AsFd::as_fd(&timer), TIMER)?;
        let shapes = vec![Shape::default(); outlets.len() * outlets.len()];
        let woken = now();
        Ok(Self {
            outlets,
            routes,
            shapes,
            epoll,
            timer,
            armed: 0,
            commands,
            counters,
            lag,
            woken,
            carried: 0,
        })
    }

    /// Forwards until it is told to stop.
    pub(super) fn run(mut self) {
        let mut buffer = vec![0; BUFFER].into_boxed_slice();
        let mut events = [EpollEvent::empty(); 64];
        self.arm(now() + HEARTBEAT);
        while !self.commands.stopping() {
            let before = now();
            let count = match self.epoll.wait(&mut events, EpollTimeout::NONE) {
                Ok(count) => count,
                Err(Errno::EINTR) => continue,
                Err(error) => {
                    tracing::error!(%error, "the switch cannot wait for packets and ends");
                    return;
                }
            };
            let slept = now() - before > SLEPT_MIN;
            self.carried = if slept { 0 } else { before.saturating_sub(self.woken) };
            self.woken = now();
            self.obey();
            for event in &events[..count] {
                match event.data() {
                    BELL => self.commands.answer_bell(),
                    TIMER => self.strike(),
                    place => self.serve(place as usize, event.events(), &mut buffer),
                }
            }
        }
    }

    /// Does what a port is ready for.
    fn serve(&mut self, place: usize, ready: EpollFlags, buffer: &mut [u8]) {
        if ready.contains(EpollFlags::EPOLLOUT) {
            self.flush(place);
        }
        if ready.intersects(EpollFlags::EPOLLIN | EpollFlags::EPOLLERR | EpollFlags::EPOLLHUP) {
            self.drain(place, buffer);
        }
    }

    /// Reads a batch of packets from a port and forwards each.
    fn drain(&mut self, place: usize, buffer: &mut [u8]) {
        let mut count = 0;
        for _ in 0..BATCH {
            self.obey();
            match self.outlets[place].read(buffer) {
                Incoming::Packet(arrival) => {
                    count += 1;
                    self.forward(place, arrival, buffer);
                }
                Incoming::Ignored => {}
                Incoming::Empty => break,
                Incoming::Gone => {
                    self.forget(place);
                    break;
                }
            }
        }
        if count > 0 {
            self.lag.record(now() - self.woken + self.carried, count);
        }
    }

    /// Sends one packet on its way.
    fn forward(&mut self, from: usize, arrival: Arrival, buffer: &mut [u8]) {
        let strays = &self.counters.strays;
        let (length, destination) = match arrival {
            Arrival::Ipv4 { length, destination } => (length, destination),
            Arrival::Broadcast => return strays.broadcast.add(1),
            Arrival::Ipv6 => return strays.ipv6.add(1),
            Arrival::Malformed => return strays.malformed.add(1),
        };
        let to = match self.routes.binary_search_by_key(&destination, |(address, _)| *address) {
            Ok(found) if self.routes[found].1 != from => self.routes[found].1,
            _ => return strays.unknown_destination.add(1),
        };
        let link = from * self.outlets.len() + to;
        if self.shapes[link].cut {
            return self.counters.links[link].cut.add(1);
        }
        self.deliver(link, Marks::default(), &mut buffer[..HEADER + length]);
    }

    /// Hands a packet to the device of its receiver, behind those that wait for it.
    fn deliver(&mut self, link: usize, marks: Marks, frame: &mut [u8]) {
        let (from, to) = (link / self.outlets.len(), link % self.outlets.len());
        let mac = self.outlets[from].mac;
        let outlet = &mut self.outlets[to];
        let sent = match (outlet.gone, outlet.waiting.is_empty()) {
            (true, _) => Sent::Refused,
            (false, true) => outlet.write(frame, mac),
            (false, false) => Sent::Full,
        };
        match sent {
            Sent::Taken => self.count_arrival(link, marks, frame.len() - HEADER),
            Sent::Refused => self.counters.strays.undeliverable.add(1),
            Sent::Full => {
                let first = outlet.waiting.is_empty();
                match outlet.wait(Parcel { bytes: frame[..].into(), link, marks }) {
                    Ok(()) if first => self.watch(to),
                    Ok(()) => {}
                    Err(_) => self.counters.links[link].overflowed.add(1),
                }
            }
        }
    }

    fn count_arrival(&self, link: usize, _marks: Marks, bytes: usize) {
        let counts = &self.counters.links[link];
        counts.passed.add(1);
        counts.bytes.add(bytes as u64);
    }

    /// Hands over what waited for room at a device.
    fn flush(&mut self, place: usize) {
        while let Some(mut parcel) = self.outlets[place].waiting.pop_front() {
            let mac = self.outlets[parcel.link / self.outlets.len()].mac;
            match self.outlets[place].write(&mut parcel.bytes, mac) {
                Sent::Taken => self.count_arrival(parcel.link, parcel.marks, parcel.bytes.len() - HEADER),
                Sent::Refused => self.counters.strays.undeliverable.add(1),
                Sent::Full => {
                    self.outlets[place].waiting.push_front(parcel);
                    return;
                }
            }
        }
        self.watch(place);
    }

    /// Waits for room at a device as long as something wants it.
    fn watch(&mut self, place: usize) {
        let outlet = &self.outlets[place];
        let mut flags = EpollFlags::EPOLLIN;
        flags.set(EpollFlags::EPOLLOUT, !outlet.waiting.is_empty());
        if let Err(error) = self.epoll.modify(outlet.device(), &mut EpollEvent::new(flags, place as u64)) {
            tracing::warn!(%error, place, "the switch lost sight of a port");
        }
    }

    /// Lets go of a device that has ended.
    fn forget(&mut self, place: usize) {
        let outlet = &mut self.outlets[place];
        outlet.gone = true;
        self.counters.strays.undeliverable.add(outlet.waiting.len() as u64);
        outlet.waiting.clear();
        match self.epoll.delete(outlet.device()) {
            Ok(()) => tracing::info!(place, "a port of the switch has gone"),
            Err(error) => tracing::warn!(%error, place, "the switch could not let go of a port"),
        }
    }

    /// Puts all orders that wait in force.
    fn obey(&mut self) {
        if !self.commands.waiting() {
            return;
        }
        for command in self.commands.take() {
            for (link, shape) in command.order {
                if shape.cut {
                    self.drop_waiting(link);
                }
                self.shapes[link] = shape;
            }
            // Nobody has to wait for the answer.
            let _ = command.done.send(());
        }
    }

    /// Drops what waits for room on a link that was cut.
    fn drop_waiting(&mut self, link: usize) {
        let outlet = &mut self.outlets[link % self.shapes.len().isqrt()];
        let before = outlet.waiting.len();
        outlet.waiting.retain(|parcel| parcel.link != link);
        self.counters.links[link].cut.add((before - outlet.waiting.len()) as u64);
    }

    /// Does what is due.
    fn strike(&mut self) {
        let present = now();
        self.lag.record(present.saturating_sub(self.armed), 1);
        self.arm(present + HEARTBEAT);
    }

    /// Sets the timer.
    fn arm(&mut self, at: Nanos) {
        self.armed = at;
        let at = TimeSpec::new((at / 1_000_000_000) as i64, (at % 1_000_000_000) as i64);
        if let Err(error) = self.timer.set(Expiration::OneShot(at), TimerSetTimeFlags::TFD_TIMER_ABSTIME) {
            tracing::warn!(%error, "the switch could not set its timer");
        }
    }
}

impl Drop for Forwarder {
    /// Also when the thread panics, nobody waits for an answer that never comes.
    fn drop(&mut self) {
        self.commands.close();
    }
}
