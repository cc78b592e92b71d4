//! A checker of linearizability for single registers with compare-and-swap, and the proof that it finds what it should.
//!
//! Each key is an object of its own (linearizability is local: a history is linearizable when that of each key is). Per
//! key a depth-first search tries the operations that may come next, as Wing and Gong describe, and remembers the
//! configurations that it has seen, as Lowe adds. Operations without a known outcome may have happened at any time after
//! their call, or never.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;

/// A register holds nothing or a value; every write of a test uses a value of its own.
pub type Value = Option<u64>;

/// What was asked and what came back.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Operation {
    /// A read and what it saw.
    Read(Value),
    /// A write; nothing means delete.
    Write(Value),
    /// Set to `new` if the register holds `expected`, and whether it did.
    Swap {
        /// What the register must hold.
        expected: Value,
        /// What it holds afterwards.
        new: u64,
        /// The answer.
        done: bool,
    },
}

/// An operation with its times, in any unit that is the same for all.
#[derive(Debug, Clone, Copy)]
pub struct Event {
    /// The register.
    pub key: u32,
    /// What was asked and answered. Of an operation without answer the answer is ignored.
    pub operation: Operation,
    /// When it was called.
    pub called: u64,
    /// When it was answered; `None` when nobody knows whether it happened.
    pub answered: Option<u64>,
}

/// Longest history of one key; the search keeps sets of operations in one word.
pub const MAX_PER_KEY: usize = 128;

/// Configurations that are tried per key before the search gives up.
const MAX_CONFIGURATIONS: usize = 4_000_000;

/// Checks a history; the error tells which key could not be explained and shows its operations.
pub fn check(history: &[Event]) -> Result<(), String> {
    let mut keys: BTreeMap<u32, Vec<Event>> = BTreeMap::new();
    for event in history {
        let unanswered_read = event.answered.is_none() && matches!(event.operation, Operation::Read(_));
        if !unanswered_read {
            keys.entry(event.key).or_default().push(*event);
        }
    }
    for (key, mut events) in keys {
        // what is known first: the search then tries the unknown only where the known does not suffice
        events.sort_by_key(|event| (event.answered.is_none(), event.called));
        assert!(events.len() <= MAX_PER_KEY, "key {key} has {} operations", events.len());
        check_key(key, &events)?;
    }
    Ok(())
}

/// Whether an operation is possible in a state, and the state after it.
fn step(state: Value, event: &Event) -> Option<Value> {
    let known = event.answered.is_some();
    match event.operation {
        Operation::Read(seen) => (seen == state).then_some(state),
        Operation::Write(value) => Some(value),
        Operation::Swap { expected, new, done } => match (expected == state, known) {
            (true, true) => done.then_some(Some(new)),
            (false, true) => (!done).then_some(state),
            (true, false) => Some(Some(new)),
            // one that changes nothing and that nobody saw need not be placed
            (false, false) => None,
        },
    }
}

fn check_key(key: u32, events: &[Event]) -> Result<(), String> {
    let known = events.iter().filter(|event| event.answered.is_some()).count();
    let all_known = if known == 128 { u128::MAX } else { (1 << known) - 1 };
    // by known operations and state the sets of unknown ones that were used up: a superset of one of them leads nowhere new
    let mut seen: HashMap<(u128, Value), Vec<u128>> = HashMap::new();
    let mut configurations = 0;
    let mut stack: Vec<(u128, Value)> = vec![(0, None)];
    let mut deepest = (0, None);
    while let Some((placed, state)) = stack.pop() {
        if placed & all_known == all_known {
            return Ok(());
        }
        let used = placed & !all_known;
        let cheaper = seen.entry((placed & all_known, state)).or_default();
        if cheaper.iter().any(|other| other & !used == 0) {
            continue;
        }
        cheaper.retain(|other| used & !other != 0);
        cheaper.push(used);
        configurations += 1;
        if configurations > MAX_CONFIGURATIONS {
            return Err(format!("undecided after {MAX_CONFIGURATIONS} steps: {}", explain(key, events, deepest)));
        }
        if (placed & all_known).count_ones() > u128::count_ones(deepest.0 & all_known) {
            deepest = (placed, state);
        }
        expand(events, known, placed, state, &mut stack);
    }
    Err(explain(key, events, deepest))
}

/// Pushes the configurations that can follow; the most promising last.
fn expand(events: &[Event], known: usize, placed: u128, state: Value, stack: &mut Vec<(u128, Value)>) {
    let open = |number: &usize| placed & (1 << number) == 0;
    let first_answer = (0..known).filter(open).filter_map(|number| events[number].answered).min().unwrap_or(u64::MAX);
    let first = stack.len();
    for number in (0..events.len()).filter(open) {
        let event = &events[number];
        if event.called > first_answer {
            continue;
        }
        let Some(next) = step(state, event) else { continue };
        let observes = matches!(event.operation, Operation::Read(_) | Operation::Swap { done: false, .. });
        if observes && number < known {
            // it fits and can change nothing: placing it now can only help
            stack.truncate(first);
            stack.push((placed | 1 << number, state));
            return;
        }
        stack.push((placed | 1 << number, next));
    }
    stack[first..].reverse();
}

