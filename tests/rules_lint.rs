//! `rules lint` names what cannot be meant, and says nothing about the packs that we ship.

#![expect(clippy::panic, reason = "test helpers")]

use std::sync::Arc;

use camsentry::cli::rules::SiteText;
use camsentry::cli::rules::lint;
use camsentry::inventory::role::Role;
use camsentry::inventory::site::PortChange;
use camsentry::inventory::site::Site;
use camsentry::inventory::site::Zone;
use camsentry::policy::diagnostic::Diagnostic;
use camsentry::policy::diagnostic::Gravity;
use camsentry::policy::diagnostic::SourceText;
use camsentry::policy::file::PackFile;
use camsentry::policy::file::read_pack;
use camsentry::policy::lint::lint_packs;
use camsentry::policy::lint_site::lint_site;
use camsentry::policy::packs::load;
use camsentry::policy::packs::shipped_texts;
use camsentry::policy::rule::Exception;
use camsentry::policy::rule::PackId;
use camsentry::policy::rule::PortSet;
use camsentry::policy::rule::Rule;
use camsentry::time::Timestamp;

const HEAD: &str = "[pack]\nid = \"acme\"\ntitle = \"ACME\"\nsource = \"ACME\"\n";

fn rule(id: &str, keys: &str) -> String {
    format!(
        "[[allow]]\nid = \"{id}\"\n{keys}\npurpose = \"It is needed.\"\nsource = \"row\"\ncontrols = [\"SC-7\"]\n"
    )
}

fn video(from: &str, tls: &str, status: &str) -> String {
    format!(
        "from = {from}\nto = [\"recording-server\"]\ntransport = \"tcp\"\nports = \"80-90\"\nservices = [\"http\", \"tls\"]\ntls = \"{tls}\"\nstatus = [\"{status}\"]"
    )
}

const CLIENTS: &str = "[\"smart-client\", \"management-client\"]";
const ONE: &str = "[\"smart-client\"]";

fn pack(parts: &[String]) -> PackFile {
    let text = format!("{HEAD}{}", parts.concat());
    let source = SourceText { name: "rules/acme.toml".to_owned(), text };
    read_pack(&source).unwrap_or_else(|faults| panic!("{faults:?}"))
}

fn shipped() -> Vec<PackFile> {
    load(&shipped_texts()).unwrap_or_else(|faults| panic!("{faults:?}"))
}

fn messages(findings: &[Diagnostic]) -> Vec<&str> {
    findings.iter().map(|finding| finding.message.as_str()).collect()
}

#[test]
fn the_shipped_packs_give_no_finding() {
    let findings = lint_packs(&shipped());
    assert!(findings.is_empty(), "{}", messages(&findings).join("\n"));
}

#[test]
fn a_rule_that_an_earlier_one_covers_is_shadowed_at_its_place() {
    let file = pack(&[
        rule("AC1", &video(CLIENTS, "either", "required")),
        rule("AC2", &video(ONE, "either", "required")),
    ]);
    let findings = lint_packs(std::slice::from_ref(&file));
    assert_eq!(messages(&findings), ["`AC2` is shadowed: `AC1` before it allows all that it allows"]);
    // Line 5 begins AC1, whose table has 12 lines; its id is the second of them.
    let places: Vec<(usize, usize)> = findings.iter().map(|finding| finding.position(&file.source)).collect();
    assert_eq!(places, [(18, 6)]);
}

#[test]
fn a_narrower_rule_before_a_wider_one_is_no_fault() {
    let file = pack(&[
        rule("AC1", &video(ONE, "required", "required")),
        rule("AC2", &video(CLIENTS, "either", "required")),
    ]);
    assert!(lint_packs(&[file]).is_empty());
}

#[test]
fn a_rule_that_says_which_it_mirrors_is_meant() {
    let keys = format!("{}\nmirrors = [\"AC1\"]", video(ONE, "either", "required"));
    let file = pack(&[rule("AC1", &video(CLIENTS, "either", "required")), rule("AC2", &keys)]);
    assert!(lint_packs(&[file]).is_empty());
}

#[test]
fn rules_that_fit_the_same_with_other_demands_contradict_each_other() {
    for (tls, status, key) in [("required", "required", "tls"), ("either", "obsolete", "status")] {
        let file = pack(&[
            rule("AC1", &video(CLIENTS, "either", "required")),
            rule("AC2", &video(ONE, tls, status)),
        ]);
        let findings = lint_packs(&[file]);
        let wanted = format!("`AC2` contradicts `AC1`: it fits the same, but has another `{key}`");
        assert_eq!(messages(&findings), [wanted.as_str()]);
    }
}

