//! `check`: judges a history, ours or foreign, with no cluster.

use std::path::{Path, PathBuf};

use checkers::{Standing, levels::LevelOptions, transactions::VersionOrder};
use history::{
    Header, Nanos, Value,
    import::{AnyHistory, Format},
};
use reports::{Findings, Run};
use serde::Serialize;

use super::{replay::read_choices, style};
use crate::{
    arguments::{CheckArguments, Color, OutputFormat},
    certificate::{Certificate, Terms},
    ci,
    exit::{Exit, Failure},
    expectation::{self, Expectation},
    judge::{self, Judgement, Limits},
    memory,
    models::{self, Wish},
    settings,
    store::{self, RunFolder},
    streaming::{self, Stream},
};

/// What `--output json` prints.
#[derive(Serialize)]
struct Printed<'a> {
    schema: u32,
    verdict: checkers::Validity,
    model: &'a str,
    anomalies: Vec<&'a checkers::Anomaly>,
    /// The fingerprints of what is new, where it was said what is known.
    new: Vec<String>,
    /// Thresholds that were required, and how they went.
    required: &'a [reports::expected::Required],
    limits: &'a [String],
    /// What evidence a run lacks; only a run of ours is asked for any.
    doubts: &'a [String],
    warnings: &'a [String],
    notes: Vec<&'a String>,
    /// What each checker says of each promise.
    judgements: Vec<OfOne<'a>>,
    /// The weakest promises of the lattice that the history breaks.
    refuted: Vec<&'a String>,
    /// The stronger ones that fall with them.
    also_refuted: Vec<&'a String>,
    /// The strongest that were judged and not refuted.
    strongest_standing: Vec<&'a String>,
    operations: u64,
    seconds: f64,
    peak_memory_bytes: Option<u64>,
    damage: Option<&'a history::Damage>,
}

/// What one checker says of one promise.
#[derive(Serialize)]
struct OfOne<'a> {
    checker: &'a str,
    model: &'a str,
    verdict: checkers::Validity,
    anomalies: usize,
    operations: u64,
}

/// Judges the file.
pub fn run(mut check: CheckArguments, color: Color) -> Result<Exit, Failure> {
    if let Some(name) = &check.vocabulary {
        check.vocabulary = Some(models::vocabulary(name)?.into());
    }
    let limits = Limits::new(check.step_limit, check.memory_limit, check.time_limit, check.threads)?;
    let expectation = Expectation::new(&check.expect)?;
    let Located { file, mut run, live } = locate(&check.file)?;
    // Whoever reads a report, or looks at a run again, wants to know what still stands.
    check.weaker |= live.is_some() || check.report.is_some();
    let order = version_order(&check.version_order)?;
    // What can be known to be wrong without the file is said before it is read.
    if let (Some(vocabulary), Some(model)) = (&check.vocabulary, &check.model) {
        models::named(vocabulary, model)?;
    }
    let judged = judged(&file, &check, order, (&mut run, limits));
    let (mut judgement, certified) = match judged {
        Err(failure) if failure.exit == Exit::Input && holds_nothing(&file, &check) => {
            let model = check.model.as_deref().unwrap_or("any promise");
            (judge::judge_nothing(Run { model: model.into(), ..run }), None)
        }
        judged => judged?,
    };
    if let Some(live) = live {
        judgement.findings.recovery = live.recovery;
        judgement.findings.demand_evidence(live.asked_faults);
    }
    expectation.note(&mut judgement.findings);
    print(&judgement, &check, color);
    ci::announce(&judgement.findings);
    if let (Some(path), Some(header)) = (&check.certificate, certified) {
        let certificate = Certificate::of(&header, terms(&check)?, &judgement.findings.verdicts);
        store::write_whole(path, certificate.to_json().as_bytes())?;
    }
    if let Some(path) = &check.report {
        store::write_whole(path, reports::html::page(&judgement.findings).as_bytes())?;
    }
    Ok(expectation::exit_of(&judgement.findings))
}

