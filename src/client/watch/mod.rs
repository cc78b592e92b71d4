//! Watch plans.
