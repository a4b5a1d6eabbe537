//! A node of the cluster in memory.

use std::{net::IpAddr, path::Path, sync::Arc, time::Duration};

use async_trait::async_trait;
use cluster::{Daemon, DaemonState, Error, Output, Remote, Signal, Skew};
use history::NodeId;

use super::Fake;

/// A node on which only our own scripts are run.
pub struct FakeRemote {
    pub fake: Arc<Fake>,
    pub place: usize,
}

fn never<T>() -> Result<T, Error> {
    Err(Error::Unsupported("acting on a node in memory".into()))
}

impl FakeRemote {
    /// Does what one of our scripts, known by the name it calls itself, would do.
    fn script(&self, name: &str, arguments: &[&str]) -> Result<String, Error> {
        let (fake, place) = (&self.fake, self.place);
        let node = NodeId(place as u16);
        let usual = 1024;
        match (name, arguments) {
            ("terminate", [_]) => {
                fake.demand_node(&["terminate", "roll", "upgrade"], node);
                fake.change(|world| match &mut world.processes[place] {
                    Some((_, false)) if !world.silent => world.processes[place] = None,
                    Some((_, false)) => {}
                    other => world.wrongs.push(format!("{other:?} was asked to end")),
                });
                Ok(String::new())
            }
            ("limit", [_, _, "usual"]) => {
                fake.change(|world| world.limits[place] = None);
                Ok(String::new())
            }
            ("limit", [_, _, spare]) => {
                fake.demand_node(&["memory", "files"], node);
                let spare = spare.parse().map_err(|_| Error::Unsupported(format!("{spare} to spare")))?;
                fake.change(|world| world.limits[place] = Some(spare));
                Ok(String::new())
            }
            ("look at limits", [_, _]) => {
                let now = fake.world.lock().unwrap().limits[place].unwrap_or(usual);
                Ok(format!("{now} {usual}\n"))
            }
            ("look at names", names) => {
                let world = fake.world.lock().unwrap();
                let at = |name: &&str| {
                    let wrong = world.names[place].iter().find(|(known, _)| known == name);
                    wrong.map_or_else(|| format!("10.0.0.{}", &name[1..]), |(_, at)| at.to_string())
                };
                Ok(names.iter().map(|name| format!("{name} {}\n", at(name))).collect())
            }
            _ => never(),
        }
    }
}

#[async_trait]
impl Remote for FakeRemote {
    async fn exec(&self, argv: &[&str], _: &[u8], _: Duration) -> Result<Output, Error> {
        let [_, _, _, name, arguments @ ..] = argv else { return never() };
        let stdout = self.script(name, arguments)?.into_bytes();
        self.fake.act("script", format!("{name} n{}", self.place + 1)).await?;
        Ok(Output { stdout, ..Output::default() })
    }
    fn can_skew(&self) -> bool {
        true
    }

    async fn skew(&self, skew: Option<&Skew>) -> Result<(), Error> {
        let node = NodeId(self.place as u16);
        if skew.is_some() {
            self.fake.demand_node(&["time"], node);
        }
        self.fake.act("skew", format!("n{}", self.place + 1)).await?;
        self.fake.change(|world| world.skews[self.place] = skew.copied());
        Ok(())
    }

    async fn skews(&self) -> Result<Vec<(u32, i64)>, Error> {
        let world = self.fake.world.lock().unwrap();
        let error = match world.skews[self.place] {
            None => 0,
            Some(Skew::Jump { offset_ms } | Skew::Strobe { offset_ms, .. }) => offset_ms * 1_000_000,
            Some(_) => -100_000_000,
        };
        Ok(world.processes[self.place].iter().map(|(pid, _)| (*pid, error)).collect())
    }

    fn can_point_names(&self) -> bool {
        true
    }

    async fn point_names(&self, names: &[(String, IpAddr)]) -> Result<(), Error> {
        if !names.is_empty() {
            self.fake.demand_node(&["dns"], NodeId(self.place as u16));
        }
        // Half of it is done when it fails or hangs, which is what an undo must cope with.
        if !names.is_empty() {
            self.fake.change(|world| world.names[self.place] = names.to_vec());
        }
        self.fake.act("point_names", format!("n{}", self.place + 1)).await?;
        self.fake.change(|world| world.names[self.place] = names.to_vec());
        Ok(())
    }

    async fn upload(&self, _: &Path, _: &[u8]) -> Result<(), Error> {
        never()
    }
    async fn download(&self, _: &Path) -> Result<Vec<u8>, Error> {
        never()
    }
    async fn start(&self, _: &Daemon) -> Result<(), Error> {
        never()
    }
    async fn signal(&self, _: &str, _: Signal) -> Result<(), Error> {
        never()
    }
    async fn state(&self, _: &str) -> Result<DaemonState, Error> {
        never()
    }
    async fn wipe(&self) -> Result<(), Error> {
        never()
    }
}
