//! PostgreSQL: each error after which the client believes that nothing was done.

use std::{
    process::{Command, Stdio},
    sync::Arc,
};

use cluster::Database as _;
use disprove_databases::{Endpoint, Postgres, Running, postgres::Isolation};
use history::{
    Counter, Ids, Value,
    vocabulary::{
        counter, ids,
        register::{Call, Register},
    },
};

use crate::{
    server::{Server, failed, in_doubt, key, number},
    sql::{alike, append_under, crosswise},
};

const PROGRAMS: &str = "/usr/lib/postgresql/15/bin";
/// It refuses to be root's.
const ORDINARY: [&str; 4] = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"];

fn start(member: u8) -> Option<Server> {
    // SAFETY: this only asks who the process is.
    let is_root =
        std::fs::metadata("/proc/self").is_ok_and(|own| std::os::unix::fs::MetadataExt::uid(&own) == 0);
    let line = |words: Vec<String>| -> Vec<String> {
        let before = ORDINARY.iter().filter(|_| is_root).map(|word| (*word).to_owned());
        before.chain(words).collect()
    };
    let prepare = |_: &str, folder: &str| {
        use std::os::unix::fs::PermissionsExt as _;
        let open = std::fs::Permissions::from_mode(0o777);
        let (program, data) = (format!("{PROGRAMS}/initdb"), format!("{folder}/data"));
        let words = [&program, "-D", &data, "-U", "disprove", "-A", "trust", "--no-sync", "-E", "UTF8"];
        let words = line(words.map(str::to_owned).to_vec());
        let mut make = Command::new(&words[0]);
        make.args(&words[1..]).current_dir("/").stdout(Stdio::null()).stderr(Stdio::null());
        std::fs::set_permissions(folder, open).is_ok() && make.status().is_ok_and(|made| made.success())
    };
    let arguments = |address: &str, folder: &str| {
        let settings = [
            format!("listen_addresses={address}"),
            "unix_socket_directories=".into(),
            "deadlock_timeout=50ms".into(),
        ];
        let mut words =
            vec![format!("{PROGRAMS}/postgres"), "-D".into(), format!("{folder}/data"), "-F".into()];
        settings.into_iter().for_each(|setting| words.extend(["-c".into(), setting]));
        line(words)[1..].to_vec()
    };
    let program = if is_root { "setpriv".to_owned() } else { format!("{PROGRAMS}/postgres") };
    Server::prepared(&program, member, 5432, prepare, arguments, &[])
}

async fn made(server: &Server, isolation: Isolation) -> Postgres {
    let url = format!("postgres://disprove@{}/postgres", server.address);
    let running = Arc::new(Running {
        endpoints: vec![Endpoint::parse(&url).expect("it is a URL")],
        run_id: "t".into(),
    });
    let database = Postgres { isolation, running: Some(running), ..Postgres::default() };
    let began = std::time::Instant::now();
    while let Err(error) = database.install(&server.cluster, &server.cluster.nodes[0]).await {
        assert!(began.elapsed() < crate::server::LONG, "{error}");
        tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    }
    database.start(&server.cluster).await.expect("its tables can be made");
    database
}

fn chief(address: &str, statements: &[&str]) -> std::process::Child {
    let mut command = Command::new(format!("{PROGRAMS}/psql"));
    command.args([&format!("postgres://disprove@{address}/postgres"), "-qAt"]);
    statements.iter().for_each(|statement| {
        command.args(["-c", statement]);
    });
    command.stdout(Stdio::null()).spawn().expect("it starts")
}

fn must(address: &str, statements: &[&str]) {
    assert!(chief(address, statements).wait().expect("it ends").success(), "{statements:?}");
}

#[tokio::test]
async fn errors_by_which_the_server_says_that_it_rolled_back() {
    let Some(server) = start(71) else { return };
    let database = made(&server, Isolation::Serializable).await;
    let speaks = database.speaks();
    // 22003: a number out of range. 22021: a letter that no text may hold.
    let mut client = server.open::<Counter>(speaks.factory().expect("counters").as_ref()).await;
    client.invoke(&counter::Call::Add(key("c"), i64::MAX)).await;
    let why = failed(client.invoke(&counter::Call::Add(key("c"), i64::MAX)).await);
    assert!(why.starts_with("22003"), "{why}");
    let mut client = server.open::<Register>(speaks.factory().expect("registers").as_ref()).await;
    let why = failed(client.invoke(&Call::Write(key("x"), Value::from("a\0b"))).await);
    assert!(why.starts_with("22021"), "{why}");
    // 23505: it is there already.
    must(&server.address, &["INSERT INTO disprove_t_ids VALUES (1)"]);
    let mut client = server.open::<Ids>(speaks.factory().expect("ids").as_ref()).await;
    let why = failed(client.invoke(&ids::Call::Generate).await);
    assert!(why.starts_with("23505"), "{why}");
    // 40001: it was not serializable.
    let codes = append_under(&server, &database, alike, true, |_| {}).await;
    assert!(codes.contains("40001"), "{codes:?}");
    // 25006: it takes no writes.
    let address = server.address.clone();
    let codes = append_under(&server, &database, alike, false, move |is_on| {
        let set =
            format!("ALTER SYSTEM SET default_transaction_read_only = {}", if is_on { "on" } else { "off" });
        must(
            &address,
            &[
                if is_on { "SELECT 1" } else { "SET default_transaction_read_only = off" },
                &set,
                "SELECT pg_reload_conf()",
            ],
        );
    })
    .await;
    assert!(codes.contains("25006"), "{codes:?}");
}

#[tokio::test]
async fn a_deadlock_is_rolled_back_and_a_session_that_was_ended_is_in_doubt() {
    let Some(server) = start(72) else { return };
    let database = made(&server, Isolation::ReadCommitted).await;
    // 40P01: each waits for the other.
    let codes = append_under(&server, &database, crosswise, false, |_| {}).await;
    assert!(codes.contains("40P01"), "{codes:?}");
    // 57P01: somebody ended the session while a statement by itself was under way.
    let speaks = database.speaks();
    let mut client = server.open::<Register>(speaks.factory().expect("registers").as_ref()).await;
    client.invoke(&Call::Write(key("x"), number(1))).await;
    let lock = ["BEGIN", "LOCK TABLE disprove_t_registers", "SELECT pg_sleep(3)", "ROLLBACK"].join("; ");
    let mut holder = chief(&server.address, &[&lock]);
    tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    let address = server.address.clone();
    let ending = std::thread::spawn(move || {
        std::thread::sleep(std::time::Duration::from_millis(500));
        let waiting = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE wait_event_type = 'Lock'";
        must(&address, &[waiting]);
    });
    let why = in_doubt(client.invoke(&Call::Write(key("x"), number(2))).await);
    assert!(why.starts_with("57P01") || why.contains("broke"), "{why}");
    ending.join().expect("it ends");
    holder.wait().expect("it ends");
}
