//! Members: what the failure detector says, what they say themselves, and when they are forgotten (`spec/gossip.md` 4.3, 4.6).

use super::member::{Member, MemberStatus};
use super::message::{self, JoinIntent, Kind, LeaveIntent};
use super::{Event, Layer, Output, Serf, Stage, Ticket, tags};
use crate::gossip::swim::{Node, State, Time};
use crate::types::duration::GoDuration;
use rand::Rng;
use std::sync::Arc;
use std::time::Duration;

/// Most intents of unknown nodes that are kept; a stranger can invent names.
const MAX_INTENTS: usize = 16384;

/// Tag in which a member tells for how long it wants to be remembered.
const RECONNECT_TAG: &str = "rc_tm";

/// What is known of a member besides what everybody sees.
#[derive(Clone, Debug)]
pub(super) struct Record {
    pub member: Arc<Member>,
    /// Lamport time of the last intent that was believed.
    pub status_ltime: u64,
    /// When it left or failed.
    left_at: Option<Time>,
}

/// The newest intent of a node that is not a member yet.
#[derive(Clone, Copy, Debug)]
pub(super) struct Intent {
    leave: bool,
    ltime: u64,
    at: Time,
}

/// The member that a node of the failure detector stands for.
pub(super) fn member_of(node: &Node, status: MemberStatus) -> Member {
    Member {
        name: node.name.to_string(),
        address: node.address.ip().to_canonical(),
        port: node.address.port(),
        tags: Arc::new(tags::decode(&node.meta)),
        status,
        protocol: node.versions,
    }
}

/// The member that a merge check is asked about: only whether it left is known.
pub(super) fn candidate(node: &Node) -> Member {
    member_of(node, if node.state == State::Left { MemberStatus::Left } else { MemberStatus::None })
}

impl Serf {
    pub(super) fn node_joined(&mut self, now: Time, node: &Node) {
        let mut member = member_of(node, MemberStatus::Alive);
        let flap_timeout = self.settings.flap_timeout;
        let (status_ltime, flapped) = match self.members.get(&member.name) {
            Some(record) => {
                let away = record.left_at.map(|at| now.saturating_sub(at));
                let failed = record.member.status == MemberStatus::Failed;
                (record.status_ltime, failed && away.is_some_and(|away| away < flap_timeout))
            }
            None => match self.intents.remove(&member.name) {
                Some(intent) => {
                    if intent.leave {
                        member.status = MemberStatus::Leaving;
                    }
                    (intent.ltime, false)
                }
                None => (0, false),
            },
        };
        if flapped {
            self.count("serf.member.flap");
        }
        self.count("serf.member.join");
        let text = format_args!("EventMemberJoin: {} {}", member.name, member.address);
        self.settings.log.info(Layer::Serf, text);
        let member = Arc::new(member);
        let record = Record { member: Arc::clone(&member), status_ltime, left_at: None };
        self.members.insert(member.name.clone(), record);
        self.changed = true;
        self.event(Event::Join(vec![member]));
    }

    pub(super) fn node_left(&mut self, now: Time, node: &Node) {
        let Some(record) = self.members.get_mut(&*node.name) else { return };
        let status = match record.member.status {
            MemberStatus::Leaving => MemberStatus::Left,
            // It announced its own end, which only a leave does: its intent was lost on the way, as may happen when those that should
            // have told it on left at the same time. (Serf calls this a failure until an intent arrives.)
            MemberStatus::Alive if node.state == State::Left => MemberStatus::Left,
            MemberStatus::Alive => MemberStatus::Failed,
            other => {
                self.settings.log.warn(Layer::Serf, format_args!("Bad state when leave: {}", other as u8));
                return;
            }
        };
        record.left_at = Some(now);
        let member = record.become_status(status);
        self.changed = true;
        let (name, metric, event) = if status == MemberStatus::Left {
            ("EventMemberLeave", "serf.member.left", Event::Leave(vec![Arc::clone(&member)]))
        } else {
            ("EventMemberFailed", "serf.member.failed", Event::Failed(vec![Arc::clone(&member)]))
        };
        self.settings.log.info(Layer::Serf, format_args!("{name}: {} {}", member.name, member.address));
        self.count(metric);
        self.event(event);
    }

