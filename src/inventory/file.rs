//! Reads `nodes.toml`: `[ssh]` says what holds for all machines, `[container]` what holds for all containers, and each
//! `[[node]]` is one.

use std::path::Path;

use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use super::{Machine, path_in};
use crate::{exit::Failure, settings};

/// What both tables take.
const OF_BOTH: &[&str] = &[
    "port",
    "user",
    "key",
    "password-file",
    "password-env",
    "sudo-password-file",
    "sudo-password-env",
    "known-hosts",
    "accept-new-host-keys",
    "directory",
];
/// What `[container]` takes.
const OF_CONTAINERS: &[&str] = &["engine", "user", "directory"];
/// What only a node takes.
const OF_NODE: &[&str] = &["name", "address", "peers", "roles"];

/// The machines of a file, with flags for what it leaves open.
pub(super) fn read(path: &Path, usual: &Machine, container: &Machine) -> Result<Vec<Machine>, Failure> {
    let text = std::fs::read_to_string(path)
        .map_err(|error| Failure::usage(format!("cannot read the nodes in {}: {error}", path.display())))?;
    let folder = path.parent().unwrap_or(Path::new(""));
    parse(&text, folder, usual, container)
        .map_err(|what| Failure::usage(format!("{}: {what}", path.display())))
}

fn parse(text: &str, folder: &Path, usual: &Machine, container: &Machine) -> Result<Vec<Machine>, String> {
    let reader = Reader { text, folder };
    let table = DeTable::parse(text).map_err(|error| {
        let line = error.span().map_or(1, |span| reader.line(span.start));
        format!("line {line}: {}", error.message())
    })?;
    let table = table.into_inner();
    let (mut common, mut of_containers) = (usual.clone(), container.clone());
    let mut nodes = None;
    for (key, value) in &table {
        match (key.get_ref().as_ref(), value.get_ref()) {
            ("ssh", DeValue::Table(ssh)) => {
                // A flag says what the file leaves open, not what it says.
                for (key, value) in ssh {
                    reader.put(&mut common, key, value, OF_BOTH)?;
                }
            }
            ("container", DeValue::Table(container)) => {
                for (key, value) in container {
                    reader.put(&mut of_containers, key, value, OF_CONTAINERS)?;
                }
            }
            ("node", DeValue::Array(array)) => nodes = Some(array),
            ("ssh" | "container" | "node", _) => {
                let line = reader.line(key.span().start);
                return Err(format!(
                    "line {line}: it is written [ssh] or [container] (one table) and [[node]] (one table per node)"
                ));
            }
            (unknown, _) => return Err(reader.unknown(key, unknown, &["ssh", "container", "node"])),
        }
    }
    let nodes = nodes.ok_or("there is no [[node]] in it")?;
    let of_machine: Vec<&str> = OF_NODE.iter().chain(&["host"]).chain(OF_BOTH).copied().collect();
    let of_container: Vec<&str> =
        OF_NODE.iter().chain(&["container"]).chain(OF_CONTAINERS).copied().collect();
    let mut machines = Vec::new();
    for node in nodes {
        let line = reader.line(node.span().start);
        let DeValue::Table(table) = node.get_ref() else {
            return Err(format!("line {line}: a node is a table"));
        };
        let is_container = table.iter().any(|(key, _)| key.get_ref() == "container");
        let (mut machine, known) = match is_container {
            true => (of_containers.clone(), &of_container),
            false => (common.clone(), &of_machine),
        };
        for (key, value) in table {
            reader.put(&mut machine, key, value, known)?;
        }
        match &machine.container {
            Some(container) if machine.name.is_empty() => machine.name.clone_from(container),
            None if machine.host.is_empty() => machine.host.clone_from(&machine.name),
            None if machine.name.is_empty() => machine.name.clone_from(&machine.host),
            _ => {}
        }
        if machine.name.is_empty() {
            return Err(format!("line {line}: this node has neither `name` nor `host` nor `container`"));
        }
        machines.push(machine);
    }
    Ok(machines)
}

struct Reader<'a> {
    text: &'a str,
    folder: &'a Path,
}

type Key<'a> = Spanned<std::borrow::Cow<'a, str>>;
type Value<'a> = Spanned<DeValue<'a>>;

