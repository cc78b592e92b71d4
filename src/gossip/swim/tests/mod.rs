//! Scenarios of the failure detector.
