//! One seed, split into named streams of random numbers.
//!
//! Every generator draws from a stream of its own, so that adding a draw in one place changes no other.

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

/// The stream of a seed with this name and index. The same three always give the same stream, on every machine and
/// in every version of this crate.
///
/// ```
/// use rand::Rng;
/// let mut a = disprove_workloads::streams::rng(7, "register", 0);
/// let mut b = disprove_workloads::streams::rng(7, "register", 0);
/// assert_eq!(a.next_u64(), b.next_u64());
/// ```
pub fn rng(seed: u64, name: &str, index: u64) -> ChaCha8Rng {
    let mut state = mixed(seed);
    for byte in name.bytes() {
        state = mixed(state ^ u64::from(byte));
    }
    // The length keeps ("ab", 0) apart from a name that ends in the bytes of an index.
    state = mixed(state ^ name.len() as u64);
    state = mixed(state ^ index);
    let mut bytes = [0; 32];
    for part in bytes.chunks_exact_mut(8) {
        state = mixed(state);
        part.copy_from_slice(&state.to_le_bytes());
    }
    ChaCha8Rng::from_seed(bytes)
}

/// One step of SplitMix64 (Steele, Lea and Flood 2014): a bijection whose every output bit depends on every input
/// bit.
fn mixed(state: u64) -> u64 {
    let mut mixed = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use rand::Rng;

    use super::rng;

    #[test]
    fn streams_differ_by_seed_name_and_index() {
        let mut firsts = BTreeSet::new();
        for seed in [0, 1, u64::MAX] {
            for name in ["", "a", "b", "ab", "register"] {
                for index in 0..50 {
                    firsts.insert(rng(seed, name, index).next_u64());
                }
            }
        }
        assert_eq!(firsts.len(), 3 * 5 * 50);
    }

    /// A kept value: a run's seed must mean the same calls in every later version.
    #[test]
    fn a_stream_never_changes() {
        assert_eq!(rng(7, "register", 3).next_u64(), 1_076_530_094_700_087_902);
    }
}
