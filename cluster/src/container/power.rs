//! What the engine and its container permit, tried before any fault depends on it.

use std::{
    net::{SocketAddr, TcpStream},
    time::Duration,
};

use super::{ContainerTarget, inspect::inspect};
use crate::{
    Error, Life,
    machine::{MachineRemote, power::Power},
};

/// How long a packet may take there and back.
const ANSWER: Duration = Duration::from_secs(3);

/// Capabilities that faults use: the bit, the name, and what is impossible without.
const WANTED: [(u32, &str, &str); 2] = [
    (12, "NET_ADMIN", "partition, flap, swizzle, reset, half-open, link"),
    (19, "SYS_PTRACE", "clock (of a single process)"),
];

/// Tries the engine and asks it about the container.
pub(crate) async fn engine(target: &ContainerTarget) -> Vec<Power> {
    let engine = target.engine.name();
    let container = match inspect(target).await {
        Ok(container) => container,
        Err(error) => {
            let remedy = format!(
                "see that `{engine} ps` works and lists {} (DOCKER_HOST or CONTAINER_HOST name another service)",
                target.container
            );
            return vec![Power::lacks("engine", error.to_string(), "everything", remedy)];
        }
    };
    let mut powers = vec![Power::has("engine", format!("{engine} knows {}", target.container))];
    powers.push(match container.life() {
        Life::Running if container.is_gone_when_off() => Power::lacks(
            "container",
            "running, and gone when it ends (--rm)",
            "reboot",
            "run it without --rm",
        ),
        Life::Running => Power::has("container", "running"),
        _ => Power::lacks(
            "container",
            container.status(),
            "everything",
            format!("{engine} start {}", target.container),
        ),
    });
    if container.life() == Life::Running {
        powers.push(address(target, container.addresses().first().copied()).await);
    }
    powers
}

/// Whether packets from here arrive, and answers come back: a port that nobody listens on refuses.
async fn address(target: &ContainerTarget, told: Option<std::net::IpAddr>) -> Power {
    const NAME: &str = "address";
    let Some(address) = target.address.or(told) else {
        let remedy = "run it on a bridge network, or give `address` in nodes.toml";
        return Power::lacks(NAME, "the engine tells none", "everything", remedy);
    };
    let place = SocketAddr::new(address, 9);
    let tried = tokio::task::spawn_blocking(move || TcpStream::connect_timeout(&place, ANSWER)).await;
    match tried {
        Ok(Ok(_)) => Power::has(NAME, format!("{address} answers")),
        Ok(Err(error)) if error.kind() == std::io::ErrorKind::ConnectionRefused => {
            Power::has(NAME, format!("{address} answers"))
        }
        Ok(Err(error)) => Power::lacks(
            NAME,
            format!("{address} does not answer: {error}"),
            "everything",
            "run disprove where the containers' network is reachable (not so with rootless networks)",
        ),
        Err(error) => Power::lacks(NAME, error.to_string(), "everything", ""),
    }
}

/// Which capabilities a process of root's has in the container.
pub(crate) async fn capabilities(remote: &MachineRemote) -> Result<Power, Error> {
    const NAME: &str = "capabilities";
    let text = "sed -n 's/^CapEff:[^0-9a-f]*//p' /proc/self/status";
    let said = remote.script_as_root(text, &[], b"", Duration::from_secs(15)).await?;
    let said = String::from_utf8_lossy(&said.stdout).trim().to_owned();
    let Ok(set) = u64::from_str_radix(&said, 16) else {
        return Ok(Power::lacks(NAME, format!("unclear: {said:?}"), "nothing by itself", ""));
    };
    let (has, lacks): (Vec<_>, Vec<_>) = WANTED.into_iter().partition(|(bit, _, _)| set >> bit & 1 == 1);
    let names = |some: &[(u32, &'static str, &'static str)]| {
        some.iter().map(|(_, name, _)| *name).collect::<Vec<_>>().join(", ")
    };
    let Some((_, _, takes_away)) = lacks.first() else { return Ok(Power::has(NAME, names(&has))) };
    let options: Vec<String> = lacks.iter().map(|(_, name, _)| format!("--cap-add {name}")).collect();
    let remedy = format!("run the container with {}", options.join(" "));
    Ok(Power::lacks(NAME, format!("without {}", names(&lacks)), takes_away, remedy))
}
