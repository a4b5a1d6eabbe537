//! Real servers on loopback addresses of their own, and runs against them that give no secret away.
#![allow(dead_code, reason = "each of the tests uses a part of it")]

use std::{
    fs,
    io::{Read as _, Write as _},
    net::TcpStream,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    sync::Mutex,
    thread::sleep,
    time::{Duration, Instant},
};

/// Servers share the machine's processors: one test at a time.
pub static TURN: Mutex<()> = Mutex::new(());
/// Long enough for anything on a machine that has much else to do.
pub const LONG: Duration = Duration::from_secs(90);
/// What must be found nowhere.
pub const PASSWORD: &str = "correct-horse-battery";

/// A folder that is removed when its test has passed, with the server that was started in it.
pub struct Bench {
    pub folder: PathBuf,
    pub address: String,
    pub servers: Vec<Child>,
}

impl Bench {
    /// A folder and a loopback address of this test's own.
    pub fn new(test: &str, number: u8) -> Self {
        use std::os::unix::fs::PermissionsExt as _;
        let pid = std::process::id();
        let folder = std::env::temp_dir().join(format!("disprove-endpoints-{pid}-{test}"));
        let _ = fs::remove_dir_all(&folder);
        for path in [folder.clone(), folder.join("server")] {
            fs::create_dir_all(&path).expect("a folder can be made");
            // The servers are an ordinary user's.
            fs::set_permissions(&path, fs::Permissions::from_mode(0o777)).expect("permissions can be set");
        }
        let address = format!("127.{}.{}.{}", 100 + number, (pid >> 8) & 0xff, (pid & 0xff).clamp(2, 254));
        Self { folder, address, servers: Vec::new() }
    }

    pub fn file(&self, name: &str, content: &str) -> String {
        let path = self.folder.join(name);
        fs::write(&path, content).expect("a file can be written");
        path.display().to_string()
    }

    pub fn server(&self) -> String {
        self.folder.join("server").display().to_string()
    }

    /// A command of an ordinary user: some servers refuse to be root's.
    pub fn ordinary(&self, program: &str, arguments: &[&str]) -> Command {
        // SAFETY: geteuid takes no memory and cannot fail.
        let is_root = unsafe { libc::geteuid() } == 0;
        let mut command = Command::new(if is_root { "setpriv" } else { program });
        if is_root {
            command.args(["--reuid=65534", "--regid=65534", "--clear-groups", program]);
        }
        command
            .args(arguments)
            .current_dir(self.server())
            .env("HOME", self.server())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        command
    }

    pub fn must(&self, program: &str, arguments: &[&str]) {
        let output = self.ordinary(program, arguments).stderr(Stdio::piped()).output().expect("it starts");
        assert!(output.status.success(), "{program}: {}", String::from_utf8_lossy(&output.stderr));
    }

    /// Starts a server and waits until its port answers.
    pub fn serve(&mut self, program: &str, arguments: &[&str], port: u16) {
        self.servers.push(self.ordinary(program, arguments).spawn().expect("it starts"));
        wait_until(program, || TcpStream::connect((self.address.as_str(), port)).is_ok());
    }

    /// Starts a directory in which somebody else's entry is, told more settings, and waits until the entry is there. Returns the URL
    /// below which is room for others, with a password.
    pub fn directory(&mut self, scheme: &str, more: &str) -> String {
        let (server, port) = (self.server(), 6360);
        let settings = format!(
            "include /etc/ldap/schema/core.schema\nmodulepath /usr/lib/ldap\nmoduleload back_mdb\n{more}database mdb\n\
             suffix dc=mine\nrootdn cn=me,dc=mine\nrootpw {PASSWORD}\ndirectory {server}/directory\n"
        );
        let settings = self.file("slapd.conf", &settings);
        let first = "dn: dc=mine\nobjectClass: dcObject\nobjectClass: organization\ndc: mine\no: mine\n";
        let first = self.file("first.ldif", first);
        self.must("mkdir", &["directory"]);
        self.must("/usr/sbin/slapadd", &["-f", &settings, "-l", &first]);
        let place = format!("{scheme}://{}:{port}", self.address);
        self.serve("/usr/sbin/slapd", &["-f", &settings, "-h", &place, "-d", "32768"], port);
        place.replace("://", &format!("://cn=me%2Cdc=mine:{PASSWORD}@")) + "/dc=mine"
    }

