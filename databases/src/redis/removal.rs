//! Takes the keys of a run out of a server that others use too.

use cluster::{Cluster, Error, Node};

use super::{
    Redis, at,
    session::{Session, Trouble},
    wire::Reply,
};

/// How many keys the server looks at for one answer.
const LOOK_AT: &str = "1000";

impl Redis {
    /// Removes all keys whose names begin so, on every node.
    pub(super) async fn remove_keys(&self, cluster: &Cluster, begin: &str) -> Result<(), Error> {
        for node in &cluster.nodes {
            self.remove_on(node, begin)
                .await
                .map_err(|why| at(node, format!("keys that begin with {begin} may be left there: {why}")))?;
        }
        Ok(())
    }

    async fn remove_on(&self, node: &Node, begin: &str) -> Result<(), String> {
        let mut session = Session::open(self, node).await.map_err(|reason| reason.to_string())?;
        let told = |trouble: Trouble| trouble.word().to_string();
        let pattern = format!("{begin}*");
        let mut cursor = "0".to_owned();
        loop {
            let found =
                session.ask(&["SCAN", &cursor, "MATCH", &pattern, "COUNT", LOOK_AT]).await.map_err(told)?;
            let Some([Reply::Text(Some(next)), Reply::List(Some(keys))]) = found.list() else {
                return Err(Trouble::strange(&found).word().to_string());
            };
            let keys: Vec<&str> = keys.iter().filter_map(Reply::text).collect();
            if !keys.is_empty() {
                session.ask(&[&["DEL"], &keys[..]].concat()).await.map_err(told)?;
            }
            if next == "0" {
                return Ok(());
            }
            cursor.clone_from(next);
        }
    }
}
