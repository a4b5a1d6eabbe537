//! The far side of the switch: hands packets to the devices of their receivers, and counts what arrived.

use std::{os::fd::BorrowedFd, sync::Arc};

use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags};

use super::{
    Port,
    counters::Counters,
    ethernet::HEADER,
    outlet::{Marks, Outlet, Parcel, Sent},
};
use crate::Error;

/// The devices, and what waits for them.
pub(super) struct Delivery {
    pub(super) outlets: Vec<Outlet>,
    pub(super) epoll: Epoll,
    pub(super) counters: Arc<Counters>,
}

impl Delivery {
    pub(super) fn new(ports: Vec<Port>, counters: Arc<Counters>) -> Result<Self, Error> {
        let outlets = ports.into_iter().map(Outlet::new).collect::<Result<Vec<_>, Error>>()?;
        let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)
            .map_err(|e| Error::io("create an epoll descriptor", e))?;
        let delivery = Self { outlets, epoll, counters };
        for (place, outlet) in delivery.outlets.iter().enumerate() {
            delivery.watch(outlet.device(), place as u64)?;
        }
        Ok(delivery)
    }

    /// Has the loop woken when a descriptor becomes readable.
    pub(super) fn watch(&self, fd: BorrowedFd<'_>, data: u64) -> Result<(), Error> {
        self.epoll
            .add(fd, EpollEvent::new(EpollFlags::EPOLLIN, data))
            .map_err(|e| Error::io("wait for a descriptor", e))
    }

    /// The number of the link between two ports.
    pub(super) fn link(&self, from: usize, to: usize) -> usize {
        from * self.outlets.len() + to
    }

    /// Hands a packet to the device of its receiver, behind those that wait for it.
    pub(super) fn deliver(&mut self, link: usize, marks: Marks, frame: &mut [u8]) {
        let (from, to) = (link / self.outlets.len(), link % self.outlets.len());
        let mac = self.outlets[from].mac;
        let outlet = &mut self.outlets[to];
        let sent = match (outlet.gone, outlet.waiting.is_empty()) {
            (true, _) => Sent::Refused,
            (false, true) => outlet.write(frame, mac),
            (false, false) => Sent::Full,
        };
        match sent {
            Sent::Taken => self.count(link, marks, frame.len() - HEADER),
            Sent::Refused => self.counters.strays.undeliverable.add(1),
            Sent::Full => {
                let first = outlet.waiting.is_empty();
                match outlet.wait(Parcel { bytes: frame[..].into(), link, marks }) {
                    Ok(()) if first => self.want_room(to),
                    Ok(()) => {}
                    Err(_) => self.counters.links[link].overflowed.add(1),
                }
            }
        }
    }

    /// Counts a packet that has arrived.
    fn count(&self, link: usize, marks: Marks, bytes: usize) {
        let counts = &self.counters.links[link];
        counts.passed.add(1);
        counts.bytes.add(bytes as u64);
        if marks == Marks::default() {
            return;
        }
        for (mark, count) in [
            (marks.delayed, &counts.delayed),
            (marks.duplicate, &counts.duplicated),
            (marks.overtaken, &counts.reordered),
            (marks.corrupted, &counts.corrupted),
        ] {
            count.add(u64::from(mark));
        }
    }

    /// Hands over what waited for room at a device.
    pub(super) fn flush(&mut self, place: usize) {
        while let Some(mut parcel) = self.outlets[place].waiting.pop_front() {
            let mac = self.outlets[parcel.link / self.outlets.len()].mac;
            match self.outlets[place].write(&mut parcel.bytes, mac) {
                Sent::Taken => self.count(parcel.link, parcel.marks, parcel.bytes.len() - HEADER),
                Sent::Refused => self.counters.strays.undeliverable.add(1),
                Sent::Full => {
                    self.outlets[place].waiting.push_front(parcel);
                    return;
                }
            }
        }
        self.want_room(place);
    }

    /// Has the loop woken when there is room at a device, as long as something waits for it.
    fn want_room(&self, place: usize) {
        let outlet = &self.outlets[place];
        let mut flags = EpollFlags::EPOLLIN;
        flags.set(EpollFlags::EPOLLOUT, !outlet.waiting.is_empty());
        if let Err(error) = self.epoll.modify(outlet.device(), &mut EpollEvent::new(flags, place as u64)) {
            tracing::warn!(%error, place, "the switch lost sight of a port");
        }
    }

    /// Drops what waits for room on a link that was cut.
    pub(super) fn drop_waiting(&mut self, link: usize) -> u64 {
        let to = link % self.outlets.len();
        let waiting = &mut self.outlets[to].waiting;
        let before = waiting.len();
        waiting.retain(|parcel| parcel.link != link);
        (before - waiting.len()) as u64
    }

    /// Lets go of a device that has ended.
    pub(super) fn forget(&mut self, place: usize) {
        let outlet = &mut self.outlets[place];
        outlet.gone = true;
        self.counters.strays.undeliverable.add(outlet.waiting.len() as u64);
        outlet.waiting.clear();
        match self.epoll.delete(outlet.device()) {
            Ok(()) => tracing::info!(place, "a port of the switch has gone"),
            Err(error) => tracing::warn!(%error, place, "the switch could not let go of a port"),
        }
    }
}
