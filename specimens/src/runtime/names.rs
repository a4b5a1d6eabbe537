//! The names of peers, as the node's own `/etc/hosts` has them. They are looked up whenever a connection is opened.

use std::net::{IpAddr, SocketAddr};

use history::NodeId;

/// The file of names.
const HOSTS: &str = "/etc/hosts";

/// Another node: who it is, and how to find it.
#[derive(Clone, Debug)]
pub struct Peer {
    /// Its place in the cluster.
    pub id: NodeId,
    /// Its name; `None` where nodes have none.
    pub name: Option<String>,
    /// Where it is unless its name says something else.
    pub address: SocketAddr,
}

impl Peer {
    /// Where it is now.
    pub fn look_up(&self) -> SocketAddr {
        let Some(name) = &self.name else { return self.address };
        // A file that cannot be read tells of nobody.
        let text = std::fs::read_to_string(HOSTS).unwrap_or_default();
        meaning(&text, name).map_or(self.address, |ip| SocketAddr::new(ip, self.address.port()))
    }
}

/// What a name means in a file of names.
fn meaning(text: &str, name: &str) -> Option<IpAddr> {
    text.lines().find_map(|line| {
        let mut words = line.split('#').next().unwrap_or_default().split_whitespace();
        let address = words.next()?;
        words.any(|word| word == name).then(|| address.parse().ok())?
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_line_that_has_a_name_says_what_it_means() {
        let text = "127.0.0.1 localhost\n# 10.0.0.9 n2\n10.0.0.2\tn1 n2 # n3\n10.0.0.3 n2\nn4 n5\n";
        assert_eq!(meaning(text, "n2"), Some([10, 0, 0, 2].into()));
        assert_eq!([meaning(text, "n3"), meaning(text, "n5"), meaning("", "n1")], [None; 3]);
    }
}
