//! The web page under `/ui/`.
