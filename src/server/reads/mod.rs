//! The engine of reads: a [`Question`] is evaluated once for all who ask it at the same time, waits until its answer has changed
//! when it is told to, and is answered from what was kept as long as nothing that it read has changed.

pub mod blocking;
mod flights;
pub mod question;
mod shared;

pub use flights::Flights;
pub use question::{Body, Question};
pub use shared::Cache;

use super::Server;
use super::endpoint::{Answer, Encoded, Encoding, Endpoint, Found, ReadEndpoint, Shared};
use crate::acl::Authorizer;
use crate::types::requests::ReadReply;
use crate::types::{QueryOptions, Result};
use blocking::Evaluated;
use std::sync::Arc;

impl Server {
    /// Answers a question, here or by asking on; equal ones share one evaluation and one body.
    ///
    /// # Errors
    /// Like [`Server::call`].
    pub async fn ask(&self, question: Box<dyn Question>) -> Result<Answer<Body>> {
        self.limit(question.about().name, None)?;
        self.answer_anywhere(question).await
    }

    /// Calls a read method and encodes its answer; equal reads share one evaluation and one body.
    ///
    /// # Errors
    /// Like [`Server::call`].
    pub async fn call_encoded<M: ReadEndpoint>(&self, args: M::Args, encoding: &Encoding<M::Reply>) -> Result<Encoded> {
        Ok(self.ask(question::encoded::<M>(args, encoding)).await?.map(Body::into_bytes))
    }

    /// Calls a read method; equal reads share one evaluation and one reply. Its own metadata is not filled in: see the answer's.
    ///
    /// # Errors
    /// Like [`Server::call`].
    pub async fn call_shared<M: ReadEndpoint>(&self, args: M::Args) -> Result<Shared<M::Reply>> {
        Ok(self.ask(question::typed::<M>(args)).await?.map(Body::into_reply))
    }

    /// Answers a question from the cache of results, or evaluates it and keeps the result.
    pub(super) async fn answer_here(&self, mut question: Box<dyn Question>) -> Result<Answer<Body>> {
        let shareable = question.is_shareable();
        let options = options_of(question.options_mut());
        if !shareable {
            return self.answer_alone(&*question, &options).await;
        }
        let mut asker = Asker::new(self, &options.token).await?;
        let cache = &self.inner.cache;
        let mut entry = cache.entry(&asker.authorizer, question);
        // evaluated for who asks: a refusal names the caller
        let mut once = || {
            let authorizer = asker.now()?;
            if authorizer != entry.authorizer() {
                entry = cache.entry(authorizer, entry.question().boxed());
            }
            cache.get(&entry, || entry.question().evaluate(self, authorizer))
        };
        let result = blocking::run(self, &options, &mut once).await?;
        entry.question().count(result.empty);
        Ok(self.answer(&result, &options))
    }

    /// Evaluates a question for one caller; its options have been taken out.
    async fn answer_alone(&self, question: &dyn Question, options: &QueryOptions) -> Result<Answer<Body>> {
        let mut asker = Asker::new(self, &options.token).await?;
        let mut once = || question.evaluate(self, asker.now()?).map(Arc::new);
        let result = blocking::run(self, options, &mut once).await?;
        question.count(result.empty);
        Ok(self.answer(&result, options))
    }

    fn answer(&self, result: &Evaluated, options: &QueryOptions) -> Answer<Body> {
        Answer {
            meta: self.meta(result.index, result.filtered, &options.token),
            body: result.value.clone(),
            not_found: result.found != Found::Rows,
        }
    }
}

impl<M: ReadEndpoint> Endpoint for M {
    fn for_primary(server: &Server, args: &Self::Args) -> bool {
        M::reads_primary(server, args)
    }

    fn fit_primary(args: &mut Self::Args) {
        M::reads_fit_primary(args);
    }

    async fn serve(server: &Server, args: Self::Args) -> Result<Self::Reply> {
        let mut question = question::typed::<M>(args);
        let options = options_of(question.options_mut());
        let answer = server.answer_alone(&*question, &options).await?;
        let mut reply = Arc::unwrap_or_clone(answer.body.into_reply::<M::Reply>());
        *reply.meta_mut() = answer.meta;
        Ok(reply)
    }
}

/// Takes the options out of a read request, all but the filter, which belongs to the query.
fn options_of(place: &mut QueryOptions) -> QueryOptions {
    let filter = std::mem::take(&mut place.filter);
    std::mem::replace(place, QueryOptions { filter, ..QueryOptions::default() })
}

/// Who asks, with the permissions of this moment: a token may lose some while its query waits.
struct Asker<'a> {
    server: &'a Server,
    token: &'a str,
    authorizer: Authorizer,
    resolved_now: bool,
}

impl<'a> Asker<'a> {
    async fn new(server: &'a Server, token: &'a str) -> Result<Asker<'a>> {
        Ok(Asker { server, token, authorizer: server.resolve(token).await?, resolved_now: true })
    }

    /// The permissions now. Those that other servers have told of stay what they were when the query came.
    fn now(&mut self) -> Result<&Authorizer> {
        if !std::mem::take(&mut self.resolved_now)
            && let Some(authorizer) = self.server.resolve_here(self.token)?
        {
            self.authorizer = authorizer;
        }
        Ok(&self.authorizer)
    }
}
