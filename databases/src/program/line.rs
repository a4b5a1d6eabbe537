//! The lines between the tester and a program, and what is wrong with one.

use history::{Outcome, Reason};
use serde::Serialize;
use serde_json::{Map, Value as Json, json};

use super::Spoken;

/// Why a line is no answer: a sentence for whoever writes the program.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Mistake(pub String);

/// What a program is told first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Opening {
    /// The calls that will come.
    pub vocabulary: &'static str,
    /// The node that the session is to speak to.
    pub node: String,
    /// Its address.
    pub address: String,
}

impl Opening {
    /// The line that says so.
    pub fn line(&self) -> String {
        json!({ "open": self }).to_string()
    }
}

/// The line of a call.
pub fn call_line<V: Spoken>(id: u64, call: &V::Call) -> String {
    let call = serde_json::to_value(call).expect("calls are plain data");
    json!({ "id": id, "call": call }).to_string()
}

/// The line of an answer, for the one who writes the program.
pub fn answer_line<V: Spoken>(id: u64, returned: &V::Return) -> String {
    let returned = serde_json::to_value(returned).expect("answers are plain data");
    json!({ "id": id, "ok": returned }).to_string()
}

/// What the program answered to the opening: the reason of a refusal, if it refused.
pub fn read_opened(line: &str) -> Result<Result<(), Reason>, Mistake> {
    let fields = object(line)?;
    match (fields.get("open"), fields.get("fail")) {
        (Some(Json::String(word)), None) if word == "ok" && fields.len() == 1 => Ok(Ok(())),
        (None, Some(Json::String(reason))) if fields.len() == 1 => Ok(Err(reason.clone().into())),
        _ => Err(Mistake(format!(
            "`{}` is no answer to the opening: that is {{\"open\":\"ok\"}}, or {{\"fail\":\"why\"}}",
            short(line)
        ))),
    }
}

/// What the program answered to a call.
pub fn read_answer<V: Spoken>(line: &str, id: u64, call: &V::Call) -> Result<Outcome<V::Return>, Mistake> {
    let mut fields = object(line)?;
    match fields.remove("id") {
        Some(Json::Number(answered)) if answered.as_u64() == Some(id) => {}
        Some(other) => return Err(Mistake(format!("the answer has the id {other}, and the call had {id}"))),
        None => return Err(Mistake(format!("the answer has no \"id\"; the call had {id}"))),
    }
    let mut fields = fields.into_iter();
    let (Some((kind, value)), None) = (fields.next(), fields.next()) else {
        let what = "beside its \"id\" an answer has exactly one of \"ok\", \"fail\" and \"unknown\"";
        return Err(Mistake(format!("{what}; this is `{}`", short(line))));
    };
    match (kind.as_str(), value) {
        ("fail", Json::String(reason)) => Ok(Outcome::Fail(reason.into())),
        ("unknown", Json::String(reason)) => Ok(Outcome::Unknown(reason.into())),
        ("fail" | "unknown", other) => {
            Err(Mistake(format!("\"{kind}\" is to be a text that says why, not {other}")))
        }
        ("ok", returned) => {
            let text = returned.to_string();
            let returned: V::Return = serde_json::from_value(returned).map_err(|error| {
                Mistake(format!("\"ok\" is `{}`, which is not understood: {error}", short(&text)))
            })?;
            if V::fits(call, &returned) {
                Ok(Outcome::Ok(returned))
            } else {
                Err(Mistake(format!("`{}` is no answer to `{}`", short(&text), V::describe_call(call))))
            }
        }
        (other, _) => Err(Mistake(format!(
            "there is no \"{other}\" in an answer; it has \"ok\", \"fail\" or \"unknown\""
        ))),
    }
}

fn object(line: &str) -> Result<Map<String, Json>, Mistake> {
    match serde_json::from_str(line) {
        Ok(Json::Object(fields)) => Ok(fields),
        Ok(_) => Err(Mistake(format!("`{}` is JSON, but no object", short(line)))),
        Err(error) => Err(Mistake(format!(
            "`{}` is not JSON ({error}); standard output is for answers alone, talk goes to standard error",
            short(line)
        ))),
    }
}

/// A line as it is shown: its beginning where it is long.
fn short(line: &str) -> String {
    const SHOWN_MAX: usize = 100;
    let mut shown: String = line.chars().take(SHOWN_MAX).collect();
    if shown.len() < line.len() {
        shown.push('…');
    }
    shown
}

#[cfg(test)]
mod tests {
    use history::{
        Key, Value,
        vocabulary::{
            Register,
            register::{Call, Return},
        },
    };

    use super::*;

    fn answer(line: &str) -> Result<Outcome<Return>, Mistake> {
        read_answer::<Register>(line, 7, &Call::Read(Key::from("x")))
    }

    #[test]
    fn calls_and_answers_are_plain_json() {
        let call = Call::Cas(Key::from("x"), Value::Nil, Value::Int(2));
        assert_eq!(call_line::<Register>(7, &call), r#"{"call":{"cas":["x",null,2]},"id":7}"#);
        assert_eq!(
            answer(r#"{"id":7,"ok":{"value":3}}"#).unwrap(),
            Outcome::Ok(Return::Value(Some(3.into())))
        );
        assert_eq!(answer(r#"{"id":7,"fail":"no"}"#).unwrap(), Outcome::Fail("no".into()));
        assert_eq!(answer(r#"{"id":7,"unknown":"?"}"#).unwrap(), Outcome::Unknown("?".into()));
        assert_eq!(read_opened(r#"{"open":"ok"}"#).unwrap(), Ok(()));
        assert_eq!(read_opened(r#"{"fail":"down"}"#).unwrap(), Err("down".into()));
    }

    #[test]
    fn every_mistake_is_told_in_a_sentence() {
        for (line, told) in [
            ("hello", "standard output is for answers alone"),
            ("[1]", "no object"),
            (r#"{"ok":"written"}"#, "no \"id\""),
            (r#"{"id":8,"ok":"written"}"#, "the id 8, and the call had 7"),
            (r#"{"id":7}"#, "exactly one of"),
            (r#"{"id":7,"ok":"written","fail":"x"}"#, "exactly one of"),
            (r#"{"id":7,"fail":3}"#, "a text that says why"),
            (r#"{"id":7,"okay":3}"#, "there is no \"okay\""),
            (r#"{"id":7,"ok":"wrote"}"#, "not understood"),
            (r#"{"id":7,"ok":"written"}"#, "is no answer to `read x`"),
        ] {
            let mistake = answer(line).unwrap_err().to_string();
            assert!(mistake.contains(told), "{line}: {mistake}");
        }
        assert!(
            read_opened(r#"{"open":"yes"}"#).unwrap_err().to_string().contains("no answer to the opening")
        );
    }
}
