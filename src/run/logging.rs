//! `disprove.log`: what the tester did, one file per run.

use std::{
    fs::File,
    io::{self, Write},
    path::Path,
    sync::{Mutex, OnceLock, PoisonError},
};

use tracing_subscriber::{EnvFilter, fmt::MakeWriter};

/// The file of the run that is under way. There is one logger per process and one run at a time.
static CURRENT: OnceLock<Mutex<Option<File>>> = OnceLock::new();

fn current() -> &'static Mutex<Option<File>> {
    CURRENT.get_or_init(|| Mutex::new(None))
}

#[derive(Clone, Copy, Debug)]
struct CurrentFile;

impl Write for CurrentFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match current().lock().unwrap_or_else(PoisonError::into_inner).as_mut() {
            Some(file) => file.write(bytes),
            None => Ok(bytes.len()),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        current().lock().unwrap_or_else(PoisonError::into_inner).as_mut().map_or(Ok(()), Write::flush)
    }
}

impl<'a> MakeWriter<'a> for CurrentFile {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        *self
    }
}

/// Sends what the tester says of itself to this file from now on. `DISPROVE_LOG` filters, as in `debug`.
pub fn log_to(path: &Path) -> io::Result<()> {
    *current().lock().unwrap_or_else(PoisonError::into_inner) = Some(File::create(path)?);
    let filter = EnvFilter::try_from_env("DISPROVE_LOG").unwrap_or_else(|_| EnvFilter::new("info"));
    // A second run finds the logger in place; its file was swapped above.
    let _ = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(false)
        .with_writer(CurrentFile)
        .try_init();
    Ok(())
}
