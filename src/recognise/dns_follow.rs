//! Reads which names stand for which addresses, from answers of DNS, mDNS and LLMNR.
//!
//! Memory: for TCP 2 × [`KEPT`] octets; nothing for datagrams.
//!
//! Source: RFC 1035 §4.1.3, §3.6.2 (CNAME), §4.2.2 (length before a message on TCP).

use super::Finding;
use super::Follower;
use super::Following;
use super::Located;
use super::Piece;
use super::Side;
use super::dns_message::A;
use super::dns_message::AAAA;
use super::dns_message::CNAME;
use super::dns_message::HEADER;
use super::dns_message::Header;
use super::dns_message::Record;
use super::dns_message::name;
use super::dns_message::question;
use super::dns_message::record;
use super::finding::NAME_OCTETS;
use super::octets::Octets;
use crate::addr::Addr;
use crate::evidence::Evidence;

/// Octets kept of one message on TCP; of a longer one the start is read.
const KEPT: usize = 4096;
/// Octets of the length before a message on TCP.
const LENGTH: u32 = 2;
/// Most answers of a message that are read, and so most findings of it.
const ANSWERS_MOST: u16 = 64;
/// Most aliases between the name asked for and its address.
const ALIASES_MOST: usize = 8;

/// Which name an address is filed under.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Naming {
    /// The name of the question, through its aliases.
    Asked,
    /// The record's own name: mDNS answers have no question.
    Owner,
}

/// Follows datagrams.
#[derive(Debug)]
pub(super) struct DnsFollower(pub(super) Naming);

/// Follows streams.
#[derive(Debug, Default)]
pub(super) struct DnsStreamFollower {
    sides: [Joiner; 2],
}

/// One side's messages, put together.
#[derive(Debug, Default)]
struct Joiner {
    kept: Vec<u8>,
    /// Where the length before what is kept stands.
    start: u32,
    skip: usize,
    lost: bool,
}

impl Follower for DnsFollower {
    fn octets(&mut self, piece: &Piece<'_>, findings: &mut Vec<Located>) -> Following {
        resolved(Octets::whole(piece.octets), piece.offset, self.0, piece, findings);
        Following::More
    }

    fn gap(&mut self, _side: Side) -> Following {
        Following::More
    }
}

impl Follower for DnsStreamFollower {
    fn octets(&mut self, piece: &Piece<'_>, findings: &mut Vec<Located>) -> Following {
        let mut rest = piece.octets;
        let mut at = piece.offset;
        while !rest.is_empty() {
            let joiner = piece.side.of_mut(&mut self.sides);
            if joiner.lost {
                break;
            }
            let (taken, message) = joiner.take(rest, at);
            let start = joiner.start.saturating_add(LENGTH);
            rest = rest.get(taken..).unwrap_or_default();
            at = at.saturating_add(u32::try_from(taken).unwrap_or(u32::MAX));
            if let Some(message) = message {
                resolved(Octets::whole(&message), start, Naming::Asked, piece, findings);
            }
        }
        if self.sides.iter().all(|joiner| joiner.lost) { Following::Done } else { Following::More }
    }

    fn gap(&mut self, side: Side) -> Following {
        // A length is needed to find the next message, and it is lost.
        *side.of_mut(&mut self.sides) = Joiner { lost: true, ..Joiner::default() };
        Following::More
    }
}

impl Joiner {
    /// Takes at least one octet, the first of which stands at `at`, and gives a message when it is whole (or
    /// as far as it is kept).
    fn take(&mut self, rest: &[u8], at: u32) -> (usize, Option<Vec<u8>>) {
        if self.skip > 0 {
            let taken = self.skip.min(rest.len());
            self.skip = self.skip.saturating_sub(taken);
            return (taken, None);
        }
        if self.kept.is_empty() {
            self.start = at;
        }
        let whole = match Octets::whole(&self.kept).be16(0) {
            Ok(length) => usize::from(length).saturating_add(2),
            Err(_) => 2,
        };
        let wanted = whole.min(KEPT);
        let taken = wanted.saturating_sub(self.kept.len()).min(rest.len());
        self.kept.extend_from_slice(rest.get(..taken).unwrap_or_default());
        let length = Octets::whole(&self.kept).be16(0).map_or(0, usize::from);
        if whole == 2 && length > 0 || self.kept.len() < wanted {
            return (taken, None);
        }
        self.skip = whole.saturating_sub(wanted);
        (taken, Some(std::mem::take(&mut self.kept).split_off(2)))
    }
}

