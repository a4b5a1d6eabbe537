//! Runs of the program on namespaces of this machine.

use std::{
    fs,
    path::PathBuf,
    process::{Command, Output, Stdio},
};

/// A folder for runs, which goes away with the test that passed.
pub struct Store {
    pub folder: PathBuf,
    /// Whether somebody wants to find out what was wrong.
    pub is_kept: bool,
}

impl Store {
    pub fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("disprove-{}-{name}", std::process::id()));
        let _none_before = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).expect("a folder can be made");
        Self { folder: path, is_kept: false }
    }

    /// A run on namespaces of this machine.
    pub fn test(&self, plan: &str, arguments: &[&str]) -> Output {
        let file = self.folder.join("plan.json");
        fs::write(&file, plan).expect("a plan can be written");
        Command::new(env!("CARGO_BIN_EXE_disprove"))
            .args(["test", "--plan"])
            .arg(&file)
            .args(arguments)
            .arg("--store")
            .arg(&self.folder)
            .stdin(Stdio::null())
            .output()
            .expect("the program starts")
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        if !std::thread::panicking() && !self.is_kept {
            let _left = fs::remove_dir_all(&self.folder);
        }
    }
}

/// What the program said.
pub fn describe(output: &Output) -> String {
    format!("{}\n{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// Whether a test is left out here, which it says.
pub fn skip(test: &str) -> bool {
    let quick = std::env::var_os("DISPROVE_TEST_QUICK").is_some();
    let doctor = || Command::new(env!("CARGO_BIN_EXE_disprove")).arg("doctor").output();
    let left_out = quick || doctor().expect("the program starts").status.code() != Some(0);
    if left_out {
        println!("left out: {test} (--quick, or a machine that permits no namespaces)");
    }
    left_out
}
