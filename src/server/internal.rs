//! `Internal.*`: what the web UI reads (`spec/http-api.md` 3.15).

use super::catalog::{at, may_see_check};
use super::health::may_see_instance;
use super::{Found, ReadContext, ReadEndpoint};
use crate::acl::{Access, Resource};
use crate::rpc::method::*;
use crate::types::requests::*;
use crate::types::{CheckServiceNode, Result};

/// Drops nodes, instances and checks that the caller may not see.
fn permit(cx: &mut ReadContext<'_>, dump: &mut Vec<NodeInfo>) {
    if cx.authorizer.allows_everything() {
        return;
    }
    cx.permit(dump, |who, info| who.allows(Resource::Node, Access::Read, &info.node));
    for info in dump {
        cx.permit(&mut info.services, |who, service| who.allows(Resource::Service, Access::Read, &service.service));
        cx.permit(&mut info.checks, |who, check| may_see_check(who, check));
    }
}

impl ReadEndpoint for InternalNodeInfo {
    fn read(cx: &mut ReadContext<'_>, args: &NodeRequest) -> Result<IndexedNodeDump> {
        let (index, info) = cx.state.node_info(cx.watch, &args.node);
        let mut dump: Vec<NodeInfo> = info.into_iter().collect();
        permit(cx, &mut dump);
        if dump.is_empty() {
            cx.found = Found::Nothing;
        }
        Ok(IndexedNodeDump { dump, meta: at(index) })
    }

    fn nothing(_args: &NodeRequest, reply: &IndexedNodeDump) -> bool {
        reply.dump.is_empty()
    }
}

impl ReadEndpoint for InternalNodeDump {
    fn read(cx: &mut ReadContext<'_>, args: &DcRequest) -> Result<IndexedNodeDump> {
        let (index, mut dump) = cx.state.node_dump(cx.watch);
        permit(cx, &mut dump);
        cx.filter::<NodeInfo, _>(&args.query.filter, &mut dump)?;
        Ok(IndexedNodeDump { dump, meta: at(index) })
    }
}

impl ReadEndpoint for InternalServiceDump {
    fn read(cx: &mut ReadContext<'_>, args: &ServiceDumpRequest) -> Result<IndexedCheckServiceNodes> {
        let kind = args.use_service_kind.then_some(args.service_kind.as_str());
        let (index, mut nodes) = cx.state.service_dump(cx.watch, kind);
        cx.permit(&mut nodes, may_see_instance);
        cx.filter::<CheckServiceNode, _>(&args.query.filter, &mut nodes)?;
        Ok(IndexedCheckServiceNodes { nodes, meta: at(index) })
    }
}
