//! A file in a container as it grows.

use std::{path::Path, time::Duration};

use tokio::{io::AsyncReadExt, sync::mpsc, time::Instant};

use super::ContainerTarget;
use crate::{
    Error,
    machine::{LogStream, failed},
};

/// How long the engine may take to come back before a stream ends.
const BACK_WITHIN: Duration = Duration::from_secs(30);

/// Follows the file `$1` from byte `$2` on until nobody holds its input any more, since the engine's end is not the
/// command's.
const FOLLOW: &str =
    r#"exec 3<&0; tail -c "+$2" -F -- "$1" 2>/dev/null </dev/null & t=$!; cat <&3 >/dev/null; kill $t"#;

/// Follows it. Where the engine breaks off it goes on at the byte at which it was.
pub(super) fn follow(target: ContainerTarget, path: &Path) -> LogStream {
    let (sender, stream) = LogStream::pair();
    let path = path.to_string_lossy().into_owned();
    tokio::spawn(async move {
        if let Err(error) = go_on(&target, &path, &sender).await {
            // Nobody may be listening any more.
            let _unheard = sender.send(Err(error)).await;
        }
    });
    stream
}

async fn go_on(
    target: &ContainerTarget,
    path: &str,
    sender: &mpsc::Sender<Result<Vec<u8>, Error>>,
) -> Result<(), Error> {
    let (mut had, mut whole) = (0_u64, Instant::now());
    let mut buffer = vec![0; 64 << 10];
    loop {
        let from = (had + 1).to_string();
        let mut arguments = vec!["exec", "--interactive"];
        if let Some(user) = &target.user {
            arguments.extend(["--user", user]);
        }
        arguments.extend([&target.container, "/bin/sh", "-c", FOLLOW, "sh", path, &from]);
        let child = target.engine.spawn(&arguments, true);
        let mut child =
            child.map_err(|error| failed(&target.name, format!("{path} cannot be followed: {error}")))?;
        if let Some(mut output) = child.stdout.take() {
            loop {
                let read = tokio::select! {
                    read = output.read(&mut buffer) => read,
                    () = sender.closed() => return Ok(()),
                };
                let Ok(count @ 1..) = read else { break };
                (had, whole) = (had + count as u64, Instant::now());
                if sender.send(Ok(buffer[..count].to_vec())).await.is_err() {
                    return Ok(());
                }
            }
        }
        if whole.elapsed() > BACK_WITHIN {
            return Err(failed(&target.name, format!("{path} cannot be followed any more")));
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}
