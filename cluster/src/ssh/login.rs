//! Being let in: by a key, by an agent, by a password, in this order.

use std::path::Path;

use ssh2::Session;

use super::{SshTarget, session::Refusal};

/// Logs in, or says everything that was tried and what came of it.
pub(super) fn login(session: &Session, target: &SshTarget) -> Result<(), Refusal> {
    let mut tried = Vec::new();
    let offered = session.auth_methods(&target.user).unwrap_or_default().to_owned();
    let takes = |method: &str| offered.is_empty() || offered.split(',').any(|one| one == method);
    if takes("publickey") {
        for key in &target.keys {
            let passphrase = target.passphrase.as_ref().map(super::Secret::reveal);
            match session.userauth_pubkey_file(&target.user, None, key, passphrase) {
                Ok(()) => return Ok(()),
                Err(error) => tried.push(format!("the key {}: {}", key.display(), error.message())),
            }
        }
        if let Some(socket) = &target.agent {
            match by_agent(session, &target.user, socket) {
                Ok(()) => return Ok(()),
                Err(why) => tried.push(why),
            }
        }
    }
    if let Some(password) = &target.password {
        if takes("password") {
            match session.userauth_password(&target.user, password.reveal()) {
                Ok(()) => return Ok(()),
                Err(error) => tried.push(format!("the password: {}", error.message())),
            }
        }
        if takes("keyboard-interactive") && !session.authenticated() {
            match session.userauth_keyboard_interactive(&target.user, &mut Answers(password)) {
                Ok(()) => return Ok(()),
                Err(error) => tried.push(format!("the password, asked for: {}", error.message())),
            }
        }
    } else {
        tried.push("no password was given".into());
    }
    if session.authenticated() {
        return Ok(());
    }
    let offered =
        if offered.is_empty() { "does not say what it takes".into() } else { format!("takes {offered}") };
    Err(Refusal::Final(format!("{} does not let us in ({}; it {offered})", target.place(), tried.join("; "))))
}

fn by_agent(session: &Session, user: &str, socket: &Path) -> Result<(), String> {
    let mut agent = session.agent().map_err(|error| format!("the agent: {}", error.message()))?;
    let told = agent.set_identity_path(socket).and_then(|()| agent.connect());
    told.map_err(|_| format!("no agent answers at {}", socket.display()))?;
    agent.list_identities().map_err(|error| format!("the agent: {}", error.message()))?;
    let identities = agent.identities().map_err(|error| format!("the agent: {}", error.message()))?;
    for identity in &identities {
        if agent.userauth(user, identity).is_ok() {
            return Ok(());
        }
    }
    Err(format!("none of the agent's {} keys is taken", identities.len()))
}

/// Answers every question with the password: a server that asks step by step asks for nothing else.
struct Answers<'a>(&'a super::Secret);

impl ssh2::KeyboardInteractivePrompt for Answers<'_> {
    fn prompt<'b>(&mut self, _: &str, _: &str, prompts: &[ssh2::Prompt<'b>]) -> Vec<String> {
        prompts.iter().map(|_| self.0.reveal().to_owned()).collect()
    }
}
