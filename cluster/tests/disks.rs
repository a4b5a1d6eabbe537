//! Disks of local nodes: mounted, used as any file system is, struck, and gone in the end. Needs `/dev/fuse`, and says how
//! much is left out without.
#![cfg(target_os = "linux")]

#[path = "disks/model.rs"]
mod model;
#[path = "scene/scene.rs"]
#[allow(dead_code)]
mod scene;

use disprove_cluster::{
    Disk, Error, LayerId, Remote,
    disk::{Ailment, Operation, Outage, Strikes, Trouble},
    local::{LocalCluster, LocalSpec, inside_or_reexec},
};
use scene::{Folder, SHORT, folder, run, text};

fn inside(test: &str) -> bool {
    inside_or_reexec(test).expect("the test passes inside namespaces")
}

/// One node with a disk.
struct Bench {
    cluster: LocalCluster,
    remote: std::sync::Arc<dyn Remote>,
    folder: Folder,
}

impl Bench {
    /// `None` where the machine does not permit disks; the test is left out then, and says so.
    async fn start() -> Option<Self> {
        let folder = folder();
        let nodes = vec!["n1".into()];
        let spec = LocalSpec { nodes, directory: folder.0.clone(), disks: true, ..LocalSpec::default() };
        let cluster = LocalCluster::start(spec).await.expect("the cluster starts");
        let remote = cluster.cluster().nodes[0].remote.clone().expect("a local node can be acted on");
        match remote.disk() {
            Ok(_) => Some(Self { cluster, remote, folder }),
            Err(Error::NotPermitted { what, remedy }) => {
                println!("left out: one case of disks, since {what} is not permitted here: {remedy}");
                assert!(remedy.contains("chmod 666 /dev/fuse"), "{remedy}");
                cluster.stop().await.expect("the node ends");
                None
            }
            Err(error) => panic!("{error}"),
        }
    }

    fn disk(&self) -> &dyn Disk {
        self.remote.disk().expect("it was there before")
    }

    async fn shell(&self, script: &str) -> String {
        let output = self.remote.exec(&["sh", "-c", script], b"", SHORT).await.expect("a shell runs");
        assert_eq!(output.code, 0, "{script}: {}", text(&output.stderr));
        text(&output.stdout)
    }

    /// Runs a script that is to fail, and what it says.
    async fn failing(&self, script: &str) -> String {
        let output = self.remote.exec(&["sh", "-c", script], b"", SHORT).await.expect("a shell runs");
        assert_ne!(output.code, 0, "{script} said {}", text(&output.stdout));
        text(&output.stderr)
    }

    async fn stop(self) -> Folder {
        self.cluster.stop().await.expect("the node ends");
        self.folder
    }
}

#[test]
fn a_disk_is_used_as_any_other_and_its_files_are_there_in_the_end() {
    if !inside("a_disk_is_used_as_any_other_and_its_files_are_there_in_the_end") {
        return;
    }
    run(async {
        let Some(bench) = Bench::start().await else { return };
        let mounted = bench.shell("grep ' fuse.disprove ' /proc/mounts | wc -l").await;
        assert_eq!(mounted, "1");
        assert!(
            !std::fs::read_to_string("/proc/mounts").expect("there are mounts").contains("fuse.disprove")
        );
        bench.shell("mkdir -p a/b && echo one > a/b/file && ln a/b/file hard && ln -s a/b/file soft").await;
        assert_eq!(bench.shell("cat soft hard").await, "one\none");
        bench.shell("mv a/b/file a/file && echo two >> a/file && chmod 600 a/file").await;
        assert_eq!(bench.shell("cat hard && stat -c '%a %h %s' a/file").await, "one\ntwo\n600 2 8");
        assert!(bench.failing("rmdir a").await.contains("not empty"));
        assert!(bench.failing("cat soft").await.contains("No such file"));
        bench
            .shell("dd if=/dev/urandom of=big bs=1M count=3 2>/dev/null && cp big copy && cmp big copy")
            .await;
        bench.shell("truncate -s 5000 copy && fallocate -l 1M copy && cmp -n 5000 big copy").await;
        assert_eq!(bench.shell("for n in $(seq 300); do echo $n > many$n; done; ls | wc -l").await, "305");
        assert_eq!(
            bench.shell("rm many*; ls; exec 3<hard; rm hard; cat <&3").await,
            "a\nbig\ncopy\nhard\nsoft\none\ntwo"
        );
        let folder = bench.stop().await;
        let data = folder.0.join("data/n1");
        assert_eq!(std::fs::read_to_string(data.join("a/file")).expect("it is there"), "one\ntwo\n");
        assert_eq!(std::fs::metadata(data.join("copy")).expect("it is there").len(), 1 << 20);
        assert!(!folder.0.join("disks").exists(), "what a disk was made of goes with it");
    });
}

