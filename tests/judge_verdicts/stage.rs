//! The site that the tests share, and scenes on it.

use camsentry::judge::audit::Audit;
use camsentry::judge::audit::ConversationRecord;
use camsentry::judge::audit::Violation;

use crate::audit;
use crate::writer;

/// Cameras 10.20.0.17 and .18, recorder 10.10.1.11, management 10.10.1.10, client 10.30.0.7, file server
/// 10.10.2.9 under the XProtect guide; MxMC 10.30.0.9 and camera 10.20.1.5 under the MOBOTIX one.
const SITE: &str = r#"
name = "Stage"
monitored = ["10.10.0.0/16", "10.20.0.0/16", "10.30.0.0/16"]
[[zone]]
name = "xprotect"
networks = ["10.20.0.0/24", "10.10.0.0/16", "10.30.0.7/32", "fd00:20::/64", "fd00:10::/64"]
packs = ["xprotect"]
[[zone]]
name = "mobotix"
networks = ["10.20.1.0/24", "10.30.0.9/32"]
packs = ["mobotix"]
[[host]]
address = "10.20.0.17"
roles = ["camera"]
[[host]]
address = "10.20.0.18"
roles = ["camera"]
[[host]]
address = "10.20.1.5"
roles = ["mobotix-camera"]
[[host]]
address = "10.10.1.11"
roles = ["recording-server"]
[[host]]
address = "10.10.1.10"
roles = ["management-server"]
[[host]]
address = "10.30.0.7"
roles = ["smart-client"]
[[host]]
address = "10.30.0.9"
roles = ["mxmc"]
[[host]]
address = "10.10.2.9"
roles = ["file-server"]
"#;

/// The audit of `steps`, each an inline table of the scene language, on the stage; `top` goes before the
/// site's tables and `more` behind them.
pub(crate) fn play_on(top: &str, more: &str, steps: &[&str]) -> Audit {
    let scene = format!("steps = [\n{}\n]", steps.join(",\n"));
    audit::audit(&writer::capture(&scene), &format!("{top}\n{SITE}\n{more}"), false)
}

/// The audit of `steps` on the stage as it is.
pub(crate) fn play(steps: &[&str]) -> Audit {
    play_on("", "", steps)
}

/// The only violation.
pub(crate) fn only(audit: &Audit) -> &Violation {
    assert_eq!(audit.violations.len(), 1, "{:#?}", messages(audit));
    &audit.violations[0]
}

/// The conversations with a port at either end of this number.
pub(crate) fn at(audit: &Audit, port: u16) -> &ConversationRecord {
    let found: Vec<_> = audit.conversations.iter().filter(|record| record.port == Some(port)).collect();
    assert_eq!(found.len(), 1, "{:#?}", audit.conversations);
    found[0]
}

/// What is said of the violations.
pub(crate) fn messages(audit: &Audit) -> Vec<&str> {
    audit.violations.iter().map(|violation| violation.message.as_str()).collect()
}

/// `allowed XP22`, `withheld role-unknown`, `violation no-rule`.
pub(crate) fn verdict(record: &ConversationRecord) -> String {
    let rule = record.rule.as_ref().map(ToString::to_string);
    let why = record.reason.map(|reason| reason.to_string());
    let why = why.or(record.withheld.map(|why| why.to_string())).or(rule).unwrap_or_default();
    format!("{} {why}", record.verdict)
}
