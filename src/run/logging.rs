//! `disprove.log`: what the tester did, one file per run.

use std::{
    fs::File,
    io::{self, Write},
    path::Path,
    sync::{Mutex, OnceLock, PoisonError},
};

use tracing_subscriber::{
    Layer as _,
    filter::{LevelFilter, Targets},
    fmt::MakeWriter,
    layer::SubscriberExt as _,
    util::SubscriberInitExt as _,
};

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

/// Sends what the tester says of itself to this file from now on. `DISPROVE_LOG` filters, as in `debug` or
/// `info,disprove_cluster=trace`.
pub fn log_to(path: &Path) -> io::Result<()> {
    *current().lock().unwrap_or_else(PoisonError::into_inner) = Some(File::create(path)?);
    let wanted = std::env::var("DISPROVE_LOG").unwrap_or_default();
    let (filter, wrong) = match wanted.parse::<Targets>() {
        Ok(filter) if !wanted.trim().is_empty() => (filter, None),
        Ok(_) => (usual(), None),
        Err(wrong) => (usual(), Some(wrong)),
    };
    let lines =
        tracing_subscriber::fmt::layer().with_ansi(false).with_writer(CurrentFile).with_filter(filter);
    // A second run finds the logger in place; its file was swapped above.
    let _ = tracing_subscriber::registry().with(lines).try_init();
    if let Some(wrong) = wrong {
        tracing::warn!(
            "DISPROVE_LOG={wanted} is not understood ({wrong}), so what is usual is told: give a level, as in debug, \
             or levels by crate, as in info,disprove_cluster=trace"
        );
    }
    Ok(())
}

fn usual() -> Targets {
    Targets::new().with_default(LevelFilter::INFO)
}
