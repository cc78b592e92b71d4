//! Metrics of the failure detector (`spec/agent-config.md` 9).

use crate::telemetry::metrics::{Counter, Gauge, Sample};

macro_rules! figures {
    ($($name:ident: $kind:ident = $text:literal;)*) => {
        $(pub(super) static $name: $kind = $kind::new($text);)*
    };
}

figures! {
    ALIVE: Counter = "memberlist.msg.alive";
    SUSPECT: Counter = "memberlist.msg.suspect";
    DEAD: Counter = "memberlist.msg.dead";
    UDP_SENT: Counter = "memberlist.udp.sent";
    UDP_RECEIVED: Counter = "memberlist.udp.received";
    TCP_ACCEPT: Counter = "memberlist.tcp.accept";
    TCP_CONNECT: Counter = "memberlist.tcp.connect";
    TCP_SENT: Counter = "memberlist.tcp.sent";
    DEGRADED_PROBE: Counter = "memberlist.degraded.probe";
    DEGRADED_TIMEOUT: Counter = "memberlist.degraded.timeout";
    PROBE: Sample = "memberlist.probeNode";
    GOSSIP: Sample = "memberlist.gossip";
    PUSH_PULL: Sample = "memberlist.pushPullNode";
    HEALTH: Gauge = "memberlist.health.score";
    STATE_SIZE: Gauge = "memberlist.size.local";
}