impl Reader<'_> {
    fn line(&self, byte: usize) -> usize {
        self.text.as_bytes()[..byte.min(self.text.len())].iter().filter(|&&byte| byte == b'\n').count() + 1
    }

    fn unknown(&self, key: &Key<'_>, name: &str, known: &[&str]) -> String {
        let nearest = settings::nearest(name, known.iter().copied());
        let line = self.line(key.span().start);
        format!("line {line}: there is no key `{name}` here; did you mean `{nearest}`?")
    }

    fn put(
        &self,
        machine: &mut Machine,
        key: &Key<'_>,
        value: &Value<'_>,
        known: &[&str],
    ) -> Result<(), String> {
        let name = key.get_ref().replace('_', "-");
        if !known.contains(&name.as_str()) {
            return Err(self.unknown(key, key.get_ref(), known));
        }
        let line = self.line(key.span().start);
        let wrong = |wanted: &str| format!("line {line}: `{name}` is to be {wanted}");
        let text = || match value.get_ref() {
            DeValue::String(text) => Ok(text.to_string()),
            _ => Err(wrong("a text")),
        };
        let path = || text().map(|text| Some(path_in(self.folder, &text)));
        let texts = || match value.get_ref() {
            DeValue::Array(items) => {
                let items = items.iter().map(|item| match item.get_ref() {
                    DeValue::String(text) => Ok(text.to_string()),
                    _ => Err(wrong("a list of texts")),
                });
                items.collect::<Result<Vec<_>, _>>()
            }
            _ => Err(wrong("a list of texts")),
        };
        match name.as_str() {
            "name" => machine.name = text()?,
            "host" => machine.host = text()?,
            "user" => machine.user = text()?,
            "container" => machine.container = Some(text()?),
            "engine" => machine.engine = Some(text()?),
            "key" => machine.key = path()?,
            "password-file" => machine.password_file = path()?,
            "password-env" => machine.password_env = Some(text()?),
            "sudo-password-file" => machine.sudo_password_file = path()?,
            "sudo-password-env" => machine.sudo_password_env = Some(text()?),
            "known-hosts" => machine.known_hosts = path()?,
            "address" => machine.address = text()?,
            "peers" => machine.peers = texts()?,
            "roles" => machine.roles = texts()?,
            // A folder on the node, not here.
            "directory" => {
                let directory = text()?;
                if !directory.starts_with('/') || directory == "/" {
                    return Err(wrong("a folder of its own, beginning with /"));
                }
                machine.directory = Some(directory.into());
            }
            "port" => {
                let port = match value.get_ref() {
                    DeValue::Integer(number) => u16::from_str_radix(number.as_str(), number.radix()).ok(),
                    _ => None,
                };
                machine.port = port.filter(|port| *port > 0).ok_or_else(|| wrong("a port, 1 to 65535"))?;
            }
            _ => match value.get_ref() {
                DeValue::Boolean(flag) => machine.accept_new_host_keys = *flag,
                _ => return Err(wrong("true or false")),
            },
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Vec<Machine>, String> {
        let usual = Machine { user: "flag".into(), ..Machine::default() };
        parse(text, Path::new("/inventories"), &usual, &Machine::default())
    }

    #[test]
    fn a_node_takes_what_it_says_then_what_all_say_then_the_flags() {
        let text = "[ssh]\nport = 2200\nkey = \"keys/id\"\n\n[[node]]\nname = \"a\"\nhost = \"10.0.0.1\"\n\
                    roles = [\"proxy\"]\npeers = [\"192.168.0.1\"]\n\n[[node]]\nname = \"b\"\nuser = \"b\"\nport = 22\n";
        let machines = read(text).unwrap();
        assert_eq!((machines[0].port, machines[0].user.as_str()), (2200, "flag"));
        assert_eq!(machines[0].key.as_deref(), Some(Path::new("/inventories/keys/id")));
        assert_eq!(machines[0].roles, ["proxy"]);
        assert_eq!((machines[1].port, machines[1].user.as_str(), machines[1].host.as_str()), (22, "b", "b"));
    }

    #[test]
    fn containers_and_machines_may_stand_in_one_file() {
        let text = "[ssh]\nuser = \"root\"\n[container]\nengine = \"podman\"\n\n[[node]]\nname = \"a\"\ncontainer = \"db-1\"\n\n\
                    [[node]]\nname = \"b\"\n\n[[node]]\ncontainer = \"c\"\nuser = \"postgres\"\nengine = \"docker\"\n";
        let machines = read(text).unwrap();
        let told: Vec<_> = machines
            .iter()
            .map(|m| (m.name.as_str(), m.container.as_deref(), m.engine.as_deref(), m.user.as_str()))
            .collect();
        assert_eq!(
            told,
            [
                ("a", Some("db-1"), Some("podman"), ""),
                ("b", None, None, "root"),
                ("c", Some("c"), Some("docker"), "postgres"),
            ]
        );
        let error = read("[[node]]\ncontainer = \"a\"\nhost = \"h\"\n").unwrap_err();
        assert!(error.starts_with("line 3: there is no key `host` here"), "{error}");
    }

    #[test]
    fn mistakes_are_named_with_their_line_and_the_nearest_name() {
        let cases = [
            (
                "[[node]]\nname = \"a\"\n\n[[node]]\nnmae = \"b\"\n",
                "line 5: there is no key `nmae` here; did you mean `name`?",
            ),
            ("[ssh]\nroles = []\n[[node]]\nname = \"a\"\n", "line 2: there is no key `roles` here"),
            ("[shh]\n", "line 1: there is no key `shh` here; did you mean `ssh`?"),
            ("[[node]]\nname = \"a\"\nport = 70000\n", "line 3: `port` is to be a port, 1 to 65535"),
            ("[[node]]\nname = \"a\"\npeers = \"x\"\n", "line 3: `peers` is to be a list of texts"),
            ("[[node]]\nname = \"a\"\ndirectory = \"x\"\n", "line 3: `directory` is to be a folder"),
            ("[[node]]\nname = \n", "line 2: "),
            ("[[node]]\nuser = \"a\"\n", "line 1: this node has neither `name` nor `host` nor `container`"),
            ("[node]\nname = \"a\"\n", "line 1: it is written [ssh] or [container] (one table) and [[node]]"),
            ("", "there is no [[node]] in it"),
        ];
        for (text, expected) in cases {
            let error = read(text).unwrap_err();
            assert!(error.starts_with(expected), "{text}: {error}");
        }
    }
}
