//! Transactions judged while they happen.
//!
//! # Lists
//!
//! What is retained at any time is a history of its own, and it is judged like any other. What makes that exact is what may
//! be forgotten. Call a key *live* while calls touch it, and *settled* when none has touched it for a long while. Every edge
//! of the graph of what must come before what leads **to** a transaction by way of a key that it touched (what it read
//! was written or missed by another, what it wrote followed upon another's), or from earlier ones of its session or of the time
//! before it began. The latter are known when it begins. So a transaction all of whose keys are settled gets no new edge to it.
//!
//! Now let T be such a transaction that no transaction with a live key, and none that is under way, reaches by edges. A cycle
//! through T that is not there yet needs a new edge; take the last new edge on the way to T. It leads to a
//! transaction that gets new edges, so one with a live key or one that was under way, and from there T is reached by
//! edges that are there now, which was excluded. So no cycle will ever lead through T, and T can be forgotten. What
//! precedes T can be forgotten for the same reason, so that what is forgotten of a key is how its order begins: only
//! how much of it is to be remembered, so that values which a retained transaction read of it are not taken for values
//! that nobody wrote.
//!
//! Nobody can know that a key is settled but its user. It is taken for settled when so many calls in a row left it alone. If it
//! comes back after that and is found as it was left, with everything in its list that was ever appended to it and may have taken
//! effect, that leads only from its last append to the reader, and nothing leads back. If it is found otherwise, or appended to,
//! nothing is said of that, and the verdict says of how many transactions that is so. Whether an append took effect that no read
//! shows may come to light by another key of its transaction, so a key stays live while that may still happen.
//!
//! So of every history in which no key comes back otherwise than it was left and no value is appended to a key twice, the verdict is that of the whole
//! history judged at once, for every promise that forbids reads of what failed (G1a). Of the others only what is broken is
//! told: whether a value was ever written is known late, and by then others who knew of its list may be forgotten.
//!
//! # Registers
//!
//! The order of the values of a register is hardly ever known in full, so nothing is ever settled. What is retained are the last
//! calls, in two overlapping windows at a time. Leaving a transaction out together with all reads of what it wrote contradicts
//! no promise that the whole keeps, so what is found there is proven; and what contradicts itself within so many
//! consecutive calls is found. What lies further apart is not compared, so that nothing is ever shown to hold.

mod forgotten;
mod keys;
mod lists;
mod registers;

pub use lists::OnlineLists;
pub use registers::OnlineRegisters;
