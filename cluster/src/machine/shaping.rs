//! Delay, jitter, duplication, reordering, damage and bandwidth, by `tc` on the side that sends: an htb of our own with a
//! class per receiver, and netem in it where the kernel has netem. A device whose queueing discipline somebody chose is
//! left alone.

use std::{fmt::Write, net::IpAddr};

use super::rules::{Policies, Scheme};
use crate::{Endpoint, Error, Link, LinkPolicy, network::Distribution};

/// The functions of the script: `clear` takes our disciplines off, `lead` makes a class for one address.
const FUNCTIONS: &str = r#"
ours() { tc qdisc show dev "$1" root 2>/dev/null | grep -q '^qdisc htb d15: '; }
clear() {
  for path in /sys/class/net/*; do
    dev=${path##*/}
    if ours "$dev"; then tc qdisc del dev "$dev" root || return; fi
  done
}
prepare() {
  case " $made " in *" $1 "*) return 0;; esac
  handle=$(tc qdisc show dev "$1" root | awk 'NR==1 {print $3}')
  case $handle in
    0:|"") ;;
    *) echo "the device $1 has a queueing discipline of somebody's choice, which is left alone: $(tc qdisc show dev "$1" root | head -n 1)" >&2
       return 1;;
  esac
  tc qdisc add dev "$1" root handle d15: htb default 0 || return
  made="$made $1"
}
lead() {
  for program in tc ip; do
    command -v $program >/dev/null || { echo "there is no $program; to have it: package iproute2" >&2; return 69; }
  done
  address=$1 class=$2 rate=$3; shift 3
  dev=$(ip -o route get "$address" | sed -n 's/.* dev \([^ ]*\).*/\1/p')
  [ -n "$dev" ] || { echo "there is no way to $address" >&2; return 1; }
  prepare "$dev" || return
  case $address in *:*) family=ip6 protocol=ipv6;; *) family=ip protocol=ip;; esac
  if [ "$address" = "$controller" ] && [ "$port" != 0 ]; then
    tc filter add dev "$dev" parent d15: protocol $protocol prio 1 u32 match $family dst "$address" \
      match $family sport "$port" 0xffff flowid d15:0 || return
  fi
  tc class show dev "$dev" | grep -q "^class htb d15:$class " || {
    tc class add dev "$dev" parent d15: classid "d15:$class" htb rate "$rate" || return
    if [ $# -gt 0 ]; then
      said=$(tc qdisc add dev "$dev" parent "d15:$class" handle "d$class:" netem "$@" 2>&1) || {
        case $said in *[Uu]nknown*|*"No such file"*) echo "this kernel has no netem" >&2; return 69;; esac
        echo "$said" >&2; return 1; }
    fi
  }
  tc filter add dev "$dev" parent d15: protocol $protocol prio 2 u32 match $family dst "$address" flowid "d15:$class"
}
made=
"#;

/// The exit code by which the script says that the kernel cannot do it.
pub(super) const LACKS: i32 = 69;

/// The number of the class for packets to an end; htb counts from 1.
pub(super) fn class(to: Endpoint) -> u16 {
    match to {
        Endpoint::Controller => 0xfff,
        Endpoint::Node(node) => node.0 + 1,
    }
}

/// Whether a policy needs anything of tc.
pub(super) fn is_shaping(policy: &LinkPolicy) -> bool {
    is_netem(policy) || policy.bandwidth_bits > 0
}

fn is_netem(policy: &LinkPolicy) -> bool {
    !policy.delay.is_zero()
        || !policy.jitter.is_zero()
        || policy.duplicate > 0.0
        || policy.reorder > 0.0
        || policy.corrupt > 0.0
}

/// Why a policy cannot be carried out between machines and containers, if it cannot.
pub(super) fn refusal(link: Link, policy: &LinkPolicy) -> Option<Error> {
    if is_shaping(policy) && link.from == Endpoint::Controller {
        return Some(Error::Unsupported(
            "shaping what the clients send to a machine or a container (cuts and losses are possible)".into(),
        ));
    }
    if policy.corrupt_past_checksum {
        return Some(Error::Unsupported("damage past the checksums between machines or containers".into()));
    }
    if policy.distribution == Distribution::Exponential && !policy.jitter.is_zero() {
        return Some(Error::Unsupported("exponential delay between machines or containers".into()));
    }
    None
}

/// The script that makes the shaping of one node what the policies say. It begins by taking off what there was.
pub(super) fn script(scheme: &Scheme, policies: &Policies) -> String {
    let mut text = format!(
        "{FUNCTIONS}controller={} port={}\nclear || exit\n",
        scheme.controller,
        scheme.port.unwrap_or(0)
    );
    for (link, policy) in policies {
        if link.from != Endpoint::Node(scheme.own) || !is_shaping(policy) {
            continue;
        }
        for address in addresses(scheme, link.to) {
            let rate = match policy.bandwidth_bits {
                0 => "100gbit".into(),
                bits => format!("{bits}bit"),
            };
            let _ = writeln!(
                text,
                "lead {address} {:x} {rate} {} || {{ code=$?; clear; exit $code; }}",
                class(link.to),
                netem(policy)
            );
        }
    }
    text
}

fn addresses(scheme: &Scheme, to: Endpoint) -> Vec<IpAddr> {
    match to {
        Endpoint::Controller => vec![scheme.controller],
        Endpoint::Node(node) => {
            let found = scheme.peers.iter().find(|(peer, _)| *peer == node);
            found.map(|(_, addresses)| addresses.clone()).unwrap_or_default()
        }
    }
}

fn netem(policy: &LinkPolicy) -> String {
    let mut text = String::new();
    if !is_netem(policy) {
        return text;
    }
    // Reordering lets some packets go at once, so the others must be held for a while.
    let held = if policy.reorder > 0.0 {
        policy.delay.max(std::time::Duration::from_millis(10))
    } else {
        policy.delay
    };
    let _ = write!(text, "limit 100000 delay {}us", held.as_micros());
    if !policy.jitter.is_zero() {
        let _ = write!(text, " {}us", policy.jitter.as_micros());
        if policy.distribution == Distribution::Normal {
            text.push_str(" distribution normal");
        }
    }
    for (word, share) in
        [("duplicate", policy.duplicate), ("reorder", policy.reorder), ("corrupt", policy.corrupt)]
    {
        if share > 0.0 {
            let _ = write!(text, " {word} {:.4}%", share.min(1.0) * 100.0);
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use history::NodeId;

    use super::*;

    #[test]
    fn a_slow_link_is_a_class_with_netem_on_the_sender() {
        let scheme = Scheme {
            own: NodeId(0),
            peers: vec![(NodeId(1), vec!["10.0.0.2".parse().unwrap()])],
            controller: "10.0.0.9".parse().unwrap(),
            port: Some(22),
        };
        let slow = LinkPolicy {
            delay: Duration::from_millis(80),
            jitter: Duration::from_millis(30),
            ..LinkPolicy::default()
        };
        let out = Link { from: Endpoint::Node(NodeId(0)), to: Endpoint::Node(NodeId(1)) };
        let text = script(&scheme, &Policies::from([(out, slow.clone())]));
        assert!(text.contains("lead 10.0.0.2 2 100gbit limit 100000 delay 80000us 30000us || {"), "{text}");
        let back = Link { from: out.to, to: out.from };
        let text = script(&scheme, &Policies::from([(back, slow.clone())]));
        assert!(!text.contains("lead 10"), "the other side sends that: {text}");
        let from_clients = Link { from: Endpoint::Controller, to: out.from };
        assert!(refusal(from_clients, &slow).is_some());
    }
}
