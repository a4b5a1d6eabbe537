//! What one node permits, tried before any fault depends on it.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::{MachineRemote, Target, cluster::find_filter, rules::Filter, shell::Script};
use crate::{Error, container};

/// How wrong a node's clock may be before a reader of its logs is misled.
const CLOCK_WRONG: f64 = 0.5;

/// The least room a run needs on a node, in MiB.
const ROOM_MIN: u64 = 1024;

/// One power over one node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Power {
    /// What was tried.
    pub name: &'static str,
    /// Whether it works.
    pub works: bool,
    /// What was seen.
    pub detail: String,
    /// What is impossible without it; empty where it works.
    pub takes_away: &'static str,
    /// How to get it; empty where it works.
    pub remedy: String,
}

impl Power {
    pub(crate) fn has(name: &'static str, detail: impl Into<String>) -> Self {
        Self { name, works: true, detail: detail.into(), takes_away: "", remedy: String::new() }
    }

    pub(crate) fn lacks(
        name: &'static str,
        detail: impl Into<String>,
        takes_away: &'static str,
        remedy: impl Into<String>,
    ) -> Self {
        Self { name, works: false, detail: detail.into(), takes_away, remedy: remedy.into() }
    }
}

/// Tries everything on one node, and leaves nothing behind. `ports` are those that the database will want.
pub async fn try_all(target: &Target, ports: &[u16]) -> Vec<Power> {
    let remote = MachineRemote::new(target.clone(), target.directory().join("doctor"), None);
    let mut powers = match target {
        Target::Container(container) => container::power::engine(container).await,
        #[cfg(feature = "ssh")]
        Target::Ssh(_) => Vec::new(),
    };
    let began = std::time::Instant::now();
    let machine = remote.shell().must(Script::new("asking for its machine", "uname -srm", &[])).await;
    match machine {
        Ok(machine) => powers.push(Power::has(
            "reach",
            format!("{} in {} ms", String::from_utf8_lossy(&machine).trim(), began.elapsed().as_millis()),
        )),
        Err(error) => {
            let (what, remedy) = split(&error, target);
            powers.push(Power::lacks("reach", what, "everything", remedy));
            return powers;
        }
    }
    for tried in [
        root(&remote).await,
        filter(&remote).await,
        shaper(&remote).await,
        tracing(&remote).await,
        fuse(&remote).await,
        faketime(&remote).await,
        clock(&remote).await,
        room(&remote).await,
        taken_ports(&remote, ports).await,
    ] {
        powers.push(tried.unwrap_or_else(|error| {
            Power::lacks(
                "reach",
                split(&error, target).0,
                "everything",
                "the connection broke while it was tried; try again",
            )
        }));
    }
    if target.is_container() {
        powers.push(container::power::capabilities(&remote).await.unwrap_or_else(|error| {
            Power::lacks("capabilities", error.to_string(), "nothing by itself", "")
        }));
    }
    powers
}

fn split(error: &Error, target: &Target) -> (String, String) {
    match error {
        Error::Node { what, .. } => match what.split_once("; ") {
            Some((what, remedy)) => (what.to_owned(), remedy.to_owned()),
            None => (what.clone(), target.reach_remedy()),
        },
        other => (other.to_string(), String::new()),
    }
}

/// Runs a script as root and gives back its exit code and what it said.
async fn ask(
    remote: &MachineRemote,
    what: &str,
    text: &str,
    arguments: &[&str],
) -> Result<(i32, String), Error> {
    let script = Script { within: PROBE, ..Script::new(what, text, arguments) };
    match remote.shell().run(script.with_root()).await {
        Ok(output) => {
            let said = if output.code == 0 { output.stdout } else { output.stderr };
            Ok((output.code, String::from_utf8_lossy(&said).trim().to_owned()))
        }
        Err(Error::NotPermitted { remedy, .. }) => Ok((-1, format!("not tried without root: {remedy}"))),
        Err(error) => Err(error),
    }
}

async fn root(remote: &MachineRemote) -> Result<Power, Error> {
    Ok(match remote.root().await? {
        Ok(how) => Power::has("root", how),
        Err(remedy) => Power::lacks("root", "out of reach", "partition, link, packages", remedy),
    })
}

