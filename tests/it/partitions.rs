//! Servers cut off from each other, in a network of their own.

use crate::support::cluster::*;
use crate::support::network::in_own_network;
use crate::support::*;

#[test]
fn a_leader_without_its_majority_refuses_and_the_majority_goes_on() {
    let test = "partitions::a_leader_without_its_majority_refuses_and_the_majority_goes_on";
    in_own_network(test, 3, |network| {
        let cluster = cluster_in(network);
        cluster.servers[0].write("kept", "1");
        cluster.wait_replicated("kept", "1");
        let old = cluster.leader();
        let majority: Vec<usize> = (0..3).filter(|number| *number != old).collect();
        network.isolate(&[old]);
        let (lonely, other) = (&cluster.servers[old], &cluster.servers[majority[0]]);
        let new = wait_for("a leader of the majority", || cluster.leader_now().filter(|leader| *leader != old));
        other.write("kept", "2");
        assert_eq!(cluster.servers[new].read("kept").as_deref(), Some("2"));
        wait_until("the lonely server knows that it leads nobody", || lonely.known_leader().is_none());
        let refused = lonely.put("/v1/kv/lost", "1");
        assert_eq!((refused.status, refused.text().trim()), (500, "No cluster leader"));
        let refused = lonely.get("/v1/kv/kept?consistent");
        assert_eq!((refused.status, refused.text().trim()), (500, "No cluster leader"));
        let stale = lonely.get("/v1/kv/kept?raw&stale");
        assert_eq!((stale.text().as_str(), stale.header("x-consul-knownleader")), ("1", Some("false")));
        for number in &majority {
            cluster.servers[*number].wait_member(&lonely.name, "failed");
        }
        wait_until("a critical node", || other.health_of_node(&lonely.name) == "critical");

        network.heal();
        cluster.wait_alive(3);
        cluster.wait_replicated("kept", "2");
        assert_eq!(lonely.read("lost"), None);
        lonely.write("kept", "3");
        cluster.wait_replicated("kept", "3");
        wait_until("a passing node", || other.health_of_node(&lonely.name) == "passing");
    });
}

#[test]
fn a_write_that_a_cut_off_leader_took_is_not_acknowledged() {
    let test = "partitions::a_write_that_a_cut_off_leader_took_is_not_acknowledged";
    in_own_network(test, 3, |network| {
        let cluster = cluster_in(network);
        let old = cluster.leader();
        network.isolate(&[old]);
        // it still believes that it leads
        let answer = cluster.servers[old].put("/v1/kv/doubtful", "1");
        assert_eq!(answer.status, 500, "{}", answer.text());
        let new = wait_for("a leader of the majority", || cluster.leader_now().filter(|leader| *leader != old));
        cluster.servers[new].write("doubtful", "2");
        network.heal();
        cluster.wait_replicated("doubtful", "2");
    });
}

#[test]
fn the_smaller_side_of_five_waits_and_comes_back() {
    let test = "partitions::the_smaller_side_of_five_waits_and_comes_back";
    in_own_network(test, 5, |network| {
        let cluster = cluster_in(network);
        let leader = cluster.leader();
        let island: Vec<usize> = (0..5).filter(|number| *number != leader).take(2).collect();
        network.isolate(&island);
        let small = &cluster.servers[island[0]];
        wait_until("no leader on the island", || small.known_leader().is_none());
        // islanders see each other
        small.wait_member(&cluster.servers[island[1]].name, "alive");
        small.wait_member(&cluster.servers[leader].name, "failed");
        assert_eq!(small.put("/v1/kv/key", "1").status, 500);
        assert_eq!(cluster.leader(), leader, "the larger side keeps its leader");
        cluster.servers[leader].write("key", "2");
        network.heal();
        cluster.wait_replicated("key", "2");
        small.write("key", "3");
    });
}
