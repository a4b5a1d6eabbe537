//! What chance does to the n-th packet of a link.
//!
//! Every packet of a link owns sixteen words of the link's own random stream, used or not. So its fate depends on the
//! seed, the link and its number alone: not on the policies before it, on other links, or on timing.

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::policy::Shape;
use crate::{Endpoint, Link};

/// The words of 64 bits that each packet owns.
const WORDS: usize = 16;

/// How many later packets at most overtake one that is held back.
const OVERTAKERS_MAX: u64 = 4;

/// What happens to one packet, whatever the time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Fate {
    pub(super) lost: bool,
    pub(super) duplicate: bool,
    /// How many later packets are to pass before it; 0 for the ordinary ones.
    pub(super) overtakers: u64,
    pub(super) corrupt: bool,
    /// Decides which bit is flipped.
    pub(super) bit: u64,
    /// It arrives as the reset of its connection, if it is of one.
    pub(super) reset: bool,
    /// It does not arrive if it ends a connection.
    pub(super) hush: bool,
    /// How much later than the mean it comes, in nanoseconds; may be negative.
    pub(super) jitter: f64,
    /// The same for its duplicate.
    pub(super) duplicate_jitter: f64,
}

/// The random stream of one link.
#[derive(Debug)]
pub(super) struct Fates {
    stream: ChaCha8Rng,
    /// The packet whose words come next.
    next: u64,
}

impl Fates {
    pub(super) fn new(seed: u64, link: Link) -> Self {
        let mut key = [0; 32];
        key[..8].copy_from_slice(&seed.to_le_bytes());
        // The rest of the key is the name of this family of streams, so that it shares nothing with others of the seed.
        key[8..].copy_from_slice(b"disprove: switch, links.");
        let mut stream = ChaCha8Rng::from_seed(key);
        stream.set_stream(code_of(link.from) << 32 | code_of(link.to));
        Self { stream, next: 0 }
    }

    /// The fate of a packet. Asking in rising order is cheap.
    pub(super) fn fate(&mut self, packet: u64, shape: &Shape) -> Fate {
        if packet != self.next {
            // The generator counts words of 32 bits.
            self.stream.set_word_pos(u128::from(packet) * (2 * WORDS as u128));
        }
        self.next = packet + 1;
        let mut words = [0; WORDS];
        words.fill_with(|| self.stream.next_u64());
        Fate {
            lost: share_of(words[0]) < shape.loss,
            duplicate: share_of(words[1]) < shape.duplicate,
            overtakers: if share_of(words[2]) < shape.reorder { 1 + words[3] % OVERTAKERS_MAX } else { 0 },
            corrupt: share_of(words[4]) < shape.corrupt,
            bit: words[5],
            reset: share_of(words[14]) < shape.reset,
            hush: shape.hush,
            jitter: jitter(shape, &words[6..10]),
            duplicate_jitter: jitter(shape, &words[10..14]),
        }
    }
}

/// A number for an end of a link that does not depend on which ports a switch has.
fn code_of(endpoint: Endpoint) -> u64 {
    match endpoint {
        Endpoint::Controller => 0,
        Endpoint::Node(id) => 1 + u64::from(id.0),
    }
}

/// A word as a number from 0 up to but without 1.
fn share_of(word: u64) -> f64 {
    (word >> 11) as f64 / (1_u64 << 53) as f64
}

/// How much later than the mean a packet comes.
fn jitter(shape: &Shape, words: &[u64]) -> f64 {
    let mut sum = 0.0;
    if shape.uniform > 0.0 {
        sum += (2.0 * share_of(words[0]) - 1.0) * shape.uniform;
    }
    if shape.normal > 0.0 {
        // Box and Muller; 1 - share is never zero.
        let radius = (-2.0 * (1.0 - share_of(words[1])).ln()).sqrt();
        sum += radius * (std::f64::consts::TAU * share_of(words[2])).cos() * shape.normal;
    }
    if shape.exponential > 0.0 {
        sum -= (1.0 - share_of(words[3])).ln() * shape.exponential;
    }
    sum
}

#[cfg(test)]
mod tests {
    use history::NodeId;

    use super::*;

    fn link(from: u16, to: u16) -> Link {
        Link { from: Endpoint::Node(NodeId(from)), to: Endpoint::Node(NodeId(to)) }
    }

