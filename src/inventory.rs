//! The machines or containers of a cluster: from `nodes.toml` or from flags. It holds where secrets are, never a secret.

mod file;

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::{arguments::ReachArguments, exit::Failure};

/// The most machines of a cluster.
const MACHINES_MAX: usize = 100;

/// The machines of a cluster.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Inventory {
    /// The flags that name it again.
    pub flags: String,
    /// The machines, in the order of their ids.
    pub machines: Vec<Machine>,
}

/// One machine.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Machine {
    /// Its name in the cluster.
    pub name: String,
    /// Where its sshd listens.
    pub host: String,
    /// The port of its sshd; 0 is the usual one.
    pub port: u16,
    /// As whom to log in; empty is whoever calls.
    pub user: String,
    /// The private key; `None` is the usual ones.
    pub key: Option<PathBuf>,
    /// The file whose first line is the password of the login.
    pub password_file: Option<PathBuf>,
    /// The variable of the environment that is the password of the login.
    pub password_env: Option<String>,
    /// The file whose first line is what sudo asks for.
    pub sudo_password_file: Option<PathBuf>,
    /// The variable of the environment that is what sudo asks for.
    pub sudo_password_env: Option<String>,
    /// The file of known hosts; `None` is the usual ones.
    pub known_hosts: Option<PathBuf>,
    /// A host that is not known is believed.
    pub accept_new_host_keys: bool,
    /// Where clients reach the database; empty is where sshd listens.
    pub address: String,
    /// Further addresses by which the other nodes know it.
    pub peers: Vec<String>,
    /// What it is for, for databases with several kinds of nodes.
    pub roles: Vec<String>,
    /// The folder there under which runs keep theirs; `None` is the usual one.
    pub directory: Option<PathBuf>,
    /// The container that it is, by name or id, instead of a machine; then `user` is who commands run as in it.
    pub container: Option<String>,
    /// The engine that has the container; `None` is the first that is found and has it.
    pub engine: Option<String>,
}

impl Inventory {
    /// The machines that the flags name; `None` where the nodes are to be made here.
    pub fn named(reach: &ReachArguments) -> Result<Option<Self>, Failure> {
        let usual = Machine {
            user: reach.ssh_user.clone().unwrap_or_default(),
            key: reach.ssh_key.clone(),
            password_file: reach.ssh_password_file.clone(),
            sudo_password_file: reach.sudo_password_file.clone(),
            known_hosts: reach.known_hosts.clone(),
            accept_new_host_keys: reach.accept_new_host_keys,
            ..Machine::default()
        };
        let usual_container = Machine { engine: reach.container_engine.clone(), ..Machine::default() };
        let (flags, machines) = match (&reach.nodes_file, &reach.nodes) {
            _ if reach.containers.is_some() => {
                let text = reach.containers.as_deref().unwrap_or_default();
                (container_flags(reach, text), containers(text.split(',').map(str::trim), &usual_container)?)
            }
            (Some(path), _) if path.extension().is_some_and(|extension| extension == "toml") => {
                let machines = file::read(path, &usual, &usual_container)?;
                (format!("--nodes-file {}", path.display()), machines)
            }
            (Some(path), _) if reach.ssh => {
                let text = std::fs::read_to_string(path).map_err(|error| {
                    Failure::usage(format!("cannot read the nodes in {}: {error}", path.display()))
                })?;
                let lines =
                    text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
                (format!("--ssh --nodes-file {}", path.display()), hosts(lines, &usual)?)
            }
            (None, Some(nodes)) if reach.ssh => {
                (format!("--ssh --nodes {nodes}"), hosts(nodes.split(',').map(str::trim), &usual)?)
            }
            (None, None) if reach.ssh => {
                return Err(Failure::usage("--ssh needs hosts: --nodes a,b,c or --nodes-file nodes.toml"));
            }
            _ => return without_machines(reach),
        };
        let this = Self { flags, machines };
        this.judge()?;
        Ok(Some(this))
    }