/// Judges the file while reading it or afterwards. A header comes with what was judged as a whole.
fn judged(
    file: &Path,
    check: &CheckArguments,
    order: VersionOrder,
    (run, limits): (&mut Run, Limits),
) -> Result<(Judgement, Option<Header>), Failure> {
    let why = match streamed(file, check, order, (run, limits))? {
        Judged::Streamed(judgement) => return Ok((*judgement, None)),
        Judged::Not(why) => why,
    };
    let (mut judgement, header) = judged_whole(file, check, order, (run.clone(), limits))?;
    judgement.findings.warnings.extend(why);
    Ok((judgement, Some(header)))
}

/// Whether nothing at all was recorded in a file: that is no history in a wrong format, but one without a call.
fn holds_nothing(file: &Path, check: &CheckArguments) -> bool {
    let format = check.format.as_deref().and_then(Format::from_name);
    let read = history::import::read_any(file, format, check.vocabulary.as_deref(), None);
    matches!(read, Err(history::ReadError::Empty { .. }))
}

/// What came of judging a file while reading it.
enum Judged {
    Streamed(Box<Judgement>),
    /// It was not asked for, or it cannot be done, for this reason.
    Not(Option<String>),
}

/// Judges the file while reading it, where that was asked for.
fn streamed(
    file: &Path,
    check: &CheckArguments,
    order: VersionOrder,
    (run, limits): (&mut Run, Limits),
) -> Result<Judged, Failure> {
    if !check.stop_on_anomaly {
        return Ok(Judged::Not(None));
    }
    if check.certificate.is_some() {
        return Err(Failure::usage(
            "--certificate needs the whole history, which --stop-on-anomaly does not keep",
        ));
    }
    let unreadable = |error: history::ReadError| Failure::input(error.to_string());
    let format = match check.format.as_deref() {
        Some(name) => format_named(name)?,
        None => history::import::detect(file).map_err(unreadable)?,
    };
    let vocabulary = match &check.vocabulary {
        Some(name) => name.clone(),
        None => history::import::vocabulary_of(file, format).map_err(unreadable)?,
    };
    let header = match format {
        Format::Disprove => history::read_header(file).map_err(unreadable)?,
        _ => Header::new(&vocabulary),
    };
    let header = Header { vocabulary: vocabulary.clone(), ..header };
    let models = promises(&header, check.model.as_deref())?;
    run.model = models.join(",");
    run.recheck = recheck(check, &header, &run.model);
    let stream = Stream { models, order, forget_after: check.forget_after, is_preliminary: false };
    let initial = check.initial.as_deref().map(parse_value);
    let judged = streaming::judge_file(file, format, &vocabulary, initial, (&stream, run.clone(), limits))?;
    Ok(match judged {
        Ok(judgement) => Judged::Streamed(Box::new(judgement)),
        Err(why) => Judged::Not(Some(format!("the history was not judged while it was read: {why}"))),
    })
}

/// Reads the whole file and judges it.
fn judged_whole(
    file: &Path,
    check: &CheckArguments,
    order: VersionOrder,
    (mut run, limits): (Run, Limits),
) -> Result<(Judgement, Header), Failure> {
    let history =
        read_as(file, check.format.as_deref(), check.vocabulary.as_deref(), check.initial.as_deref())?;
    let models = promises(history.header(), check.model.as_deref())?;
    let wish = Wish { models, order, levels: level_options(check)?, weaker: check.weaker };
    run.model = wish.models.join(",");
    run.recheck = recheck(check, history.header(), &run.model);
    let judgement = judge::judge_any(&history, &wish, run, limits)?;
    Ok((judgement, history.header().clone()))
}

/// The history in this file or folder of a run, with what the flags say of it.
pub fn read(
    path: &Path,
    format: Option<&str>,
    vocabulary: Option<&str>,
    initial: Option<&str>,
) -> Result<AnyHistory, Failure> {
    read_as(&locate(path)?.file, format, vocabulary, initial)
}

