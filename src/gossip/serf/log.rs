//! Log lines under the name of the pool they belong to.

use std::fmt;

/// The pool that speaks in the log; its two layers are `agent.<role>.serf.<net>` and `agent.<role>.memberlist.<net>`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Logger {
    /// LAN pool of a server.
    ServerLan,
    /// WAN pool of a server.
    ServerWan,
    /// LAN pool of a client agent.
    ClientLan,
}

/// Half of the gossip stack, as the log tells them apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layer {
    /// Members, events, queries.
    Serf,
    /// Packets, streams, failure detection.
    Memberlist,
}

macro_rules! levels {
    ($($(#[$doc:meta])* $name:ident)*) => {
        impl Logger {$(
            $(#[$doc])*
            pub fn $name(self, layer: Layer, text: fmt::Arguments) {
                match (self, layer) {
                    (Logger::ServerLan, Layer::Serf) => tracing::$name!(target: "agent.server.serf.lan", "serf: {text}"),
                    (Logger::ServerWan, Layer::Serf) => tracing::$name!(target: "agent.server.serf.wan", "serf: {text}"),
                    (Logger::ClientLan, Layer::Serf) => tracing::$name!(target: "agent.client.serf.lan", "serf: {text}"),
                    (Logger::ServerLan, Layer::Memberlist) => {
                        tracing::$name!(target: "agent.server.memberlist.lan", "memberlist: {text}");
                    }
                    (Logger::ServerWan, Layer::Memberlist) => {
                        tracing::$name!(target: "agent.server.memberlist.wan", "memberlist: {text}");
                    }
                    (Logger::ClientLan, Layer::Memberlist) => {
                        tracing::$name!(target: "agent.client.memberlist.lan", "memberlist: {text}");
                    }
                }
            }
        )*}
    };
}

levels! {
    /// For those who look for a fault.
    debug
    /// What an operator wants to know.
    info
    /// What an operator should look at.
    warn
    /// What does not work.
    error
}

impl Logger {
    /// Says what the failure detector wants said; its text brings the layer's name along.
    pub fn say(self, level: tracing::Level, text: &str) {
        let text = text.strip_prefix("memberlist: ").unwrap_or(text);
        let text = format_args!("{text}");
        match level {
            tracing::Level::ERROR => self.error(Layer::Memberlist, text),
            tracing::Level::WARN => self.warn(Layer::Memberlist, text),
            tracing::Level::INFO => self.info(Layer::Memberlist, text),
            _ => self.debug(Layer::Memberlist, text),
        }
    }
}