#[test]
fn a_power_failure_takes_what_was_not_synced() {
    if !inside("a_power_failure_takes_what_was_not_synced") {
        return;
    }
    run(async {
        let Some(bench) = Bench::start().await else { return };
        bench.shell("mkdir kept && echo first > kept/log && sync kept/log && echo second >> kept/log").await;
        bench.shell("echo a > new && mv kept/log kept/renamed && mkdir lost && echo b > lost/file").await;
        let said = bench.disk().go_dark(&Outage::PowerLoss).await.expect("the power fails");
        assert_eq!(said, "lost 7 bytes at the ends of files, 5 names that had come or gone");
        assert_eq!(bench.shell("find . -type f | sort; cat kept/log").await, "./kept/log\nfirst");
        bench.shell("echo a > new && sync new && mv new newer && sync . && rm newer").await;
        bench.disk().go_dark(&Outage::PowerLoss).await.expect("the power fails");
        assert_eq!(bench.shell("ls; cat newer").await, "kept\nnewer\na");
        bench.shell("echo settled > settled").await;
        bench.disk().settle().await.expect("all is kept");
        let said = bench.disk().go_dark(&Outage::PowerLoss).await.expect("the power fails");
        assert_eq!(said, "lost nothing: all had been kept");
        assert_eq!(bench.shell("cat settled").await, "settled");
        bench.stop().await;
    });
}

const PYTHON_WRITES_THROUGH_A_MAPPING: &str = r"
import mmap, os
fd = os.open('mapped', os.O_RDWR | os.O_CREAT)
os.ftruncate(fd, 8192)
os.fsync(fd)
pages = mmap.mmap(fd, 8192)
pages[0:5] = b'first'
pages.flush()
os.fsync(fd)
pages[4096:4102] = b'second'
os.close(fd)
print(open('mapped', 'rb').read(5).decode())
";

#[test]
fn what_is_written_through_a_mapping_is_kept_once_it_is_synced() {
    if !inside("what_is_written_through_a_mapping_is_kept_once_it_is_synced") {
        return;
    }
    run(async {
        let Some(bench) = Bench::start().await else { return };
        if bench.shell("command -v python3 || echo none").await == "none" {
            println!("left out: mappings, since there is no python3 here");
            return;
        }
        bench
            .remote
            .upload(
                &std::path::Path::new(&bench.shell("pwd").await).join("map.py"),
                PYTHON_WRITES_THROUGH_A_MAPPING.as_bytes(),
            )
            .await
            .expect("uploaded");
        assert_eq!(bench.shell("python3 map.py").await, "first");
        bench.disk().go_dark(&Outage::PowerLoss).await.expect("the power fails");
        assert_eq!(bench.shell("tr -d '\\0' < mapped").await, "first");
        bench.stop().await;
    });
}

async fn ail(bench: &Bench, trouble: Trouble, strikes: Strikes) {
    bench.disk().impose(LayerId(1), &Ailment { trouble, strikes }).await.expect("it is imposed");
}

async fn mend(bench: &Bench) -> u64 {
    let struck = bench.disk().struck(LayerId(1)).await.expect("it answers").expect("it is there").struck;
    bench.disk().lift(LayerId(1)).await.expect("it is lifted");
    assert_eq!(bench.disk().struck(LayerId(1)).await.expect("it answers"), None);
    struck
}

