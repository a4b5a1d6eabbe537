//! A whole run as one archive, in the format that `tar` reads, written while it is sent.

use std::{
    fs,
    io::{self, Read as _, Write},
    path::{Path, PathBuf},
    time::UNIX_EPOCH,
};

use super::{
    Refusal,
    body::{Body, Content, Kind},
    place::{Store, open_file},
};

/// The block of the format.
const BLOCK: usize = 512;

/// The archive of the run at `NAME/TIME.tar`.
pub(super) fn of(store: &Store, parts: &[&str]) -> Result<Content, Refusal> {
    let [name, last] = parts else { return Err(Refusal::missing()) };
    let Some(time) = last.strip_suffix(".tar") else { return Err(Refusal::missing()) };
    let folder = store.run([*name, time])?;
    let top = format!("{name}-{time}");
    let plain = |c: char| if c.is_ascii_alphanumeric() || ".-_+".contains(c) { c } else { '_' };
    let saved_as: String = top.chars().map(plain).chain(".tar".chars()).collect();
    let body = Body::written(None, move |writer| write_all(&folder.path, &top, writer));
    Ok(Content { saved_as: Some(saved_as), ..Content::of(Kind::Archive, body) })
}

/// Every regular file below a folder, in the order of their names, under a top folder of this name. Links and whatever
/// else is no file are left out, and so is what cannot be read.
fn write_all(folder: &Path, top: &str, writer: &mut dyn Write) -> io::Result<()> {
    let mut pending: Vec<(PathBuf, String)> = vec![(folder.to_owned(), top.to_owned())];
    while let Some((path, name)) = pending.pop() {
        let Ok(data) = fs::symlink_metadata(&path) else { continue };
        if data.is_dir() {
            let Ok(entries) = fs::read_dir(&path) else { continue };
            let mut below: Vec<_> = entries
                .flatten()
                .map(|entry| (entry.path(), format!("{name}/{}", entry.file_name().to_string_lossy())))
                .collect();
            below.sort_by(|a, b| b.1.cmp(&a.1));
            pending.extend(below);
        } else if let Ok((file, _)) = open_file(&path) {
            let changed = data.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
            write_header(writer, &name, data.len(), changed.map_or(0, |since| since.as_secs()), b'0')?;
            // The size stands before the content: a file that grows is cut, one that shrank is filled up.
            let copied = io::copy(&mut file.take(data.len()), writer)?;
            io::copy(&mut io::repeat(0).take(data.len() - copied), writer)?;
            pad(writer, data.len())?;
        }
    }
    writer.write_all(&[0; 2 * BLOCK])
}

fn pad(writer: &mut dyn Write, bytes: u64) -> io::Result<()> {
    let over = (bytes % BLOCK as u64) as usize;
    if over > 0 { writer.write_all(&[0; BLOCK][over..]) } else { Ok(()) }
}

/// The header of a file. What does not fit into the old fields is said before it, as POSIX has it.
fn write_header(writer: &mut dyn Write, name: &str, bytes: u64, changed: u64, kind: u8) -> io::Result<()> {
    let fits = name.len() <= 100 && bytes < 1 << 33;
    if !fits && kind == b'0' {
        let mut said = record("path", name);
        said += &record("size", &bytes.to_string());
        write_header(writer, "PaxHeader", said.len() as u64, changed, b'x')?;
        writer.write_all(said.as_bytes())?;
        pad(writer, said.len() as u64)?;
    }
    let mut block = [0u8; BLOCK];
    let mut put = |from: usize, text: &[u8]| block[from..from + text.len()].copy_from_slice(text);
    put(0, &name.as_bytes()[..name.len().min(100)]);
    put(100, b"0000644\0");
    put(108, b"0000000\0");
    put(116, b"0000000\0");
    put(124, format!("{:011o}\0", bytes.min((1 << 33) - 1)).as_bytes());
    put(136, format!("{:011o}\0", changed.min((1 << 33) - 1)).as_bytes());
    put(148, b"        ");
    put(156, &[kind]);
    put(257, b"ustar\x0000");
    let sum: u64 = block.iter().map(|byte| u64::from(*byte)).sum();
    block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    writer.write_all(&block)
}

/// A record that begins with its own length.
fn record(name: &str, value: &str) -> String {
    let rest = name.len() + value.len() + 3;
    let mut length = rest + 1;
    while length != rest + length.to_string().len() {
        length = rest + length.to_string().len();
    }
    format!("{length} {name}={value}\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tar_reads_it_back_with_long_names_and_without_links() {
        let folder = std::env::temp_dir().join(format!("disprove-archive-{}", std::process::id()));
        let _ = fs::remove_dir_all(&folder);
        let long = format!("{}/{}", "d".repeat(90), "f".repeat(120));
        fs::create_dir_all(folder.join("run").join("d".repeat(90))).unwrap();
        fs::write(folder.join("run/run.json"), "{}").unwrap();
        fs::write(folder.join("run").join(&long), vec![b'x'; 1_500]).unwrap();
        fs::write(folder.join("run/empty"), "").unwrap();
        std::os::unix::fs::symlink("/etc/passwd", folder.join("run/link")).unwrap();
        let mut bytes = Vec::new();
        write_all(&folder.join("run"), "a-b", &mut bytes).unwrap();
        assert_eq!(bytes.len() % BLOCK, 0);
        fs::write(folder.join("run.tar"), &bytes).unwrap();
        let tar = |arguments: &[&str]| {
            let output =
                std::process::Command::new("tar").args(arguments).current_dir(&folder).output().unwrap();
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
            String::from_utf8_lossy(&output.stdout).into_owned()
        };
        let listed = tar(&["-tf", "run.tar"]);
        let mut names: Vec<&str> = listed.lines().collect();
        names.sort_unstable();
        assert_eq!(names, [format!("a-b/{long}").as_str(), "a-b/empty", "a-b/run.json"]);
        tar(&["-xf", "run.tar"]);
        assert_eq!(fs::read(folder.join("a-b").join(&long)).unwrap(), vec![b'x'; 1_500]);
        let _ = fs::remove_dir_all(&folder);
    }

    #[test]
    fn a_record_counts_itself() {
        for value in ["", "x", "12345678901", &"y".repeat(87), &"z".repeat(990)] {
            let record = record("path", value);
            let said: usize = record.split(' ').next().unwrap().parse().unwrap();
            assert_eq!(said, record.len());
        }
    }
}
