//! A client that is a program in any language: one JSON object a line, calls in, answers out.
//!
//! Every session is a process of its own. It gets, a line each:
//!
//! ```text
//! {"open":{"vocabulary":"register","node":"n1","address":"10.0.0.1"}}      answered by  {"open":"ok"}
//! {"id":1,"call":{"write":["x",3]}}                                        answered by  {"id":1,"ok":"written"}
//! {"id":2,"call":{"read":"x"}}                                             answered by  {"id":2,"ok":{"value":3}}
//! ```
//!
//! | what happened | outcome | why |
//! |---|---|---|
//! | the program does not start, or refuses to open | `Fail` | no call was made |
//! | it answers `{"id":1,"fail":"why"}` | `Fail` | the program says that the call certainly did not happen |
//! | it answers `{"id":1,"unknown":"why"}` | `Unknown` | it does not know |
//! | it answers anything else, ends, or is silent | `Unknown` | nobody knows what it did |
//!
//! After anything but `ok` and `fail` the process is ended, and the next call is another session's.

mod line;
mod session;
pub mod spoken;

pub use line::{Mistake, Opening, answer_line, call_line, read_answer, read_opened};
pub use session::{ProgramClients, Session, Silence};
pub use spoken::Spoken;
