//! What rules are about, and how much they grant (`spec/acl-and-tls.md` 3).

/// What a rule is about. The first five have no names, the others are about one name each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Resource {
    /// The ACL system itself, also snapshots.
    Acl,
    /// Gossip encryption keys.
    Keyring,
    /// Raft, autopilot, host information.
    Operator,
    /// Configuration of the whole mesh; `operator` decides where nothing is said about it.
    Mesh,
    /// Cluster peering; `operator` decides where nothing is said about it.
    Peering,
    /// An agent's own endpoints.
    Agent,
    /// User events.
    Event,
    /// Keys.
    Key,
    /// Nodes and their checks.
    Node,
    /// Prepared queries.
    Query,
    /// Services and their checks.
    Service,
    /// Sessions, by the name of their node.
    Session,
    /// Who may talk to whom; granted by rules of services.
    Intention,
}

/// Resources without names.
pub(super) const SCALARS: usize = 5;
/// Resources with names.
pub(super) const NAMED: usize = 8;

impl Resource {
    /// All of them.
    pub const ALL: [Resource; SCALARS + NAMED] = [
        Resource::Acl,
        Resource::Keyring,
        Resource::Operator,
        Resource::Mesh,
        Resource::Peering,
        Resource::Agent,
        Resource::Event,
        Resource::Key,
        Resource::Node,
        Resource::Query,
        Resource::Service,
        Resource::Session,
        Resource::Intention,
    ];

    /// The name in error texts and in requests for decisions.
    pub fn name(self) -> &'static str {
        match self {
            Resource::Acl => "acl",
            Resource::Keyring => "keyring",
            Resource::Operator => "operator",
            Resource::Mesh => "mesh",
            Resource::Peering => "peering",
            Resource::Agent => "agent",
            Resource::Event => "event",
            Resource::Key => "key",
            Resource::Node => "node",
            Resource::Query => "query",
            Resource::Service => "service",
            Resource::Session => "session",
            Resource::Intention => "intention",
        }
    }

    /// The resource of a name.
    pub fn parse(name: &str) -> Option<Resource> {
        Resource::ALL.into_iter().find(|resource| resource.name() == name)
    }

    /// Place among the resources with names; none for one without.
    pub(super) fn named(self) -> Option<usize> {
        (self as usize).checked_sub(SCALARS)
    }
}

/// How much of it is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Access {
    /// See.
    Read,
    /// List keys.
    List,
    /// Change.
    Write,
}

impl Access {
    /// All of them.
    pub const ALL: [Access; 3] = [Access::Read, Access::List, Access::Write];

    /// The name in error texts and in requests for decisions.
    pub fn name(self) -> &'static str {
        match self {
            Access::Read => "read",
            Access::List => "list",
            Access::Write => "write",
        }
    }
}

/// What a rule says. The order is the precedence where several policies of a token speak of the same name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// See.
    Read,
    /// See and list keys.
    List,
    /// Everything.
    Write,
    /// Nothing.
    Deny,
}

impl Level {
    /// Whether a rule of this level grants the access. What it does not grant it refuses.
    pub fn grants(self, access: Access) -> bool {
        match self {
            Level::Read => access == Access::Read,
            Level::List => access <= Access::List,
            Level::Write => true,
            Level::Deny => false,
        }
    }

    /// The level of a word, in any case.
    pub fn parse(word: &str) -> Option<Level> {
        let levels = [("read", Level::Read), ("list", Level::List), ("write", Level::Write), ("deny", Level::Deny)];
        levels.into_iter().find(|(name, _)| word.eq_ignore_ascii_case(name)).map(|(_, level)| level)
    }
}
