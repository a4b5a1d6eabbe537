//! Real systems from Debian's packages, each run once for real. A system that is not installed is left out by name.

use std::{
    fs,
    net::TcpStream,
    path::PathBuf,
    process::{Child, Command, Output, Stdio},
    sync::Mutex,
    thread::sleep,
    time::{Duration, Instant},
};

/// Clusters share the machine's processors: one test at a time.
static TURN: Mutex<()> = Mutex::new(());

/// A store that is removed when its test has passed.
struct Store(PathBuf);

impl Store {
    fn new(name: &str) -> Self {
        use std::os::unix::fs::PermissionsExt as _;
        let path = std::env::temp_dir().join(format!("disprove-systems-{}-{name}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).expect("a folder can be made");
        // The processes of the nodes are an ordinary user's.
        fs::set_permissions(&path, fs::Permissions::from_mode(0o777)).expect("permissions can be set");
        Self(path)
    }

    fn test(&self, arguments: &str) -> Output {
        Command::new(env!("CARGO_BIN_EXE_disprove"))
            .arg("test")
            .args(arguments.split(' '))
            .arg("--store")
            .arg(&self.0)
            .current_dir(&self.0)
            .stdin(Stdio::null())
            .output()
            .expect("the program starts")
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            let _ = fs::remove_dir_all(&self.0);
        }
    }
}

/// Asserts how a run ended, with all that it said where it ended otherwise.
fn expect(output: &Output, code: i32) {
    let said =
        format!("{}\n{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert_eq!(output.status.code(), Some(code), "{said}");
}

/// Whether a test is left out, and says why.
fn skip(test: &str, program: &str, package: &str) -> bool {
    if std::env::var_os("DISPROVE_TEST_QUICK").is_some() {
        println!("left out: {test} (--quick)");
        return true;
    }
    // One that is named by its path is not asked: some start a server whatever they are asked.
    let is_there = if program.starts_with('/') {
        std::path::Path::new(program).exists()
    } else {
        Command::new(program).arg("--version").output().is_ok()
    };
    if !is_there {
        println!("left out: {test} (there is no {program}; sudo apt-get install {package})");
        return true;
    }
    let doctor = Command::new(env!("CARGO_BIN_EXE_disprove")).arg("doctor").output();
    let can = doctor.expect("the program starts").status.code() == Some(0);
    if !can {
        println!("left out: {test} (this machine permits no namespaces; `disprove doctor` says what to do)");
    }
    !can
}

#[test]
fn redis_alone_keeps_what_it_acknowledged_when_it_is_killed() {
    let _turn = TURN.lock();
    if skip("Redis under kills and pauses", "redis-server", "redis-server") {
        return;
    }
    let store = Store::new("redis");
    let line = "--db redis --workload list-append --faults kill,pause --time-limit 8 --rate 400 --seed 3";
    expect(&store.test(line), 0);
}

#[test]
fn etcd_keeps_its_promise_while_its_members_are_replaced() {
    let _turn = TURN.lock();
    if skip("etcd whose members are replaced", "etcd", "etcd-server") {
        return;
    }
    let store = Store::new("etcd");
    let plan = "[[faults]]\nat = 1\nlasts = 2\ntargets = \"leader\"\nfault = { kind = \"replace\" }\n";
    fs::write(store.0.join("plan.toml"), plan).expect("a plan can be written");
    let output = store.test("--db etcd --nodes 3 --plan plan.toml --time-limit 8 --rate 200 --seed 3");
    expect(&output, 0);
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(said.contains("is no member any more; afterwards") && said.contains(" is a member"), "{said}");
}

#[test]
fn mariadb_breaks_repeatable_read_without_any_fault_and_keeps_serializable() {
    let _turn = TURN.lock();
    if skip("MariaDB at two levels", "/usr/sbin/mariadbd", "mariadb-server") {
        return;
    }
    let store = Store::new("mariadb");
    for (level, code) in [("repeatable-read", 1), ("serializable", 0)] {
        let line = format!("--db mariadb --isolation {level} --workload list-append --keys 4 --rate 400");
        expect(&store.test(&format!("{line} --faults none --time-limit 4 --seed 3")), code);
    }
}

#[test]
fn banks_and_rows_in_postgresql_show_what_a_level_lets_pass_and_nothing_else() {
    let _turn = TURN.lock();
    let program = "/usr/lib/postgresql/15/bin/postgres";
    if skip("banks and rows in PostgreSQL", program, "postgresql") {
        return;
    }
    let store = Store::new("postgres");
    let judged_again = |model: &str| {
        let run = store.0.join("latest").canonicalize().expect("a run was made");
        let mut check = Command::new(env!("CARGO_BIN_EXE_disprove"));
        check.arg("check").arg(run).args(["--model", model]).output().expect("the program starts")
    };
    let at = |level: &str, workload: &str, lasts: &str| {
        let common = "--model serializable --faults none --rate 800 --concurrency 12 --seed 3";
        store.test(&format!("--db postgres --isolation {level} --workload {workload} {common} {lasts}"))
    };
    // Two transfers of one account undo each other, unless the level is more than the default of PostgreSQL.
    let stopped = at("read-committed", "bank", "--time-limit 60 --stop-on-anomaly");
    expect(&stopped, 1);
    let said = String::from_utf8_lossy(&stopped.stdout).into_owned();
    assert!(said.contains("the calls were ended early"), "{said}");
    expect(&judged_again("read-committed"), 0);
    expect(&at("serializable", "bank", "--time-limit 4"), 0);
    // Two transactions that look for each other's row before they insert their own have no order.
    expect(&at("repeatable-read", "predicate", "--time-limit 4"), 1);
    expect(&judged_again("snapshot-isolation"), 0);
}

/// A node of ZooKeeper is a Java machine, which takes a few seconds to start on a busy machine.
#[test]
fn zookeeper_is_late_without_sync_and_linearizable_with_it() {
    let _turn = TURN.lock();
    let jar = std::path::Path::new("/usr/share/java/zookeeper.jar");
    if !jar.exists() {
        println!("left out: ZooKeeper (there is no {}; sudo apt-get install zookeeper)", jar.display());
        return;
    }
    if skip("ZooKeeper", "java", "zookeeper") {
        return;
    }
    let store = Store::new("zookeeper");
    let late = "--reads local --model linearizable --faults none --rate 0 --time-limit 60 --stop-on-anomaly";
    let output = store.test(&format!("--db zookeeper {late} --seed 3"));
    // A late read, or a compare-and-set whose refusal nothing but a late read explains.
    expect(&output, 1);
    // What ZooKeeper does promise of such reads is kept in the same run.
    let run = store.0.join("latest").canonicalize().expect("a run was made");
    let mut check = Command::new(env!("CARGO_BIN_EXE_disprove"));
    let checked = check.arg("check").arg(run).args(["--model", "sequential"]).output();
    expect(&checked.expect("the program starts"), 0);
    // A majority stays, so that there are calls enough to judge by.
    expect(&store.test("--db zookeeper --faults kill --max-down 1 --rate 300 --time-limit 6 --seed 3"), 0);
    let output = store.test("--db zookeeper --faults none --keys 2 --rate 0 --time-limit 3 --seed 3");
    expect(&output, 0);
    // Two compare-and-sets of one version: the server refused the later one.
    assert!(String::from_utf8_lossy(&output.stdout).contains("refused with -103"), "{output:?}");
}

#[test]
fn nats_keeps_what_it_acknowledged_and_compares_before_it_takes() {
    let _turn = TURN.lock();
    if skip("NATS JetStream", "nats-server", "nats-server") {
        return;
    }
    let store = Store::new("nats");
    let line = "--db nats --workload set --faults kill --max-down 1 --rate 400 --time-limit 5 --seed 3";
    expect(&store.test(line), 0);
    let output = store.test("--db nats --nodes 1 --faults none --keys 2 --rate 0 --time-limit 2 --seed 3");
    expect(&output, 0);
    // 10071, the error of a message that was to come after another one.
    assert!(
        String::from_utf8_lossy(&output.stdout).contains("another message came in between"),
        "{output:?}"
    );
}

/// One server, because three take half a minute to start on a busy machine, and one still takes several seconds: it is a whole
/// Erlang system.
#[test]
fn rabbitmq_gives_what_was_confirmed_once_and_in_order() {
    let _turn = TURN.lock();
    if skip("RabbitMQ", "/usr/lib/rabbitmq/bin/rabbitmq-server", "rabbitmq-server") {
        return;
    }
    let store = Store::new("rabbitmq");
    let line =
        "--db rabbitmq --nodes 1 --workload queue --faults none --keys 2 --rate 200 --time-limit 3 --seed 3";
    expect(&store.test(line), 0);
}

#[test]
fn memcached_is_linearizable_while_it_lives() {
    let _turn = TURN.lock();
    if skip("memcached", "memcached", "memcached") {
        return;
    }
    let store = Store::new("memcached");
    // Another version, as far as anybody can tell.
    let other = store.0.join("other");
    fs::create_dir(&other).expect("a folder can be made");
    let script = "#!/bin/sh\n[ $# -gt 1 ] && touch \"$DISPROVE_PROGRAMS/used\"\nPATH=${PATH#*:} exec memcached \"$@\"\n";
    fs::write(other.join("memcached"), script).expect("a file can be written");
    let output = Command::new("chmod").args(["-R", "777"]).arg(&other).status();
    assert!(output.expect("chmod is there").success());
    let line = "--db memcached --faults pause --keys 2 --rate 0 --time-limit 2 --seed 3 --programs other";
    let output = store.test(line);
    expect(&output, 0);
    assert!(String::from_utf8_lossy(&output.stdout).contains("the key changed in between"), "{output:?}");
    let latest = store.0.join("latest");
    assert!(other.join("used").is_file(), "the server was not the one of --programs");
    let run = fs::read_to_string(latest.join("run.json")).expect("a run leaves its choices");
    assert!(run.contains(&format!("\"programs\": \"{}\"", other.display())), "{run}");
}

#[test]
fn mosquitto_delivers_what_it_acknowledged_while_it_lives_and_forgets_it_in_a_crash() {
    let _turn = TURN.lock();
    if skip("Mosquitto", "/usr/sbin/mosquitto", "mosquitto") {
        return;
    }
    let store = Store::new("mosquitto");
    let queue = "--db mosquitto --workload queue --keys 3 --rate 200 --seed 3";
    expect(&store.test(&format!("{queue} --faults pause --time-limit 4")), 0);
    expect(&store.test(&format!("{queue} --faults kill --time-limit 6")), 1);
    let line = "--db mosquitto --workload read-write --faults none --rate 200 --time-limit 3 --seed 3";
    expect(&store.test(line), 0);
}

#[test]
fn slapd_is_linearizable_alone_and_loses_updates_where_several_take_writes() {
    let _turn = TURN.lock();
    if skip("slapd", "/usr/sbin/slapd", "slapd") {
        return;
    }
    let store = Store::new("slapd");
    expect(&store.test("--db slapd --faults kill,pause --rate 300 --time-limit 5 --seed 3"), 0);
    let line =
        "--db slapd --topology providers --workload set --faults none --rate 0 --time-limit 3 --seed 3";
    let output = store.test(line);
    expect(&output, 1);
    assert!(String::from_utf8_lossy(&output.stdout).contains("lost-element"), "{output:?}");
}

#[test]
fn a_log_and_a_queue_of_nats_keep_what_was_acknowledged() {
    let _turn = TURN.lock();
    if skip("logs and queues in NATS JetStream", "nats-server", "nats-server") {
        return;
    }
    let store = Store::new("nats-logs");
    for workload in ["log", "queue"] {
        let line = format!("--db nats --nodes 1 --workload {workload} --faults none --keys 3 --rate 300");
        expect(&store.test(&format!("{line} --time-limit 3 --seed 3")), 0);
    }
}

#[test]
fn a_cluster_of_redis_sends_clients_on_to_who_has_their_key() {
    let _turn = TURN.lock();
    if skip("a cluster of Redis", "redis-server", "redis-server") {
        return;
    }
    let store = Store::new("slots");
    let line =
        "--db redis --topology cluster --workload set --faults none --rate 300 --time-limit 3 --seed 3";
    expect(&store.test(line), 0);
}

/// A leader that is cut off for longer than its lock lasts, in the middle of the calls.
const CUT: &str = "[[faults]]\nat = 2\nlasts = 12\ntargets = \"leader\"\nfault = { kind = \"partition\", shape = \"split\" }\n";

#[test]
fn patroni_loses_what_was_acknowledged_in_a_fail_over_unless_commits_wait_for_a_standby() {
    let _turn = TURN.lock();
    if skip("PostgreSQL under Patroni", "/usr/bin/patroni", "patroni python3-etcd")
        || skip("PostgreSQL under Patroni", "etcd", "etcd-server")
        || skip("PostgreSQL under Patroni", "/usr/lib/postgresql/15/bin/postgres", "postgresql")
    {
        return;
    }
    let store = Store::new("patroni");
    fs::write(store.0.join("plan.toml"), CUT).expect("a plan can be written");
    for (topology, code) in [("patroni", 1), ("patroni-sync", 0)] {
        let line = format!("--db postgres --topology {topology} --workload set --plan plan.toml --rate 200");
        let output = store.test(&format!("{line} --time-limit 16 --seed 3"));
        expect(&output, code);
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(code == 0 || said.contains("lost-element"), "{said}");
    }
}

#[test]
fn tarantool_is_linearizable_while_it_lives_and_keeps_what_it_acknowledged() {
    let _turn = TURN.lock();
    if skip("Tarantool", "tarantool", "tarantool") {
        return;
    }
    let store = Store::new("tarantool");
    expect(
        &store
            .test("--db tarantool --workload list-append --faults pause --rate 400 --time-limit 4 --seed 3"),
        0,
    );
    let line = "--db tarantool --topology synchronous --workload register --faults none --rate 300";
    expect(&store.test(&format!("{line} --time-limit 3 --seed 3")), 0);
}

#[test]
fn valkey_is_tested_as_redis_is_and_tells_a_version_of_its_own() {
    let _turn = TURN.lock();
    if skip("Valkey", "valkey-server", "valkey-server") {
        return;
    }
    let store = Store::new("valkey");
    let output =
        store.test("--db valkey --workload list-append --faults kill --rate 300 --time-limit 4 --seed 3");
    expect(&output, 0);
    let run = fs::read_to_string(store.0.join("latest/run.json")).expect("a run leaves its choices");
    assert!(run.contains("\"valkey\""), "{run}");
}

#[test]
fn a_lock_that_is_a_lease_is_held_twice_and_the_lease_itself_is_not() {
    let _turn = TURN.lock();
    if skip("locks and leases in Redis", "redis-server", "redis-server") {
        return;
    }
    let store = Store::new("locks");
    // The first holder that stalls is enough.
    let lock =
        "--db redis --workload lock --faults none --rate 400 --time-limit 60 --stop-on-anomaly --seed 3";
    expect(&store.test(lock), 1);
    expect(&store.test("--db redis --workload lease --faults pause --rate 400 --time-limit 5 --seed 3"), 0);
}

#[test]
fn a_system_is_tested_through_templates_of_http_requests() {
    let _turn = TURN.lock();
    if skip("a system that speaks HTTP", "python3", "python3") {
        return;
    }
    let store = Store::new("http");
    let file = |name: &str| format!("{}/examples/webstore/{name}", env!("CARGO_MANIFEST_DIR"));
    let healthy = file("webstore.toml");
    for workload in ["register", "set"] {
        let run = format!(
            "--config {healthy} --workload {workload} --faults pause --time-limit 5 --rate 200 --seed 3"
        );
        expect(&store.test(&run), 0);
    }
    // Reads come from a cache.
    let diseased = file("cached.toml");
    expect(&store.test(&format!("--config {diseased} --faults none --time-limit 5 --rate 200 --seed 3")), 1);
}

/// The folder of the example of a system of the user's own.
fn example(file: &str) -> String {
    format!("{}/examples/mystore/{file}", env!("CARGO_MANIFEST_DIR"))
}

#[test]
fn a_system_that_a_file_describes_is_tested_through_a_program() {
    let _turn = TURN.lock();
    if skip("a system of the user's own", "python3", "python3") {
        return;
    }
    let store = Store::new("own");
    let file = example("mystore.toml");
    expect(&store.test(&format!("--config {file} --faults none --time-limit 3 --rate 300 --seed 3")), 0);
    // What was run can be looked at again without a word of where it came from.
    let run = store.0.join("latest").canonicalize().expect("a run was made");
    for command in ["check", "report"] {
        let output = Command::new(env!("CARGO_BIN_EXE_disprove")).arg(command).arg(&run).output();
        expect(&output.expect("the program starts"), 0);
    }
}

#[test]
fn a_server_that_ends_at_once_is_not_waited_for() {
    let _turn = TURN.lock();
    if skip("a server that does not start", "sh", "dash") {
        return;
    }
    let store = Store::new("ended");
    let file = store.0.join("ended.toml");
    let text = "[run]\nworkload = \"register\"\n[database]\nname = \"ended\"\nnodes = 1\n\
        start = [\"sh\", \"-c\", \"exit 3\"]\nclient = [\"sh\", \"-c\", \"exit 4\"]\nspeaks = [\"register\"]\n\
        version = [\"echo\", \"1\"]\n[database.promises]\nregister = \"linearizable\"\n";
    fs::write(&file, text).expect("a file can be written");
    let output = store.test(&format!("--config {} --faults none --time-limit 3", file.display()));
    expect(&output, 70);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("did not start: ") && said.contains("on n1 ended with exit code 3"), "{said}");
}

/// What `client-check` says of a program, and how it ends.
fn client_check(arguments: &[&str]) -> (Option<i32>, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_disprove"))
        .arg("client-check")
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .expect("the program starts");
    (output.status.code(), String::from_utf8_lossy(&output.stdout).into_owned())
}

/// A server that ends with its test.
struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// What docs/findings.md says of PostgreSQL is shown without anything of ours.
#[test]
fn a_held_commit_of_postgres_lets_a_cycle_pass() {
    let _turn = TURN.lock();
    let has = |program: &str| Command::new(program).arg("--version").output().is_ok();
    if !PathBuf::from("/usr/lib/postgresql").is_dir() || !has("gdb") {
        println!("left out: PostgreSQL with a commit that is held (sudo apt-get install postgresql gdb)");
        return;
    }
    let script = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("examples/held-commit.py");
    let output = Command::new("python3").arg(script).output().expect("python3 starts");
    let said =
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    if said.contains("gdb may not trace") {
        println!("left out: PostgreSQL with a commit that is held ({})", said.trim());
        return;
    }
    assert_eq!(output.status.code(), Some(0), "{said}");
}

#[test]
fn a_client_program_is_tried_and_its_first_mistake_explained() {
    if Command::new("python3").arg("--version").output().is_err() {
        println!("left out: client programs (there is no python3; sudo apt-get install python3)");
        return;
    }
    // A loopback address of this process's own.
    let pid = std::process::id();
    let address = format!("127.61.{}.{}", (pid >> 8) & 0xff, (pid & 0xff).max(2));
    let started = Command::new("python3").args([&example("server.py"), &address, "7000"]).spawn();
    let _server = Server(started.expect("python3 starts"));
    let began = Instant::now();
    while TcpStream::connect((address.as_str(), 7000)).is_err() {
        assert!(began.elapsed() < Duration::from_secs(60), "the example's server does not serve");
        sleep(Duration::from_millis(50));
    }
    let client = example("client.py");
    for vocabulary in ["register", "set"] {
        let (code, said) = client_check(&["--as", vocabulary, "--address", &address, "python3", &client]);
        assert_eq!(code, Some(0), "{said}");
        assert!(said.contains(&format!("the program speaks {vocabulary}")), "{said}");
    }
    let opened =
        "import sys; sys.stdin.readline(); print('{\"open\":\"ok\"}', flush=True); sys.stdin.readline(); ";
    for (program, told) in [
        ("print('hello')".to_owned(), "`hello` is not JSON"),
        ("print('{\"fail\":\"no store\"}')".to_owned(), "refused to open a session: no store"),
        (format!("{opened}print('{{\"id\":9}}', flush=True)"), "the id 9, and the call had 1"),
        (format!("{opened}print('{{\"id\":1,\"ok\":\"written\"}}', flush=True)"), "no answer to `read"),
        (format!("{opened}print('{{\"id\":1,\"ok\":{{\"value\":8}}}}', flush=True)"), "it should be nil"),
        (opened.to_owned(), "ended without an answer"),
    ] {
        let (code, said) = client_check(&["python3", "-c", &program]);
        assert_eq!(code, Some(1), "{program}: {said}");
        assert!(said.contains(told), "{program}: {said}");
    }
    let (_, said) = client_check(&["disprove-no-such-program"]);
    assert!(said.contains("does not start"), "{said}");
}
