//! What the packet filter of one node is to do, as `nft` or `iptables` takes it. Everything is in a table (or chains) of
//! our own: what the user's filter does stays as it is.

use std::{collections::BTreeMap, fmt::Write, net::IpAddr};

use history::NodeId;

use crate::{Endpoint, Link, LinkPolicy};

/// The table of nft that is ours.
pub(super) const TABLE: &str = "disprove";
/// The chains of iptables that are ours.
pub(super) const CHAINS: (&str, &str) = ("DISPROVE-IN", "DISPROVE-OUT");

/// The programs that filter packets, best first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Filter {
    /// One table of nft for both families.
    Nft,
    /// Chains of iptables and ip6tables.
    Iptables,
}

/// Where one node sees everybody else.
#[derive(Clone, Debug)]
pub(super) struct Scheme {
    /// The node.
    pub own: NodeId,
    /// The other nodes, with every address they may send from.
    pub peers: Vec<(NodeId, Vec<IpAddr>)>,
    /// The controller, as the node sees it.
    pub controller: IpAddr,
    /// The port through which the node is acted on, which no fault may close; `None` where it is none of its own.
    pub port: Option<u16>,
}

/// The policies of the links that one node carries out.
pub(super) type Policies = BTreeMap<Link, LinkPolicy>;

/// One direction of one other end, as rules have it.
struct Side<'a> {
    link: Link,
    addresses: &'a [IpAddr],
    incoming: bool,
}

impl Scheme {
    fn sides(&self) -> Vec<Side<'_>> {
        let own = Endpoint::Node(self.own);
        let controller = std::slice::from_ref(&self.controller);
        let mut sides: Vec<Side<'_>> = self
            .peers
            .iter()
            .map(|(peer, addresses)| Side {
                link: Link { from: Endpoint::Node(*peer), to: own },
                addresses,
                incoming: true,
            })
            .collect();
        let from = Link { from: Endpoint::Controller, to: own };
        let to = Link { from: own, to: Endpoint::Controller };
        sides.push(Side { link: from, addresses: controller, incoming: true });
        sides.push(Side { link: to, addresses: controller, incoming: false });
        sides
    }

    /// The links whose packets this node's filter drops and counts.
    pub(super) fn links(&self) -> Vec<Link> {
        self.sides().into_iter().map(|side| side.link).collect()
    }

    /// The script for `nft -f -`, which takes it whole or not at all. Counters keep what they counted.
    pub(super) fn nft(&self, policies: &Policies) -> String {
        let mut text = format!("add table inet {TABLE}\n");
        for (chain, hook) in [("incoming", "input"), ("outgoing", "output")] {
            let _ =
                writeln!(text, "add chain inet {TABLE} {chain} {{ type filter hook {hook} priority -150; }}");
            let _ = writeln!(text, "flush chain inet {TABLE} {chain}");
        }
        if let Some(port) = self.port {
            let (family, controller) = (family(self.controller), self.controller);
            let _ = writeln!(
                text,
                "add rule inet {TABLE} incoming {family} saddr {controller} tcp dport {port} accept\n\
                 add rule inet {TABLE} outgoing {family} daddr {controller} tcp sport {port} accept"
            );
        }
        for side in self.sides() {
            let name = name(side.link);
            for kind in Kind::ALL.map(Kind::name).into_iter().chain(["passed"]) {
                let _ = writeln!(text, "add counter inet {TABLE} {kind}_{name}");
            }
            let (chain, end) = if side.incoming { ("incoming", "saddr") } else { ("outgoing", "daddr") };
            let kinds = policies.get(&side.link).map(Kind::of).unwrap_or_default();
            for address in side.addresses {
                let rule =
                    format!("add rule inet {TABLE} {chain} {} {end} {address}", self::family(*address));
                for (kind, share) in &kinds {
                    let _ = writeln!(text, "{rule} {}", kind.nft(*share, &name));
                }
                let _ = writeln!(text, "{rule} counter name passed_{name}");
            }
        }
        text
    }

    /// The script for `iptables-restore --noflush` of one family. Counters begin anew.
    pub(super) fn iptables(&self, policies: &Policies, v6: bool) -> String {
        let (incoming, outgoing) = CHAINS;
        let mut text = format!("*filter\n:{incoming} - [0:0]\n:{outgoing} - [0:0]\n");
        if self.controller.is_ipv6() == v6
            && let Some(port) = self.port
        {
            let address = self.controller;
            let _ = writeln!(text, "-A {incoming} -s {address} -p tcp --dport {port} -j RETURN");
            let _ = writeln!(text, "-A {outgoing} -d {address} -p tcp --sport {port} -j RETURN");
        }
        for side in self.sides() {
            let name = name(side.link);
            let (chain, end) = if side.incoming { (incoming, "-s") } else { (outgoing, "-d") };
            let kinds = policies.get(&side.link).map(Kind::of).unwrap_or_default();
            for address in side.addresses.iter().filter(|address| address.is_ipv6() == v6) {
                let rule = format!("-A {chain} {end} {address}");
                for (kind, share) in &kinds {
                    let _ = writeln!(text, "{rule} {}", kind.iptables(*share, &name));
                }
                let _ = writeln!(text, "{rule} -m comment --comment passed_{name}");
            }
        }
        text.push_str("COMMIT\n");
        text
    }
}

