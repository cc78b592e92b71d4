//! The tables of request bodies (`spec/acl-and-tls.md` 1).

use crate::http::decode::bodies::{INDEXES, plain};
use crate::http::decode::shape::{Field, Kind, Shape, TEXT_MAP, TEXTS, field};

/// Go type of a value with a hash, as its errors name it.
const HASHED: &str = "struct { Hash string; *structs.Alias }";

macro_rules! links {
    ($($name:ident $list:ident $go:literal;)*) => {$(
        static $name: Shape =
            plain($go, concat!("structs.", $go), &[&[field("ID", Kind::Text), field("Name", Kind::Text)]]);
        const $list: Kind = Kind::List(&Kind::Object(&$name), concat!("[]structs.", $go));
    )*};
}

links! {
    TOKEN_POLICY_LINK TOKEN_POLICY_LINKS "ACLTokenPolicyLink";
    TOKEN_ROLE_LINK TOKEN_ROLE_LINKS "ACLTokenRoleLink";
    ROLE_POLICY_LINK ROLE_POLICY_LINKS "ACLRolePolicyLink";
}

static SERVICE_IDENTITY: Shape = plain(
    "ACLServiceIdentity",
    "structs.ACLServiceIdentity",
    &[&[field("ServiceName", Kind::Text), field("Datacenters", TEXTS)]],
);
static NODE_IDENTITY: Shape = plain(
    "ACLNodeIdentity",
    "structs.ACLNodeIdentity",
    &[&[field("NodeName", Kind::Text), field("Datacenter", Kind::Text)]],
);

/// Body of a templated policy's preview.
pub(super) static VARIABLES: Shape =
    plain("ACLTemplatedPolicyVariables", "structs.ACLTemplatedPolicyVariables", &[&[field("Name", Kind::Text)]]);
static TEMPLATED_POLICY: Shape = plain(
    "ACLTemplatedPolicy",
    "structs.ACLTemplatedPolicy",
    &[&[
        field("TemplateID", Kind::Text),
        field("TemplateName", Kind::Text),
        field("TemplateVariables", Kind::Object(&VARIABLES)),
        field("Datacenters", TEXTS),
    ]],
);

const SERVICE_IDENTITIES: Kind = Kind::List(&Kind::Object(&SERVICE_IDENTITY), "structs.ACLServiceIdentities");
const NODE_IDENTITIES: Kind = Kind::List(&Kind::Object(&NODE_IDENTITY), "structs.ACLNodeIdentities");
const TEMPLATED_POLICIES: Kind = Kind::List(&Kind::Object(&TEMPLATED_POLICY), "structs.ACLTemplatedPolicies");

/// Identities and templates, which tokens and roles share.
const IDENTITIES: &[Field] = &[
    field("ServiceIdentities", SERVICE_IDENTITIES),
    field("NodeIdentities", NODE_IDENTITIES),
    field("TemplatedPolicies", TEMPLATED_POLICIES),
];

/// Body of `/v1/acl/token`.
pub(super) static TOKEN: Shape = plain(
    "",
    "struct { ExpirationTTL interface {}; Hash string; *structs.Alias }",
    &[
        &[
            field("AccessorID", Kind::Text),
            field("SecretID", Kind::Text),
            field("Description", Kind::Text),
            field("Policies", TOKEN_POLICY_LINKS),
            field("Roles", TOKEN_ROLE_LINKS),
            field("Local", Kind::Bool),
            field("AuthMethod", Kind::Text),
            field("ExpirationTime", Kind::Text),
            field("ExpirationTTL", Kind::Duration),
            field("CreateTime", Kind::Text),
            field("Hash", Kind::Text),
        ],
        IDENTITIES,
        INDEXES,
    ],
);

/// Body of `/v1/acl/policy`.
pub(super) static POLICY: Shape = plain(
    "",
    HASHED,
    &[
        &[
            field("ID", Kind::Text),
            field("Name", Kind::Text),
            field("Description", Kind::Text),
            field("Rules", Kind::Text),
            field("Datacenters", TEXTS),
            field("Hash", Kind::Text),
        ],
        INDEXES,
    ],
);

/// Body of `/v1/acl/role`.
pub(super) static ROLE: Shape = plain(
    "",
    HASHED,
    &[
        &[
            field("ID", Kind::Text),
            field("Name", Kind::Text),
            field("Description", Kind::Text),
            field("Policies", ROLE_POLICY_LINKS),
            field("Hash", Kind::Text),
        ],
        IDENTITIES,
        INDEXES,
    ],
);

/// Body of `/v1/acl/auth-method`.
pub(super) static AUTH_METHOD: Shape = plain(
    "",
    "struct { MaxTokenTTL interface {}; *structs.Alias }",
    &[
        &[
            field("Name", Kind::Text),
            field("Type", Kind::Text),
            field("DisplayName", Kind::Text),
            field("Description", Kind::Text),
            field("MaxTokenTTL", Kind::Duration),
            field("TokenLocality", Kind::Text),
            field("Config", Kind::AnyMap),
        ],
        INDEXES,
    ],
);

/// Body of `/v1/acl/binding-rule`.
pub(super) static BINDING_RULE: Shape = plain(
    "ACLBindingRule",
    "structs.ACLBindingRule",
    &[
        &[
            field("ID", Kind::Text),
            field("Description", Kind::Text),
            field("AuthMethod", Kind::Text),
            field("Selector", Kind::Text),
            field("BindType", Kind::Text),
            field("BindName", Kind::Text),
            field("BindVars", Kind::Object(&VARIABLES)),
        ],
        INDEXES,
    ],
);

/// Body of `/v1/acl/bootstrap`.
pub(super) static BOOTSTRAP: Shape = plain(
    "ACLInitialTokenBootstrapRequest",
    "struct { BootstrapSecret string }",
    &[&[field("BootstrapSecret", Kind::Text)]],
);

/// Body of `/v1/acl/login`.
pub(super) static LOGIN: Shape = plain(
    "ACLLoginParams",
    "structs.ACLLoginParams",
    &[&[field("AuthMethod", Kind::Text), field("BearerToken", Kind::Text), field("Meta", TEXT_MAP)]],
);

static AUTHORIZATION: Shape = plain(
    "ACLAuthorizationRequest",
    "structs.ACLAuthorizationRequest",
    &[&[field("Resource", Kind::Named("acl.Resource")), field("Segment", Kind::Text), field("Access", Kind::Text)]],
);

/// Body of `/v1/internal/acl/authorize`.
pub(super) static AUTHORIZATIONS: Kind = Kind::List(&Kind::Object(&AUTHORIZATION), "[]structs.ACLAuthorizationRequest");
