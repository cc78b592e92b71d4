//! The web page under `/ui/`.

/// The page: what runs here and where its API is.
pub const PAGE: &str = include_str!("index.html");

/// `/robots.txt`.
pub const ROBOTS: &str = "# http://www.robotstxt.org\nUser-agent: *\nDisallow: *\n";

/// The index while the UI is off.
pub const DISABLED: &str =
    "Consul Agent: UI disabled. To enable, set ui_config.enabled=true in the agent configuration and restart.";
