//! The words of a verdict: reasons, severities, why something is withheld.

use std::fmt;

use serde::Serialize;

use crate::service::words;

words! {
    /// Why a conversation violates. Stable codes; the order of declaration is the order of precedence
    /// (`policy.md` §3): of those that hold, the first is the reason and the others stand in `also`.
    Reason {
        /// One end is on the internet.
        Internet = "internet",
        /// A zone's assertion keeps these two roles apart.
        Isolation = "isolation",
        /// A port that is for processes of one computer crossed the network.
        LocalOnly = "local-only",
        /// The guide calls this port obsolete.
        Obsolete = "obsolete",
        /// Off unless the site switches the feature on, and it did not.
        OffByDefault = "off-by-default",
        /// Allowed the other way round.
        WrongDirection = "wrong-direction",
        /// Allowed port, another protocol.
        WrongService = "wrong-service",
        /// Allowed protocol, another port.
        WrongPort = "wrong-port",
        /// A host of the monitored site that nobody named.
        UnknownDevice = "unknown-device",
        /// No rule allows it.
        NoRule = "no-rule",
        /// Plain where encryption is demanded.
        Cleartext = "cleartext",
        /// TLS below 1.2, or a certificate that does not hold.
        WeakTls = "weak-tls",
        /// SMB 1, or authentication missing or in clear.
        WeakProtocol = "weak-protocol",
        /// The maker's documented password is in use.
        FactoryPassword = "factory-password",
        /// Fragments or segments overlap and differ.
        Evasion = "evasion",
        /// One source tried many responders or ports without a rule.
        Sweep = "sweep",
    }
}

words! {
    /// How bad it is, worst last.
    Severity {
        /// Worth knowing.
        Info = "info",
        /// Low.
        Low = "low",
        /// Medium.
        Medium = "medium",
        /// High.
        High = "high",
        /// Critical.
        Critical = "critical",
    }
}

impl Severity {
    /// One step less; `info` stays.
    pub const fn lowered(self) -> Self {
        match self {
            Self::Critical => Self::High,
            Self::High => Self::Medium,
            Self::Medium => Self::Low,
            Self::Low | Self::Info => Self::Info,
        }
    }
}

words! {
    /// Why no verdict can be given.
    Withheld {
        /// An end's role is not known well enough.
        RoleUnknown = "role-unknown",
        /// It is not known who opened it, and that matters here.
        InitiatorUnknown = "initiator-unknown",
        /// Too few octets, cut, lost, or mid-stream.
        TooLittle = "too-little",
        /// Enough octets, and nobody recognised them.
        Unrecognised = "unrecognised",
        /// Media whose announcement was not seen.
        UnannouncedMedia = "unannounced-media",
        /// Inside a VPN.
        Tunnelled = "tunnelled",
        /// Only a rule that the guide itself makes doubtful would allow it.
        DoubtfulRule = "doubtful-rule",
        /// The named peer of the rule is not proved.
        PeerUnproved = "peer-unproved",
        /// The capture lost packets that would tell.
        CaptureLoss = "capture-loss",
    }
}

words! {
    /// The field of the nearest rule that did not fit.
    Field {
        /// The initiator's role.
        From = "from",
        /// The responder's role.
        To = "to",
        /// The transport.
        Transport = "transport",
        /// The responder's port.
        Port = "port",
        /// The service.
        Service = "service",
        /// Who opened it.
        Direction = "direction",
        /// The rule's status: off by default, obsolete, local-only.
        Status = "status",
        /// The named peer.
        Peer = "peer",
        /// The network zone that an end must be in.
        Zone = "zone",
    }
}

words! {
    /// The kind of a verdict.
    VerdictKind {
        /// A rule or exception allows it.
        Allowed = "allowed",
        /// It violates.
        Violation = "violation",
        /// It cannot be known.
        Withheld = "withheld",
        /// Neither end belongs to the monitored site.
        OutOfScope = "out-of-scope",
        /// No rules are loaded.
        NoPolicy = "no-policy",
    }
}
