//! What a site file says that no rule answers to, or that cannot be meant: unknown features and packs,
//! ports that nothing uses, rules that change nothing, exceptions that have ended.

use std::ops::Range;

use crate::inventory::site::Site;
use crate::inventory::site::Zone;
use crate::policy::diagnostic::Diagnostic;
use crate::policy::diagnostic::SourceText;
use crate::policy::file::PackFile;
use crate::policy::lint::difference;
use crate::policy::lint::forbids;
use crate::policy::overlap::covers;
use crate::policy::rule::Check;
use crate::policy::rule::Pack;
use crate::policy::rule::Ports;
use crate::policy::rule::Rule;
use crate::policy::rule::Status;
use crate::policy::suggest::way_out;
use crate::time::Timestamp;

/// Looks at a site with the packs in force. `now` decides which exceptions have ended; without it
/// none has.
pub fn lint_site(
    site: &Site,
    source: &SourceText,
    files: &[PackFile],
    now: Option<Timestamp>,
) -> Vec<Diagnostic> {
    let mut lint = Lint { site, source, files, findings: Vec::new() };
    lint.features();
    lint.zones();
    lint.named();
    lint.ports();
    lint.own_rules();
    lint.exceptions(now);
    lint.findings
}

struct Lint<'l> {
    site: &'l Site,
    source: &'l SourceText,
    files: &'l [PackFile],
    findings: Vec<Diagnostic>,
}

