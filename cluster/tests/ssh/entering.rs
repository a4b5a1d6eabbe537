//! Being let in, and becoming root.

use std::{fs, path::Path, process::Command};

use disprove_cluster::{
    Remote,
    machine::MachineRemote,
    ssh::{Secret, SshTarget, Trust},
};

use super::machines::{LONG, Machines, run, text};

async fn who(target: SshTarget) -> Result<String, String> {
    let remote = MachineRemote::new(target, Path::new("/var/tmp/disprove/entering").into(), None);
    let output = remote.exec(&["id", "-un"], b"", LONG).await.map_err(|error| error.to_string())?;
    Ok(text(&output.stdout))
}

#[test]
fn a_host_is_believed_by_its_key_alone() {
    let Some(machines) = Machines::borrow("host keys") else { return };
    run(async {
        let file = machines.folder.join("known_hosts_of_a_test");
        let _none = fs::remove_file(&file);
        let mut target = machines.target(1);
        target.trust = Trust { known_hosts: vec![file.clone()], accept_new: false };
        let error = who(target.clone()).await.expect_err("nobody knows it");
        assert!(error.contains("n1: the key of root@") && error.contains("(ssh-ed25519 SHA256:"), "{error}");
        assert!(
            error.contains("--accept-new-host-keys") && error.contains("known_hosts_of_a_test"),
            "{error}"
        );
        assert!(!file.exists(), "nothing was written");
        target.trust.accept_new = true;
        assert_eq!(who(target.clone()).await.expect("it is believed"), "root");
        target.trust.accept_new = false;
        assert_eq!(who(target.clone()).await.expect("it is known now"), "root");
        // The fingerprint is the one that ssh-keygen tells.
        let told =
            Command::new("ssh-keygen").arg("-lf").arg(machines.folder.join("keys/host_n1.pub")).output();
        let told = text(&told.expect("ssh-keygen is there").stdout);
        assert!(error.contains(told.split(' ').nth(1).expect("a fingerprint")), "{error} is not of {told}");
        // Another host at the same place.
        let other = fs::read_to_string(machines.folder.join("keys/host_n2.pub")).expect("it is ours");
        let line = format!("{} {other}", target.host);
        fs::write(&file, &line).expect("it is ours");
        for accept_new in [false, true] {
            target.trust.accept_new = accept_new;
            let error = who(target.clone()).await.expect_err("it is another");
            assert!(error.contains("is not the one in") && error.contains("ssh-keygen -R"), "{error}");
            assert_eq!(fs::read_to_string(&file).expect("it is ours"), line, "nothing was written");
        }
        // A hashed name, as Debian writes them.
        let known = fs::read_to_string(machines.folder.join("known_hosts")).expect("it is ours");
        fs::write(&file, known).expect("it is ours");
        let hashed = Command::new("ssh-keygen")
            .args(["-q", "-H", "-f"])
            .arg(&file)
            .output()
            .expect("ssh-keygen is there");
        assert!(hashed.status.success());
        assert_eq!(who(target.clone()).await.expect("it is known by its hash"), "root");
    });
}

