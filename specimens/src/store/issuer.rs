//! Who gives out ids: numbers, one after the other.

use history::vocabulary::{
    Ids,
    ids::{Call, Return},
};
use serde::{Deserialize, Serialize};

use super::contents::{Circumstances, Object};

/// The last id that was given.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Issuer(i64);

impl Object<Ids> for Issuer {
    /// An id that was given is not given again, so nothing is read.
    fn read(&self, _: &Call) -> Option<Return> {
        None
    }

    fn change(&mut self, Call::Generate: &Call, _: Circumstances) -> Option<Return> {
        self.0 = self.0.checked_add(1)?;
        Some(Return::Id(self.0.into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_id_comes_twice() {
        let mut issuer = Issuer::default();
        let mut ask = || issuer.change(&Call::Generate, Circumstances::default());
        assert_eq!([ask(), ask()], [1, 2].map(|id: i64| Some(Return::Id(id.into()))));
    }
}
