//! The table of server methods: one row gives a method its wire name, its request and its reply (`spec/rpc.md` 10).
//!
//! A row is a marker type; `server` gives it a handler, and every door (HTTP, DNS, the wire) calls it through the marker.

use super::auto_config::Protobuf;
use crate::types::acl::*;
use crate::types::ca::{CaConfiguration, CaRequest, CaSignRequest, IndexedCaRoots, IssuedCert, SignedResponse};
use crate::types::cluster::{
    AutopilotState, Empty, EventFireRequest, EventFireResponse, KeyringRequest, KeyringResponses, RaftStats,
};
use crate::types::coordinate::DatacenterMap;
use crate::types::operator::{AutopilotConfig, ClusterHealth, RaftConfiguration, UsageReport};
use crate::types::prepared_query::*;
use crate::types::requests::*;
use crate::types::txn::{TxnReadRequest, TxnReadResponse, TxnRequest, TxnResponse};
use crate::types::{DeregisterRequest, KvRequest, RegisterRequest, SessionRequest};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// A server method.
pub trait Method: Send + Sync + 'static {
    /// Name on the wire.
    const NAME: &'static str;
    /// Request.
    type Args: Request + Serialize + DeserializeOwned + Clone + Send + Sync + 'static;
    /// Reply.
    type Reply: Serialize + DeserializeOwned + Send + Sync + 'static;
}

macro_rules! methods {
    ($($marker:ident = $name:literal : $args:ty => $reply:ty;)*) => {
        $(
            #[doc = concat!("`", $name, "`")]
            pub struct $marker;
            impl Method for $marker {
                const NAME: &'static str = $name;
                type Args = $args;
                type Reply = $reply;
            }
        )*

        /// Wire names of all methods.
        pub const METHODS: &[&str] = &[$($name),*];

        /// Decodes a request and encodes it again.
        pub(super) fn recode_args(name: &str, bytes: &[u8]) -> Option<Recoded> {
            match name {
                $($name => Some(recode::<$args>(bytes)),)*
                _ => None,
            }
        }

        /// Decodes a reply and encodes it again.
        pub(super) fn recode_reply(name: &str, bytes: &[u8]) -> Option<Recoded> {
            match name {
                $($name => Some(recode::<$reply>(bytes)),)*
                _ => None,
            }
        }
    };
}

