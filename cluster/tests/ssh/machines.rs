//! A cluster of machines on this machine, made by `scripts/ssh-cluster` and shared by the tests of this program.

use std::{
    path::{Path, PathBuf},
    process::Command,
    sync::{Arc, Mutex, PoisonError, Weak},
    time::Duration,
};

use disprove_cluster::{
    machine::{MachineRemote, Target},
    ssh::{SshTarget, Trust},
};

/// Long enough for anything on a machine that has much else to do.
pub const LONG: Duration = Duration::from_secs(30);

static SHARED: Mutex<Weak<Machines>> = Mutex::new(Weak::new());

/// Four nodes, taken away when the last test lets go of them.
pub struct Machines {
    pub folder: PathBuf,
}

fn script(folder: &Path, arguments: &[&str]) -> std::process::Output {
    Command::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../scripts/ssh-cluster"))
        .args(arguments)
        .arg("--dir")
        .arg(folder)
        .output()
        .expect("bash is there")
}

impl Machines {
    /// The nodes; `None`, said by name, where there is no root or no sshd.
    pub fn borrow(test: &str) -> Option<Arc<Self>> {
        let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(machines) = shared.upgrade() {
            return Some(machines);
        }
        let folder = std::env::temp_dir().join(format!("disprove-ssh-{}", std::process::id()));
        let made = script(&folder, &["up", "--nodes", "4"]);
        let said = String::from_utf8_lossy(&made.stderr).into_owned();
        if made.status.code() == Some(69) {
            println!("left out: {test} over SSH ({})", said.trim());
            return None;
        }
        assert!(made.status.success(), "the cluster does not come up: {said}");
        let machines = Arc::new(Self { folder });
        *shared = Arc::downgrade(&machines);
        Some(machines)
    }

    pub fn target(&self, node: usize) -> SshTarget {
        let text = std::fs::read_to_string(self.folder.join("nodes.toml")).expect("the script wrote it");
        let hosts: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("host = \"")).collect();
        let mut target = SshTarget::new(format!("n{node}"), hosts[node - 1].trim_end_matches('"'), "root");
        target.keys = vec![self.folder.join("keys/id")];
        target.trust = Trust { known_hosts: vec![self.folder.join("known_hosts")], accept_new: false };
        target
    }

    /// A node, with a folder of its own for the test.
    pub fn remote(&self, node: usize, test: &str) -> MachineRemote {
        let folder = Path::new(Target::DIRECTORY).join(test);
        MachineRemote::new(self.target(node), folder, None)
    }
}

impl Drop for Machines {
    fn drop(&mut self) {
        let ended = script(&self.folder, &["down"]);
        assert!(
            ended.status.success() || std::thread::panicking(),
            "the cluster does not go away: {}",
            String::from_utf8_lossy(&ended.stderr)
        );
        // Keys and logs that tests put there; nothing is mounted below it any more.
        if ended.status.success() {
            let _left = std::fs::remove_dir_all(&self.folder);
        }
    }
}

/// Runs a test on threads of its own.
pub fn run(test: impl Future<Output = ()>) {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("threads start")
        .block_on(test);
}

pub fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).trim_end().to_owned()
}
