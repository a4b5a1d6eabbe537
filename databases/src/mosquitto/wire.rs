//! MQTT 5 as far as it is needed: one connection, and one question at a time.
//!
//! It is spoken by hand because a session must be one connection, opened once, that sends nothing twice: libraries reconnect, and send
//! again what was not acknowledged. Version 5, because those before it acknowledge also what they refuse.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, SystemTime},
};

use history::Reason;
use tokio::io::{AsyncReadExt, AsyncWriteExt, BufReader};

use super::{
    client::Trouble,
    packets::{Packet, Taken, kind, strange},
};
use crate::stream::{Place, Stream, broke};

/// The longest that a connection may take to be made.
const CONNECT_MAX: Duration = Duration::from_secs(2);
/// The longest packet that is believed.
const PACKET_MAX: usize = 1 << 26;
/// What a message is published with that is acknowledged (QoS 1).
const ACKNOWLEDGED: u8 = 1;
/// Reasons from here on refuse.
const REFUSED: u8 = 0x80;

/// Clients of this process so far, so that no two have one name.
static CLIENTS: AtomicU64 = AtomicU64::new(0);

/// As whom a connection is made.
#[derive(Clone, Copy, Debug)]
pub enum Who<'a> {
    /// A client that nobody knew before and that is forgotten afterwards.
    Nobody,
    /// A client of this name, for whom messages are kept while it is not there.
    Kept(&'a str),
    /// A client of this name, that is forgotten afterwards with all that was kept for it.
    Forgotten(&'a str),
}

/// What became of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Published {
    /// Somebody is known to listen.
    Taken,
    /// Nobody is.
    Unheard,
}

/// A message that was delivered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivered {
    /// By what it is acknowledged.
    pub number: u16,
    /// What was published.
    pub text: String,
}

/// One connection.
#[derive(Debug)]
pub struct Wire {
    stream: BufReader<Stream>,
    asked: u16,
}

fn hello(who: Who<'_>, login: Option<(&str, &str)>) -> Vec<u8> {
    let (clean, login_flags) = (0x02, if login.is_some() { 0xc0 } else { 0 });
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |now| now.as_nanos());
    let own = format!("disprove-{now:x}-{:x}", CLIENTS.fetch_add(1, Ordering::Relaxed));
    // A session that lasts for ever (17), and one message at a time (33).
    let (name, flags, properties): (&str, u8, &[u8]) = match who {
        Who::Nobody => (&own, clean, &[]),
        Who::Kept(name) => (name, 0, &[17, 0xff, 0xff, 0xff, 0xff, 33, 0, 1]),
        Who::Forgotten(name) => (name, clean, &[]),
    };
    // No signs of life: whoever waits for an answer has a limit of its own.
    let version_5 = 5;
    let packet = Packet::new(kind::CONNECT, 0).text("MQTT").bytes(&[version_5, flags | login_flags]).short(0);
    let packet = packet.properties(properties).text(name);
    match login {
        Some((user, password)) => packet.text(user).text(password),
        None => packet,
    }
    .whole()
}

impl Wire {
    /// Connects.
    pub async fn open(
        place: impl Into<Place<'_>>,
        who: Who<'_>,
        login: Option<(&str, &str)>,
    ) -> Result<Self, Reason> {
        match tokio::time::timeout(2 * CONNECT_MAX, Self::greet(place.into(), who, login)).await {
            Ok(opened) => opened,
            Err(_) => Err("no connection in time".into()),
        }
    }

    async fn greet(place: Place<'_>, who: Who<'_>, login: Option<(&str, &str)>) -> Result<Self, Reason> {
        let stream = Stream::open(place, CONNECT_MAX).await?;
        let mut wire = Self { stream: BufReader::new(stream), asked: 0 };
        wire.send(&hello(who, login)).await?;
        let mut answer = wire.packet().await?;
        if answer.kind != kind::CONNACK {
            return Err(strange());
        }
        answer.byte()?;
        match answer.byte()? {
            0 => Ok(wire),
            reason => Err(format!("the server refuses the connection: reason {reason:#04x}").into()),
        }
    }

    /// Ends the connection in peace.
    pub async fn leave(mut self) {
        // Whether that arrives does not matter: the connection ends.
        let _ = self.send(&Packet::new(kind::DISCONNECT, 0).whole()).await;
    }

    fn number(&mut self) -> u16 {
        self.asked = self.asked % u16::MAX + 1;
        self.asked
    }

    /// Publishes a message that the server acknowledges, to be retained or not.
    pub async fn publish(&mut self, topic: &str, text: &str, retain: bool) -> Result<Published, Trouble> {
        let number = self.number();
        let flags = ACKNOWLEDGED << 1 | u8::from(retain);
        let packet = Packet::new(kind::PUBLISH, flags).text(topic).short(number).properties(&[]);
        self.send(&packet.bytes(text.as_bytes()).whole()).await?;
        let mut answer = self.answer(kind::PUBACK, number).await?;
        match answer.last_byte() {
            // Nobody listens, which does not matter to one that is retained.
            0x10 => Ok(Published::Unheard),
            reason if reason < REFUSED => Ok(Published::Taken),
            reason => Err(refusal(reason)),
        }
    }