    pub fn test(&self, arguments: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_disprove"));
        command
            .arg("test")
            .args(arguments.split(' '))
            .args(["--rate", "300", "--concurrency", "6", "--seed", "3"])
            .arg("--store")
            .arg(self.folder.join("store"))
            .current_dir(&self.folder)
            .stdin(Stdio::null());
        command
    }

    /// What a server answers to this, until it says no more for a moment or closes.
    pub fn say(&self, port: u16, question: &str, whole: impl Fn(&str) -> bool) -> String {
        let mut stream = TcpStream::connect((self.address.as_str(), port)).expect("it serves");
        stream.set_read_timeout(Some(LONG)).expect("a time-out can be set");
        stream.write_all(question.as_bytes()).expect("it listens");
        let (mut said, mut buffer) = (String::new(), [0; 4096]);
        while !whole(&said) {
            let length = stream.read(&mut buffer).expect("it answers");
            assert!(length > 0, "it closed after {said:?}");
            said += &String::from_utf8_lossy(&buffer[..length]);
        }
        said
    }
}

impl Drop for Bench {
    fn drop(&mut self) {
        for server in &mut self.servers {
            let _ = server.kill();
            let _ = server.wait();
        }
        if !std::thread::panicking() {
            let _ = fs::remove_dir_all(&self.folder);
        }
    }
}

pub fn wait_until(what: &str, mut done: impl FnMut() -> bool) {
    let began = Instant::now();
    while !done() {
        assert!(began.elapsed() < LONG, "{what} took longer than {LONG:?}");
        sleep(Duration::from_millis(50));
    }
}

pub fn said(output: &Output) -> String {
    format!("{}\n{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// Asserts how a run ended, with all that it said where it ended otherwise; and that it said no password.
pub fn expect(command: &mut Command, code: i32) -> String {
    let output = command.output().expect("the program starts");
    let said = said(&output);
    assert_eq!(output.status.code(), Some(code), "{said}");
    assert!(!said.contains(PASSWORD), "{said}");
    said
}

pub fn skip(test: &str, program: &str, package: &str) -> bool {
    if std::env::var_os("DISPROVE_TEST_QUICK").is_some() {
        println!("left out: {test} (--quick)");
        return true;
    }
    if Command::new(program).arg("--version").output().is_err() {
        println!("left out: {test} (there is no {program}; sudo apt-get install {package})");
        return true;
    }
    false
}

/// Every file below a folder, unpacked.
pub fn files(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let (mut found, mut folders) = (Vec::new(), vec![folder.to_owned()]);
    while let Some(folder) = folders.pop() {
        for path in fs::read_dir(&folder).expect("it is a folder").flatten().map(|entry| entry.path()) {
            if path.is_symlink() {
                continue;
            }
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let bytes = fs::read(&path).expect("it is a file");
            let is_packed = path.extension().is_some_and(|extension| extension == "zst");
            let bytes = if is_packed { zstd::decode_all(&bytes[..]).expect("it is whole") } else { bytes };
            found.push((path, bytes));
        }
    }
    found
}

/// Asserts that a store has runs in it, and nowhere the password.
pub fn no_secret_in(store: &Path) {
    let files = files(store);
    assert!(files.iter().any(|(path, _)| path.ends_with("run.json")), "there are no runs");
    assert!(files.iter().any(|(path, _)| path.ends_with("history.jsonl.zst")), "there is no history");
    for (path, bytes) in files {
        let found = bytes.windows(PASSWORD.len()).any(|part| part == PASSWORD.as_bytes());
        assert!(!found, "the password is in {}", path.display());
    }
}
