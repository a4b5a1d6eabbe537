//! Leases: locks that are given for a time.
//!
//! Time is not part of a replicated state, and wall clocks can be set. So each node notes, on a clock of its own that only goes
//! forward, when it carried out a grant, which is never before it was made. When somebody else asks for a lease that by
//! its own note has run out, the leader writes into the command which grant is over; and the command takes the lease away
//! only if it is still that grant, which is the same on every node.

use std::collections::BTreeMap;

use history::{
    Key,
    vocabulary::{
        Lease,
        lease::{Call, Return},
        lock::Owner,
    },
};
use serde::{Deserialize, Serialize};

use super::{
    contents::{Circumstances, Object},
    table::Table,
};

/// A lease that is taken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Grant {
    owner: Owner,
    /// Which grant it is; a renewal is another one.
    number: u64,
    lasts_ns: u64,
}

/// The leases that are taken.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Leases {
    taken: Table<Grant>,
    grants: u64,
    /// When this node carried out each grant. Whoever has a grant from elsewhere counts from when it was first asked.
    #[serde(skip)]
    noted_ms: BTreeMap<u64, u64>,
}

impl PartialEq for Leases {
    /// What a node has noted for itself is not part of the state.
    fn eq(&self, other: &Self) -> bool {
        (&self.taken, self.grants) == (&other.taken, other.grants)
    }
}

impl Eq for Leases {}

impl Leases {
    /// The grant of a lease that has run out by what this node has noted, where somebody else asks for the lease.
    pub fn over(&mut self, call: &Call, now_ms: u64) -> Option<u64> {
        let Call::Acquire(key, ..) = call else { return None };
        let grant = self.taken.get(key)?;
        let since_ms = *self.noted_ms.entry(grant.number).or_insert(now_ms);
        // The clock ticks in milliseconds, and the first of them may have been a short one.
        let past_ms = now_ms.saturating_sub(since_ms).saturating_sub(1);
        (past_ms.saturating_mul(1_000_000) >= grant.lasts_ns).then_some(grant.number)
    }

    fn grant(&mut self, key: &Key, owner: &Owner, lasts_ns: u64, now_ms: u64) {
        self.end(key);
        self.grants += 1;
        let grant = Grant { owner: owner.clone(), number: self.grants, lasts_ns };
        self.taken.insert(key.clone(), grant);
        self.noted_ms.insert(self.grants, now_ms);
    }

    fn end(&mut self, key: &Key) {
        if let Some(grant) = self.taken.remove(key) {
            self.noted_ms.remove(&grant.number);
        }
    }
}

impl Object<Lease> for Leases {
    /// Every call of a lease may change it.
    fn read(&self, _: &Call) -> Option<Return> {
        None
    }

    fn change(&mut self, call: &Call, with: Circumstances) -> Option<Return> {
        let grant = self.taken.get(call.key());
        let is_own = |owner: &Owner| grant.is_some_and(|grant| grant.owner == *owner);
        Some(match call {
            Call::Acquire(key, owner, lasts_ns)
                if is_own(owner) || grant.is_none_or(|grant| with.over == Some(grant.number)) =>
            {
                self.grant(key, owner, *lasts_ns, with.now_ms);
                Return::Acquired
            }
            // Nobody has taken it since, so it may be kept even when it has run out.
            Call::Renew(key, owner, lasts_ns) if is_own(owner) => {
                self.grant(key, owner, *lasts_ns, with.now_ms);
                Return::Renewed
            }
            Call::Release(key, owner) if is_own(owner) => {
                self.end(key);
                Return::Released
            }
            Call::Acquire(..) | Call::Renew(..) | Call::Release(..) => Return::Refused,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LASTS_NS: u64 = 2_000_000_000;

    fn acquire(owner: i64) -> Call {
        Call::Acquire(1.into(), owner.into(), LASTS_NS)
    }

    /// Asks a leader that has these leases, at this time.
    fn ask(leases: &mut Leases, call: &Call, now_ms: u64) -> Option<Return> {
        let over = leases.over(call, now_ms);
        leases.change(call, Circumstances { now_ms, over, ..Circumstances::default() })
    }

    #[test]
    fn a_lease_is_given_to_another_when_it_has_run_out_and_not_before() {
        let mut leases = Leases::default();
        assert_eq!(ask(&mut leases, &acquire(1), 100), Some(Return::Acquired));
        assert_eq!(ask(&mut leases, &acquire(2), 2100), Some(Return::Refused));
        assert_eq!(ask(&mut leases, &Call::Renew(1.into(), 1.into(), LASTS_NS), 2101), Some(Return::Renewed));
        assert_eq!(ask(&mut leases, &acquire(2), 4101), Some(Return::Refused));
        assert_eq!(ask(&mut leases, &acquire(2), 4102), Some(Return::Acquired));
        for gone in [Call::Renew(1.into(), 1.into(), LASTS_NS), Call::Release(1.into(), 1.into())] {
            assert_eq!(ask(&mut leases, &gone, 4103), Some(Return::Refused));
        }
        assert_eq!(ask(&mut leases, &Call::Release(1.into(), 2.into()), 4104), Some(Return::Released));
        assert_eq!(ask(&mut leases, &acquire(1), 4105), Some(Return::Acquired));
        assert_eq!(leases.noted_ms.len(), 1, "what is over is forgotten");
    }

    #[test]
    fn a_grant_that_was_renewed_meanwhile_is_not_taken_away() {
        let mut leases = Leases::default();
        ask(&mut leases, &acquire(1), 100);
        let over = leases.over(&acquire(2), 3000);
        assert_eq!(over, Some(1));
        ask(&mut leases, &Call::Renew(1.into(), 1.into(), LASTS_NS), 3000);
        let late = Circumstances { now_ms: 3001, over, ..Circumstances::default() };
        assert_eq!(leases.change(&acquire(2), late), Some(Return::Refused));
    }

    #[test]
    fn who_has_a_lease_from_elsewhere_counts_from_when_it_is_asked() {
        let mut leases = Leases::default();
        ask(&mut leases, &acquire(1), 100);
        let written = serde_json::to_string(&leases).expect("leases are plain data");
        let mut copy: Leases = serde_json::from_str(&written).expect("what was written");
        assert_eq!(copy, leases);
        assert_eq!(ask(&mut copy, &acquire(2), 5000), Some(Return::Refused));
        assert_eq!(ask(&mut copy, &acquire(2), 7001), Some(Return::Acquired));
    }
}
