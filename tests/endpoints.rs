//! Systems that already run, by their URLs: real servers that these tests start, with passwords, and with data of somebody else's
//! in them that must be left alone. A system that is not installed is left out by name.

use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
    path::Path,
    process::{Command, Stdio},
};

#[path = "endpoints/bench.rs"]
mod bench;

use bench::{Bench, PASSWORD, TURN, expect, files, no_secret_in, skip, wait_until};

#[test]
fn postgresql_and_what_speaks_its_protocol_is_tested_where_it_runs_and_left_as_it_was() {
    let _turn = TURN.lock();
    let programs = "/usr/lib/postgresql/15/bin";
    let program = |name: &str| format!("{programs}/{name}");
    if skip("PostgreSQL that already runs", &program("postgres"), "postgresql") {
        return;
    }
    let mut bench = Bench::new("postgres", 1);
    let (data, secret) = (format!("{}/data", bench.server()), bench.file("secret", PASSWORD));
    let pwfile = format!("--pwfile={secret}");
    let made = ["-D", &data, "-U", "tester", "-A", "scram-sha-256", &pwfile, "--no-sync", "-E", "UTF8"];
    bench.must(&program("initdb"), &made);
    let listen = format!("listen_addresses={}", bench.address);
    bench.serve(
        &program("postgres"),
        &["-D", &data, "-c", &listen, "-c", "unix_socket_directories=", "-F"],
        5432,
    );
    let place = format!("{}:5432/postgres", bench.address);
    let sql = |statement: &str| {
        let url = format!("postgres://tester:{PASSWORD}@{place}");
        let output =
            Command::new(program("psql")).args([&url, "-Atc", statement]).output().expect("it starts");
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    };
    wait_until("PostgreSQL", || sql("SELECT 1") == "1");
    sql("CREATE TABLE registers (k text, v text); INSERT INTO registers VALUES ('mine', 'kept')");
    let tables = || sql("SELECT count(*) FROM pg_class WHERE relname LIKE 'disprove%'");

    let common = "--workload list-append --time-limit 1";
    expect(&mut bench.test(&format!("--endpoint postgres://tester:{PASSWORD}@{place} {common}")), 0);
    // Two nodes of one system, with the password in a file; and one with the password in the environment.
    let url = format!("cockroachdb://tester@{place}");
    let line = format!("--endpoint {url},{url} --password-file {secret} --workload bank --time-limit 1");
    expect(&mut bench.test(&format!("{line} --model serializable")), 0);
    let line =
        format!("--endpoint postgres://tester@{place} --dialect yugabytedb --isolation repeatable-read");
    let mut run = bench.test(&format!("{line} --workload predicate --time-limit 1"));
    expect(run.env("DISPROVE_PASSWORD", PASSWORD), 0);
    // A repetition finds the password where the run did.
    let mut replay = Command::new(env!("CARGO_BIN_EXE_disprove"));
    replay.arg("replay").arg(bench.folder.join("store/latest")).current_dir(&bench.folder);
    expect(replay.env("DISPROVE_PASSWORD", PASSWORD), 0);
    assert_eq!((tables(), sql("SELECT v FROM registers")), ("0".to_owned(), "kept".to_owned()));

    let told = expect(&mut bench.test(&format!("--endpoint postgres://tester:wrong@{place} {common}")), 70);
    assert!(
        told.contains("n1: postgres://tester@127") && told.contains("password authentication failed"),
        "{told}"
    );
    let told = expect(&mut bench.test(&format!("{line} --isolation serialisable")), 64);
    assert!(told.contains("cannot be used multiple times") || told.contains("did you mean"), "{told}");
    let told = expect(&mut bench.test(&format!("--endpoint {url} --isolation repeatable-read")), 64);
    assert!(told.contains("cockroachdb has no isolation level `repeatable-read`"), "{told}");

    // A controller that dies leaves its tables there until it is healed.
    let line = format!("--endpoint postgres://tester@{place} --password-file {secret} --time-limit 300");
    let mut run = bench.test(&line).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("it starts");
    wait_until("the tables", || tables() != "0");
    run.kill().expect("it runs");
    run.wait().expect("it ends");
    assert_ne!(tables(), "0");
    let mut heal = Command::new(env!("CARGO_BIN_EXE_disprove"));
    expect(heal.arg("heal").arg(bench.folder.join("store/latest")).current_dir(&bench.folder), 0);
    assert_eq!(tables(), "0");
    no_secret_in(&bench.folder.join("store/postgres-list-append"));
    no_secret_in(&bench.folder.join("store/postgres-bank"));
    for (path, bytes) in files(&bench.folder.join("store")) {
        let found = bytes.windows(PASSWORD.len()).any(|part| part == PASSWORD.as_bytes());
        assert!(!found, "the password is in {}", path.display());
    }
}

