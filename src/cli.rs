//! The whole command line, for `disprove` itself and for programs that bring a database or a workload of their own.

use std::{ffi::OsString, process::ExitCode};

use clap::{CommandFactory as _, FromArgMatches as _};
use cluster::Database;
use workloads::Workload;

use crate::{
    arguments::{Arguments, Command},
    command,
    exit::{Exit, Failure},
    registry::Registry,
    settings,
};

/// A command line with everything that is built in.
pub fn cli() -> Cli {
    Cli { registry: Registry::built_in() }
}

/// A command line that databases and workloads can be added to.
#[derive(Debug)]
pub struct Cli {
    registry: Registry,
}

impl Cli {
    /// Adds a database that `--db` can name.
    #[must_use]
    pub fn database(mut self, database: impl Database + 'static) -> Self {
        self.registry.add_database(database);
        self
    }

    /// Adds a workload that `--workload` can name.
    #[must_use]
    pub fn workload(mut self, workload: impl Workload + 'static) -> Self {
        self.registry.add_workload(workload);
        self
    }

    /// Does what the program's own command line says.
    pub fn main(self) -> ExitCode {
        self.run(std::env::args_os().collect()).into()
    }

    /// Does what a command line says, and tells how it ended.
    pub fn run(self, arguments: Vec<OsString>) -> Exit {
        let command = Arguments::command();
        let (matches, layer) = match settings::parse_with_file(&command, &arguments) {
            Ok(parsed) => parsed,
            Err(error) => {
                let shown = error.print();
                return if error.use_stderr() || shown.is_err() { Exit::Usage } else { Exit::Valid };
            }
        };
        let parsed = match Arguments::from_arg_matches(&matches) {
            Ok(parsed) => parsed,
            Err(error) => {
                let _ = error.print();
                return Exit::Usage;
            }
        };
        if let Command::Test(test) = &parsed.command
            && test.print_config
        {
            crate::output::put!("{}", settings::print_config(&command, &matches, &layer));
            return Exit::Valid;
        }
        self.dispatch(parsed).unwrap_or_else(|failure: Failure| {
            eprintln!("disprove: {}", failure.message);
            crate::ci::annotate(&[format!(
                "::error title=disprove::{}",
                reports::step_summary::message(&failure.message)
            )]);
            failure.exit
        })
    }

    fn dispatch(self, arguments: Arguments) -> Result<Exit, Failure> {
        let (registry, color) = (self.registry, arguments.color);
        match arguments.command {
            Command::Demo(demo) => command::demo::run(&registry, demo, color),
            Command::Test(test) => command::test::run(&registry, *test, color),
            Command::Replay(replay) => command::replay::run(&registry, replay, color),
            Command::Check(check) => command::check::run(*check, color),
            #[cfg(feature = "program")]
            Command::ClientCheck(check) => command::client_check::run(&check),
            Command::Verify(verify) => command::verify::run(&verify),
            Command::Report(report) => command::report::run(&registry, &report.run),
            Command::Clean(clean) => command::clean::run(&clean),
            Command::Diff(diff) => command::diff::run(&diff, color),
            Command::Heal(heal) => command::heal::run(&registry, &heal.run),
            Command::Doctor(doctor) => command::doctor::run(&doctor),
            Command::List(list) => command::list::run(&registry, &list),
            #[cfg(feature = "serve")]
            Command::Serve(serve) => command::serve::run(&serve),
            Command::Suite(suite) => command::suite::run(&registry, &suite),
            Command::Survey(survey) => command::survey::run(&survey),
            Command::Completions { shell } => {
                clap_complete::generate(shell, &mut Arguments::command(), "disprove", &mut std::io::stdout());
                Ok(Exit::Valid)
            }
            Command::Man => {
                clap_mangen::Man::new(Arguments::command())
                    .render(&mut std::io::stdout())
                    .map_err(|error| Failure::harness(format!("cannot print the manual: {error}")))?;
                Ok(Exit::Valid)
            }
        }
    }
}
