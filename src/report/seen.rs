//! The middle of the report: what could not be judged and why, what was spoken, who was there.

use std::collections::BTreeMap;

use crate::export::text::plain;
use crate::inventory::role::Role;
use crate::judge::audit::Audit;
use crate::judge::audit::ConversationRecord;
use crate::report::layout::Page;
use crate::report::layout::grouped;
use crate::report::layout::octets;
use crate::service::Certainty;
use crate::verdict::Withheld;

/// How many sentences are printed for one cause of withholding.
const SHOWN_OF_A_CAUSE: usize = 2;
/// How many services are listed.
const SHOWN_SERVICES: usize = 20;

/// What could not be judged, by cause, with examples.
pub fn withheld(page: &mut Page, audit: &Audit) {
    let mut causes: BTreeMap<Withheld, Vec<&ConversationRecord>> = BTreeMap::new();
    for record in &audit.conversations {
        if let Some(why) = record.withheld {
            causes.entry(why).or_default().push(record);
        }
    }
    if causes.is_empty() {
        return;
    }
    page.heading("COULD NOT BE JUDGED");
    for (why, records) in causes {
        page.line(&format!("  {why} · {}", records.len()));
        for record in records.iter().take(SHOWN_OF_A_CAUSE) {
            page.wrapped(4, &plain(record.explanation.as_deref().unwrap_or_default()));
        }
        let more = records.len().saturating_sub(SHOWN_OF_A_CAUSE);
        if more > 0 {
            page.line(&format!("    … and {more} more"));
        }
    }
    page.gap();
}

/// What was spoken, by service: conversations, flows, octets, and how sure that is.
pub fn services(page: &mut Page, audit: &Audit) {
    let mut services: BTreeMap<(&str, &str), [u64; 3]> = BTreeMap::new();
    let mut certainties: BTreeMap<(&str, &str), Certainty> = BTreeMap::new();
    for record in &audit.conversations {
        let service = record.service.map_or("unknown", |service| service.as_str());
        let key = (service, record.content.map_or("", |content| content.as_str()));
        let [conversations, flows, octets] = services.entry(key).or_default();
        *conversations = conversations.saturating_add(1);
        *flows = flows.saturating_add(record.flows);
        *octets = octets.saturating_add(record.octets);
        let certainty = record.certainty.unwrap_or(Certainty::PortOnly);
        let held = certainties.entry(key).or_insert(certainty);
        *held = (*held).min(certainty);
    }
    if services.is_empty() {
        return;
    }
    page.heading("SEEN ON THE WIRE");
    let mut sorted: Vec<_> = services.into_iter().collect();
    sorted.sort_by_key(|(key, [.., octets])| (std::cmp::Reverse(*octets), *key));
    let header = ["service", "content", "certainty", "conversations", "flows", "octets"];
    let mut rows = vec![header.map(str::to_owned).to_vec()];
    for ((service, content), [conversations, flows, size]) in sorted.iter().take(SHOWN_SERVICES) {
        let certainty = match *service {
            "unknown" => "",
            _ => certainties.get(&(*service, *content)).map_or("", |certainty| certainty.as_str()),
        };
        let names = [*service, *content, certainty].map(str::to_owned);
        let numbers = [grouped(*conversations), grouped(*flows), octets(*size)];
        rows.push(names.into_iter().chain(numbers).collect());
    }
    page.table(2, &[3, 4, 5], &rows);
    let more = sorted.len().saturating_sub(SHOWN_SERVICES);
    if more > 0 {
        page.line(&format!("  … and {more} more"));
    }
    page.gap();
}

/// Who was there, by role; without a site, why each role was inferred.
pub fn hosts(page: &mut Page, audit: &Audit) {
    let mut roles: BTreeMap<Role, u64> = BTreeMap::new();
    for host in &audit.hosts {
        let count = roles.entry(host.party.role).or_default();
        *count = count.saturating_add(1);
    }
    if roles.is_empty() {
        return;
    }
    let words: Vec<String> = roles.iter().map(|(role, count)| format!("{role} {count}")).collect();
    page.heading("HOSTS");
    page.wrapped(2, &words.join(", "));
    for host in audit.hosts.iter().filter(|host| host.certainty.is_some()).take(SHOWN_SERVICES) {
        let certainty = host.certainty.map(|certainty| certainty.to_string()).unwrap_or_default();
        page.wrapped(
            2,
            &format!(
                "{} is taken for {} ({certainty}): {}",
                host.party.addr,
                host.party.role,
                plain(&host.party.why)
            ),
        );
    }
    page.gap();
}
