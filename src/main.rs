//! The `disprove` program: the command line with what is built in, and nothing else.

use std::process::ExitCode;

fn main() -> ExitCode {
    disprove::cli().main()
}
