//! MariaDB: each error after which the client believes that nothing was done.

use std::{
    os::unix::fs::MetadataExt as _,
    path::Path,
    process::{Command, Stdio},
    sync::Arc,
};

use cluster::Database as _;
use disprove_databases::{Endpoint, Mariadb, Running, mariadb::Isolation};
use history::{
    ListAppend, Mutex, Outcome,
    vocabulary::{
        list_append::{Answer, Step},
        lock,
        register::{Call, Register},
    },
};

use crate::{
    server::{Server, failed, key, number},
    sql::{alike, append_under, crosswise},
};

const FIRST: &str = "CREATE DATABASE IF NOT EXISTS mine;\nCREATE USER IF NOT EXISTS plain@'%';\nGRANT ALL ON mine.* TO plain@'%';\n\
                     CREATE USER IF NOT EXISTS chief@'%';\nGRANT ALL ON *.* TO chief@'%';\n";

fn start(member: u8, more: impl Fn(&str) -> Vec<String>) -> Option<Server> {
    let prepare = |_: &str, folder: &str| {
        let data = format!("--datadir={folder}/data");
        let mut make = Command::new("mariadb-install-db");
        make.args(["--no-defaults", &data, "--auth-root-authentication-method=normal", "--skip-test-db"]);
        // Root has to say that it means it; nobody else may name another.
        if std::fs::metadata(folder).is_ok_and(|folder| folder.uid() == 0) {
            make.arg("--user=root");
        }
        let made = make.stdout(Stdio::null()).stderr(Stdio::null()).status();
        std::fs::write(format!("{folder}/first.sql"), FIRST).is_ok() && made.is_ok_and(|made| made.success())
    };
    let arguments = |address: &str, folder: &str| {
        let mut flags = vec![
            "--no-defaults".to_owned(),
            "--user=root".into(),
            format!("--datadir={folder}/data"),
            format!("--socket={folder}/socket"),
            format!("--bind-address={address}"),
            format!("--init-file={folder}/first.sql"),
            "--innodb-flush-log-at-trx-commit=0".into(),
            "--innodb-lock-wait-timeout=1".into(),
        ];
        flags.extend(more(address));
        flags
    };
    Server::prepared("/usr/sbin/mariadbd", member, 3306, prepare, arguments, &[])
}

/// The database as a user without any rights over the server sees it, with tables of its own.
async fn made(server: &Server, isolation: Isolation) -> Mariadb {
    let endpoint = Endpoint::parse(&format!("mariadb://plain@{}/mine", server.address)).expect("it is a URL");
    let running = Arc::new(Running { endpoints: vec![endpoint], run_id: "t".into() });
    let database = Mariadb { isolation, running: Some(running), ..Mariadb::default() };
    let began = std::time::Instant::now();
    while let Err(error) = database.install(&server.cluster, &server.cluster.nodes[0]).await {
        assert!(began.elapsed() < crate::server::LONG, "{error}");
        tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    }
    database.start(&server.cluster).await.expect("its tables can be made");
    database
}

/// Starts to say something to the server, as somebody who may do everything.
fn chief(address: &str, statements: &str) -> std::process::Child {
    let mut command = Command::new("mariadb");
    command.args(["--no-defaults", "-uchief", "mine", "-h", address, "-e", statements]);
    command.stdout(Stdio::null()).spawn().expect("it starts")
}

fn must(address: &str, statements: &str) {
    assert!(chief(address, statements).wait().expect("it ends").success(), "{statements}");
}

#[tokio::test]
async fn errors_of_one_server_after_which_nothing_was_done() {
    let Some(server) = start(51, |_| Vec::new()) else { return };
    let database = made(&server, Isolation::RepeatableRead).await;
    let speaks = database.speaks();
    // 1406: the value is too long.
    let mut client = server.open::<Register>(speaks.factory().expect("registers").as_ref()).await;
    let long = history::Value::from("v".repeat(200).as_str());
    let why = failed(client.invoke(&Call::Write(key("x"), long)).await);
    assert!(why.starts_with("1406"), "{why}");
    // 1062: somebody has the lock.
    let mut mutex = server.open::<Mutex>(speaks.factory().expect("locks").as_ref()).await;
    let acquire = lock::Call::Acquire(key("l"), number(1));
    assert_eq!(mutex.invoke(&acquire).await, Outcome::Ok(lock::Return::Acquired));
    failed(mutex.invoke(&acquire).await);
    // 1205 takes back one statement: the one before it must not be committed with a later transaction.
    let mut holder = chief(
        &server.address,
        "START TRANSACTION; INSERT INTO disprove_t_lists VALUES ('held', '9'); SELECT SLEEP(6); ROLLBACK",
    );
    tokio::time::sleep(std::time::Duration::from_secs(2)).await;
    let mut lists = server.open::<ListAppend>(speaks.factory().expect("lists").as_ref()).await;
    let steps = vec![Step::Append(key("free"), number(1)), Step::Append(key("held"), number(1))];
    let why = failed(lists.invoke(&steps).await);
    assert!(why.starts_with("1205"), "{why}");
    holder.wait().expect("it ends");
    let read = lists.invoke(&vec![Step::Append(key("other"), number(2)), Step::Read(key("free"))]).await;
    let Outcome::Ok(answers) = read else { panic!("{read:?}") };
    assert_eq!(answers[1], Answer::Read(key("free"), Some(Vec::new().into())));
    // 1213: each waits for the other.
    let codes = append_under(&server, &database, crosswise, false, |_| {}).await;
    assert!(codes.contains("1213"), "{codes:?}");
}

