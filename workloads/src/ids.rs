//! The ids workload: everybody asks for new ids, and none may come twice.

use checkers::datatypes;
use history::vocabulary::{Ids, ids::Call};

use crate::{Checkers, Generator, Nothing, Options, Workload, calls, workload::paced};

/// New ids, as many as are given.
#[derive(Clone, Copy, Debug, Default)]
pub struct IdsWorkload;

impl Workload for IdsWorkload {
    type Vocabulary = Ids;

    fn name(&self) -> &str {
        "ids"
    }

    fn promise(&self) -> &str {
        "an id that was given to somebody is given to nobody else"
    }

    fn generator(&self, options: &Options) -> Box<dyn Generator<Ids>> {
        paced(calls::<Ids, _>(|_| Call::Generate), options)
    }

    /// Nothing is left to be read: every id was looked at when it was given.
    fn final_generator(&self, _: &Options) -> Box<dyn Generator<Ids>> {
        Box::new(Nothing)
    }

    fn checkers(&self, options: &Options) -> Checkers<Ids> {
        datatypes::checker(&options.model).into_iter().collect()
    }
}
