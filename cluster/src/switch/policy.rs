//! What several layers of policies come to on one link.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use super::command::Order;
use crate::{Endpoint, Error, LayerId, Link, LinkPolicy, network::Distribution};

/// The longest a packet may be delayed on purpose.
const DELAY_MAX: Duration = Duration::from_secs(3600);

/// All that is imposed on one link, as the switch needs it. Times are nanoseconds.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Shape {
    pub(super) cut: bool,
    pub(super) loss: f64,
    pub(super) delay: f64,
    /// Half the width of the uniform jitter.
    pub(super) uniform: f64,
    /// The standard deviation of the normal jitter.
    pub(super) normal: f64,
    /// The mean of the exponential jitter.
    pub(super) exponential: f64,
    pub(super) duplicate: f64,
    pub(super) reorder: f64,
    pub(super) corrupt: f64,
    pub(super) corrupt_past_checksum: bool,
    /// 0 is no limit.
    pub(super) bandwidth_bits: u64,
    pub(super) reset: f64,
    pub(super) hush: bool,
}

impl Shape {
    /// Whether all packets pass untouched.
    pub(super) fn is_plain(&self) -> bool {
        *self == Self { corrupt_past_checksum: self.corrupt_past_checksum, ..Self::default() }
    }

    /// Puts one more policy on top. Shares are independent chances and delays add up. Jitters of different distributions
    /// are drawn separately and add up; those of the same distribution add up to one, normal ones by their variance.
    fn add(&mut self, policy: &LinkPolicy) {
        let either = |a: f64, b: f64| 1.0 - (1.0 - a) * (1.0 - b);
        let nanos = |time: Duration| time.as_nanos() as f64;
        self.cut |= policy.cut;
        self.loss = either(self.loss, policy.loss);
        self.duplicate = either(self.duplicate, policy.duplicate);
        self.reorder = either(self.reorder, policy.reorder);
        self.corrupt = either(self.corrupt, policy.corrupt);
        self.corrupt_past_checksum |= policy.corrupt > 0.0 && policy.corrupt_past_checksum;
        self.reset = either(self.reset, policy.reset);
        self.hush |= policy.hush;
        self.delay += nanos(policy.delay);
        match policy.distribution {
            Distribution::Uniform => self.uniform += nanos(policy.jitter),
            Distribution::Normal => self.normal = self.normal.hypot(nanos(policy.jitter)),
            Distribution::Exponential => self.exponential += nanos(policy.jitter),
        }
        self.bandwidth_bits = match (self.bandwidth_bits, policy.bandwidth_bits) {
            (0, only) | (only, 0) => only,
            (a, b) => a.min(b),
        };
    }
}

/// Refuses a policy that means nothing.
fn check(policy: &LinkPolicy) -> Result<(), Error> {
    let shares = [
        ("loss", policy.loss),
        ("duplicate", policy.duplicate),
        ("reorder", policy.reorder),
        ("corrupt", policy.corrupt),
        ("reset", policy.reset),
    ];
    for (name, share) in shares {
        if !(0.0..=1.0).contains(&share) {
            return Err(Error::Unsupported(format!("a {name} of {share} (it is a share from 0 to 1)")));
        }
    }
    for (name, time) in [("delay", policy.delay), ("jitter", policy.jitter)] {
        if time > DELAY_MAX {
            let what = format!("a {name} of {time:?} (at most {DELAY_MAX:?})");
            return Err(Error::Unsupported(what));
        }
    }
    Ok(())
}

/// What every layer imposes, by the number of the link.
#[derive(Debug)]
pub(super) struct Layers {
    places: BTreeMap<Endpoint, usize>,
    imposed: BTreeMap<LayerId, Vec<(usize, LinkPolicy)>>,
}

impl Layers {
    pub(super) fn new(endpoints: &[Endpoint]) -> Self {
        let places = endpoints.iter().enumerate().map(|(place, endpoint)| (*endpoint, place)).collect();
        Self { places, imposed: BTreeMap::new() }
    }

    /// Puts a layer on, and says what becomes of the links that it or its predecessor touches.
    pub(super) fn impose(&mut self, layer: LayerId, policies: &[(Link, LinkPolicy)]) -> Result<Order, Error> {
        let mut placed = Vec::with_capacity(policies.len());
        for (link, policy) in policies {
            check(policy)?;
            placed.push((self.number_of(*link)?, policy.clone()));
        }
        let mut touched: BTreeSet<usize> = placed.iter().map(|(link, _)| *link).collect();
        if let Some(before) = self.imposed.insert(layer, placed) {
            touched.extend(before.iter().map(|(link, _)| *link));
        }
        Ok(self.order(&touched))
    }

    /// Takes a layer off.
    pub(super) fn lift(&mut self, layer: LayerId) -> Order {
        let before = self.imposed.remove(&layer).unwrap_or_default();
        self.order(&before.iter().map(|(link, _)| *link).collect())
    }

    /// Takes all layers off.
    pub(super) fn lift_all(&mut self) -> Order {
        let before = std::mem::take(&mut self.imposed);
        self.order(&before.values().flatten().map(|(link, _)| *link).collect())
    }

