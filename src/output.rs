//! Standard output: what a command was asked for goes there, and nothing else.

use std::{fmt, io::Write as _, process};

use crate::exit::Exit;

/// Prints, as `put!` and `putln!` do. A reader that went away, as `head` does, has all it wanted: the command goes on
/// to its end and its exit code. Any other failure ends the program, because what was asked for would be missing.
pub fn write(text: fmt::Arguments<'_>) {
    match std::io::stdout().lock().write_fmt(text) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            eprintln!("disprove: cannot write to standard output: {error}");
            process::exit(Exit::Harness as i32);
        }
        _ => {}
    }
}

/// Prints to standard output.
macro_rules! put {
    ($($part:tt)*) => { $crate::output::write(format_args!($($part)*)) };
}

/// Prints a line to standard output.
macro_rules! putln {
    () => { $crate::output::write(format_args!("\n")) };
    ($($part:tt)*) => { $crate::output::write(format_args!("{}\n", format_args!($($part)*))) };
}

pub(crate) use {put, putln};
