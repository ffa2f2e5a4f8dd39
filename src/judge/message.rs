//! Sentences: one for each violation, advice and withheld verdict, that tells an operator what
//! happened and why it matters.

use crate::flow::facts::Initiation;
use crate::flow::facts::Outcome;
use crate::inventory::role::Role;
use crate::inventory::role::RoleSet;
use crate::judge::audit::Party;
use crate::judge::conversation::Conversation;
use crate::judge::ledger::Cause;
use crate::policy::case::Spoken;
use crate::policy::force::Policy;
use crate::policy::hygiene::ADVICE_ADMIN;
use crate::policy::hygiene::ADVICE_CLEARTEXT;
use crate::policy::rule::Expect;
use crate::policy::rule::Ports;
use crate::policy::rule::Rule;
use crate::policy::rule::RuleId;
use crate::service::Content;
use crate::service::Service;
use crate::service::Transport;
use crate::verdict::Field;
use crate::verdict::Reason;
use crate::verdict::Withheld;

/// What makes a sentence: the rules to quote, and both ends.
pub struct Sentences<'a> {
    /// The rules in force.
    pub policy: &'a Policy,
    /// Who opened it.
    pub orig: &'a Party,
    /// The other end.
    pub resp: &'a Party,
}

impl Sentences<'_> {
    /// The sentence of a violation.
    pub fn violation(&self, cause: &Cause<'_>) -> String {
        let Some(first) = cause.conversations.first() else {
            return String::new();
        };
        if let Some(totals) = cause.sweep {
            return format!(
                "{} tried {} at {} without a rule: {} of {} conversations stayed unanswered, {} were refused, {} were answered",
                host(self.orig),
                counted(totals.ports, "port"),
                counted(totals.responders, "host"),
                totals.attempted,
                totals.conversations,
                totals.refused,
                totals.answered,
            );
        }
        let because = match cause.objection {
            Some(objection) => match &objection.rule {
                Some(rule) => format!("{} ({rule})", objection.what),
                None => objection.what.clone(),
            },
            None => self.because(cause, first),
        };
        let nearest =
            cause.nearest.as_ref().map(|(rule, field)| self.nearest(rule, *field)).unwrap_or_default();
        let expired = match &cause.expired {
            Some(id) => format!("; exception {id} has expired"),
            None => String::new(),
        };
        format!("{}: {because}{nearest}{expired}", self.event(first))
    }

    /// What happened: `camera 10.20.0.17 opened SMB to file-server 10.10.2.9`.
    pub fn event(&self, conversation: &Conversation) -> String {
        let what = what(conversation);
        let (orig, resp) = (host(self.orig), host(self.resp));
        if conversation.initiation == Initiation::Unknown {
            return format!("{orig} and {resp} speak {what}");
        }
        match conversation.outcome {
            Outcome::Attempted if conversation.key.transport == Transport::Tcp => {
                format!("{orig} tried to open {what} to {resp}")
            }
            Outcome::Attempted => format!("{orig} sent {what} to {resp}"),
            Outcome::Refused => format!("{orig} tried to open {what} to {resp} and was refused"),
            _ => format!("{orig} opened {what} to {resp}"),
        }
    }

    fn because(&self, cause: &Cause<'_>, conversation: &Conversation) -> String {
        let rule = cause.rule.as_ref().and_then(|id| self.policy.rule(id));
        let assertion = cause.rule.as_ref().and_then(|id| self.policy.assertion(id));
        let place = place(conversation);
        match (cause.reason, rule, assertion) {
            (Reason::LocalOnly, Some(rule), _) => {
                format!(
                    "{place} is for processes of one computer ({}) and must not cross the network",
                    rule.id
                )
            }
            (Reason::Obsolete, Some(rule), _) => format!("{} calls this obsolete", rule.id),
            (Reason::OffByDefault, Some(rule), _) => {
                let feature = rule.feature.as_deref().unwrap_or("(none)");
                format!(
                    "{} allows it only with the feature \"{feature}\", which the site does not switch on",
                    rule.id
                )
            }
            (Reason::WrongDirection, Some(rule), _) => format!("{} allows it the other way round", rule.id),
            (Reason::WrongService, Some(rule), _) => format!("{} expects {} there", rule.id, expected(rule)),
            (Reason::WrongPort, Some(rule), _) => format!("{} allows it at {}", rule.id, ports(rule)),
            (Reason::UnknownDevice, ..) => "the site file does not name this device".to_owned(),
            (Reason::Internet, _, None) => {
                format!("no rule lets {} talk with the internet", a_role(self.inner().role))
            }
            (_, _, Some(assertion)) => {
                format!("{} ({})", assertion.sentence.trim_end_matches('.'), assertion.id)
            }
            _ => format!("no rule lets {} reach {place} there", a_role(self.orig.role)),
        }
    }

    /// The end that is not on the internet.
    fn inner(&self) -> &Party {
        if self.orig.roles.has(Role::Internet) { self.resp } else { self.orig }
    }

    fn nearest(&self, id: &RuleId, field: Field) -> String {
        let Some(rule) = self.policy.rule(id) else {
            return String::new();
        };
        let wants = match field {
            Field::From => format!("from {}", roles(rule.from)),
            Field::To => format!("to {}", roles(rule.to)),
            Field::Port => format!("at {}", ports(rule)),
            Field::Service => format!("speaking {}", expected(rule)),
            Field::Direction => "the other way round".to_owned(),
            Field::Status => format!("status {}", statuses(rule)),
            Field::Peer => "to the host that it names".to_owned(),
            Field::Zone => format!("in a {} zone", rule.to_zone_kind.as_deref().unwrap_or("special")),
            Field::Transport => format!("over {}", transports(rule)),
        };
        format!(" (nearest: {id}, {wants})")
    }

    /// Why a verdict is withheld.
    pub fn withheld(&self, why: Withheld, rule: Option<&RuleId>, conversation: &Conversation) -> String {
        let event = self.event(conversation);
        let rule = rule.and_then(|id| self.policy.rule(id));
        let id = rule.map(|rule| rule.id.to_string()).unwrap_or_default();
        match why {
            Withheld::RoleUnknown => {
                format!("{event}: {} known well enough", unknown_roles(self.orig, self.resp))
            }
            Withheld::InitiatorUnknown => {
                format!("{event}: it matters who opened it, and nothing shows that")
            }
            Withheld::TooLittle => {
                format!("{event}: too few octets were captured to tell what is spoken ({id})")
            }
            Withheld::Unrecognised => {
                let expected = rule.map(expected).unwrap_or_default();
                format!("{event}: {id} expects {expected}, and the octets are none that we know")
            }
            Withheld::UnannouncedMedia => {
                format!("{event}: media whose announcement was not captured (it would come under {id})")
            }
            Withheld::Tunnelled => format!("{event}: a VPN hides what is inside ({id})"),
            Withheld::DoubtfulRule => {
                let note = rule.and_then(|rule| rule.note.as_deref()).unwrap_or_default();
                format!("{event}: only {id} would allow it, which the guide makes doubtful: {note}")
            }
            Withheld::PeerUnproved => {
                format!("{event}: {id} allows it to a named host, and nothing proves that this is it")
            }
            Withheld::CaptureLoss => format!("{event}: the capture lost packets that would tell"),
        }
    }

    /// What advice says.
    pub fn advice(&self, code: &str, rule: &RuleId, conversation: &Conversation) -> String {
        let event = self.event(conversation);
        match code {
            ADVICE_CLEARTEXT => {
                format!("{event} in clear: {rule} allows it and recommends encryption")
            }
            ADVICE_ADMIN => {
                format!("{event} for administration: {rule} allows it, but only an admin should")
            }
            _ => {
                let note = self.policy.rule(rule).and_then(|rule| rule.note.as_deref());
                let note = note.map(|note| format!(": {note}")).unwrap_or_default();
                format!("{event}: {rule} allows it, with advice \"{code}\"{note}")
            }
        }
    }
}

