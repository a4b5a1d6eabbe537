//! Numbers gathered by group, in one arena.

/// For each group its numbers, in the order they were given.
#[derive(Debug, Default)]
pub(super) struct Groups {
    starts: Vec<u32>,
    list: Vec<u32>,
}

impl Groups {
    /// Gathers pairs of a group and a number.
    pub fn new(groups: usize, pairs: &[(u32, u32)]) -> Self {
        let mut starts = vec![0u32; groups + 1];
        pairs.iter().for_each(|(group, _)| starts[*group as usize + 1] += 1);
        for group in 0..groups {
            starts[group + 1] += starts[group];
        }
        let (mut free, mut list) = (starts.clone(), vec![0; pairs.len()]);
        for (group, number) in pairs {
            list[free[*group as usize] as usize] = *number;
            free[*group as usize] += 1;
        }
        Self { starts, list }
    }

    pub fn of(&self, group: u32) -> &[u32] {
        &self.list[self.starts[group as usize] as usize..self.starts[group as usize + 1] as usize]
    }
}
