//! slapd: comparisons that are refused, who may not write or not there, values of no use, and what is in doubt.

use std::sync::Arc;

use disprove_databases::{Endpoint, Running, Slapd, slapd::SlapdClients};
use history::{
    Outcome, Set, Value,
    vocabulary::{
        register::{Call, Register, Return},
        set,
    },
};

use crate::server::{Server, failed, key, number, race};

const PORT: u16 = 3890;

fn start(member: u8, more: &'static str) -> Option<Server> {
    Server::prepared(
        "slapd",
        member,
        PORT,
        |address, folder| {
            let more = more.replace("{address}", address);
            let settings = format!(
                "include /etc/ldap/schema/core.schema\nmodulepath /usr/lib/ldap\nmoduleload back_mdb\n\
                 moduleload syncprov\ndatabase mdb\nsuffix dc=disprove\nrootdn cn=disprove,dc=disprove\n\
                 rootpw disprove\ndirectory {folder}/data\n{more}\n"
            );
            std::path::Path::new("/etc/ldap/schema/core.schema").exists()
                && std::fs::create_dir_all(format!("{folder}/data")).is_ok()
                && std::fs::write(format!("{folder}/slapd.conf"), settings).is_ok()
        },
        |address, folder| {
            ["-f", &format!("{folder}/slapd.conf"), "-h", &format!("ldap://{address}:{PORT}"), "-d", "32768"]
                .map(str::to_owned)
                .to_vec()
        },
        &[],
    )
}

/// Sessions of somebody with the server, as a URL says who.
fn as_whom(server: &Server, login: &str) -> SlapdClients {
    let url = format!("ldap://{login}{}:{PORT}/dc=disprove", server.address);
    let endpoints = vec![Endpoint::parse(&url).expect("it is an endpoint")];
    let running = Some(Arc::new(Running { endpoints, run_id: "r1".into() }));
    SlapdClients(Slapd { running, ..Slapd::default() })
}

