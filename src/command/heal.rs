//! `heal`: undoes what a killed controller left behind.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use super::replay;
use crate::{
    endpoints,
    exit::{Exit, Failure},
    registry::Registry,
    run::Choices,
    store::{self, RunFolder},
};

/// How long a controller that was killed may take to be gone: the kernel takes its network devices apart first.
const GONE_WITHIN: Duration = Duration::from_secs(3);

/// Whether no run is under way in the folder, or it ends within a moment.
fn ends_soon(folder: &RunFolder) -> bool {
    let asked = Instant::now();
    while folder.is_in_use() {
        if asked.elapsed() > GONE_WITHIN {
            return false;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    true
}

/// Undoes every fault that was journalled and not undone, and gives machines back.
pub fn run(registry: &Registry, path: &Path) -> Result<Exit, Failure> {
    let folder = RunFolder::open(path)?;
    if !ends_soon(&folder) {
        return Err(Failure::harness(format!(
            "the run in {} is still going on, and undoes its faults itself; interrupt it with Ctrl-C first",
            folder.path.display()
        )));
    }
    let choices = replay::read_choices(&folder)?;
    let healed = match choices.inventory {
        Some(_) => heal_machines(registry, &folder, &choices),
        None if choices.endpoints.is_empty() => heal_here(&folder),
        None => Ok(Exit::Valid),
    };
    if !choices.endpoints.is_empty() {
        remove_from_running(registry, &folder, &choices)?;
    }
    healed
}

/// Removes what a run made in a system that already ran.
fn remove_from_running(registry: &Registry, folder: &RunFolder, choices: &Choices) -> Result<(), Failure> {
    let mut arguments = replay::arguments(choices, folder)?;
    arguments.run_id = Some(choices.run_id.clone());
    // Which faults there were does not matter to what is left in the system.
    (arguments.faults, arguments.plan) = (None, None);
    let arguments = endpoints::settled(&arguments, choices.seed)?;
    let database = registry.database(&arguments)?;
    let runtime = tokio::runtime::Runtime::new()
        .map_err(|error| Failure::harness(format!("cannot start threads: {error}")))?;
    runtime.block_on(async {
        let cluster = endpoints::cluster(&choices.endpoints).await?;
        database.stop(&cluster).await?;
        crate::output::putln!("removed: everything of run {} in {}", choices.run_id, choices.system());
        Ok(())
    })
}

/// The namespaces of a local cluster, and every fault in them, end with their controller, so what is left to do is to
/// close the journal.
fn heal_here(folder: &RunFolder) -> Result<Exit, Failure> {
    remove_groups(folder)?;
    let journal = folder.file(store::JOURNAL);
    if !journal.is_file() {
        crate::output::putln!("nothing to undo: the run ended before its first fault");
        return Ok(Exit::Valid);
    }
    let why = "the namespaces it was in ended with their controller";
    let closed = nemeses::close(&journal, why)
        .map_err(|error| Failure::input(format!("cannot heal from {}: {error}", journal.display())))?;
    for fault in &closed {
        crate::output::putln!("undone: {} ({why})", fault.description);
    }
    crate::output::putln!("{} undone, nothing is left in force", closed.len());
    Ok(Exit::Valid)
}

/// Control groups outlive the controller, and what is frozen in one cannot even end.
fn remove_groups(folder: &RunFolder) -> Result<(), Failure> {
    let removed = cluster::local::remove_groups(&folder.path).map_err(|error| {
        Failure::harness(format!("a control group of the run cannot be removed: {error}"))
    })?;
    for group in removed {
        crate::output::putln!("removed: the control group {}", group.display());
    }
    Ok(())
}

/// Machines and containers keep what was done to them: each fault is undone there, then what the run started is ended and removed.
fn heal_machines(registry: &Registry, folder: &RunFolder, choices: &Choices) -> Result<Exit, Failure> {
    let database = registry.database(&replay::arguments(choices, folder)?)?;
    let spec = crate::run::back::machine_spec(choices, folder)?;
    let runtime = tokio::runtime::Runtime::new()
        .map_err(|error| Failure::harness(format!("cannot start threads: {error}")))?;
    runtime.block_on(async {
        let machines = cluster::machine::MachineCluster::resume(spec).await?;
        let journal = folder.file(store::JOURNAL);
        let mut stuck = 0;
        let mut undone = 0;
        if journal.is_file() {
            let healed =
                nemeses::heal(&journal, &machines.cluster(), database.as_ref()).await.map_err(|error| {
                    Failure::input(format!("cannot heal from {}: {error}", journal.display()))
                })?;
            for fault in &healed {
                match &fault.stuck {
                    None => crate::output::putln!("undone: {}", fault.description),
                    Some(why) => crate::output::putln!("still in force: {} ({why})", fault.description),
                }
                stuck += usize::from(fault.stuck.is_some());
            }
            undone = healed.len() - stuck;
        }
        // Also takes off what no journal tells of: every rule of ours, every process that the run started.
        machines.stop().await?;
        crate::output::putln!(
            "{undone} undone, and the nodes are given back: nothing of the run is left on them"
        );
        if stuck > 0 {
            return Err(Failure::harness(format!(
                "{stuck} faults could not be undone one by one; see above"
            )));
        }
        Ok(Exit::Valid)
    })
}
