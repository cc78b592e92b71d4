//! What this build calls itself: the API version that it is compatible with, and its own.

/// Version of the API and of the wire formats, as clients and peers see it.
pub const COMPATIBLE: &str = "1.21.4";

/// Version of this package.
pub const OWN: &str = env!("CARGO_PKG_VERSION");

/// Takes the place of the commit in version texts, so that nobody mistakes this build for another one.
pub const REVISION: &str = concat!(env!("CARGO_PKG_VERSION"), "-tribune");

/// RFC 3339 time of the build; the epoch unless the packager sets `TRIBUNE_BUILD_DATE`.
pub const BUILD_DATE: &str = match option_env!("TRIBUNE_BUILD_DATE") {
    Some(date) => date,
    None => "1970-01-01T00:00:01Z",
};

/// Serf protocol: spoken by default.
pub const PROTOCOL: u8 = 2;

/// Serf protocol: oldest and newest that are understood.
pub const PROTOCOL_RANGE: (u8, u8) = (2, 3);
