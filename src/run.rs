//! A run from its choices to its report.

pub mod back;
pub mod choices;
pub mod clock;
pub mod crew;
pub mod dispatch;
pub mod inside;
pub mod interrupt;
pub mod lag;
pub mod live;
pub mod load;
pub mod logging;
pub mod progress;
pub mod serving;
pub mod stages;
mod vigil;
pub mod worker;

pub use choices::Choices;
pub use stages::{RunEnd, execute};
