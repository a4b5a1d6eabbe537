//! Nodes that leave for good, and fresh ones that join: what the power over a real cluster's members does, in virtual time.

use disprove_specimens::members::{Change, Members};
use history::NodeId;
use rand::RngExt;

use crate::{
    trial::Trial,
    world::{Event, World},
};

/// How often it is looked whether a wish is fulfilled.
const LOOK_US: u64 = 25_000;

/// What is wished for a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wish {
    /// It is to leave.
    Gone,
    /// It is to be a member again.
    Back,
    /// It has an empty disk, runs, and is to join.
    Joining,
}

impl Trial {
    pub fn replace(&mut self, struck: &[u16], begins: bool) {
        for &node in struck {
            if self.wishes.is_empty() {
                self.world.after(LOOK_US, Event::Manage);
            }
            self.wishes.insert(node, if begins { Wish::Gone } else { Wish::Back });
        }
    }

    /// One look at what is wished, as whoever administers the cluster has it: one node after another.
    pub fn manage(&mut self) {
        for (node, wish) in self.wishes.clone() {
            if wish == Wish::Gone {
                self.world.kill(node);
                self.hang_up(node);
            }
            let Some((leader, members, settled)) = leader(&self.world) else {
                // Perhaps the others cannot do without it; a removed one disturbs nobody.
                if wish == Wish::Back {
                    self.world.start(node);
                }
                break;
            };
            if !self.fulfil(node, wish, leader, &members, settled) {
                break;
            }
        }
        if !self.wishes.is_empty() {
            self.world.after(LOOK_US, Event::Manage);
        }
    }

    /// Does what can be done now, and says whether nothing is left to do.
    fn fulfil(&mut self, node: u16, wish: Wish, leader: u16, members: &Members, settled: bool) -> bool {
        let now = self.world.member(node);
        match (wish, members.at(NodeId(node))) {
            (Wish::Gone, None) => return settled,
            (Wish::Back | Wish::Joining, Some(member)) if member == now => {
                if settled {
                    self.world.start(node);
                    self.wishes.remove(&node);
                }
                return settled;
            }
            (_, Some(_)) => self.world.change(leader, Change::Remove(NodeId(node))),
            (Wish::Joining, None) => self.world.change(leader, Change::Add(now)),
            (Wish::Back, None) if settled => {
                self.world.kill(node);
                self.hang_up(node);
                let incarnation = self.world.rng.random_range(1..u64::MAX);
                self.world.empty_disk(node, incarnation);
                self.world.start(node);
                self.wishes.insert(node, Wish::Joining);
                self.replaced += 1;
            }
            (Wish::Back, None) => {}
        }
        false
    }
}

/// Who leads in the latest term, and what it says of the members.
fn leader(world: &World) -> Option<(u16, Members, bool)> {
    let leading = world.leaders().into_iter().filter_map(|node| Some((node, world.status(node)?)));
    let (node, status) = leading.max_by_key(|(_, status)| status.term)?;
    Some((node, status.members, status.settled))
}