    /// What the nodes are, for people.
    pub fn kind(&self) -> &'static str {
        let containers = self.machines.iter().filter(|machine| machine.container.is_some()).count();
        match containers {
            0 => "machines over SSH",
            all if all == self.machines.len() => "containers",
            _ => "machines over SSH and containers",
        }
    }

    /// The names of the machines.
    pub fn names(&self) -> Vec<String> {
        self.machines.iter().map(|machine| machine.name.clone()).collect()
    }

    fn judge(&self) -> Result<(), Failure> {
        if self.machines.is_empty() || self.machines.len() > MACHINES_MAX {
            return Err(Failure::usage(format!(
                "there are {} machines; 1 to {MACHINES_MAX} are",
                self.machines.len()
            )));
        }
        let mut names = self.names();
        names.sort();
        if let Some(pair) = names.windows(2).find(|pair| pair[0] == pair[1]) {
            return Err(Failure::usage(format!("two machines are called `{}`", pair[0])));
        }
        for machine in &self.machines {
            let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._:".contains(&byte);
            let name = &machine.name;
            if name.is_empty() || name.len() > 200 || name.starts_with(['-', '.']) || !name.bytes().all(plain)
            {
                return Err(Failure::usage(format!(
                    "`{name}` cannot name a machine; letters, digits, - and . can"
                )));
            }
            if let Some(container) = &machine.container {
                judge_container(name, container)?;
            }
            for address in
                std::iter::once(&machine.address).filter(|text| !text.is_empty()).chain(&machine.peers)
            {
                if address.parse::<std::net::IpAddr>().is_err() {
                    return Err(Failure::usage(format!(
                        "`{address}` of {name} is no address, as 10.0.0.1 is"
                    )));
                }
            }
        }
        Ok(())
    }
}

/// Flags that say how to reach machines make no sense without any.
fn without_machines(reach: &ReachArguments) -> Result<Option<Inventory>, Failure> {
    let given = [
        ("--ssh-user", reach.ssh_user.is_some()),
        ("--ssh-key", reach.ssh_key.is_some()),
        ("--ssh-password-file", reach.ssh_password_file.is_some()),
        ("--sudo-password-file", reach.sudo_password_file.is_some()),
        ("--known-hosts", reach.known_hosts.is_some()),
        ("--accept-new-host-keys", reach.accept_new_host_keys),
    ];
    if reach.container_engine.is_some() {
        return Err(Failure::usage(
            "--container-engine is for containers: name them with --containers n1=NAME,n2=NAME or --nodes-file nodes.toml",
        ));
    }
    match given.iter().find(|(_, given)| *given) {
        Some((flag, _)) => Err(Failure::usage(format!(
            "{flag} is for machines: name them with --ssh --nodes a,b,c or --nodes-file nodes.toml"
        ))),
        None => Ok(None),
    }
}

/// Machines from `user@host:port`, of which only the host must be there.
fn hosts<'a>(texts: impl Iterator<Item = &'a str>, usual: &Machine) -> Result<Vec<Machine>, Failure> {
    texts
        .map(|text| {
            let (user, place) = text.rsplit_once('@').unwrap_or((&usual.user, text));
            let (host, port) = match place.rsplit_once(':') {
                Some((host, port)) if !host.contains(':') => {
                    let port = port.parse().ok().filter(|port| *port > 0);
                    (host, port.ok_or_else(|| Failure::usage(format!("`{text}` has no port that there is")))?)
                }
                _ => (place, usual.port),
            };
            if host.is_empty() || host.chars().all(|c| c.is_ascii_digit()) {
                return Err(Failure::usage(format!(
                    "`{text}` is no host; --ssh --nodes takes hosts, as in a,b,root@c:2222"
                )));
            }
            Ok(Machine { name: host.into(), host: host.into(), port, user: user.into(), ..usual.clone() })
        })
        .collect()
}

