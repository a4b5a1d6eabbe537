//! What a reader of a verdict must know besides, and answers that are wrong whatever the model.

use history::{
    History, Outcome, Vocabulary,
    vocabulary::{Register, register::Call as Asked},
};

use super::{
    calls::{Action, Call, Problem},
    words::tell,
};
use crate::{Anomaly, Validity, Verdict, subject};

/// Says what was odd about the history.
pub(crate) fn add(problem: &Problem, verdict: &mut Verdict) {
    let oddities = &problem.oddities;
    if oddities.malformed > 0 {
        verdict.validity = verdict.validity.max(Validity::Unknown);
        verdict.certificate = None;
    }
    let mut note = |count: u64, text: &str| {
        if count > 0 {
            verdict.notes.push(format!("{count} {text}"));
        }
    };
    note(oddities.malformed, "answers do not belong to their calls and were judged as unknown outcomes");
    note(oddities.nil_reads, "nil reads were taken as not known, because the initial value is not nil");
    note(
        oddities.overlapping,
        "processes began a call before the answer of another had come; their calls are judged as sessions of their own",
    );
    note(
        oddities.continued,
        "processes went on after an outcome that is unknown; what came after it is judged as a new session",
    );
    let several = repeated(problem);
    if several > 0 {
        verdict.notes.push(format!(
            "{several} values were written more than once, or were there at the beginning: nothing was deduced from \
             who may have read them"
        ));
    }
}

/// How many values that somebody saw may have come from several calls.
fn repeated(problem: &Problem) -> usize {
    let mut seen = vec![false; problem.versions.len()];
    for version in problem.calls.iter().filter_map(|call| call.action.sees()) {
        seen[version as usize] = true;
    }
    let several = |version: &usize| {
        let writers = problem.writers[*version].len();
        seen[*version] && writers + usize::from(problem.is_initial(*version as u32)) > 1
    };
    (0..seen.len()).filter(several).count()
}

/// An observation that nothing can have caused.
pub(crate) fn impossible(history: &History<Register>, problem: &Problem, call: u32) -> Anomaly {
    let call = &problem.calls[call as usize];
    let operation = &history.operations[call.origin.0 as usize];
    let key = &problem.keys[call.key as usize];
    let register = subject::named(key, "the register");
    let told = tell(operation);
    let supposed = supposed(problem, call);
    let mut witness = vec![call.origin];
    witness.extend(supposed.iter().map(|&call| problem.calls[call as usize].origin));
    let seen = call.action.sees().map(|seen| problem.versions[seen as usize].value.clone());
    let failed = history.operations.iter().find(|operation| {
        matches!(operation.outcome, Outcome::Fail(_))
            && operation.call.key() == key
            && matches!(&operation.call, Asked::Write(_, to) | Asked::Cas(_, _, to) if Some(to) == seen.as_ref())
    });
    let (kind, sentence) = match (call.action, failed, supposed.first()) {
        (Action::Refused(other), ..) => {
            let value = &problem.versions[other as usize].value;
            (
                "impossible-refusal",
                format!("{told}, but {register} can never have held anything else than {value}"),
            )
        }
        (_, Some(failed), None) => {
            witness.push(failed.index);
            let call_text = Register::describe_call(&failed.call);
            let (who, when) = (failed.process, failed.began);
            ("dirty-read", format!("{told}, but the only `{call_text}`, by {who} at {when}, had failed"))
        }
        (_, _, Some(&first)) => {
            let maker = &history.operations[problem.calls[first as usize].origin.0 as usize];
            let found = problem.calls[first as usize].action.sees();
            let found = found.map(|found| problem.versions[found as usize].value.clone()).unwrap_or_default();
            let maker_text = tell(maker);
            let seen = seen.unwrap_or_default();
            let sentence = format!(
                "{told}, but only {maker_text} can have written {seen}, and that can never have found {found}"
            );
            ("garbage-read", sentence)
        }
        (_, None, None) => {
            let seen = seen.unwrap_or_default();
            ("garbage-read", format!("{told}, but nobody else ever wrote {seen} to {register}"))
        }
    };
    witness.sort_unstable();
    witness.dedup();
    Anomaly { kind: kind.into(), sentence, key: Some(key.clone()), witness, ..Anomaly::default() }
}

/// The calls that would have to have happened for this observation to be right, none of which can have.
fn supposed(problem: &Problem, observer: &Call) -> Vec<u32> {
    let mut found: Vec<u32> = match observer.action {
        Action::Refused(_) => problem.makers(observer.key).collect(),
        action => action.sees().map_or(Vec::new(), |seen| problem.writers[seen as usize].clone()),
    };
    found.retain(|&call| !problem.is_possible(call));
    let mut next = 0;
    while let Some(&call) = found.get(next) {
        next += 1;
        let seen = problem.calls[call as usize].action.sees().map(|seen| seen as usize);
        for &writer in seen.map_or(&[][..], |seen| &problem.writers[seen]) {
            if !problem.is_possible(writer) && !found.contains(&writer) {
                found.push(writer);
            }
        }
    }
    found
}