#[test]
fn mariadb_and_what_speaks_its_protocol_is_tested_where_it_runs() {
    let _turn = TURN.lock();
    if skip("MariaDB that already runs", "/usr/sbin/mariadbd", "mariadb-server") {
        return;
    }
    let mut bench = Bench::new("mariadb", 2);
    let (server, address) = (bench.server(), bench.address.clone());
    let data = format!("--datadir={server}/data");
    let temporary = format!("--tmpdir={server}");
    let made =
        ["--no-defaults", &data, &temporary, "--auth-root-authentication-method=normal", "--skip-test-db"];
    bench.must("mariadb-install-db", &made);
    let first = bench.file(
        "first.sql",
        &format!(
            "CREATE DATABASE IF NOT EXISTS mine;\nCREATE TABLE mine.registers (k INT);\n\
             CREATE USER tester@'%' IDENTIFIED BY '{PASSWORD}';\nGRANT ALL ON mine.* TO tester@'%';\n"
        ),
    );
    let flags = [
        "--no-defaults".to_owned(),
        data,
        temporary,
        format!("--socket={server}/socket"),
        format!("--bind-address={address}"),
        "--port=3306".into(),
        format!("--init-file={first}"),
        "--innodb-flush-log-at-trx-commit=2".into(),
    ];
    bench.serve("/usr/sbin/mariadbd", &flags.iter().map(String::as_str).collect::<Vec<_>>(), 3306);
    let place = format!("tester:{PASSWORD}@{address}/mine");
    let tested =
        |bench: &Bench, more: &str, code| expect(&mut bench.test(&format!("{more} --time-limit 1")), code);
    let url = format!("mariadb://{place}");
    tested(&bench, &format!("--endpoint {url},{url} --isolation serializable --workload list-append"), 0);
    tested(&bench, &format!("--endpoint mysql://{place} --isolation serializable --workload bank"), 0);
    tested(&bench, &format!("--endpoint mysql://{place} --isolation serializable --workload predicate"), 0);
    // What a dialect sets and the server does not know ends the run: no other level is tested by mistake.
    let told = tested(&bench, &format!("--endpoint tidb://{place} --isolation snapshot-isolation"), 70);
    assert!(told.contains("tidb_txn_mode"), "{told}");
    let told = tested(&bench, &format!("--endpoint tidb://{place} --isolation serializable"), 64);
    assert!(told.contains("tidb has no isolation level `serializable`"), "{told}");
    let query = "SELECT GROUP_CONCAT(table_name) FROM information_schema.tables WHERE table_schema = 'mine'";
    let login = [format!("--password={PASSWORD}"), format!("--host={address}")];
    let left = Command::new("mariadb")
        .args(["--no-defaults", "-N", "-utester"])
        .args(login)
        .args(["-e", query])
        .output();
    assert_eq!(String::from_utf8_lossy(&left.expect("mariadb is there").stdout).trim(), "registers");
    no_secret_in(&bench.folder.join("store/mariadb-bank"));
}