/// Makes the entry below which all others are.
async fn base(server: &Server) {
    use cluster::Database as _;
    let database = Slapd::default();
    let began = std::time::Instant::now();
    while let Err(error) = database.ready(&server.cluster).await {
        assert!(began.elapsed() < crate::server::LONG, "{error}");
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn a_refused_comparison_did_nothing() {
    let Some(server) = start(61, "") else { return };
    base(&server).await;
    let clients = SlapdClients::default();
    race(&server, &clients).await;
    let mut client = server.open::<Register>(&clients).await;
    // 68: there is an entry. 32: there is none. 16: it has another value.
    for (name, from, to) in [("race", Value::Nil, 7), ("none", number(1), 2), ("race", number(-1), 3)] {
        let swapped = client.invoke(&Call::Cas(key(name), from, number(to))).await;
        assert_eq!(swapped, Outcome::Ok(Return::Refused), "{name}");
    }
    // 21: a value that an attribute of texts cannot have.
    let why = failed(client.invoke(&Call::Write(key("race"), Value::from(""))).await);
    assert!(why.contains("result 21") && !client.is_broken(), "{why}");
    let read = client.invoke(&Call::Read(key("none"))).await;
    assert_eq!(read, Outcome::Ok(Return::Value(Some(Value::Nil))));
}

#[tokio::test]
async fn what_is_there_or_gone_already_is_so() {
    let Some(server) = start(62, "") else { return };
    base(&server).await;
    let mut client = server.open::<Set>(&SlapdClients::default()).await;
    let set = || key("s");
    for (call, answer) in [
        (set::Call::Remove(set(), number(1)), set::Return::Changed(false)),
        (set::Call::Add(set(), number(1)), set::Return::Added),
        (set::Call::Add(set(), number(1)), set::Return::Added),
        (set::Call::Add(set(), number(2)), set::Return::Added),
        (set::Call::Remove(set(), number(1)), set::Return::Changed(true)),
        (set::Call::Remove(set(), number(1)), set::Return::Changed(false)),
        (set::Call::Contains(set(), number(1)), set::Return::Contains(false)),
        (set::Call::Read(set()), set::Return::Elements(vec![number(2)])),
    ] {
        assert_eq!(client.invoke(&call).await, Outcome::Ok(answer), "{call:?}");
    }
}

#[tokio::test]
async fn who_may_not_write_wrote_nothing() {
    let more = "access to dn.subtree=dc=disprove by users read by * read";
    let Some(server) = start(63, more) else { return };
    base(&server).await;
    let mut own = server.open::<Register>(&SlapdClients::default()).await;
    assert_eq!(own.invoke(&Call::Write(key("x"), number(1))).await, Outcome::Ok(Return::Written));
    // 8: nobody in particular. What they may read they do.
    let mut nobody = server.open::<Register>(&as_whom(&server, "")).await;
    let why = failed(nobody.invoke(&Call::Write(key("x"), number(2))).await);
    assert!(why.contains("result 8") && !nobody.is_broken(), "{why}");
    let read = nobody.invoke(&Call::Read(key("x"))).await;
    assert_eq!(read, Outcome::Ok(Return::Value(Some(number(1)))));
    // 49: who does not know the password is not let in.
    let wrong = as_whom(&server, "cn=disprove%2Cdc=disprove:wrong@");
    let opened =
        cluster::ClientFactory::<Register>::open(&wrong, &server.cluster, &server.cluster.nodes[0]).await;
    assert!(opened.err().expect("it is refused").to_string().contains("result 49"));
}

#[tokio::test]
async fn who_follows_writes_nothing_and_names_who_does() {
    let more = "syncrepl rid=001 provider=ldap://{address}:1 searchbase=dc=disprove type=refreshOnly retry=\"60 +\"\n\
                updateref ldap://{address}:1";
    for (member, more, told) in [(64, more, "result 10"), (65, "readonly on", "result 53")] {
        let Some(server) = start(member, more) else { return };
        let mut client = server.open::<Register>(&SlapdClients::default()).await;
        // 10: that another server takes writes. 53: that nobody may write here now.
        let why = failed(client.invoke(&Call::Cas(key("x"), Value::Nil, number(2))).await);
        assert!(why.contains(told) && !client.is_broken(), "{why}");
    }
}

#[tokio::test]
async fn who_may_write_elsewhere_wrote_nothing_here() {
    let Some(server) = start(66, "access to * by dn.base=cn=r1-1,dc=disprove read by * auth") else { return };
    base(&server).await;
    // An entry that can log in, since it has a password, made by hand.
    let mut ldap = std::process::Command::new("ldapadd");
    let place = format!("ldap://{}:{PORT}", server.address);
    ldap.args(["-x", "-H", &place, "-D", "cn=disprove,dc=disprove", "-w", "disprove"]);
    let entry = "dn: cn=r1-1,dc=disprove\nobjectClass: device\nobjectClass: simpleSecurityObject\ncn: r1-1\n\
                 userPassword: own\n";
    let file = server.folder.join("entry.ldif");
    std::fs::write(&file, entry).expect("a file can be written");
    match ldap.arg("-f").arg(&file).output() {
        Err(_) => {
            println!("left out: result 50 of slapd (there is no ldapadd; sudo apt-get install ldap-utils)");
            return;
        }
        Ok(output) => assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr)),
    }
    let own = as_whom(&server, "cn=r1-1%2Cdc=disprove:own@");
    let mut client = server.open::<Register>(&own).await;
    let why = failed(client.invoke(&Call::Write(key("r1-1"), number(2))).await);
    assert!(why.contains("result 50") && !client.is_broken(), "{why}");
}

#[tokio::test]
async fn what_has_no_answer_is_in_doubt() {
    let Some(mut server) = start(67, "") else { return };
    base(&server).await;
    let clients = SlapdClients::default();
    let mut client = server.open::<Register>(&clients).await;
    let mut reader = server.open::<Register>(&clients).await;
    assert_eq!(client.invoke(&Call::Write(key("x"), number(1))).await, Outcome::Ok(Return::Written));
    server.doubt(client.as_mut(), &Call::Write(key("x"), number(2))).await;
    failed(reader.invoke(&Call::Read(key("x"))).await);
    server.is_gone::<Register>(&clients).await;
}
