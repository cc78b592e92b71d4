//! `Internal.EventFire`: a user event goes to everybody in the datacenter (`spec/semantics.md` 18.1).

use super::{Endpoint, Place, Server};
use crate::acl::{Access, Resource};
use crate::rpc::method::InternalEventFire;
use crate::types::cluster::{EventFireRequest, EventFireResponse};
use crate::types::{Error, Result, validate};

/// What gossip calls a user event of an agent.
const PREFIX: &str = "consul:event:";

impl Endpoint for InternalEventFire {
    const PLACE: Place = Place::Datacenter;

    async fn serve(server: &Server, args: EventFireRequest) -> Result<EventFireResponse> {
        server.resolve(&args.query.token).await?.check(Resource::Event, Access::Write, &args.name)?;
        if let Some(pool) = &server.gossip().lan {
            let name = format!("{PREFIX}{}", args.name);
            pool.user_event(&name, args.payload.0, false).await.map_err(|error| {
                let text = format!("error broadcasting event to segment \"\": {}", error.text);
                Error::new(validate::error_list(&[text]).expect("there is an error"))
            })?;
        }
        Ok(EventFireResponse::default())
    }
}