/// Adds what the answers of a message say that stands at `start`.
fn resolved(message: Octets<'_>, start: u32, naming: Naming, piece: &Piece<'_>, findings: &mut Vec<Located>) {
    let Ok(header) = Header::read(message) else { return };
    if !header.answers() || header.rcode() != 0 {
        return;
    }
    let Some((asked, records)) = answers(message, header) else { return };
    let asked_through = match naming {
        Naming::Asked => aliases(message, asked.as_deref(), &records),
        Naming::Owner => Vec::new(),
    };
    for record in records.iter().filter(|record| record.class == 1) {
        let Some(addr) = address(message, record) else { continue };
        let Some(owner) = name(message, record.name) else { continue };
        let name = match (naming, asked.as_ref()) {
            (Naming::Asked, Some(asked)) if asked_through.contains(&owner) => asked.clone(),
            (Naming::Asked, _) => continue,
            (Naming::Owner, _) => owner,
        };
        if name.len() > NAME_OCTETS {
            continue;
        }
        let evidence = Evidence {
            packet: piece.packet,
            offset: start.saturating_add(u32::try_from(record.data).unwrap_or(u32::MAX)),
            length: u16::try_from(record.length).unwrap_or(u16::MAX),
            what: "address record of an answer",
        };
        findings.push(Located { finding: Finding::Resolved { name, addr }, side: piece.side, evidence });
    }
}

/// The name of the question and the answers, as many as are read.
fn answers(message: Octets<'_>, header: Header) -> Option<(Option<String>, Vec<Record>)> {
    let [questions, answers, ..] = header.counts;
    let mut at = HEADER;
    let mut asked = None;
    for _ in 0..questions.min(ANSWERS_MOST) {
        let question = question(message, at).ok()?;
        if asked.is_none() {
            asked = name(message, question.name);
        }
        at = question.data;
    }
    let mut records = Vec::new();
    for _ in 0..answers.min(ANSWERS_MOST) {
        let Ok(record) = record(message, at) else { break };
        at = record.data.saturating_add(record.length);
        records.push(record);
    }
    Some((asked, records))
}

/// The name asked for and the names that it is an alias of.
fn aliases(message: Octets<'_>, asked: Option<&str>, records: &[Record]) -> Vec<String> {
    let mut names: Vec<String> = asked.map(str::to_owned).into_iter().collect();
    let links: Vec<(String, String)> = records
        .iter()
        .filter(|record| record.kind == CNAME && record.class == 1)
        .filter_map(|record| Some((name(message, record.name)?, name(message, record.data)?)))
        .collect();
    while names.len() <= ALIASES_MOST {
        let Some(last) = names.last() else { break };
        let Some((_, target)) = links.iter().find(|(owner, _)| owner == last) else { break };
        if names.contains(target) {
            break;
        }
        names.push(target.clone());
    }
    names
}

/// The address in an A or AAAA record.
fn address(message: Octets<'_>, record: &Record) -> Option<Addr> {
    match (record.kind, record.length) {
        (A, 4) => message.array(record.data).ok().map(Addr::v4),
        (AAAA, 16) => message.array(record.data).ok().map(Addr::v6),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::DnsStreamFollower;
    use super::Follower;
    use super::Piece;
    use super::Side;
    use crate::addr::Addr;
    use crate::flow::FlowKey;
    use crate::service::Transport;

    /// An answer of RFC 1035 §4.1: `cam` is at 10.1.2.3, in the last four octets.
    const ANSWER: &[u8] = b"\0\x28\x12\x34\x81\x80\0\x01\0\x01\0\0\0\0\x03cam\0\0\x01\0\x01\
                            \x03cam\0\0\x01\0\x01\0\0\0\x3c\0\x04\x0a\x01\x02\x03";

    #[test]
    fn the_proof_stands_where_the_address_does_however_the_stream_is_cut() {
        let ends = ((Addr::v4([10, 0, 0, 1]), 40_000), (Addr::v4([10, 0, 0, 2]), 53));
        let key = FlowKey::canonical(ends.0, ends.1, Transport::Tcp, 0).0;
        let stream = [ANSWER, ANSWER].concat();
        for size in 1..=stream.len() {
            let (mut follower, mut findings) = (DnsStreamFollower::default(), Vec::new());
            let mut offset = 100_u32;
            for octets in stream.chunks(size) {
                let piece = Piece { key: &key, side: Side::B, octets, offset, packet: 1 };
                follower.octets(&piece, &mut findings);
                offset = offset.saturating_add(u32::try_from(octets.len()).unwrap());
            }
            let places: Vec<usize> =
                findings.iter().map(|one| usize::try_from(one.evidence.offset).unwrap()).collect();
            let length = ANSWER.len();
            let expected = [length, length.saturating_mul(2)].map(|end| end.saturating_add(96));
            assert_eq!(places, expected, "in pieces of {size}");
        }
    }
}
