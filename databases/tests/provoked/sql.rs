//! What is asked of every database that speaks SQL: no element of a transaction that certainly was not committed is ever read.

use std::{
    collections::BTreeSet,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicI64, Ordering},
    },
    time::Duration,
};

use cluster::{ClientFactory, Database};
use history::{
    ListAppend, Outcome, Value,
    vocabulary::list_append::{Answer, Step},
};

use crate::server::{Server, key, number};

/// Which lists are appended to, and in which order.
pub type Order = fn(usize) -> [&'static str; 4];

/// One order for all.
pub fn alike(_: usize) -> [&'static str; 4] {
    ["a", "b", "c", "d"]
}

/// Every second one the other way round.
pub fn crosswise(round: usize) -> [&'static str; 4] {
    if round.is_multiple_of(2) { ["a", "b", "c", "d"] } else { ["d", "c", "b", "a"] }
}

/// Whoever appends, among all tests: no value is written twice.
static WRITERS: AtomicI64 = AtomicI64::new(1);

type Lists = Arc<dyn ClientFactory<ListAppend>>;

/// Appends of one session, each value to four lists: those that were taken, those that were certainly not, and why.
async fn append_often(
    server: &Server,
    lists: &Lists,
    who: i64,
    order: Order,
    reads: bool,
) -> (Vec<i64>, Vec<i64>, BTreeSet<String>) {
    let mut client = server.open::<ListAppend>(lists.as_ref()).await;
    let (mut done, mut refused, mut words) = (Vec::new(), Vec::new(), BTreeSet::new());
    for round in 0..150 {
        let value = who * 1000 + round;
        let mut steps = Vec::new();
        for name in order(who as usize + round as usize) {
            if reads {
                steps.push(Step::Read(key(name)));
            }
            steps.push(Step::Append(key(name), number(value)));
        }
        match client.invoke(&steps).await {
            Outcome::Ok(_) => done.push(value),
            Outcome::Fail(why) => {
                refused.push(value);
                words.insert(why.to_string().split(':').next().unwrap_or_default().to_owned());
            }
            Outcome::Unknown(_) => {}
        }
        if client.is_broken() {
            client = server.open::<ListAppend>(lists.as_ref()).await;
        }
    }
    (done, refused, words)
}

/// Several sessions append while somebody disturbs them; then all lists are read. Returns the codes of the errors after which it
/// was certain that nothing was done.
pub async fn append_under(
    server: &Server,
    database: &dyn Database,
    order: Order,
    reads: bool,
    disturb: impl Fn(bool) + Send + 'static,
) -> BTreeSet<String> {
    let lists: Lists = database.speaks().factory().expect("it speaks lists");
    let over = Arc::new(AtomicBool::new(false));
    let disturbing = std::thread::spawn({
        let over = Arc::clone(&over);
        move || {
            while !over.load(Ordering::Relaxed) {
                disturb(true);
                std::thread::sleep(Duration::from_millis(10));
                disturb(false);
                std::thread::sleep(Duration::from_millis(10));
            }
        }
    });
    let first = WRITERS.fetch_add(3, Ordering::Relaxed);
    let writers = (first..first + 3).map(|who| append_often(server, &lists, who, order, reads));
    let mut ended = Vec::new();
    let mut running: Vec<_> = writers.map(Box::pin).collect();
    std::future::poll_fn(|context| {
        running.retain_mut(|writer| match writer.as_mut().poll(context) {
            std::task::Poll::Ready(end) => {
                ended.push(end);
                false
            }
            std::task::Poll::Pending => true,
        });
        if running.is_empty() { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
    })
    .await;
    over.store(true, Ordering::Relaxed);
    disturbing.join().expect("it ends");
    let mut client = server.open::<ListAppend>(lists.as_ref()).await;
    let mut words = BTreeSet::new();
    for name in alike(0) {
        let read = client.invoke(&vec![Step::Read(key(name))]).await;
        let Outcome::Ok(answers) = read else { panic!("{read:?}") };
        let [Answer::Read(_, Some(list))] = &answers[..] else { panic!("{answers:?}") };
        let found: BTreeSet<Value> = list.iter().cloned().collect();
        for (done, refused, why) in &ended {
            let lost: Vec<_> = done.iter().filter(|value| !found.contains(&number(**value))).collect();
            let there: Vec<_> = refused.iter().filter(|value| found.contains(&number(**value))).collect();
            assert!(lost.is_empty(), "committed, and not there: {lost:?}");
            assert!(
                there.is_empty(),
                "certainly not committed, and there nevertheless: {there:?} after {why:?}"
            );
            words.extend(why.iter().cloned());
        }
    }
    words
}
