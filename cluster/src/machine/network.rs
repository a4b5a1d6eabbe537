//! The network between machines or containers. Who receives drops what is cut or lost, who sends delays and
//! narrows; what nobody asked for any more is gone with the table that held it.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use async_trait::async_trait;
use history::NodeId;

use super::{
    MachineRemote,
    counting::{self, Counts, Shaped},
    rules::{self, CHAINS, Filter, Policies, Scheme, TABLE},
    shaping,
    shell::Script,
};
use crate::{Endpoint, Error, LayerId, Life, Link, LinkCounters, LinkPolicy, Network, Remote};

/// How long one change on one node may take.
const CHANGE: Duration = Duration::from_secs(20);

/// Between what is printed of the filter and of the shaper.
const BORDER: &str = "== shaper ==";

/// Before anything else: a change that was sent earlier and arrives later, after a connection had stalled, is not made.
const IN_ORDER: &str = r#"
mkdir -p "${1%/*}" && exec 9>>"$1" || exit
if command -v flock >/dev/null; then flock -w 15 9 || { echo "another change does not end" >&2; exit 75; }; fi
had=$(cat "$1"); [ "$2" -gt "${had:-0}" ] || { echo "a later change has been made" >&2; exit 76; }
echo "$2" >"$1"
"#;

/// The layers of a run, carried out by the nodes themselves.
pub struct MachineNetwork {
    places: Vec<Arc<Place>>,
    layers: Arc<Mutex<Layers>>,
    order: Arc<AtomicU64>,
}

type Layers = BTreeMap<LayerId, Vec<(Link, LinkPolicy)>>;

/// One node as the network sees it.
struct Place {
    remote: Arc<MachineRemote>,
    scheme: Scheme,
    filter: Filter,
    /// Held through a change, also when nobody waits for it any more, so that changes are made in their order.
    state: Arc<tokio::sync::Mutex<State>>,
}

/// What is known of a node.
#[derive(Default)]
struct State {
    /// What is in force there; `None` when that is not known: before the first change, or after one that failed.
    applied: Option<Policies>,
    /// What was counted before the counters began anew.
    base: Counts,
    /// What classes of tc did that are gone.
    shaped: BTreeMap<u16, Shaped>,
    /// What was counted when somebody last looked.
    seen: Vec<(Link, LinkCounters)>,
    /// What was counted by the filter then.
    counted: Counts,
    /// A change may have been half made when the node stopped as a whole.
    in_doubt: bool,
}

impl std::fmt::Debug for MachineNetwork {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MachineNetwork").field("nodes", &self.places.len()).finish_non_exhaustive()
    }
}

impl MachineNetwork {
    /// The network between these nodes, each with its packet filter. What is in force on them is not looked at; the first
    /// change of each replaces it.
    pub(super) fn new(nodes: Vec<(Arc<MachineRemote>, Scheme, Filter)>) -> Self {
        let places = nodes.into_iter().map(|(remote, scheme, filter)| {
            let state = State::default();
            Arc::new(Place { remote, scheme, filter, state: Arc::new(tokio::sync::Mutex::new(state)) })
        });
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self {
            places: places.collect(),
            layers: Arc::default(),
            order: Arc::new(AtomicU64::new(now.as_millis() as u64 * 1000)),
        }
    }

    /// Makes these nodes do what the layers say now, all at once.
    async fn change(&self, nodes: impl IntoIterator<Item = NodeId>) -> Result<(), Error> {
        let mut changes = Vec::new();
        for node in nodes {
            let place = Arc::clone(&self.places[usize::from(node.0)]);
            let (layers, order) = (Arc::clone(&self.layers), Arc::clone(&self.order));
            changes.push(tokio::spawn(async move {
                let mut state = Arc::clone(&place.state).lock_owned().await;
                // Read when its turn has come, so that the last change always makes what is wanted last.
                let wanted = place.wanted(&layers.lock().unwrap_or_else(PoisonError::into_inner));
                place.bring_about(&mut state, wanted, order.fetch_add(1, Ordering::Relaxed)).await
            }));
        }
        let mut first = None;
        for change in changes {
            let done = change.await.unwrap_or_else(|error| {
                Err(Error::io("change a packet filter", std::io::Error::other(error)))
            });
            if let Err(error) = done {
                first.get_or_insert(error);
            }
        }
        first.map_or(Ok(()), Err)
    }