async fn filter(remote: &MachineRemote) -> Result<Power, Error> {
    const NAME: &str = "packet filter";
    const TAKES: &str = "partition, link (loss)";
    let filter = match find_filter(remote).await? {
        Ok(filter) => filter,
        Err(why) => return Ok(Power::lacks(NAME, why, TAKES, remote.target().packages_remedy("nftables"))),
    };
    // The real thing, on an address that nobody has.
    let (program, text) = match filter {
        Filter::Nft => (
            "nft",
            "nft -f - <<'RULES'\nadd table inet disprove_doctor\nadd chain inet disprove_doctor c { type filter hook input \
             priority -150; }\nadd rule inet disprove_doctor c ip saddr 192.0.2.1 numgen random mod 100 < 50 counter drop\n\
             RULES\ncode=$?; nft delete table inet disprove_doctor 2>/dev/null; exit $code",
        ),
        Filter::Iptables => (
            "iptables",
            "iptables -w -N DISPROVE-DOCTOR && iptables -w -A DISPROVE-DOCTOR -s 192.0.2.1 -m statistic --mode random \
             --probability 0.5 -m comment --comment tried -j DROP; code=$?\n\
             iptables -w -F DISPROVE-DOCTOR; iptables -w -X DISPROVE-DOCTOR; exit $code",
        ),
    };
    let (code, said) = ask(remote, "trying the packet filter", text, &[]).await?;
    Ok(match code {
        0 => Power::has(NAME, format!("{program} takes rules")),
        _ => Power::lacks(
            NAME,
            format!("{program} refuses: {said}"),
            TAKES,
            remote.target().option_remedy("--cap-add NET_ADMIN", "load nf_tables"),
        ),
    })
}

async fn shaper(remote: &MachineRemote) -> Result<Power, Error> {
    const NAME: &str = "tc and netem";
    // A device of our own, so that no packet of anybody's is touched.
    let text = r#"command -v tc >/dev/null || { echo "there is no tc" >&2; exit 72; }
command -v ip >/dev/null || { echo "there is no ip" >&2; exit 72; }
ip link add disdoc0 type dummy 2>/dev/null || ip link add disdoc0 type veth peer name disdoc1 || exit 73
trap 'ip link del disdoc0' EXIT
tc qdisc add dev disdoc0 root handle d15: htb default 0 || exit 74
tc class add dev disdoc0 parent d15: classid d15:1 htb rate 1mbit || exit 74
tc qdisc add dev disdoc0 parent d15:1 handle d1: netem delay 1ms || exit 75"#;
    let (code, said) = ask(remote, "trying tc", text, &[]).await?;
    let last = said.lines().last().unwrap_or_default().to_owned();
    Ok(match code {
        0 => Power::has(NAME, "htb and netem"),
        75 => Power::lacks(
            NAME,
            format!("htb, but no netem: {last}"),
            "link (delay, jitter, duplication, reordering, damage)",
            "sudo modprobe sch_netem, or a kernel that has it (package linux-image-amd64)",
        ),
        _ => {
            let remedy = match code {
                72 => remote.target().packages_remedy("iproute2"),
                _ => remote.target().option_remedy("--cap-add NET_ADMIN", "sudo modprobe sch_htb dummy"),
            };
            Power::lacks(NAME, last, "link (delay, bandwidth and the like)", remedy)
        }
    })
}

async fn tracing(remote: &MachineRemote) -> Result<Power, Error> {
    const NAME: &str = "ptrace";
    // Who may write to a stopped process's memory may patch the clock that it reads.
    // A process that is stopped ends by no other signal, and while it lives it must not hold the channel open.
    let text = r#"sleep 30 </dev/null >/dev/null 2>&1 & p=$!; trap 'kill -s KILL $p' EXIT
kill -s STOP $p && : <>"/proc/$p/mem" || exit 73
cat /proc/sys/kernel/yama/ptrace_scope 2>/dev/null || echo 0"#;
    let (code, said) = ask(remote, "trying ptrace", text, &[]).await?;
    Ok(match code {
        0 => Power::has(NAME, format!("the memory of a process can be written (yama scope {said})")),
        _ => Power::lacks(
            NAME,
            said,
            "clock (of a single process)",
            remote.target().option_remedy(
                "--cap-add SYS_PTRACE",
                "log in as root, or sudo sysctl kernel.yama.ptrace_scope=0",
            ),
        ),
    })
}

