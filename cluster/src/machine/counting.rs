//! What the packet filter and the shaper of a node have counted, read from what their programs print.

use std::collections::BTreeMap;

use crate::LinkCounters;

/// Counters by name, packets and bytes.
pub(super) type Counts = BTreeMap<String, (u64, u64)>;

/// Reads `nft list counters`.
pub(super) fn read_nft(text: &str) -> Counts {
    let mut counts = Counts::new();
    let mut name = None;
    for line in text.lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        match words.as_slice() {
            ["counter", counter, "{"] => name = Some((*counter).to_owned()),
            ["packets", packets, "bytes", bytes, ..] => {
                if let (Some(name), Ok(packets), Ok(bytes)) = (name.take(), packets.parse(), bytes.parse()) {
                    add(&mut counts, name, (packets, bytes));
                }
            }
            _ => {}
        }
    }
    counts
}

/// Reads `iptables -nvxL`, where the comment of a rule is the name of its counter.
pub(super) fn read_iptables(text: &str) -> Counts {
    let mut counts = Counts::new();
    for line in text.lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        let Some(place) = words.iter().position(|word| *word == "/*") else { continue };
        if let (Some(name), Some(Ok(packets)), Some(Ok(bytes))) = (
            words.get(place + 1),
            words.first().map(|word| word.parse()),
            words.get(1).map(|word| word.parse()),
        ) {
            add(&mut counts, (*name).to_owned(), (packets, bytes));
        }
    }
    counts
}

fn add(counts: &mut Counts, name: String, (packets, bytes): (u64, u64)) {
    let known = counts.entry(name).or_default();
    *known = (known.0 + packets, known.1 + bytes);
}

/// Counters that came after others.
pub(super) fn sum(a: &Counts, b: &Counts) -> Counts {
    let mut sum = a.clone();
    for (name, count) in b {
        add(&mut sum, name.clone(), *count);
    }
    sum
}

/// What a link did, by the name that its counters have.
pub(super) fn of_link(counts: &Counts, name: &str) -> LinkCounters {
    let of = |kind: &str| counts.get(&format!("{kind}_{name}")).copied().unwrap_or_default();
    let (passed, bytes) = of("passed");
    LinkCounters {
        passed,
        bytes,
        cut: of("cut").0,
        lost: of("lost").0,
        hushed: of("hushed").0,
        reset: of("reset").0,
        ..LinkCounters::default()
    }
}

/// What a class of tc did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Shaped {
    /// Packets that went through it.
    pub sent: u64,
    /// Packets for which it had no room.
    pub dropped: u64,
}

/// Reads `tc -s class show`: what each minor number did, on all devices together.
pub(super) fn read_classes(text: &str) -> BTreeMap<u16, Shaped> {
    let mut classes: BTreeMap<u16, Shaped> = BTreeMap::new();
    let mut minor = None;
    for line in text.lines() {
        let words: Vec<&str> = line.split(|c: char| c.is_whitespace() || c == '(' || c == ',').collect();
        let words: Vec<&str> = words.into_iter().filter(|word| !word.is_empty()).collect();
        match words.as_slice() {
            ["class", "htb", id, ..] => {
                minor = id.split_once(':').and_then(|(_, minor)| u16::from_str_radix(minor, 16).ok());
            }
            ["Sent", _, "bytes", sent, "pkt", "dropped", dropped, ..] => {
                if let (Some(minor), Ok(sent), Ok(dropped)) =
                    (minor.take(), sent.parse::<u64>(), dropped.parse::<u64>())
                {
                    let known = classes.entry(minor).or_default();
                    *known = Shaped { sent: known.sent + sent, dropped: known.dropped + dropped };
                }
            }
            _ => {}
        }
    }
    classes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nft_is_read() {
        let text = "table inet disprove {\n\tcounter cut_from_1 {\n\t\tpackets 7 bytes 420\n\t}\n}\n";
        assert_eq!(read_nft(text)["cut_from_1"], (7, 420));
        assert_eq!(of_link(&read_nft(text), "from_1").cut, 7);
    }

    #[test]
    fn iptables_is_read() {
        let text = "Chain DISPROVE-IN (1 references)\n    pkts      bytes target     prot opt in     out     source               destination\n       3      180 DROP       0    --  *      *       10.0.0.2             0.0.0.0/0            /* cut_from_1 */\n";
        assert_eq!(read_iptables(text)["cut_from_1"], (3, 180));
    }

    #[test]
    fn classes_are_read() {
        let text = "class htb d15:a root prio 0 rate 1Mbit ceil 1Mbit burst 1600b cburst 1600b \n Sent 1234 bytes 12 pkt (dropped 3, overlimits 5 requeues 0) \n backlog 0b 0p requeues 0\n";
        assert_eq!(read_classes(text)[&10], Shaped { sent: 12, dropped: 3 });
    }
}
