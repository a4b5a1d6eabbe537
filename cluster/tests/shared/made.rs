//! Nodes that a script of this project makes on this machine, shared by the tests of one program and taken away with the last
//! test that lets go of them.

use std::{
    path::{Path, PathBuf},
    process::{Command, Output},
    sync::{Arc, Mutex, PoisonError, Weak},
    time::Duration,
};

use disprove_cluster::machine::{MachineRemote, Target};

/// Long enough for anything on a machine that has much else to do.
pub const LONG: Duration = Duration::from_secs(30);

/// How nodes are made.
pub struct Kind {
    /// The script, below `scripts`.
    pub script: &'static str,
    /// How many.
    pub nodes: &'static str,
    /// What is said of a test that is left out for want of them.
    pub where_to: &'static str,
}

static SHARED: Mutex<Weak<Machines>> = Mutex::new(Weak::new());

/// The nodes.
pub struct Machines {
    pub folder: PathBuf,
    script: &'static str,
}

fn run_script(script: &str, folder: &Path, arguments: &[&str]) -> Output {
    let path = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../scripts")).join(script);
    Command::new(path).args(arguments).arg("--dir").arg(folder).output().expect("bash is there")
}

impl Machines {
    /// The nodes; `None`, said by name, where there is no root or what makes them is missing.
    pub fn shared(kind: &Kind, test: &str) -> Option<Arc<Self>> {
        let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(machines) = shared.upgrade() {
            return Some(machines);
        }
        let name = format!("disprove-{}-{}", kind.script, std::process::id());
        let folder = std::env::temp_dir().join(name);
        let made = run_script(kind.script, &folder, &["up", "--nodes", kind.nodes]);
        let said = String::from_utf8_lossy(&made.stderr).into_owned();
        if made.status.code() == Some(69) {
            println!("left out: {test} {} ({})", kind.where_to, said.trim());
            return None;
        }
        assert!(made.status.success(), "the nodes do not come up: {said}");
        let machines = Arc::new(Self { folder, script: kind.script });
        *shared = Arc::downgrade(&machines);
        Some(machines)
    }

    /// A node, with a folder of its own for the test.
    pub fn remote(&self, node: usize, test: &str) -> MachineRemote {
        let folder = Path::new(Target::DIRECTORY).join(test);
        MachineRemote::new(self.target(node), folder, None)
    }
}

impl Drop for Machines {
    fn drop(&mut self) {
        let ended = run_script(self.script, &self.folder, &["down"]);
        assert!(
            ended.status.success() || std::thread::panicking(),
            "the nodes do not go away: {}",
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
