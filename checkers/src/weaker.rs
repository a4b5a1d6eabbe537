//! Which weaker promises still stand where one is broken.

use history::{History, Vocabulary};

use crate::{Budget, Checker, Family, Standing, Validity};

/// How many steps one of the weaker promises may take per key: they are not what was asked.
const STEPS: u64 = 1 << 20;

/// One promise of a ladder and who judges by it.
pub struct Rung<V: Vocabulary> {
    /// Its name in `--model`.
    pub name: &'static str,
    /// Who judges by it.
    pub checker: Box<dyn Checker<V>>,
}

impl<V: Vocabulary> std::fmt::Debug for Rung<V> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}

/// The promises below one that is broken.
pub struct Ladder<V: Vocabulary> {
    /// The name of the promise above them.
    pub top: &'static str,
    /// Whose promises they are.
    pub family: Family,
    /// The promises, in the order in which they are judged.
    pub rungs: Vec<Rung<V>>,
    /// Whether who keeps the first keeps the second.
    pub implies: fn(&str, &str) -> bool,
}

impl<V: Vocabulary> std::fmt::Debug for Ladder<V> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Ladder").field("top", &self.top).field("rungs", &self.rungs).finish_non_exhaustive()
    }
}

impl<V: Vocabulary> Ladder<V> {
    /// Where the promises stand in a history that breaks the one on top. What follows from the answers about others is not judged.
    pub fn standing(&self, history: &History<V>, budget: &Budget) -> Standing {
        let budget = budget.at_most(STEPS);
        let (mut refuted, mut kept, mut undecided): (Vec<&str>, Vec<&str>, Vec<&str>) = Default::default();
        for rung in &self.rungs {
            let falls = || refuted.iter().any(|broken| (self.implies)(rung.name, broken));
            let follows = || kept.iter().any(|stronger| (self.implies)(stronger, rung.name));
            let validity = match () {
                () if falls() => Validity::Invalid,
                () if follows() => Validity::Valid,
                () => rung.checker.check(history, &budget).validity,
            };
            match validity {
                Validity::Invalid => refuted.push(rung.name),
                Validity::Valid => kept.push(rung.name),
                Validity::Unknown => undecided.push(rung.name),
            }
        }
        // What was undecided may follow from what was judged later.
        let falls = |open: &&str| refuted.iter().any(|broken| (self.implies)(open, broken));
        let fell: Vec<&str> = undecided.iter().copied().filter(falls).collect();
        refuted.extend(fell);
        refuted.push(self.top);
        let follows = |open: &str| kept.iter().any(|stronger| (self.implies)(stronger, open));
        undecided.retain(|open| !refuted.contains(open) && !follows(open));
        let implies_another = |name: &str, names: &[&str]| {
            names.iter().any(|other| *other != name && (self.implies)(name, other))
        };
        let is_implied = |name: &str| kept.iter().any(|other| *other != name && (self.implies)(other, name));
        let (also, weakest): (Vec<&str>, Vec<&str>) =
            refuted.iter().partition(|name| implies_another(name, &refuted));
        let owned = |names: Vec<&str>| names.into_iter().map(String::from).collect();
        Standing {
            family: self.family,
            refuted: owned(weakest),
            also_refuted: owned(also),
            strongest_standing: owned(kept.iter().copied().filter(|name| !is_implied(name)).collect()),
            undecided: owned(undecided),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    };

    use history::{Header, vocabulary::Register};

    use super::*;
    use crate::Verdict;

    struct Says(Validity, Arc<AtomicUsize>);

    impl Checker<Register> for Says {
        fn name(&self) -> String {
            "says".into()
        }

        fn check(&self, _: &History<Register>, _: &Budget) -> Verdict {
            self.1.fetch_add(1, Ordering::Relaxed);
            Verdict { validity: self.0, ..Verdict::default() }
        }
    }

    fn nothing() -> History<Register> {
        History { header: Header::new("register"), operations: Vec::new(), faults: Vec::new(), damage: None }
    }

    fn stand(said: [(&'static str, Validity); 4]) -> (Standing, usize) {
        let asked = Arc::new(AtomicUsize::new(0));
        let rung = |(name, validity)| Rung {
            name,
            checker: Box::new(Says(validity, Arc::clone(&asked))) as Box<dyn Checker<Register>>,
        };
        let ladder = Ladder {
            top: "top",
            family: Family::Registers,
            rungs: said.into_iter().map(rung).collect(),
            implies: |strong, weak| {
                strong == "top" || [("ab", "a"), ("ab", "b"), ("c", "b")].contains(&(strong, weak))
            },
        };
        (ladder.standing(&nothing(), &Budget::default()), asked.load(Ordering::Relaxed))
    }

    #[test]
    fn the_weakest_that_fell_and_the_strongest_that_stand_are_named() {
        use Validity::{Invalid, Unknown, Valid};
        let (standing, asked) = stand([("a", Valid), ("b", Invalid), ("ab", Valid), ("c", Valid)]);
        assert_eq!(standing.refuted, ["b"]);
        assert_eq!(standing.also_refuted, ["ab", "c", "top"]);
        assert_eq!(standing.strongest_standing, ["a"]);
        assert_eq!(asked, 2, "what implies what is broken is not judged");
        let (standing, _) = stand([("a", Unknown), ("b", Valid), ("ab", Valid), ("c", Unknown)]);
        assert_eq!(standing.refuted, ["top"]);
        assert_eq!(standing.strongest_standing, ["ab"]);
        assert_eq!(standing.undecided, ["c"], "a is implied by what stands");
    }
}