fn read_as(
    file: &Path,
    format: Option<&str>,
    vocabulary: Option<&str>,
    initial: Option<&str>,
) -> Result<AnyHistory, Failure> {
    let format = format.map(format_named).transpose()?;
    history::import::read_any(file, format, vocabulary, initial.map(parse_value))
        .map_err(|error| Failure::input(error.to_string()))
}

/// Where a history is and where it comes from.
struct Located {
    file: PathBuf,
    run: Run,
    /// What is known of a run of ours besides its history.
    live: Option<Live>,
}

/// What a run of ours knew when it was live.
struct Live {
    /// Whether faults were asked for. Its verdict needs evidence, as it did then.
    asked_faults: bool,
    /// How long the database took to answer again, which no history says.
    recovery: Option<Nanos>,
}

/// The history of a run's folder, or the file itself. Some foreign histories are folders as well, which no run made.
fn locate(path: &Path) -> Result<Located, Failure> {
    let is_run = path.is_dir() && path.join(store::CHOICES).is_file();
    if !is_run && (!path.is_dir() || history::import::detect(path).is_ok()) {
        let run =
            Run { title: path.display().to_string(), folder: path.display().to_string(), ..Run::default() };
        return Ok(Located { file: path.to_owned(), run, live: None });
    }
    let folder = RunFolder::open(path)?;
    let choices = read_choices(&folder)?;
    let run = crate::run::stages::describe(&choices, &folder);
    // Results of another version only lack what they could add.
    let recovery = folder.findings().ok().flatten().and_then(|findings| findings.recovery);
    let live = Live { asked_faults: choices.ask_for_faults(), recovery };
    Ok(Located { file: folder.history()?, run, live: Some(live) })
}

/// The promises to judge by: those that were asked for, else that of the file, else the usual one.
fn promises(header: &Header, asked: Option<&str>) -> Result<Vec<&'static str>, Failure> {
    let vocabulary = header.vocabulary.as_str();
    if let Some(text) = asked {
        return models::named(vocabulary, text);
    }
    // A file may be judged as another vocabulary than it names, and then its own promise may not fit.
    let own = header.model.as_deref().and_then(|model| models::named(vocabulary, model).ok());
    Ok(own.unwrap_or_else(|| vec![models::usual(vocabulary, header.untimed)]))
}

/// The command that judges the file again in the same way.
fn recheck(check: &CheckArguments, header: &Header, models: &str) -> String {
    let mut command = format!(
        "{} check {} --as {} --model {models}",
        crate::run::stages::program(),
        check.file.display(),
        header.vocabulary
    );
    if check.version_order != "exact" {
        command += &format!(" --version-order {}", check.version_order);
    }
    if check.stop_on_anomaly {
        command += &format!(" --stop-on-anomaly --forget-after {}", check.forget_after);
    }
    for (flag, value) in [("format", &check.format), ("initial", &check.initial)] {
        if let Some(value) = value {
            command += &format!(" --{flag} {value}");
        }
    }
    command
}

/// How stale a read may be.
fn level_options(check: &CheckArguments) -> Result<LevelOptions, Failure> {
    let mut options = LevelOptions::default();
    if let Some(seconds) = check.staleness_time {
        let time = std::time::Duration::try_from_secs_f64(seconds).map_err(|_| {
            Failure::usage(format!("--staleness-time takes seconds, as in 0.5, and not {seconds}"))
        })?;
        options.staleness_time = Some(Nanos(u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)));
    }
    options.staleness_versions = check.staleness_versions;
    Ok(options)
}

/// What the verdicts rest on besides the history.
fn terms(check: &CheckArguments) -> Result<Terms, Failure> {
    let levels = level_options(check)?;
    let order = version_order(&check.version_order)?;
    Ok(Terms {
        assumed: (!order.is_exact()).then(|| check.version_order.clone()),
        staleness_time: levels.staleness_time,
        staleness_versions: levels.staleness_versions,
    })
}

