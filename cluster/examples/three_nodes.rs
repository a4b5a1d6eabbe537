//! Three hosts on this machine: starts them, runs a daemon on each, and stays until it is told to end.
//!
//! Try `cargo run -p disprove-cluster --example three_nodes`, then end it with Ctrl-C, `kill` or `kill -9`: nothing of it stays.

fn main() -> std::process::ExitCode {
    std::process::ExitCode::from(run())
}

/// Needs Linux; the exit code says so elsewhere.
#[cfg(not(target_os = "linux"))]
pub fn run() -> u8 {
    70
}

/// Enters namespaces, and runs the cluster there; the exit code.
#[cfg(target_os = "linux")]
pub fn run() -> u8 {
    use disprove_cluster::local::{Entered, enter};
    match enter() {
        Ok(Entered::Finished(code)) => code as u8,
        Ok(Entered::Inside) => inside(),
        Err(error) => {
            eprintln!("{error}");
            70
        }
    }
}

#[cfg(target_os = "linux")]
fn inside() -> u8 {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime starts");
    match runtime.block_on(three_nodes()) {
        Ok(()) => 130,
        Err(error) => {
            eprintln!("{error}");
            70
        }
    }
}

#[cfg(target_os = "linux")]
async fn three_nodes() -> Result<(), disprove_cluster::Error> {
    use disprove_cluster::{
        Daemon,
        local::{LocalCluster, LocalSpec},
    };
    let directory =
        std::env::args_os().nth(1).map_or_else(std::env::temp_dir, Into::into).join("three-nodes");
    // A mark, so that the processes can be told from others.
    let environment = std::env::var("MARK").map(|mark| ("MARK".to_owned(), mark)).into_iter().collect();
    let nodes = ["n1", "n2", "n3"].map(String::from).into();
    let spec = LocalSpec { nodes, directory, environment, ..LocalSpec::default() };
    let cluster = LocalCluster::start(spec).await?;
    for node in &cluster.cluster().nodes {
        let daemon = Daemon {
            name: "sleeper".into(),
            argv: vec!["sleep".into(), "1000".into()],
            log: node.logs.join("sleeper.log"),
            ..Daemon::default()
        };
        node.remote()?.start(&daemon).await?;
        println!("{} is {}", node.name, node.address);
    }
    println!("ready");
    tokio::signal::ctrl_c().await.map_err(|e| disprove_cluster::Error::io("wait for a signal", e))?;
    cluster.stop().await
}
