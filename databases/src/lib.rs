//! Adapters to real systems: how each is installed, started, killed and spoken to.
//!
//! This crate deliberately knows no workload and no checker: an adapter speaks vocabularies, and gets every workload
//! of those. An adapter downloads nothing either: it says which package is missing.
//!
//! ```
//! use cluster::Database;
//!
//! let etcd = disprove_databases::Etcd::default();
//! assert_eq!(etcd.speaks().names().collect::<Vec<_>>(), ["ids", "lease", "list-append", "log", "mutex", "queue", "register", "rw-register", "set"]);
//! assert_eq!(etcd.promises("register"), Some("linearizable"));
//! ```
//!
//! Read next: [`endpoint`] for systems that already run, [`etcd`], then [`postgres`], then [`redis`], then [`program`] for clients in other languages, [`http`] for requests of a file.

#[cfg(feature = "program")]
pub mod configured;
#[cfg(any(feature = "nats", feature = "zookeeper"))]
mod emptied;
pub mod endpoint;
#[cfg(feature = "etcd")]
pub mod etcd;
#[cfg(feature = "program")]
pub mod http;
#[cfg(feature = "mariadb")]
pub mod mariadb;
#[cfg(feature = "memcached")]
pub mod memcached;
#[cfg(feature = "mosquitto")]
pub mod mosquitto;
#[cfg(feature = "nats")]
pub mod nats;
#[cfg(feature = "postgres")]
pub mod postgres;
#[cfg(feature = "program")]
pub mod program;
#[cfg(feature = "rabbitmq")]
pub mod rabbitmq;
#[cfg(feature = "redis")]
pub mod redis;
#[cfg(feature = "slapd")]
pub mod slapd;
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
mod speaking;
#[cfg(any(feature = "mariadb", feature = "postgres"))]
mod sql;
#[cfg(any(
    feature = "etcd",
    feature = "memcached",
    feature = "mosquitto",
    feature = "nats",
    feature = "rabbitmq",
    feature = "redis",
    feature = "slapd",
    feature = "zookeeper"
))]
mod stream;
#[cfg(feature = "tarantool")]
pub mod tarantool;
pub mod tls;
#[cfg(any(feature = "mosquitto", feature = "rabbitmq", feature = "zookeeper"))]
// Each protocol uses its own part of it.
#[cfg_attr(not(all(feature = "mosquitto", feature = "rabbitmq", feature = "zookeeper")), allow(dead_code))]
mod unread;
#[cfg(feature = "zookeeper")]
pub mod zookeeper;

#[cfg(feature = "program")]
pub use configured::Configured;
pub use endpoint::{Endpoint, Password, Running};
#[cfg(feature = "etcd")]
pub use etcd::Etcd;
#[cfg(feature = "mariadb")]
pub use mariadb::Mariadb;
#[cfg(feature = "memcached")]
pub use memcached::Memcached;
#[cfg(feature = "mosquitto")]
pub use mosquitto::Mosquitto;
#[cfg(feature = "nats")]
pub use nats::Nats;
#[cfg(feature = "postgres")]
pub use postgres::Postgres;
#[cfg(feature = "rabbitmq")]
pub use rabbitmq::Rabbitmq;
#[cfg(feature = "redis")]
pub use redis::Redis;
#[cfg(feature = "slapd")]
pub use slapd::Slapd;
#[cfg(feature = "tarantool")]
pub use tarantool::Tarantool;
pub use tls::{Proof, Tls, TlsChoice};
#[cfg(feature = "zookeeper")]
pub use zookeeper::Zookeeper;