fn explain(key: u32, events: &[Event], (placed, state): (u128, Value)) -> String {
    let mut text = format!("key {key} is not linearizable; the longest explanation ends with {state:?}:\n");
    let mut order: Vec<usize> = (0..events.len()).collect();
    order.sort_by_key(|number| events[*number].called);
    for number in order {
        let event = &events[number];
        let mark = if placed & (1 << number) == 0 { "not placed" } else { "placed" };
        let answered = event.answered.map_or("?".to_owned(), |time| time.to_string());
        let _ = writeln!(text, "  {:>12} .. {answered:>12}  {:?}  {mark}", event.called, event.operation);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::rngs::StdRng;
    use rand::{Rng, SeedableRng};

    fn at(called: u64, answered: u64, operation: Operation) -> Event {
        Event { key: 0, operation, called, answered: Some(answered) }
    }

    fn lost(called: u64, operation: Operation) -> Event {
        Event { key: 0, operation, called, answered: None }
    }

    fn read(value: u64) -> Operation {
        Operation::Read(Some(value))
    }

    fn write(value: u64) -> Operation {
        Operation::Write(Some(value))
    }

    fn swap(expected: u64, new: u64, done: bool) -> Operation {
        Operation::Swap { expected: Some(expected), new, done }
    }

    const NOTHING: Operation = Operation::Read(None);
    const DELETE: Operation = Operation::Write(None);

    #[test]
    fn good_histories_are_accepted() {
        let cases: &[(&str, &[Event])] = &[
            ("nothing", &[]),
            (
                "in order",
                &[at(0, 1, NOTHING), at(2, 3, write(1)), at(4, 5, read(1)), at(6, 7, DELETE), at(8, 9, NOTHING)],
            ),
            ("reads beside a write see old and new", &[at(0, 9, write(1)), at(1, 2, NOTHING), at(3, 4, read(1))]),
            ("writes side by side in any order", &[at(0, 9, write(1)), at(0, 9, write(2)), at(10, 11, read(1))]),
            ("a swap after its value", &[at(0, 1, write(1)), at(2, 3, swap(1, 2, true)), at(4, 5, read(2))]),
            ("a swap that came too late", &[at(0, 1, write(1)), at(2, 3, write(2)), at(4, 5, swap(1, 3, false))]),
            ("one of two swaps wins", &[at(0, 1, write(1)), at(2, 9, swap(1, 2, true)), at(2, 9, swap(1, 3, false))]),
            ("a lost write that happened late", &[lost(0, write(1)), at(1, 2, NOTHING), at(8, 9, read(1))]),
            ("a lost write that never happened", &[lost(0, write(1)), at(1, 2, NOTHING), at(8, 9, NOTHING)]),
            (
                "a lost write explains a refused swap",
                &[at(0, 1, write(1)), lost(2, write(2)), at(3, 4, swap(1, 3, false)), at(5, 6, read(2))],
            ),
            ("a lost swap that happened", &[at(0, 1, write(1)), lost(2, swap(1, 2, false)), at(8, 9, read(2))]),
            ("a lost read means nothing", &[at(0, 1, write(1)), lost(2, read(7)), at(8, 9, read(1))]),
        ];
        for (what, history) in cases {
            assert_eq!(check(history), Ok(()), "{what}");
        }
    }

    #[test]
    fn bad_histories_are_refused() {
        let cases: &[(&str, &[Event])] = &[
            ("a lost update", &[at(0, 1, write(1)), at(2, 3, NOTHING)]),
            ("a stale read", &[at(0, 1, write(1)), at(2, 3, write(2)), at(4, 5, read(1))]),
            ("a value from nowhere", &[at(0, 1, write(1)), at(2, 3, read(7))]),
            ("a read before its write", &[at(0, 1, read(1)), at(2, 3, write(1))]),
            ("back and forth", &[at(0, 9, write(1)), at(1, 2, read(1)), at(3, 4, NOTHING)]),
            ("two swaps of one value", &[at(0, 1, write(1)), at(2, 9, swap(1, 2, true)), at(2, 9, swap(1, 3, true))]),
            ("a swap of an older value", &[at(0, 1, write(1)), at(2, 3, write(2)), at(4, 5, swap(1, 3, true))]),
            ("a refused swap that should have worked", &[at(0, 1, write(1)), at(2, 3, swap(1, 2, false))]),
            ("a refused swap that happened", &[at(0, 1, write(1)), at(2, 3, swap(1, 2, false)), at(4, 5, read(2))]),
            ("a lost write seen before it was called", &[at(0, 1, read(1)), lost(2, write(1))]),
            (
                "a lost write that happened twice",
                &[lost(0, write(1)), at(1, 2, read(1)), at(3, 4, write(2)), at(5, 6, read(2)), at(7, 8, read(1))],
            ),
            (
                "two readers disagree about the order",
                &[at(0, 9, write(1)), at(0, 9, write(2)), at(10, 11, read(1)), at(12, 13, read(2))],
            ),
            ("deleted and back", &[at(0, 1, write(1)), at(2, 3, DELETE), at(4, 5, read(1))]),
        ];
        for (what, history) in cases {
            assert!(check(history).is_err(), "{what}");
        }
    }

    #[test]
    fn keys_are_checked_by_themselves() {
        let other = |event: Event| Event { key: 1, ..event };
        assert_eq!(check(&[at(0, 1, write(1)), other(at(2, 3, NOTHING)), at(4, 5, read(1))]), Ok(()));
        let error = check(&[at(0, 1, write(1)), other(at(2, 3, write(2))), other(at(4, 5, NOTHING))]);
        assert!(error.is_err_and(|text| text.starts_with("key 1 is not linearizable")));
    }

    /// Every order of every choice of lost operations, without any cleverness.
    fn brute_force(placed: u32, state: Value, history: &[Event]) -> bool {
        let open: Vec<usize> = (0..history.len()).filter(|number| placed & (1 << number) == 0).collect();
        if open.iter().all(|number| history[*number].answered.is_none()) {
            return true;
        }
        open.iter().any(|number| {
            let event = &history[*number];
            let late = open.iter().any(|other| history[*other].answered.is_some_and(|time| time < event.called));
            let next = if late { None } else { step(state, event) };
            next.is_some_and(|next| brute_force(placed | 1 << number, next, history))
        })
    }

    #[test]
    fn random_histories_are_judged_as_by_trying_every_order() {
        let mut random = StdRng::seed_from_u64(7);
        let mut judged = [0, 0];
        for _ in 0..10_000 {
            let history: Vec<Event> = (0..random.random_range(1..8))
                .map(|_| {
                    let (called, value) = (random.random_range(0..20), random.random_range(1..4));
                    let operation = match random.random_range(0..5) {
                        0 => write(value),
                        1 => NOTHING,
                        2 => swap(value, random.random_range(1..4), random.random()),
                        _ => read(value),
                    };
                    let answered = random.random_bool(0.8).then(|| called + random.random_range(0..12));
                    Event { key: 0, operation, called, answered }
                })
                .filter(|event| event.answered.is_some() || !matches!(event.operation, Operation::Read(_)))
                .collect();
            let wanted = brute_force(0, None, &history);
            assert_eq!(check(&history).is_ok(), wanted, "{history:#?}");
            judged[usize::from(wanted)] += 1;
        }
        assert!(judged.iter().all(|count| *count > 1000), "one-sided: {judged:?}");
    }

    /// A history that a real register produced: each operation takes effect at one moment between call and answer.
    fn real_history(random: &mut StdRng, clients: usize, count: usize) -> Vec<Event> {
        let mut effects: Vec<(u64, u64, u64)> = Vec::new();
        let mut free = vec![0; clients];
        for number in 0..count {
            let client = number % clients;
            let called = free[client] + random.random_range(1..20);
            let effect = called + random.random_range(1..30);
            free[client] = effect + random.random_range(1..30);
            effects.push((effect, called, free[client]));
        }
        effects.sort_unstable();
        let mut state: Value = None;
        let mut history = Vec::new();
        for (number, (_, called, answered)) in effects.into_iter().enumerate() {
            let fresh = number as u64 + 1;
            let operation = match random.random_range(0..10) {
                0..=3 => Operation::Read(state),
                4..=6 => write(fresh),
                7 => DELETE,
                _ => {
                    let guess = if random.random() { state } else { Some(random.random_range(0..fresh)) };
                    Operation::Swap { expected: guess, new: fresh, done: guess == state }
                }
            };
            let is_read = matches!(operation, Operation::Read(_));
            let is_lost = !is_read && random.random_bool(0.1);
            if !(is_lost && random.random()) {
                state = match operation {
                    Operation::Read(_) => state,
                    Operation::Write(value) => value,
                    Operation::Swap { new, done, .. } => {
                        if done {
                            Some(new)
                        } else {
                            state
                        }
                    }
                };
            }
            history.push(Event { key: 0, operation, called, answered: (!is_lost).then_some(answered) });
        }
        history
    }

    #[test]
    fn long_histories_of_a_real_register_are_accepted_and_a_stale_read_in_them_is_found() {
        let mut random = StdRng::seed_from_u64(11);
        let mut spoiled = 0;
        for _ in 0..30 {
            let mut history = real_history(&mut random, 8, 110);
            assert_eq!(check(&history), Ok(()));
            // the first value that was read comes back long after all who could have written it
            let first = history.iter().find_map(|event| match event.operation {
                Operation::Read(Some(value)) if event.answered.is_some() => Some(value),
                _ => None,
            });
            let last = history.iter().filter_map(|event| event.answered).max();
            let (Some(first), Some(last)) = (first, last) else { continue };
            history.push(at(last + 1, last + 2, write(1_000_000)));
            history.push(at(last + 3, last + 4, read(1_000_000)));
            assert_eq!(check(&history), Ok(()));
            history.push(at(last + 5, last + 6, read(first)));
            assert!(check(&history).is_err());
            spoiled += 1;
        }
        assert!(spoiled > 20);
    }
}
