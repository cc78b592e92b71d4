//! The server port: the table of methods. Framing, multiplexing and connection pools join it with the cluster.

pub mod method;

pub use method::Method;
