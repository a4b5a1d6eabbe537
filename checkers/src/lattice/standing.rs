//! Where the promises stand after a history has been judged.

use super::Models;
use crate::Standing;

/// The standing of the promises. `refuted` are those that the history was shown to break (stronger ones fall with
/// them), `kept` those that it was shown to keep: what is in neither was not judged and is not mentioned.
pub fn standing(refuted: Models, kept: Models) -> Standing {
    let weakest = refuted.weakest();
    Standing {
        refuted: weakest.names(),
        also_refuted: refuted.without(weakest).names(),
        strongest_standing: kept.without(refuted).strongest().names(),
        ..Standing::default()
    }
}
