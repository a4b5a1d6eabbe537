//! What a file says of a system.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::places;
use crate::http::{Requests, SecretPlace};

/// What is told where nothing says how the system is spoken to.
const NO_CLIENT: &str = "how it is spoken to is missing: `client`, a program and what it `speaks`, or requests such as \
                         [database.http.register.read]";

/// The vocabularies that a client program can speak.
pub const VOCABULARIES: [&str; 4] = ["list-append", "register", "rw-register", "set"];

/// The promises that a description can name; others are asked for by `--model`.
const PROMISES: [&str; 7] = [
    "linearizable",
    "sequential",
    "eventual",
    "strict-serializable",
    "serializable",
    "snapshot-isolation",
    "read-committed",
];

/// A system: how it is started and spoken to. In commands and files `{ip}` and the like are filled in for each node.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Description {
    /// Its name.
    pub name: String,
    /// How many nodes it runs on unless somebody says otherwise.
    #[serde(default = "three")]
    pub nodes: usize,
    /// The command that serves. It stays in the foreground.
    pub start: Vec<String>,
    /// The client program.
    pub client: Option<Vec<String>>,
    /// The vocabularies that the client program speaks.
    #[serde(default)]
    pub speaks: Vec<String>,
    /// The calls as requests of HTTP, instead of a client program.
    pub http: Option<Requests>,
    /// What is promised of each vocabulary.
    #[serde(default)]
    pub promises: BTreeMap<String, String>,
    /// A command that succeeds where the system is installed.
    pub check: Option<Vec<String>>,
    /// The command that installs it, to be told where it is missing.
    pub remedy: Option<String>,
    /// A command that makes a fresh data folder, before the first start.
    pub prepare: Option<Vec<String>>,
    /// Files by their names below `{data}`, made before the first start.
    #[serde(default)]
    pub files: BTreeMap<String, String>,
    /// The environment of the serving command.
    #[serde(default)]
    pub env: BTreeMap<String, String>,
    /// A command that succeeds where a node serves. Without it a node serves when the client program opens a session.
    pub ready: Option<Vec<String>>,
    /// A command that tells the version.
    pub version: Option<Vec<String>>,
    /// A command that succeeds on a node that leads.
    pub primary: Option<Vec<String>>,
    /// The longest that a healthy call should take, in seconds.
    pub call_timeout: Option<f64>,
}

fn three() -> usize {
    3
}

/// The promise of a name, if a description can name it.
pub(super) fn promise(name: &str) -> Option<&'static str> {
    PROMISES.into_iter().find(|promise| *promise == name)
}

/// What is wrong with a description: the key it is about, what was said there, and what could have been.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wrong {
    /// The key.
    pub key: &'static str,
    /// What is wrong, in words.
    pub what: String,
    /// What was said, where there is a list of what could be.
    pub said: Option<String>,
    /// What could have been said.
    pub known: Vec<&'static str>,
}

impl Description {
    /// The first thing that is wrong with it, beyond the types of its keys.
    pub fn wrong(&self) -> Option<Wrong> {
        let wrong = |key, what: &str| Some(Wrong { key, what: what.into(), said: None, known: Vec::new() });
        let among = |key, what: &str, said: &str, known: &[&'static str]| {
            Some(Wrong { key, what: what.into(), said: Some(said.into()), known: known.to_vec() })
        };
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
        if self.name.is_empty() || !self.name.bytes().all(is_plain) {
            return wrong("name", "a name is made of letters, digits and dashes");
        }
        if !(1..=100).contains(&self.nodes) {
            return wrong("nodes", "a system runs on 1 to 100 nodes");
        }
        if self.call_timeout.is_some_and(|seconds| !(seconds > 0.0 && seconds < 1e6)) {
            return wrong("call-timeout", "it is in seconds, more than 0");
        }
        for (key, command) in self.commands() {
            if command.is_empty() {
                return wrong(key, "a command has at least its program");
            }
            if let Some(unknown) = command.iter().flat_map(|word| places::unknown(word)).next() {
                return among(key, "nothing is filled in for", unknown, &places::NAMES);
            }
        }
        match (&self.client, &self.http) {
            (None, None) => return wrong("name", NO_CLIENT),
            (Some(_), Some(_)) => {
                return wrong("client", "calls go through a client program or through http, not both");
            }
            (None, Some(_)) if !self.speaks.is_empty() => {
                return wrong("speaks", "with http, what is spoken is what has a table there");
            }
            (None, Some(http)) if http.speaks().next().is_none() => {
                return wrong(
                    "name",
                    "http has the requests of at least one vocabulary, such as [database.http.register.read]",
                );
            }
            (Some(_), None) if self.speaks.is_empty() => {
                return wrong("speaks", "the client program speaks at least one vocabulary");
            }
            _ => {}
        }
        if let Some(unknown) = self.speaks.iter().find(|name| !VOCABULARIES.contains(&name.as_str())) {
            return among("speaks", "there is no vocabulary", unknown, &VOCABULARIES);
        }
        if let Some(unknown) = self.promises.keys().find(|name| !VOCABULARIES.contains(&name.as_str())) {
            return among("promises", "there is no vocabulary", unknown, &VOCABULARIES);
        }
        let unknown = self.promises.values().find(|name| promise(name).is_none());
        unknown.and_then(|unknown| among("promises", "there is no promise", unknown, &PROMISES))
    }

    /// The description with `{here}` filled in: the folder of the file that it stands in.
    #[must_use]
    pub fn standing_in(mut self, folder: &str) -> Self {
        let fill = |text: &mut String| {
            if text.contains("{here}") {
                *text = text.replace("{here}", folder);
            }
        };
        let optional = [
            &mut self.client,
            &mut self.check,
            &mut self.prepare,
            &mut self.ready,
            &mut self.version,
            &mut self.primary,
        ];
        optional.into_iter().flatten().chain([&mut self.start]).flatten().for_each(fill);
        self.files.values_mut().chain(self.env.values_mut()).for_each(fill);
        for header in self.http.iter_mut().flat_map(|http| http.secret_headers.values_mut()) {
            if let SecretPlace::File(path) = &mut header.place {
                fill(path);
            }
        }
        self
    }

    /// Whether calls of a vocabulary can be made.
    pub(super) fn speaks_to(&self, name: &str) -> bool {
        self.speaks.iter().any(|spoken| spoken == name)
            || self.http.iter().flat_map(Requests::speaks).any(|spoken| spoken == name)
    }

    fn commands(&self) -> impl Iterator<Item = (&'static str, &Vec<String>)> {
        let optional = [
            ("client", &self.client),
            ("check", &self.check),
            ("prepare", &self.prepare),
            ("ready", &self.ready),
            ("version", &self.version),
            ("primary", &self.primary),
        ];
        let given = optional.into_iter().filter_map(|(key, command)| Some((key, command.as_ref()?)));
        std::iter::once(("start", &self.start)).chain(given)
    }
}
