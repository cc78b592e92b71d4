//! The `?filter=` expression language (`spec/http-api.md` 1.15): parse once, evaluate on typed rows.
