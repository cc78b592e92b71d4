use super::*;
use crate::types::ca::{CaConfiguration, CaOp, CaProviderState, CaRequest, CaRoot};

fn ca(op: CaOp, change: impl FnOnce(&mut CaRequest)) -> Command {
    let mut request = CaRequest { op, ..CaRequest::default() };
    change(&mut request);
    Command::Ca(Box::new(request))
}

fn root(id: &str, active: bool) -> CaRoot {
    CaRoot { id: id.into(), active, ..CaRoot::default() }
}

fn set_roots(index: Index, roots: Vec<CaRoot>) -> Command {
    ca(CaOp::SetRoots, |request| (request.index, request.roots) = (index, Some(roots)))
}

fn config(provider: &str, modify_index: Index) -> CaConfiguration {
    CaConfiguration { provider: provider.into(), modify_index, ..CaConfiguration::default() }
}

fn set_config(config: CaConfiguration) -> Command {
    ca(CaOp::SetConfig, |request| request.config = Some(config))
}

#[test]
fn roots_are_replaced_as_a_whole_by_those_who_know_the_last_ones() {
    let mut scene = Scene::new();
    let first = scene.done(set_roots(0, vec![root("a", true)]));
    assert_eq!(scene.apply(set_roots(0, vec![root("b", true)])), Outcome::Bool(false));
    for wrong in [vec![], vec![root("b", false)], vec![root("a", true), root("b", true)]] {
        let refused = scene.apply(set_roots(first, wrong));
        assert_eq!(refused, Outcome::Error("there must be exactly one active CA root".into()));
    }
    let second = scene.done(set_roots(first, vec![root("a", false), root("b", true)]));
    let (index, roots) = scene.ask(|state, ws| state.ca_roots(ws));
    let rows: Vec<_> = roots.iter().map(|root| (root.id.as_str(), root.create_index, root.modify_index)).collect();
    assert_eq!((index, rows), (second, vec![("a", first, second), ("b", second, second)]));
    scene.done(set_roots(second, vec![root("b", true)]));
    assert_eq!(scene.ask(|state, ws| state.ca_roots(ws)).1.len(), 1);
}

#[test]
fn a_configuration_keeps_the_cluster_id_and_moves_the_index_of_the_roots() {
    let mut scene = Scene::new();
    let first = scene.done(set_config(CaConfiguration { cluster_id: "id".into(), ..config("consul", 0) }));
    let second = scene.done(set_config(config("consul", first)));
    assert_eq!(scene.apply(set_config(config("vault", first))), Outcome::Bool(false));
    let stored = scene.store.snapshot().ca_config().expect("stored");
    assert_eq!((stored.cluster_id.as_str(), stored.create_index, stored.modify_index), ("id", first, second));
    assert_eq!(scene.index_of(|state, ws| state.ca_roots(ws)), second);
    // both or none
    let both = |index, modify_index| {
        ca(CaOp::SetRootsConfig, |request| {
            (request.index, request.roots) = (index, Some(vec![root("a", true)]));
            request.config = Some(config("consul", modify_index));
        })
    };
    assert_eq!(scene.apply(both(0, first)), Outcome::Bool(false));
    assert_eq!(scene.apply(both(7, second)), Outcome::Bool(false));
    assert!(scene.ask(|state, ws| state.ca_roots(ws)).1.is_empty());
    scene.done(both(0, second));
    assert_eq!(scene.ask(|state, ws| state.ca_roots(ws)).1.len(), 1);
}

#[test]
fn numbers_are_never_given_twice_also_after_a_restore() {
    let mut scene = Scene::new();
    let number = |scene: &mut Scene, command| match scene.apply(command) {
        Outcome::Number(number) => number,
        other => panic!("{other:?}"),
    };
    let serial = || ca(CaOp::IncrementProviderSerial, |_| {});
    let first = number(&mut scene, serial());
    let second = number(&mut scene, Command::CaLeaf(Default::default()));
    assert_eq!((second, scene.store.snapshot().ca_leaf_index()), (first + 1, scene.index));
    let state = CaProviderState { id: "s".into(), private_key: "key".into(), ..CaProviderState::default() };
    scene.done(ca(CaOp::SetProviderState, |request| request.provider_state = Some(state.clone())));
    let mut dump = Vec::new();
    scene.store.snapshot().write_to(&mut dump).expect("memory");
    scene.store.restore(&mut &dump[..]).expect("restores");
    assert_eq!(number(&mut scene, serial()), second + 1);
    assert_eq!(scene.store.snapshot().ca_states()[0].private_key, "key");
    scene.done(ca(CaOp::DeleteProviderState, |request| request.provider_state = Some(state)));
    assert!(scene.store.snapshot().ca_states().is_empty());
    assert!(matches!(scene.apply(ca(CaOp::Nothing, |_| {})), Outcome::Error(_)));
}

#[test]
fn readers_of_the_roots_wake_when_roots_or_the_configuration_change() {
    let mut scene = Scene::new();
    let ask = |scene: &Scene| scene.store.read(|state, ws| state.ca_roots(ws)).1;
    let before = ask(&scene);
    scene.done(set_config(config("consul", 0)));
    assert!(!before.is_current());
    let before = ask(&scene);
    scene.done(set_roots(0, vec![root("a", true)]));
    assert!(!before.is_current());
}