#[test]
fn a_rule_that_an_assertion_forbids_contradicts_it_unless_it_is_its_exception() {
    let camera = "from = [\"camera\"]\nto = [\"file-server\"]\ntransport = \"tcp\"\nports = \"445\"\nservices = \"smb\"\ntls = \"none\"\nstatus = [\"optional\"]";
    let assertion = |except: &str| {
        format!(
            "[[assert]]\nid = \"AA1\"\nsentence = \"Apart.\"\ncheck = \"only-peers\"\nsubjects = [\"any-camera\"]\npeers = [\"recording-server\"]\n{except}\nsource = \"page\"\ncontrols = [\"SC-7\"]\n"
        )
    };
    let findings = lint_packs(&[pack(&[rule("AC1", camera), assertion("")])]);
    assert_eq!(
        messages(&findings),
        ["`AC1` contradicts the assertion `AA1`, which forbids all that it allows"]
    );
    assert!(lint_packs(&[pack(&[rule("AC1", camera), assertion("except = [\"AC1\"]")])]).is_empty());
}

fn site_text() -> SourceText {
    let text = "# mobotix-smb-recordin is not here\nfeatures = [\"mobotix-smb-recordin\"]\n\n[[zone]]\nname = \"mixed\"\npacks = [\"xprotect\", \"mobotix\", \"acme\"]\n\n[[allow]]\nid = \"own\"\n[[exception]]\nid = \"old\"\n[[ports]]\ndefault = 7653\n[named_ports]\nMX99 = \"80\"\n";
    SourceText { name: "site.toml".to_owned(), text: text.to_owned() }
}

fn own_rule(id: &str) -> Rule {
    let file = pack(&[rule(
        id,
        "from = [\"smart-client\"]\nto = [\"recording-server\"]\ntransport = \"tcp\"\nports = \"7563\"\nservices = [\"imageserver\"]\ntls = \"either\"\nstatus = [\"required\"]",
    )]);
    file.pack.rules.into_iter().next().unwrap_or_else(|| panic!("one rule"))
}

fn site() -> Site {
    let words = |words: &[&str]| words.iter().map(|word| PackId(Arc::from(*word))).collect();
    let exception = Exception {
        owner: Arc::from("the owner"),
        reason: Arc::from("why"),
        expires: Some(Timestamp::from_parts(1_000, 0)),
    };
    let mut old = own_rule("old");
    old.to = camsentry::inventory::role::RoleSet::of(&[Role::FileServer]);
    old.exception = Some(exception);
    let port = camsentry::policy::port_text::port_set(vec![17_563..=17_563]);
    Site {
        name: Arc::from("test"),
        zones: vec![Zone {
            name: Arc::from("mixed"),
            networks: Vec::new(),
            packs: words(&["xprotect", "mobotix", "acme"]),
            kind: None,
        }],
        features: vec![Arc::from("mobotix-smb-recordin")],
        allow: vec![own_rule("own")],
        exceptions: vec![old],
        role_ports: vec![PortChange { role: Some(Role::RecordingServer), default: 7653, ports: port }],
        named_ports: vec![(Arc::from("MX99"), PortSet::default())],
        ..Site::default()
    }
}

#[test]
fn everything_that_a_site_cannot_mean_is_named_with_its_line() {
    let (site, source) = (site(), site_text());
    let now = Some(Timestamp::from_parts(2_000, 0));
    let findings = lint_site(&site, &source, &shipped(), now);
    let lines: Vec<(usize, &str)> =
        findings.iter().map(|finding| (finding.position(&source).0, finding.message.as_str())).collect();
    let has = |line: usize, part: &str| {
        assert!(
            lines.iter().any(|(at, message)| *at == line && message.contains(part)),
            "{line}: {part}\n{lines:#?}"
        );
    };
    has(2, "no pack knows the feature `mobotix-smb-recordin`");
    has(6, "the pack `acme`, which is not loaded");
    has(5, "the assertion `XA01` of xprotect forbids rules of mobotix: MX01, MX02");
    has(15, "no rule `MX99` asks for it");
    has(13, "no rule has the port 7653 of recording-server");
    has(9, "`own` changes nothing: `XP22` allows all that it allows");
    has(11, "the exception `old` has ended");
    assert_eq!(lines.len(), 7, "{lines:#?}");
    let feature = findings.iter().find(|finding| finding.message.contains("feature"));
    let help = feature.and_then(|finding| finding.help.as_deref());
    assert_eq!(help, Some("did you mean `mobotix-smb-recording`?"));
}

#[test]
fn before_its_end_an_exception_is_not_named() {
    let (site, source) = (site(), site_text());
    let now = Some(Timestamp::from_parts(999, 0));
    let findings = lint_site(&site, &source, &shipped(), now);
    assert!(!messages(&findings).iter().any(|message| message.contains("has ended")));
}

#[test]
fn lint_prints_every_finding_with_its_place_and_gives_the_worst() {
    let (site, source) = (site(), site_text());
    let mut out = Vec::new();
    let site = Some(SiteText { site: &site, source: &source });
    let worst = lint(&shipped(), site, None, false, &mut out);
    assert!(matches!(worst, Ok(Some(Gravity::Error))));
    let text = String::from_utf8_lossy(&out);
    assert!(text.contains("--> site.toml:2:13"), "{text}");
    assert!(text.ends_with("3 packs: 3 errors, 3 warnings\n"), "{text}");
}
