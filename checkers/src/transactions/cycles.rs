//! All cycles that matter: for every knot of the graph, a shortest one of each class that no worse one there implies.

use super::{
    class::{Base, Class, mask_of},
    edges::{Edges, Kind, NONE},
    graph::Graph,
    knot::Knot,
    rivals::{self, Settled},
    scope::Scope,
    search::{Cycle, Effort, Search, simple},
};
use crate::{Budget, Limit};

/// A cycle, and how many transactions its knot ties together.
#[derive(Clone, Debug)]
pub(super) struct Contradiction {
    pub kind: &'static str,
    pub cycle: Cycle,
    /// Where two transactions can come in either order, and the cycle is that of one order: the cycle of the other.
    pub otherwise: Option<Cycle>,
    pub involved: u64,
}

/// What the graph says.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub contradictions: Vec<Contradiction>,
    /// All nodes in an order that every edge agrees with, where there is one.
    pub order: Option<Vec<u32>>,
    pub limits: Vec<Limit>,
    /// Knots with more rivals than can be tried.
    pub unsettled: u64,
}

/// Looks for cycles of the classes. `rivals` are transactions with the numbers of groups: each two of a group come one after
/// the other, nobody knows in which order.
pub(super) fn find(edges: Edges, rivals: &[(u32, u32)], classes: &[Class], budget: &Budget) -> Found {
    let transactions = edges.transactions;
    let graph = Graph::new(&edges);
    drop(edges);
    let order = graph.order();
    if order.len() == graph.nodes() as usize {
        return Found { order: Some(order), ..Found::default() };
    }
    let mut is_ordered = vec![false; graph.nodes() as usize];
    order.iter().for_each(|node| is_ordered[*node as usize] = true);
    let rest: Vec<u32> = (0..graph.nodes()).filter(|node| !is_ordered[*node as usize]).collect();
    drop((order, is_ordered));
    let mask = classes.iter().fold(Kind::Pass.bit(), |mask, class| mask | class.mask());
    let mut found = Found::default();
    let mut place = vec![NONE; graph.nodes() as usize];
    for nodes in graph.knots(&rest, mask) {
        let knot = Knot::new(&graph, transactions, nodes, &mut place);
        match untie(&knot, rivals, classes, budget, &mut found.contradictions) {
            Ok(is_settled) => found.unsettled += u64::from(!is_settled),
            Err(limit) if !found.limits.contains(&limit) => found.limits.push(limit),
            Err(_) => {}
        }
    }
    found
}

/// The cycles of one knot; false where there were too many rivals to try.
fn untie(
    knot: &Knot,
    rivals: &[(u32, u32)],
    classes: &[Class],
    budget: &Budget,
    found: &mut Vec<Contradiction>,
) -> Result<bool, Limit> {
    let all: Vec<u32> = (0..knot.graph.nodes()).collect();
    let mut effort = Effort::new(budget);
    let mut search = Search::new(knot);
    let mut known = 0u16;
    let is_snapshot = |class: &Class| [Base::Single, Base::Nonadjacent].contains(&class.base);
    let mut snapshots = [None; 3];
    let mut has_snapshots =
        |scope: Scope| *snapshots[scope as usize].get_or_insert_with(|| knot.has_snapshots(mask_of(scope)));
    let mut parts: Option<(u8, Vec<Vec<u32>>)> = None;
    for class in classes {
        if known >> class.place() & 1 == 1 || is_snapshot(class) && has_snapshots(class.scope) {
            continue;
        }
        // Classes of one mask follow each other.
        let parts = match &mut parts {
            Some((mask, parts)) if *mask == class.mask() => parts,
            stale => &mut stale.insert((class.mask(), knot.graph.knots(&all, class.mask()))).1,
        };
        let mut best: Option<(Cycle, u64)> = None;
        for part in parts.iter() {
            if let Some(walk) = search.walk(part, *class, &mut effort)?
                && best.as_ref().is_none_or(|(shortest, _)| walk.len() < shortest.len())
            {
                let involved = part.iter().filter(|node| **node < knot.transactions).count() as u64;
                best = Some((walk, involved));
            }
        }
        let Some((walk, involved)) = best else { continue };
        for cycle in simple(walk) {
            let kinds: Vec<Kind> = cycle.iter().map(|step| step.kind).collect();
            let class = Class::of(&kinds);
            if known >> class.place() & 1 == 0 {
                known |= class.implied();
                found.push(Contradiction { kind: class.kind(), cycle, otherwise: None, involved });
            }
        }
    }
    let pairs = rivals::pairs(knot, rivals);
    let mut is_settled = true;
    for class in classes.iter().filter(|class| is_snapshot(class) && !pairs.is_empty()) {
        if known >> class.place() & 1 == 1 {
            continue;
        }
        match rivals::settle(knot, &pairs, *class, &mut effort)? {
            Settled::Fine => {}
            Settled::TooMany => is_settled = false,
            Settled::Broken(cycle, otherwise) => {
                known |= class.implied();
                let involved = u64::from(knot.transactions);
                found.push(Contradiction { kind: class.kind(), cycle, otherwise: Some(otherwise), involved });
            }
        }
    }
    Ok(is_settled)
}
