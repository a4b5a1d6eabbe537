//! The nodes of a run, from the first connection to the last file removed.

use std::{path::PathBuf, sync::Arc, time::Duration};

use history::NodeId;

use super::{
    MachineNetwork, MachineRemote, Sight, Target, failed,
    rules::{Filter, Scheme},
    shell::Script,
};
use crate::{Cluster, Error, Network, Node, Remote};

/// How long a node may take to let us in for the first time.
const REACH: Duration = Duration::from_secs(20);

/// The file on a node that says which run has it.
const IN_USE: &str = "in-use";

/// How long the logs of a node may take to come here.
const LOGS: Duration = Duration::from_secs(60);

/// What a cluster of machines is to be.
#[derive(Clone, Debug)]
pub struct MachineSpec {
    /// The nodes.
    pub nodes: Vec<Target>,
    /// The name of the run: of its folder on every node.
    pub run: String,
    /// Where logs of the nodes come to: a folder each.
    pub logs: PathBuf,
    /// The executable that a daemon called [`reexec::SELF`](crate::reexec::SELF) is.
    pub program: Option<PathBuf>,
}

/// Nodes that are reached. Unlike local ones they do not end with the controller: [`stop`](Self::stop) ends them, or a
/// later cluster of the same spec, made by [`MachineCluster::resume`].
#[derive(Debug)]
pub struct MachineCluster {
    cluster: Cluster,
    network: Option<Arc<MachineNetwork>>,
    remotes: Vec<Arc<MachineRemote>>,
    spec: MachineSpec,
    limits: Vec<String>,
}

/// What a node says of itself when it is reached.
struct Greeting {
    sight: Sight,
    filter: Result<Filter, String>,
}

impl MachineCluster {
    /// Reaches the nodes and takes them for this run, unless another has them. Nothing of an earlier run is in force
    /// afterwards.
    pub async fn start(spec: MachineSpec) -> Result<Self, Error> {
        let remotes = Self::remotes(&spec);
        let mut taken = 0;
        let mut result = Ok(());
        for remote in &remotes {
            result = take(remote, &spec.run).await;
            if result.is_err() {
                break;
            }
            taken += 1;
        }
        let made = match result {
            Ok(()) => Self::reach(spec.clone(), remotes.clone()).await,
            Err(error) => Err(error),
        };
        if made.is_err() {
            for remote in &remotes[..taken] {
                if let Err(error) = give_back(remote, &spec.run).await {
                    tracing::warn!("{error}");
                }
            }
        }
        made
    }

    /// Reaches the nodes of a run whose controller has died, as they are.
    pub async fn resume(spec: MachineSpec) -> Result<Self, Error> {
        let remotes = Self::remotes(&spec);
        for remote in &remotes {
            let mark = remote.target().directory().join(IN_USE);
            remote.shell().way().rouse(&mark, &spec.run).await?;
        }
        Self::reach(spec, remotes).await
    }

    fn remotes(spec: &MachineSpec) -> Vec<Arc<MachineRemote>> {
        let remote = |target: &Target| {
            let folder = target.directory().join(&spec.run).join(target.name());
            Arc::new(MachineRemote::new(target.clone(), folder, spec.program.clone()))
        };
        spec.nodes.iter().map(remote).collect()
    }

    async fn reach(spec: MachineSpec, remotes: Vec<Arc<MachineRemote>>) -> Result<Self, Error> {
        let mut greetings = Vec::new();
        let asked: Vec<_> = remotes
            .iter()
            .map(|remote| {
                let remote = Arc::clone(remote);
                tokio::spawn(async move { greet(&remote).await })
            })
            .collect();
        for greeting in asked {
            greetings.push(
                greeting.await.map_err(|error| Error::io("reach a node", std::io::Error::other(error)))??,
            );
        }
        let mut limits = Vec::new();
        for (target, greeting) in spec.nodes.iter().zip(&greetings) {
            if let Err(why) = &greeting.filter {
                limits.push(format!("the network of {} cannot be shaped: {why}", target.name()));
            }
        }
        let network = match limits.is_empty() {
            true => Some(Arc::new(MachineNetwork::new(schemes(&remotes, &greetings)))),
            false => None,
        };
        let nodes = remotes.iter().zip(&greetings).enumerate();
        let nodes = nodes.map(|(place, (remote, greeting))| {
            let target = remote.target();
            let folder = target.directory().join(&spec.run).join(target.name());
            Node {
                id: NodeId(place as u16),
                name: target.name().to_owned(),
                address: greeting.sight.address,
                port_offset: 0,
                data: folder.join("data"),
                logs: folder.join("logs"),
                remote: Some(Arc::clone(remote) as Arc<dyn Remote>),
            }
        });
        let cluster = Cluster {
            nodes: nodes.collect(),
            network: network.clone().map(|network| network as Arc<dyn Network>),
        };
        let this = Self { cluster, network, remotes, spec, limits };
        Ok(this)
    }

