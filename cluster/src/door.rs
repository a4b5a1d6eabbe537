//! Where clients come in.

use std::net::SocketAddr;

/// Where clients reach a node, and how what they ask there begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Door {
    /// The address.
    pub address: SocketAddr,
    /// The beginning of a request, which no node can take for a whole one.
    pub request: Vec<u8>,
}

impl Door {
    /// The door at an address, where requests begin so.
    pub fn new(address: impl Into<SocketAddr>, request: &[u8]) -> Self {
        Self { address: address.into(), request: request.to_vec() }
    }
}
