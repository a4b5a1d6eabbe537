//! Queues over SQL: a row per element, and consumers that lock the row they take and pass over those that others have locked
//! (`SKIP LOCKED`). So the order of elements is not promised, and a queue may look empty while its last element is being taken.
//!
//! A dequeue whose session was lost is `unknown`, also before `COMMIT`: the server may keep the row locked until it notices, and
//! others find the queue empty meanwhile.

use async_trait::async_trait;
use cluster::{Client, ClientFactory, Cluster, Node};
use history::{
    Outcome, Queue, Reason,
    vocabulary::queue::{Call, Return},
};

use super::{Datum, SqlClients, Talk, Trouble, parse};
use crate::speaking::Speaker;

/// The element that comes out next, with its number.
const HEAD: &str = "SELECT n, e FROM @queues WHERE k = ? ORDER BY n LIMIT 1 FOR UPDATE SKIP LOCKED";

impl Talk {
    /// The steps of a dequeue.
    async fn take(&mut self, queue: Datum) -> Result<Return, Trouble> {
        let rows = self.rows(HEAD, &[queue]).await?;
        let Some(row) = rows.first() else { return Ok(Return::Empty) };
        let [number, element] = &row[..] else { return Err(Trouble::strange()) };
        let element = parse(element.text()?);
        match self.change("DELETE FROM @queues WHERE n = ?", &[Datum::Number(number.number()?)]).await? {
            1 => Ok(Return::Dequeued(element)),
            _ => Err(Trouble::strange()),
        }
    }

    /// Nothing was committed; but where the session is lost, what it had locked may be hidden for a while.
    async fn give_up(&mut self, trouble: Trouble) -> Outcome<Return> {
        if trouble.is_lost {
            self.broken = true;
            return Outcome::Unknown(trouble.word);
        }
        match self.roll_back(trouble.word).await {
            Outcome::Fail(reason) if self.broken => Outcome::Unknown(reason),
            outcome => outcome,
        }
    }
}

#[async_trait]
impl ClientFactory<Queue> for SqlClients {
    async fn open(&self, cluster: &Cluster, node: &Node) -> Result<Box<dyn Client<Queue>>, Reason> {
        Ok(Box::new(self.talk(cluster, node).await?))
    }
}

#[async_trait]
impl Client<Queue> for Talk {
    async fn invoke(&mut self, call: &Call) -> Outcome<Return> {
        let queue = Datum::of(call.key());
        if let Call::Enqueue(_, element) = call {
            let values = [queue, Datum::of(element)];
            return match self.change("INSERT INTO @queues (k, e) VALUES (?, ?)", &values).await {
                Ok(_) => Outcome::Ok(Return::Enqueued),
                Err(trouble) => self.outcome(trouble, false),
            };
        }
        if let Err(trouble) = self.begin().await {
            return self.give_up(trouble).await;
        }
        match self.take(queue).await {
            Ok(answer) => self.commit(answer).await,
            Err(trouble) => self.give_up(trouble).await,
        }
    }

    fn is_broken(&self) -> bool {
        self.broken
    }
}
