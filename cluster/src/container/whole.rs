//! A container as a whole: frozen by the engine, ended with all that is in it, and started again.

use std::{
    collections::BTreeSet,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use async_trait::async_trait;

use super::{ContainerWay, inspect::inspect};
use crate::{Body, Error, Life, machine::failed};

/// How long the engine may take for one step.
const STEP: Duration = Duration::from_secs(30);
/// How often it is asked whether a container has ended.
const ASK_EVERY: Duration = Duration::from_millis(50);

/// Containers of this controller that are off and have no address for good: a second one could come back with the first
/// one's.
static HOMELESS: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());

impl ContainerWay {
    /// Leaves its address free for a while, unless another of ours could be given it.
    fn leave_address(&self) -> Result<(), Error> {
        let mut homeless = HOMELESS.lock().unwrap_or_else(PoisonError::into_inner);
        let name = &self.target.container;
        if let Some(other) = homeless.iter().find(|other| *other != name) {
            return Err(Error::Unsupported(format!(
                "ending {name} while {other} is off, since they could come back with each other's address (run them with \
                 --ip),"
            )));
        }
        homeless.insert(name.clone());
        Ok(())
    }

    fn is_home(&self) {
        HOMELESS.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.target.container);
    }

    async fn order(&self, verb: &str) -> Result<(), Error> {
        let arguments = [verb, &self.target.container];
        self.target.engine.must(&self.target, &arguments, STEP).await.map(drop)
    }
}

#[async_trait]
impl Body for ContainerWay {
    async fn life(&self) -> Result<Life, Error> {
        inspect(&self.target).await.map(|container| container.life())
    }

    async fn freeze(&self) -> Result<(), Error> {
        match self.life().await? {
            Life::Frozen => Ok(()),
            Life::Running | Life::Off => self.order("pause").await,
        }
    }

    async fn thaw(&self) -> Result<(), Error> {
        match self.life().await? {
            Life::Frozen => self.order("unpause").await,
            Life::Running | Life::Off => Ok(()),
        }
    }

    fn can_be_switched(&self) -> bool {
        true
    }

    async fn switch_off(&self) -> Result<(), Error> {
        let container = inspect(&self.target).await?;
        if container.life() == Life::Off {
            return Ok(());
        }
        if container.is_gone_when_off() {
            return Err(Error::Unsupported(format!(
                "ending {}, which was run with --rm and would be gone,",
                self.target.container
            )));
        }
        if !container.has_own_address() {
            self.leave_address()?;
        }
        self.order("kill").await?;
        let asked = Instant::now();
        while self.life().await? != Life::Off {
            if asked.elapsed() > STEP {
                return Err(failed(&self.target.name, format!("{} does not end", self.target.container)));
            }
            tokio::time::sleep(ASK_EVERY).await;
        }
        Ok(())
    }

    async fn switch_on(&self) -> Result<(), Error> {
        if self.life().await? == Life::Off {
            self.order("start").await?;
        }
        self.is_home();
        let was = *self.address.lock().unwrap_or_else(PoisonError::into_inner);
        let container = inspect(&self.target).await?;
        match was {
            Some(was) if self.target.address.is_none() && !container.addresses().contains(&was) => {
                Err(failed(
                    &self.target.name,
                    format!(
                        "{} came back without its address {was}; run it with --ip {was}",
                        self.target.container
                    ),
                ))
            }
            _ => Ok(()),
        }
    }
}
