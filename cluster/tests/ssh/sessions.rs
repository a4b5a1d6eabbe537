//! Sessions that are lost and come back, archives and packages.

use std::path::Path;

use disprove_cluster::{DaemonState, Remote};

use super::{
    acting::shell,
    machines::{LONG, Machines, run},
};

#[test]
fn sessions_are_shared_out_and_come_back_when_they_are_lost() {
    let Some(machines) = Machines::borrow("sessions") else { return };
    run(async {
        // A machine that no other test uses: what is cut below would be cut for them too.
        let remote = std::sync::Arc::new(machines.remote(4, "sessions"));
        let many: Vec<_> = (0..24)
            .map(|number| {
                let remote = std::sync::Arc::clone(&remote);
                tokio::spawn(async move {
                    let number = number.to_string();
                    let output = remote.exec(&["sh", "-c", "sleep 0.05; cat"], number.as_bytes(), LONG).await;
                    (number, output.expect("it runs").stdout)
                })
            })
            .collect();
        for one in many {
            let (asked, answered) = one.await.expect("no panic");
            assert_eq!(asked.as_bytes(), answered, "nobody hears another's answer");
        }
        // Every connection of this node dies, this one too; who may be asked twice is.
        let killer = "for s in /proc/[0-9]*/comm; do read -r c <$s; p=${s%/comm}; p=${p#/proc/}; \
                      [ \"$c\" != sshd ] || [ $p = 1 ] || kill -9 $p; done 2>/dev/null";
        let cut = remote.exec(&["sh", "-c", killer], b"", LONG).await;
        assert!(cut.is_err(), "a command whose connection broke is not called done: {cut:?}");
        assert_eq!(remote.state("nothing").await.expect("reached anew"), DaemonState::Absent);
        assert_eq!(shell(&remote, "hostname").await, "n4");
    });
}

#[test]
fn archives_and_packages_are_installed() {
    let Some(machines) = Machines::borrow("installing") else { return };
    run(async {
        let remote = machines.remote(1, "installing");
        let folder = Path::new("/var/tmp/disprove/installing/soft ware");
        let make = |flag: &str| {
            format!("cd /tmp && mkdir -p 'top/in ner' && echo hi >'top/in ner/file' && tar -c {flag} top")
        };
        for flag in ["-z", ""] {
            let made = remote.exec(&["sh", "-c", &make(flag)], b"", LONG).await.expect("tar runs");
            remote.install_archive(&made.stdout, folder, 1).await.expect("it is unpacked");
            assert_eq!(shell(&remote, "cd '/var/tmp/disprove/installing/soft ware' && cat 'in ner/file' && ls -A && rm -rf 'in ner'").await, "hi\nin ner");
        }
        assert!(
            remote.install_archive(&[0x1f, 0x8b, 1, 2, 3], folder, 0).await.is_err(),
            "that is no archive"
        );
        // The nodes reach no mirror, so a package manager that only says what it was asked stands in for the real one.
        let fake = b"#!/bin/sh\necho \"$@\" >>/root/asked\n";
        remote.upload(Path::new("/usr/local/bin/apt-get"), fake).await.expect("it is written");
        shell(&remote, "chmod 755 /usr/local/bin/apt-get").await;
        remote.install_packages(&["coreutils"]).await.expect("it is there");
        assert_eq!(
            shell(&remote, "cat /root/asked 2>/dev/null; :").await,
            "",
            "what is there is not asked for"
        );
        remote.install_packages(&["coreutils", "no-such-package"]).await.expect("it is asked for");
        let asked = "install -y -q --no-install-recommends no-such-package";
        assert_eq!(shell(&remote, "cat /root/asked").await, asked);
        remote.wipe().await.expect("it goes");
    });
}
