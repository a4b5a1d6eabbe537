//! What the tests of local clusters share: a started cluster in a folder of its own.

use std::{path::PathBuf, sync::atomic::AtomicU32, sync::atomic::Ordering, time::Duration};

use disprove_cluster::{
    Node, Remote,
    local::{Device, LocalCluster, LocalSpec},
};

/// Longer than any command of these tests takes.
pub const SHORT: Duration = Duration::from_secs(10);

/// A running cluster and its folder.
pub struct Scene {
    pub cluster: LocalCluster,
    pub nodes: Vec<Node>,
    pub folder: Folder,
    program: String,
}

/// A fresh folder that everybody may pass through, removed in the end.
pub struct Folder(pub PathBuf);

impl Drop for Folder {
    fn drop(&mut self) {
        // A folder that stays behind is no fault of what was tested.
        let _left = std::fs::remove_dir_all(&self.0);
    }
}

impl Scene {
    pub async fn start(nodes: usize, device: Device) -> Self {
        let folder = folder();
        let directory = folder.0.clone();
        // A copy that the nodes' user can reach by a path of its own.
        let program = directory.join("program");
        std::fs::copy("/proc/self/exe", &program).expect("the test binary can be copied");
        let spec = LocalSpec {
            nodes: (1..=nodes).map(|number| format!("n{number}")).collect(),
            directory,
            device,
            ..LocalSpec::default()
        };
        let cluster = LocalCluster::start(spec).await.expect("the cluster starts");
        let nodes = cluster.cluster().nodes;
        Self { cluster, nodes, folder, program: program.to_string_lossy().into_owned() }
    }

    pub async fn stop(self) {
        self.cluster.stop().await.expect("the nodes end");
    }

    pub fn node(&self, index: usize) -> &Node {
        &self.nodes[index]
    }

    pub fn remote(&self, index: usize) -> &dyn Remote {
        self.nodes[index].remote().expect("a local node can be acted on")
    }

    pub fn program(&self) -> &str {
        &self.program
    }
}

/// Makes a fresh folder.
pub fn folder() -> Folder {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let tick =
        std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("after 1970").as_nanos();
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let folder = std::env::temp_dir().join(format!("disprove-test-{tick}-{number}"));
    std::fs::create_dir_all(&folder).expect("temporary folders can be made");
    let open = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(&folder, open).expect("the folder is ours");
    Folder(folder)
}

/// Runs a future to its end, for at most a minute.
pub fn run<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime starts");
    runtime
        .block_on(async { tokio::time::timeout(Duration::from_secs(60), future).await })
        .expect("within a minute")
}

/// Waits until something holds, for at most ten seconds.
pub async fn eventually<F: Future<Output = bool>>(mut holds: impl FnMut() -> F) {
    for _ in 0..200 {
        if holds().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("it did not come to hold within ten seconds");
}

pub fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).trim().to_owned()
}
