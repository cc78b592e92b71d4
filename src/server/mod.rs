//! What a server adds to an agent: endpoint handlers, blocking queries, consistency modes, leader duties.
