//! Containers as a whole, and that a failure of the engine is no answer of a command.

use disprove_cluster::{
    Endpoint, LayerId, Life, Link, LinkPolicy, Remote,
    machine::{MachineCluster, MachineSpec},
};
use history::NodeId;

use super::machines::{LONG, Machines, run, text};

#[test]
fn a_container_that_is_frozen_or_off_comes_back_with_its_rules() {
    let Some(machines) = Machines::borrow("freezing and switching off") else { return };
    run(async {
        let spec = MachineSpec {
            nodes: (4..=5).map(|node| machines.target(node).into()).collect(),
            run: "whole".into(),
            logs: machines.folder.join("logs"),
            program: None,
        };
        let cluster = MachineCluster::start(spec.clone()).await.expect("they are reached");
        let network = cluster.cluster().network.expect("it can be shaped");
        let remote = cluster.remote(NodeId(0));
        let body = remote.body().expect("a container is one");
        let rules = async || {
            let listed = remote.exec(&["nft", "list", "ruleset"], b"", LONG).await.expect("it runs");
            text(&listed.stdout).contains("drop")
        };
        let link = Link { from: Endpoint::Node(NodeId(1)), to: Endpoint::Node(NodeId(0)) };
        let cut = [(link, LinkPolicy { cut: true, ..LinkPolicy::default() })];
        network.impose(LayerId(1), &cut).await.expect("it is cut");
        assert!(rules().await);

        body.freeze().await.expect("it is frozen");
        body.freeze().await.expect("twice does no harm");
        assert_eq!(body.life().await.expect("the engine tells"), Life::Frozen);
        let refused = remote.exec(&["true"], b"", LONG).await.expect_err("nothing runs in it");
        assert!(refused.to_string().contains("n4: docker does not run a command in n4:"), "{refused}");
        network.lift(LayerId(1)).await.expect("it is told when it goes on");
        body.thaw().await.expect("it goes on");
        body.thaw().await.expect("twice does no harm");
        network.restore(NodeId(0)).await.expect("it is told");
        assert!(!rules().await, "what was lifted meanwhile is not in force");

        network.impose(LayerId(2), &cut).await.expect("it is cut");
        body.switch_off().await.expect("it ends");
        body.switch_off().await.expect("twice does no harm");
        assert_eq!(body.life().await.expect("the engine tells"), Life::Off);
        assert!(network.counters().await.is_ok(), "what was counted is still known");
        // A controller that has died is followed by one that heals.
        let next = MachineCluster::resume(spec.clone()).await.expect("it is started");
        assert_eq!(body.life().await.expect("the engine tells"), Life::Running);
        drop(next);
        body.switch_on().await.expect("it runs already");
        assert!(!rules().await, "its rules went with its network");
        network.restore(NodeId(0)).await.expect("it is told");
        assert!(rules().await, "what is to be in force is again");
        cluster.stop().await.expect("nothing is left");
        let remote = machines.remote(4, "left");
        let left =
            remote.exec(&["sh", "-c", "nft list tables | grep disprove; ls /var/tmp/disprove"], b"", LONG);
        assert_eq!(text(&left.await.expect("it runs").stdout), "changes");
    });
}

#[test]
fn a_container_that_is_not_there_is_a_failure_of_the_harness() {
    let Some(machines) = Machines::borrow("a container that is not there") else { return };
    run(async {
        let mut target = machines.target(1);
        target.container = "nobody".into();
        let spec = |target: disprove_cluster::container::ContainerTarget| MachineSpec {
            nodes: vec![target.into()],
            run: "other".into(),
            logs: machines.folder.join("logs"),
            program: None,
        };
        let error = MachineCluster::start(spec(target)).await.expect_err("there is none").to_string();
        assert!(error.contains("n1: docker does not run a command in nobody"), "{error}");
    });
}
