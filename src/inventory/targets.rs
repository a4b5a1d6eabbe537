//! Nodes as what reaches them needs them: containers with their engine, machines with the usual keys, agent and known
//! hosts of whoever calls, and with their secrets.

#[cfg(feature = "ssh")]
use std::path::{Path, PathBuf};

#[cfg(feature = "ssh")]
use cluster::ssh::{Secret, SshTarget, Trust};
use cluster::{
    container::{ContainerTarget, Engine},
    machine::Target,
};

#[cfg(feature = "ssh")]
use super::home;
use super::{Inventory, Machine};
use crate::exit::Failure;

#[cfg(feature = "ssh")]
/// The keys that ssh itself tries, in its order.
const USUAL_KEYS: &[&str] = &["id_ed25519", "id_ecdsa", "id_rsa"];

impl Inventory {
    /// How to reach the nodes.
    pub fn targets(&self) -> Result<Vec<Target>, Failure> {
        let target = |node: &Machine| match &node.container {
            Some(container) => self::container(node, container).map(Target::from),
            None => machine(node),
        };
        self.machines.iter().map(target).collect()
    }
}

fn container(node: &Machine, container: &str) -> Result<ContainerTarget, Failure> {
    let engine = match &node.engine {
        Some(name) => Engine::named(name)
            .ok_or_else(|| Failure::usage(format!("the container engine {name} of {} is not found", node.name)))?,
        None => Engine::of(container).ok_or_else(|| {
            Failure::usage(
                "neither docker nor podman is found in PATH; another engine is named by --container-engine, as in \
                 --container-engine /opt/bin/podman",
            )
        })?,
    };
    let mut target = ContainerTarget::new(node.name.clone(), container, engine);
    target.user = Some(node.user.clone()).filter(|user| !user.is_empty());
    // Both were judged when the inventory was read.
    target.address = node.address.parse().ok();
    target.peers = node.peers.iter().filter_map(|address| address.parse().ok()).collect();
    target.roles.clone_from(&node.roles);
    if let Some(directory) = &node.directory {
        target.directory.clone_from(directory);
    }
    Ok(target)
}

#[cfg(not(feature = "ssh"))]
fn machine(_: &Machine) -> Result<Target, Failure> {
    Err(Failure::usage("this program was built without SSH; to have it: cargo build --features ssh"))
}

#[cfg(feature = "ssh")]
fn machine(node: &Machine) -> Result<Target, Failure> {
    ssh_target(node).map(Target::from)
}

#[cfg(feature = "ssh")]
fn ssh_target(machine: &Machine) -> Result<SshTarget, Failure> {
    let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let user = match machine.user.as_str() {
        "" => variable("USER").or_else(|| variable("LOGNAME")).unwrap_or_else(|| "root".into()),
        user => user.to_owned(),
    };
    let mut target = SshTarget::new(machine.name.clone(), machine.host.clone(), user);
    if machine.port > 0 {
        target.port = machine.port;
    }
    let usual = home().map(|home| home.join(".ssh"));
    target.keys = match (&machine.key, &usual) {
        (Some(key), _) => vec![key.clone()],
        (None, Some(folder)) => {
            USUAL_KEYS.iter().map(|name| folder.join(name)).filter(|key| key.is_file()).collect()
        }
        (None, None) => Vec::new(),
    };
    target.passphrase = variable("DISPROVE_SSH_PASSPHRASE").map(Secret::new);
    target.agent = std::env::var_os("SSH_AUTH_SOCK").filter(|socket| !socket.is_empty()).map(PathBuf::from);
    let of = |file: &Option<PathBuf>, name: &Option<String>, usual: &str| match (file, name) {
        (Some(file), _) => first_line(file).map(Some),
        (None, Some(name)) => match variable(name) {
            Some(value) => Ok(Some(Secret::new(value))),
            None => Err(Failure::usage(format!(
                "the password of {} is to be in the variable {name}, which is not set",
                machine.name
            ))),
        },
        (None, None) => Ok(variable(usual).map(Secret::new)),
    };
    target.password = of(&machine.password_file, &machine.password_env, "DISPROVE_SSH_PASSWORD")?;
    target.sudo_password =
        of(&machine.sudo_password_file, &machine.sudo_password_env, "DISPROVE_SUDO_PASSWORD")?;
    let known_hosts = match (&machine.known_hosts, usual) {
        (Some(file), _) => vec![file.clone()],
        (None, Some(folder)) => vec![folder.join("known_hosts"), "/etc/ssh/ssh_known_hosts".into()],
        (None, None) => vec!["/etc/ssh/ssh_known_hosts".into()],
    };
    target.trust = Trust { known_hosts, accept_new: machine.accept_new_host_keys };
    // Both were judged when the inventory was read.
    target.address = machine.address.parse().ok();
    target.peers = machine.peers.iter().filter_map(|address| address.parse().ok()).collect();
    target.roles.clone_from(&machine.roles);
    if let Some(directory) = &machine.directory {
        target.directory.clone_from(directory);
    }
    Ok(target)
}

#[cfg(feature = "ssh")]
fn first_line(file: &Path) -> Result<Secret, Failure> {
    let text = std::fs::read_to_string(file).map_err(|error| {
        Failure::usage(format!("cannot read the password in {}: {error}", file.display()))
    })?;
    Ok(Secret::new(text.lines().next().unwrap_or_default()))
}
