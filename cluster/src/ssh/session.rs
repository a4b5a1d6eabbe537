//! One connection, from TCP to being let in.

use std::{
    net::{SocketAddr, TcpStream, ToSocketAddrs},
    time::{Duration, Instant},
};

use ssh2::{MethodType, Session};

use super::{
    SshTarget, login,
    trust::{self, Judgement},
};

/// How long one step of connecting may take.
const STEP: Duration = Duration::from_secs(10);

/// Why a connection did not come about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// It may work later: the host does not answer now.
    Passing(String),
    /// It will not work until somebody changes something.
    Final(String),
}

/// Connects once, and is let in.
pub(super) fn open(target: &SshTarget, until: Instant) -> Result<Session, Refusal> {
    let first = shake(target, None, until)?;
    let mut differs = match trust::judge(&first, target)? {
        Judgement::Known => return enter(first, target),
        Judgement::Unknown => false,
        Judgement::Differs => true,
    };
    // Known hosts may hold a key of another kind than the one that the two sides like best: ask for each kind.
    for kind in trust::KINDS {
        let Ok(session) = shake(target, Some(kind), until) else { continue };
        match trust::judge(&session, target)? {
            Judgement::Known => return enter(session, target),
            Judgement::Unknown => {}
            Judgement::Differs => differs = true,
        }
    }
    if differs {
        return Err(trust::impostor(&first, target));
    }
    trust::meet(&first, target)?;
    enter(first, target)
}

fn enter(session: Session, target: &SshTarget) -> Result<Session, Refusal> {
    login::login(&session, target)?;
    Ok(session)
}

fn shake(target: &SshTarget, kind: Option<&str>, until: Instant) -> Result<Session, Refusal> {
    let stream = connect(target, until)?;
    let broken =
        |error: ssh2::Error| Refusal::Passing(format!("{} breaks off: {}", target.place(), error.message()));
    let mut session = Session::new().map_err(broken)?;
    session.set_timeout(milliseconds(step(until)));
    if let Some(kind) = kind {
        session.method_pref(MethodType::HostKey, kind).map_err(broken)?;
    }
    session.set_tcp_stream(stream);
    session.handshake().map_err(broken)?;
    Ok(session)
}

fn connect(target: &SshTarget, until: Instant) -> Result<TcpStream, Refusal> {
    let addresses: Vec<SocketAddr> = (target.host.as_str(), target.port)
        .to_socket_addrs()
        .map_err(|error| Refusal::Passing(format!("nobody knows the host {}: {error}", target.host)))?
        .collect();
    let mut why = format!("the name {} has no address", target.host);
    for address in addresses {
        match TcpStream::connect_timeout(&address, step(until)) {
            Ok(stream) => {
                stream
                    .set_nodelay(true)
                    .map_err(|error| Refusal::Passing(format!("a connection breaks: {error}")))?;
                return Ok(stream);
            }
            Err(error) => why = format!("nothing answers at {address}: {error}"),
        }
    }
    Err(Refusal::Passing(why))
}

/// What is left of the time, but no more than one step's, and never nothing.
pub(super) fn step(until: Instant) -> Duration {
    until.saturating_duration_since(Instant::now()).clamp(Duration::from_millis(50), STEP)
}

/// A duration as libssh2 wants it.
pub(super) fn milliseconds(duration: Duration) -> u32 {
    u32::try_from(duration.as_millis()).unwrap_or(u32::MAX).max(1)
}
