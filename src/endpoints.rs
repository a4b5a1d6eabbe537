//! `--endpoint`: a system that already runs, by the URLs of its nodes.

use std::{borrow::Cow, net::IpAddr, path::Path, sync::Arc};

use cluster::{Cluster, Node};
use databases::{Endpoint, Password, Running, Tls, TlsChoice};
use history::NodeId;

use crate::{
    arguments::{TestArguments, TlsArguments},
    exit::Failure,
    inventory::Inventory,
    run::choices::run_id,
};

/// The variable of the environment that is the password.
const PASSWORD: &str = "DISPROVE_PASSWORD";
/// The variable of the environment that opens the client's key.
const PASSPHRASE: &str = "DISPROVE_CLIENT_KEY_PASSPHRASE";
/// The schemes of URLs, and the database in `--db` that each is spoken to as.
const SCHEMES: [(&str, &str); 26] = [
    ("postgres", "postgres"),
    ("postgresql", "postgres"),
    ("cockroachdb", "postgres"),
    ("cockroach", "postgres"),
    ("yugabytedb", "postgres"),
    ("yugabyte", "postgres"),
    ("mariadb", "mariadb"),
    ("mysql", "mariadb"),
    ("tidb", "mariadb"),
    ("redis", "redis"),
    ("valkey", "valkey"),
    ("rediss", "redis"),
    ("valkeys", "valkey"),
    ("http", "etcd"),
    ("https", "etcd"),
    ("etcd", "etcd"),
    ("zookeeper", "zookeeper"),
    ("nats", "nats"),
    ("tls", "nats"),
    ("amqp", "rabbitmq"),
    ("amqps", "rabbitmq"),
    ("memcached", "memcached"),
    ("mqtt", "mosquitto"),
    ("mqtts", "mosquitto"),
    ("ldap", "slapd"),
    ("ldaps", "slapd"),
];

/// The flags with all that the endpoints among them say: which database it is, as whom, and without faults.
pub fn settled(arguments: &TestArguments, seed: u64) -> Result<Cow<'_, TestArguments>, Failure> {
    if arguments.endpoint.is_empty() {
        for (flag, is_given) in [
            ("--dialect", arguments.dialect.is_some()),
            ("--password-file", arguments.password_file.is_some()),
            (arguments.tls.first(), !arguments.tls.is_silent() && !speaks_http(arguments)?),
        ] {
            if is_given {
                return Err(Failure::usage(format!(
                    "{flag} is for a system that already runs; add --endpoint"
                )));
            }
        }
        return Ok(Cow::Borrowed(arguments));
    }
    let parsed = arguments.endpoint.iter().map(|url| Endpoint::parse(url));
    let mut endpoints = parsed.collect::<Result<Vec<_>, _>>().map_err(Failure::usage)?;
    let mut settled = arguments.clone();
    settled.db = database(arguments, &endpoints)?;
    refuse_what_needs_more(&mut settled)?;
    if let Some(password) = secret(arguments.password_file.as_deref(), PASSWORD, "password")? {
        for endpoint in &mut endpoints {
            endpoint.password.get_or_insert_with(|| password.clone());
        }
    }
    secure(&mut endpoints, &arguments.tls)?;
    let run_id = arguments.run_id.clone().unwrap_or_else(|| run_id(&jiff::Zoned::now(), seed));
    settled.run_id = Some(run_id.clone());
    settled.running = Some(Arc::new(Running { endpoints, run_id }));
    Ok(Cow::Owned(settled))
}

/// Whether the system is one of the user's own that is spoken to by HTTP, and so perhaps through TLS.
#[cfg(feature = "program")]
fn speaks_http(arguments: &TestArguments) -> Result<bool, Failure> {
    crate::own_system::speaks_http(arguments)
}

/// Nobody speaks HTTP to a system of the user's own in this build.
#[cfg(not(feature = "program"))]
fn speaks_http(_: &TestArguments) -> Result<bool, Failure> {
    Ok(false)
}

/// Which database the endpoints are of.
fn database(arguments: &TestArguments, endpoints: &[Endpoint]) -> Result<String, Failure> {
    let first = &endpoints[0];
    if let Some(other) = endpoints.iter().find(|endpoint| endpoint.scheme != first.scheme) {
        return Err(Failure::usage(format!(
            "{} and {} are not nodes of one system: their schemes differ",
            first.shown(),
            other.shown()
        )));
    }
    let known = SCHEMES.iter().find(|(scheme, _)| *scheme == first.scheme);
    let Some((_, database)) = known else {
        let nearest = crate::settings::nearest(&first.scheme, SCHEMES.iter().map(|(scheme, _)| *scheme));
        return Err(Failure::usage(format!("{}: did you mean `{nearest}://`?", first.shown())));
    };
    // The default of --db is the specimen, which is nowhere until a run starts it.
    if !["specimen", database].contains(&arguments.db.as_str()) {
        return Err(Failure::usage(format!("--db {} is not spoken at {}", arguments.db, first.shown())));
    }
    Ok((*database).to_owned())
}

