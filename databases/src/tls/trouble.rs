//! What OpenSSL says when TLS does not come about, and what to do about it.

use std::fmt;

/// What a server said of TLS before it ended the connection. Since version 1.3 it judges a client's certificate when the
/// connection is in use already.
#[derive(Debug)]
pub struct Alert(pub String);

impl fmt::Display for Alert {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Alert {}

/// What OpenSSL says, in words that its versions share, and what is told then. The first that is found decides.
const TROUBLES: [(&[&str], &str); 8] = [
    (
        &["ostname mismatch", "IP address mismatch"],
        "its certificate is not for {name}; name it as the certificate does, or give that name with --server-name",
    ),
    (
        &["certificate has expired"],
        "its certificate has expired; it needs a new one (--insecure goes on without verifying it)",
    ),
    (
        &["certificate is not yet valid"],
        "its certificate is not valid yet; compare the clocks (--insecure goes on without verifying it)",
    ),
    (
        &[
            "self-signed certificate",
            "self signed certificate",
            "local issuer",
            "first certificate",
            "get issuer",
        ],
        "its certificate comes from nobody who is believed here; give the certificate of who signed it with --ca FILE",
    ),
    (&["certificate verify failed"], "its certificate is not accepted: {said}"),
    (
        &["wrong version number", "packet length too long", "http request", "record layer failure"],
        "it does not speak TLS there; give the plain scheme, or the port for TLS",
    ),
    (
        &["unexpected eof", "connection reset", "Connection reset", "SSL_ERROR_SYSCALL"],
        "it ended the connection before TLS was agreed on; give the plain scheme, or the port for TLS",
    ),
    (
        &["no protocols available", "unsupported protocol", "no shared cipher"],
        "it speaks no version of TLS that this machine's OpenSSL speaks: {said}",
    ),
];

/// What is told of a server that refused the client, by what OpenSSL calls the alert.
const ALERTS: [&str; 7] = [
    "certificate required",
    "bad certificate",
    "handshake failure",
    "unknown ca",
    "certificate expired",
    "certificate unknown",
    "access denied",
];

/// What went wrong, in one sentence with the remedy. `name` is whom the client believed to reach.
pub fn sentence(said: &str, name: &str, has_certificate: bool) -> String {
    if let Some((_, alert)) = said.split_once("alert ") {
        let alert = alert.split(':').next().unwrap_or(alert);
        let is_about_client = ALERTS.iter().any(|known| alert.starts_with(known));
        return match (is_about_client, has_certificate) {
            (true, false) => format!(
                "it asks for a client certificate ({alert}); give one with --client-cert FILE and --client-key FILE"
            ),
            (true, true) => format!(
                "it does not accept the client certificate of --client-cert ({alert}); it takes those of an authority of its own"
            ),
            (false, _) => format!("it refuses TLS: {alert}"),
        };
    }
    let known = TROUBLES.iter().find(|(signs, _)| signs.iter().any(|sign| said.contains(sign)));
    match known {
        Some((_, told)) => told.replace("{name}", name).replace("{said}", said),
        None => format!("no TLS: {said}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_trouble_is_told_with_its_remedy() {
        let failed =
            "error:0A000086:SSL routines:tls_post_process_server_certificate:certificate verify failed";
        for (said, told) in [
            (format!("{failed}: (Hostname mismatch)"), "not for db; "),
            (format!("{failed}: (IP address mismatch)"), "--server-name"),
            (format!("{failed}: (certificate has expired)"), "needs a new one"),
            (format!("{failed}: (self-signed certificate in certificate chain)"), "--ca FILE"),
            (format!("{failed}: (unable to get local issuer certificate)"), "--ca FILE"),
            (format!("{failed}: (unsuitable certificate purpose)"), "unsuitable certificate purpose"),
            ("error:0A00010B:SSL routines:ssl3_get_record:wrong version number".into(), "the plain scheme"),
            ("something new".into(), "no TLS: something new"),
        ] {
            assert!(sentence(&said, "db", false).contains(told), "{said}");
        }
        let alert = "error:0A00045C:SSL routines:ssl3_read_bytes:tlsv13 alert certificate required:ssl/record/rec_layer_s3.c:1584:SSL alert number 116";
        assert!(
            sentence(alert, "db", false).contains("asks for a client certificate (certificate required)")
        );
        assert!(sentence(alert, "db", true).contains("does not accept the client certificate"));
        assert_eq!(sentence("tlsv1 alert internal error:x", "db", false), "it refuses TLS: internal error");
    }
}
