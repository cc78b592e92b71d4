//! The rules for what is said of members: alive, suspect, dead, and our own refutation (`spec/gossip.md` 3.6-3.9).

use super::noise::Problem;
use super::suspicion::Suspicion;
use super::timers::Timer;
use super::{BroadcastId, Delegate, Node, State, Swim, Time, figures};
use crate::gossip::wire::{self, AddressBytes, Alive, Dead, Message, Suspect};
use crate::telemetry::limits;
use bytes::Bytes;
use std::net::SocketAddr;
use std::sync::Arc;
use tracing::Level;

/// Members that a pool may have; more are made up, or a pool of another size is needed.
const MAX_MEMBERS: usize = 65_536;

/// What an alive message means for a member that we know.
enum Verdict {
    Ignore,
    Refute,
    Believe,
}

impl Swim {
    /// Somebody says that a member is there.
    pub(super) fn alive(&mut self, now: Time, alive: &Alive, d: &mut dyn Delegate) {
        let own = alive.node == &*self.name;
        if (own && self.left) || !(1..=wire::MAX_NAME).contains(&alive.node.len()) || alive.meta.len() > wire::MAX_META
        {
            return;
        }
        if let [pmin, pmax, _, ..] = *alive.versions
            && (pmin == 0 || pmax == 0 || pmin > pmax)
        {
            return;
        }
        let (Some(ip), Some(versions)) = (wire::ip_of(alive.address), alive.versions.first_chunk::<6>()) else {
            return;
        };
        let port = if alive.port == 0 { self.config.advertise.port() } else { alive.port };
        let claimed = Node {
            name: if own { self.name.clone() } else { alive.node.into() },
            address: SocketAddr::new(ip, port),
            meta: Bytes::copy_from_slice(alive.meta),
            versions: *versions,
            incarnation: alive.incarnation,
            state: State::Alive,
            since: now,
        };
        if !own && let Err(reason) = d.admit(&claimed) {
            self.complain(now, Level::WARN, (Problem::Unwanted, alive.node), || {
                format!("ignoring alive message for '{}': {reason}", alive.node)
            });
            return;
        }
        match self.judge(now, own, &claimed, d) {
            Verdict::Ignore => {}
            Verdict::Refute => {
                self.log(
                    Level::WARN,
                    format!("Refuting an alive message for '{}' ({})", claimed.name, claimed.address),
                );
                self.refute(claimed.incarnation);
            }
            Verdict::Believe => {
                self.believe(now, claimed, d);
            }
        }
    }

    fn judge(&mut self, now: Time, own: bool, claimed: &Node, d: &mut dyn Delegate) -> Verdict {
        let known = self.members.get(&claimed.name);
        let moved = known.is_none_or(|known| known.address != claimed.address);
        if moved && !own && !self.config.allows(claimed.address.ip()) {
            self.complain(now, Level::WARN, (Problem::Network, claimed.address.ip()), || {
                format!(
                    "Rejected node {} ({}): its address is not in an allowed network",
                    claimed.name, claimed.address
                )
            });
            return Verdict::Ignore;
        }
        let Some(known) = self.members.get(&claimed.name) else {
            if self.members.len() >= MAX_MEMBERS {
                limits::GOSSIP_MEMBERS.exceeded();
                self.complain(now, Level::ERROR, (Problem::Unwanted, MAX_MEMBERS), || {
                    format!("Rejected node {}: the pool has {MAX_MEMBERS} members already", claimed.name)
                });
                return Verdict::Ignore;
            }
            return if claimed.incarnation == 0 { Verdict::Ignore } else { Verdict::Believe };
        };
        if moved {
            let reclaim = self.config.timing.dead_node_reclaim;
            let reclaimable = !reclaim.is_zero() && now.saturating_sub(known.since) > reclaim;
            let free = match known.state {
                State::Alive | State::Suspect => false,
                State::Dead => reclaimable || d.same_identity(known, claimed),
                State::Left => true,
            };
            if free {
                return Verdict::Believe;
            }
            let known = known.clone();
            self.complain(now, Level::ERROR, (Problem::Conflict, &claimed.name), || {
                let (name, ours, theirs) = (&claimed.name, known.address, claimed.address);
                format!("Conflicting address for {name}. Mine: {ours} Theirs: {theirs} Old state: {:?}", known.state)
            });
            d.conflict(now, &known, claimed);
            if !own && d.same_identity(&known, claimed) {
                self.moved.insert(known.name.clone(), Node { name: known.name, ..claimed.clone() });
            }
            return Verdict::Ignore;
        }
        if !own {
            return if claimed.incarnation <= known.incarnation { Verdict::Ignore } else { Verdict::Believe };
        }
        let same = known.meta == claimed.meta && known.versions == claimed.versions;
        if claimed.incarnation < known.incarnation || (claimed.incarnation == known.incarnation && same) {
            return Verdict::Ignore;
        }
        Verdict::Refute
    }

    /// Takes a member as it is claimed to be, tells others and the layer above.
    pub(super) fn believe(&mut self, now: Time, claimed: Node, d: &mut dyn Delegate) -> BroadcastId {
        self.suspicions.remove(&claimed.name);
        self.moved.remove(&claimed.name);
        let broadcast = self.announce(&claimed);
        figures::ALIVE.add(1);
        let name = claimed.name.clone();
        let mut was_gone = true;
        let mut meta_changed = false;
        if self.members.get(&name).is_none() {
            self.members.insert(claimed, &mut self.rng);
        } else {
            self.members.change(&name, |node| {
                was_gone = node.state.is_gone();
                meta_changed = node.meta != claimed.meta;
                let since = if node.state == State::Alive { node.since } else { now };
                let name = node.name.clone();
                *node = Node { name, since, ..claimed };
            });
        }
        let node = self.members.get(&name).expect("inserted or changed above");
        if was_gone {
            d.joined(now, node);
        } else if meta_changed {
            d.updated(now, node);
        }
        broadcast
    }

