//! An answer under construction, its size, and how it is cut to fit (`spec/dns.md` 9).

use hickory_proto::op::ResponseCode;
use hickory_proto::rr::{Name, RData, Record, RecordType};
use std::collections::HashSet;

/// Records of an answer.
#[derive(Debug, Default)]
pub struct Reply {
    /// Response code.
    pub code: ResponseCode,
    /// ANSWER.
    pub answers: Vec<Record>,
    /// AUTHORITY.
    pub authorities: Vec<Record>,
    /// ADDITIONAL, without OPT.
    pub additionals: Vec<Record>,
    /// Some records were left out.
    pub cut: bool,
    /// The answer may be another one for clients elsewhere.
    pub for_subnet: bool,
}

/// How large an answer may be.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// The question came over UDP.
    pub udp: bool,
    /// Size that the client announced by EDNS.
    pub edns: Option<u16>,
    /// Answers over UDP without EDNS.
    pub udp_answers: usize,
    /// Names are sent in full.
    pub uncompressed: bool,
}

/// Most answers that the reference sends without EDNS.
const MAX_UDP_ANSWERS: usize = 8;
/// Smallest size every client takes (RFC 1035 4.2.1).
const MIN_UDP_SIZE: usize = 512;
/// Largest size of an answer over UDP.
const MAX_UDP_SIZE: usize = 65_467;
/// Largest size of an answer over TCP.
const MAX_TCP_SIZE: usize = 65_523;
/// Most answers over TCP.
const MAX_TCP_ANSWERS: usize = 4096;
/// Most SRV answers over TCP.
const MAX_TCP_SRV_ANSWERS: usize = 1024;
/// Room that is kept free.
const MARGIN: usize = 8;

impl Reply {
    /// An empty answer with a code.
    pub fn code(code: ResponseCode) -> Reply {
        Reply { code, ..Reply::default() }
    }

    /// Cuts the answer until it fits.
    pub fn fit(&mut self, question: &Name, limits: Limits) {
        let before = self.answers.len();
        let mut compressed = !limits.uncompressed;
        let size = if limits.udp {
            let size = limits.edns.map_or(MIN_UDP_SIZE, |size| usize::from(size).max(MIN_UDP_SIZE)).min(MAX_UDP_SIZE);
            if size <= MIN_UDP_SIZE {
                let most = limits.udp_answers.min(MAX_UDP_ANSWERS);
                if self.answers.len() > most {
                    self.answers.truncate(most);
                    self.keep_targets();
                }
                compressed = false;
            }
            size
        } else {
            let srv = self.answers.iter().any(|record| record.record_type() == RecordType::SRV);
            let most = if srv { MAX_TCP_SRV_ANSWERS } else { MAX_TCP_ANSWERS };
            if self.answers.len() > most {
                self.answers.truncate(most);
                self.keep_targets();
            }
            MAX_TCP_SIZE
        };
        self.shrink(question, size - MARGIN, compressed);
        self.cut = self.answers.len() < before;
    }

    /// Drops answers from the end until the message has at most `size` bytes or one answer is left.
    fn shrink(&mut self, question: &Name, size: usize, compressed: bool) {
        if self.size(question, false) <= size {
            return;
        }
        while self.answers.len() > 1 {
            let now = self.size(question, compressed);
            if now <= size {
                break;
            }
            self.authorities.clear();
            let drop = if now - size > 100 { self.answers.len().div_ceil(8) } else { 1 };
            let keep = self.answers.len().saturating_sub(drop).max(1);
            self.answers.truncate(keep);
            self.keep_targets();
        }
    }

    /// Leaves only the addresses of the remaining SRV targets in ADDITIONAL.
    fn keep_targets(&mut self) {
        if self.additionals.is_empty() {
            return;
        }
        let mut wanted: HashSet<Name> = self.answers.iter().filter_map(target).collect();
        let aliases: Vec<Name> = self
            .additionals
            .iter()
            .filter(|record| wanted.contains(&record.name.to_lowercase()))
            .filter_map(target)
            .collect();
        wanted.extend(aliases);
        self.additionals.retain(|record| {
            matches!(record.record_type(), RecordType::A | RecordType::AAAA | RecordType::CNAME)
                && wanted.contains(&record.name.to_lowercase())
        });
    }

    /// Bytes of the message; with compression, owner names equal to an earlier name count as a pointer.
    fn size(&self, question: &Name, compressed: bool) -> usize {
        let mut known: HashSet<&Name> = HashSet::new();
        known.insert(question);
        let mut size = 12 + question.len() + 4 + 11;
        for record in self.answers.iter().chain(&self.authorities).chain(&self.additionals) {
            size += if compressed && !known.insert(&record.name) { 2 } else { record.name.len() };
            size += 10 + data_size(&record.data);
        }
        size
    }
}

/// Lower-case name that a record points to.
fn target(record: &Record) -> Option<Name> {
    match &record.data {
        RData::SRV(srv) => Some(srv.target.to_lowercase()),
        RData::CNAME(name) => Some(name.0.to_lowercase()),
        _ => None,
    }
}

fn data_size(data: &RData) -> usize {
    match data {
        RData::A(_) => 4,
        RData::AAAA(_) => 16,
        RData::SRV(srv) => 6 + srv.target.len(),
        RData::CNAME(name) => name.0.len(),
        RData::NS(name) => name.0.len(),
        RData::PTR(name) => name.0.len(),
        RData::TXT(txt) => txt.txt_data.iter().map(|text| text.len() + 1).sum(),
        RData::SOA(soa) => soa.mname.len() + soa.rname.len() + 20,
        _ => 64,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hickory_proto::rr::rdata::{A, SRV};

    fn name(text: &str) -> Name {
        Name::from_ascii(text).expect("a valid name")
    }

    fn addresses(count: u8) -> Reply {
        let answers = (0..count)
            .map(|last| Record::from_rdata(name("web.service.consul."), 0, RData::A(A::new(10, 0, 0, last))))
            .collect();
        Reply { answers, ..Reply::default() }
    }

    fn limits(edns: Option<u16>) -> Limits {
        Limits { udp: true, edns, udp_answers: 3, uncompressed: false }
    }

    #[test]
    fn without_edns_three_answers_are_given() {
        let mut reply = addresses(12);
        reply.fit(&name("web.service.consul."), limits(None));
        assert_eq!((reply.answers.len(), reply.cut), (3, true));
    }

    #[test]
    fn with_edns_all_that_fit_are_given() {
        let mut reply = addresses(12);
        reply.fit(&name("web.service.consul."), limits(Some(4096)));
        assert_eq!((reply.answers.len(), reply.cut), (12, false));
        let mut reply = addresses(255);
        reply.fit(&name("web.service.consul."), limits(Some(1232)));
        assert!(reply.cut && reply.answers.len() > 50, "{}", reply.answers.len());
    }

    #[test]
    fn additional_records_follow_the_remaining_targets() {
        let mut reply = Reply::default();
        for last in 0..9 {
            let target = name(&format!("n{last}.node.dc1.consul."));
            let srv = SRV::new(1, 1, 80, target.clone());
            reply.answers.push(Record::from_rdata(name("_web._tcp.service.consul."), 0, RData::SRV(srv)));
            reply.additionals.push(Record::from_rdata(target, 0, RData::A(A::new(10, 0, 0, last))));
        }
        reply.fit(&name("_web._tcp.service.consul."), limits(None));
        assert_eq!((reply.answers.len(), reply.additionals.len()), (3, 3));
    }
}
