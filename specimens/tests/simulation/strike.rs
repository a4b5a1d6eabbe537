//! The faults of a plan, carried out on the virtual cluster.

use nemeses::{Action, Direction, Peers, Shape, Targets};
use rand::{RngExt, seq::SliceRandom};

use crate::{
    trial::Trial,
    world::{Link, World},
};

impl Trial {
    pub fn fault(&mut self, place: usize, begins: bool) {
        let planned = self.plan[place].clone();
        if begins {
            let struck = choose(&mut self.world, &planned.targets);
            self.struck.insert(place, struck);
        }
        let struck = self.struck.get(&place).cloned().unwrap_or_default();
        match planned.fault {
            Action::Kill => {
                for node in struck {
                    if begins {
                        self.world.kill(node);
                        self.hang_up(node);
                    } else {
                        self.world.start(node);
                    }
                }
            }
            Action::Replace => self.replace(&struck, begins),
            Action::Pause => struck.iter().for_each(|&node| self.world.pause(node, begins)),
            Action::Clock { offset_ms } => {
                let offset_ms = if begins { offset_ms } else { 0 };
                struck.iter().for_each(|&node| self.world.set_offset(node, offset_ms));
            }
            _ if !begins => {
                self.world.layers.remove(&place);
            }
            // The links between clients and nodes are not part of the simulation.
            _ if planned.from == Peers::Clients => {}
            Action::Partition { shape } => {
                let cut = Link { cut: true, ..Link::default() };
                let links = links_of(shape, &struck, planned.direction, cut);
                self.world.layers.insert(place, links);
            }
            spoilt => {
                let links = links_of(Shape::Split, &struck, planned.direction, spoil(&spoilt));
                self.world.layers.insert(place, links);
            }
        }
    }
}

fn choose(world: &mut World, targets: &Targets) -> Vec<u16> {
    let mut nodes: Vec<u16> = (0..world.nodes()).collect();
    let leader = world.leaders().first().copied();
    if !matches!(targets, Targets::Half) {
        nodes.shuffle(&mut world.rng);
    }
    let count = match targets {
        Targets::Nodes(names) => {
            return names.iter().map(|name| place_of(name)).collect();
        }
        Targets::Leader if leader.is_some() => return leader.into_iter().collect(),
        Targets::Leader | Targets::One | Targets::MinorityThird => 1,
        Targets::Minority => world.rng.random_range(1..=2),
        Targets::Half | Targets::RandomHalf => 2,
        Targets::FollowersMajority => {
            nodes.sort_by_key(|node| leader == Some(*node));
            3
        }
        Targets::Majority => 3,
        Targets::All => nodes.len(),
    };
    nodes.truncate(count);
    nodes
}

/// The nodes of a plan are called n1, n2 and so on.
fn place_of(name: &str) -> u16 {
    let number = name.strip_prefix('n').and_then(|number| number.parse::<u16>().ok());
    number.filter(|number| *number > 0).expect("a name of a node") - 1
}

/// Which links a fault of the network changes, as a matrix of from and to.
fn links_of(shape: Shape, struck: &[u16], direction: Direction, bad: Link) -> Vec<Vec<Link>> {
    let place = |node: u16| struck.iter().position(|&known| known == node);
    let mut links = vec![vec![Link::default(); 5]; 5];
    for from in 0..5u16 {
        for to in (0..5u16).filter(|to| *to != from) {
            let (out, into) = match shape {
                Shape::Split if struck.len() == 5 => (true, true),
                Shape::Split => (
                    place(from).is_some() && place(to).is_none(),
                    place(to).is_some() && place(from).is_none(),
                ),
                Shape::Alone => (place(from).is_some(), place(to).is_some()),
                Shape::Ring => {
                    let distance = (5 + place(from).unwrap_or(0) - place(to).unwrap_or(0)) % 5;
                    (distance == 2, distance == 3)
                }
                Shape::Bridge => {
                    let left = |node| place(node).is_some_and(|at| at > 0);
                    let right = |node| place(node).is_none();
                    (left(from) && right(to), left(to) && right(from))
                }
            };
            let hit = match direction {
                Direction::Both => out || into,
                Direction::Out => out,
                Direction::In => into,
            };
            if hit {
                links[usize::from(from)][usize::from(to)] = bad;
            }
        }
    }
    links
}

fn spoil(action: &Action) -> Link {
    let fine = Link::default();
    match action {
        Action::Lossy { share } | Action::Corrupting { share, .. } => Link { loss: *share, ..fine },
        Action::Slow { delay_ms, jitter_ms, .. } => {
            Link { delay_us: delay_ms * 1000, jitter_us: jitter_ms * 1000, ..fine }
        }
        Action::Duplicating { share } => Link { twice: *share, ..fine },
        Action::Reordering { .. } => Link { jitter_us: 20_000, ..fine },
        Action::Narrow { .. } => Link { delay_us: 10_000, jitter_us: 30_000, ..fine },
        // The others are not faults of links, or no drawn plan of the simulation has them.
        _ => fine,
    }
}
