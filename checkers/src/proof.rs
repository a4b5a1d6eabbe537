//! Small verifiers of what the engines claim: each says of one kind of claim whether the history alone proves it.
//!
//! They share the meaning of calls with the engines ([`crate::DataType`]) and none of their reasoning. What they accept is
//! proven. What is too much to try, or has no proof that is shorter than judging again, they leave unchecked and say why.

mod counted;
mod events;
mod isolation;
mod objects;
mod places;
mod reads;
mod rows;
mod sequences;
mod snapshots;
mod transactions;
mod views;

pub use counted::{verify_balance, verify_delivery, verify_element, verify_same_id};
pub use isolation::{keeps_level, verify_level_witness};
pub use objects::{verify_collection_witness, verify_object_witness, verify_set_witness};
pub use places::verify_entry;
pub use reads::{verify_diverged, verify_late_read};
pub use rows::verify_rows_witness;
pub use sequences::{verify_nonsequential, verify_nonsequential_store, verify_sequential_store};
pub use snapshots::verify_snapshot_order;
pub use transactions::{Traced, breaks, verify_answer, verify_cycle};
pub use views::verify_broken_promise;

/// What a verifier says of a claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Said {
    /// It is proven.
    Accepted,
    /// It was not checked, for this reason.
    Silent(&'static str),
    /// It proves nothing.
    Rejected,
}

impl From<bool> for Said {
    fn from(accepted: bool) -> Self {
        if accepted { Self::Accepted } else { Self::Rejected }
    }
}

/// Too many ways are left to try.
pub const TOO_MANY: Said = Said::Silent("there are too many orders to try all of them");

/// What it means that some operations have, or have not, an order; nothing if there were too many to try.
fn refuted(has_order: Option<bool>) -> Said {
    has_order.map_or(TOO_MANY, |has_order| (!has_order).into())
}
