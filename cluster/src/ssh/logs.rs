//! Files that grow, followed.

use std::{
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::sync::mpsc;

use super::{
    conversation::{self, Broken},
    escaping,
    pool::Pool,
};
use crate::{
    Error,
    machine::{LogStream, failed, quoting},
};

/// How long a connection may take to come back before a stream ends.
const BACK_WITHIN: Duration = Duration::from_secs(30);

/// How long one connection follows a file at most; the next goes on where it ended.
const STRETCH: Duration = Duration::from_secs(24 * 60 * 60);

/// Follows a file on a session of its own. Where the connection is lost it goes on at the byte at which it was.
pub(super) fn follow(pool: Arc<Pool>, path: &Path) -> LogStream {
    let (sender, stream) = LogStream::pair();
    let path = path.to_string_lossy().into_owned();
    // A thread of its own: it lasts as long as the file is of interest, which may be as long as the run.
    let thread = std::thread::Builder::new().name("follow a log".into());
    let followed = thread.spawn({
        let (pool, sender) = (Arc::clone(&pool), sender.clone());
        move || {
            if let Err(error) = go_on(&pool, &path, &sender) {
                // Nobody may be listening any more.
                let _unheard = sender.blocking_send(Err(error));
            }
        }
    });
    if let Err(error) = followed {
        let error = failed(&pool.target().name, format!("no thread to follow a log: {error}"));
        let _full = sender.try_send(Err(error));
    }
    stream
}

fn go_on(pool: &Pool, path: &str, sender: &mpsc::Sender<Result<Vec<u8>, Error>>) -> Result<(), Error> {
    let mut had: u64 = 0;
    let mut whole = Instant::now();
    loop {
        let line = format!("exec tail -c +{} -F -- {} 2>/dev/null", had + 1, quoting::quote(path));
        let command = escaping::command(&line)
            .ok_or_else(|| failed(&pool.target().name, format!("{path} cannot be the name of a file")))?;
        let session = pool.take(Instant::now() + BACK_WITHIN)?;
        let ended = conversation::stream(&session, &command, b"", Instant::now() + STRETCH, &mut |bytes| {
            whole = Instant::now();
            had += bytes.len() as u64;
            let gone = match bytes.is_empty() {
                true => sender.is_closed(),
                false => sender.blocking_send(Ok(bytes.to_vec())).is_err(),
            };
            if gone { Err(Broken::Unwanted) } else { Ok(()) }
        });
        session.set_timeout(100);
        match ended {
            Err(Broken::Unwanted) => return Ok(()),
            _ if sender.is_closed() => return Ok(()),
            Ok(_) | Err(_) if whole.elapsed() > BACK_WITHIN => {
                return Err(failed(&pool.target().name, format!("{path} cannot be followed any more")));
            }
            Ok(_) | Err(_) => std::thread::sleep(Duration::from_millis(200)),
        }
    }
}
