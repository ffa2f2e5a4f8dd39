//! What the judge knows of one flow, gathered from its events.

use std::hash::BuildHasher;
use std::sync::Arc;

use foldhash::fast::FixedState;

use crate::event::EventKind;
use crate::evidence::Evidence;
use crate::flow::FlowKey;
use crate::flow::Side;
use crate::flow::facts::FlowFacts;
use crate::flow::facts::Initiation;
use crate::flow::facts::Opening;
use crate::flow::facts::Outcome;
use crate::flow::facts::SideTally;
use crate::policy::case::Contents;
use crate::policy::case::Spoken;
use crate::policy::case::Traits;
use crate::policy::hygiene;
use crate::recognise::Finding;
use crate::recognise::Recognition;
use crate::recognise::Sender;
use crate::recognise::finding::AuthScheme;
use crate::recognise::finding::DeviceKind;
use crate::recognise::finding::SmbDialect;
use crate::recognise::finding::TlsVersion;
use crate::service::Certainty;
use crate::service::Content;
use crate::service::Service;
use crate::service::Transport;
use crate::time::Timestamp;

/// Octets of a side that are enough for every recogniser of ours to tell its own protocol.
const ENOUGH_OCTETS: u32 = 64;
/// There were some octets, too few of them.
const SOME: u8 = 1;
/// There were enough.
const ENOUGH: u8 = 2;

/// One flow, as far as it is known.
#[derive(Clone, Debug)]
pub struct FlowState {
    /// Its 5-tuple.
    pub key: FlowKey,
    /// Who opened it, as packets and octets tell.
    pub initiator: Option<Side>,
    /// How we know.
    pub initiation: Initiation,
    /// It was there before we looked.
    pub midstream: bool,
    /// How far it got.
    pub outcome: Outcome,
    /// The carrier, the stronger of both sides.
    pub service: Option<(Service, Certainty, Evidence)>,
    /// What is known inside it.
    pub content: Option<(Content, Certainty)>,
    /// Nobody recognised it: octets seen of each side, see [`few`], and whether some were cut.
    unrecognised: Option<([u8; 2], bool)>,
    /// Contents seen.
    pub contents: Contents,
    /// What else was learned; of most flows nothing.
    traits: Option<Box<Traits>>,
    /// Capture time of its first packet.
    pub first_seen: Timestamp,
    /// Capture time of the last event.
    pub last_seen: Timestamp,
    /// Packets, octets on the wire and duplicates of both sides, as they were last told.
    pub counts: [u64; 3],
    has_payload: bool,
    /// What each side said of itself, `[A, B]`.
    pub devices: [Option<DeviceKind>; 2],
    /// The side that only a client could be.
    client: Option<Side>,
}

impl FlowState {
    /// A flow that just opened.
    pub fn new(opening: &Opening, time: Timestamp) -> Self {
        Self {
            initiator: opening.initiator,
            initiation: opening.initiation,
            midstream: opening.midstream,
            ..Self::opened(opening.key, time)
        }
    }

    /// A flow of which nothing else is known.
    pub(super) fn opened(key: FlowKey, time: Timestamp) -> Self {
        Self {
            key,
            initiator: None,
            initiation: Initiation::Unknown,
            midstream: false,
            outcome: Outcome::Attempted,
            service: None,
            content: None,
            unrecognised: None,
            contents: Contents::default(),
            traits: None,
            first_seen: time,
            last_seen: time,
            counts: [0; 3],
            has_payload: false,
            devices: [None; 2],
            client: None,
        }
    }

    /// Takes an event of this flow in.
    pub fn take(&mut self, kind: &EventKind, time: Timestamp) {
        // What recognisers conclude may come when the flow ends, long after its last packet.
        if !matches!(kind, EventKind::Identified(..) | EventKind::Unrecognised { .. } | EventKind::Found(..))
        {
            self.last_seen = self.last_seen.max(time);
        }
        match kind {
            EventKind::Initiated(_, side, initiation) => self.initiated(*side, *initiation),
            EventKind::Identified(_, side, recognition, evidence) => {
                self.identified(*side, recognition, *evidence);
            }
            EventKind::Unrecognised { seen, cut, .. } => self.unrecognised(few(*seen), *cut),
            EventKind::Found(_, side, finding, evidence) => self.found(*side, finding, *evidence, time),
            EventKind::Reached(_, outcome) => self.outcome = self.outcome.max(*outcome),
            EventKind::Tally(_, tallies) => self.count(tallies),
            EventKind::Closed(facts) => self.close(facts),
            EventKind::Opened(..) | EventKind::Seen(..) => {}
        }
    }

    /// Nobody recognised what was seen of it.
    pub(super) fn unrecognised(&mut self, seen: [u8; 2], cut: bool) {
        self.unrecognised = Some((seen, cut));
    }

    /// What the flow stage said last holds: octets may prove what a silence made believe.
    fn initiated(&mut self, side: Side, initiation: Initiation) {
        self.initiator = Some(side);
        self.initiation = initiation;
    }

    fn identified(&mut self, side: Side, recognition: &Recognition, evidence: Evidence) {
        // Text is what is said of a side when nobody knows it: the other side may know better.
        let is_better = |(service, certainty, _): (Service, Certainty, Evidence)| {
            let (mere_text, now_text) = (service == Service::Text, recognition.service == Service::Text);
            (mere_text && !now_text) || (mere_text == now_text && recognition.certainty > certainty)
        };
        if self.service.is_none_or(is_better) {
            self.service = Some((recognition.service, recognition.certainty, evidence));
        }
        if let Some(content) = recognition.content {
            self.contains(content, recognition.certainty);
        }
        match recognition.sender {
            Sender::Client => self.client = Some(side),
            Sender::Server => self.client = Some(side.other()),
            Sender::Either => {}
        }
    }

