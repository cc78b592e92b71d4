//! Tests of the rule language: texts and messages, laws against an evaluator that takes its time, templates.

mod authorizers;
mod language;
mod laws;
mod templates;
