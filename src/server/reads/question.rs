//! A read with its arguments and the form of its answer, whatever its method: what the engine of reads works on.
//!
//! Methods differ in how they are evaluated, encoded and compared. Who answers, waiting, sharing and asking again are the same
//! for all of them and exist once, not once for each method.

use super::blocking::{Evaluated, evaluate};
use crate::acl::Authorizer;
use crate::server::endpoint::{Answer, Encoding, Endpoint, Place, ReadEndpoint};
use crate::server::{Server, wire};
use crate::types::requests::{ReadReply, ReadRequest, Request};
use crate::types::{QueryOptions, Result};
use ahash::RandomState;
use bytes::Bytes;
use std::any::{Any, TypeId};
use std::hash::{Hash, Hasher};
use std::sync::{Arc, LazyLock};

/// What is kept of a reply, and given to everyone who asks the same.
#[derive(Clone)]
pub enum Body {
    /// Its encoding.
    Encoded(Bytes),
    /// The reply itself.
    Typed(Arc<dyn Any + Send + Sync>),
}

impl Body {
    /// A reply as it is.
    pub fn typed<R: Send + Sync + 'static>(reply: R) -> Body {
        Body::Typed(Arc::new(reply))
    }

    /// Its memory, bytes. A typed reply refers to rows of the state; its own size is of the order of this.
    pub fn weight(&self) -> usize {
        match self {
            Body::Encoded(body) => body.len(),
            Body::Typed(reply) => size_of_val(&**reply),
        }
    }

    /// The bytes of an answer that was asked for in an encoding.
    ///
    /// # Panics
    /// It was not.
    pub fn into_bytes(self) -> Bytes {
        match self {
            Body::Encoded(body) => body,
            Body::Typed(_) => unreachable!("the question named an encoding"),
        }
    }

    /// The reply of an answer that was asked for without an encoding.
    ///
    /// # Panics
    /// It was not, or the reply of another method.
    pub fn into_reply<R: Send + Sync + 'static>(self) -> Arc<R> {
        match self {
            Body::Typed(reply) => reply.downcast().unwrap_or_else(|_| unreachable!("the question was for this method")),
            Body::Encoded(_) => unreachable!("the question named no encoding"),
        }
    }
}

/// What is the same for all questions of a method.
pub struct About {
    /// Name on the wire.
    pub name: &'static str,
    /// Who answers.
    pub place: Place,
    /// A larger answer is not kept for later askers.
    pub kept_bytes: usize,
}

/// A read of some method.
pub trait Question: Any + Send + Sync {
    /// What is the same for all questions of its method.
    fn about(&self) -> &'static About;

    /// Target datacenter; empty is the own one.
    fn datacenter(&self) -> &str;

    /// The target datacenter, to fill in.
    fn datacenter_mut(&mut self) -> Option<&mut String>;

    /// The options.
    fn options(&self) -> &QueryOptions;

    /// The options, to change.
    fn options_mut(&mut self) -> &mut QueryOptions;

    /// See [`ReadEndpoint::shareable`].
    fn is_shareable(&self) -> bool;

    /// Readies it for the datacenter that answers it; true when it was changed. See [`Server::address`].
    fn address(&mut self, server: &Server) -> bool;

    /// Evaluates it against the newest state of this server.
    ///
    /// # Errors
    /// The endpoint's refusal.
    fn evaluate(&self, server: &Server, authorizer: &Authorizer) -> Result<Evaluated>;

    /// Counts that it was answered.
    fn count(&self, empty: bool);

    /// The request as it goes over the wire.
    ///
    /// # Errors
    /// It cannot be encoded.
    fn encode(&self) -> Result<Bytes>;

    /// The answer in what another server replied.
    ///
    /// # Errors
    /// The reply cannot be decoded, or not be given the wanted form.
    fn decode(&self, reply: &[u8]) -> Result<Answer<Body>>;

    /// A hash that equal questions share within this process.
    fn digest(&self) -> u64;

    /// They ask the same, in the same form.
    fn is_same(&self, other: &dyn Question) -> bool;

