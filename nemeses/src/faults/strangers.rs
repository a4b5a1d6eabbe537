//! Connections of strangers: many that say nothing, and some that say what nobody can understand, or never finish.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use async_trait::async_trait;
use cluster::{Door, Error};
use history::NodeId;
use rand::RngExt;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    task::JoinSet,
    time::{sleep, timeout},
};
use tokio_util::sync::CancellationToken;

use super::{Evidence, Fault, Names, Probe, Scene};
use crate::{Conduct, Family};

/// How long a connection may take to open.
const OPEN_MAX: Duration = Duration::from_secs(1);
/// How long each stranger waits from one connection to the next.
const BETWEEN: Duration = Duration::from_millis(50);
/// How long one who does not finish waits before hanging up.
const HOLD: Duration = Duration::from_millis(400);
/// How long a slow one waits from byte to byte.
const BYTE_EVERY: Duration = Duration::from_millis(250);
/// How much garbage is said at most.
const GARBAGE_MAX: usize = 4096;

/// Strangers at the doors of nodes.
#[derive(Debug)]
pub(super) struct Strangers {
    conduct: Conduct,
    /// How many at each node at a time.
    count: usize,
    nodes: Vec<NodeId>,
    /// How many connections were let in so far.
    opened: BTreeMap<NodeId, Arc<AtomicU64>>,
}

impl Strangers {
    pub(super) fn new(nodes: Vec<NodeId>, conduct: Conduct, count: usize) -> Self {
        let opened = nodes.iter().map(|node| (*node, Arc::default())).collect();
        Self { conduct, count, nodes, opened }
    }
}

fn door(scene: Scene<'_>, node: NodeId) -> Result<Door, Error> {
    let known = scene.database.door(scene.cluster.node(node));
    known.ok_or_else(|| Error::Unsupported(format!("where clients of {} come in", scene.database.name())))
}

/// Comes again and again, until it is aborted.
async fn come_again(door: Door, conduct: Conduct, opened: Arc<AtomicU64>) {
    loop {
        // Being refused, or sent away, is what a stranger must expect.
        if let Ok(Ok(stream)) = timeout(OPEN_MAX, TcpStream::connect(door.address)).await {
            opened.fetch_add(1, Relaxed);
            let _sent_away = behave(stream, &door, conduct).await;
        }
        sleep(BETWEEN).await;
    }
}

/// One visit. It ends with a reset: were it to wait for the other side's last word, as the kernel has whoever hangs up first
/// do, there would soon be no ports left for real clients.
async fn behave(mut stream: TcpStream, door: &Door, conduct: Conduct) -> std::io::Result<()> {
    stream.set_zero_linger()?;
    stream.set_nodelay(true)?;
    match conduct {
        Conduct::Storm => {}
        Conduct::HalfRequests => {
            let cut = rand::rng().random_range(0..=door.request.len());
            stream.write_all(&door.request[..cut]).await?;
            sleep(HOLD).await;
        }
        Conduct::Slow => {
            for byte in &door.request {
                stream.write_all(&[*byte]).await?;
                sleep(BYTE_EVERY).await;
            }
        }
        Conduct::Garbage => {
            let length = rand::rng().random_range(1..=GARBAGE_MAX);
            let garbage: Vec<u8> = (0..length).map(|_| rand::rng().random()).collect();
            stream.write_all(&garbage).await?;
            let mut answer = [0; 512];
            // Whatever it says to that, or that it says nothing.
            let _answered = timeout(BETWEEN, stream.read(&mut answer)).await;
        }
    }
    Ok(())
}

#[async_trait]
impl Fault for Strangers {
    fn family(&self) -> Family {
        Family::Strangers
    }

    fn targets(&self) -> &[NodeId] {
        &self.nodes
    }

    fn describe(&self, names: &Names) -> String {
        let (count, nodes) = (self.count, names.list(&self.nodes));
        let what = match self.conduct {
            Conduct::Storm => "opened and reset connections",
            Conduct::HalfRequests => "opened connections, began a request and hung up",
            Conduct::Slow => "opened connections and asked for something a byte at a time",
            Conduct::Garbage => "opened connections and said what means nothing",
        };
        format!("{what}, {count} at a time at each of {nodes}")
    }

    /// Nobody comes before there is somebody to send them away.
    async fn inject(&self, scene: Scene<'_>) -> Result<(), Error> {
        self.nodes.iter().try_for_each(|node| door(scene, *node).map(drop))
    }

    async fn tend(&self, scene: Scene<'_>, over: &CancellationToken) -> Result<(), Error> {
        // All of them leave when this is dropped.
        let mut strangers = JoinSet::new();
        for (node, opened) in &self.opened {
            let door = door(scene, *node)?;
            for _ in 0..self.count {
                strangers.spawn(come_again(door.clone(), self.conduct, Arc::clone(opened)));
            }
        }
        over.cancelled().await;
        strangers.shutdown().await;
        Ok(())
    }

    /// Where the run has ended, nobody is left who could come.
    async fn undo(&self, _: Scene<'_>) -> Result<(), Error> {
        Ok(())
    }

    async fn probe(&self, _: Scene<'_>) -> Result<Probe, Error> {
        let count = |(node, opened): (&NodeId, &Arc<AtomicU64>)| (*node, opened.load(Relaxed));
        Ok(Probe::Clients(self.opened.iter().map(count).collect()))
    }

    fn in_force(&self, _: &Probe) -> Option<bool> {
        None
    }

    fn judge(&self, names: &Names, _: &Probe, late: &Probe) -> Evidence {
        let Probe::Clients(late) = late else {
            return Evidence::new(false, "nobody counted".into());
        };
        let parts: Vec<String> = late
            .iter()
            .filter(|(_, count)| *count > 0)
            .map(|(node, count)| format!("{count} by {}", names.plain(*node)))
            .collect();
        match parts.is_empty() {
            true => Evidence::new(false, "no connection was let in".into()),
            false => Evidence::new(true, format!("connections let in: {}", parts.join(", "))),
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;

    const REQUEST: &[u8] = b"an unfinished request";

    /// What the first few strangers say.
    async fn heard(conduct: Conduct) -> Vec<Vec<u8>> {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("there is a free port");
        let door = Door::new(listener.local_addr().expect("it is bound"), REQUEST);
        let opened = Arc::new(AtomicU64::new(0));
        let stranger = tokio::spawn(come_again(door, conduct, Arc::clone(&opened)));
        let mut heard = Vec::new();
        for _ in 0..3 {
            let (mut stream, _) = listener.accept().await.expect("they come");
            let mut said = Vec::new();
            // Whoever is slow is not heard out.
            let _hung_up = timeout(2 * HOLD, stream.read_to_end(&mut said)).await;
            heard.push(said);
        }
        stranger.abort();
        assert!(opened.load(Relaxed) >= 3);
        heard
    }

    #[tokio::test]
    async fn strangers_never_say_a_whole_request() {
        assert!(heard(Conduct::Storm).await.iter().all(Vec::is_empty));
        for said in heard(Conduct::HalfRequests).await {
            assert!(REQUEST.starts_with(&said), "{said:?}");
        }
        for said in heard(Conduct::Slow).await {
            assert!(REQUEST.starts_with(&said) && said.len() < REQUEST.len(), "{said:?}");
        }
        let garbage = heard(Conduct::Garbage).await;
        assert!(garbage.iter().any(|said| !REQUEST.starts_with(said)), "{garbage:?}");
    }
}
