//! Sentences: one for each violation, advice and withheld verdict, that tells an operator what
//! happened and why it matters.

use crate::flow::facts::Initiation;
use crate::flow::facts::Outcome;
use crate::inventory::role::Role;
use crate::judge::audit::Party;
use crate::judge::audit::SweepTotals;
use crate::judge::conversation::Conversation;
use crate::judge::ledger::Cause;
use crate::judge::wording;
use crate::judge::wording::a_role;
use crate::judge::wording::counted;
use crate::judge::wording::host;
use crate::judge::wording::place;
use crate::policy::case::Spoken;
use crate::policy::force::Policy;
use crate::policy::hygiene::ADVICE_ADMIN;
use crate::policy::hygiene::ADVICE_CLEARTEXT;
use crate::policy::rule::Expect;
use crate::policy::rule::Rule;
use crate::policy::rule::RuleId;
use crate::policy::rule::Status;
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
    /// The sentence of a violation: what happened, why that is wrong, and what would be right.
    pub fn violation(&self, cause: &Cause<'_>) -> String {
        let Some(first) = cause.conversations.first() else {
            return String::new();
        };
        if let Some(totals) = cause.sweep {
            return self.sweep(&totals);
        }
        if let Some(objection) = cause.objection {
            let rule = objection.rule.as_ref().map(|rule| format!(" ({rule})")).unwrap_or_default();
            return format!("{}: {}{rule}", self.event(first), objection.what);
        }
        let expired = match &cause.expired {
            Some(id) => format!("; exception {id} has expired"),
            None => String::new(),
        };
        // Where the reason names the port, the event need not.
        let names_place = matches!(cause.reason, Reason::NoRule | Reason::LocalOnly);
        let event = self.happened(first, &wording::what(first, !names_place));
        format!("{event}: {}{}{expired}", self.because(cause, first), self.hint(cause))
    }

    fn sweep(&self, totals: &SweepTotals) -> String {
        let ends = [
            (totals.attempted, "stayed unanswered"),
            (totals.refused, "were refused"),
            (totals.answered, "were answered"),
        ];
        let ends: Vec<String> = ends
            .iter()
            .filter(|(count, _)| *count > 0)
            .map(|(count, end)| format!("{count} {end}"))
            .collect();
        format!(
            "{} tried {} at {} without a rule: of {}, {}",
            host(self.orig),
            counted(totals.ports, "port"),
            counted(totals.responders, "host"),
            counted(totals.conversations, "conversation"),
            ends.join(", "),
        )
    }

    /// What happened: `camera 10.20.0.17 opened SMB (port 445) to file-server 10.10.2.9`.
    pub fn event(&self, conversation: &Conversation) -> String {
        self.happened(conversation, &wording::what(conversation, true))
    }

    fn happened(&self, conversation: &Conversation, what: &str) -> String {
        let (orig, resp) = (host(self.orig), host(self.resp));
        if conversation.initiation == Initiation::Unknown {
            return format!("{orig} and {resp} speak {what}");
        }
        match conversation.outcome {
            Outcome::Attempted if conversation.transport == Transport::Tcp => {
                format!("{orig} tried to open {what} to {resp}")
            }
            Outcome::Attempted => format!("{orig} sent {what} to {resp}"),
            Outcome::Refused => format!("{orig} tried to open {what} to {resp} and was refused"),
            _ if conversation.transport == Transport::Tcp => format!("{orig} opened {what} to {resp}"),
            _ => format!("{orig} sent {what} to {resp}"),
        }
    }

    fn because(&self, cause: &Cause<'_>, conversation: &Conversation) -> String {
        let rule = cause.rule.as_ref().and_then(|id| self.policy.rule(id));
        let assertion = cause.rule.as_ref().and_then(|id| self.policy.assertion(id));
        let is_told = !matches!(conversation.spoken, Spoken::Known(..));
        let place = if is_told { "that port".to_owned() } else { place(conversation) };
        match (cause.reason, rule, assertion) {
            (Reason::LocalOnly, Some(rule), _) => {
                format!(
                    "{place} is for processes of one computer, never to be seen on the network ({})",
                    rule.id
                )
            }
            (Reason::Obsolete, Some(rule), _) => {
                format!("the guide calls this obsolete, and it should be switched off ({})", rule.id)
            }
            (Reason::OffByDefault, Some(rule), _) => {
                let feature = rule.feature.as_deref().unwrap_or("(none)");
                format!(
                    "{} allows it only with the feature \"{feature}\", which the site does not switch on",
                    rule.id
                )
            }
            (Reason::WrongDirection, Some(rule), _) => {
                format!("{} lets only the {} open it", rule.id, self.resp.role)
            }
            (Reason::WrongService, Some(rule), _) => match &rule.expect {
                Expect::Services(_) => format!("{} expects {} there", rule.id, wording::expected(rule)),
                Expect::PortOnly => {
                    let purpose = rule.purpose.trim_end_matches('.');
                    format!("{} opens the port for something else ({purpose})", rule.id)
                }
            },
            (Reason::WrongPort, Some(rule), _) => {
                format!("{} allows it at {}", rule.id, wording::ports(rule))
            }
            (Reason::UnknownDevice, ..) => "the site file does not name this device".to_owned(),
            (Reason::Internet, _, None) => {
                format!("no rule lets {} talk with the internet", a_role(self.inner().role))
            }
            (_, _, Some(assertion)) => {
                format!("{} says \"{}\"", assertion.id, assertion.sentence.trim_end_matches('.'))
            }
            _ if conversation.initiation == Initiation::Unknown => {
                let (orig, resp) = (a_role(self.orig.role), a_role(self.resp.role));
                format!("no rule lets {orig} and {resp} do so")
            }
            _ => format!("no rule lets {} reach {place} there", a_role(self.orig.role)),
        }
    }

    /// The end that is not on the internet.
    fn inner(&self) -> &Party {
        if self.orig.roles.has(Role::Internet) { self.resp } else { self.orig }
    }

    /// What came nearest, where the reason does not say it.
    fn hint(&self, cause: &Cause<'_>) -> String {
        let Some((id, field)) = &cause.nearest else {
            return String::new();
        };
        let helps = match cause.reason {
            Reason::NoRule | Reason::Isolation => true,
            Reason::Internet => matches!(field, Field::Peer | Field::Status | Field::Zone),
            _ => false,
        };
        match self.policy.rule(id).filter(|_| helps && cause.rule.as_ref() != Some(id)) {
            Some(rule) => format!(" (nearest: {id}, {})", self.wants(rule, *field)),
            None => String::new(),
        }
    }

    fn wants(&self, rule: &Rule, field: Field) -> String {
        match field {
            Field::From => format!("from {}", wording::roles(rule.from)),
            Field::To => format!("to {}", wording::roles(rule.to)),
            Field::Port => format!("at {}", wording::ports(rule)),
            Field::Service => format!("speaking {}", wording::expected(rule)),
            Field::Direction => "the other way round".to_owned(),
            Field::Status if rule.is(Status::LocalOnly) => "within one computer".to_owned(),
            Field::Status if rule.is(Status::Obsolete) => "which is obsolete".to_owned(),
            Field::Status => {
                format!("with the feature \"{}\"", rule.feature.as_deref().unwrap_or("(none)"))
            }
            Field::Peer => "to the host that it names".to_owned(),
            Field::Zone => format!("in a {} zone", rule.to_zone_kind.as_deref().unwrap_or("special")),
            Field::Transport => format!("over {}", wording::transports(rule)),
        }
    }

    /// Why a verdict is withheld.
    pub fn withheld(&self, why: Withheld, rule: Option<&RuleId>, conversation: &Conversation) -> String {
        let event = self.event(conversation);
        let rule = rule.and_then(|id| self.policy.rule(id));
        let id = rule.map(|rule| rule.id.to_string()).unwrap_or_default();
        match why {
            Withheld::RoleUnknown => {
                format!("{event}: {} known well enough", wording::unknown_roles(self.orig, self.resp))
            }
            Withheld::InitiatorUnknown => {
                format!("{event}: it matters who opened it, and nothing shows that")
            }
            Withheld::TooLittle => {
                format!("{event}: too few octets were captured to tell what is spoken ({id})")
            }
            Withheld::Unrecognised => {
                let expected = rule.map(wording::expected).unwrap_or_default();
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
