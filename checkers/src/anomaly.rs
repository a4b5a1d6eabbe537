//! The names of anomalies, for people.

use serde::Serialize;

/// One entry of the glossary.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct GlossaryEntry {
    /// The name in verdicts.
    pub kind: &'static str,
    /// The name as a title.
    pub title: &'static str,
    /// What it is and why it matters, in two sentences.
    pub explanation: &'static str,
}

const fn entry(kind: &'static str, title: &'static str, explanation: &'static str) -> GlossaryEntry {
    GlossaryEntry { kind, title, explanation }
}

const GLOSSARY: &[GlossaryEntry] = &[
    entry(
        "stale-read",
        "Stale read",
        "A read returned an old value although a newer one had been acknowledged before the read began. Readers cannot rely on seeing what was already confirmed.",
    ),
    entry(
        "lost-write",
        "Lost write",
        "An acknowledged write was never seen by anybody, while later reads by several clients still saw the value before it. The database confirmed something that it did not keep.",
    ),
    entry(
        "garbage-read",
        "Garbage read",
        "A read returned a value that nobody ever wrote. The data was corrupted or comes from somewhere else.",
    ),
    entry(
        "dirty-read",
        "Dirty read",
        "A read returned the value of a write that had certainly failed. The database showed, or kept, something that it had refused.",
    ),
    entry(
        "duplicate-effect",
        "Duplicate effect",
        "Something that can happen only once took effect twice, such as two compare-and-sets from one value that was there once. A retry was applied again, or two leaders accepted calls at the same time.",
    ),
    entry(
        "nonlinearizable",
        "Not linearizable",
        "No single order of the operations agrees with every answer and with real time. The operations of the witness contradict each other as a group.",
    ),
    entry(
        "nonsequential",
        "Not sequentially consistent",
        "No single order of the operations keeps the order of every session and explains every answer. Different clients saw things happen in orders that contradict each other.",
    ),
    entry(
        "own-write-missed",
        "Own write missed",
        "A session read an older value than the one it had written itself. A user who saves something and looks again does not find it.",
    ),
    entry(
        "non-monotonic-read",
        "Non-monotonic read",
        "A session read a value, then a newer one, then the older one again. To its user, time runs backwards.",
    ),
    entry(
        "non-monotonic-write",
        "Non-monotonic write",
        "A session saw the writes of another session in an order in which they were not made. What was built on the first write can be there without it.",
    ),
    entry(
        "effect-without-cause",
        "Effect without cause",
        "A session saw a write, but not what the writer had read before it wrote. An answer is visible and the question is not.",
    ),
    entry(
        "session-order-violation",
        "Session order violation",
        "No order of the writes that keeps the order of every session explains what one session saw. Its own calls and those of the others contradict each other only together.",
    ),
    entry(
        "causality-violation",
        "Causality violation",
        "No order of the writes in which causes come before effects explains what one session saw. An effect was visible before its cause.",
    ),
    entry(
        "divergent-order",
        "Divergent order",
        "Sessions saw conflicting writes in orders that contradict each other and what caused what. Replicas that never agree on one order can end in different states.",
    ),
    entry(
        "real-time-causality-violation",
        "Real-time causality violation",
        "The only orders of the writes that keep causes before effects contradict real time. A write took effect before it began, or after something that began when it was over.",
    ),
    entry(
        "write-order-contradiction",
        "Write order contradiction",
        "No order of the writes of a key agrees with real time and with every read by itself. Reads that are each possible alone exclude each other.",
    ),
    entry(
        "future-read",
        "Read from the future",
        "A read returned a value whose write had not begun when the read ended. The clocks of the test are wrong, or the value comes from somewhere else.",
    ),
    entry(
        "too-stale",
        "Too stale",
        "A read returned a value that had been replaced for longer, or by more newer values, than the promise allows. Caches or replicas lag behind further than agreed.",
    ),
    entry(
        "diverged",
        "Diverged",
        "After the last write and time to settle, processes still read different values of one key. Copies of the data do not converge.",
    ),
    entry(
        "impossible-refusal",
        "Impossible refusal",
        "A compare-and-set was refused although the key never held any other value than the one it asked for. The database refused what it had to accept, or held something that nobody wrote.",
    ),
    entry(
        "element-from-nowhere",
        "Element from nowhere",
        "A queue, stack or bag gave out an element that nobody had put in by then, or whose insertion had certainly failed. The data was corrupted, or a refused call took effect.",
    ),
    entry(
        "duplicate-delivery",
        "Duplicate delivery",
        "An element that was put in once was given out twice. A delivery was repeated after a failure, or two replicas each gave it out.",
    ),
    entry(
        "out-of-order",
        "Out of order",
        "Elements came out in an order in which they cannot have been inside: a queue gave a later one first, a stack a lower one, a priority queue a lesser one. Consumers cannot rely on the order that was promised.",
    ),
    entry(
        "false-empty",
        "False empty",
        "A call found nothing to take out although something was certainly inside during the whole call. The call was answered from an old state, or elements were hidden for a while.",
    ),
    entry(
        "lost-element",
        "Lost element",
        "An element whose addition was acknowledged is missing from every later read, or was passed over for good by those that take elements out. The database confirmed something that it did not keep.",
    ),
    entry(
        "stale-element",
        "Stale element",
        "A read missed an element whose addition was acknowledged before the read began, though a later read showed it. Under linearizability a read must show all that was confirmed before it.",
    ),
    entry(
        "duplicated-element",
        "Duplicated element",
        "A read listed one element more than once. An addition was applied again, or two copies were merged badly.",
    ),
    entry(
        "unexpected-element",
        "Unexpected element",
        "A read listed an element that nobody added, or whose addition had certainly failed. The data was corrupted, or a refused call took effect.",
    ),
    entry(
        "lost-entry",
        "Lost entry",
        "An entry whose append was acknowledged is not in the log any more when it is read from its beginning to its end. The database confirmed something that it did not keep.",
    ),
    entry(
        "duplicate-entry",
        "Duplicate entry",
        "An entry that was appended once is in the log at two places. A retry was applied again, or two parts of the log were merged badly.",
    ),
    entry(
        "inconsistent-offset",
        "Inconsistent offset",
        "One place of a log held one entry for one client and another entry for another. Replicas disagree about the log, or entries were replaced after they had been shown.",
    ),
    entry(
        "aborted-entry",
        "Aborted entry",
        "A reader was shown an entry whose append had certainly failed. The database kept something that it had refused.",
    ),
    entry(
        "entry-from-nowhere",
        "Entry from nowhere",
        "A reader was shown an entry that nobody had appended by then. The data was corrupted or comes from somewhere else.",
    ),
    entry(
        "non-monotonic-offset",
        "Non-monotonic offset",
        "An append that began after another one had been acknowledged was told an earlier place in the log. What comes later does not stand behind what came before.",
    ),
    entry(
        "wrong-total",
        "Wrong total",
        "The balances of all accounts do not add up to what they must, although money only moved between them. A reader saw half a transfer, or an update was lost.",
    ),
    entry(
        "negative-balance",
        "Negative balance",
        "An account went below zero, which every transfer checks against. Two transfers that each looked at the balance did not see each other.",
    ),
    entry(
        "missing-balance",
        "Missing balance",
        "A read found an account without any balance. Part of its data was lost, or not there yet.",
    ),
    entry(
        "unexpected-account",
        "Unexpected account",
        "A read found an account that the bank does not have. The data was corrupted or comes from somewhere else.",
    ),
    entry(
        "duplicated-account",
        "Duplicated account",
        "A read found an account more than once. Two versions of one row were visible at the same time.",
    ),
    entry(
        "long-fork",
        "Long fork",
        "Two readers saw two writes in opposite orders: each saw one of them and not the other. No single order of snapshots explains both.",
    ),
    entry(
        "G0",
        "Write cycle",
        "Transactions overwrote each other in a circle. Not even uncommitted writes may interleave like that.",
    ),
    entry(
        "G1c",
        "Circular information flow",
        "Transactions read or overwrote what the next one wrote, in a circle. Each would have to take effect before itself.",
    ),
    entry(
        "G-single-item",
        "Single anti-dependency cycle",
        "One transaction missed a write, although what it saw or wrote came after that write. It saw a state that never was, as in a read skew or a lost update.",
    ),
    entry(
        "G-nonadjacent-item",
        "Cycle of separate anti-dependencies",
        "Several transactions missed writes in a circle, and no two of those stand next to each other. No snapshots can explain it, as in a long fork.",
    ),
    entry(
        "G2-item",
        "Anti-dependency cycle",
        "Transactions missed each other's writes in a circle, as in a write skew. No serial order of them exists.",
    ),
    entry(
        "G0-process",
        "Write cycle within sessions",
        "Transactions overwrote each other in a circle. The order in which sessions made their calls is part of the circle.",
    ),
    entry(
        "G1c-process",
        "Circular information flow within sessions",
        "Transactions read or overwrote what the next one wrote, in a circle. The order in which sessions made their calls is part of the circle.",
    ),
    entry(
        "G-single-item-process",
        "Single anti-dependency cycle within sessions",
        "One transaction missed a write, although what it saw or wrote came after that write. The order in which sessions made their calls is part of the circle.",
    ),
    entry(
        "G-nonadjacent-item-process",
        "Cycle of separate anti-dependencies within sessions",
        "Several transactions missed writes in a circle, and no two of those stand next to each other. The order in which sessions made their calls is part of the circle.",
    ),
    entry(
        "G2-item-process",
        "Anti-dependency cycle within sessions",
        "Transactions missed each other's writes in a circle, as in a write skew. The order in which sessions made their calls is part of the circle.",
    ),
    entry(
        "G0-realtime",
        "Write cycle in real time",
        "Transactions overwrote each other in a circle. Real time is part of the circle: one of them had ended before another began.",
    ),
    entry(
        "G1c-realtime",
        "Circular information flow in real time",
        "Transactions read or overwrote what the next one wrote, in a circle. Real time is part of the circle: one of them had ended before another began.",
    ),
    entry(
        "G-single-item-realtime",
        "Single anti-dependency cycle in real time",
        "One transaction missed a write, although what it saw or wrote came after that write. Real time is part of the circle: one of them had ended before another began.",
    ),
    entry(
        "G-nonadjacent-item-realtime",
        "Cycle of separate anti-dependencies in real time",
        "Several transactions missed writes in a circle, and no two of those stand next to each other. Real time is part of the circle: one of them had ended before another began.",
    ),
    entry(
        "G2-item-realtime",
        "Anti-dependency cycle in real time",
        "Transactions missed each other's writes in a circle, as in a write skew. Real time is part of the circle: one of them had ended before another began.",
    ),
    entry(
        "G1a",
        "Aborted read",
        "A transaction read what a failed transaction had written. The database showed something that it had taken back.",
    ),
    entry(
        "G1b",
        "Intermediate read",
        "A transaction read a version that another one had written and then replaced before it committed. It saw work in progress.",
    ),
    entry(
        "internal",
        "Internal inconsistency",
        "A transaction's read contradicts what the same transaction had read or written before. It does not even see its own effects in their order.",
    ),
    entry(
        "dirty-update",
        "Dirty update",
        "A committed transaction's write builds on what a failed transaction had written. The failed one took effect through it.",
    ),
    entry(
        "duplicate-elements",
        "Duplicate elements",
        "A list that was read holds a value twice which was appended once. An append was applied again.",
    ),
    entry(
        "incompatible-order",
        "Incompatible order",
        "Two reads of one list show its values in orders of which neither is how the other begins. The list has no single history.",
    ),
    entry(
        "lost-update",
        "Lost update",
        "Two transactions read the same version of a key, and both replaced it. What one of them wrote was overwritten unseen.",
    ),
    entry(
        "future-read",
        "Future read",
        "A transaction read what it was itself to write only later. The answer was made after the fact.",
    ),
    entry(
        "cyclic-versions",
        "Cyclic versions",
        "The versions of a key would have to follow each other in a circle. What the versions were ordered by does not hold.",
    ),
    entry(
        "nonlinearizable-key",
        "Key not linearizable",
        "What the transactions did to this one key agrees with no order that respects real time, whatever the other keys say. Reads of the key went back in time, or missed what had been acknowledged.",
    ),
    entry(
        "mismatched-answer",
        "Mismatched answer",
        "The answer to a transaction does not answer the steps that were asked for. The client or the database mixed up calls.",
    ),
    entry(
        "duplicate-id",
        "Duplicate id",
        "Two calls were given the same id. Whatever was named by it is now mixed up with something else.",
    ),
    entry(
        "non-repeatable-read",
        "Non-repeatable read",
        "A transaction read a key twice and got the values of two different transactions. What it had read changed under its hands.",
    ),
    entry(
        "fractured-read",
        "Fractured read",
        "A transaction saw one part of what another transaction wrote, and missed another part of it. Writes that belong together do not appear together.",
    ),
    entry(
        "missed-own-write",
        "Missed own write",
        "A session did not see what it had itself written before. It was probably served by a replica that lags behind.",
    ),
    entry(
        "non-monotonic-read",
        "Non-monotonic read",
        "A session went back to an older value than one that it had already seen. Time seems to run backwards for its user.",
    ),
    entry(
        "non-monotonic-write",
        "Non-monotonic write",
        "The writes of one session were seen in another order than it had made them. Later steps can be seen without the earlier ones that they build on.",
    ),
    entry(
        "causality-violation",
        "Causality violation",
        "An effect was seen without its cause: a read missed a write that had causally come before it. An answer can be seen before its question.",
    ),
    entry(
        "no-common-prefix",
        "No common prefix",
        "No single order of commits exists of which every transaction read a beginning. Two observers saw events in contradicting orders.",
    ),
    entry(
        "not-parallel-snapshot-isolated",
        "Not parallel-snapshot isolated",
        "No order of the writers of each key explains what was read. The transactions of the witness contradict each other as a group.",
    ),
    entry(
        "not-snapshot-isolated",
        "Not snapshot isolated",
        "No choice of snapshots and commits explains what was read. The transactions of the witness contradict each other as a group.",
    ),
    entry(
        "not-serializable",
        "Not serializable",
        "No order of the transactions, one after the other, explains what they read. The transactions of the witness contradict each other as a group.",
    ),
    entry(
        "not-strictly-serializable",
        "Not strictly serializable",
        "No order of the transactions explains what they read and agrees with real time. The transactions of the witness contradict each other as a group.",
    ),
];

/// All anomalies that the checkers of this crate name.
pub fn glossary() -> &'static [GlossaryEntry] {
    GLOSSARY
}
