//! What can be tested with what: databases and workloads, paired by vocabulary.
//!
//! This is the one place where types are erased: a workload of any vocabulary is an [`AnyWorkload`] to the command
//! line, and asks the database for clients of its own vocabulary.

mod systems;

use std::sync::Arc;

use cluster::{Database, Speaks};
use history::Vocabulary;
use workloads::Workload;

use crate::{
    arguments::TestArguments,
    exit::Failure,
    judge::{self, JudgeSettings, Judgement},
    run::live::{self, Live, LiveSummary},
    settings, streaming,
};

/// A workload whose vocabulary the command line need not know.
#[async_trait::async_trait]
pub trait AnyWorkload: Send + Sync {
    /// Its name in `--workload`.
    fn name(&self) -> &str;
    /// The promise it tests, in one line.
    fn promise(&self) -> &str;
    /// The name of its vocabulary.
    fn vocabulary(&self) -> &'static str;
    /// Whether a database that speaks these can be tested with it.
    fn is_spoken(&self, speaks: &Speaks) -> bool;
    /// Runs its calls beside the faults, heals, settles and makes its final reads.
    async fn drive(&self, live: Live) -> Result<LiveSummary, Failure>;
    /// Judges the history of a run of it.
    fn judge(&self, settings: &JudgeSettings) -> Result<Judgement, Failure>;
}

#[async_trait::async_trait]
impl<W: Workload> AnyWorkload for W {
    fn name(&self) -> &str {
        Workload::name(self)
    }

    fn promise(&self) -> &str {
        Workload::promise(self)
    }

    fn vocabulary(&self) -> &'static str {
        W::Vocabulary::NAME
    }

    fn is_spoken(&self, speaks: &Speaks) -> bool {
        speaks.factory::<W::Vocabulary>().is_some()
    }

    async fn drive(&self, live: Live) -> Result<LiveSummary, Failure> {
        live::drive(self, live).await
    }

    fn judge(&self, settings: &JudgeSettings) -> Result<Judgement, Failure> {
        // A workload of another name may judge in ways of its own.
        let is_plain = Workload::name(self) == W::Vocabulary::NAME;
        let large = if is_plain { streaming::judge_large(W::Vocabulary::NAME, settings)? } else { None };
        large.map_or_else(|| judge::judge_workload(self, settings), Ok)
    }
}

/// A database that `--db` can name.
pub trait DatabaseSource: Send + Sync {
    /// Its name in `--db`.
    fn name(&self) -> &str;
    /// What it is, in one line.
    fn describe(&self) -> &str;
    /// The database, as the flags want it.
    fn build(&self, arguments: &TestArguments) -> Result<Arc<dyn Database>, Failure>;
}

/// A user's own database: always the same.
struct OwnDatabase(Arc<dyn Database>);

impl DatabaseSource for OwnDatabase {
    fn name(&self) -> &str {
        self.0.name()
    }

    fn describe(&self) -> &str {
        "a database of this program's own"
    }

    fn build(&self, arguments: &TestArguments) -> Result<Arc<dyn Database>, Failure> {
        systems::refuse_disease(arguments)?;
        systems::refuse_isolation(arguments)?;
        systems::refuse_topology(arguments)?;
        systems::refuse_reads(arguments)?;
        Ok(Arc::clone(&self.0))
    }
}

/// The built-in specimen, healthy or with one disease.
struct Specimen;

impl DatabaseSource for Specimen {
    fn name(&self) -> &str {
        "specimen"
    }

    fn describe(&self) -> &str {
        "the built-in replicated store on Raft; --disease makes it sick"
    }

    fn build(&self, arguments: &TestArguments) -> Result<Arc<dyn Database>, Failure> {
        systems::refuse_isolation(arguments)?;
        systems::refuse_topology(arguments)?;
        systems::refuse_reads(arguments)?;
        let wanted = arguments.disease.as_str();
        let disease = specimens::Disease::all().iter().copied().find(|disease| disease.name() == wanted);
        let disease = disease.ok_or_else(|| {
            let names = specimens::Disease::all().iter().map(|disease| disease.name());
            let nearest = settings::nearest(wanted, names);
            Failure::usage(format!(
                "there is no disease `{wanted}`; did you mean `{nearest}`? `disprove list diseases` shows all"
            ))
        })?;
        Ok(Arc::new(specimens::SpecimenDatabase::new(disease)))
    }
}