methods! {
    StatusPing = "Status.Ping": Empty => ();
    StatusRaftStats = "Status.RaftStats": Empty => RaftStats;
    StatusLeader = "Status.Leader": DcRequest => String;
    StatusPeers = "Status.Peers": DcRequest => Vec<String>;

    CatalogRegister = "Catalog.Register": RegisterRequest => ();
    CatalogDeregister = "Catalog.Deregister": DeregisterRequest => ();
    CatalogListDatacenters = "Catalog.ListDatacenters": DcRequest => Vec<String>;
    CatalogListNodes = "Catalog.ListNodes": DcRequest => IndexedNodes;
    CatalogListServices = "Catalog.ListServices": DcRequest => IndexedServices;
    CatalogServiceNodes = "Catalog.ServiceNodes": ServiceRequest => IndexedServiceNodes;
    CatalogNodeServices = "Catalog.NodeServices": NodeRequest => IndexedNodeServices;
    CatalogNodeServiceList = "Catalog.NodeServiceList": NodeRequest => IndexedNodeServiceList;

    HealthChecksInState = "Health.ChecksInState": StateRequest => IndexedHealthChecks;
    HealthNodeChecks = "Health.NodeChecks": NodeRequest => IndexedHealthChecks;
    HealthServiceChecks = "Health.ServiceChecks": ServiceRequest => IndexedHealthChecks;
    HealthServiceNodes = "Health.ServiceNodes": ServiceRequest => IndexedCheckServiceNodes;

    KvsApply = "KVS.Apply": KvRequest => bool;
    KvsGet = "KVS.Get": KeyRequest => IndexedDirEntries;
    KvsList = "KVS.List": KeyRequest => IndexedDirEntries;
    KvsListKeys = "KVS.ListKeys": KeyListRequest => IndexedKeyList;

    SessionApply = "Session.Apply": SessionRequest => String;
    SessionGet = "Session.Get": SessionSpecificRequest => IndexedSessions;
    SessionList = "Session.List": SessionSpecificRequest => IndexedSessions;
    SessionNodeSessions = "Session.NodeSessions": NodeRequest => IndexedSessions;
    SessionRenew = "Session.Renew": SessionSpecificRequest => IndexedSessions;

    TxnApply = "Txn.Apply": TxnRequest => TxnResponse;
    TxnRead = "Txn.Read": TxnReadRequest => TxnReadResponse;

    CoordinateUpdate = "Coordinate.Update": CoordinateUpdateRequest => ();
    CoordinateListDatacenters = "Coordinate.ListDatacenters": DcRequest => Vec<DatacenterMap>;
    CoordinateListNodes = "Coordinate.ListNodes": DcRequest => IndexedCoordinates;
    CoordinateNode = "Coordinate.Node": NodeRequest => IndexedCoordinates;

    PreparedQueryApply = "PreparedQuery.Apply": PreparedQueryRequest => String;
    PreparedQueryGet = "PreparedQuery.Get": PreparedQuerySpecificRequest => IndexedPreparedQueries;
    PreparedQueryList = "PreparedQuery.List": DcRequest => IndexedPreparedQueries;
    PreparedQueryExplain = "PreparedQuery.Explain": PreparedQueryExecuteRequest => PreparedQueryExplainResponse;
    PreparedQueryExecute = "PreparedQuery.Execute": PreparedQueryExecuteRequest => PreparedQueryExecuteResponse;
    PreparedQueryExecuteRemote = "PreparedQuery.ExecuteRemote": PreparedQueryExecuteRemoteRequest => PreparedQueryExecuteResponse;

    InternalNodeInfo = "Internal.NodeInfo": NodeRequest => IndexedNodeDump;
    InternalNodeDump = "Internal.NodeDump": DcRequest => IndexedNodeDump;
    InternalServiceDump = "Internal.ServiceDump": ServiceDumpRequest => IndexedCheckServiceNodes;
    InternalEventFire = "Internal.EventFire": EventFireRequest => EventFireResponse;
    InternalKeyringOperation = "Internal.KeyringOperation": KeyringRequest => KeyringResponses;

    OperatorRaftGetConfiguration = "Operator.RaftGetConfiguration": DcRequest => RaftConfiguration;
    OperatorRaftRemovePeer = "Operator.RaftRemovePeerByID": RaftRemovePeerRequest => ();
    OperatorRaftRemovePeerByAddress = "Operator.RaftRemovePeerByAddress": RaftRemovePeerRequest => ();
    OperatorRaftTransferLeader = "Operator.RaftTransferLeader": TransferLeaderRequest => ();
    OperatorAutopilotState = "Operator.AutopilotState": DcRequest => AutopilotState;
    OperatorAutopilotGetConfiguration = "Operator.AutopilotGetConfiguration": DcRequest => AutopilotConfig;
    OperatorAutopilotSetConfiguration = "Operator.AutopilotSetConfiguration": AutopilotSetRequest => bool;
    OperatorServerHealth = "Operator.ServerHealth": DcRequest => ClusterHealth;
    OperatorUsage = "Operator.Usage": DcRequest => UsageReport;

    AclBootstrapTokens = "ACL.BootstrapTokens": AclBootstrapRequest => AclToken;
    AclTokenRead = "ACL.TokenRead": AclTokenGetRequest => AclTokenResponse;
    AclTokenClone = "ACL.TokenClone": AclTokenSetRequest => AclToken;
    AclTokenSet = "ACL.TokenSet": AclTokenSetRequest => AclToken;
    AclTokenDelete = "ACL.TokenDelete": AclTokenDeleteRequest => String;
    AclTokenList = "ACL.TokenList": AclTokenListRequest => AclTokenListResponse;
    AclTokenBatchRead = "ACL.TokenBatchRead": AclTokenBatchGetRequest => AclTokenBatchResponse;
    AclPolicyRead = "ACL.PolicyRead": AclPolicyGetRequest => AclPolicyResponse;
    AclPolicyBatchRead = "ACL.PolicyBatchRead": AclPolicyBatchGetRequest => AclPolicyBatchResponse;
    AclPolicySet = "ACL.PolicySet": AclPolicySetRequest => AclPolicy;
    AclPolicyDelete = "ACL.PolicyDelete": AclPolicyDeleteRequest => String;
    AclPolicyList = "ACL.PolicyList": AclPolicyListRequest => AclPolicyListResponse;
    AclPolicyResolve = "ACL.PolicyResolve": AclPolicyBatchGetRequest => AclPolicyBatchResponse;
    AclReplicationStatusRead = "ACL.ReplicationStatus": DcRequest => AclReplicationStatus;
    AclRoleRead = "ACL.RoleRead": AclRoleGetRequest => AclRoleResponse;
    AclRoleBatchRead = "ACL.RoleBatchRead": AclRoleBatchGetRequest => AclRoleBatchResponse;
    AclRoleSet = "ACL.RoleSet": AclRoleSetRequest => AclRole;
    AclRoleDelete = "ACL.RoleDelete": AclRoleDeleteRequest => String;
    AclRoleList = "ACL.RoleList": AclRoleListRequest => AclRoleListResponse;
    AclRoleResolve = "ACL.RoleResolve": AclRoleBatchGetRequest => AclRoleBatchResponse;
    AclBindingRuleRead = "ACL.BindingRuleRead": AclBindingRuleGetRequest => AclBindingRuleResponse;
    AclBindingRuleSet = "ACL.BindingRuleSet": AclBindingRuleSetRequest => BindingRule;
    AclBindingRuleDelete = "ACL.BindingRuleDelete": AclBindingRuleDeleteRequest => bool;
    AclBindingRuleList = "ACL.BindingRuleList": AclBindingRuleListRequest => AclBindingRuleListResponse;
    AclAuthMethodRead = "ACL.AuthMethodRead": AclAuthMethodGetRequest => AclAuthMethodResponse;
    AclAuthMethodSet = "ACL.AuthMethodSet": AclAuthMethodSetRequest => AuthMethod;
    AclAuthMethodDelete = "ACL.AuthMethodDelete": AclAuthMethodDeleteRequest => bool;
    AclAuthMethodList = "ACL.AuthMethodList": AclAuthMethodListRequest => AclAuthMethodListResponse;
    AclLogin = "ACL.Login": AclLoginRequest => AclToken;
    AclLogout = "ACL.Logout": AclLogoutRequest => bool;
    AclAuthorize = "ACL.Authorize": AclAuthorizationsRequest => Vec<AclAuthorizationResponse>;

    ConnectCaRoots = "ConnectCA.Roots": DcRequest => IndexedCaRoots;
    ConnectCaSign = "ConnectCA.Sign": CaSignRequest => IssuedCert;
    ConnectCaSignIntermediate = "ConnectCA.SignIntermediate": CaSignRequest => String;
    ConnectCaConfigurationGet = "ConnectCA.ConfigurationGet": DcRequest => CaConfiguration;
    ConnectCaConfigurationSet = "ConnectCA.ConfigurationSet": CaRequest => ();
    AutoConfigInitialConfiguration = "AutoConfig.InitialConfiguration": Protobuf => Protobuf;
    AutoEncryptSign = "AutoEncrypt.Sign": CaSignRequest => SignedResponse;
}

/// What became of bytes that were decoded and encoded again.
pub(super) type Recoded = std::result::Result<Vec<u8>, crate::types::msgpack::Error>;

fn recode<T: Serialize + DeserializeOwned>(bytes: &[u8]) -> Recoded {
    crate::types::msgpack::from_slice::<T>(bytes).and_then(|value| crate::types::msgpack::to_vec(&value))
}
