//! TLS with systems that already run: real servers with certificates that these tests make, each of which is refused where it
//! should be, in one sentence with the remedy. A system that is not installed is left out by name.

use std::{fs, process::Command};

#[path = "endpoints/bench.rs"]
mod bench;
#[path = "endpoints/certificates.rs"]
mod certificates;

use bench::{Bench, PASSWORD, TURN, expect, skip, wait_until};
use certificates::Certificates;

/// What is found wherever TLS is spoken: `url` with TLS, `plain` the same without.
fn judge(bench: &Bench, made: &Certificates, url: &str, plain: &str) {
    let run = |line: String| bench.test(&format!("{line} --time-limit 1"));
    let (ca, client) = (made.ca(), made.client());
    expect(&mut run(format!("--endpoint {url} {ca} {client}")), 0);
    // The choices of a run are enough to repeat it.
    let mut replay = Command::new(env!("CARGO_BIN_EXE_disprove"));
    replay.arg("replay").arg(bench.folder.join("store/latest")).current_dir(&bench.folder);
    expect(replay.env("DISPROVE_PASSWORD", PASSWORD), 0);
    let told = expect(&mut run(format!("--endpoint {url} --insecure {client}")), 0);
    assert!(told.contains("warning: --insecure"), "{told}");
    let stranger = made.path("stranger.pem");
    for (line, expected) in [
        (format!("{url} {client}"), "--ca FILE"),
        (format!("{url} {client} --ca {stranger}"), "--ca FILE"),
        (format!("{url} {client} {ca} --server-name elsewhere.test"), "not for elsewhere.test; "),
        (format!("{url} {ca}"), "--client-cert FILE"),
        (
            format!("{url} {ca} --client-cert {stranger} --client-key {}", made.path("stranger.key")),
            "certificate",
        ),
        (plain.to_owned(), "--tls"),
    ] {
        let told = expect(&mut run(format!("--endpoint {line}")), 70);
        assert!(told.contains(expected) && told.contains("n1: "), "{line}: {told}");
        assert!(told.contains("is not reached"), "{line}: {told}");
        assert_eq!(told.trim().lines().filter(|line| line.contains("is not reached")).count(), 1, "{told}");
    }
    expect(&mut run(format!("--endpoint {url} {ca} {client} --server-name db.test")), 0);
    made.no_secret_in_store();
}

/// The same, and of a certificate that has expired. `reload` makes the server take up its certificate anew.
fn judge_in_time(bench: &Bench, made: &Certificates, url: &str, plain: &str, reload: impl Fn()) {
    judge(bench, made, url, plain);
    let (ca, client) = (made.ca(), made.client());
    let run = |line: String| bench.test(&format!("{line} --time-limit 1"));
    made.install("late");
    reload();
    let told = expect(&mut run(format!("--endpoint {url} {ca} {client}")), 70);
    assert!(told.contains("has expired"), "{told}");
    expect(&mut run(format!("--endpoint {url} --insecure {client}")), 0);
}

#[test]
fn postgresql_is_spoken_to_through_tls() {
    let _turn = TURN.lock();
    let program = |name: &str| format!("/usr/lib/postgresql/15/bin/{name}");
    if skip("PostgreSQL with TLS", &program("postgres"), "postgresql") {
        return;
    }
    let mut bench = Bench::new("tls-postgres", 21);
    Certificates::new(&bench).install("server");
    let (data, secret) = (format!("{}/data", bench.server()), bench.file("secret", PASSWORD));
    let pwfile = format!("--pwfile={secret}");
    bench.must(
        &program("initdb"),
        &["-D", &data, "-U", "tester", "-A", "scram-sha-256", &pwfile, "--no-sync", "-E", "UTF8"],
    );
    let rules = "hostssl all all 0.0.0.0/0 scram-sha-256 clientcert=verify-ca\n";
    fs::write(format!("{data}/pg_hba.conf"), rules).expect("it can be written");
    let settings = ["used.pem", "used.key", "ca.pem"].map(|name| format!("{}/{name}", bench.server()));
    let [certificate, key, ca] = settings;
    let flags = [
        format!("listen_addresses={}", bench.address),
        "unix_socket_directories=".into(),
        "ssl=on".into(),
        format!("ssl_cert_file={certificate}"),
        format!("ssl_key_file={key}"),
        format!("ssl_ca_file={ca}"),
    ];
    let mut line = vec!["-D", data.as_str(), "-F"];
    flags.iter().for_each(|flag| line.extend(["-c", flag]));
    bench.serve(&program("postgres"), &line, 5432);
    let made = Certificates(&bench);
    let place = format!("postgres://tester:{PASSWORD}@{}/postgres", bench.address);
    let full = format!("{place}?sslmode=verify-full");
    let mut ready = bench.test(&format!("--endpoint {full} {} {} --time-limit 1", made.ca(), made.client()));
    wait_until("PostgreSQL", || ready.output().is_ok_and(|output| output.status.success()));
    let reload = || bench.must(&program("pg_ctl"), &["reload", "-s", "-D", &data]);
    // The password is in the environment too, for the repetition.
    judge_in_time(&bench, &made, &full, &place, || {
        reload();
        std::thread::sleep(std::time::Duration::from_secs(1));
    });
    // Its users know the parameters of their own library.
    made.install("server");
    reload();
    std::thread::sleep(std::time::Duration::from_secs(1));
    let files = format!("sslrootcert={}&sslcert={}", made.path("ca.pem"), made.path("client.pem"));
    let own = format!("{place}?sslmode=verify-ca&{files}&sslkey={}", made.path("client.key"));
    expect(&mut bench.test(&format!("--endpoint {own} --server-name elsewhere.test --time-limit 1")), 0);
}

