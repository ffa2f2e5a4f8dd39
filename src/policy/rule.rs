//! Rules and assertions, compiled: nothing in them can be wrong any more.

use std::fmt;
use std::ops::RangeInclusive;
use std::sync::Arc;

use serde::Serialize;

use crate::inventory::role::Role;
use crate::inventory::role::RoleSet;
use crate::recognise::finding::TlsVersion;
use crate::service::Content;
use crate::service::Service;
use crate::service::Transport;
use crate::service::words;
use crate::time::Timestamp;
use crate::verdict::Reason;
use crate::verdict::Severity;

/// Identifier of a rule or assertion, unique over all packs in force: `XP22`.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
pub struct RuleId(pub Arc<str>);

impl fmt::Display for RuleId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// Who made a rule.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
pub struct PackId(pub Arc<str>);

impl fmt::Display for PackId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

words! {
    /// What the guide says of a rule's standing; a rule has a set of them.
    Status {
        /// The system needs it.
        Required = "required",
        /// Needed by some installations.
        Optional = "optional",
        /// Off until the site switches the feature on.
        OffByDefault = "off-by-default",
        /// Should not be used any more; never lifted.
        Obsolete = "obsolete",
        /// For processes of one computer; never on the wire.
        LocalOnly = "local-only",
        /// The guide contradicts itself or common sense; explained in the note.
        Doubtful = "doubtful",
    }
}

words! {
    /// What a rule demands of encryption.
    TlsDemand {
        /// Plain is a violation.
        Required = "required",
        /// Plain is advice, a violation with `--strict`.
        Recommended = "recommended",
        /// Both are as good; which one, the installation decides.
        Either = "either",
        /// The protocol has none.
        None = "none",
    }
}

/// Port numbers: ranges in ascending order, not overlapping.
#[derive(Clone, Debug, Default, Eq, Hash, PartialEq)]
pub struct PortSet(pub Vec<RangeInclusive<u16>>);

impl PortSet {
    /// Whether `port` is in it.
    pub fn has(&self, port: u16) -> bool {
        self.0.iter().any(|range| range.contains(&port))
    }

    /// Whether any port is in both.
    pub fn meets(&self, other: &Self) -> bool {
        self.0.iter().any(|a| other.0.iter().any(|b| a.start() <= b.end() && b.start() <= a.end()))
    }
}

/// `80, 9001-9099`.
impl fmt::Display for PortSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, range) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str(", ")?;
            }
            if range.start() == range.end() {
                write!(f, "{}", range.start())?;
            } else {
                write!(f, "{}-{}", range.start(), range.end())?;
            }
        }
        Ok(())
    }
}

/// The ports of a rule.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Ports {
    /// These, unless the site gives others for the responder.
    Set(PortSet),
    /// Only those that the site gives for this rule's id.
    Named,
    /// The transport has none, or any may be.
    Any,
}

/// What a rule expects to be spoken.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub enum Expect {
    /// Nothing public describes it: port and role must do.
    PortOnly,
    /// One of these.
    Services(Vec<Service>),
}

/// A rule that allows.
#[derive(Clone, Debug, PartialEq)]
pub struct Rule {
    /// Its identifier.
    pub id: RuleId,
    /// Whose it is: a pack's name, or `site`.
    pub pack: PackId,
    /// Roles of the initiator, exceptions already taken out.
    pub from: RoleSet,
    /// Roles of the responder, exceptions already taken out.
    pub to: RoleSet,
    /// Hosts that the initiator must be one of (site rules only; empty: any).
    pub from_hosts: Vec<ipnet::IpNet>,
    /// Hosts that the responder must be one of (site rules only; empty: any).
    pub to_hosts: Vec<ipnet::IpNet>,
    /// The zone kind that the responder must be in: `dmz`.
    pub to_zone_kind: Option<Arc<str>>,
    /// What carries it; never empty.
    pub transports: Vec<Transport>,
    /// The responder's ports.
    pub ports: Ports,
    /// The initiator may be either end (the guide contradicts itself, or both do).
    pub both_ways: bool,
    /// What must be spoken there.
    pub expect: Expect,
    /// Contents that it is about; empty: any.
    pub contents: Vec<Content>,
    /// What it demands of encryption.
    pub tls: TlsDemand,
    /// Its standing; never empty.
    pub status: Vec<Status>,
    /// The feature that lifts `off-by-default`.
    pub feature: Option<Arc<str>>,
    /// Host names that the responder must prove to be (lower case; a leading `*.` stands for any labels).
    pub peers: Vec<Arc<str>>,
    /// The peers are those that the site names for this rule's id; without any, nothing proves them.
    pub peers_named: bool,
    /// What it is for, one English sentence.
    pub purpose: Arc<str>,
    /// Where it comes from: document and row.
    pub source: Arc<str>,
    /// NIST SP 800-53 controls that the document names.
    pub controls: Vec<Arc<str>>,
    /// What a reader should know: contradictions, collisions, doubts.
    pub note: Option<Arc<str>>,
    /// Advice to give when it allows something.
    pub advice: Option<Arc<str>>,
    /// Set for a site exception.
    pub exception: Option<Exception>,
}