    /// The number of a link, if this switch has it.
    fn number_of(&self, link: Link) -> Result<usize, Error> {
        match (self.places.get(&link.from), self.places.get(&link.to)) {
            (Some(from), Some(to)) if from != to => Ok(from * self.places.len() + to),
            _ => Err(Error::Unsupported(format!(
                "a link from {:?} to {:?} on this switch",
                link.from, link.to
            ))),
        }
    }

    /// What these links are to be now.
    fn order(&self, touched: &BTreeSet<usize>) -> Order {
        let mut shapes: BTreeMap<usize, Shape> =
            touched.iter().map(|link| (*link, Shape::default())).collect();
        for (link, policy) in self.imposed.values().flatten() {
            if let Some(shape) = shapes.get_mut(link) {
                shape.add(policy);
            }
        }
        shapes.into_iter().collect()
    }
}

#[cfg(test)]
mod tests {
    use history::NodeId;

    use super::*;

    const A: Endpoint = Endpoint::Controller;
    const B: Endpoint = Endpoint::Node(NodeId(0));
    const AB: Link = Link { from: A, to: B };
    const BA: Link = Link { from: B, to: A };

    fn policy(edit: impl FnOnce(&mut LinkPolicy)) -> LinkPolicy {
        let mut policy = LinkPolicy::default();
        edit(&mut policy);
        policy
    }

    fn ms(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    #[test]
    fn shares_combine_and_delays_add_up() {
        let mut layers = Layers::new(&[A, B]);
        let first = policy(|p| (p.loss, p.delay, p.bandwidth_bits) = (0.5, ms(10), 0));
        let second = policy(|p| (p.loss, p.delay, p.bandwidth_bits) = (0.2, ms(5), 900));
        let third = policy(|p| (p.duplicate, p.bandwidth_bits) = (0.1, 800));
        layers.impose(LayerId(1), &[(AB, first)]).unwrap();
        layers.impose(LayerId(2), &[(AB, second)]).unwrap();
        let order = layers.impose(LayerId(3), &[(AB, third)]).unwrap();
        let [(1, shape)] = &order[..] else { panic!("{order:?} is not about the one link") };
        assert!((shape.loss - 0.6).abs() < 1e-12);
        assert!((shape.duplicate - 0.1).abs() < 1e-12);
        assert_eq!((shape.delay, shape.bandwidth_bits, shape.cut), (15e6, 800, false));
    }

    #[test]
    fn jitters_keep_their_distributions() {
        let mut layers = Layers::new(&[A, B]);
        let kinds = [
            (Distribution::Uniform, 1),
            (Distribution::Uniform, 2),
            (Distribution::Normal, 3),
            (Distribution::Normal, 4),
            (Distribution::Exponential, 6),
        ];
        let policies: Vec<_> = kinds
            .map(|(distribution, jitter)| {
                (AB, policy(|p| (p.distribution, p.jitter) = (distribution, ms(jitter))))
            })
            .into();
        let order = layers.impose(LayerId(7), &policies).unwrap();
        let shape = &order[0].1;
        assert_eq!((shape.uniform, shape.normal, shape.exponential), (3e6, 5e6, 6e6));
    }

    #[test]
    fn what_is_lifted_is_gone_and_what_stays_stays() {
        let mut layers = Layers::new(&[A, B]);
        let cut = policy(|p| p.cut = true);
        let lossy = policy(|p| p.loss = 0.25);
        assert_eq!(layers.impose(LayerId(1), &[(AB, cut.clone()), (BA, cut)]).unwrap().len(), 2);
        layers.impose(LayerId(2), &[(AB, lossy.clone())]).unwrap();
        let order = layers.lift(LayerId(1));
        assert_eq!(order.len(), 2);
        assert_eq!((order[0].1.cut, order[0].1.loss), (false, 0.25));
        assert!(order[1].1.is_plain());
        assert!(layers.lift(LayerId(1)).is_empty(), "lifting twice touches nothing");
        // A layer of the same id is replaced, also where it no longer is.
        let order = layers.impose(LayerId(2), &[(BA, lossy)]).unwrap();
        assert_eq!(order.iter().map(|(_, shape)| shape.loss).collect::<Vec<_>>(), [0.0, 0.25]);
        assert_eq!(layers.lift_all().len(), 1);
    }

    #[test]
    fn what_means_nothing_is_refused_and_changes_nothing() {
        let mut layers = Layers::new(&[A, B]);
        let elsewhere = Link { from: A, to: Endpoint::Node(NodeId(9)) };
        let itself = Link { from: A, to: A };
        for (link, bad) in [
            (AB, policy(|p| p.loss = 1.5)),
            (AB, policy(|p| p.corrupt = f64::NAN)),
            (AB, policy(|p| p.reorder = -0.1)),
            (AB, policy(|p| p.delay = Duration::MAX)),
            (elsewhere, policy(|p| p.cut = true)),
            (itself, policy(|p| p.cut = true)),
        ] {
            assert!(layers.impose(LayerId(1), &[(link, bad.clone())]).is_err(), "{bad:?} was accepted");
        }
        assert!(layers.lift_all().is_empty());
    }
}