#[test]
fn mariadb_is_spoken_to_through_tls() {
    let _turn = TURN.lock();
    if skip("MariaDB with TLS", "/usr/sbin/mariadbd", "mariadb-server") {
        return;
    }
    let mut bench = Bench::new("tls-mariadb", 22);
    Certificates::new(&bench).install("server");
    let (server, address) = (bench.server(), bench.address.clone());
    let (data, temporary) = (format!("--datadir={server}/data"), format!("--tmpdir={server}"));
    bench.must(
        "mariadb-install-db",
        &["--no-defaults", &data, &temporary, "--auth-root-authentication-method=normal", "--skip-test-db"],
    );
    let first = bench.file(
        "first.sql",
        &format!(
            "CREATE DATABASE IF NOT EXISTS mine;\nCREATE USER tester@'%' IDENTIFIED BY '{PASSWORD}' REQUIRE X509;\n\
             GRANT ALL ON *.* TO tester@'%';\n"
        ),
    );
    let flags = [
        "--no-defaults".to_owned(),
        data,
        temporary,
        format!("--socket={server}/socket"),
        format!("--bind-address={address}"),
        format!("--init-file={first}"),
        format!("--ssl-cert={server}/used.pem"),
        format!("--ssl-key={server}/used.key"),
        format!("--ssl-ca={server}/ca.pem"),
        "--require-secure-transport=ON".into(),
    ];
    bench.serve("/usr/sbin/mariadbd", &flags.iter().map(String::as_str).collect::<Vec<_>>(), 3306);
    let made = Certificates(&bench);
    let plain = format!("mariadb://tester:{PASSWORD}@{address}/mine");
    let reload = || {
        let login = [format!("--password={PASSWORD}"), format!("--host={address}")];
        let mut flush = Command::new("mariadb");
        flush.args(["--no-defaults", "-utester"]).args(login).args(["-e", "FLUSH SSL", "--ssl"]);
        flush.arg(format!("--ssl-cert={}", made.path("client.pem")));
        let done = flush.arg(format!("--ssl-key={}", made.path("client.key"))).output().expect("it starts");
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    };
    judge_in_time(&bench, &made, &format!("{plain}?ssl-mode=VERIFY_IDENTITY"), &plain, reload);
}

#[test]
fn redis_is_spoken_to_through_tls() {
    let _turn = TURN.lock();
    if skip("Redis with TLS", "redis-server", "redis-server") {
        return;
    }
    let mut bench = Bench::new("tls-redis", 23);
    Certificates::new(&bench).install("server");
    let (server, address) = (bench.server(), bench.address.clone());
    let file = |name: &str| format!("{server}/{name}");
    let (used, key, ca) = (file("used.pem"), file("used.key"), file("ca.pem"));
    let tls = ["--port", "0", "--tls-port", "6379", "--tls-cert-file", &used, "--tls-key-file", &key];
    let more = ["--tls-ca-cert-file", &ca, "--bind", &address, "--save", "", "--dir", &server];
    bench.serve("redis-server", &[&tls[..], &more, &["--requirepass", PASSWORD]].concat(), 6379);
    let made = Certificates(&bench);
    let reload = || {
        let certificate =
            format!("--cert {} --key {} {}", made.path("client.pem"), made.path("client.key"), "");
        let mut command = Command::new("redis-cli");
        command
            .args(["--tls", "--insecure", "-h", &address, "-a", PASSWORD])
            .args(certificate.split_whitespace());
        let set = ["CONFIG", "SET", "tls-cert-file", &used, "tls-key-file", &key];
        let done = command.args(["--cacert", &ca]).args(set).output().expect("it starts");
        assert!(String::from_utf8_lossy(&done.stdout).contains("OK"), "{done:?}");
    };
    let place = format!(":{PASSWORD}@{address}");
    judge_in_time(&bench, &made, &format!("rediss://{place}"), &format!("redis://{place}"), reload);
}

