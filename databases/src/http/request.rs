//! One request of a file: what is sent for a call, and what each answer to it means.

use std::{collections::BTreeMap, str::FromStr as _};

use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use serde::Deserialize;

use super::{
    answer::{Pattern, Place},
    template::{Into, Meanings, NAMES, Template},
};

/// How a request is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
enum Method {
    Get,
    Put,
    Post,
    Patch,
    Delete,
}

/// A request for one kind of call.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Request {
    method: Method,
    url: Template,
    #[serde(default)]
    headers: BTreeMap<String, Template>,
    body: Option<Template>,
    /// Statuses that answer the call.
    pub(super) ok: Vec<u16>,
    /// Statuses that say that nothing is there.
    #[serde(default)]
    pub(super) absent: Vec<u16>,
    /// Statuses that say that another value was there.
    #[serde(default)]
    pub(super) refused: Vec<u16>,
    /// Statuses that say that the call certainly did nothing.
    #[serde(default)]
    pub(super) failed: Vec<u16>,
    /// What the body of an answer has to fit besides.
    pub(super) ok_body: Option<Pattern>,
    /// What a body fits that says that another value was there.
    pub(super) refused_body: Option<Pattern>,
    value: Option<Place>,
}

/// What a kind of call takes.
pub(super) struct Takes {
    /// The words of the call, all of which are needed.
    pub(super) needed: &'static [&'static str],
    /// Whether a value is read from the answer.
    pub(super) value: bool,
    /// Whether that is a list of them.
    pub(super) elements: bool,
    /// Whether the answer can be that another value was there.
    pub(super) refusals: bool,
}

/// A request that is ready to be sent.
#[derive(Debug)]
pub(super) struct Filled {
    pub(super) method: reqwest::Method,
    pub(super) url: reqwest::Url,
    pub(super) headers: HeaderMap,
    pub(super) body: Option<String>,
}

impl Request {
    /// Where the value stands in the body of an answer.
    pub(super) fn place(&self) -> &Place {
        self.value.as_ref().unwrap_or(&Place::Whole)
    }

    /// Whether it goes through TLS.
    pub(super) fn has_tls(&self) -> bool {
        self.url.with_all("1").starts_with("https://")
    }

    /// The first thing that is wrong with it, for a call that takes this.
    pub(super) fn wrong(&self, takes: &Takes) -> Option<String> {
        self.wrong_words(takes).or_else(|| self.wrong_url()).or_else(|| self.wrong_answers(takes))
    }

    fn wrong_words(&self, takes: &Takes) -> Option<String> {
        let templates = || [&self.url].into_iter().chain(self.headers.values()).chain(&self.body);
        let said: Vec<&str> = templates().flat_map(Template::names).collect();
        // What makes a condition of the request may be a word of the server, such as `If-None-Match: *`.
        if let Some(missing) = takes.needed.iter().find(|name| !said.contains(name)) {
            return Some(format!("nothing in this request says {{{missing}}}"));
        }
        let of_call = &NAMES[3..];
        let strange = said.iter().find(|name| of_call.contains(name) && !takes.needed.contains(name));
        strange.map(|strange| format!("this call has no {{{strange}}}; it has {}", takes.needed.join(", ")))
    }

    fn wrong_url(&self) -> Option<String> {
        let sample = self.url.with_all("1");
        let is_known =
            sample.starts_with("http://") || (cfg!(feature = "tls") && sample.starts_with("https://"));
        if !is_known {
            let https =
                if cfg!(feature = "tls") { " or https://" } else { "; this program was built without TLS" };
            return Some(format!("a url begins with http://{https}"));
        }
        if let Err(error) = reqwest::Url::parse(&sample) {
            return Some(format!("this is no url: {error}"));
        }
        let name = self.headers.keys().find(|name| HeaderName::from_str(name).is_err());
        name.map(|name| format!("`{name}` is no name of a header"))
    }

    fn wrong_answers(&self, takes: &Takes) -> Option<String> {
        if self.ok.is_empty() {
            return Some("ok: at least one status answers the call".into());
        }
        let mut seen = BTreeMap::new();
        let lists = [
            ("ok", &self.ok),
            ("absent", &self.absent),
            ("refused", &self.refused),
            ("failed", &self.failed),
        ];
        for (list, statuses) in lists {
            for status in statuses {
                if !(200..600).contains(status) {
                    return Some(format!("{list}: {status} is no status of an answer"));
                }
                if let Some(other) = seen.insert(status, list) {
                    return Some(format!("{status} cannot be both {other} and {list}"));
                }
            }
        }
        let is_read = takes.value;
        for (key, is_there, is_fit) in [
            ("absent", !self.absent.is_empty(), is_read),
            ("value", self.value.is_some(), is_read),
            ("refused", !self.refused.is_empty(), takes.refusals),
            ("refused-body", self.refused_body.is_some(), takes.refusals),
        ] {
            if is_there && !is_fit {
                return Some(format!("{key} means nothing in this call"));
            }
        }
        // A pattern that fits nothing would make every set an empty one.
        let is_pattern = matches!(self.value, Some(Place::Pattern(_)));
        (takes.elements && is_pattern).then(|| {
            "value: the elements of a set are an array of JSON, at a pointer such as /elements".into()
        })
    }

    /// The request for one call; an error says why it cannot be made.
    pub(super) fn filled(&self, meanings: &Meanings) -> Result<Filled, String> {
        let url = self.url.filled(meanings, Into::Url)?;
        let path = url.split(['?', '#']).next().unwrap_or_default().to_ascii_lowercase().replace("%2e", ".");
        if path.split('/').any(|step| matches!(step, "." | "..")) {
            return Err(format!("{url} names another place than it says"));
        }
        let url = reqwest::Url::parse(&url).map_err(|error| format!("{url} is no url: {error}"))?;
        let mut headers = HeaderMap::new();
        for (name, template) in &self.headers {
            let name = HeaderName::from_str(name).map_err(|error| error.to_string())?;
            let value = template.filled(meanings, Into::Plain)?;
            let value = HeaderValue::from_str(&value)
                .map_err(|_| format!("the header {name} cannot be {value:?}"))?;
            headers.insert(name, value);
        }
        let is_form = headers.get(CONTENT_TYPE).is_some_and(|kind| {
            kind.to_str().is_ok_and(|kind| kind.starts_with("application/x-www-form-urlencoded"))
        });
        let body = self.body.as_ref().map(|body| {
            let into = match (is_form, body.is_json()) {
                (true, _) => Into::Url,
                (false, true) => Into::Json,
                (false, false) => Into::Plain,
            };
            body.filled(meanings, into)
        });
        let method = match self.method {
            Method::Get => reqwest::Method::GET,
            Method::Put => reqwest::Method::PUT,
            Method::Post => reqwest::Method::POST,
            Method::Patch => reqwest::Method::PATCH,
            Method::Delete => reqwest::Method::DELETE,
        };
        Ok(Filled { method, url, headers, body: body.transpose()? })
    }
}
