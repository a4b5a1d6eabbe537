use history::FaultId;

use super::*;
use crate::Action;

fn names(count: usize) -> Names {
    Names { nodes: (1..=count).map(|number| format!("n{number}")).collect(), leader: Some(NodeId(2)) }
}

fn partition(
    shape: Shape,
    nodes: &[u16],
    direction: Direction,
    from: Peers,
    count: usize,
) -> (Partition, BTreeSet<Link>) {
    let action = Action::Partition { shape };
    let nodes = nodes.iter().map(|&node| NodeId(node)).collect();
    let settled = Settled { id: FaultId(0), action: &action, nodes, direction, from, count };
    let links = match shape {
        Shape::Split => layer::of_targets(&settled, false),
        Shape::Alone => layer::of_targets(&settled, true),
        Shape::Ring => ring(&settled),
        Shape::Bridge => bridge(&settled),
    };
    (Partition::new(shape, &settled), links)
}

fn link(from: u16, to: u16) -> Link {
    Link { from: Endpoint::Node(NodeId(from)), to: Endpoint::Node(NodeId(to)) }
}

#[test]
fn a_leader_is_cut_off_both_ways_and_one_way() {
    let (fault, links) = partition(Shape::Split, &[2], Direction::Both, Peers::Nodes, 5);
    assert_eq!(fault.describe(&names(5)), "cut n3 (leader) off from n1, n2, n4, n5 in both directions");
    assert_eq!(links.len(), 8);
    let (_, links) = partition(Shape::Split, &[2], Direction::In, Peers::Nodes, 3);
    assert_eq!(links, [link(0, 2), link(1, 2)].into());
    let (fault, links) = partition(Shape::Split, &[2], Direction::Out, Peers::Nodes, 3);
    assert_eq!(links, [link(2, 0), link(2, 1)].into());
    assert_eq!(
        fault.describe(&names(3)),
        "let nothing from n3 (leader) reach n1, n2, whose own packets still got in"
    );
}

#[test]
fn clients_are_cut_off_only_where_asked() {
    let (_, links) = partition(Shape::Split, &[0, 1], Direction::Both, Peers::Clients, 3);
    assert_eq!(links.len(), 4);
    assert!(links.iter().all(|link| link.from == Endpoint::Controller || link.to == Endpoint::Controller));
    let (_, links) = partition(Shape::Split, &[0, 1], Direction::Both, Peers::Everybody, 3);
    assert_eq!(links.len(), 8);
}

#[test]
fn sides_of_a_split_still_reach_their_own() {
    let (_, links) = partition(Shape::Split, &[0, 1], Direction::Both, Peers::Nodes, 5);
    assert_eq!(links.len(), 12);
    assert!(!links.contains(&link(0, 1)) && !links.contains(&link(3, 4)));
    let (_, links) = partition(Shape::Alone, &[0, 1], Direction::Both, Peers::Nodes, 5);
    assert_eq!(links.len(), 14);
}

#[test]
fn on_a_ring_every_node_sees_a_majority_and_no_two_the_same() {
    for count in 4..=9_u16 {
        let nodes: Vec<u16> = (0..count).rev().collect();
        let (_, links) = partition(Shape::Ring, &nodes, Direction::Both, Peers::Nodes, usize::from(count));
        let seen: Vec<BTreeSet<u16>> = (0..count)
            .map(|node| (0..count).filter(|&peer| !links.contains(&link(node, peer))).collect())
            .collect();
        for (node, sees) in seen.iter().enumerate() {
            assert!(
                sees.len() * 2 > usize::from(count) && sees.len() < usize::from(count),
                "{count} {node}: {sees:?}"
            );
            assert!(links.iter().all(|link| links.contains(&Link { from: link.to, to: link.from })));
            assert!(seen[node + 1..].iter().all(|other| other != sees));
        }
        let (_, one_way) = partition(Shape::Ring, &nodes, Direction::Out, Peers::Nodes, usize::from(count));
        assert_eq!(one_way.len() * 2, links.len());
        assert!(one_way.iter().all(|link| !one_way.contains(&Link { from: link.to, to: link.from })));
    }
}

#[test]
fn a_bridge_alone_reaches_both_sides() {
    let (fault, links) = partition(Shape::Bridge, &[2, 0, 4], Direction::Both, Peers::Nodes, 5);
    assert_eq!(fault.describe(&names(5)), "left n3 (leader) as the only bridge between n1, n5 and n2, n4");
    let expected =
        [(0, 1), (0, 3), (4, 1), (4, 3)].iter().flat_map(|&(a, b)| [link(a, b), link(b, a)]).collect();
    assert_eq!(links, expected);
}