    pub(super) fn node_updated(&mut self, node: &Node) {
        let Some(record) = self.members.get_mut(&*node.name) else { return };
        record.member = Arc::new(member_of(node, record.member.status));
        let member = Arc::clone(&record.member);
        self.changed = true;
        self.count("serf.member.update");
        self.settings.log.info(Layer::Serf, format_args!("EventMemberUpdate: {}", member.name));
        self.event(Event::Update(vec![member]));
    }

    /// A node says that it leaves, or another says so of it; true when others have to hear it.
    pub(super) fn leave_intent(&mut self, now: Time, intent: &LeaveIntent) -> bool {
        self.member_clock.witness(intent.ltime);
        let Some(record) = self.members.get_mut(&intent.node) else {
            return self.buffer_intent(now, &intent.node, intent.ltime, true);
        };
        if intent.ltime <= record.status_ltime {
            return false;
        }
        if intent.node == self.settings.name && self.stage == Stage::Alive {
            self.settings.log.debug(Layer::Serf, format_args!("Refuting an older leave intent"));
            self.announce_join(now);
            return false;
        }
        record.status_ltime = intent.ltime;
        match record.member.status {
            MemberStatus::Alive => {
                record.become_status(MemberStatus::Leaving);
                self.changed = true;
            }
            MemberStatus::Failed => {
                let member = record.become_status(MemberStatus::Left);
                self.changed = true;
                let text = format_args!("EventMemberLeave (forced): {} {}", member.name, member.address);
                self.settings.log.info(Layer::Serf, text);
                self.event(Event::Leave(vec![member]));
            }
            MemberStatus::Leaving | MemberStatus::Left => {}
            MemberStatus::None => return false,
        }
        if intent.prune {
            self.prune(now, &intent.node);
        }
        true
    }

    /// A node says that it stays; true when others have to hear it.
    pub(super) fn join_intent(&mut self, now: Time, intent: &JoinIntent) -> bool {
        self.member_clock.witness(intent.ltime);
        let Some(record) = self.members.get_mut(&intent.node) else {
            return self.buffer_intent(now, &intent.node, intent.ltime, false);
        };
        if intent.ltime <= record.status_ltime {
            return false;
        }
        record.status_ltime = intent.ltime;
        if record.member.status == MemberStatus::Leaving {
            record.become_status(MemberStatus::Alive);
            self.changed = true;
        }
        true
    }

    fn buffer_intent(&mut self, now: Time, node: &str, ltime: u64, leave: bool) -> bool {
        let intent = Intent { leave, ltime, at: now };
        let full = self.intents.len() >= MAX_INTENTS;
        let newer = self.intents.get(node).map_or(!full, |known| ltime > known.ltime);
        if newer {
            self.intents.insert(node.to_owned(), intent);
        }
        newer
    }

    /// Tells the pool that this node is here to stay.
    pub fn announce_join(&mut self, now: Time) {
        let intent = JoinIntent { ltime: self.member_clock.time(), node: self.settings.name.clone() };
        self.join_intent(now, &intent);
        self.intent_queue.queue(None, message::encode(Kind::Join, &intent));
    }

    /// Begins to leave the pool. The ticket tells when the pool was told; none when there is nobody to tell.
    pub fn begin_leave(&mut self, now: Time) -> Option<Ticket> {
        self.stage = Stage::Leaving;
        let node = self.settings.name.clone();
        self.broadcast_leave(now, node, false)
    }

    /// Tells the pool that another node left, and is to be forgotten at once with `prune`. The ticket is as in
    /// [`Serf::begin_leave`].
    pub fn force_leave(&mut self, now: Time, node: String, prune: bool) -> Option<Ticket> {
        self.broadcast_leave(now, node, prune)
    }