impl Lint<'_> {
    fn packs(&self) -> impl Iterator<Item = &Pack> {
        self.files.iter().map(|file| &file.pack)
    }

    fn rules(&self) -> impl Iterator<Item = &Rule> {
        self.packs().flat_map(|pack| &pack.rules)
    }

    fn warn(&mut self, word: &str, message: String, label: &str, help: String) {
        let place = self.place(word);
        self.findings.push(Diagnostic::warning(self.source, place, message, label, Some(help)));
    }

    fn refuse(&mut self, word: &str, message: String, label: &str, help: String) {
        let place = self.place(word);
        self.findings.push(Diagnostic::error(self.source, place, message, label, Some(help)));
    }

    /// Where `word` stands in the site file: as a text first, else as a key or a number. A word inside
    /// a comment is not looked for.
    fn place(&self, word: &str) -> Range<usize> {
        let quoted = format!("\"{word}\"");
        find_outside_comments(&self.source.text, &quoted)
            .or_else(|| find_outside_comments(&self.source.text, word))
            .unwrap_or(0..0)
    }

    fn features(&mut self) {
        let known: Vec<String> =
            self.packs().flat_map(|pack| &pack.features).map(|(name, _)| name.to_string()).collect();
        let known: Vec<&str> = known.iter().map(String::as_str).collect();
        for feature in &self.site.features {
            if !known.contains(&&**feature) {
                let message = format!("no pack knows the feature `{feature}`");
                self.refuse(feature, message, "unknown feature", way_out(feature, &known));
            }
        }
    }

    fn zones(&mut self) {
        let known: Vec<String> = self.packs().map(|pack| pack.id.to_string()).collect();
        let known: Vec<&str> = known.iter().map(String::as_str).collect();
        for zone in &self.site.zones {
            for pack in &zone.packs {
                if !known.contains(&&*pack.0) {
                    let message =
                        format!("the zone `{}` names the pack `{pack}`, which is not loaded", zone.name);
                    self.refuse(&pack.0, message, "unknown pack", way_out(&pack.0, &known));
                }
            }
            self.packs_of_one_zone(zone);
        }
    }

    /// Two guides in one zone: an assertion of one that forbids what the other needs.
    fn packs_of_one_zone(&mut self, zone: &Zone) {
        let of_zone: Vec<&Pack> =
            self.files.iter().map(|file| &file.pack).filter(|pack| zone.packs.contains(&pack.id)).collect();
        for pack in &of_zone {
            let peers_only = |check: &Check| matches!(check, Check::OnlyPeers { .. });
            for assertion in pack.assertions.iter().filter(|assertion| peers_only(&assertion.check)) {
                for other in of_zone.iter().filter(|other| other.id != pack.id) {
                    let kept: Vec<String> = other
                        .rules
                        .iter()
                        .filter(|rule| forbids(assertion, rule))
                        .map(|rule| rule.id.to_string())
                        .collect();
                    if kept.is_empty() {
                        continue;
                    }
                    let message = format!(
                        "in the zone `{}` the assertion `{}` of {} forbids rules of {}: {}",
                        zone.name,
                        assertion.id,
                        pack.id,
                        other.id,
                        kept.join(", ")
                    );
                    let help =
                        format!("make two zones, one with \"{}\" and one with \"{}\"", pack.id, other.id);
                    self.warn(&zone.name, message, "two guides in one zone", help);
                }
            }
        }
    }

    fn named(&mut self) {
        let rules: Vec<(String, bool, bool)> = self
            .rules()
            .map(|rule| (rule.id.to_string(), rule.ports == Ports::Named, rule.peers_named))
            .collect();
        let check = |id: &str, ports: bool| {
            rules.iter().any(|(known, has_ports, has_peers)| {
                known == id && if ports { *has_ports } else { *has_peers }
            })
        };
        for (key, ports) in [("named_ports", true), ("named_peers", false)] {
            let ids: Vec<String> = if ports {
                self.site.named_ports.iter().map(|(id, _)| id.to_string()).collect()
            } else {
                self.site.named_peers.iter().map(|(id, _)| id.to_string()).collect()
            };
            let asks: Vec<&str> =
                rules.iter().map(|(id, _, _)| id.as_str()).filter(|id| check(id, ports)).collect();
            for id in ids.iter().filter(|id| !check(id, ports)) {
                let message = format!("`{key}` names `{id}`, but no rule `{id}` asks for it");
                self.refuse(id, message, "nothing asks for it", way_out(id, &asks));
            }
            self.not_named(key, &ids, &asks);
        }
    }

    /// A feature is on, and its rule waits for ports or peers that the site does not name.
    fn not_named(&mut self, key: &str, given: &[String], asks: &[&str]) {
        let waiting: Vec<(String, String)> = self
            .rules()
            .filter(|rule| asks.contains(&&*rule.id.0) && !given.iter().any(|id| **id == *rule.id.0))
            .filter_map(|rule| {
                let feature = rule.feature.as_ref().filter(|feature| self.site.features.contains(feature))?;
                Some((rule.id.to_string(), feature.to_string()))
            })
            .collect();
        for (id, feature) in waiting {
            let message = format!("the feature `{feature}` is on, but its rule `{id}` can never match");
            self.warn(
                &feature,
                message,
                "without effect",
                format!("name what it may use: `[{key}]`, `{id} = …`"),
            );
        }
    }

    fn ports(&mut self) {
        let changes: Vec<(u16, Option<&'static str>)> = self
            .site
            .role_ports
            .iter()
            .chain(self.site.assignments.iter().flat_map(|assignment| &assignment.ports))
            .map(|change| (change.default, change.role.map(|role| role.as_str())))
            .collect();
        for (default, role) in changes {
            let used = self.rules().any(|rule| {
                let ports = matches!(&rule.ports, Ports::Set(set) if set.has(default));
                ports && role.is_none_or(|role| rule.to.iter().any(|to| to.as_str() == role))
            });
            if !used {
                let whose = role.map_or_else(String::new, |role| format!(" of {role}"));
                let message = format!("no rule has the port {default}{whose} that the site changes");
                let help = "write the vendor's number here; `camsentry rules list` shows them".to_owned();
                self.warn(&default.to_string(), message, "changes nothing", help);
            }
        }
    }

    fn own_rules(&mut self) {
        let site = self.site;
        let own: Vec<&Rule> = site.allow.iter().chain(&site.exceptions).collect();
        for (index, rule) in own.iter().enumerate() {
            let id = rule.id.to_string();
            let taken = self.rules().any(|known| known.id == rule.id)
                || own.iter().take(index).any(|known| known.id == rule.id);
            if taken {
                let help = "ids are unique over the site and all packs: give it another".to_owned();
                self.refuse(&id, format!("the id `{id}` is used twice"), "not unique", help);
                continue;
            }
            let wide = own.iter().take(index).copied().find(|wide| covers(wide, rule)).or_else(|| {
                let forbidden = self.packs().flat_map(|pack| &pack.assertions).any(|one| forbids(one, rule));
                self.files.iter().flat_map(|file| &file.pack.rules).find(|wide| {
                    !forbidden && is_plain(wide) && covers(wide, rule) && difference(wide, rule).is_none()
                })
            });
            if let Some(wide) = wide {
                let message = format!("`{id}` changes nothing: `{}` allows all that it allows", wide.id);
                self.warn(&id, message, "shadowed", "take it away, or narrow the other".to_owned());
            }
        }
    }

    fn exceptions(&mut self, now: Option<Timestamp>) {
        let Some(now) = now else { return };
        for rule in &self.site.exceptions {
            let expires = rule.exception.as_ref().and_then(|exception| exception.expires);
            if let Some(exception) = &rule.exception
                && expires.is_some_and(|expires| expires <= now)
            {
                let message = format!("the exception `{}` has ended", rule.id);
                let help = format!("take it away, or ask {} for a later date", exception.owner);
                self.warn(&rule.id.0, message, "judged as if it were not there", help);
            }
        }
    }
}

/// A rule that allows by itself, without a feature, a doubt or a fault.
fn is_plain(rule: &Rule) -> bool {
    let lifted = [Status::OffByDefault, Status::Obsolete, Status::Doubtful, Status::LocalOnly];
    !lifted.iter().any(|status| rule.is(*status))
}

fn find_outside_comments(text: &str, word: &str) -> Option<Range<usize>> {
    let mut start = 0_usize;
    for line in text.split_inclusive('\n') {
        let code = line.split('#').next().unwrap_or(line);
        if let Some(at) = code.find(word) {
            let begin = start.saturating_add(at);
            return Some(begin..begin.saturating_add(word.len()));
        }
        start = start.saturating_add(line.len());
    }
    None
}
