//! The three formats of dbcop: the binary one of its first version, the JSON of its second, and its text for people.
//!
//! All are sessions of transactions of reads and writes, each marked as committed or not. Every key begins with the
//! value 0, which a read may also call "no version".

pub(super) mod binary;
pub(super) mod json;
pub(super) mod text;
