//! Whether the host that answers is the one that is meant.

use std::{fs, io::Write, path::Path};

use base64::{Engine, engine::general_purpose::STANDARD};
use ssh2::{CheckResult, HashType, HostKeyType, KnownHostFileKind, Session};

use super::{SshTarget, session::Refusal};

/// The kinds of keys to ask a host for, best first. A host that is known by another kind is asked for that one next.
pub(super) const KINDS: &[&str] = &[
    "ssh-ed25519",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
    "rsa-sha2-512,rsa-sha2-256",
];

/// What the files of known hosts say of the key that a host showed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Judgement {
    /// It is the one they hold.
    Known,
    /// They do not know the host by a key of this kind.
    Unknown,
    /// They hold another one.
    Differs,
}

/// Looks a host's key up.
pub(super) fn judge(session: &Session, target: &SshTarget) -> Result<Judgement, Refusal> {
    let (key, _) = session.host_key().ok_or_else(|| Refusal::Passing("the host showed no key".into()))?;
    let mut known = session
        .known_hosts()
        .map_err(|error| Refusal::Passing(format!("no list of known hosts: {error}")))?;
    for file in target.trust.known_hosts.iter().filter(|file| file.is_file()) {
        known.read_file(file, KnownHostFileKind::OpenSSH).map_err(|error| {
            Refusal::Final(format!("cannot read the known hosts in {}: {}", file.display(), error.message()))
        })?;
    }
    Ok(match known.check_port(&target.host, target.port, key) {
        CheckResult::Match => Judgement::Known,
        CheckResult::NotFound | CheckResult::Failure => Judgement::Unknown,
        CheckResult::Mismatch => Judgement::Differs,
    })
}

/// The key that a host showed, as `ssh-keygen -l` tells it.
pub(super) fn fingerprint(session: &Session) -> String {
    let kind = session.host_key().map_or("unknown", |(_, kind)| kind_name(kind));
    let hash = session.host_key_hash(HashType::Sha256).map(|hash| STANDARD.encode(hash)).unwrap_or_default();
    format!("{kind} SHA256:{}", hash.trim_end_matches('='))
}

fn kind_name(kind: HostKeyType) -> &'static str {
    match kind {
        HostKeyType::Rsa => "ssh-rsa",
        HostKeyType::Dss => "ssh-dss",
        HostKeyType::Ecdsa256 => "ecdsa-sha2-nistp256",
        HostKeyType::Ecdsa384 => "ecdsa-sha2-nistp384",
        HostKeyType::Ecdsa521 => "ecdsa-sha2-nistp521",
        HostKeyType::Ed25519 => "ssh-ed25519",
        HostKeyType::Unknown => "unknown",
    }
}

fn files(target: &SshTarget) -> String {
    let names: Vec<_> = target.trust.known_hosts.iter().map(|file| file.display().to_string()).collect();
    if names.is_empty() { "any file of known hosts".into() } else { names.join(", ") }
}

/// What to do about a host that no file knows: believe it and write it down where that was asked for, else refuse.
pub(super) fn meet(session: &Session, target: &SshTarget) -> Result<(), Refusal> {
    let shown = fingerprint(session);
    if !target.trust.accept_new {
        return Err(Refusal::Final(format!(
            "the key of {} ({shown}) is not in {}; where that is its key, log in once with ssh, or pass \
             --accept-new-host-keys",
            target.place(),
            files(target)
        )));
    }
    let Some(file) = target.trust.known_hosts.first() else { return Ok(()) };
    let (key, kind) = session.host_key().ok_or_else(|| Refusal::Passing("the host showed no key".into()))?;
    let name = match target.port {
        22 => target.host.clone(),
        port => format!("[{}]:{port}", target.host),
    };
    let line = format!("{name} {} {}\n", kind_name(kind), STANDARD.encode(key));
    append(file, &line)
        .map_err(|error| Refusal::Final(format!("cannot add its key to {}: {error}", file.display())))
}

fn append(file: &Path, line: &str) -> std::io::Result<()> {
    if let Some(folder) = file.parent() {
        fs::create_dir_all(folder)?;
    }
    // A file whose last line has no end would swallow ours.
    let torn = fs::read(file).is_ok_and(|bytes| bytes.last().is_some_and(|byte| *byte != b'\n'));
    let line = if torn { format!("\n{line}") } else { line.to_owned() };
    fs::OpenOptions::new().create(true).append(true).open(file)?.write_all(line.as_bytes())
}

/// What is said of a host whose key differs. No flag makes it believed.
pub(super) fn impostor(session: &Session, target: &SshTarget) -> Refusal {
    Refusal::Final(format!(
        "the key of {} ({}) is not the one in {}: either the host was set up anew, or somebody is in between. Once \
         you know that it was set up anew, remove its old key: ssh-keygen -R '{}'",
        target.place(),
        fingerprint(session),
        files(target),
        if target.port == 22 { target.host.clone() } else { format!("[{}]:{}", target.host, target.port) }
    ))
}
