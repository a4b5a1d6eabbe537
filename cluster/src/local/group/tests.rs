//! Real groups of every kind that the machine permits.

use std::process::{Child, Command};

use super::*;

/// A shell with a child, as a node's first process and what runs on the node.
struct Tree(Child);

impl Tree {
    fn grow() -> Self {
        let script = "sh -c 'while :; do :; done' & while sleep 0.1; do :; done";
        Self(Command::new("sh").args(["-c", script]).spawn().expect("there is a shell"))
    }

    fn init(&self) -> i32 {
        self.0.id() as i32
    }
}

impl Drop for Tree {
    fn drop(&mut self) {
        for pid in descendants(self.init()).unwrap_or_default() {
            let _gone =
                nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid), nix::sys::signal::Signal::SIGKILL);
        }
        let _gone = self.0.kill();
        let _reaped = self.0.wait();
    }
}

/// Does something with one group after another, of each kind that the machine permits.
fn with_each(power: Power, tree: &Tree, record: &Path, mut act: impl FnMut(Group)) {
    let read = |path| fs::read_to_string(path).expect("it is there");
    let all = places(power, &read("/proc/self/mountinfo"), &read("/proc/self/cgroup"));
    let mut made = 0;
    for (at, place) in all.iter().enumerate() {
        let name = format!("test{at}-{}", std::process::id());
        if let Ok(group) = make_in(place, power, &name, record, tree.init()) {
            act(group);
            made += 1;
        }
    }
    if made == 0 {
        println!("left out: {power:?} by a control group (none can be made here; as root it can)");
    }
}

fn record(test: &str) -> PathBuf {
    let folder = std::env::temp_dir().join(format!("disprove-groups-{test}-{}", std::process::id()));
    fs::create_dir_all(&folder).expect("it is made");
    folder.join(RECORD)
}

fn ticks(pid: i32) -> u64 {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).expect("it lives");
    let words: Vec<&str> = stat.rsplit_once(") ").expect("it has a name").1.split(' ').collect();
    words[11].parse().expect("it is a number")
}

#[test]
fn what_is_frozen_stands_still_and_goes_back_where_it_came_from() {
    let record = record("freezer");
    let tree = Tree::grow();
    std::thread::sleep(Duration::from_millis(100));
    with_each(Power::Freezer, &tree, &record, |group| {
        group.gather().expect("they are moved");
        let busy = *descendants(tree.init()).expect("they are known").first().expect("it runs");
        let before = fs::read_to_string(format!("/proc/{}/cgroup", tree.init())).expect("it is told");
        group.freeze(true).expect("it is frozen");
        let spent = ticks(busy);
        std::thread::sleep(Duration::from_millis(300));
        assert_eq!(ticks(busy), spent, "{}", group.describe());
        group.release().expect("it goes on");
        group.release().expect("twice does no harm");
        assert!(!group.folder.exists());
        assert_eq!(fs::read_to_string(format!("/proc/{busy}/cgroup")).expect("it is told"), before);
        std::thread::sleep(Duration::from_millis(300));
        assert!(ticks(busy) > spent, "{}", group.describe());
    });
    let _left = fs::remove_dir_all(record.parent().expect("it has a folder"));
}

#[test]
fn a_share_of_time_is_all_that_there_is() {
    let record = record("cpu");
    let tree = Tree::grow();
    std::thread::sleep(Duration::from_millis(100));
    with_each(Power::Cpu, &tree, &record, |group| {
        group.narrow_cpu(5000).expect("it is narrowed");
        std::thread::sleep(Duration::from_millis(1500));
        let (periods, throttled) = group.throttled().expect("it is counted");
        assert!(periods >= 5 && throttled * 2 > periods, "{throttled} of {periods}");
        group.release().expect("it goes on");
    });
    let _left = fs::remove_dir_all(record.parent().expect("it has a folder"));
}

#[test]
fn what_a_killed_controller_left_is_removed() {
    let record = record("killed");
    let folder = record.parent().expect("it has a folder").to_owned();
    let tree = Tree::grow();
    std::thread::sleep(Duration::from_millis(100));
    // Frozen by all kinds at once.
    let mut made = Vec::new();
    with_each(Power::Freezer, &tree, &record, |group| {
        group.freeze(true).expect("it is frozen");
        made.push(group);
    });
    for pid in descendants(tree.init()).expect("they are known") {
        nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid), nix::sys::signal::Signal::SIGKILL)
            .expect("sent");
    }
    // A line that names what is not ours, as a torn or edited file may.
    let mut file = fs::OpenOptions::new().create(true).append(true).open(&record).expect("it opens");
    writeln!(file, "/sys/fs/cgroup").expect("it is written");
    let removed = remove_groups(&folder).expect("they go");
    assert_eq!(removed.len(), made.len());
    assert!(made.iter().all(|group| !group.folder.exists()));
    assert_eq!(remove_groups(&folder).expect("twice does no harm"), Vec::<PathBuf>::new());
    let _left = fs::remove_dir_all(folder);
}
