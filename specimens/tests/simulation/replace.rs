//! Nodes that leave for good, and fresh ones that join: what the power over a real cluster's members does, in virtual time.

use disprove_specimens::members::{Change, Member, Members};
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
    Joining(Member),
}

impl Trial {
    pub fn replace(&mut self, struck: &[u16], begins: bool) {
        for &node in struck {
            if begins {
                self.world.kill(node);
                self.hang_up(node);
            }
            self.wishes.insert(node, if begins { Wish::Gone } else { Wish::Back });
        }
        self.world.after(LOOK_US, Event::Manage);
    }

    /// One look at all wishes, as whoever administers the cluster has it.
    pub fn manage(&mut self) {
        for (node, wish) in self.wishes.clone() {
            let Some((leader, members, settled)) = leader(&self.world) else { break };
            match wish {
                Wish::Gone | Wish::Back => self.see_off(node, wish, leader, &members, settled),
                Wish::Joining(fresh) if members.contains(fresh) && settled => {
                    self.wishes.remove(&node);
                }
                Wish::Joining(fresh) => self.world.change(leader, Change::Add(fresh)),
            }
        }
        if !self.wishes.is_empty() {
            self.world.after(LOOK_US, Event::Manage);
        }
    }

    fn see_off(&mut self, node: u16, wish: Wish, leader: u16, members: &Members, settled: bool) {
        let now = self.world.member(node);
        let place = members.at(NodeId(node));
        if wish == Wish::Back && place == Some(now) && settled {
            // It never left, or the leader took it in again.
            self.world.start(node);
            self.wishes.remove(&node);
        } else if place.is_some() {
            self.world.change(leader, Change::Remove(NodeId(node)));
        } else if settled && wish == Wish::Back {
            let incarnation = self.world.rng.random_range(1..u64::MAX);
            self.world.kill(node);
            self.hang_up(node);
            self.world.empty_disk(node, incarnation);
            self.world.start(node);
            self.wishes.insert(node, Wish::Joining(self.world.member(node)));
            self.replaced += 1;
        }
    }
}

/// Who leads in the latest term, and what it says of the members.
fn leader(world: &World) -> Option<(u16, Members, bool)> {
    let leading = world.leaders().into_iter().filter_map(|node| Some((node, world.status(node)?)));
    let (node, status) = leading.max_by_key(|(_, status)| status.term)?;
    Some((node, status.members, status.settled))
}
