//! Transactions over lists and registers in Redis: all commands between `MULTI` and `EXEC`, sent in one go.

use async_trait::async_trait;
use cluster::{Client, ClientFactory, Cluster, Node};
use history::{
    Outcome, Reason, Value, Vocabulary,
    vocabulary::{ListAppend, RwRegister, list_append, rw_register},
};

use super::{
    client::{RedisClients, values},
    session::{Session, Trouble, is_refusal, parse},
    wire::Reply,
};

/// A vocabulary whose steps are one command each.
trait Stepwise:
    Vocabulary<Call = Vec<<Self as Stepwise>::Step>, Return = Vec<<Self as Stepwise>::Answer>>
{
    type Step: Send + Sync;
    type Answer: Send;
    /// The command of a step, in words.
    fn command(step: &Self::Step) -> Vec<String>;
    /// The answer to a step.
    fn answer(step: &Self::Step, reply: &Reply) -> Result<Self::Answer, Trouble>;
}

impl Stepwise for ListAppend {
    type Step = list_append::Step;
    type Answer = list_append::Answer;

    fn command(step: &Self::Step) -> Vec<String> {
        match step {
            list_append::Step::Read(key) => {
                vec!["LRANGE".into(), key.to_string(), "0".into(), "-1".into()]
            }
            list_append::Step::Append(key, value) => vec!["RPUSH".into(), key.to_string(), value.to_string()],
        }
    }

    fn answer(step: &Self::Step, reply: &Reply) -> Result<Self::Answer, Trouble> {
        match (step, reply) {
            (list_append::Step::Read(key), reply) => {
                Ok(list_append::Answer::Read(key.clone(), Some(values(reply)?.into())))
            }
            (list_append::Step::Append(key, value), Reply::Integer(_)) => {
                Ok(list_append::Answer::Append(key.clone(), value.clone()))
            }
            (list_append::Step::Append(..), other) => Err(Trouble::strange(other)),
        }
    }
}

impl Stepwise for RwRegister {
    type Step = rw_register::Step;
    type Answer = rw_register::Answer;

    fn command(step: &Self::Step) -> Vec<String> {
        match step {
            rw_register::Step::Read(key) => vec!["GET".into(), key.to_string()],
            rw_register::Step::Write(key, value) => vec!["SET".into(), key.to_string(), value.to_string()],
        }
    }

    fn answer(step: &Self::Step, reply: &Reply) -> Result<Self::Answer, Trouble> {
        match (step, reply) {
            (rw_register::Step::Read(key), Reply::Text(value)) => {
                let value = value.as_deref().map_or(Value::Nil, parse);
                Ok(rw_register::Answer::Read(key.clone(), Some(value)))
            }
            (rw_register::Step::Write(key, value), Reply::Status(_)) => {
                Ok(rw_register::Answer::Write(key.clone(), value.clone()))
            }
            (_, other) => Err(Trouble::strange(other)),
        }
    }
}

/// A session that makes transactions.
struct Transactions(Session);

impl Transactions {
    async fn run<V: Stepwise>(&mut self, steps: &[V::Step]) -> Result<V::Return, Trouble> {
        let words: Vec<Vec<String>> = steps.iter().map(V::command).collect();
        let mut commands = vec![vec!["MULTI"]];
        commands.extend(words.iter().map(|words| words.iter().map(String::as_str).collect()));
        commands.push(vec!["EXEC"]);
        let replies = self.0.ask_all(&commands).await?;
        let answers = carried_out(&replies)?;
        if answers.len() != steps.len() {
            return Err(Trouble::Doubtful("EXEC answered fewer commands than were sent".into()));
        }
        steps.iter().zip(answers).map(|(step, reply)| V::answer(step, reply)).collect()
    }
}