fn format_named(name: &str) -> Result<Format, Failure> {
    Format::from_name(name).ok_or_else(|| {
        let nearest = settings::nearest(name, Format::ALL.into_iter().map(Format::name));
        let all = Format::ALL.map(Format::name).join(", ");
        Failure::usage(format!("there is no format `{name}`; did you mean `{nearest}`? All: {all}"))
    })
}

/// What versions are ordered by.
fn version_order(text: &str) -> Result<VersionOrder, Failure> {
    const NAMES: [&str; 5] = ["exact", "wfr", "sequential", "linearizable", "given"];
    let mut order = VersionOrder::EXACT;
    for name in text.split(',').map(str::trim) {
        match name {
            "exact" => {}
            "wfr" => order.wfr = true,
            "sequential" => order.sequential = true,
            "linearizable" => order.linearizable = true,
            "given" => order.given = true,
            wrong => {
                let nearest = settings::nearest(wrong, NAMES.into_iter());
                return Err(Failure::usage(format!(
                    "--version-order knows no `{wrong}`; did you mean `{nearest}`? All: {}",
                    NAMES.join(", ")
                )));
            }
        }
    }
    Ok(order)
}

/// A value as it stands on the command line: nil, a number, or a text.
fn parse_value(text: &str) -> Value {
    match (text, text.parse::<i64>()) {
        ("nil", _) => Value::Nil,
        (_, Ok(number)) => Value::Int(number),
        (_, Err(_)) => Value::from(text),
    }
}

fn print(judgement: &Judgement, check: &CheckArguments, color: Color) {
    let findings = &judgement.findings;
    let printed = printed(findings, judgement.seconds);
    match check.output {
        OutputFormat::Text => crate::output::put!("{}", reports::terminal::summary(findings, style(color))),
        OutputFormat::Json => {
            crate::output::putln!(
                "{}",
                serde_json::to_string_pretty(&printed).expect("findings are plain data")
            );
        }
        OutputFormat::Jsonl => {
            crate::output::putln!("{}", serde_json::to_string(&printed).expect("findings are plain data"))
        }
    }
}

fn of_the_lattice(findings: &Findings, part: impl Fn(&Standing) -> &Vec<String>) -> Vec<&String> {
    findings.verdicts.iter().filter_map(|verdict| verdict.standing.as_ref()).flat_map(part).collect()
}

fn new_fingerprints(findings: &Findings) -> Vec<String> {
    let of = |(verdict, anomaly)| reports::fingerprint::of(verdict, anomaly);
    let mut new: Vec<String> = findings.new_anomalies().map(of).collect();
    new.sort();
    new.dedup();
    new
}

fn printed(findings: &Findings, seconds: f64) -> Printed<'_> {
    Printed {
        schema: reports::SCHEMA_VERSION,
        verdict: findings.validity,
        model: &findings.run.model,
        anomalies: findings.anomalies().map(|(_, anomaly)| anomaly).collect(),
        new: new_fingerprints(findings),
        required: &findings.required,
        limits: &findings.limits,
        doubts: &findings.doubts,
        warnings: &findings.warnings,
        notes: findings.verdicts.iter().flat_map(|verdict| &verdict.notes).collect(),
        judgements: findings
            .verdicts
            .iter()
            .map(|one| OfOne {
                checker: &one.checker,
                model: &one.model,
                verdict: one.validity,
                anomalies: one.anomalies.len(),
                operations: one.operations,
            })
            .collect(),
        operations: findings.operations,
        seconds,
        peak_memory_bytes: memory::peak_bytes(),
        refuted: of_the_lattice(findings, |standing| &standing.refuted),
        also_refuted: of_the_lattice(findings, |standing| &standing.also_refuted),
        strongest_standing: of_the_lattice(findings, |standing| &standing.strongest_standing),
        damage: findings.damage.as_ref(),
    }
}
