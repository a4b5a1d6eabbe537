//! How TLS is spoken with a system that already runs, or with one of the user's own that speaks HTTP.

use std::path::PathBuf;

use clap::Args;
use databases::{Proof, TlsChoice};
use serde::{Deserialize, Serialize};

/// What is said of TLS. Each of these asks for it, whatever the scheme of the URL; files are named here, and never their
/// content, so it may be kept.
#[derive(Args, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TlsArguments {
    /// Speaks TLS with --endpoint, where its scheme does not say so; so does every flag below. They hold for https:// of requests in a
    /// --config too.
    #[arg(long, env = "DISPROVE_TLS", help_heading = "Cluster")]
    pub tls: bool,
    /// The certificates (PEM) of those who may have signed the server's; the default are those that this system believes.
    #[arg(long, env = "DISPROVE_CA", value_name = "FILE", help_heading = "Cluster")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ca: Option<PathBuf>,
    /// The client's certificate (PEM), where the server asks for one.
    #[arg(long, env = "DISPROVE_CLIENT_CERT", value_name = "FILE", help_heading = "Cluster")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_cert: Option<PathBuf>,
    /// The key of the client's certificate (PEM); the default is the file of the certificate.
    #[arg(long, env = "DISPROVE_CLIENT_KEY", value_name = "FILE", help_heading = "Cluster")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_key: Option<PathBuf>,
    /// A file whose first line opens the client's key (or DISPROVE_CLIENT_KEY_PASSPHRASE in the environment).
    #[arg(long, env = "DISPROVE_CLIENT_KEY_PASSPHRASE_FILE", value_name = "FILE", help_heading = "Cluster")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_key_passphrase_file: Option<PathBuf>,
    /// The name in the server's certificate, where it is not the host of the URL: behind a tunnel, say.
    #[arg(long, env = "DISPROVE_SERVER_NAME", value_name = "NAME", help_heading = "Cluster")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub server_name: Option<String>,
    /// Speaks TLS without verifying the server's certificate, with a warning.
    #[arg(long, env = "DISPROVE_INSECURE", help_heading = "Cluster")]
    pub insecure: bool,
}

impl TlsArguments {
    fn files(&self) -> [(&'static str, &Option<PathBuf>); 4] {
        [
            ("--ca", &self.ca),
            ("--client-cert", &self.client_cert),
            ("--client-key", &self.client_key),
            ("--client-key-passphrase-file", &self.client_key_passphrase_file),
        ]
    }

    /// The flags that say the same.
    pub fn flags(&self) -> Vec<String> {
        let switches = [("--tls", self.tls), ("--insecure", self.insecure)];
        let switches = switches.into_iter().filter(|(_, is_on)| *is_on).map(|(flag, _)| flag.to_owned());
        let file = |(flag, file): (&str, &Option<PathBuf>)| {
            file.as_ref().map(|file| format!("{flag}={}", file.display()))
        };
        let name = self.server_name.iter().map(|name| format!("--server-name={name}"));
        switches.chain(self.files().into_iter().filter_map(file)).chain(name).collect()
    }

    /// Whether nothing is said.
    pub fn is_silent(&self) -> bool {
        *self == Self::default()
    }

    /// The first flag that was given.
    pub fn first(&self) -> &'static str {
        let files = self.files().into_iter().map(|(flag, file)| (flag, file.is_some()));
        let others = [("--server-name", self.server_name.is_some()), ("--insecure", self.insecure)];
        files.chain(others).find(|(_, is_given)| *is_given).map_or("--tls", |(flag, _)| flag)
    }

    /// Says what a URL left open.
    pub fn complete(&self, choice: &mut TlsChoice) {
        let fill = |open: &mut Option<PathBuf>, said: &Option<PathBuf>| *open = open.take().or(said.clone());
        fill(&mut choice.ca, &self.ca);
        fill(&mut choice.certificate, &self.client_cert);
        fill(&mut choice.key, &self.client_key);
        choice.name.clone_from(&self.server_name);
        if self.insecure {
            choice.proof = Proof::Nothing;
        }
    }
}
