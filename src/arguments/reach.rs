//! Which nodes, and how to reach them: what `test` and `doctor` take.

use std::path::PathBuf;

use clap::Args;

/// Where the nodes are.
#[derive(Args, Clone, Debug, Default)]
pub struct ReachArguments {
    /// How many nodes on this machine, or their names: 5 or n1,n2,n3; with --ssh the hosts: a,b,root@c:2222. The default
    /// is what suits the database, mostly 5.
    #[arg(long, env = "DISPROVE_NODES", help_heading = "Cluster")]
    pub nodes: Option<String>,
    /// An inventory of machines (nodes.toml; see docs/clusters.md), or a file with one name per line.
    #[arg(
        long,
        env = "DISPROVE_NODES_FILE",
        value_name = "FILE",
        conflicts_with = "nodes",
        help_heading = "Cluster"
    )]
    pub nodes_file: Option<PathBuf>,
    /// The nodes are machines that are reached over SSH.
    #[arg(long, env = "DISPROVE_SSH", help_heading = "Cluster")]
    pub ssh: bool,
    /// The nodes are containers that run, each with its name in the cluster: n1=db-1,n2=db-2,n3=db-3, or only its own name.
    #[arg(
        long,
        env = "DISPROVE_CONTAINERS",
        value_name = "NODE=NAME,...",
        conflicts_with_all = ["nodes", "nodes_file", "ssh"],
        help_heading = "Cluster"
    )]
    pub containers: Option<String>,
    /// What runs the containers: docker, podman, or the path of what takes the same commands. The default is the first of
    /// the two that is found and has them.
    #[arg(long, env = "DISPROVE_CONTAINER_ENGINE", value_name = "PROGRAM", help_heading = "Cluster")]
    pub container_engine: Option<String>,
    /// As whom to log in; the default is whoever calls.
    #[arg(long, env = "DISPROVE_SSH_USER", value_name = "NAME", help_heading = "Cluster")]
    pub ssh_user: Option<String>,
    /// The private key; the default is the agent's and the usual ones in ~/.ssh.
    #[arg(long, env = "DISPROVE_SSH_KEY", value_name = "FILE", help_heading = "Cluster")]
    pub ssh_key: Option<PathBuf>,
    /// A file whose first line is the password of the login (or DISPROVE_SSH_PASSWORD in the environment).
    #[arg(long, env = "DISPROVE_SSH_PASSWORD_FILE", value_name = "FILE", help_heading = "Cluster")]
    pub ssh_password_file: Option<PathBuf>,
    /// A file whose first line is what sudo asks for (or DISPROVE_SUDO_PASSWORD in the environment).
    #[arg(long, env = "DISPROVE_SUDO_PASSWORD_FILE", value_name = "FILE", help_heading = "Cluster")]
    pub sudo_password_file: Option<PathBuf>,
    /// The file of known hosts; the default is ~/.ssh/known_hosts.
    #[arg(long, env = "DISPROVE_KNOWN_HOSTS", value_name = "FILE", help_heading = "Cluster")]
    pub known_hosts: Option<PathBuf>,
    /// Believes the key of a host that is not among the known ones, and adds it. One that differs is refused all the same.
    #[arg(long, env = "DISPROVE_ACCEPT_NEW_HOST_KEYS", help_heading = "Cluster")]
    pub accept_new_host_keys: bool,
}