#[test]
fn a_disk_that_ails_is_well_again_afterwards() {
    if !inside("a_disk_that_ails_is_well_again_afterwards") {
        return;
    }
    run(async {
        let Some(bench) = Bench::start().await else { return };
        bench.shell("echo old > file && sync file").await;
        let all = Strikes::default;
        ail(&bench, Trouble::Broken(Operation::Sync), all()).await;
        assert!(bench.failing("echo new >> file && sync file").await.contains("Input/output error"));
        assert_eq!(mend(&bench).await, 1);
        ail(&bench, Trouble::Broken(Operation::Read), all()).await;
        assert!(bench.failing("cat file").await.contains("Input/output error"));
        assert!(mend(&bench).await > 0);
        ail(&bench, Trouble::Broken(Operation::Write), Strikes { path: Some("*.log".into()), ..all() }).await;
        bench.shell("echo fine > file.txt && touch a.log").await;
        assert!(bench.failing("printf new | dd of=a.log").await.contains("Input/output error"));
        assert!(mend(&bench).await > 0);
        ail(&bench, Trouble::Full, all()).await;
        assert!(
            bench
                .failing("printf more | dd of=file conv=notrunc oflag=append")
                .await
                .contains("No space left")
        );
        bench.shell("printf OLD | dd of=file conv=notrunc 2>/dev/null; grep -q OLD file").await;
        assert!(mend(&bench).await > 0);
        ail(&bench, Trouble::ReadOnly, all()).await;
        assert!(bench.failing("rm file").await.contains("Read-only file system"));
        assert!(mend(&bench).await > 0);
        ail(&bench, Trouble::Slow(Operation::Sync, 300), all()).await;
        let started = std::time::Instant::now();
        bench.shell("echo slow >> file && sync file").await;
        assert!(started.elapsed() >= std::time::Duration::from_millis(300));
        assert_eq!(mend(&bench).await, 1);
        ail(&bench, Trouble::Lies, all()).await;
        bench.shell("echo lie > lied && sync lied .").await;
        assert_eq!(mend(&bench).await, 2);
        bench.disk().go_dark(&Outage::PowerLoss).await.expect("the power fails");
        assert_eq!(bench.shell("ls").await, "file");
        assert_eq!(bench.shell("grep -c slow file").await, "1");
        bench.stop().await;
    });
}

#[test]
fn what_is_written_is_lost_goes_astray_or_decays() {
    if !inside("what_is_written_is_lost_goes_astray_or_decays") {
        return;
    }
    run(async {
        let Some(bench) = Bench::start().await else { return };
        bench.shell("head -c 20000 /dev/zero | tr '\\0' a > file && sync file").await;
        ail(&bench, Trouble::LosesWrites, Strikes { nth: Some(1), ..Strikes::default() }).await;
        bench.shell("printf bbb | dd of=file conv=notrunc 2>/dev/null; sync file").await;
        assert_eq!(mend(&bench).await, 1);
        ail(&bench, Trouble::MisdirectsWrites, Strikes { nth: Some(1), ..Strikes::default() }).await;
        bench.shell("printf ccc | dd of=file conv=notrunc 2>/dev/null; sync file").await;
        assert_eq!(mend(&bench).await, 1);
        let nothing = Outage::FlippedBits { count: 0, path: None, seed: 1 };
        bench.disk().go_dark(&nothing).await.expect("it is switched off and on");
        // What went astray lies a page further on; what was lost lies nowhere.
        assert_eq!(bench.shell("tr -d a < file; echo; head -c 4100 file | tail -c 5").await, "ccc\naccca");
        bench.disk().remember().await.expect("it is copied");
        let before = bench.shell("cksum file").await;
        let flip = Outage::FlippedBits { count: 1, path: Some("fi*".into()), seed: 1 };
        let said = bench.disk().go_dark(&flip).await.expect("it is switched off and on");
        assert!(said.starts_with("turned round bit "), "{said}");
        assert_ne!(bench.shell("cksum file").await, before);
        let cut = Outage::Truncated { bytes: 100, path: None, seed: 1 };
        let said = bench.disk().go_dark(&cut).await.expect("it is switched off and on");
        assert!(said.starts_with("cut off the last "), "{said}");
        assert_ne!(bench.shell("stat -c %s file").await, "20000");
        bench.disk().remember().await.expect("it is copied");
        bench.shell("echo later > later && sync later . && rm file && sync .").await;
        bench.disk().go_dark(&Outage::RolledBack).await.expect("it is switched off and on");
        assert_eq!(bench.shell("ls").await, "file");
        bench.stop().await;
    });
}