#[test]
fn etcd_is_spoken_to_through_tls() {
    let _turn = TURN.lock();
    if skip("etcd with TLS", "etcd", "etcd-server") {
        return;
    }
    let mut bench = Bench::new("tls-etcd", 24);
    Certificates::new(&bench).install("server");
    let (server, address) = (bench.server(), bench.address.clone());
    let (url, peer) = (format!("https://{address}:2379"), format!("http://{address}:2380"));
    let flags = [
        format!("--data-dir={server}/etcd"),
        format!("--listen-client-urls={url}"),
        format!("--advertise-client-urls={url}"),
        format!("--listen-peer-urls={peer}"),
        format!("--initial-advertise-peer-urls={peer}"),
        format!("--initial-cluster=default={peer}"),
        format!("--cert-file={server}/used.pem"),
        format!("--key-file={server}/used.key"),
        format!("--trusted-ca-file={server}/ca.pem"),
        "--client-cert-auth".into(),
    ];
    bench.serve("etcd", &flags.iter().map(String::as_str).collect::<Vec<_>>(), 2379);
    let made = Certificates(&bench);
    // It reads its certificate for every connection; the gateway within it does not use it as it is expired.
    judge_in_time(&bench, &made, &url, &format!("http://{address}:2379"), || {});
}

#[test]
fn memcached_and_nats_are_spoken_to_through_tls() {
    let _turn = TURN.lock();
    if skip("memcached with TLS", "memcached", "memcached")
        || skip("NATS with TLS", "nats-server", "nats-server")
    {
        return;
    }
    let mut bench = Bench::new("tls-spoken", 26);
    Certificates::new(&bench).install("server");
    let (server, address) = (bench.server(), bench.address.clone());
    let files = format!(
        "ssl_chain_cert={server}/used.pem,ssl_key={server}/used.key,ssl_ca_cert={server}/ca.pem,ssl_verify_mode=2"
    );
    bench.serve("memcached", &["-l", &address, "-U", "0", "-Z", "-o", &files], 11211);
    let [certificate, key, ca] = ["used.pem", "used.key", "ca.pem"].map(|name| format!("{server}/{name}"));
    let tls = ["--tlsverify", "--tlscert", &certificate, "--tlskey", &key, "--tlscacert", &ca];
    let flags = ["-a", &address, "-js", "-sd", &server, "--user", "u", "--pass", PASSWORD];
    bench.serve("nats-server", &[&flags[..], &tls].concat(), 4222);
    let made = Certificates(&bench);
    let plain = format!("memcached://{address}");
    judge(&bench, &made, &format!("{plain}?tls=true"), &plain);
    let place = format!("u:{PASSWORD}@{address}");
    judge(&bench, &made, &format!("tls://{place}"), &format!("nats://{place}"));
}