/// Containers from `NODE=CONTAINER`; without `=` the node is called as its container is.
fn containers<'a>(texts: impl Iterator<Item = &'a str>, usual: &Machine) -> Result<Vec<Machine>, Failure> {
    texts
        .map(|text| {
            let (name, container) = text.split_once('=').unwrap_or((text, text));
            if name.is_empty() || container.is_empty() {
                return Err(Failure::usage(format!(
                    "`{text}` names no container; --containers takes them as in n1=db-1,n2=db-2"
                )));
            }
            Ok(Machine { name: name.into(), container: Some(container.into()), ..usual.clone() })
        })
        .collect()
}

fn container_flags(reach: &ReachArguments, text: &str) -> String {
    let engine = reach.container_engine.as_ref().map(|engine| format!(" --container-engine {engine}"));
    format!("--containers {text}{}", engine.unwrap_or_default())
}

/// An engine takes what begins with a dash for an option.
fn judge_container(node: &str, container: &str) -> Result<(), Failure> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte);
    match container.bytes().all(plain) && container.starts_with(|c: char| c.is_ascii_alphanumeric()) {
        true => Ok(()),
        false => Err(Failure::usage(format!("`{container}` of {node} cannot be the name of a container"))),
    }
}

/// A path of the inventory: `~` is the home of whoever calls, and everything else is seen from the file's own folder.
fn path_in(folder: &Path, text: &str) -> PathBuf {
    match (text.strip_prefix("~/"), home()) {
        (Some(rest), Some(home)) => home.join(rest),
        _ => folder.join(text),
    }
}

fn home() -> Option<PathBuf> {
    std::env::var_os("HOME").map(PathBuf::from)
}

mod targets;

#[cfg(test)]
mod tests {
    use super::*;

    fn named(nodes: &str) -> Result<Option<Inventory>, Failure> {
        Inventory::named(&ReachArguments {
            nodes: Some(nodes.into()),
            ssh: true,
            ..ReachArguments::default()
        })
    }

    #[test]
    fn hosts_are_taken_from_a_flag() {
        let inventory = named("a,root@b.example:2222,10.0.0.3").unwrap().unwrap();
        let told: Vec<_> =
            inventory.machines.iter().map(|m| (m.name.as_str(), m.user.as_str(), m.port)).collect();
        assert_eq!(told, [("a", "", 0), ("b.example", "root", 2222), ("10.0.0.3", "", 0)]);
        for wrong in ["", "5", "a,a", "a:x", "a b", "-o"] {
            assert_eq!(named(wrong).unwrap_err().exit, crate::exit::Exit::Usage, "{wrong}");
        }
    }

    #[test]
    fn containers_are_taken_from_a_flag() {
        let named = |text: &str| {
            let reach = ReachArguments { containers: Some(text.into()), ..ReachArguments::default() };
            Inventory::named(&reach).map(Option::unwrap)
        };
        let inventory = named("n1=db_1,two").unwrap();
        let told: Vec<_> =
            inventory.machines.iter().map(|m| (m.name.as_str(), m.container.as_deref().unwrap())).collect();
        assert_eq!(told, [("n1", "db_1"), ("two", "two")]);
        assert_eq!(inventory.flags, "--containers n1=db_1,two");
        for wrong in ["", "a=", "=a", "a,a", "a=-it", "a=b c", "-a"] {
            assert_eq!(named(wrong).unwrap_err().exit, crate::exit::Exit::Usage, "{wrong}");
        }
        let lonely = ReachArguments { container_engine: Some("podman".into()), ..ReachArguments::default() };
        assert!(
            Inventory::named(&lonely).unwrap_err().message.contains("--container-engine is for containers")
        );
    }

    #[test]
    fn without_ssh_the_nodes_are_made_here() {
        let reach = ReachArguments { nodes: Some("a,b".into()), ..ReachArguments::default() };
        assert_eq!(Inventory::named(&reach).unwrap(), None);
        let reach = ReachArguments { ssh_user: Some("root".into()), ..reach };
        assert!(Inventory::named(&reach).unwrap_err().message.contains("--ssh-user is for machines"));
    }
}
