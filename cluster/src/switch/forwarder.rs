//! The thread of the switch: waits until something can be done, and does it.

use std::{net::Ipv4Addr, os::fd::AsFd, sync::Arc};

use nix::{
    errno::Errno,
    sys::{
        epoll::{EpollEvent, EpollFlags, EpollTimeout},
        time::TimeSpec,
        timerfd::{ClockId, Expiration, TimerFd, TimerFlags, TimerSetTimeFlags},
    },
};

use super::{
    Port, SwitchOptions,
    capture::{Capture, comment_on},
    clock::{Nanos, now},
    command::Commands,
    counters::Counters,
    delivery::Delivery,
    ethernet::HEADER,
    lag::LagMeter,
    outlet::{BUFFER, Incoming},
    packet::Arrival,
    shaper::Shaper,
};
use crate::{Endpoint, Error};

/// The most packets that are read from one port before the others have their turn.
const BATCH: usize = 64;

/// How often the timer strikes when nothing is due.
const HEARTBEAT: Nanos = 20_000_000;

/// A wait shorter than this found something that was ready before.
const SLEPT_MIN: Nanos = 20_000;

/// The priority of the thread where it may choose one; 0 is ordinary and -20 the highest.
const PRIORITY: libc::c_int = -10;

/// What an event of no port carries.
const BELL: u64 = u64::MAX;
const TIMER: u64 = u64::MAX - 1;

/// All that the thread owns.
pub(super) struct Forwarder {
    shaper: Shaper,
    /// Which port an address is at; sorted.
    routes: Vec<(Ipv4Addr, usize)>,
    capture: Option<Capture>,
    timer: TimerFd,
    /// When the timer strikes next.
    armed: Nanos,
    commands: Arc<Commands>,
    counters: Arc<Counters>,
    lag: Arc<LagMeter>,
    /// When the last wait ended.
    woken: Nanos,
    /// When house is kept next.
    housekeeping: Nanos,
    /// How long something that is ready now may have been waiting already.
    carried: Nanos,
}

impl Forwarder {
    pub(super) fn new(
        ports: Vec<Port>,
        options: &SwitchOptions,
        commands: Arc<Commands>,
        counters: Arc<Counters>,
        lag: Arc<LagMeter>,
    ) -> Result<Self, Error> {
        let mut routes: Vec<(Ipv4Addr, usize)> =
            ports.iter().enumerate().map(|(place, port)| (port.address, place)).collect();
        routes.sort_unstable();
        let endpoints: Vec<Endpoint> = ports.iter().map(|port| port.endpoint).collect();
        let delivery = Delivery::new(ports, counters.clone())?;
        let timer =
            TimerFd::new(ClockId::CLOCK_MONOTONIC, TimerFlags::TFD_NONBLOCK | TimerFlags::TFD_CLOEXEC)
                .map_err(|e| Error::io("create a timer", e))?;
        delivery.watch(commands.bell(), BELL)?;
        delivery.watch(timer.as_fd(), TIMER)?;
        let capture = options
            .capture
            .as_deref()
            .map(|path| Capture::start(path, options.capture_bytes_max, &endpoints, counters.clone()))
            .transpose()?;
        let shaper = Shaper::new(options.seed, &endpoints, delivery);
        let woken = now();
        Ok(Self {
            shaper,
            routes,
            capture,
            timer,
            armed: 0,
            commands,
            counters,
            lag,
            woken,
            housekeeping: 0,
            carried: 0,
        })
    }

    /// Forwards until it is told to stop.
    pub(super) fn run(mut self) {
        raise_priority();
        let mut buffer = vec![0; BUFFER].into_boxed_slice();
        let mut events = [EpollEvent::empty(); 64];
        self.arm(now() + HEARTBEAT);
        while !self.commands.stopping() {
            let before = now();
            let count = match self.shaper.delivery.epoll.wait(&mut events, EpollTimeout::NONE) {
                Ok(count) => count,
                Err(Errno::EINTR) => continue,
                Err(error) => {
                    tracing::error!(%error, "the switch cannot wait for packets and ends");
                    return;
                }
            };
            let after = now();
            let slept = after - before > SLEPT_MIN;
            self.carried = if slept { 0 } else { before.saturating_sub(self.woken) };
            self.woken = after;
            self.obey();
            for event in &events[..count] {
                match event.data() {
                    BELL => self.commands.answer_bell(),
                    TIMER => self.strike(),
                    place => self.serve(place as usize, event.events(), &mut buffer),
                }
                self.shaper.release(&self.lag, now);
            }
            self.rearm();
        }
    }

