//! A system of the user's own, as the table `[database]` of a settings file describes it.

use std::path::{Path, PathBuf};

use databases::{
    configured::{Configured, Description},
    http::Means,
};
use serde::Deserialize;

use crate::{arguments::TestArguments, endpoints, exit::Failure, settings};

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

/// The system with what its requests are sent with beside their templates: secrets, and TLS as the flags say.
pub fn equipped(own: Configured, arguments: &TestArguments) -> Result<Configured, Failure> {
    let choice = endpoints::tls_choice(&arguments.tls)?;
    let Some(http) = &own.description().http else { return Ok(own) };
    if choice.is_some() && !http.has_tls() {
        let flag = arguments.tls.first();
        return Err(Failure::usage(format!(
            "{flag} is of no use: no request of {} begins with https://",
            arguments.db
        )));
    }
    let environment = |name: &str| std::env::var(name).ok();
    let means = Means::read(&http.secret_headers, &environment, choice.as_ref());
    Ok(own.with_means(means.map_err(Failure::usage)?))
}

/// Whether a settings file describes the system, and how it is spoken to by HTTP.
pub fn speaks_http(arguments: &TestArguments) -> Result<bool, Failure> {
    Ok(described(arguments)?.is_some_and(|(own, _)| own.description().http.is_some()))
}

/// The system that a settings file describes, or one sentence with the line and the remedy.
fn read(text: &str) -> Result<Option<Description>, String> {
    let file: File = toml::from_str(text).map_err(|error| {
        let line = error.span().map_or(1, |span| settings::line_of(text, span.start));
        let said = unknown_word(error.message()).unwrap_or_else(|| error.message().to_owned());
        format!("line {line}: {said}")
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

/// What is said of a word that nobody knows, with the nearest one that is known, from what the parser says of it.
fn unknown_word(message: &str) -> Option<String> {
    const FORMS: [(&str, &str, &str); 3] = [
        ("unknown field ", "there is no key", " here"),
        ("unknown variant ", "there is no choice", " here"),
        ("nothing is filled in for ", "nothing is filled in for", ""),
    ];
    FORMS.into_iter().find_map(|(begin, what, end)| {
        let mut words = message.strip_prefix(begin)?.split('`').skip(1).step_by(2);
        let typed = words.next()?;
        let nearest = settings::nearest(typed, words);
        Some(format!("{what} `{typed}`{end}; did you mean `{nearest}`?"))
    })
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

    const HTTP: &str = "[database]\nname = \"mystore\"\nstart = [\"mystored\"]\n\
                        [database.http.register.read]\nmethod = \"GET\"\nurl = \"http://{ip}:80/{key}\"\nok = [200]\n\
                        [database.http.register.write]\nmethod = \"PUT\"\nurl = \"http://{ip}:80/{key}\"\n\
                        body = \"{value}\"\nok = [200]\n";

    #[test]
    fn requests_stand_in_for_a_client_program() {
        assert!(read(HTTP).unwrap().is_some());
        for (from, to, told) in [
            ("url", "ulr", "line 6: there is no key `ulr` here; did you mean `url`?"),
            ("GET", "GTE", "line 5: there is no choice `GTE` here; did you mean `GET`?"),
            ("{key}\"\nok", "{kye}\"\nok", "line 6: nothing is filled in for `kye`; did you mean `key`?"),
            ("{key}\"\nok", "\"\nok", "line 4: nothing in this request says {key}"),
            ("{key}\"\nok", "{key}{value}\"\nok", "line 4: this call has no {value}; it has key"),
            ("http://", "htp://", "line 4: a url begins with http://"),
            ("ok = [200]\n[", "ok = [20]\n[", "line 4: ok: 20 is no status of an answer"),
            ("ok = [200]\n[", "ok = [\"200\"]\n[", "line 7: invalid type: string \"200\""),
            ("ok = [200]\n[", "ok = [200]\nfailed = [200]\n[", "line 4: 200 cannot be both ok and failed"),
            ("ok = [200]\n[", "ok = [200]\nrefused = [412]\n[", "line 4: refused means nothing in this call"),
            ("ok = [200]\n[", "ok = [200]\nvalue = \"[0-9]+\"\n[", "line 8: a place is a pointer into JSON"),
            (
                "ok = [200]\n[",
                "ok = [200]\nvalue = \"([0-9]+\"\n[",
                "line 8: this is no pattern: unclosed group",
            ),
            ("http.register.write", "http.register.wriet", "line 8: there is no key `wriet` here"),
            ("start", "speaks = [\"register\"]\nstart", "line 3: speaks: with http"),
            ("start", "client = [\"x\"]\nstart", "line 3: client: calls go through a client program or"),
        ] {
            let said = read(&HTTP.replacen(from, to, 1)).expect_err(to);
            assert!(said.contains(told), "{to}: {said}");
        }
        let said = read(&HTTP.replace("http.register", "http.rgister")).unwrap_err();
        assert!(said.contains("there is no key `rgister` here; did you mean `register`?"), "{said}");
        let said = read("[database]\nname = \"a\"\nstart = [\"b\"]\n").unwrap_err();
        assert!(said.starts_with("line 2: name: how it is spoken to is missing"), "{said}");
    }
}