    /// The nodes that carry out a policy of a link: who receives filters, who sends shapes.
    fn carriers(policies: &[(Link, LinkPolicy)]) -> BTreeSet<NodeId> {
        let ends = policies.iter().flat_map(|(link, _)| [link.from, link.to]);
        ends.filter_map(|end| match end {
            Endpoint::Node(node) => Some(node),
            Endpoint::Controller => None,
        })
        .collect()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Layers> {
        self.layers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn all(&self) -> impl Iterator<Item = NodeId> + use<> {
        (0..self.places.len()).map(|place| NodeId(place as u16))
    }

    /// The nodes of which it is not known that nothing of another's is in force.
    async fn unknown(&self) -> Vec<NodeId> {
        let mut unknown = Vec::new();
        for (node, place) in self.all().zip(&self.places) {
            // Who is being changed is known afterwards, or fails and is found the next time.
            if place.state.try_lock().is_ok_and(|state| state.applied.is_none()) {
                unknown.push(node);
            }
        }
        unknown
    }
}

impl Place {
    /// What this node is to do, of all layers together.
    fn wanted(&self, layers: &Layers) -> Policies {
        let own = Endpoint::Node(self.scheme.own);
        let mut wanted = Policies::new();
        for (link, policy) in layers.values().flatten().filter(|(link, _)| link.from == own || link.to == own)
        {
            let known = wanted.remove(link).unwrap_or_default();
            wanted.insert(*link, rules::combined(known, policy));
        }
        wanted
    }

    /// Makes this node do what is wanted; where it is frozen or off as a whole, what is wanted waits until it is
    /// [restored](Network::restore).
    async fn bring_about(&self, state: &mut State, wanted: Policies, order: u64) -> Result<(), Error> {
        let before = state.applied.clone();
        let Err(error) = self.change(state, wanted, order).await else { return Ok(()) };
        match self.life().await {
            Life::Running => return Err(error),
            Life::Frozen => (state.applied, state.in_doubt) = (before, true),
            // Its rules are gone with its network.
            Life::Off => self.forget(state),
        }
        tracing::info!("{} is told what its network is to do when it goes on", self.remote.target().name());
        Ok(())
    }

    async fn life(&self) -> Life {
        match self.remote.body() {
            Ok(body) => body.life().await.unwrap_or(Life::Running),
            Err(_) => Life::Running,
        }
    }

    /// Takes it that nothing is in force.
    fn forget(&self, state: &mut State) {
        state.base = std::mem::take(&mut state.counted);
        (state.applied, state.in_doubt) = (Some(Policies::new()), false);
    }

    async fn change(&self, state: &mut State, wanted: Policies, order: u64) -> Result<(), Error> {
        if state.applied.as_ref() == Some(&wanted) && !state.in_doubt {
            return Ok(());
        }
        let shaped = |policies: &Policies| {
            policies.iter().any(|(link, policy)| {
                link.from == Endpoint::Node(self.scheme.own) && shaping::is_shaping(policy)
            })
        };
        // Where nothing is shaped and nothing was, tc need not even be there.
        let shaper = match (&state.applied, shaped(&wanted)) {
            (Some(applied), false) if !shaped(applied) => String::new(),
            (None, false) => {
                format!("if command -v tc >/dev/null; then\n{}fi\n", shaping::script(&self.scheme, &wanted))
            }
            _ => shaping::script(&self.scheme, &wanted),
        };
        let before = std::mem::take(&mut state.applied);
        // What was counted so far would be lost with the table.
        let resets = self.filter == Filter::Iptables || wanted.is_empty();
        let script = match wanted.is_empty() {
            true => self.removal(),
            false => self.installation(&wanted),
        };
        let text = format!("{IN_ORDER}\n{script}\necho '{BORDER}'\n{CLASSES}\n{shaper}");
        let directory = self.remote.target().directory().join("changes");
        let (file, order) = (directory.to_string_lossy(), order.to_string());
        let arguments = [file.as_ref(), &order];
        let what = "changing what its packet filter does";
        let script = Script { within: CHANGE, ..Script::new(what, &text, &arguments) }.with_root();
        // A repetition would come with the same number and be refused.
        let output = self.remote.shell().run(Script { again: false, ..script }).await?;
        if output.code == shaping::LACKS {
            let said = String::from_utf8_lossy(&output.stderr);
            let why = said.trim().lines().last().unwrap_or_default().to_owned();
            return Err(Error::Unsupported(format!("shaping on {} ({why})", self.remote.target().name())));
        }
        if output.code != 0 {
            let why = String::from_utf8_lossy(&output.stderr).trim().to_owned();
            let what = format!("{what} failed with exit code {}: {why}", output.code);
            return Err(super::failed(self.remote.target().name(), what));
        }
        let (filtered, classes) = self.read(&output.stdout);
        if resets && before.is_some() {
            state.base = counting::sum(&state.base, &filtered);
        }
        if !shaper.is_empty() && before.is_some() {
            add_classes(&mut state.shaped, classes);
        }
        (state.applied, state.in_doubt) = (Some(wanted), false);
        Ok(())
    }

    /// Whether anything of ours is in force there.
    async fn has_rules(&self) -> Result<bool, Error> {
        let text = match self.filter {
            Filter::Nft => format!(
                "tables=$(nft list tables) || exit 9; echo \"$tables\" | grep -qx 'table inet {TABLE}'"
            ),
            Filter::Iptables => {
                format!("rules=$(iptables -w -S) || exit 9; echo \"$rules\" | grep -q -e '-N {}'", CHAINS.0)
            }
        };
        let script = Script::new("looking for rules of ours", &text, &[]).with_root();
        match self.remote.shell().run(script).await? {
            output if output.code == 0 => Ok(true),
            output if output.code == 1 => Ok(false),
            output => {
                let why = String::from_utf8_lossy(&output.stderr).trim().to_owned();
                Err(super::failed(
                    self.remote.target().name(),
                    format!("its packet filter does not tell: {why}"),
                ))
            }
        }
    }

    /// Prints what was counted and takes everything of ours off.
    fn removal(&self) -> String {
        let (incoming, outgoing) = CHAINS;
        match self.filter {
            Filter::Nft => format!(
                "tables=$(nft list tables) || exit\n\
                 if echo \"$tables\" | grep -qx 'table inet {TABLE}'; then\n\
                 nft list counters table inet {TABLE} && nft delete table inet {TABLE} || exit\nfi"
            ),
            Filter::Iptables => format!(
                "for t in iptables ip6tables; do\n\
                 command -v $t >/dev/null || continue\n\
                 rules=$($t -w -S) || {{ [ $t = ip6tables ] && continue; exit 1; }}\n\
                 echo \"$rules\" | grep -q -e '-N {incoming}' -e '-N {outgoing}' || continue\n\
                 $t -w -nvxL {incoming} 2>/dev/null; $t -w -nvxL {outgoing} 2>/dev/null\n\
                 while $t -w -D INPUT -j {incoming} 2>/dev/null; do :; done\n\
                 while $t -w -D OUTPUT -j {outgoing} 2>/dev/null; do :; done\n\
                 for c in {incoming} {outgoing}; do\n\
                 if echo \"$rules\" | grep -q -e \"-N $c\"; then $t -w -F $c && $t -w -X $c || exit; fi\ndone\ndone"
            ),
        }
    }

    fn installation(&self, wanted: &Policies) -> String {
        let (incoming, outgoing) = CHAINS;
        match self.filter {
            // The shell hands the rules on as they stand: no line of them has the border's first word alone.
            Filter::Nft => format!("nft -f - <<'RULES' || exit\n{}RULES", self.scheme.nft(wanted)),
            Filter::Iptables => {
                let mut text = String::new();
                for (program, v6) in [("iptables", false), ("ip6tables", true)] {
                    if v6
                        && !self.scheme.peers.iter().any(|(_, all)| all.iter().any(std::net::IpAddr::is_ipv6))
                    {
                        continue;
                    }
                    text.push_str(&format!(
                        "{program} -w -nvxL {incoming} 2>/dev/null; {program} -w -nvxL {outgoing} 2>/dev/null\n\
                         {program}-restore -w --noflush <<'RULES' || exit\n{}RULES\n\
                         {program} -w -C INPUT -j {incoming} 2>/dev/null || {program} -w -I INPUT 1 -j {incoming} || exit\n\
                         {program} -w -C OUTPUT -j {outgoing} 2>/dev/null || {program} -w -I OUTPUT 1 -j {outgoing} || exit\n",
                        self.scheme.iptables(wanted, v6)
                    ));
                }
                text
            }
        }
    }

    fn read(&self, said: &[u8]) -> (Counts, BTreeMap<u16, Shaped>) {
        let text = String::from_utf8_lossy(said);
        let (filter, shaper) = text.split_once(BORDER).unwrap_or((&text, ""));
        let counts = match self.filter {
            Filter::Nft => counting::read_nft(filter),
            Filter::Iptables => counting::read_iptables(filter),
        };
        (counts, counting::read_classes(shaper))
    }

    /// What this node's filter and shaper have counted.
    async fn counters(&self) -> Result<Vec<(Link, LinkCounters)>, Error> {
        let mut state = self.state.lock().await;
        let (incoming, outgoing) = CHAINS;
        let asked = match self.filter {
            Filter::Nft => format!(
                "tables=$(nft list tables) || exit\n\
                 if echo \"$tables\" | grep -qx 'table inet {TABLE}'; then nft list counters table inet {TABLE} || exit; fi"
            ),
            Filter::Iptables => format!(
                "for t in iptables ip6tables; do for c in {incoming} {outgoing}; do $t -w -nvxL $c 2>/dev/null; done; done"
            ),
        };
        let text = format!("{asked}\necho '{BORDER}'\n{CLASSES}\n");
        let script = Script::new("reading its counters", &text, &[]).with_root();
        let said = match self.remote.shell().must(script).await {
            Ok(said) => said,
            // Nothing has been counted since.
            Err(_) if self.life().await != Life::Running => return Ok(state.seen.clone()),
            Err(error) => return Err(error),
        };
        let (now, classes) = self.read(&said);
        let counts = counting::sum(&state.base, &now);
        let mut shaped = state.shaped.clone();
        add_classes(&mut shaped, classes);
        let mut all: Vec<(Link, LinkCounters)> = self
            .scheme
            .links()
            .into_iter()
            .map(|link| (link, counting::of_link(&counts, &rules::name(link))))
            .collect();
        for to in
            self.scheme.peers.iter().map(|(peer, _)| Endpoint::Node(*peer)).chain([Endpoint::Controller])
        {
            if let Some(done) = shaped.get(&shaping::class(to)) {
                let link = Link { from: Endpoint::Node(self.scheme.own), to };
                all.push((
                    link,
                    LinkCounters { delayed: done.sent, overflowed: done.dropped, ..LinkCounters::default() },
                ));
            }
        }
        (state.seen, state.counted) = (all.clone(), counts);
        Ok(all)
    }
}

/// Prints what the classes of our own discipline did, on every device.
const CLASSES: &str = r#"
if command -v tc >/dev/null; then
  for path in /sys/class/net/*; do
    tc -s class show dev "${path##*/}" 2>/dev/null | grep -A1 '^class htb d15:' | grep -v '^--'
  done
fi
:
"#;

fn add_classes(known: &mut BTreeMap<u16, Shaped>, more: BTreeMap<u16, Shaped>) {
    for (minor, done) in more {
        let sum = known.entry(minor).or_default();
        *sum = Shaped { sent: sum.sent + done.sent, dropped: sum.dropped + done.dropped };
    }
}

#[async_trait]
impl Network for MachineNetwork {
    async fn impose(&self, layer: LayerId, policies: &[(Link, LinkPolicy)]) -> Result<(), Error> {
        if let Some(error) = policies.iter().find_map(|(link, policy)| shaping::refusal(*link, policy)) {
            return Err(error);
        }
        let replaced = self.lock().insert(layer, policies.to_vec()).unwrap_or_default();
        let mut nodes = Self::carriers(policies);
        nodes.extend(Self::carriers(&replaced));
        self.change(nodes).await
    }

