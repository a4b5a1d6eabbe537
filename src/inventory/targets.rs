//! Machines as SSH needs them: with the usual keys, agent and known hosts of whoever calls, and with their secrets.

use std::path::{Path, PathBuf};

use cluster::ssh::{Secret, SshTarget, Trust};

use super::{Inventory, Machine, home};
use crate::exit::Failure;

/// The keys that ssh itself tries, in its order.
const USUAL_KEYS: &[&str] = &["id_ed25519", "id_ecdsa", "id_rsa"];

impl Inventory {
    /// How to reach the machines.
    pub fn targets(&self) -> Result<Vec<SshTarget>, Failure> {
        self.machines.iter().map(target).collect()
    }
}

fn target(machine: &Machine) -> Result<SshTarget, Failure> {
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

fn first_line(file: &Path) -> Result<Secret, Failure> {
    let text = std::fs::read_to_string(file).map_err(|error| {
        Failure::usage(format!("cannot read the password in {}: {error}", file.display()))
    })?;
    Ok(Secret::new(text.lines().next().unwrap_or_default()))
}