    /// Queues the news that a member is as it is.
    fn announce(&mut self, node: &Node) -> BroadcastId {
        let address = AddressBytes::new(node.address.ip());
        let alive = Message::Alive(Alive {
            incarnation: node.incarnation,
            node: &node.name,
            address: address.as_slice(),
            port: node.address.port(),
            meta: &node.meta,
            versions: &node.versions,
        });
        self.broadcasts.queue(Some(&node.name), alive.encode().into())
    }

    /// Announces ourselves with the next incarnation.
    pub(super) fn announce_self(&mut self, now: Time, d: &mut dyn Delegate) -> BroadcastId {
        self.incarnation = self.incarnation.saturating_add(1);
        let claimed = Node {
            name: self.name.clone(),
            address: self.config.advertise,
            meta: d.meta(),
            versions: self.config.versions,
            incarnation: self.incarnation,
            state: State::Alive,
            since: now,
        };
        self.believe(now, claimed, d)
    }

    /// Contradicts what was said of our incarnation `accused`.
    fn refute(&mut self, accused: u32) {
        self.incarnation = self.incarnation.max(accused).saturating_add(1);
        self.change_health(1);
        let incarnation = self.incarnation;
        let name = self.name.clone();
        let Some(node) = self.members.change(&name, |node| node.incarnation = incarnation) else { return };
        let node = node.clone();
        self.announce(&node);
    }

    /// Somebody says that a member did not answer.
    pub(super) fn suspect(&mut self, now: Time, suspect: &Suspect) {
        let Some(known) = self.members.get(suspect.node) else { return };
        if suspect.incarnation < known.incarnation {
            return;
        }
        let (name, state) = (known.name.clone(), known.state);
        if let Some(suspicion) = self.suspicions.get_mut(&*name) {
            if suspicion.confirm(suspect.from) {
                let deadline = suspicion.deadline();
                self.pass_on(&name, Message::Suspect(suspect.clone()));
                self.timers.set(deadline.max(now), Timer::Suspicion(name));
            }
            return;
        }
        if state != State::Alive {
            return;
        }
        if name == self.name {
            self.log(Level::WARN, format!("Refuting a suspect message (from: {})", suspect.from));
            self.refute(suspect.incarnation);
            return;
        }
        self.pass_on(&name, Message::Suspect(suspect.clone()));
        figures::SUSPECT.add(1);
        self.members.change(&name, |node| {
            node.incarnation = suspect.incarnation;
            node.state = State::Suspect;
            node.since = now;
        });
        let suspicion = Suspicion::new(&self.config.timing, self.members.len(), now, suspect.from);
        self.timers.set(suspicion.deadline(), Timer::Suspicion(name.clone()));
        self.suspicions.insert(name, suspicion);
    }

    /// A suspicion may be ripe.
    pub(super) fn suspicion_due(&mut self, now: Time, name: &Arc<str>, d: &mut dyn Delegate) {
        let Some(suspicion) = self.suspicions.get(name).filter(|suspicion| suspicion.deadline() <= now) else { return };
        let Some(node) = self.members.get(name) else { return };
        if node.state != State::Suspect || node.since != suspicion.since {
            return;
        }
        if suspicion.is_degraded() {
            figures::DEGRADED_TIMEOUT.add(1);
        }
        let (incarnation, shared) = (node.incarnation, suspicion.confirmations());
        self.log(
            Level::INFO,
            format!("Marking {name} as failed, suspect timeout reached ({shared} peer confirmations)"),
        );
        self.dead(now, &Dead { incarnation, node: name, from: &self.name.clone() }, d);
    }

    /// Somebody says that a member is dead, or a member says that it leaves.
    pub(super) fn dead(&mut self, now: Time, dead: &Dead, d: &mut dyn Delegate) {
        let Some(known) = self.members.get(dead.node) else { return };
        if dead.incarnation < known.incarnation {
            return;
        }
        let (name, gone) = (known.name.clone(), known.state.is_gone());
        self.suspicions.remove(&name);
        if gone {
            return;
        }
        if name == self.name && !self.left {
            self.log(Level::WARN, format!("Refuting a dead message (from: {})", dead.from));
            self.refute(dead.incarnation);
            return;
        }
        let broadcast = self.pass_on(&name, Message::Dead(dead.clone()));
        if name == self.name {
            self.leave_broadcast = Some(broadcast);
        }
        figures::DEAD.add(1);
        let node = self.members.change(&name, |node| {
            node.incarnation = dead.incarnation;
            node.state = if dead.node == dead.from { State::Left } else { State::Dead };
            node.since = now;
        });
        d.left(now, node.expect("known above"));
        // it has said already that it is elsewhere, and does not say it again to those whom it has met
        if let Some(claimed) = self.moved.remove(&name) {
            self.believe(now, Node { since: now, ..claimed }, d);
        }
    }

    fn pass_on(&mut self, name: &Arc<str>, message: Message) -> BroadcastId {
        self.broadcasts.queue(Some(name), message.encode().into())
    }

    pub(super) fn change_health(&mut self, delta: i32) {
        let worst = self.config.awareness_max.saturating_sub(1);
        let health = self.health.saturating_add_signed(delta).min(worst);
        if health != self.health {
            self.health = health;
            figures::HEALTH.set(health.into());
        }
    }
}
