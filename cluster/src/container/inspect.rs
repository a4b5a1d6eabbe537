//! What an engine says of a container.

use std::{collections::BTreeMap, net::IpAddr, time::Duration};

use serde::Deserialize;

use super::ContainerTarget;
use crate::{Error, Life, machine::failed};

/// How long the engine may take to tell.
const ASK: Duration = Duration::from_secs(20);

/// A container, as docker and podman both tell of it.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Container {
    state: State,
    #[serde(default)]
    host_config: HostConfig,
    #[serde(default)]
    network_settings: NetworkSettings,
    #[serde(default)]
    config: Config,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Config {
    /// How podman was asked for it.
    create_command: Option<Vec<String>>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct State {
    running: bool,
    paused: bool,
    status: String,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct HostConfig {
    network_mode: String,
    auto_remove: bool,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct NetworkSettings {
    #[serde(rename = "IPAddress")]
    address: Option<String>,
    networks: Option<BTreeMap<String, Attached>>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Attached {
    #[serde(rename = "IPAddress")]
    v4: Option<String>,
    #[serde(rename = "GlobalIPv6Address")]
    v6: Option<String>,
    #[serde(rename = "IPAMConfig")]
    chosen: Option<Chosen>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Chosen {
    #[serde(rename = "IPv4Address")]
    v4: Option<String>,
}

/// Asks the engine.
pub(super) async fn inspect(target: &ContainerTarget) -> Result<Container, Error> {
    let arguments = ["inspect", "--type", "container", &target.container];
    let said = target.engine.must(target, &arguments, ASK).await?;
    read(&said).map_err(|error| {
        failed(
            &target.name,
            format!("what {} says of {} is unclear: {error}", target.engine.name(), target.container),
        )
    })
}

fn read(said: &[u8]) -> Result<Container, String> {
    let all: Vec<Container> = serde_json::from_slice(said).map_err(|error| error.to_string())?;
    all.into_iter().next().ok_or_else(|| "it tells of none".into())
}

impl Container {
    /// What it is doing.
    pub(super) fn life(&self) -> Life {
        match (self.state.paused, self.state.running) {
            (true, _) => Life::Frozen,
            (false, true) => Life::Running,
            (false, false) => Life::Off,
        }
    }

    /// What the engine calls what it is doing.
    pub(super) fn status(&self) -> &str {
        &self.state.status
    }

    /// Its addresses, those of the first version of the protocol first.
    pub(super) fn addresses(&self) -> Vec<IpAddr> {
        let attached: Vec<&Attached> =
            self.network_settings.networks.iter().flat_map(BTreeMap::values).collect();
        let v4 = attached.iter().filter_map(|network| network.v4.as_deref());
        let v6 = attached.iter().filter_map(|network| network.v6.as_deref());
        let all = v4.chain(self.network_settings.address.as_deref()).chain(v6);
        let mut addresses: Vec<IpAddr> = Vec::new();
        for address in all.filter_map(|text| text.parse().ok()) {
            if !addresses.contains(&address) {
                addresses.push(address);
            }
        }
        addresses
    }

    /// Whether it was given an address for good, so that it keeps it however often it is started.
    pub(super) fn has_own_address(&self) -> bool {
        let mut networks = self.network_settings.networks.iter().flat_map(BTreeMap::values);
        let chosen = |network: &Attached| {
            network.chosen.as_ref().and_then(|chosen| chosen.v4.as_ref()).is_some_and(|text| !text.is_empty())
        };
        let mut asked = self.config.create_command.iter().flatten();
        networks.any(chosen) || asked.any(|word| word == "--ip" || word.starts_with("--ip="))
    }

    /// Why its network is not to be shaped, where it is not its own.
    pub(super) fn foreign(&self) -> Option<String> {
        let mode = self.host_config.network_mode.as_str();
        match mode.split(':').next() {
            Some("host") => Some(
                "it is on the network of the host, whose packet filter is left alone; run it on a network of its own"
                    .into(),
            ),
            Some("container" | "ns") => {
                Some("it shares the network of another; run it on a network of its own".into())
            }
            _ => None,
        }
    }

    /// Whether the engine removes it when it ends.
    pub(super) fn is_gone_when_off(&self) -> bool {
        self.host_config.auto_remove
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_both_engines_say_is_read() {
        let docker = r#"[{"State": {"Running": true, "Paused": true, "Status": "paused", "Pid": 7}, "HostConfig": {"NetworkMode":
            "default", "AutoRemove": true}, "NetworkSettings": {"IPAddress": "172.17.0.2", "Networks": {"b": {"IPAddress":
            "10.9.0.2", "IPAMConfig": {"IPv4Address": "10.9.0.2"}, "GlobalIPv6Address": "fd00::2"}, "a": {"IPAddress": "172.17.0.2", "GlobalIPv6Address": ""}}}}]"#;
        let read_docker = read(docker.as_bytes()).unwrap();
        assert_eq!((read_docker.life(), read_docker.is_gone_when_off()), (Life::Frozen, true));
        let addresses: Vec<String> = read_docker.addresses().iter().map(IpAddr::to_string).collect();
        assert_eq!(addresses, ["172.17.0.2", "10.9.0.2", "fd00::2"]);
        assert_eq!((read_docker.foreign(), read_docker.has_own_address()), (None, true));
        let podman = r#"[{"State": {"Running": false, "Paused": false, "Status": "exited"}, "HostConfig": {"NetworkMode": "host"},
            "NetworkSettings": {"IPAddress": "", "Networks": null}, "Config":
            {"CreateCommand": ["podman", "run", "--ip", "10.9.0.3"]}}]"#;
        let read_podman = read(podman.as_bytes()).unwrap();
        assert_eq!((read_podman.life(), read_podman.has_own_address()), (Life::Off, true));
        assert!(read(b"[{}]").is_err() && read(b"[]").is_err());
        assert!(read_podman.foreign().unwrap().contains("left alone"));
    }
}
