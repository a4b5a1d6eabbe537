//! What the names of other nodes mean on a node: its own `/etc/hosts`, as a fault changes it and exactly back.
//!
//! Nothing has to be remembered to undo it: every line that is put in or out of force carries a mark.

use std::net::IpAddr;

/// Stands in front of a line that is out of force.
const OUT: &str = "#disprove# ";
/// Stands at the end of a line that was put in.
const IN: &str = " #disprove";

/// The text of a file of hosts in which these names mean these addresses, whatever it says else. The names that a line has
/// beside them go on to mean what they did.
pub(crate) fn pointed(text: &str, names: &[(String, IpAddr)]) -> String {
    let before = restored(text);
    let mut added: Vec<String> =
        names.iter().map(|(name, address)| format!("{address} {name}{IN}\n")).collect();
    let mut rest = String::new();
    for line in before.split_inclusive('\n') {
        let plain = line.split('#').next().unwrap_or_default();
        let mut words = plain.split_whitespace();
        let address = words.next().unwrap_or_default();
        let is_meant = |word: &str| names.iter().any(|(name, _)| name.eq_ignore_ascii_case(word));
        let (meant, others): (Vec<&str>, Vec<&str>) = words.partition(|word| is_meant(word));
        if !meant.is_empty() {
            rest.push_str(OUT);
            if !others.is_empty() {
                added.push(format!("{address} {}{IN}\n", others.join(" ")));
            }
        }
        rest.push_str(line);
    }
    added.concat() + &rest
}

/// The same text as it was before.
pub(crate) fn restored(text: &str) -> String {
    let lines = text.split_inclusive('\n').filter(|line| !line.trim_end_matches('\n').ends_with(IN));
    lines.map(|line| line.strip_prefix(OUT).unwrap_or(line)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const BEFORE: &str =
        "127.0.0.1 localhost\n# 10.0.0.2 n2\n10.0.0.2\tn2 n2.example # the second\n\n10.0.0.3 N3";

    fn names() -> Vec<(String, IpAddr)> {
        vec![("n2".into(), [10, 0, 0, 3].into()), ("n3".into(), [192, 0, 2, 3].into())]
    }

    #[test]
    fn names_mean_something_else_and_what_stands_beside_them_does_not() {
        let text = pointed(BEFORE, &names());
        let in_force: Vec<&str> = text.lines().filter(|line| !line.starts_with('#')).collect();
        assert_eq!(
            in_force,
            [
                "10.0.0.3 n2 #disprove",
                "192.0.2.3 n3 #disprove",
                "10.0.0.2 n2.example #disprove",
                "127.0.0.1 localhost",
                ""
            ]
        );
    }

    #[test]
    fn it_comes_back_to_the_byte_however_often_it_was_changed() {
        for before in [BEFORE, "", "\n", "10.0.0.2 n2", "10.0.0.2 n2\n", "# nothing"] {
            let once = pointed(before, &names());
            assert_ne!(once, before);
            assert_eq!(pointed(&once, &names()), once, "it may be done twice");
            let other = pointed(&once, &names()[..1]);
            assert_eq!(restored(&other), before);
            assert_eq!(restored(&restored(&once)), before);
            assert_eq!(pointed(&once, &[]), before);
        }
    }
}