#[test]
fn redis_and_etcd_are_tested_where_they_run_and_keep_what_was_there() {
    let _turn = TURN.lock();
    if skip("Redis that already runs", "redis-server", "redis-server")
        || skip("etcd that already runs", "etcd", "etcd-server")
    {
        return;
    }
    let mut bench = Bench::new("redis", 3);
    let address = bench.address.clone();
    let server = bench.server();
    let flags =
        ["--bind", &address, "--port", "6379", "--requirepass", PASSWORD, "--save", "", "--dir", &server];
    bench.serve("redis-server", &flags, 6379);
    let login = format!("AUTH {PASSWORD}\r\n");
    let two = |said: &str| said.matches("\r\n").count() >= 2;
    bench.say(6379, &format!("{login}SET mine kept\r\n"), two);
    let line = format!("--endpoint redis://:{PASSWORD}@{address} --time-limit 1");
    expect(&mut bench.test(&format!("{line} --workload list-append")), 0);
    assert!(bench.say(6379, &format!("{login}DBSIZE\r\n"), two).ends_with(":1\r\n"));
    let told = expect(&mut bench.test(&format!("--endpoint redis://:wrong@{address} --time-limit 1")), 70);
    assert!(told.contains("WRONGPASS"), "{told}");

    let urls = [format!("http://{address}:2379"), format!("http://{address}:2380")];
    let flags = [
        format!("--data-dir={server}/etcd"),
        format!("--listen-client-urls={}", urls[0]),
        format!("--advertise-client-urls={}", urls[0]),
        format!("--listen-peer-urls={}", urls[1]),
        format!("--initial-advertise-peer-urls={}", urls[1]),
        format!("--initial-cluster=default={}", urls[1]),
    ];
    bench.serve("etcd", &flags.iter().map(String::as_str).collect::<Vec<_>>(), 2379);
    let post = |path: &str, json: &str| {
        let head = format!("POST /v3/{path} HTTP/1.1\r\nhost: etcd\r\ncontent-length: {}\r\n", json.len());
        let answered = |said: &str| said.contains("\r\n\r\n") && said.trim_end().ends_with('}');
        bench.say(2379, &format!("{head}\r\n{json}"), answered)
    };
    wait_until("etcd", || post("kv/put", r#"{"key":"bWluZQ==","value":"a2VwdA=="}"#).contains("revision"));
    expect(&mut bench.test(&format!("--endpoint {} --workload set --time-limit 1", urls[0])), 0);
    let all = post("kv/range", r#"{"key":"AA==","range_end":"AA=="}"#);
    assert!(all.contains(r#""count":"1""#) && all.contains("bWluZQ=="), "{all}");
    no_secret_in(&bench.folder.join("store"));
}

#[test]
fn memcached_and_nats_are_tested_where_they_run_and_keep_what_was_there() {
    let _turn = TURN.lock();
    if skip("memcached that already runs", "memcached", "memcached")
        || skip("NATS that already runs", "nats-server", "nats-server")
    {
        return;
    }
    let mut bench = Bench::new("spoken", 5);
    let (address, server) = (bench.address.clone(), bench.server());
    bench.serve("memcached", &["-l", &address, "-U", "0"], 11211);
    bench.say(11211, "set mine 0 0 4\r\nkept\r\n", |said| said.contains("STORED"));
    expect(&mut bench.test(&format!("--endpoint memcached://{address} --time-limit 1")), 0);
    let counted = bench.say(11211, "stats\r\n", |said| said.ends_with("END\r\n"));
    assert!(counted.contains("STAT curr_items 1\r\n"), "{counted}");

    let flags = ["-a", &address, "-js", "-sd", &server, "--user", "u", "--pass", PASSWORD];
    bench.serve("nats-server", &flags, 4222);
    for workload in ["register", "log", "queue"] {
        let line = format!("--endpoint nats://u:{PASSWORD}@{address} --workload {workload} --time-limit 1");
        expect(&mut bench.test(&line), 0);
    }
    let hello = format!("CONNECT {{\"user\":\"u\",\"pass\":\"{PASSWORD}\"}}\r\nSUB in 1\r\n");
    let names = format!("{hello}PUB $JS.API.STREAM.NAMES in 0\r\n\r\n");
    let left = bench.say(4222, &names, |said| said.contains("stream_names_response"));
    assert!(left.contains("\"total\":0"), "{left}");
    let told = expect(&mut bench.test(&format!("--endpoint nats://u:wrong@{address} --time-limit 1")), 70);
    assert!(told.contains("Authorization Violation"), "{told}");
    no_secret_in(&bench.folder.join("store"));
}

#[test]
fn mosquitto_and_slapd_are_tested_where_they_run_and_keep_what_was_there() {
    let _turn = TURN.lock();
    if skip("Mosquitto that already runs", "/usr/sbin/mosquitto", "mosquitto")
        || skip("slapd that already runs", "/usr/sbin/slapd", "slapd")
    {
        return;
    }
    let mut bench = Bench::new("broker", 7);
    let (address, server) = (bench.address.clone(), bench.server());
    let settings = format!(
        "listener 1883 {address}\npassword_file {server}/users\npersistence true\npersistence_location {server}/\n"
    );
    let settings = bench.file("mosquitto.conf", &settings);
    bench.must("mosquitto_passwd", &["-c", "-b", &format!("{server}/users"), "me", PASSWORD]);
    bench.serve("/usr/sbin/mosquitto", &["-c", &settings], 1883);
    // Somebody else's message, which is retained.
    let login =
        [&b"\0\x04MQTT\x04\xc2\0\0\0\x01m\0\x02me"[..], &[0, PASSWORD.len() as u8], PASSWORD.as_bytes()]
            .concat();
    let connect = [&[0x10, login.len() as u8][..], &login].concat();
    let mut other = TcpStream::connect((address.as_str(), 1883)).expect("it serves");
    other.write_all(&[&connect[..], b"\x31\x0a\0\x04minekept"].concat()).expect("it listens");
    let mut taken = [1; 4];
    other.read_exact(&mut taken).expect("it answers");
    assert_eq!(taken, [0x20, 2, 0, 0], "the connection is taken");
    for workload in ["read-write", "set", "queue"] {
        let line = format!("--endpoint mqtt://me:{PASSWORD}@{address} --workload {workload} --time-limit 1");
        expect(&mut bench.test(&line), 0);
    }
    let told = expect(&mut bench.test(&format!("--endpoint mqtt://me:wrong@{address} --time-limit 1")), 70);
    assert!(told.contains("refuses the connection: reason 0x87"), "{told}");
    // What it keeps it writes down when it ends in peace.
    let mut broker = bench.servers.pop().expect("it was started");
    let ended = Command::new("kill").arg(broker.id().to_string()).status();
    assert!(ended.expect("kill is there").success() && broker.wait().is_ok());
    let kept = std::fs::read(format!("{server}/mosquitto.db")).expect("it wrote it down");
    let kept = String::from_utf8_lossy(&kept).into_owned();
    assert!(kept.contains("kept") && !kept.contains("disprove"), "{kept}");

    let url = bench.directory("ldap", "");
    for workload in ["register", "set"] {
        expect(&mut bench.test(&format!("--endpoint {url} --workload {workload} --time-limit 1")), 0);
    }
    let settings = format!("{}/slapd.conf", bench.folder.display());
    let entries = Command::new("/usr/sbin/slapcat").args(["-f", &settings]).output().expect("it starts");
    let entries = String::from_utf8_lossy(&entries.stdout).into_owned();
    assert_eq!(entries.matches("dn: ").count(), 1, "{entries}");
    let wrong = url.replace(PASSWORD, "wrong");
    let told = expect(&mut bench.test(&format!("--endpoint {wrong} --time-limit 1")), 70);
    assert!(told.contains("result 49"), "{told}");
    no_secret_in(&bench.folder.join("store"));
}

#[test]
fn zookeeper_is_tested_where_it_runs_and_keeps_what_was_there() {
    let _turn = TURN.lock();
    let jars = ["zookeeper", "slf4j-simple"].map(|name| format!("/usr/share/java/{name}.jar"));
    if skip("ZooKeeper that already runs", "java", "zookeeper") {
        return;
    }
    if jars.iter().any(|jar| !Path::new(jar).exists()) {
        println!("left out: ZooKeeper that already runs (sudo apt-get install zookeeper)");
        return;
    }
    let mut bench = Bench::new("zookeeper", 6);
    let (address, server) = (bench.address.clone(), bench.server());
    let settings = format!(
        "tickTime=500\ndataDir={server}/data\nclientPort=2181\nclientPortAddress={address}\n\
         admin.enableServer=false\n4lw.commands.whitelist=srvr\n"
    );
    let file = bench.file("zoo.cfg", &settings);
    let main = "org.apache.zookeeper.server.quorum.QuorumPeerMain";
    bench.serve("java", &["-Xmx128m", "-cp", &jars.join(":"), main, &file], 2181);
    let count = || {
        let whole = |said: &str| {
            said.contains("Node count: ") && said.ends_with('\n') || said.contains("not currently serving")
        };
        let said = bench.say(2181, "srvr", whole);
        said.lines().find(|line| line.starts_with("Node count: ")).map(str::to_owned)
    };
    wait_until("ZooKeeper", || count().is_some());
    let before = count();
    for workload in ["register", "set", "queue", "ids"] {
        let line = format!("--endpoint zookeeper://{address}:2181 --workload {workload} --time-limit 1");
        expect(&mut bench.test(&line), 0);
    }
    assert_eq!(count(), before);
}

#[test]
fn what_cannot_be_done_to_an_endpoint_is_said_in_one_sentence() {
    let bench = Bench::new("mistakes", 4);
    let url = format!("redis://{}:1", bench.address);
    let told = expect(&mut bench.test(&format!("--endpoint {url}")), 70);
    assert!(told.contains(&format!("n1: {url} is not reached")), "{told}");
    for (line, expected) in [
        (format!("--endpoint {url} --faults kill"), "faults need the machines"),
        (format!("--endpoint {url} --plan plan.json"), "faults need the machines"),
        (format!("--endpoint {url} --nodes 3"), "--endpoint names the nodes"),
        (format!("--endpoint {url} --capture"), "--capture is for nodes on this machine"),
        (format!("--endpoint {url} --dialect tidb"), "redis has no dialects"),
        (format!("--endpoint {url} --topology sentinel"), "each URL is a server"),
        (format!("--endpoint {url} --db etcd"), "--db etcd is not spoken"),
        (format!("--endpoint {url},http://h"), "their schemes differ"),
        (
            format!("--endpoint rediss://u:{PASSWORD}@h --ca nowhere.pem"),
            "cannot read the certificates of --ca in nowhere.pem",
        ),
        ("--insecure".into(), "--insecure is for a system that already runs"),
        (format!("--endpoint postgre://u:{PASSWORD}@h"), "did you mean `postgres://`"),
        (format!("--endpoint postgres://u:{PASSWORD}@h:x"), "its port is to be a number"),
        (format!("--endpoint postgres://u@h --password-file {url}"), "cannot read the password"),
        ("--dialect tidb".into(), "add --endpoint"),
    ] {
        let told = expect(&mut bench.test(&line), 64);
        assert!(told.contains(expected), "{line}: {told}");
        assert_eq!(told.trim().lines().count(), 1, "{line}: {told}");
    }
    let mut print = bench.test(&format!("--endpoint redis://u:{PASSWORD}@h --print-config"));
    assert!(expect(&mut print, 0).contains("redis://u@h"));
    let suite = format!(
        "[settings]\nendpoint = \"redis://u:{PASSWORD}@h\"\n[[matrix]]\nworkloads = [\"register\"]\n"
    );
    let file = bench.file("suite.toml", &format!("name = \"a\"\n{suite}"));
    let mut command = Command::new(env!("CARGO_BIN_EXE_disprove"));
    let told = expect(command.args(["suite", &file, "--dry-run"]).current_dir(&bench.folder), 64);
    assert!(told.contains("would be kept with its results"), "{told}");
}