/// Refuses what cannot be done where only addresses are known. Faults are for machines that somebody says how to reach.
fn refuse_what_needs_more(arguments: &mut TestArguments) -> Result<(), Failure> {
    let has_machines = arguments.reach.ssh
        || arguments.reach.containers.is_some()
        || arguments.inventory.is_some()
        || Inventory::named(&arguments.reach)?.is_some();
    if has_machines {
        return Ok(());
    }
    if arguments.reach.nodes.is_some() || arguments.reach.nodes_file.is_some() {
        return Err(Failure::usage(
            "--endpoint names the nodes; --nodes and --nodes-file with it are for the machines they are on, over --ssh (or --containers)",
        ));
    }
    if arguments.capture {
        return Err(Failure::usage(
            "--capture is for nodes on this machine; packets to --endpoint do not pass here",
        ));
    }
    let none = nemeses::Selection::parse(arguments.faults.as_deref().unwrap_or("none"));
    let asked = none.map_err(|error| Failure::usage(format!("--faults: {error}")))?;
    if arguments.plan.is_some() || !asked.families.is_empty() {
        return Err(Failure::usage(
            "faults need the machines, and --endpoint gives only addresses: add --ssh --nodes with their hosts or \
             --containers with their names, or leave the faults out",
        ));
    }
    arguments.faults = Some("none".into());
    Ok(())
}

/// A secret, from a file or the environment.
fn secret(file: Option<&Path>, variable: &str, what: &str) -> Result<Option<Password>, Failure> {
    let Some(file) = file else {
        let named = std::env::var(variable).ok().filter(|secret| !secret.is_empty());
        return Ok(named.map(Password::new));
    };
    let text = std::fs::read_to_string(file)
        .map_err(|error| Failure::usage(format!("cannot read the {what} in {}: {error}", file.display())))?;
    Ok(Some(Password::new(text.lines().next().unwrap_or_default())))
}

/// Makes TLS ready wherever it is to be spoken: what a URL says itself goes before what flags say of all.
fn secure(endpoints: &mut [Endpoint], flags: &TlsArguments) -> Result<(), Failure> {
    let passphrase = passphrase(flags)?;
    for endpoint in endpoints {
        let Some(mut choice) = endpoint.choice.clone().or((!flags.is_silent()).then(TlsChoice::default))
        else {
            continue;
        };
        flags.complete(&mut choice);
        choice.passphrase.clone_from(&passphrase);
        let tls = Tls::new(&choice, &endpoint.host);
        endpoint.tls = Some(tls.map_err(|why| Failure::usage(format!("{}: {why}", endpoint.shown())))?);
    }
    warn_of(flags);
    Ok(())
}

fn passphrase(flags: &TlsArguments) -> Result<Option<Password>, Failure> {
    secret(flags.client_key_passphrase_file.as_deref(), PASSPHRASE, "passphrase")
}

fn warn_of(flags: &TlsArguments) {
    static TOLD: std::sync::Once = std::sync::Once::new();
    if flags.insecure {
        TOLD.call_once(|| {
            eprintln!("warning: --insecure: no certificate is verified; whoever is between here and there can read and change all");
        });
    }
}

/// What the flags alone say of TLS, where they say anything.
#[cfg(feature = "program")]
pub fn tls_choice(flags: &TlsArguments) -> Result<Option<TlsChoice>, Failure> {
    if flags.is_silent() {
        return Ok(None);
    }
    let mut choice = TlsChoice::default();
    flags.complete(&mut choice);
    choice.passphrase = passphrase(flags)?;
    warn_of(flags);
    Ok(Some(choice))
}

/// Refuses passwords in flags that come from a file and are kept with the results.
pub fn refuse_passwords(arguments: &TestArguments) -> Result<(), Failure> {
    let has_one = |url: &String| Endpoint::parse(url).is_ok_and(|endpoint| endpoint.password.is_some());
    if arguments.endpoint.iter().any(has_one) {
        return Err(Failure::usage(
            "a password in a file of tests would be kept with its results; give --password-file, or DISPROVE_PASSWORD in the \
             environment",
        ));
    }
    Ok(())
}

/// The endpoints without their passwords.
pub fn shown(arguments: &TestArguments) -> Vec<String> {
    let running = arguments.running.iter();
    running.flat_map(|running| running.endpoints.iter().map(Endpoint::shown)).collect()
}

/// The nodes at these endpoints, of which nothing is known but where they are.
pub async fn cluster(urls: &[String]) -> Result<Cluster, Failure> {
    let mut nodes = Vec::new();
    for (place, url) in urls.iter().enumerate() {
        let endpoint = Endpoint::parse(url).map_err(Failure::input)?;
        let name = format!("n{}", place + 1);
        let address = address(&endpoint).await;
        let address =
            address.map_err(|why| Failure::harness(format!("{name}: {url} is not reached: {why}")))?;
        nodes.push(Node {
            id: NodeId(place as u16),
            name,
            address,
            port_offset: 0,
            data: Default::default(),
            logs: Default::default(),
            remote: None,
        });
    }
    Ok(Cluster { nodes, network: None })
}

async fn address(endpoint: &Endpoint) -> Result<IpAddr, String> {
    let found = tokio::net::lookup_host((endpoint.host.as_str(), 0)).await;
    let mut found = found.map_err(|error| error.to_string())?;
    found.next().map(|place| place.ip()).ok_or_else(|| "its name has no address".into())
}