/// The answers of the commands of a transaction, from the answers to `MULTI`, each command and `EXEC`.
fn carried_out(replies: &[Reply]) -> Result<&[Reply], Trouble> {
    let errors = || {
        replies.iter().filter_map(|reply| match reply {
            Reply::Error(error) => Some(error.as_str()),
            _ => None,
        })
    };
    let first = || Reason::from(errors().next().unwrap_or("EXEC gave no answers").to_owned());
    let (Some(begun), Some(ended)) = (replies.first(), replies.last()) else {
        return Err(Trouble::Doubtful(first()));
    };
    if !matches!(begun, Reply::Status(_)) {
        // There was no transaction, so each command stood alone: nothing happened only if each was refused, the EXEC as
        // one without MULTI.
        let refused = replies[..replies.len() - 1].iter().all(is_refused);
        return Err(if refused { Trouble::Refused(first()) } else { Trouble::Doubtful(first()) });
    }
    match ended {
        Reply::List(Some(answers)) => match answers.iter().find(|answer| matches!(answer, Reply::Error(_))) {
            Some(Reply::Error(error)) => {
                Err(Trouble::Doubtful(format!("carried out in part: {error}").into()))
            }
            _ => Ok(answers),
        },
        // No answer but that there is none: a watched key had changed, and nothing was done.
        Reply::List(None) => Err(Trouble::Refused(first())),
        reply if is_refused(reply) => Err(Trouble::Refused(first())),
        _ => Err(Trouble::Doubtful(first())),
    }
}

fn is_refused(reply: &Reply) -> bool {
    matches!(reply, Reply::Error(error) if is_refusal(error))
}

macro_rules! transactions {
    ($($vocabulary:ty)*) => { $(
        #[async_trait]
        impl ClientFactory<$vocabulary> for RedisClients {
            async fn open(&self, _: &Cluster, node: &Node) -> Result<Box<dyn Client<$vocabulary>>, Reason> {
                Ok(Box::new(Transactions(Session::open(&self.0, node).await?)))
            }
        }

        #[async_trait]
        impl Client<$vocabulary> for Transactions {
            async fn invoke(
                &mut self,
                call: &<$vocabulary as Vocabulary>::Call,
            ) -> Outcome<<$vocabulary as Vocabulary>::Return> {
                match self.run::<$vocabulary>(call).await {
                    Ok(answers) => Outcome::Ok(answers),
                    Err(trouble) => trouble.outcome(<$vocabulary>::is_read(call)),
                }
            }

            fn is_broken(&self) -> bool {
                self.0.is_broken()
            }
        }
    )* };
}

transactions!(ListAppend RwRegister);

#[cfg(test)]
mod tests {
    use super::*;

    fn ok() -> Reply {
        Reply::Status("OK".into())
    }

    fn error(text: &str) -> Reply {
        Reply::Error(text.into())
    }

    fn outcome(replies: &[Reply]) -> &'static str {
        match carried_out(replies) {
            Ok(_) => "ok",
            Err(trouble) => trouble.outcome::<()>(false).kind(),
        }
    }

    #[test]
    fn what_exec_says_decides() {
        let done = Reply::List(Some(vec![Reply::Integer(1)]));
        assert_eq!(outcome(&[ok(), ok(), done.clone()]), "ok");
        let aborted = error("EXECABORT Transaction discarded because of previous errors.");
        assert_eq!(outcome(&[ok(), error("READONLY You can't write"), aborted]), "fail");
        let in_part = Reply::List(Some(vec![Reply::Integer(1), error("WRONGTYPE no list")]));
        assert_eq!(outcome(&[ok(), ok(), ok(), in_part]), "unknown");
        assert_eq!(outcome(&[ok(), ok(), error("ERR something else")]), "unknown");
        assert_eq!(outcome(&[ok(), ok(), Reply::List(None)]), "fail");
    }

    #[test]
    fn commands_without_a_transaction_happened_unless_each_was_refused() {
        let (no_auth, no_multi) = (error("NOAUTH Authentication required."), error("ERR EXEC without MULTI"));
        assert_eq!(outcome(&[no_auth.clone(), no_auth.clone(), no_multi.clone()]), "fail");
        assert_eq!(outcome(&[no_auth, Reply::Integer(1), no_multi]), "unknown");
    }
}