    fn rough() -> Shape {
        Shape {
            loss: 0.1,
            duplicate: 0.2,
            reorder: 0.3,
            corrupt: 0.4,
            uniform: 5e6,
            normal: 2e6,
            exponential: 1e6,
            ..Shape::default()
        }
    }

    #[test]
    fn the_fate_of_a_packet_depends_on_seed_link_and_number_alone() {
        let all: Vec<Fate> = {
            let mut fates = Fates::new(7, link(0, 1));
            (0..1000).map(|n| fates.fate(n, &rough())).collect()
        };
        let mut fates = Fates::new(7, link(0, 1));
        for n in [999, 3, 4, 5, 500, 0] {
            assert_eq!(fates.fate(n, &rough()), all[n as usize], "packet {n}");
        }
        for (seed, other) in [(8, link(0, 1)), (7, link(1, 0)), (7, link(0, 2))] {
            let mut fates = Fates::new(seed, other);
            let same = (0..1000).filter(|n| fates.fate(*n, &rough()) == all[*n as usize]).count();
            assert_eq!(same, 0, "seed {seed}, {other:?}");
        }
    }

    #[test]
    fn the_first_fates_of_a_seed_stay_what_they_are_between_versions() {
        let mut fates = Fates::new(1, link(0, 1));
        let shape = Shape { loss: 0.3, ..Shape::default() };
        let lost: Vec<u64> = (0..40).filter(|n| fates.fate(*n, &shape).lost).collect();
        assert_eq!(lost, [0, 3, 15, 21, 22, 23, 25, 26, 28, 33, 34, 36, 37, 38]);
    }

    #[test]
    fn a_worse_link_loses_what_a_better_one_loses_and_more() {
        let lost = |loss: f64| -> Vec<u64> {
            let mut fates = Fates::new(3, link(0, 1));
            let shape = Shape { loss, ..Shape::default() };
            (0..1000).filter(|n| fates.fate(*n, &shape).lost).collect()
        };
        let (few, many) = (lost(0.05), lost(0.3));
        assert!(few.iter().all(|n| many.contains(n)));
        assert_eq!((lost(0.0).len(), lost(1.0).len()), (0, 1000));
    }

    #[test]
    fn shares_and_jitters_have_the_asked_size() {
        const COUNT: u64 = 60_000;
        let shape = rough();
        let mut fates = Fates::new(11, link(2, 1));
        let all: Vec<Fate> = (0..COUNT).map(|n| fates.fate(n, &shape)).collect();
        let share = |of: &dyn Fn(&Fate) -> bool| all.iter().filter(|f| of(f)).count() as f64 / COUNT as f64;
        // Six standard deviations of a binomial share of 60,000 are below 0.0125.
        for (found, asked) in [
            (share(&|f| f.lost), 0.1),
            (share(&|f| f.duplicate), 0.2),
            (share(&|f| f.overtakers > 0), 0.3),
            (share(&|f| f.corrupt), 0.4),
            (share(&|f| f.overtakers == OVERTAKERS_MAX), 0.3 / OVERTAKERS_MAX as f64),
        ] {
            assert!((found - asked).abs() < 0.0125, "{found} instead of {asked}");
        }
        let moments = |shape: Shape| {
            let mut fates = Fates::new(12, link(2, 1));
            let all: Vec<f64> = (0..COUNT).map(|n| fates.fate(n, &shape).jitter / 1e6).collect();
            let mean = all.iter().sum::<f64>() / COUNT as f64;
            let variance = all.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / COUNT as f64;
            (mean, variance.sqrt())
        };
        let near = |found: f64, asked: f64| assert!((found - asked).abs() < 0.05, "{found}, not {asked}");
        let (mean, deviation) = moments(Shape { uniform: 5e6, ..Shape::default() });
        near(mean, 0.0);
        near(deviation, 5.0 / 3_f64.sqrt());
        let (mean, deviation) = moments(Shape { normal: 2e6, ..Shape::default() });
        near(mean, 0.0);
        near(deviation, 2.0);
        let (mean, deviation) = moments(Shape { exponential: 1e6, ..Shape::default() });
        near(mean, 1.0);
        near(deviation, 1.0);
    }
}
