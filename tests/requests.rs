//! A system of one's own that is spoken to by HTTP, through TLS and with a secret: what the secret is stands nowhere.

use std::{fs, process::Command};

#[path = "endpoints/bench.rs"]
mod bench;
#[path = "endpoints/certificates.rs"]
mod certificates;

use bench::{Bench, PASSWORD, TURN, expect, skip};
use certificates::Certificates;

/// The example's store behind TLS, which asks for the client's certificate, and for a token in a header.
const SECURE: &str = r#"
import http.server, runpy, ssl, sys

folder, example, address, token = sys.argv[1:5]
plain, session = http.server.ThreadingHTTPServer, http.server.BaseHTTPRequestHandler


class Secure(plain):
    def __init__(self, *arguments):
        super().__init__(*arguments)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(f"{folder}/used.pem", f"{folder}/used.key")
        context.load_verify_locations(f"{folder}/ca.pem")
        context.verify_mode = ssl.CERT_REQUIRED
        self.socket = context.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)

    def handle_error(self, *_):
        pass


def parse(self, parse=session.parse_request):
    if not parse(self):
        return False
    if self.headers.get("Authorization") == "Bearer " + open(token).read().strip():
        return True
    self.send_error(401)
    return False


http.server.ThreadingHTTPServer, session.parse_request = Secure, parse
sys.argv = [example, address, "8443"]
runpy.run_path(example)
"#;

#[test]
fn requests_of_a_file_are_sent_through_tls_with_a_secret_that_is_kept_nowhere() {
    let _turn = TURN.lock();
    if skip("requests through TLS", "python3", "python3") {
        return;
    }
    let doctor = Command::new(env!("CARGO_BIN_EXE_disprove")).arg("doctor").output();
    if doctor.expect("the program starts").status.code() != Some(0) {
        println!(
            "left out: requests through TLS (this machine permits no namespaces; see `disprove doctor`)"
        );
        return;
    }
    let bench = Bench::new("tls-http", 28);
    let made = Certificates::new(&bench);
    made.install("server");
    bench.must("sh", &["-c", "chmod a+r *.pem *.key"]);
    let example = format!("{}/examples/webstore", env!("CARGO_MANIFEST_DIR"));
    // Where the nodes are another user's, they may not read the project.
    fs::copy(format!("{example}/server.py"), bench.folder.join("server.py")).expect("it can be copied");
    bench.file("secure.py", SECURE);
    let token = bench.file("token", &format!("{PASSWORD}\n"));
    let text = fs::read_to_string(format!("{example}/webstore.toml")).expect("it is there");
    let start = format!(
        "\"{{here}}/secure.py\", \"{}\", \"{{here}}/server.py\", \"{{ip}}\", \"{token}\"]",
        bench.server()
    );
    let text = text
        .replace("\"{here}/server.py\", \"{ip}\", \"8080\"]", &start)
        .replace("http://{ip}:8080", "https://{ip}:8443");
    assert!(text.contains("https://") && text.contains("secure.py"), "the example is another one");
    let with = |name: &str, secret: &str| {
        bench.file(name, &format!("{text}\n[database.http.secret-headers]\nAuthorization = {secret}\n"))
    };
    let from_file = with("file.toml", "{ content = \"Bearer {secret}\", file = \"{here}/token\" }");
    let from_environment =
        with("environment.toml", "{ content = \"Bearer {secret}\", env = \"STORE_TOKEN\" }");
    let (ca, client) = (made.ca(), made.client());
    let tls = format!("{ca} {client} --server-name db.test");
    let run =
        |file: &str, line: &str| bench.test(&format!("--config {file} {line} --faults none --time-limit 2"));
    expect(&mut run(&from_file, &tls), 0);
    // The choices of a run are enough to repeat it.
    let mut replay = Command::new(env!("CARGO_BIN_EXE_disprove"));
    replay.arg("replay").arg(bench.folder.join("store/latest")).current_dir(&bench.folder);
    expect(&mut replay, 0);
    expect(run(&from_environment, &format!("{client} --insecure")).env("STORE_TOKEN", PASSWORD), 0);
    let told = expect(&mut run(&from_environment, &tls), 64);
    assert!(told.contains("the secret of the header Authorization is not in STORE_TOKEN"), "{told}");
    let told = expect(&mut run(&from_file, "--ca /dev/null"), 64);
    assert!(told.contains("no certificate in /dev/null"), "{told}");
    let plain = bench.file("plain.toml", &text.replace("https://", "http://"));
    let told = expect(&mut run(&plain, &tls), 64);
    assert!(told.contains("--ca is of no use: no request of webstore begins with https://"), "{told}");
    made.no_secret_in_store();
}
