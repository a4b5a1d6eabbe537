//! `serve` from outside: what it shows, and what nobody gets it to show. Requests are written by hand, since clients
//! tidy hostile addresses before they send them.
#![cfg(feature = "serve")]

use std::{
    fs,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::TcpStream,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

#[path = "serve/made_up.rs"]
mod made_up;

use made_up::{HOSTILE, REPORT, SECRET, fill};

/// What a busy machine may need for anything.
const PATIENCE: Duration = Duration::from_secs(120);

struct Server {
    child: Child,
    address: String,
    folder: PathBuf,
}

impl Server {
    /// A store with two runs, one under way, and things beside it that are nobody's business. The kernel deals the
    /// port, and the server says which.
    fn start(name: &str, loopback: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("disprove-serve-{}-{name}", std::process::id()));
        let _ = fs::remove_dir_all(&folder);
        fill(&folder);
        let mut child = Command::new(env!("CARGO_BIN_EXE_disprove"))
            .args(["serve", "--store", "store", "--host", "tester.example", "--address"])
            .arg(format!("{loopback}:0"))
            .current_dir(&folder)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("the program starts");
        let mut line = String::new();
        let mut printed = BufReader::new(child.stdout.take().expect("it is piped"));
        printed.read_line(&mut line).expect("it says where it is");
        let address = line.trim().trim_start_matches("http://").trim_end_matches('/').to_owned();
        assert!(!address.is_empty(), "it says where it is");
        Self { child, address, folder }
    }

    /// Sends bytes as they are, and returns the whole answer.
    fn send(&self, request: &[u8]) -> Vec<u8> {
        let mut stream = TcpStream::connect(&self.address).expect("it listens");
        stream.set_read_timeout(Some(Duration::from_secs(60))).expect("a limit can be set");
        stream.write_all(request).expect("it can be sent");
        let mut answer = Vec::new();
        // A server that refuses a request may close before all of it was read.
        let _ = stream.read_to_end(&mut answer);
        answer
    }

    fn ask(&self, path: &str) -> (u16, String) {
        self.ask_as("GET", path, "localhost")
    }

    fn ask_as(&self, method: &str, path: &str, host: &str) -> (u16, String) {
        let request = format!("{method} {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
        let answer = self.send(request.as_bytes());
        let text = String::from_utf8_lossy(&answer).into_owned();
        let code = text.split(' ').nth(1).and_then(|code| code.parse().ok()).unwrap_or(0);
        (code, text)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if !std::thread::panicking() {
            let _ = fs::remove_dir_all(&self.folder);
        }
    }
}

/// Whether something becomes true while there is patience.
fn comes_true(mut is_true: impl FnMut() -> bool) -> bool {
    let began = Instant::now();
    while !is_true() {
        if began.elapsed() > PATIENCE {
            return false;
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    true
}

#[test]
fn everything_of_the_store_is_shown_and_hostile_text_is_only_text() {
    let server = Server::start("shown", "127.83.1.1");
    let (code, list) = server.ask("/");
    assert_eq!(code, 200, "{list}");
    assert!(
        list.contains("./store/etcd/20260102T000000.000/report.html") && list.contains("2 of 2 runs"),
        "{list}"
    );
    assert!(!list.contains("<img"), "{list}");
    assert!(list.contains("default-src 'none'") && list.contains("nosniff"), "{list}");
    assert!(server.ask("/?verdict=invalid").1.contains("1 of 2 runs"));
    assert!(server.ask("/?q=%3Cimg&sort=p99&order=up&since=2026-01-02").1.contains("1 of 2 runs"));
    let link = "./store/suites/nightly/20260102T020000.000/summary.html";
    assert!(list.contains(link) && list.contains("2026-01-02 02:00:00"), "{list}");
    let (code, night) = server.ask(link.trim_start_matches('.'));
    assert!(code == 200 && night.contains("text/html") && night.contains("the last night"), "{night}");
    let (code, trends) = server.ask("/trends");
    assert!(code == 200 && trends.contains("register") && trends.contains("<polyline"), "{trends}");
    let pair = "older=etcd%2F20260101T000000.000&newer=etcd/20260102T000000.000";
    let (code, diff) = server.ask(&format!("/diff?{pair}"));
    assert!(code == 200 && diff.contains("stale-read@linearizable:key") && !diff.contains("<img"), "{diff}");
    let (code, report) = server.ask("/store/etcd/20260102T000000.000/report.html");
    assert!(code == 200 && report.contains("the report") && report.contains("text/html"), "{report}");
    assert_eq!(server.ask("/store/latest/report.html").0, 200, "a link within the store is followed");
    let (code, log) = server.ask("/store/etcd/20260101T000000.000/logs/n1/specimen.html");
    assert!(
        code == 200 && log.contains("text/plain") && log.contains("sandbox"),
        "what a database wrote is text: {log}"
    );
    let (code, files) = server.ask("/store/etcd/20260101T000000.000/");
    assert!(code == 200 && files.contains("run.json") && !files.contains("out.txt"), "{files}");
    let (code, moved) = server.ask("/store/etcd/20260101T000000.000");
    assert!(code == 307 && moved.contains("location: ./20260101T000000.000/"), "{moved}");
    let (code, head) = server.ask_as("HEAD", "/store/latest/report.html", "localhost");
    assert!(code == 200 && head.ends_with("\r\n\r\n"), "a HEAD has no body: {head}");
    let length = format!("content-length: {}\r\n", REPORT.len());
    assert!(head.contains(&length), "and says how long it would be: {head}");
    assert_eq!(server.ask("/diff").0, 400, "two runs are to be marked");
    assert_eq!(server.ask("/diff?older=etcd/20260103T000000.000&newer=latest").0, 400, "it was never judged");
}

#[test]
fn a_run_that_goes_on_is_shown_live() {
    let server = Server::start("live", "127.83.1.2");
    let run = server.folder.join("store/etcd/20260103T000000.000");
    let status = format!(
        "{{\"title\":\"{HOSTILE}\",\"seed\":7,\"phase\":\"calls\",\"ok\":1234,\"faults\":[\"{HOSTILE}\"],\
         \"points\":[{{\"at\":1.0,\"ok\":100.0,\"faults\":1}}]}}"
    );
    fs::write(run.join("status.json"), status).unwrap();
    let lock = fs::File::open(&run).unwrap();
    lock.lock().unwrap();
    let list = server.ask("/").1;
    assert!(list.contains("In progress") && list.contains("./live/etcd/20260103T000000.000"), "{list}");
    let (code, live) = server.ask("/live/etcd/20260103T000000.000");
    assert!(
        code == 200 && live.contains("calls") && live.contains("1,234") && !live.contains("<img"),
        "{live}"
    );
    // A script keeps it fresh where there may be one: focus and place stay. It is a file, and the only one there is.
    assert!(live.contains("<noscript><meta http-equiv=\"refresh\""), "{live}");
    assert!(
        live.contains("src=\"../../live.js\"") && live.contains("script-src 'self'; connect-src 'self'"),
        "{live}"
    );
    let (code, script) = server.ask("/live.js");
    assert!(
        code == 200 && script.contains("content-type: text/javascript") && script.contains("fetch("),
        "{script}"
    );
    assert!(!list.contains("script-src"), "no other page may run one: {list}");
    fs::remove_file(run.join("status.json")).unwrap();
    let (code, last) = server.ask("/live/etcd/20260103T000000.000");
    assert!(
        code == 200 && last.contains("writes its report") && last.contains("http-equiv=\"refresh\""),
        "{last}"
    );
    // Let go of by name: a process that another test is just starting may hold the file a moment longer.
    lock.unlock().unwrap();
    let list = server.ask("/").1;
    assert!(!list.contains("In progress") && list.contains("Ended without a verdict"), "{list}");
    assert!(list.contains("./store/etcd/20260103T000000.000/"), "{list}");
    let (code, killed) = server.ask("/live/etcd/20260103T000000.000");
    assert!(
        code == 307 && killed.contains("location: ../../store/etcd/20260103T000000.000/\r\n"),
        "{killed}"
    );
    let (code, ended) = server.ask("/live/etcd/20260102T000000.000");
    assert!(
        code == 307 && ended.contains("location: ../../store/etcd/20260102T000000.000/report.html"),
        "{ended}"
    );
}

#[test]
fn a_run_is_downloaded_as_one_archive_without_what_lies_outside() {
    let server = Server::start("archive", "127.83.1.3");
    let request = "GET /archive/etcd/20260101T000000.000.tar HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n";
    let answer = server.send(request.as_bytes());
    let head = answer.windows(4).position(|four| four == b"\r\n\r\n").expect("there is a head");
    assert!(answer.starts_with(b"HTTP/1.0 200"), "{}", String::from_utf8_lossy(&answer[..head]));
    let archive = server.folder.join("run.tar");
    fs::write(&archive, &answer[head + 4..]).unwrap();
    let listed = Command::new("tar").arg("-tf").arg(&archive).output().expect("there is tar");
    assert!(listed.status.success(), "{}", String::from_utf8_lossy(&listed.stderr));
    let names = String::from_utf8_lossy(&listed.stdout).into_owned();
    assert!(names.contains("etcd-20260101T000000.000/results.json"), "{names}");
    assert!(!names.contains("out.txt") && !names.contains("pipe") && !names.contains("away"), "{names}");
    assert!(!String::from_utf8_lossy(&answer).contains(SECRET));
    let said = String::from_utf8_lossy(&answer[..head]).into_owned();
    assert!(said.contains("attachment; filename=\"etcd-20260101T000000.000.tar\""), "{said}");
    for path in [
        "/archive/etcd.tar",
        "/archive/../secret.txt.tar",
        "/archive/etcd/nothing.tar",
        "/archive/root/etc.tar",
    ] {
        assert_eq!(server.ask(path).0, 404, "{path}");
    }
}

#[test]
fn no_path_leads_out_of_the_store() {
    let server = Server::start("hostile", "127.83.1.4");
    let long = "/store/".to_owned() + &"a/".repeat(3_000);
    let longer = "/store/".to_owned() + &"a".repeat(100_000);
    let name = "/store/".to_owned() + &"b".repeat(300);
    let paths = [
        "/store/../secret.txt",
        "/store/etcd/../../secret.txt",
        "/store/%2e%2e/secret.txt",
        "/store/%2E%2E%2fsecret.txt",
        "/store/..%2fsecret.txt",
        "/store/..%5csecret.txt",
        "/store/..\\secret.txt",
        "/store/%252e%252e/secret.txt",
        "/store/....//secret.txt",
        "/store/.%00./secret.txt",
        "/store/etcd%00/../../secret.txt",
        "/store/etcd/20260101T000000.000/run.json%00.html",
        "/store//etc/passwd",
        "/store/%2fetc%2fpasswd",
        "//etc/passwd",
        "/etc/passwd",
        "/../../../../etc/passwd",
        "/store/../store-beside/secret.txt",
        "/store/%c0%ae%c0%ae/secret.txt",
        "/store/etcd/20260101T000000.000/logs/out.txt",
        "/store/etcd/20260101T000000.000/logs/away/secret.txt",
        "/store/etcd/20260101T000000.000/logs/pipe",
        "/store/root/etc/passwd",
        "/store/root/",
        "/store/.hidden",
        "/store/./.hidden",
        "/live/../secret.txt",
        "/live/root/etc",
        "/diff?older=../../secret.txt&newer=../secret.txt",
        "/diff?older=root/etc&newer=root/etc",
        "/diff?older=/etc/passwd&newer=%00",
        "file:///etc/passwd",
        "http://127.0.0.1/../secret.txt",
        "/store/%",
        "/store/%zz",
        &long,
        &longer,
        &name,
    ];
    for path in paths {
        let (code, answer) = server.ask(path);
        let shown: String = path.chars().take(80).collect();
        assert!(matches!(code, 400 | 404 | 414 | 431), "{shown}: {code}");
        assert!(!answer.contains(SECRET) && !answer.contains("root:"), "{shown}: {answer}");
    }
    // A link may lead elsewhere within the store, and what it leads to is the store's own.
    assert_eq!(
        server.ask("/store/etcd/20260101T000000.000/logs/up/etcd/20260102T000000.000/run.json").0,
        200
    );
    assert_eq!(server.ask("/").0, 200, "it still answers");
}

#[test]
fn it_only_reads_and_only_answers_to_its_own_names() {
    let server = Server::start("names", "127.83.1.5");
    for method in ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "BREW"] {
        assert_eq!(server.ask_as(method, "/", "localhost").0, 405, "{method}");
    }
    let own = [
        "localhost",
        "localhost:8080",
        "127.0.0.1",
        "127.83.1.5:9",
        "[::1]",
        "[::1]:80",
        "LOCALHOST",
        "tester.example:1",
    ];
    for host in own {
        assert_eq!(server.ask_as("GET", "/", host).0, 200, "{host}");
    }
    for host in [
        "evil.example",
        "localhost.evil.example",
        "127.0.0.1.evil.example:80",
        "evil.example:127",
        "",
        "a:b:c",
    ] {
        let (code, answer) = server.ask_as("GET", "/", host);
        assert!(code == 421 || code == 400, "{host}: {code}");
        assert!(!answer.contains("runs"), "{host}: {answer}");
    }
    let none = server.send(b"GET / HTTP/1.0\r\n\r\n");
    assert!(String::from_utf8_lossy(&none).contains("421"), "{}", String::from_utf8_lossy(&none));
    let two =
        server.send(b"GET / HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\nConnection: close\r\n\r\n");
    assert!(String::from_utf8_lossy(&two).contains(" 421 "), "{}", String::from_utf8_lossy(&two));
}

#[test]
fn it_ends_when_it_is_told_to_even_while_somebody_downloads() {
    for (name, loopback) in [("-INT", "127.83.1.6"), ("-TERM", "127.83.1.7")] {
        let mut server = Server::start(&format!("ends{name}"), loopback);
        let big = server.folder.join("store/etcd/20260101T000000.000/logs/big.log");
        fs::File::create(big).and_then(|file| file.set_len(64 << 20)).expect("it can be made");
        let mut slow = TcpStream::connect(&server.address).expect("it listens");
        slow.write_all(b"GET /archive/etcd/20260101T000000.000.tar HTTP/1.1\r\nHost: localhost\r\n\r\n")
            .unwrap();
        let mut first = [0; 64];
        slow.read_exact(&mut first).expect("it begins to come");
        signal(&server.child, name);
        assert!(
            comes_true(|| server.child.try_wait().expect("it can be waited for").is_some()),
            "it ends although a download was never taken"
        );
        let status = server.child.wait().expect("it can be waited for");
        assert_eq!(status.code(), Some(0), "{name}: it was asked to end, and nothing went wrong");
    }
}

#[test]
fn what_cannot_be_served_is_said_in_one_line() {
    let server = Server::start("errors", "127.83.1.8");
    let tried = |arguments: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_disprove"))
            .arg("serve")
            .args(arguments)
            .current_dir(&server.folder)
            .output()
            .expect("the program starts");
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let (code, said) = tried(&["--address", &server.address, "--store", "store"]);
    assert!(code == Some(64) && said.contains("in use") && said.contains("--address"), "{said}");
    let (code, said) = tried(&["--address", "127.83.1.8:0", "--store", "nothing"]);
    assert!(code == Some(64) && said.contains("no store at nothing"), "{said}");
    let (code, said) = tried(&["--address", "127.83.1.8:0", "--store", "secret.txt"]);
    assert!(code == Some(64) && said.contains("not a folder"), "{said}");
    let (code, said) = tried(&["--address", "somewhere"]);
    assert!(code == Some(64) && said.contains("--address"), "{said}");
}

/// Takes some 10 s, and more on a busy machine, because two clusters are started and ended.
#[test]
fn a_real_run_is_followed_while_it_goes_on() {
    let doctor = Command::new(env!("CARGO_BIN_EXE_disprove")).arg("doctor").output();
    let can_run = doctor.is_ok_and(|output| output.status.success());
    if !can_run || std::env::var_os("DISPROVE_TEST_QUICK").is_some() {
        println!("left out: a real run that is looked at (--quick, or this machine permits no namespaces)");
        return;
    }
    let server = Server::start("followed", "127.83.1.9");
    make_world_writable(&server.folder);
    let (mut run, place, page) = followed(&server, "followed");
    assert!(page.contains("seed 3."), "{page}");
    signal(&run, "-INT");
    let ended = comes_true(|| run.try_wait().expect("it can be waited for").is_some());
    assert!(ended, "a run that is interrupted ends");
    let (code, moved) = server.ask(&format!("/live/{place}"));
    assert!(code == 307 && moved.contains(&format!("store/{place}/report.html")), "{moved}");
    assert!(!server.folder.join(format!("store/{place}/status.json")).exists());
    assert!(server.ask("/").1.contains("3 of 3 runs"));

    let (mut run, place, _) = followed(&server, "killed");
    let report = || {
        let mut report = Command::new(env!("CARGO_BIN_EXE_disprove"));
        report.arg("report").arg(server.folder.join("store").join(&place)).output().expect("it starts")
    };
    let early = String::from_utf8_lossy(&report().stderr).into_owned();
    assert!(early.contains("a run is under way"), "{early}");
    signal(&run, "-KILL");
    run.wait().expect("it can be waited for");
    let link = format!("<li><a href=\"./store/{place}/\"");
    let named = comes_true(|| server.ask("/").1.contains(&link));
    assert!(named, "a run that was killed is not lost from sight: {}", server.ask("/").1);
    let judged = report();
    assert!(judged.status.success(), "{}", String::from_utf8_lossy(&judged.stderr));
    let list = server.ask("/").1;
    assert!(list.contains("4 of 4 runs") && list.contains(&format!("./store/{place}/report.html")), "{list}");
    assert!(!list.contains(&link), "{list}");
}

/// Starts a run, and follows it in the list and on its page until it makes calls. Returns its place in the store too.
fn followed(server: &Server, name: &str) -> (Child, String, String) {
    let arguments =
        ["--nodes", "3", "--rate", "100", "--time-limit", "60", "--faults", "none", "--seed", "3"];
    let run = Command::new(env!("CARGO_BIN_EXE_disprove"))
        .args(["test", "--store", "store", "--name", name])
        .args(arguments)
        .current_dir(&server.folder)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("the program starts");
    let link = format!("./live/{name}/");
    let mut place = String::new();
    let listed = comes_true(|| {
        let list = server.ask("/").1;
        let time = list.split(&link).nth(1).and_then(|rest| rest.split('"').next());
        place = time.map_or_else(String::new, |time| format!("{name}/{time}"));
        !place.is_empty()
    });
    assert!(listed, "a run that goes on is in the list");
    let mut page = String::new();
    let calls = comes_true(|| {
        page = server.ask(&format!("/live/{place}")).1;
        page.contains("Phase <strong>calls</strong>")
            && page.contains("Successful calls per second: at most")
            && !page.contains("<dt>ok</dt><dd>0</dd>")
    });
    assert!(calls, "{page}");
    (run, place, page)
}

fn signal(child: &Child, signal: &str) {
    let sent = Command::new("kill").args([signal, &child.id().to_string()]).status();
    assert!(sent.is_ok_and(|status| status.success()), "it can be told");
}

fn make_world_writable(path: &Path) {
    use std::os::unix::fs::PermissionsExt as _;
    for path in [path.to_owned(), path.join("store")] {
        fs::set_permissions(path, fs::Permissions::from_mode(0o777)).expect("permissions can be set");
    }
}

fn chromium() -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    let names = ["chromium", "chromium-browser", "google-chrome"];
    std::env::split_paths(&path)
        .flat_map(|folder| names.map(|name| folder.join(name)))
        .find(|file| file.is_file())
}

/// The document as Chromium prints it once it has loaded.
fn visit(chromium: &Path, server: &Server, path: &str) -> String {
    let mut browser = Command::new(chromium);
    browser
        .args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--dump-dom"])
        .args(["--virtual-time-budget=5000", "--no-proxy-server"])
        .arg(format!("--user-data-dir={}", server.folder.join("profile").display()))
        .arg(format!("http://{}{path}", server.address))
        .stdout(fs::File::create(server.folder.join("out.html")).expect("it can be made"))
        .stderr(Stdio::null());
    let mut browser = browser.spawn().expect("Chromium starts");
    let ended = comes_true(|| browser.try_wait().expect("it can be waited for").is_some());
    if !ended {
        let _ = browser.kill();
        let _ = browser.wait();
    }
    assert!(ended, "Chromium shows {path}");
    fs::read_to_string(server.folder.join("out.html")).expect("Chromium prints text")
}

/// The policies that are sent along let a browser draw what is ours, and nothing else.
#[test]
fn a_browser_draws_reports_and_runs_nothing_that_a_database_wrote() {
    let Some(chromium) = chromium() else {
        println!("left out: the store in a browser (there is no Chromium)");
        return;
    };
    let server = Server::start("browser", "127.83.1.10");
    let report = visit(&chromium, &server, "/store/latest/report.html");
    let drawn = report.rsplit("</script>").next().unwrap_or_default();
    assert!(drawn.contains("drawn by a script") && drawn.contains("kept in"), "{report}");
    assert!(!drawn.contains("reached the server"), "{report}");
    let list = visit(&chromium, &server, "/?verdict=invalid");
    assert!(list.contains("1 of 2 runs") && list.contains("<option value=\"invalid\" selected"), "{list}");
    let run = server.folder.join("store/etcd/20260103T000000.000");
    fs::write(run.join("status.json"), "{\"title\":\"it goes on\",\"phase\":\"calls\",\"ok\":1234}").unwrap();
    let lock = fs::File::open(&run).unwrap();
    lock.lock().unwrap();
    let live = visit(&chromium, &server, "/live/etcd/20260103T000000.000");
    assert!(live.contains("it goes on") && live.contains("is drawn anew"), "its script asked again: {live}");
    lock.unlock().unwrap();
    let script = "<script>document.body.append('it ran')</script>";
    let log = server.folder.join("store/etcd/20260101T000000.000/logs/n1/specimen.html");
    fs::write(log, script).expect("it can be written");
    let log = visit(&chromium, &server, "/store/etcd/20260101T000000.000/logs/n1/specimen.html");
    assert!(log.contains("&lt;script&gt;"), "what a database wrote is shown as text: {log}");
}
