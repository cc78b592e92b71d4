//! The DNS server: names to lookups to records (`spec/dns.md`).