    /// The nodes and the network.
    pub fn cluster(&self) -> Cluster {
        self.cluster.clone()
    }

    /// What this cluster cannot do, a sentence each; empty when it can do all.
    pub fn limits(&self) -> &[String] {
        &self.limits
    }

    /// How to act on a node, with what only machines have.
    pub fn remote(&self, node: NodeId) -> &MachineRemote {
        &self.remotes[usize::from(node.0)]
    }

    /// Fetches the logs, ends everything that this run started, takes its rules off, removes its folders, and gives the
    /// nodes back. Goes through with it where it fails on one; the first error is returned.
    pub async fn stop(self) -> Result<(), Error> {
        let mut first = None;
        if let Some(network) = &self.network
            && let Err(error) = network.lift_all().await
        {
            first = Some(error);
        }
        let mut endings = Vec::new();
        for (remote, node) in self.remotes.iter().zip(&self.cluster.nodes) {
            let (remote, logs) = (Arc::clone(remote), node.logs.clone());
            let here = self.spec.logs.join(&node.name);
            let run = self.spec.run.clone();
            endings.push(tokio::spawn(async move {
                let fetched = fetch_logs(&remote, &logs, here).await;
                // Where no journal tells of it any more, names mean what they did all the same.
                remote.point(&[]).await?;
                remote.wipe().await?;
                give_back(&remote, &run).await?;
                fetched
            }));
        }
        for ending in endings {
            let ended = ending
                .await
                .unwrap_or_else(|error| Err(Error::io("end a node", std::io::Error::other(error))));
            if let Err(error) = ended {
                first.get_or_insert(error);
            }
        }
        first.map_or(Ok(()), Err)
    }
}

fn schemes(
    remotes: &[Arc<MachineRemote>],
    greetings: &[Greeting],
) -> Vec<(Arc<MachineRemote>, Scheme, Filter)> {
    let mut schemes = Vec::new();
    for (own, (remote, greeting)) in remotes.iter().zip(greetings).enumerate() {
        let others = remotes.iter().zip(greetings).enumerate().filter(|(place, _)| *place != own);
        let peers = others.map(|(place, (peer, theirs))| {
            let mut addresses = vec![theirs.sight.address];
            addresses.extend(peer.target().peers());
            addresses.extend(&theirs.sight.also);
            addresses.sort();
            addresses.dedup();
            (NodeId(place as u16), addresses)
        });
        let scheme = Scheme {
            own: NodeId(own as u16),
            peers: peers.collect(),
            controller: greeting.sight.controller,
            port: greeting.sight.port,
        };
        let filter = greeting.filter.clone().unwrap_or(Filter::Nft);
        schemes.push((Arc::clone(remote), scheme, filter));
    }
    schemes
}

/// Asks a node who it sees, and which packet filter it has.
async fn greet(remote: &MachineRemote) -> Result<Greeting, Error> {
    let sight = remote.shell().way().sight().await?;
    let filter = match &sight.foreign {
        Some(why) => Err(why.clone()),
        None => find_filter(remote).await?,
    };
    Ok(Greeting { sight, filter })
}