/// Everything the command line can pair.
pub struct Registry {
    databases: Vec<Box<dyn DatabaseSource>>,
    workloads: Vec<Arc<dyn AnyWorkload>>,
}

impl std::fmt::Debug for Registry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let databases: Vec<_> = self.databases.iter().map(|database| database.name()).collect();
        let workloads: Vec<_> = self.workloads.iter().map(|workload| workload.name()).collect();
        f.debug_struct("Registry").field("databases", &databases).field("workloads", &workloads).finish()
    }
}

impl Registry {
    /// What is built in.
    pub fn built_in() -> Self {
        let workloads: Vec<Arc<dyn AnyWorkload>> = vec![
            Arc::new(workloads::RegisterWorkload::default()),
            Arc::new(workloads::RegisterWorkload::read_write()),
            Arc::new(workloads::SetWorkload::default()),
            Arc::new(workloads::CounterWorkload::default()),
            Arc::new(workloads::QueueWorkload::default()),
            Arc::new(workloads::ListAppendWorkload::default()),
            Arc::new(workloads::RwRegisterWorkload::default()),
            Arc::new(workloads::BankWorkload::default()),
            Arc::new(workloads::LongForkWorkload::default()),
            Arc::new(workloads::PredicateWorkload::default()),
            Arc::new(workloads::LockWorkload::default()),
            Arc::new(workloads::LeaseWorkload::default()),
            Arc::new(workloads::IdsWorkload),
            Arc::new(workloads::LogWorkload::default()),
            Arc::new(workloads::LogWorkload::watch()),
        ];
        let mut databases: Vec<Box<dyn DatabaseSource>> = vec![Box::new(Specimen)];
        databases.extend(systems::all());
        Self { databases, workloads }
    }

    /// Adds a database. One of the same name takes the older one's place.
    pub fn add_database(&mut self, database: impl Database + 'static) {
        self.databases.retain(|known| known.name() != database.name());
        self.databases.push(Box::new(OwnDatabase(Arc::new(database))));
    }

    /// Adds a workload. One of the same name takes the older one's place.
    pub fn add_workload(&mut self, workload: impl Workload + 'static) {
        self.workloads.retain(|known| known.name() != Workload::name(&workload));
        self.workloads.push(Arc::new(workload));
    }

    /// All databases.
    pub fn databases(&self) -> impl Iterator<Item = &dyn DatabaseSource> {
        self.databases.iter().map(AsRef::as_ref)
    }

    /// All workloads.
    pub fn workloads(&self) -> impl Iterator<Item = &dyn AnyWorkload> {
        self.workloads.iter().map(AsRef::as_ref)
    }

    /// The database of a name, as the flags want it.
    pub fn database(&self, arguments: &TestArguments) -> Result<Arc<dyn Database>, Failure> {
        let wanted = arguments.db.as_str();
        #[cfg(feature = "program")]
        if let Some((own, _)) = crate::own_system::described(arguments)? {
            systems::refuse_disease(arguments)?;
            systems::refuse_isolation(arguments)?;
            systems::refuse_topology(arguments)?;
            systems::refuse_reads(arguments)?;
            return Ok(Arc::new(crate::own_system::equipped(own, arguments)?));
        }
        let source = self.databases().find(|source| source.name() == wanted).ok_or_else(|| {
            let nearest = settings::nearest(wanted, self.databases().map(DatabaseSource::name));
            Failure::usage(format!(
                "there is no database `{wanted}`; did you mean `{nearest}`? `disprove list databases` shows all"
            ))
        })?;
        source.build(arguments)
    }

    /// The workload of a name, if the database can be tested with it.
    pub fn workload(&self, name: &str, database: &dyn Database) -> Result<Arc<dyn AnyWorkload>, Failure> {
        let found = self.workloads.iter().find(|workload| workload.name() == name).ok_or_else(|| {
            let nearest = settings::nearest(name, self.workloads().map(|workload| workload.name()));
            Failure::usage(format!(
                "there is no workload `{name}`; did you mean `{nearest}`? `disprove list workloads` shows all"
            ))
        })?;
        if !found.is_spoken(&database.speaks()) {
            let spoken: Vec<_> = database.speaks().names().collect();
            return Err(Failure::usage(format!(
                "{} does not speak {}, which workload {name} needs; it speaks {}",
                database.name(),
                found.vocabulary(),
                spoken.join(", ")
            )));
        }
        Ok(Arc::clone(found))
    }
}