fn unknown_roles(orig: &Party, resp: &Party) -> String {
    match (orig.role == Role::Unknown, resp.role == Role::Unknown) {
        (true, false) => format!("the role of {} is not", orig.addr),
        (false, true) => format!("the role of {} is not", resp.addr),
        _ => "the roles are not".to_owned(),
    }
}

/// `camera 10.20.0.17`, `unknown host 10.20.0.99`, `group 239.255.255.250`.
pub fn host(party: &Party) -> String {
    match party.role {
        Role::Unknown => format!("unknown host {}", party.addr),
        Role::Internet => format!("internet host {}", party.addr),
        role => format!("{role} {}", party.addr),
    }
}

fn counted(count: u64, noun: &str) -> String {
    if count == 1 { format!("1 {noun}") } else { format!("{count} {noun}s") }
}

fn a_role(role: Role) -> String {
    match role {
        Role::Unknown => "an unknown host".to_owned(),
        Role::Internet => "the internet".to_owned(),
        role if role.as_str().starts_with(['a', 'e', 'i', 'o']) => format!("an {role}"),
        role => format!("a {role}"),
    }
}

/// What was opened: `SMB`, `an MxPEG event stream`, `TCP port 22`.
fn what(conversation: &Conversation) -> String {
    match (conversation.spoken, conversation.content) {
        (_, Some((Content::MxpegEventStream, _))) => "an MxPEG event stream".to_owned(),
        (Spoken::Known(service, _), _) => match conversation.key.port {
            Some(port) if service != Service::Icmp => format!("{} (port {port})", service_name(service)),
            _ => service_name(service),
        },
        _ => place(conversation),
    }
}