#[test]
fn keys_agents_and_passwords_open() {
    let Some(machines) = Machines::borrow("keys, agents and passwords") else { return };
    run(async {
        let remote = machines.remote(3, "entering");
        let script = "id walter >/dev/null 2>&1 || useradd -m -s /bin/bash walter; echo 'walter:pass '\\''word' | chpasswd; \
                      mkdir -p /home/walter/.ssh; cp /root/.ssh/authorized_keys /home/walter/.ssh/; chown -R walter: /home/walter/.ssh";
        let output = remote.exec(&["sh", "-c", script], b"", LONG).await.expect("it runs");
        assert_eq!(output.code, 0, "{}", text(&output.stderr));
        let bare = || {
            let mut target = machines.target(3);
            target.user = "walter".into();
            target.keys.clear();
            target
        };
        let error = who(bare()).await.expect_err("nothing was given");
        assert!(error.contains("does not let us in (no password was given; it takes"), "{error}");
        let mut wrong = bare();
        wrong.password = Some(Secret::new("guess"));
        let error = who(wrong).await.expect_err("that is not it");
        assert!(error.contains("the password:") && !error.contains("guess"), "{error}");
        let mut right = bare();
        right.password = Some(Secret::new("pass 'word"));
        assert_eq!(who(right).await.expect("let in"), "walter");
        let mut missing = bare();
        missing.keys = vec!["/nowhere/key".into()];
        assert!(who(missing).await.expect_err("there is none").contains("the key /nowhere/key:"));
        let locked = machines.folder.join("locked-key");
        fs::copy(machines.folder.join("keys/id"), &locked).expect("it is ours");
        let made = Command::new("ssh-keygen")
            .args(["-q", "-p", "-P", "", "-N", "open sesame", "-f"])
            .arg(&locked)
            .output();
        assert!(made.expect("ssh-keygen is there").status.success());
        let mut with_phrase = bare();
        with_phrase.keys = vec![locked];
        assert!(who(with_phrase.clone()).await.is_err(), "it is locked");
        with_phrase.passphrase = Some(Secret::new("open sesame"));
        assert_eq!(who(with_phrase).await.expect("let in"), "walter");
        let socket = machines.folder.join("agent");
        let mut agent =
            Command::new("ssh-agent").arg("-D").arg("-a").arg(&socket).spawn().expect("ssh-agent is there");
        let began = std::time::Instant::now();
        while !socket.exists() && began.elapsed() < LONG {
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
        let mut by_agent = bare();
        by_agent.agent = Some(socket.clone());
        let empty = who(by_agent.clone()).await.expect_err("it has no key yet");
        assert!(empty.contains("none of the agent's 0 keys is taken"), "{empty}");
        let added = Command::new("ssh-add")
            .arg("-q")
            .arg(machines.folder.join("keys/id"))
            .env("SSH_AUTH_SOCK", &socket)
            .output();
        assert!(added.expect("ssh-add is there").status.success());
        let entered = who(by_agent).await;
        agent.kill().expect("it is ours");
        agent.wait().expect("it is ours");
        assert_eq!(entered.expect("let in"), "walter");
    });
}

#[test]
fn nothing_that_answers_is_said_after_some_tries() {
    let Some(machines) = Machines::borrow("a port where nobody listens") else { return };
    run(async {
        let mut target = machines.target(1);
        target.port = 4;
        let remote = MachineRemote::new(target, Path::new("/var/tmp/disprove/nobody").into(), None);
        let error = remote
            .exec(&["true"], b"", std::time::Duration::from_millis(300))
            .await
            .expect_err("nobody is there");
        assert!(error.to_string().contains("n1: nothing answers at 10.88."), "{error}");
    });
}

#[test]
fn root_is_reached_with_and_without_a_password_and_never_by_a_leak() {
    let Some(machines) = Machines::borrow("sudo over SSH") else { return };
    run(async {
        let remote = machines.remote(2, "sudo");
        if remote.exec(&["sh", "-c", "command -v sudo"], b"", LONG).await.expect("it runs").code != 0 {
            println!("left out: sudo over SSH (there is no sudo; to have it: apt-get install sudo)");
            return;
        }
        let script = "mkdir -p /etc/sudoers.d; for u in free asked barred; do id $u >/dev/null 2>&1 || useradd -m -s /bin/bash $u; \
                      echo \"$u:s3same\" | chpasswd; mkdir -p /home/$u/.ssh; cp /root/.ssh/authorized_keys /home/$u/.ssh/; \
                      chown -R $u: /home/$u; done; grep -q includedir /etc/sudoers || echo '@includedir /etc/sudoers.d' >>/etc/sudoers; \
                      printf 'free ALL=(ALL) NOPASSWD: ALL\\nasked ALL=(ALL) ALL\\n' >/etc/sudoers.d/test; chmod 440 /etc/sudoers.d/test";
        let output = remote.exec(&["sh", "-c", script], b"", LONG).await.expect("it runs");
        assert_eq!(output.code, 0, "{}", text(&output.stderr));
        let as_user = |user: &str, password: Option<&str>| {
            let mut target = machines.target(2);
            target.user = user.into();
            target.sudo_password = password.map(Secret::new);
            MachineRemote::new(target, Path::new("/var/tmp/disprove/sudo").join(user), None)
        };
        for (user, password) in [("free", None), ("free", Some("unused")), ("asked", Some("s3same"))] {
            let remote = as_user(user, password);
            for _ in 0..2 {
                // What the command reads is what it was given: no password strays into it.
                let output =
                    remote.script_as_root("id -un; cat; echo \"$1\"", &["a 'b'"], b"input\n", LONG).await;
                assert_eq!(text(&output.expect("it runs").stdout), "root\ninput\na 'b'", "{user}");
            }
            let output = remote.exec(&["id", "-un"], b"", LONG).await.expect("it runs");
            assert_eq!(text(&output.stdout), user, "only what needs root is done as root");
        }
        let refused =
            |result: Result<_, disprove_cluster::Error>| result.expect_err("no root there").to_string();
        let error = refused(as_user("asked", None).script_as_root("id", &[], b"", LONG).await);
        assert!(error.contains("sudo-password-file") && error.contains("NOPASSWD"), "{error}");
        let error = refused(as_user("asked", Some("wrong")).script_as_root("id", &[], b"", LONG).await);
        assert!(error.contains("sudo refuses asked") && !error.contains("wrong"), "{error}");
        let error = refused(as_user("barred", Some("s3same")).script_as_root("id", &[], b"", LONG).await);
        assert!(error.contains("sudo refuses barred"), "{error}");
    });
}