    /// Does what a port is ready for.
    fn serve(&mut self, place: usize, ready: EpollFlags, buffer: &mut [u8]) {
        if ready.contains(EpollFlags::EPOLLOUT) {
            self.shaper.delivery.flush(place);
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
            match self.shaper.delivery.outlets[place].read(buffer) {
                Incoming::Packet(arrival) => {
                    count += 1;
                    self.forward(place, arrival, buffer);
                }
                Incoming::Ignored => {}
                Incoming::Empty => break,
                Incoming::Gone => {
                    self.shaper.delivery.forget(place);
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
        let frame = &mut buffer[..HEADER + length];
        let to = match self.routes.binary_search_by_key(&destination, |(address, _)| *address) {
            Ok(found) if self.routes[found].1 != from => self.routes[found].1,
            _ => {
                strays.unknown_destination.add(1);
                if let Some(capture) = &mut self.capture {
                    capture.keep(from, now(), &frame[HEADER..], "dropped: unknown destination");
                }
                return;
            }
        };
        let link = self.shaper.delivery.link(from, to);
        let plan = self.shaper.plan(link);
        if let Some(capture) = &mut self.capture {
            capture.keep(from, now(), &frame[HEADER..], &comment_on(plan));
        }
        self.shaper.admit(link, plan, frame, now);
    }

    /// Puts all orders that wait in force.
    fn obey(&mut self) {
        if !self.commands.waiting() {
            return;
        }
        for command in self.commands.take() {
            let present = now();
            for (link, shape) in command.order {
                self.shaper.reshape(link, shape, present);
            }
            // The caller may have gone, as a task that was cancelled; the order holds all the same.
            let _ = command.done.send(());
        }
    }

    /// Notes how late the timer woke the thread, and sets it again.
    fn strike(&mut self) {
        let present = now();
        self.lag.record(present.saturating_sub(self.armed), 1);
        // Only now and then: the timer also strikes for every packet that is due.
        if present >= self.housekeeping {
            self.housekeeping = present + HEARTBEAT;
            self.keep_house();
        }
        self.arm(present + HEARTBEAT);
    }

    /// Does what need not be done at once.
    fn keep_house(&mut self) {
        if let Some(capture) = &mut self.capture {
            capture.flush();
        }
        for outlet in &self.shaper.delivery.outlets {
            self.counters.strays.missed.add(outlet.missed());
        }
    }

    /// Has the timer strike in time for what is due next.
    fn rearm(&mut self) {
        if let Some(earliest) = self.shaper.held.earliest()
            && earliest < self.armed
        {
            self.arm(earliest);
        }
    }

    /// Sets the timer, which forgets an earlier time and whether it has struck.
    fn arm(&mut self, at: Nanos) {
        self.armed = at;
        let at = TimeSpec::new((at / 1_000_000_000) as i64, (at % 1_000_000_000) as i64);
        if let Err(error) = self.timer.set(Expiration::OneShot(at), TimerSetTimeFlags::TFD_TIMER_ABSTIME) {
            tracing::warn!(%error, "the switch could not set its timer");
        }
    }
}

/// Asks for this thread to be run before the nodes, as far as that is permitted: a late switch delays everybody.
fn raise_priority() {
    // SAFETY: the call takes numbers only; on Linux, 0 is the calling thread.
    if unsafe { libc::setpriority(libc::PRIO_PROCESS, 0, PRIORITY) } != 0 {
        let error = std::io::Error::last_os_error();
        tracing::debug!(%error, "the switch runs with ordinary priority");
    }
}

impl Drop for Forwarder {
    /// Also when the thread panics, nobody waits for an answer that never comes.
    fn drop(&mut self) {
        self.commands.close();
    }
}
