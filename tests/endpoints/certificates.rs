//! Certificates that tests make, and that no key of theirs is kept anywhere.
#![allow(dead_code, reason = "each of the tests uses a part of it")]

use std::fs;

use crate::bench::{Bench, PASSWORD, files, no_secret_in};

/// Certificates of one authority, in the folder of a server: `server`, `late` (expired) and `client`, whose key has a passphrase;
/// `stranger` is signed by nobody but itself.
pub struct Certificates<'a>(pub &'a Bench);

impl<'a> Certificates<'a> {
    pub fn new(bench: &'a Bench) -> Self {
        let this = Self(bench);
        let request = |name: &str, more: &[&str]| {
            let (key, subject) = (format!("{name}.key"), format!("/CN={name}"));
            let mut line = vec!["req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
            line.extend(["-keyout", &key, "-subj", &subject]);
            line.extend(more);
            bench.must("openssl", &line);
        };
        request("ca", &["-x509", "-days", "2", "-out", "ca.pem"]);
        request("stranger", &["-x509", "-days", "2", "-out", "stranger.pem"]);
        let names = format!(
            "subjectAltName=IP:{},DNS:db.test\nextendedKeyUsage=serverAuth,clientAuth\n",
            bench.address
        );
        let names = bench.file("names", &names);
        for (name, days) in [("server", "2"), ("late", "-1"), ("client", "2")] {
            let (out, signed) = (format!("{name}.csr"), format!("{name}.pem"));
            request(name, &["-out", &out]);
            let line = ["x509", "-req", "-in", &out, "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial"];
            let more = ["-days", days, "-extfile", &names, "-out", &signed];
            bench.must("openssl", &[&line[..], &more].concat());
        }
        let pass = format!("pass:{PASSWORD}");
        let lock = ["pkcs8", "-topk8", "-in", "client.key", "-out", "locked.key", "-passout", &pass];
        bench.must("openssl", &lock);
        bench.file("passphrase", PASSWORD);
        this
    }

    pub fn path(&self, name: &str) -> String {
        format!("{}/{name}", self.0.server())
    }

    pub fn ca(&self) -> String {
        format!("--ca {}", self.path("ca.pem"))
    }

    pub fn client(&self) -> String {
        let passphrase = self.0.folder.join("passphrase");
        format!(
            "--client-cert {} --client-key {} --client-key-passphrase-file {}",
            self.path("client.pem"),
            self.path("locked.key"),
            passphrase.display()
        )
    }

    /// Puts the certificate of this name in the server's place.
    pub fn install(&self, name: &str) {
        for end in ["pem", "key"] {
            self.0.must("cp", &[&format!("{name}.{end}"), &format!("used.{end}")]);
        }
    }

    /// Asserts that neither the passphrase nor any line of the keys is anywhere in the store.
    pub fn no_secret_in_store(&self) {
        let store = self.0.folder.join("store");
        no_secret_in(&store);
        let keys = ["client.key", "locked.key"].map(|name| fs::read_to_string(self.path(name)));
        let keys = keys.map(|key| key.expect("it was made"));
        let lines: Vec<&str> =
            keys.iter().flat_map(|key| key.lines()).filter(|line| line.len() > 30).collect();
        assert!(lines.len() > 4, "{lines:?}");
        for (path, bytes) in files(&store) {
            let text = String::from_utf8_lossy(&bytes);
            assert!(!lines.iter().any(|line| text.contains(line)), "a key is in {}", path.display());
        }
    }
}