/// What the filter does to a packet instead of letting it pass, in the order in which it is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Cut,
    Lost,
    Hushed,
    Reset,
}

impl Kind {
    const ALL: [Self; 4] = [Self::Cut, Self::Lost, Self::Hushed, Self::Reset];

    /// The kinds that a policy asks for, each with the share of packets that it meets.
    fn of(policy: &LinkPolicy) -> Vec<(Self, f64)> {
        let share = |kind| match kind {
            Self::Cut => f64::from(u8::from(policy.cut)),
            Self::Lost => policy.loss,
            Self::Hushed => f64::from(u8::from(policy.hush)),
            Self::Reset => policy.reset,
        };
        let asked = Self::ALL.map(|kind| (kind, share(kind).min(1.0)));
        asked.into_iter().filter(|(_, share)| *share > 0.0).collect()
    }

    fn name(self) -> &'static str {
        match self {
            Self::Cut => "cut",
            Self::Lost => "lost",
            Self::Hushed => "hushed",
            Self::Reset => "reset",
        }
    }

    fn nft(self, share: f64, link: &str) -> String {
        let chance = if share < 1.0 {
            format!("numgen random mod 1000000 < {} ", (share * 1e6).round() as u32)
        } else {
            String::new()
        };
        let (only, verdict) = match self {
            Self::Cut | Self::Lost => ("", "drop"),
            Self::Hushed => ("tcp flags & (fin | rst) != 0 ", "drop"),
            Self::Reset => ("meta l4proto tcp ", "reject with tcp reset"),
        };
        format!("{only}{chance}counter name {}_{link} {verdict}", self.name())
    }

    fn iptables(self, share: f64, link: &str) -> String {
        let chance = if share < 1.0 {
            format!("-m statistic --mode random --probability {share:.6} ")
        } else {
            String::new()
        };
        // Flags are matched all at once there, so an end is what is not plain traffic.
        let (only, verdict) = match self {
            Self::Cut | Self::Lost => ("", "DROP"),
            Self::Hushed => ("-p tcp -m tcp ! --tcp-flags FIN,RST NONE ", "DROP"),
            Self::Reset => ("-p tcp ", "REJECT --reject-with tcp-reset"),
        };
        format!("{only}{chance}-m comment --comment {}_{link} -j {verdict}", self.name())
    }
}

fn family(address: IpAddr) -> &'static str {
    if address.is_ipv6() { "ip6" } else { "ip" }
}

/// The name of a link in counters, seen from the node that counts.
pub(super) fn name(link: Link) -> String {
    match (link.from, link.to) {
        (Endpoint::Node(peer), Endpoint::Node(_)) => format!("from_{}", peer.0),
        (Endpoint::Controller, _) => "from_clients".into(),
        (_, Endpoint::Controller) => "to_clients".into(),
    }
}