impl Rule {
    /// Whether its status has `status`.
    pub fn is(&self, status: Status) -> bool {
        self.status.contains(&status)
    }
}

/// What makes a site rule an exception.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Exception {
    /// Who answers for it.
    pub owner: Arc<str>,
    /// Why it is.
    pub reason: Arc<str>,
    /// First moment at which it no longer holds (packet time).
    pub expires: Option<Timestamp>,
}

/// A sentence of a guide that must hold, whatever rules allow.
#[derive(Clone, Debug, PartialEq)]
pub struct Assertion {
    /// Its identifier.
    pub id: RuleId,
    /// Whose it is.
    pub pack: PackId,
    /// The guide's sentence in our words.
    pub sentence: Arc<str>,
    /// What it checks.
    pub check: Check,
    /// Rules of the same pack that are its documented exceptions.
    pub except: Vec<RuleId>,
    /// Where it comes from.
    pub source: Arc<str>,
    /// NIST SP 800-53 controls that the document names.
    pub controls: Vec<Arc<str>>,
    /// Another severity than its reason's own.
    pub severity: Option<Severity>,
}

/// What an assertion checks.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Check {
    /// Hosts of `subjects` talk, either way, with `peers` only. Broken: `isolation`.
    OnlyPeers {
        /// Who is kept apart.
        subjects: RoleSet,
        /// Who may talk with them.
        peers: RoleSet,
    },
    /// Only `from` opens these ports of `to`. Broken: the first other reason that holds, else `no-rule`.
    OnlyFrom {
        /// Who may.
        from: RoleSet,
        /// Whose ports.
        to: RoleSet,
        /// What carries it.
        transport: Transport,
        /// Which ports.
        ports: PortSet,
    },
    /// No host of the zone talks with the internet, either way. Broken: `internet`.
    NoInternet,
    /// Hygiene: these must not be spoken in clear where a rule's demand says so. Reason `cleartext`.
    Encrypt,
    /// Hygiene: TLS at least of this version. Reason `weak-tls`.
    TlsAtLeast(TlsVersion),
    /// Hygiene: certificates hold. Reason `weak-tls`.
    ValidCertificates {
        /// Whether a self-signed certificate is accepted from these roles.
        self_signed_from: RoleSet,
    },
    /// A VPN satisfies every demand of encryption.
    TunnelEncrypts,
    /// Ports of `local-only` rules are never seen between hosts. Reason `local-only`.
    LocalOnlyPorts,
    /// Ports of `obsolete` rules are not used. Reason `obsolete`.
    ObsoletePorts,
    /// Hosts of the monitored networks are all named by the site. Reason `unknown-device`.
    KnownDevices,
    /// Access is authenticated, and not in clear. Reason `weak-protocol`.
    Authenticated,
}

impl Check {
    /// The reason of a violation of it.
    pub const fn reason(&self) -> Reason {
        match self {
            Self::OnlyPeers { .. } => Reason::Isolation,
            Self::OnlyFrom { .. } => Reason::NoRule,
            Self::NoInternet => Reason::Internet,
            Self::Encrypt | Self::TunnelEncrypts => Reason::Cleartext,
            Self::TlsAtLeast(_) | Self::ValidCertificates { .. } => Reason::WeakTls,
            Self::LocalOnlyPorts => Reason::LocalOnly,
            Self::ObsoletePorts => Reason::Obsolete,
            Self::KnownDevices => Reason::UnknownDevice,
            Self::Authenticated => Reason::WeakProtocol,
        }
    }
}

/// A pack: what one guide says.
#[derive(Clone, Debug, PartialEq)]
pub struct Pack {
    /// Its name in site files: `xprotect`.
    pub id: PackId,
    /// What it is called.
    pub title: Arc<str>,
    /// The document that it was made from, with its edition.
    pub source: Arc<str>,
    /// Whether it is in force everywhere, without a zone naming it (the base pack).
    pub everywhere: bool,
    /// Features that its rules know, with a sentence each.
    pub features: Vec<(Arc<str>, Arc<str>)>,
    /// Its rules in the order of the file.
    pub rules: Vec<Rule>,
    /// Its assertions in the order of the file.
    pub assertions: Vec<Assertion>,
}

/// A role with the words why a host has it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct RoleReason {
    /// The role.
    pub role: Role,
    /// Why: `site.toml:12` or `answered RTSP on port 554 (3 flows)`.
    pub why: Arc<str>,
}
