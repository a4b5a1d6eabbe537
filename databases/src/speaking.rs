//! What makes a session a client: one of its methods carries out the calls of each vocabulary, and the session itself says
//! what a call that went wrong may have done.

use history::Outcome;

/// A session that knows what its troubles mean.
pub(crate) trait Speaker {
    /// Why a call was not answered.
    type Trouble;

    /// What a call that went wrong may have done: a read changes nothing, so it did not happen.
    fn outcome<R>(&mut self, trouble: Self::Trouble, is_read: bool) -> Outcome<R>;

    /// Whether the session can be asked nothing more.
    fn is_broken(&self) -> bool;
}

/// Writes down for each vocabulary who opens such sessions, and how, and which method carries out its calls.
macro_rules! speaks {
    (
        $session:ty, opened by $clients:ty as |$opener:ident, $cluster:pat_param, $node:ident| $open:expr;
        $($vocabulary:ty: $do:ident;)*
    ) => { $(
        #[async_trait::async_trait]
        impl cluster::ClientFactory<$vocabulary> for $clients {
            async fn open(
                &self,
                $cluster: &cluster::Cluster,
                $node: &cluster::Node,
            ) -> Result<Box<dyn cluster::Client<$vocabulary>>, history::Reason> {
                let $opener = self;
                Ok(Box::new($open))
            }
        }

        #[async_trait::async_trait]
        impl cluster::Client<$vocabulary> for $session {
            async fn invoke(
                &mut self,
                call: &<$vocabulary as history::Vocabulary>::Call,
            ) -> history::Outcome<<$vocabulary as history::Vocabulary>::Return> {
                use $crate::speaking::Speaker;
                match self.$do(call).await {
                    Ok(answer) => history::Outcome::Ok(answer),
                    Err(trouble) => {
                        Speaker::outcome(self, trouble, <$vocabulary as history::Vocabulary>::is_read(call))
                    }
                }
            }

            fn is_broken(&self) -> bool {
                $crate::speaking::Speaker::is_broken(self)
            }
        }
    )* };
}

pub(crate) use speaks;