#[tokio::test]
async fn a_server_that_refuses_writes_or_changes_took_nothing() {
    let Some(server) = start(52, |_| Vec::new()) else { return };
    // 1290, also as the answer to a COMMIT.
    let database = made(&server, Isolation::ReadCommitted).await;
    let address = server.address.clone();
    let codes = append_under(&server, &database, alike, false, move |is_on| {
        must(&address, &format!("SET GLOBAL read_only = {}", u8::from(is_on)));
    })
    .await;
    assert!(codes.contains("1290"), "{codes:?}");
    // 1020: what was read has changed.
    database.remove_own(&server.cluster).await.expect("its tables go");
    let database = made(&server, Isolation::SnapshotIsolation).await;
    let codes = append_under(&server, &database, alike, true, |_| {}).await;
    assert!(codes.contains("1020"), "{codes:?}");
}

#[tokio::test]
async fn a_server_that_is_not_in_its_cluster_took_nothing() {
    let library = "/usr/lib/galera/libgalera_smm.so";
    if !Path::new(library).exists() {
        println!("left out: the errors of Galera (it is not installed)");
        return;
    }
    let galera = |address: &str| {
        let options = format!("base_host={address};gmcast.listen_addr=tcp://{address}:4567;gcache.size=16M");
        vec![
            "--binlog-format=ROW".to_owned(),
            "--innodb-autoinc-lock-mode=2".into(),
            "--wsrep-on=ON".into(),
            "--wsrep-new-cluster".into(),
            format!("--wsrep-provider={library}"),
            format!("--wsrep-cluster-address=gcomm://{address}"),
            format!("--wsrep-node-address={address}"),
            format!("--wsrep-provider-options={options}"),
            "--innodb-lock-wait-timeout=20".into(),
        ]
    };
    let Some(server) = start(53, galera) else { return };
    let database = made(&server, Isolation::RepeatableRead).await;
    // A COMMIT that is answered with 1047 leaves the transaction open: whoever goes on in the session must not commit it.
    let mut holder = chief(
        &server.address,
        "START TRANSACTION; INSERT INTO disprove_t_lists VALUES ('held', '9'); SELECT SLEEP(3); \
         SET GLOBAL wsrep_reject_queries = ALL; ROLLBACK",
    );
    tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    let lists = database.speaks().factory::<ListAppend>().expect("lists");
    let mut client = server.open(lists.as_ref()).await;
    let steps = vec![Step::Append(key("free"), number(1)), Step::Append(key("held"), number(1))];
    let why = failed(client.invoke(&steps).await);
    assert!(why.starts_with("1047"), "{why}");
    // Its own ROLLBACK is refused as well; it ends with its connection.
    holder.wait().expect("it ends");
    must(&server.address, "SET GLOBAL wsrep_reject_queries = NONE");
    if client.is_broken() {
        client = server.open(lists.as_ref()).await;
    }
    let went_on = client.invoke(&vec![Step::Append(key("other"), number(2))]).await;
    assert!(matches!(went_on, Outcome::Ok(_)), "{went_on:?}");
    for name in ["free", "held"] {
        let read = client.invoke(&vec![Step::Read(key(name))]).await;
        assert_eq!(read, Outcome::Ok(vec![Answer::Read(key(name), Some(Vec::new().into()))]));
    }
    let address = server.address.clone();
    // The same again and again, at any moment.
    let codes = append_under(&server, &database, alike, false, move |is_on| {
        must(&address, &format!("SET GLOBAL wsrep_reject_queries = {}", if is_on { "ALL" } else { "NONE" }));
    })
    .await;
    assert!(codes.contains("1047"), "{codes:?}");
}