    fn contains(&mut self, content: Content, certainty: Certainty) {
        if self.content.is_none_or(|(_, held)| certainty >= held) {
            self.content = Some((content, certainty));
        }
        self.contents.insert(content);
    }

    fn found(&mut self, side: Side, finding: &Finding, evidence: Evidence, time: Timestamp) {
        match finding {
            Finding::Content(content, certainty) => self.contains(*content, *certainty),
            Finding::TlsVersion(version) => {
                self.traits_mut().tls_version = Some(Box::new((*version, evidence)));
            }
            Finding::TlsOffered(version) => {
                self.traits_mut().tls_offered = Some(Box::new((*version, evidence)));
            }
            Finding::ServerName(name) => self.traits_mut().name(name.to_ascii_lowercase().into()),
            Finding::HttpHost(name) => self.traits_mut().name(host_name(name)),
            Finding::Certificate(facts) => {
                let shown = &mut self.traits_mut().certificates;
                if shown.len() < Traits::CERTIFICATES {
                    shown.push((Arc::new((**facts).clone()), time, evidence));
                }
            }
            Finding::Auth(AuthScheme::Basic) if self.client == Some(side) => {
                self.traits_mut().basic.get_or_insert_with(|| Box::new(evidence));
            }
            Finding::Unauthenticated => {
                self.traits_mut().unauthenticated.get_or_insert_with(|| Box::new(evidence));
            }
            Finding::FactoryPassword => {
                self.traits_mut().factory_password.get_or_insert_with(|| Box::new(evidence));
            }
            Finding::DeviceKind(kind) => *side.of_mut(&mut self.devices) = Some(*kind),
            Finding::SmbDialect(SmbDialect::Smb1) => {
                self.traits_mut().smb1 = Some(Box::new(evidence));
            }
            _ => {}
        }
    }

    /// Takes in what the flow stage knows at the flow's end.
    pub fn close(&mut self, facts: &FlowFacts) {
        if let Some(side) = facts.initiator {
            self.initiated(side, facts.initiation);
        }
        self.midstream = facts.midstream;
        self.outcome = self.outcome.max(facts.outcome);
        self.count(&facts.tallies);
        self.first_seen = facts.first_seen;
        self.last_seen = facts.last_seen;
        if facts.overlap_differs {
            self.traits_mut().evasion = true;
        }
    }

    fn count(&mut self, [a, b]: &[SideTally; 2]) {
        self.counts = [
            a.packets.saturating_add(b.packets),
            a.wire_octets.saturating_add(b.wire_octets),
            a.duplicate_packets.saturating_add(b.duplicate_packets),
        ];
        self.has_payload = a.payload_octets > 0 || b.payload_octets > 0;
    }

    /// What else was learned, if anything was.
    pub fn some_traits(&self) -> Option<&Traits> {
        self.traits.as_deref()
    }

    /// What else was learned, to add to it.
    pub fn traits_mut(&mut self) -> &mut Traits {
        self.traits.get_or_insert_default()
    }

    /// The TLS version that was agreed on.
    pub fn tls_version(&self) -> Option<TlsVersion> {
        self.traits.as_ref()?.tls_version.as_ref().map(|told| told.0)
    }

    /// The names that the client called the responder by, as one number; `None` if there were none.
    pub fn called(&self) -> Option<u64> {
        let names = &self.traits.as_ref()?.names;
        (!names.is_empty()).then(|| FixedState::default().hash_one(names))
    }

    /// Whether something recognised was said, and none of it inside TLS.
    pub fn is_clear(&self) -> bool {
        let in_tls = self.traits.as_ref().is_some_and(|t| t.tls_version.is_some() || t.tls_offered.is_some());
        self.service.is_some_and(|(service, ..)| !hygiene::is_encrypted(service)) && !in_tls
    }

    /// Whether either side sent payload, captured or not.
    pub fn has_payload(&self) -> bool {
        self.has_payload
    }

    /// What is spoken, as far as is known now.
    pub fn spoken(&self) -> Spoken {
        if let Some((service, certainty, _)) = self.service {
            return Spoken::Known(service, certainty);
        }
        if let Some(service) = framed_by_ip(self.key) {
            return Spoken::Known(service, Certainty::Signature);
        }
        match self.unrecognised {
            // Of a datagram without a single octet captured more is missing than of a stream's segments:
            // a stream has a handshake, a port and a direction that are its own.
            Some(([0, 0], true)) if self.key.transport == Transport::Udp => Spoken::TooLittle,
            Some(([0, 0], _)) | None => Spoken::Nothing,
            Some(([a, b], cut)) if cut || self.midstream || a.max(b) < ENOUGH => Spoken::TooLittle,
            Some(_) => Spoken::Unrecognised,
        }
    }
}

/// Octets seen as far as they matter: whether there were any, and whether they were enough.
pub(super) fn few(seen: [u32; 2]) -> [u8; 2] {
    seen.map(|seen| match seen {
        0 => 0,
        seen if seen < ENOUGH_OCTETS => SOME,
        _ => ENOUGH,
    })
}

/// Services that are IP protocols of their own.
fn framed_by_ip(key: FlowKey) -> Option<Service> {
    match key.transport.number() {
        1 | 58 => Some(Service::Icmp),
        50 | 51 => Some(Service::Ipsec),
        _ => None,
    }
}

/// The host part of an HTTP Host header, lower case, without the port.
fn host_name(host: &str) -> Arc<str> {
    let bare = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|octet| octet.is_ascii_digit()) && !name.contains(':') => name,
        _ => host,
    };
    bare.trim_end_matches('.').to_ascii_lowercase().into()
}
