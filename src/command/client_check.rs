//! `client-check`: speaks with a client program of the user's own, and explains its first mistake.

use std::time::Duration;

use databases::program::{Opening, Session, Silence, Spoken};
use history::{
    Key, Outcome,
    vocabulary::{ListAppend, Register, RwRegister, Set},
};

use crate::{
    arguments::ClientCheckArguments,
    exit::{Exit, Failure},
    settings,
};

/// The longest that a program may think.
const ANSWER_MAX: Duration = Duration::from_secs(5);

/// Makes a few calls. Exits 1 at the first mistake.
pub fn run(check: &ClientCheckArguments) -> Result<Exit, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Failure::harness(format!("cannot start: {error}")))?;
    let mistake = match check.vocabulary.as_str() {
        "register" => runtime.block_on(converse::<Register>(check)),
        "set" => runtime.block_on(converse::<Set>(check)),
        "list-append" => runtime.block_on(converse::<ListAppend>(check)),
        "rw-register" => runtime.block_on(converse::<RwRegister>(check)),
        other => {
            let nearest = settings::nearest(other, databases::configured::VOCABULARIES.into_iter());
            return Err(Failure::usage(format!(
                "no client program can speak `{other}`; did you mean `{nearest}`?"
            )));
        }
    };
    match mistake {
        None => {
            crate::output::putln!("the program speaks {}", check.vocabulary);
            Ok(Exit::Valid)
        }
        Some(mistake) => {
            crate::output::putln!("MISTAKE  {mistake}");
            Ok(Exit::Anomaly)
        }
    }
}

/// What a program did not do in time, or did wrong.
fn explain<T>(
    answer: Result<Result<T, Silence>, tokio::time::error::Elapsed>,
    sent: &str,
) -> Result<T, String> {
    match answer {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(Silence::Gone(why))) => Err(format!("{why}; the last line it was sent is {sent}")),
        Ok(Err(Silence::Mistaken(mistake))) => Err(format!("{mistake}; it was sent {sent}")),
        Err(_) => Err(format!(
            "the program was silent for {} s after {sent}; every answer is one line, and standard output must be \
             flushed after it",
            ANSWER_MAX.as_secs()
        )),
    }
}

/// The whole conversation; the first mistake, if there is one.
async fn converse<V: Spoken>(check: &ClientCheckArguments) -> Option<String> {
    let mut session = match Session::<V>::start(&check.program) {
        Ok(session) => session,
        Err(Silence::Gone(why) | Silence::Mistaken(databases::program::Mistake(why))) => return Some(why),
    };
    let opening = Opening { vocabulary: V::NAME, node: check.node.clone(), address: check.address.clone() };
    let opened = tokio::time::timeout(ANSWER_MAX, session.open(&opening)).await;
    match explain(opened, &opening.line()) {
        Ok(Ok(())) => crate::output::putln!("ok       open {} at {}", check.node, check.address),
        Ok(Err(refusal)) => return Some(format!("the program refused to open a session: {refusal}")),
        Err(mistake) => return Some(mistake),
    }
    let key = Key::from(format!("check-{:08x}", rand::random::<u32>()).as_str());
    for (call, right) in V::samples(&key) {
        let (said, sent) =
            (V::describe_call(&call), databases::program::call_line::<V>(session.asked() + 1, &call));
        let answered = tokio::time::timeout(ANSWER_MAX, session.ask(&call)).await;
        let outcome = match explain(answered, &sent) {
            Ok(outcome) => outcome,
            Err(mistake) => {
                let example = databases::program::answer_line::<V>(session.asked(), &right);
                return Some(format!("{mistake}; a right answer is {example}"));
            }
        };
        match outcome {
            Outcome::Ok(returned) if V::is_same(&returned, &right) => {
                crate::output::putln!("ok       {said}: {}", V::describe_return(&call, &returned));
            }
            Outcome::Ok(returned) => {
                return Some(format!(
                    "`{said}` was answered {}, and nobody else uses that key: it should be {}",
                    V::describe_return(&call, &returned),
                    V::describe_return(&call, &right)
                ));
            }
            Outcome::Fail(reason) => return Some(format!("`{said}` failed: {reason}")),
            Outcome::Unknown(reason) => return Some(format!("the outcome of `{said}` is unknown: {reason}")),
        }
    }
    None
}