/// Which packet filter works there, or why none does.
pub(super) async fn find_filter(remote: &MachineRemote) -> Result<Result<Filter, String>, Error> {
    let text = r#"if command -v nft >/dev/null && nft list tables >/dev/null 2>&1; then echo nft
elif command -v iptables >/dev/null && iptables -w -S >/dev/null; then echo iptables
elif command -v nft >/dev/null; then nft list tables; else echo "there is neither nft nor iptables; to have it: $1" >&2; exit 72; fi"#;
    let remedy = remote.target().packages_remedy("nftables");
    match remote.shell().run(Script::new("looking for a packet filter", text, &[&remedy]).with_root()).await {
        Ok(output) if output.code == 0 => Ok(match output.stdout.trim_ascii() {
            b"nft" => Ok(Filter::Nft),
            _ => Ok(Filter::Iptables),
        }),
        Ok(output) => {
            let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
            // A filter that is there and refuses wants a right that containers are not given unasked.
            let more = remote.target().option_remedy("--cap-add NET_ADMIN", "");
            Ok(Err(if output.code == 72 || more.is_empty() { said } else { format!("{said}; {more}") }))
        }
        Err(Error::NotPermitted { remedy, .. }) => Ok(Err(remedy)),
        Err(error) => Err(error),
    }
}

/// Takes a node for a run, unless another has it.
async fn take(remote: &MachineRemote, run: &str) -> Result<(), Error> {
    let target = remote.target();
    let text = r#"umask 022; mkdir -p "$1" || exit
if ! (set -C; echo "$2" >"$1/in-use") 2>/dev/null; then
  has=$(cat "$1/in-use" 2>/dev/null); [ "$has" = "$2" ] || { echo "$has"; exit 75; }
fi"#;
    let directory = target.directory().to_string_lossy();
    let arguments = [directory.as_ref(), run];
    let script = Script { within: REACH, ..Script::new("taking the node for this run", text, &arguments) };
    let output = remote.shell().run(script).await?;
    match output.code {
        0 => Ok(()),
        75 => {
            let has = String::from_utf8_lossy(&output.stdout).trim().to_owned();
            Err(failed(
                target.name(),
                format!(
                    "run {has} has it, or left it so when its controller died; `disprove heal` with the folder of that \
                     run gives it back. If that folder is lost: rm {directory}/in-use there, once nothing of it runs"
                ),
            ))
        }
        code => {
            let why = String::from_utf8_lossy(&output.stderr).trim().to_owned();
            Err(failed(target.name(), format!("taking it for this run failed with exit code {code}: {why}")))
        }
    }
}

/// Gives a node back, where this run has it.
async fn give_back(remote: &MachineRemote, run: &str) -> Result<(), Error> {
    let text = r#"if [ "$(cat "$1/in-use" 2>/dev/null)" = "$2" ]; then rm -f "$1/in-use"; fi
rmdir "$1/$2" 2>/dev/null; :"#;
    let directory = remote.target().directory().to_string_lossy();
    remote
        .shell()
        .must(Script::new("giving the node back", text, &[directory.as_ref(), run]))
        .await
        .map(|_| ())
}

/// Brings the logs of a node here.
async fn fetch_logs(remote: &MachineRemote, logs: &std::path::Path, here: PathBuf) -> Result<(), Error> {
    let folder = logs.to_string_lossy();
    let text = r#"[ -d "$1" ] || exit 0; cd "$1" && find . -type f -size -65536k | sed 's|^\./||'"#;
    let listed = remote
        .shell()
        .must(Script { within: LOGS, ..Script::new("listing its logs", text, &[&folder]) })
        .await?;
    for name in String::from_utf8_lossy(&listed).lines() {
        let inside = PathBuf::from(name);
        if inside.components().any(|part| !matches!(part, std::path::Component::Normal(_))) {
            continue;
        }
        let content = remote.download(&logs.join(&inside)).await?;
        let file = here.join(&inside);
        let what = format!("write {}", file.display());
        let written = tokio::task::spawn_blocking(move || {
            if let Some(parent) = file.parent() {
                std::fs::create_dir_all(parent)?;
            }
            std::fs::write(&file, content)
        });
        let written = written.await.unwrap_or_else(|error| Err(std::io::Error::other(error)));
        written.map_err(|error| Error::io(what, error))?;
    }
    Ok(())
}