/// The service port: `TCP port 22`.
fn place(conversation: &Conversation) -> String {
    let transport = conversation.key.transport.to_string().to_ascii_uppercase();
    match conversation.key.port {
        Some(port) => format!("{transport} port {port}"),
        None => transport,
    }
}

/// A service as people write it.
pub fn service_name(service: Service) -> String {
    match service {
        Service::Imageserver => "ImageServer".to_owned(),
        Service::Mxmessage => "MxMessage".to_owned(),
        Service::Matrix => "Matrix".to_owned(),
        Service::Postgresql => "PostgreSQL".to_owned(),
        Service::WsDiscovery => "WS-Discovery".to_owned(),
        Service::Kerberos => "Kerberos".to_owned(),
        Service::Wireguard => "WireGuard".to_owned(),
        Service::Openvpn => "OpenVPN".to_owned(),
        Service::Text => "plain text".to_owned(),
        Service::Ipsec => "IPsec".to_owned(),
        Service::DahuaDvrip => "Dahua DVRIP".to_owned(),
        Service::DahuaDhip => "Dahua DHIP".to_owned(),
        Service::Xiongmai => "Xiongmai".to_owned(),
        Service::Baichuan => "Baichuan".to_owned(),
        other => other.as_str().to_ascii_uppercase(),
    }
}

fn roles(set: RoleSet) -> String {
    let names: Vec<&str> = set.iter().map(Role::as_str).collect();
    match names.as_slice() {
        [first, second, third, _, rest @ ..] => {
            format!("{first}, {second}, {third} or {} more", rest.len().saturating_add(1))
        }
        few => few.join(" or "),
    }
}

fn ports(rule: &Rule) -> String {
    match &rule.ports {
        Ports::Set(ports) => format!("port {ports}"),
        Ports::Named => "ports that the site names".to_owned(),
        Ports::Any => "any port".to_owned(),
    }
}

fn expected(rule: &Rule) -> String {
    match &rule.expect {
        Expect::PortOnly => "its own protocol".to_owned(),
        Expect::Services(services) => {
            let names: Vec<String> = services.iter().map(|service| service_name(*service)).collect();
            names.join(" or ")
        }
    }
}

fn statuses(rule: &Rule) -> String {
    let names: Vec<&str> = rule.status.iter().map(|status| status.as_str()).collect();
    names.join(", ")
}

fn transports(rule: &Rule) -> String {
    let names: Vec<String> = rule.transports.iter().map(Transport::to_string).collect();
    names.join(" or ")
}