    fn broadcast_leave(&mut self, now: Time, node: String, prune: bool) -> Option<Ticket> {
        let intent = LeaveIntent { ltime: self.member_clock.take(), node, prune };
        self.leave_intent(now, &intent);
        if !self.has_company() {
            return None;
        }
        let broadcast = self.intent_queue.queue(None, message::encode(Kind::Leave, &intent));
        Some(self.ticket(broadcast))
    }

    /// Forgets a member, or lets it finish its leave before.
    fn prune(&mut self, now: Time, name: &str) {
        let leaving = self.members.get(name).is_some_and(|record| record.member.status == MemberStatus::Leaving);
        if leaving {
            let wait = self.settings.broadcast_timeout + self.settings.leave_propagate_delay;
            self.prunes.push((now + wait, name.to_owned()));
        } else {
            self.erase(name, "EventMemberReap (forced)");
        }
    }

    pub(super) fn prune_due(&mut self, now: Time) {
        let (due, later): (Vec<_>, Vec<_>) = self.prunes.drain(..).partition(|(at, _)| *at <= now);
        self.prunes = later;
        for (_, name) in due {
            let back = self.members.get(&name).is_none_or(|record| record.member.is_alive());
            if !back {
                self.erase(&name, "EventMemberReap (forced)");
            }
        }
    }

    fn erase(&mut self, name: &str, text: &str) {
        if name == self.settings.name {
            return;
        }
        let Some(record) = self.members.remove(name) else { return };
        self.settings.log.info(Layer::Serf, format_args!("{text}: {name} {}", record.member.address));
        if let Some(coordinates) = &mut self.coordinates {
            coordinates.forget(name);
        }
        self.changed = true;
        self.event(Event::Reap(vec![record.member]));
    }

    /// Forgets who has been gone for too long, and intents of nodes that never came.
    pub(super) fn reap(&mut self, now: Time) {
        let settings = &self.settings;
        let expired = |record: &&Record| {
            let default = match record.member.status {
                MemberStatus::Failed => settings.reconnect_timeout,
                MemberStatus::Left => settings.tombstone_timeout,
                _ => return false,
            };
            let timeout = wanted_timeout(&record.member).unwrap_or(default);
            record.left_at.is_some_and(|at| now.saturating_sub(at) > timeout)
        };
        let old: Vec<String> = self.members.values().filter(expired).map(|record| record.member.name.clone()).collect();
        for name in old {
            self.erase(&name, "EventMemberReap");
        }
        let timeout = self.settings.intent_timeout;
        self.intents.retain(|_, intent| now.saturating_sub(intent.at) <= timeout);
    }

    /// Tries one failed member; the more of the pool have failed, the likelier.
    pub(super) fn reconnect(&mut self) {
        let with = |status| self.members().filter(move |member| member.status == status);
        let failed: Vec<Arc<Member>> = with(MemberStatus::Failed).cloned().collect();
        if failed.is_empty() || self.stage != Stage::Alive {
            return;
        }
        let alive = (self.members.len() - failed.len() - with(MemberStatus::Left).count()).max(1);
        let chance = failed.len() as f64 / alive as f64;
        let member = &failed[self.rng.random_range(0..failed.len())];
        if self.rng.random::<f64>() > chance {
            self.settings.log.debug(Layer::Serf, format_args!("forgoing reconnect for random throttling"));
            return;
        }
        let text = format_args!("attempting reconnect to {} {}", member.name, member.socket());
        self.settings.log.info(Layer::Serf, text);
        self.outputs.push_back(Output::Reconnect(format!("{}/{}", member.name, member.socket())));
    }
}

impl Record {
    fn become_status(&mut self, status: MemberStatus) -> Arc<Member> {
        Arc::make_mut(&mut self.member).status = status;
        Arc::clone(&self.member)
    }
}

/// The time for which a member wants to be remembered.
fn wanted_timeout(member: &Member) -> Option<Duration> {
    let wanted: GoDuration = member.tags.get(RECONNECT_TAG)?.parse().ok()?;
    (wanted.0 > 0).then(|| wanted.to_std())
}