#[test]
fn zookeeper_is_spoken_to_through_tls() {
    let _turn = TURN.lock();
    // TLS is Netty's, which Debian splits in many.
    let netty =
        ["buffer", "codec", "common", "handler", "resolver", "transport", "transport-native-unix-common"];
    let netty = netty.iter().map(|part| format!("netty-{part}"));
    let jars = ["zookeeper", "slf4j-simple"].map(str::to_owned).into_iter().chain(netty);
    let jars: Vec<String> = jars.map(|jar| format!("/usr/share/java/{jar}.jar")).collect();
    if let Some(missing) = jars.iter().find(|jar| !std::path::Path::new(jar).exists()) {
        println!("left out: ZooKeeper with TLS (there is no {missing}; sudo apt-get install zookeeper)");
        return;
    }
    if skip("ZooKeeper with TLS", "java", "zookeeper") {
        return;
    }
    let mut bench = Bench::new("tls-zookeeper", 27);
    Certificates::new(&bench).install("server");
    let (server, address) = (bench.server(), bench.address.clone());
    let both = ["used.key", "used.pem"].map(|name| fs::read_to_string(format!("{server}/{name}")));
    fs::write(format!("{server}/both.pem"), both.map(|text| text.expect("it was made")).concat())
        .expect("it can be written");
    let settings = format!(
        "tickTime=500\nmaxClientCnxns=0\nadmin.enableServer=false\ndataDir={server}/zookeeper\n\
         secureClientPort=2281\nsecureClientPortAddress={address}\nclientPort=2181\nclientPortAddress={address}\n\
         serverCnxnFactory=org.apache.zookeeper.server.NettyServerCnxnFactory\n\
         ssl.keyStore.location={server}/both.pem\nssl.keyStore.type=PEM\n\
         ssl.trustStore.location={server}/ca.pem\nssl.trustStore.type=PEM\n"
    );
    let settings = bench.file("zoo.cfg", &settings);
    let main = "org.apache.zookeeper.server.quorum.QuorumPeerMain";
    bench.serve("java", &["-Xmx128m", "-cp", &jars.join(":"), main, &settings], 2281);
    let made = Certificates(&bench);
    let place = format!("zookeeper://{address}:2281");
    // The first handshakes take a Java machine some seconds.
    let mut ready =
        bench.test(&format!("--endpoint {place}?tls=true {} {} --time-limit 1", made.ca(), made.client()));
    wait_until("ZooKeeper", || ready.output().is_ok_and(|output| output.status.success()));
    judge(&bench, &made, &format!("{place}?tls=true"), &place);
}

#[test]
fn mosquitto_and_slapd_are_spoken_to_through_tls() {
    let _turn = TURN.lock();
    if skip("Mosquitto with TLS", "/usr/sbin/mosquitto", "mosquitto")
        || skip("slapd with TLS", "/usr/sbin/slapd", "slapd")
    {
        return;
    }
    let mut bench = Bench::new("tls-more", 29);
    Certificates::new(&bench).install("server");
    let (server, address) = (bench.server(), bench.address.clone());
    let settings = format!(
        "listener 8883 {address}\nallow_anonymous true\ncafile {server}/ca.pem\ncertfile {server}/used.pem\n\
         keyfile {server}/used.key\nrequire_certificate true\n"
    );
    let settings = bench.file("mosquitto.conf", &settings);
    bench.serve("/usr/sbin/mosquitto", &["-c", &settings], 8883);
    let made = Certificates(&bench);
    let with = |url: String| format!("{url} --workload read-write");
    judge(&bench, &made, &with(format!("mqtts://{address}")), &with(format!("mqtt://{address}:8883")));

    let more = format!(
        "TLSCACertificateFile {server}/ca.pem\nTLSCertificateFile {server}/used.pem\n\
         TLSCertificateKeyFile {server}/used.key\nTLSVerifyClient demand\n"
    );
    let url = bench.directory("ldaps", &more);
    let made = Certificates(&bench);
    judge(&bench, &made, &url, &url.replace("ldaps://", "ldap://"));
}

#[test]
fn files_that_are_of_no_use_are_told_before_anything_is_sent() {
    let bench = Bench::new("tls-files", 25);
    if Command::new("openssl").arg("version").output().is_err() {
        println!("left out: files of TLS (there is no openssl; sudo apt-get install openssl)");
        return;
    }
    let made = Certificates::new(&bench);
    let (ca, client) = (made.path("ca.pem"), made.path("client.pem"));
    let (locked, other) = (made.path("locked.key"), made.path("stranger.key"));
    let wrong = bench.file("wrong", "no passphrase of anything");
    for (line, expected) in [
        ("--ca /dev/null".to_owned(), "no certificate in /dev/null"),
        ("--client-key k".into(), "of no use without --client-cert"),
        (format!("--client-cert {client} --client-key {ca}"), "no private key in"),
        (format!("--client-cert {client} --client-key {other}"), "is not that of the certificate"),
        (format!("--client-cert {client} --client-key {locked}"), "--client-key-passphrase-file FILE"),
        (
            format!("--client-cert {client} --client-key {locked} --client-key-passphrase-file {wrong}"),
            "the passphrase does not open",
        ),
    ] {
        let told = expect(&mut bench.test(&format!("--endpoint rediss://h {line}")), 64);
        assert!(told.contains(expected), "{line}: {told}");
        assert_eq!(told.trim().lines().count(), 1, "{line}: {told}");
    }
}