/// Several policies on one link: any cut cuts, shares are independent chances, delays add up, the narrowest wins.
pub(super) fn combined(a: LinkPolicy, b: &LinkPolicy) -> LinkPolicy {
    let either = |a: f64, b: f64| 1.0 - (1.0 - a) * (1.0 - b);
    LinkPolicy {
        cut: a.cut || b.cut,
        loss: either(a.loss, b.loss),
        delay: a.delay + b.delay,
        jitter: a.jitter + b.jitter,
        distribution: if b.jitter.is_zero() { a.distribution } else { b.distribution },
        duplicate: either(a.duplicate, b.duplicate),
        reorder: either(a.reorder, b.reorder),
        corrupt: either(a.corrupt, b.corrupt),
        corrupt_past_checksum: a.corrupt_past_checksum || b.corrupt_past_checksum,
        bandwidth_bits: match (a.bandwidth_bits, b.bandwidth_bits) {
            (0, other) | (other, 0) => other,
            (a, b) => a.min(b),
        },
        reset: either(a.reset, b.reset),
        hush: a.hush || b.hush,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scheme() -> Scheme {
        Scheme {
            own: NodeId(0),
            peers: vec![(NodeId(1), vec!["10.0.0.2".parse().unwrap(), "fd00::2".parse().unwrap()])],
            controller: "10.0.0.9".parse().unwrap(),
            port: Some(2222),
        }
    }

    fn cut_of_peer() -> Policies {
        let link = Link { from: Endpoint::Node(NodeId(1)), to: Endpoint::Node(NodeId(0)) };
        Policies::from([(link, LinkPolicy { cut: true, ..LinkPolicy::default() })])
    }

    #[test]
    fn a_cut_drops_every_address_of_the_peer_and_never_ssh() {
        let text = scheme().nft(&cut_of_peer());
        assert!(text.contains("incoming ip saddr 10.0.0.2 counter name cut_from_1 drop\n"), "{text}");
        assert!(text.contains("incoming ip6 saddr fd00::2 counter name cut_from_1 drop\n"), "{text}");
        let ssh = text.find("ip saddr 10.0.0.9 tcp dport 2222 accept").expect("SSH stays open");
        assert!(ssh < text.find("drop").expect("something is dropped"), "{text}");
        assert!(!text.contains("flush ruleset") && !text.contains("delete"), "{text}");
    }

    #[test]
    fn each_family_of_iptables_gets_its_addresses() {
        let (v4, v6) = (scheme().iptables(&cut_of_peer(), false), scheme().iptables(&cut_of_peer(), true));
        assert!(
            v4.contains("-s 10.0.0.2 -m comment --comment cut_from_1 -j DROP") && !v4.contains("fd00"),
            "{v4}"
        );
        assert!(
            v6.contains("-s fd00::2 -m comment --comment cut_from_1 -j DROP") && !v6.contains("10.0"),
            "{v6}"
        );
    }

    #[test]
    fn ends_are_kept_back_and_segments_answered_by_a_reset() {
        let link = Link { from: Endpoint::Node(NodeId(1)), to: Endpoint::Node(NodeId(0)) };
        let policy = LinkPolicy { hush: true, reset: 0.25, ..LinkPolicy::default() };
        let policies = Policies::from([(link, policy)]);
        let text = scheme().nft(&policies);
        let rule = "incoming ip saddr 10.0.0.2";
        assert!(
            text.contains(&format!("{rule} tcp flags & (fin | rst) != 0 counter name hushed_from_1 drop\n"))
        );
        let reset = "meta l4proto tcp numgen random mod 1000000 < 250000 counter name reset_from_1 reject with tcp reset\n";
        assert!(text.contains(&format!("{rule} {reset}")), "{text}");
        let text = scheme().iptables(&policies, false);
        assert!(
            text.contains("! --tcp-flags FIN,RST NONE -m comment --comment hushed_from_1 -j DROP"),
            "{text}"
        );
        assert!(
            text.contains("--probability 0.250000 -m comment --comment reset_from_1 -j REJECT"),
            "{text}"
        );
    }

    #[test]
    fn policies_add_up() {
        let half = LinkPolicy { loss: 0.5, bandwidth_bits: 8, ..LinkPolicy::default() };
        let both = combined(half.clone(), &LinkPolicy { bandwidth_bits: 0, ..half });
        assert!((both.loss - 0.75).abs() < 1e-9 && both.bandwidth_bits == 8 && !both.cut);
    }
}