    /// The retained messages of all topics that fit, as they are when the server hears the question.
    pub async fn retained(&mut self, filter: &str) -> Result<Vec<(String, String)>, Trouble> {
        self.subscribe(filter, 0).await?;
        let number = self.number();
        let end = Packet::new(kind::UNSUBSCRIBE, 2).short(number).properties(&[]).text(filter);
        self.send(&end.whole()).await?;
        let (mut found, is_retained) = (Vec::new(), 1);
        // They come before the answer to what was asked after them; one that somebody publishes meanwhile is not marked as retained.
        loop {
            let mut packet = self.packet().await?;
            match packet.kind {
                kind::PUBLISH => {
                    let is_of_old = packet.flags & is_retained == is_retained;
                    let topic = packet.text()?;
                    packet.properties()?;
                    if is_of_old {
                        found.push((topic, packet.rest()?));
                    }
                }
                kind::SUBACK => judge_subscription(&mut packet)?,
                kind::UNSUBACK => return Ok(found),
                _ => return Err(lost(&mut packet)),
            }
        }
    }

    async fn subscribe(&mut self, filter: &str, quality: u8) -> Result<(), Trouble> {
        let number = self.number();
        let packet = Packet::new(kind::SUBSCRIBE, 2).short(number).properties(&[]).text(filter);
        Ok(self.send(&packet.bytes(&[quality]).whole()).await?)
    }

    /// Listens to a topic from now on: what is published to it is kept, and delivered at least once.
    pub async fn listen(&mut self, topic: &str) -> Result<(), Trouble> {
        self.subscribe(topic, ACKNOWLEDGED).await?;
        loop {
            let mut packet = self.packet().await?;
            match packet.kind {
                // What was kept for the client is not acknowledged here, and comes again.
                kind::PUBLISH => {}
                kind::SUBACK => return judge_subscription(&mut packet),
                _ => return Err(lost(&mut packet)),
            }
        }
    }

    /// The first message that was kept for the client, if there is one.
    pub async fn delivered(&mut self) -> Result<Option<Delivered>, Trouble> {
        self.send(&Packet::new(kind::PINGREQ, 0).whole()).await?;
        let mut packet = self.packet().await?;
        match packet.kind {
            kind::PUBLISH if packet.flags >> 1 & 3 == ACKNOWLEDGED => {
                packet.text()?;
                let number = packet.short()?;
                packet.properties()?;
                Ok(Some(Delivered { number, text: packet.rest()? }))
            }
            // The server answers in order: it had nothing to deliver.
            kind::PINGRESP => Ok(None),
            _ => Err(lost(&mut packet)),
        }
    }

    /// Acknowledges a message, and waits until the server has heard of it: it answers in order. Two signs of life were asked for by
    /// then.
    pub async fn acknowledge(&mut self, number: u16) -> Result<(), Reason> {
        let mut packets = Packet::new(kind::PUBACK, 0).short(number).whole();
        packets.extend(Packet::new(kind::PINGREQ, 0).whole());
        self.send(&packets).await?;
        let mut missing = 2;
        while missing > 0 {
            match self.packet().await?.kind {
                kind::PINGRESP => missing -= 1,
                // The next one, which comes again as nobody acknowledges it.
                kind::PUBLISH => {}
                _ => return Err("the server ends the session".into()),
            }
        }
        Ok(())
    }

    async fn answer(&mut self, wanted: u8, number: u16) -> Result<Taken, Trouble> {
        let mut packet = self.packet().await?;
        if packet.kind == wanted && packet.short()? == number {
            return Ok(packet);
        }
        Err(lost(&mut packet))
    }

    async fn send(&mut self, bytes: &[u8]) -> Result<(), Reason> {
        self.stream.get_mut().write_all(bytes).await.map_err(broke)
    }

    async fn packet(&mut self) -> Result<Taken, Reason> {
        let first = self.stream.read_u8().await.map_err(broke)?;
        let (mut length, mut shift) = (0_usize, 0);
        loop {
            let part = self.stream.read_u8().await.map_err(broke)?;
            length |= usize::from(part & 0x7f) << shift;
            if part & 0x80 == 0 {
                break;
            }
            shift += 7;
            if shift > 21 {
                return Err(strange());
            }
        }
        if length > PACKET_MAX {
            return Err(strange());
        }
        let mut bytes = vec![0; length];
        self.stream.read_exact(&mut bytes).await.map_err(broke)?;
        Ok(Taken::new(first, bytes))
    }
}

fn refusal(reason: u8) -> Trouble {
    Trouble::Refused(format!("the server refuses it: reason {reason:#04x}").into())
}

fn judge_subscription(packet: &mut Taken) -> Result<(), Trouble> {
    packet.short()?;
    packet.properties()?;
    match packet.byte()? {
        reason if reason < REFUSED => Ok(()),
        reason => Err(refusal(reason)),
    }
}

/// What a packet means that was not asked for.
fn lost(packet: &mut Taken) -> Trouble {
    match packet.kind {
        kind::DISCONNECT => {
            Trouble::Lost(format!("the server ends the session: reason {:#04x}", packet.last_byte()).into())
        }
        _ => Trouble::Lost(strange()),
    }
}