    /// Another one.
    fn boxed(&self) -> Box<dyn Question>;
}

impl Clone for Box<dyn Question> {
    fn clone(&self) -> Self {
        self.boxed()
    }
}

impl PartialEq for Box<dyn Question> {
    fn eq(&self, other: &Self) -> bool {
        self.is_same(&**other)
    }
}

impl Eq for Box<dyn Question> {}

impl Hash for Box<dyn Question> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.digest());
    }
}

/// How a reply becomes what is kept of it.
enum Form<R> {
    Typed,
    Encoded { name: &'static str, encode: fn(&R) -> Result<Bytes> },
}

impl<R> Clone for Form<R> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<R> Copy for Form<R> {}

impl<R: Send + Sync + 'static> Form<R> {
    fn name(self) -> &'static str {
        match self {
            Form::Typed => "",
            Form::Encoded { name, .. } => name,
        }
    }

    fn keep(self, reply: R) -> Result<Body> {
        match self {
            Form::Typed => Ok(Body::typed(reply)),
            Form::Encoded { encode, .. } => encode(&reply).map(Body::Encoded),
        }
    }
}

/// The question of a method.
struct Asked<M: ReadEndpoint> {
    args: M::Args,
    form: Form<M::Reply>,
}

/// A question whose answer is the reply itself.
pub fn typed<M: ReadEndpoint>(args: M::Args) -> Box<dyn Question> {
    Box::new(Asked::<M> { args, form: Form::Typed })
}

/// A question whose answer is an encoded reply.
pub fn encoded<M: ReadEndpoint>(args: M::Args, encoding: &Encoding<M::Reply>) -> Box<dyn Question> {
    let form = Form::Encoded { name: encoding.name, encode: encoding.encode };
    Box::new(Asked::<M> { args, form })
}

/// One for the process, so that questions can be compared by their digests anywhere.
static HASHER: LazyLock<RandomState> = LazyLock::new(RandomState::new);

impl<M: ReadEndpoint> Asked<M> {
    const ABOUT: About = About { name: M::NAME, place: <M as Endpoint>::PLACE, kept_bytes: M::KEPT_BYTES };
}

impl<M: ReadEndpoint> Question for Asked<M> {
    fn about(&self) -> &'static About {
        &Self::ABOUT
    }

    fn datacenter(&self) -> &str {
        self.args.datacenter()
    }

    fn datacenter_mut(&mut self) -> Option<&mut String> {
        self.args.datacenter_mut()
    }

    fn options(&self) -> &QueryOptions {
        self.args.options()
    }

    fn options_mut(&mut self) -> &mut QueryOptions {
        self.args.options_mut()
    }

    fn is_shareable(&self) -> bool {
        M::shareable(&self.args)
    }

    fn address(&mut self, server: &Server) -> bool {
        server.address::<M>(&mut self.args)
    }

    fn evaluate(&self, server: &Server, authorizer: &Authorizer) -> Result<Evaluated> {
        evaluate::<M>(server, &self.args, authorizer, |reply| self.form.keep(reply))
    }

    fn count(&self, empty: bool) {
        M::count(&self.args, empty);
    }

    fn encode(&self) -> Result<Bytes> {
        wire::encode(&self.args)
    }

    fn decode(&self, reply: &[u8]) -> Result<Answer<Body>> {
        let reply = wire::decode_reply::<M>(reply)?;
        let (meta, not_found) = (reply.meta().clone(), M::nothing(&self.args, &reply));
        Ok(Answer { meta, not_found, body: self.form.keep(reply)? })
    }

    fn digest(&self) -> u64 {
        HASHER.hash_one((TypeId::of::<M>(), self.form.name(), &self.args))
    }

    fn is_same(&self, other: &dyn Question) -> bool {
        let other = (other as &dyn Any).downcast_ref::<Self>();
        other.is_some_and(|other| other.form.name() == self.form.name() && other.args == self.args)
    }

    fn boxed(&self) -> Box<dyn Question> {
        Box::new(Asked::<M> { args: self.args.clone(), form: self.form })
    }
}
