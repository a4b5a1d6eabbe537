//! A session with a program: one process, asked one call at a time.

use std::{marker::PhantomData, process::Stdio, sync::Arc, time::Duration};

use async_trait::async_trait;
use cluster::{Client, ClientFactory, Cluster, Node};
use history::{Outcome, Reason};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines},
    process::{Child, ChildStdin, ChildStdout, Command},
};

use super::{
    Spoken,
    line::{Mistake, Opening, call_line, read_answer, read_opened},
};

/// The longest that a program may take to open a session.
const OPEN_MAX: Duration = Duration::from_secs(5);

/// Says what the client program of a node is: its name and arguments.
type CommandOf = dyn Fn(&Cluster, &Node) -> Vec<String> + Send + Sync;

/// Opens sessions, each a process of its own.
#[derive(Clone)]
pub struct ProgramClients {
    command: Arc<CommandOf>,
}

impl std::fmt::Debug for ProgramClients {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ProgramClients").finish_non_exhaustive()
    }
}

impl ProgramClients {
    /// With the program of each node.
    pub fn new(command: impl Fn(&Cluster, &Node) -> Vec<String> + Send + Sync + 'static) -> Self {
        Self { command: Arc::new(command) }
    }
}

/// Why a session has no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Silence {
    /// The program is not there, has ended, or takes no more.
    Gone(String),
    /// It said something that is no answer.
    Mistaken(Mistake),
}

impl From<Silence> for Reason {
    fn from(silence: Silence) -> Self {
        match silence {
            Silence::Gone(why) => why.into(),
            Silence::Mistaken(mistake) => mistake.0.into(),
        }
    }
}

/// A process that speaks one vocabulary. It ends with the session.
#[derive(Debug)]
pub struct Session<V> {
    // Ends the process when it is dropped.
    _process: Child,
    calls: ChildStdin,
    answers: Lines<BufReader<ChildStdout>>,
    asked: u64,
    broken: bool,
    vocabulary: PhantomData<fn() -> V>,
}

impl<V: Spoken> Session<V> {
    /// Starts the program. Nothing was said to it yet.
    pub fn start(command: &[String]) -> Result<Self, Silence> {
        let (program, arguments) =
            command.split_first().ok_or_else(|| Silence::Gone("no client program was named".into()))?;
        let started = Command::new(program)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .kill_on_drop(true)
            .spawn();
        let mut process = started.map_err(|error| {
            Silence::Gone(format!("the client program {program} does not start: {error}"))
        })?;
        let calls = process.stdin.take().expect("standard input was asked for");
        let answers = process.stdout.take().expect("standard output was asked for");
        let answers = BufReader::new(answers).lines();
        Ok(Self { _process: process, calls, answers, asked: 0, broken: false, vocabulary: PhantomData })
    }

    /// Says what is to come and where to; an inner error is the program's refusal.
    pub async fn open(&mut self, opening: &Opening) -> Result<Result<(), Reason>, Silence> {
        let line = self.exchange(opening.line()).await?;
        read_opened(&line).map_err(Silence::Mistaken)
    }

    /// The number of the call that was asked last.
    pub fn asked(&self) -> u64 {
        self.asked
    }

    /// Makes one call.
    pub async fn ask(&mut self, call: &V::Call) -> Result<Outcome<V::Return>, Silence> {
        self.asked += 1;
        let line = self.exchange(call_line::<V>(self.asked, call)).await?;
        read_answer::<V>(&line, self.asked, call).map_err(Silence::Mistaken)
    }

    async fn exchange(&mut self, mut line: String) -> Result<String, Silence> {
        line.push('\n');
        let gone = |_| Silence::Gone("the client program takes no more".into());
        self.calls.write_all(line.as_bytes()).await.map_err(gone)?;
        self.calls.flush().await.map_err(gone)?;
        match self.answers.next_line().await {
            Ok(Some(line)) => Ok(line),
            Ok(None) => Err(Silence::Gone("the client program ended without an answer".into())),
            Err(error) => Err(Silence::Gone(format!("what the client program said cannot be read: {error}"))),
        }
    }
}

#[async_trait]
impl<V: Spoken> ClientFactory<V> for ProgramClients {
    async fn open(&self, cluster: &Cluster, node: &Node) -> Result<Box<dyn Client<V>>, Reason> {
        let mut session = Session::<V>::start(&(self.command)(cluster, node))?;
        let opening =
            Opening { vocabulary: V::NAME, node: node.name.clone(), address: node.address.to_string() };
        match tokio::time::timeout(OPEN_MAX, session.open(&opening)).await {
            Ok(Ok(Ok(()))) => Ok(Box::new(session)),
            Ok(Ok(Err(refusal))) => Err(refusal),
            Ok(Err(silence)) => Err(silence.into()),
            Err(_) => Err("the client program did not open a session in time".into()),
        }
    }
}

#[async_trait]
impl<V: Spoken> Client<V> for Session<V> {
    async fn invoke(&mut self, call: &V::Call) -> Outcome<V::Return> {
        match self.ask(call).await {
            Ok(outcome) => {
                self.broken |= matches!(outcome, Outcome::Unknown(_));
                outcome
            }
            Err(silence) => {
                self.broken = true;
                let reason = Reason::from(silence);
                tracing::warn!("{reason}");
                Outcome::Unknown(reason)
            }
        }
    }

    fn is_broken(&self) -> bool {
        self.broken
    }
}
