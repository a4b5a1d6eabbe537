//! How many operations per second the runner records, with a client that answers at once.
//!
//!     cargo bench --bench runner
//!
//! Prints one line per length of run: operations, operations per second, bytes of history, and the most memory the
//! process held, which must not grow with the length.

use std::{sync::Arc, time::Duration};

use cluster::{Client, ClientFactory, Cluster, Node, Speaks};
use disprove::run::{clock::RunClock, crew::Crew, dispatch::Dispatch, load::Wishes, worker::Shared};
use history::{
    Header, Outcome, Reason, Vocabulary as _,
    file::{HistoryWriter, WriterOptions},
    vocabulary::register::{Call, Register, Return},
};
use workloads::{Options, RegisterWorkload, Workload as _};

struct AtOnce;

#[async_trait::async_trait]
impl Client<Register> for AtOnce {
    async fn invoke(&mut self, call: &Call) -> Outcome<Return> {
        Outcome::Ok(match call {
            Call::Read(_) => Return::Value(Some(1.into())),
            Call::Write(..) => Return::Written,
            Call::Cas(..) => Return::Swapped,
        })
    }
}

#[async_trait::async_trait]
impl ClientFactory<Register> for AtOnce {
    async fn open(&self, _: &Cluster, _: &Node) -> Result<Box<dyn Client<Register>>, Reason> {
        Ok(Box::new(AtOnce))
    }
}

fn main() {
    let runtime = tokio::runtime::Runtime::new().expect("threads can be started");
    for seconds in [2, 5, 10] {
        runtime.block_on(measure(Duration::from_secs(seconds)));
    }
}

async fn measure(length: Duration) {
    let folder = std::env::temp_dir().join(format!("disprove-bench-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder can be made");
    let path = folder.join("history.jsonl.zst");
    let clock = RunClock::start();
    let options = Options {
        threads: 10,
        nodes: 5,
        keys: 10,
        rate: None,
        seed: 1,
        run_id: "bench".into(),
        model: "linearizable".into(),
    };
    let writing = WriterOptions { flush_every: Duration::from_millis(100), bytes_max: u64::MAX };
    let writer =
        HistoryWriter::<Register>::create(&path, &Header::new(Register::NAME), writing, clock.as_source())
            .expect("the history can be written");
    let shared = Arc::new(Shared {
        dispatch: Dispatch::new(RegisterWorkload::default().generator(&options), options.threads, clock),
        factory: Speaks::default().with::<Register>(AtOnce).factory::<Register>().expect("it was just added"),
        cluster: Cluster { nodes: (0..5).map(node).collect(), network: None },
        call_timeout: Duration::from_secs(5),
        stop: tokio_util::sync::CancellationToken::new(),
        tally: Arc::default(),
        full: Arc::default(),
        wishes: Arc::new(Wishes::none(5)),
    });
    let tally = Arc::clone(&shared.tally);
    let crew = Crew::new(options.threads, &writer);
    let handle = tokio::runtime::Handle::current();
    let (_crew, end) = crew.work(&handle, shared, length, &writer).await;
    let took = clock.now().seconds();
    let written = writer.finish().expect("the history is complete");
    let calls = tally.completed();
    println!(
        "{:>3} s  {calls:>9} operations  {:>8.0} per second  {:>6.1} MB of history  {:>4} MiB peak memory  {} waits  {end:?}",
        length.as_secs(),
        calls as f64 / took,
        written.bytes as f64 / 1e6,
        disprove::memory::peak_bytes().unwrap_or(0) >> 20,
        written.waits,
    );
    std::fs::remove_dir_all(&folder).expect("the folder can be removed");
}

fn node(place: u16) -> Node {
    Node {
        id: history::NodeId(place),
        name: format!("n{}", place + 1),
        address: std::net::IpAddr::from([127, 0, 0, 1]),
        port_offset: 0,
        data: std::path::PathBuf::new(),
        logs: std::path::PathBuf::new(),
        remote: None,
    }
}
