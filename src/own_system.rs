//! A system of the user's own, as the table `[database]` of a settings file describes it.

use std::path::{Path, PathBuf};

use databases::configured::{Configured, Description};
use serde::Deserialize;

use crate::{arguments::TestArguments, exit::Failure, settings};

/// A settings file, of which only the system is wanted here.
#[derive(Deserialize)]
struct File {
    database: Option<Description>,
}

/// The system that the settings file of these flags describes, with the file, if it is the one that `--db` names.
pub fn described(arguments: &TestArguments) -> Result<Option<(Configured, PathBuf)>, Failure> {
    let Some(path) = settings::file_of(arguments.config.as_deref()) else { return Ok(None) };
    let text = std::fs::read_to_string(&path).map_err(|error| {
        Failure::usage(format!("cannot read the settings in {}: {error}", path.display()))
    })?;
    let path = path.canonicalize().unwrap_or(path);
    let folder = path.parent().unwrap_or(Path::new("/")).display().to_string();
    let description = read(&text).map_err(|what| Failure::usage(format!("{}: {what}", path.display())))?;
    let named = description.filter(|description| description.name == arguments.db);
    Ok(named.map(|description| (Configured::new(description.standing_in(&folder)), path)))
}

/// The system that a settings file describes, or one sentence with the line and the remedy.
fn read(text: &str) -> Result<Option<Description>, String> {
    let file: File = toml::from_str(text).map_err(|error| {
        let line = error.span().map_or(1, |span| settings::line_of(text, span.start));
        match unknown_key(error.message()) {
            Some((typed, nearest)) => {
                format!("line {line}: there is no key `{typed}` here; did you mean `{nearest}`?")
            }
            None => format!("line {line}: {}", error.message()),
        }
    })?;
    let Some(description) = file.database else { return Ok(None) };
    let Some(wrong) = description.wrong() else { return Ok(Some(description)) };
    let line = settings::line_of_key(text, wrong.key);
    Err(match &wrong.said {
        Some(said) => {
            let nearest = settings::nearest(said, wrong.known.iter().copied());
            format!("line {line}: {}: {} `{said}`; did you mean `{nearest}`?", wrong.key, wrong.what)
        }
        None => format!("line {line}: {}: {}", wrong.key, wrong.what),
    })
}

/// The key that nobody knows and the nearest one that is known, from what the parser says of it.
fn unknown_key(message: &str) -> Option<(&str, &str)> {
    let mut words = message.strip_prefix("unknown field ")?.split('`').skip(1).step_by(2);
    let typed = words.next()?;
    Some((typed, settings::nearest(typed, words)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOUND: &str = "[database]\nname = \"mystore\"\nstart = [\"mystored\", \"{ip}\"]\n\
                         client = [\"client\"]\nspeaks = [\"register\"]\n";

    #[test]
    fn a_sound_description_is_read_beside_settings() {
        let text = format!("[run]\nseed = 3\n{SOUND}nodes = 1\n[database.files]\n\"a.conf\" = \"b\"\n");
        let description = read(&text).unwrap().unwrap();
        assert_eq!((description.name.as_str(), description.nodes), ("mystore", 1));
        assert_eq!(read("[run]\nseed = 3\n").unwrap().map(|description| description.name), None);
    }

    #[test]
    fn every_mistake_has_its_line_and_the_nearest_name() {
        for (more, told) in [
            ("raedy = [\"x\"]\n", "line 6: there is no key `raedy` here; did you mean `ready`?"),
            ("nodes = \"3\"\n", "line 6: invalid type"),
            ("nodes = 0\n", "line 6: nodes: a system runs on 1 to 100 nodes"),
            ("ready = []\n", "line 6: ready: a command has at least its program"),
            (
                "ready = [\"ping\", \"{pi}\"]\n",
                "line 6: ready: nothing is filled in for `pi`; did you mean `ip`?",
            ),
            ("[database.promises]\nregister = \"linearisable\"\n", "did you mean `linearizable`?"),
            ("[database.promises]\nregistr = \"linearizable\"\n", "did you mean `register`?"),
        ] {
            let said = read(&format!("{SOUND}{more}")).unwrap_err();
            assert!(said.contains(told), "{more}: {said}");
        }
        let said = read(&SOUND.replace("\"register\"", "\"regster\"")).unwrap_err();
        assert_eq!(said, "line 5: speaks: there is no vocabulary `regster`; did you mean `register`?");
        assert!(read("[database]\nname = \"a\"\n").unwrap_err().contains("missing field `start`"));
    }
}
