//! Errors of real servers, provoked, and what the clients make of them. A server that is not installed is left out by name.
#![cfg(all(
    feature = "etcd",
    feature = "mariadb",
    feature = "memcached",
    feature = "mosquitto",
    feature = "nats",
    feature = "postgres",
    feature = "rabbitmq",
    feature = "redis",
    feature = "slapd",
    feature = "tarantool",
    feature = "zookeeper"
))]

mod etcd;
mod mariadb;
mod memcached;
mod mosquitto;
mod nats;
mod postgres;
mod rabbitmq;
mod redis;
mod server;
mod slapd;
mod sql;
mod tarantool;
mod zookeeper;