    async fn lift(&self, layer: LayerId) -> Result<(), Error> {
        let lifted = self.lock().remove(&layer).unwrap_or_default();
        let mut nodes = Self::carriers(&lifted);
        // A layer that is not known here may be one of a controller that has died: whatever it left goes.
        nodes.extend(self.unknown().await);
        self.change(nodes).await
    }

    async fn lift_all(&self) -> Result<(), Error> {
        self.lock().clear();
        self.change(self.all()).await
    }

    async fn restore(&self, node: NodeId) -> Result<(), Error> {
        let place = &self.places[usize::from(node.0)];
        {
            let mut state = place.state.lock().await;
            // What was off has a network of its own anew, whether or not anybody changed it meanwhile.
            if !place.has_rules().await? {
                place.forget(&mut state);
            }
        }
        self.change([node]).await
    }

    async fn counters(&self) -> Result<Vec<(Link, LinkCounters)>, Error> {
        let asked: Vec<_> = self
            .places
            .iter()
            .map(|place| {
                let place = Arc::clone(place);
                tokio::spawn(async move { place.counters().await })
            })
            .collect();
        let mut all: BTreeMap<Link, LinkCounters> = BTreeMap::new();
        for answer in asked {
            let answer =
                answer.await.map_err(|error| Error::io("read counters", std::io::Error::other(error)))??;
            for (link, counted) in answer {
                let sum = all.entry(link).or_default();
                sum.passed += counted.passed;
                sum.bytes += counted.bytes;
                sum.cut += counted.cut;
                sum.lost += counted.lost;
                sum.delayed += counted.delayed;
                sum.overflowed += counted.overflowed;
            }
        }
        Ok(all.into_iter().collect())
    }
}
