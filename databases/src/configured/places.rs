//! The words in braces of a description: `{ip}`, `{data}` and so on.

use cluster::{Cluster, Node};

/// What may stand in braces.
pub(super) const NAMES: [&str; 7] = ["here", "node", "number", "ip", "peers", "data", "logs"];

/// What a word means on a node.
fn meaning(name: &str, cluster: &Cluster, node: &Node) -> Option<String> {
    Some(match name {
        "node" => node.name.clone(),
        "number" => (node.id.0 + 1).to_string(),
        "ip" => node.address.to_string(),
        "peers" => {
            let all: Vec<String> = cluster.nodes.iter().map(|peer| peer.address.to_string()).collect();
            all.join(",")
        }
        "data" => node.data.display().to_string(),
        "logs" => node.logs.display().to_string(),
        _ => return None,
    })
}

/// A text with its words in braces filled in.
pub(super) fn text(text: &str, cluster: &Cluster, node: &Node) -> String {
    let mut filled = text.to_owned();
    for name in NAMES {
        let braced = format!("{{{name}}}");
        if filled.contains(&braced)
            && let Some(meaning) = meaning(name, cluster, node)
        {
            filled = filled.replace(&braced, &meaning);
        }
    }
    filled
}

/// The words of a command with their words in braces filled in.
pub(super) fn filled(command: &[String], cluster: &Cluster, node: &Node) -> Vec<String> {
    command.iter().map(|word| text(word, cluster, node)).collect()
}

/// The names in braces in a text that mean nothing: letters alone, so that braces of another language are left alone.
pub(super) fn unknown(text: &str) -> Vec<&str> {
    let mut names = Vec::new();
    for part in text.split('{').skip(1) {
        let Some((name, _)) = part.split_once('}') else { continue };
        let is_word = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_lowercase());
        if is_word && !NAMES.contains(&name) {
            names.push(name);
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use history::NodeId;

    use super::*;

    #[test]
    fn words_in_braces_are_those_of_the_node() {
        let node = |id: u16| Node {
            id: NodeId(id),
            name: format!("n{}", id + 1),
            address: [10, 0, 0, id as u8 + 1].into(),
            port_offset: 0,
            data: "/d".into(),
            logs: "/l".into(),
            remote: None,
        };
        let cluster = Cluster { nodes: vec![node(0), node(1)], network: None };
        let words = ["-n{node}", "{number}", "{ip}:7000", "{peers}", "{data}/x", "{logs}", "{\"a\": 1}"];
        let words: Vec<String> = words.map(str::to_owned).to_vec();
        let expected = ["-nn2", "2", "10.0.0.2:7000", "10.0.0.1,10.0.0.2", "/d/x", "/l", "{\"a\": 1}"];
        assert_eq!(filled(&words, &cluster, &cluster.nodes[1]), expected);
    }

    #[test]
    fn a_word_that_means_nothing_is_found() {
        assert_eq!(unknown("{ip}:{prot} {\"a\": 1} {}"), ["prot"]);
    }
}