async fn fuse(remote: &MachineRemote) -> Result<Power, Error> {
    const NAME: &str = "FUSE";
    let text = r#"[ -c /dev/fuse ] || { echo "there is no /dev/fuse" >&2; exit 72; }
: <>/dev/fuse || exit 73
grep -qw fuse /proc/filesystems || { echo "the kernel has no fuse" >&2; exit 74; }"#;
    let (code, said) = ask(remote, "trying FUSE", text, &[]).await?;
    Ok(match code {
        0 => Power::has(NAME, "/dev/fuse opens"),
        _ => Power::lacks(
            NAME,
            said,
            "disk",
            remote.target().option_remedy("--device /dev/fuse", "sudo modprobe fuse"),
        ),
    })
}

async fn faketime(remote: &MachineRemote) -> Result<Power, Error> {
    const NAME: &str = "faketime";
    let text = r#"command -v faketime >/dev/null || { echo "there is no faketime" >&2; exit 72; }
[ "$(faketime -f '+1h' date +%s)" -gt "$(( $(date +%s) + 3000 ))" ] || { echo "it does not shift the time" >&2; exit 73; }"#;
    let (code, said) = ask(remote, "trying faketime", text, &[]).await?;
    Ok(match code {
        0 => Power::has(NAME, "shifts the time of a program"),
        _ => Power::lacks(
            NAME,
            said,
            "clock (of programs that cannot be patched)",
            remote.target().packages_remedy("faketime"),
        ),
    })
}

async fn clock(remote: &MachineRemote) -> Result<Power, Error> {
    const NAME: &str = "clock";
    let now = || SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64();
    let before = now();
    let said = remote.shell().must(Script::new("asking for the time", "date +%s.%N", &[])).await?;
    let after = now();
    let theirs: f64 = String::from_utf8_lossy(&said).trim().parse().unwrap_or(0.0);
    // Somewhere between question and answer; the middle is off by half of that at most.
    let (off, doubt) = (theirs - (before + after) / 2.0, (after - before) / 2.0);
    let detail = format!("{off:+.3} s from ours, give or take {doubt:.3} s");
    Ok(match off.abs() - doubt > CLOCK_WRONG {
        false => Power::has(NAME, detail),
        true => Power::lacks(
            NAME,
            detail,
            "nothing, but its logs and its leases are off by that",
            "let chrony or systemd-timesyncd set it before the run",
        ),
    })
}

async fn room(remote: &MachineRemote) -> Result<Power, Error> {
    const NAME: &str = "disk space";
    let directory = remote.target().directory().to_string_lossy().into_owned();
    let text =
        r#"d=$1; while [ ! -d "$d" ]; do d=$(dirname "$d"); done; df -Pm "$d" | awk 'NR==2 {print $4}'"#;
    let arguments = [directory.as_str()];
    let said = remote.shell().must(Script::new("looking at its disk", text, &arguments)).await?;
    let free: u64 = String::from_utf8_lossy(&said).trim().parse().unwrap_or(0);
    let detail = format!("{free} MiB free under {directory}");
    Ok(match free >= ROOM_MIN {
        true => Power::has(NAME, detail),
        false => Power::lacks(
            NAME,
            detail,
            "long runs",
            format!("make room for {ROOM_MIN} MiB, or set `directory` in the inventory"),
        ),
    })
}

async fn taken_ports(remote: &MachineRemote, ports: &[u16]) -> Result<Power, Error> {
    const NAME: &str = "ports";
    // The kernel's own list, so that neither ss nor netstat need be there. 0A is the state of a listening socket.
    let text = "cat /proc/net/tcp /proc/net/tcp6 2>/dev/null | awk '$4 == \"0A\" {n=split($2, a, \":\"); print a[n]}' | sort -u";
    let said = remote.shell().must(Script::new("looking at its ports", text, &[])).await?;
    let listening: Vec<u16> = String::from_utf8_lossy(&said)
        .lines()
        .filter_map(|port| u16::from_str_radix(port.trim(), 16).ok())
        .collect();
    let taken: Vec<String> =
        ports.iter().filter(|port| listening.contains(port)).map(u16::to_string).collect();
    let mut known: Vec<String> = listening.iter().take(12).map(u16::to_string).collect();
    if known.is_empty() {
        known.push("none".into());
    }
    Ok(match taken.is_empty() {
        true => Power::has(NAME, format!("listening: {}", known.join(", "))),
        false => Power::lacks(
            NAME,
            format!("{} in use", taken.join(", ")),
            "the database that wants them",
            "end what listens there",
        ),
    })
}

/// How long one node may take to be tried.
pub const WITHIN: Duration = Duration::from_secs(120);
/// How long one of the things that are tried may take, on a machine that has much else to do.
const PROBE: Duration = Duration::from_secs(30);
