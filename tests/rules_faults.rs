//! A pack with faults shows all of them at once, each with its line, its column and the way out.

#![expect(clippy::panic, reason = "test helpers")]

use camsentry::policy::diagnostic::Diagnostic;
use camsentry::policy::diagnostic::SourceText;
use camsentry::policy::diagnostic::render_all;
use camsentry::policy::file::read_pack;
use camsentry::policy::packs::load;

const CLEAN: &str = r#"[pack]
id = "acme"
title = "ACME guide"
source = "ACME, first edition"

[features]
push = "Recorders push."

[[allow]]
id = "AC1"
from = ["smart-client"]
to = ["recording-server"]
transport = "tcp"
ports = "80, 9001-9099"
services = ["http", "tls"]
tls = "either"
status = ["required"]
purpose = "Clients fetch video."
source = "row 1"
controls = ["SC-7"]

[[assert]]
id = "AA1"
sentence = "Cameras talk with recorders only."
check = "only-peers"
subjects = ["any-camera"]
peers = ["recording-server"]
except = ["AC1"]
source = "page 1"
controls = ["SC-7"]
"#;

fn pack(text: &str) -> SourceText {
    SourceText { name: "rules/acme.toml".to_owned(), text: text.to_owned() }
}

fn faults(text: &str) -> (SourceText, Vec<Diagnostic>) {
    let source = pack(text);
    let faults = read_pack(&source).err().unwrap_or_default();
    (source, faults)
}

/// The clean pack with `old` replaced by `new` has exactly this fault, at this line and column.
fn one_fault(old: &str, new: &str, place: (usize, usize), message: &str, help: &str) {
    assert!(CLEAN.contains(old), "{old}");
    let (source, faults) = faults(&CLEAN.replacen(old, new, 1));
    let drawn = render_all(&faults, std::slice::from_ref(&source), false);
    let [fault] = faults.as_slice() else { panic!("{} faults for {new}:\n{drawn}", faults.len()) };
    assert!(fault.message.contains(message), "{drawn}");
    assert!(fault.help.as_deref().unwrap_or_default().contains(help), "{drawn}");
    assert_eq!(fault.position(&source), place, "{drawn}");
}

#[test]
fn the_clean_pack_is_clean() {
    assert_eq!(faults(CLEAN).1, []);
    let read = read_pack(&pack(CLEAN)).unwrap();
    assert_eq!(read.pack.rules.len(), 1);
    assert_eq!(read.pack.assertions.len(), 1);
}

#[test]
fn an_unknown_key_lists_the_allowed_ones() {
    one_fault("ports = ", "port = \"1\"\nports = ", (14, 1), "unknown key `port`", "did you mean `ports`?");
    one_fault(
        "id = \"acme\"",
        "id = \"acme\"\nowner = \"x\"",
        (3, 1),
        "unknown key `owner`",
        "id, title, source, everywhere",
    );
    one_fault(
        "[features]",
        "[extras]\na = \"b\"\n[features]",
        (6, 2),
        "unknown key `extras`",
        "pack, features, allow, assert",
    );
}

#[test]
fn an_unknown_word_gets_the_nearest_one() {
    one_fault(
        "\"smart-client\"",
        "\"smart-cleint\"",
        (11, 9),
        "unknown role `smart-cleint`",
        "`smart-client`",
    );
    one_fault(
        "[\"recording-server\"]\ntransport",
        "[\"recorder\"]\ntransport",
        (12, 7),
        "unknown role `recorder`",
        "`recording-server`",
    );
    one_fault("\"http\"", "\"htpp\"", (15, 13), "unknown service `htpp`", "`http`");
    one_fault("\"required\"", "\"requierd\"", (17, 11), "unknown status `requierd`", "`required`");
    one_fault("\"either\"", "\"eiter\"", (16, 7), "unknown tls demand `eiter`", "`either`");
    one_fault("\"tcp\"", "\"tpc\"", (13, 13), "unknown transport `tpc`", "`tcp`");
    one_fault("\"only-peers\"", "\"only-peer\"", (25, 9), "unknown check `only-peer`", "`only-peers`");
    one_fault(
        "status = [\"required\"]",
        "status = [\"off-by-default\"]\nfeature = \"puhs\"",
        (18, 11),
        "unknown feature `puhs`",
        "`push`",
    );
    one_fault(
        "controls = [\"SC-7\"]\n\n",
        "controls = [\"SC7\"]\n\n",
        (20, 13),
        "`SC7` is no control",
        "SC-7",
    );
}

#[test]
fn bad_ports_are_marked_inside_the_text() {
    one_fault("80, 9001-9099", "80, 90000", (14, 13), "`90000` is no port", "1 to 65535");
    one_fault("80, 9001-9099", "80, 9099-9001", (14, 13), "ends before it begins", "9001-9099");
    one_fault("\"80, 9001-9099\"", "\"\"", (14, 9), "`` is no port", "1 to 65535");
    one_fault("transport = \"tcp\"", "transport = \"icmp\"", (14, 9), "no ports", "take `ports` away");
}

#[test]
fn a_status_needs_what_belongs_to_it() {
    one_fault("\"required\"", "\"off-by-default\"", (17, 10), "needs a feature", "add `feature");
    one_fault("\"required\"", "\"doubtful\"", (17, 10), "needs a note", "add `note");
    one_fault(
        "tls = \"either\"",
        "tls = \"either\"\nfeature = \"push\"",
        (17, 11),
        "does nothing",
        "off-by-default",
    );
    one_fault("\"required\"", "\"required\", \"optional\"", (17, 10), "required and optional", "keep one");
}

#[test]
fn empty_sets_are_faults() {
    one_fault("from = [\"smart-client\"]", "from = []", (11, 8), "no role", "name a role");
    one_fault("[\"http\", \"tls\"]", "[]", (15, 12), "no service", "name a service");
    one_fault("[\"required\"]", "[]", (17, 10), "no status", "name a status");
    one_fault(
        "transport = \"tcp\"",
        "except_from = [\"any-xprotect-client\"]\ntransport = \"tcp\"",
        (11, 8),
        "can never match",
        "leave a role",
    );
    one_fault("\"http\", \"tls\"", "\"http\", \"port-only\"", (15, 12), "stands beside", "alone");
}

#[test]
fn what_is_missing_is_named_at_its_table() {
    one_fault("purpose = \"Clients fetch video.\"\n", "", (9, 1), "`AC1` has no `purpose`", "add `purpose");
    one_fault("ports = \"80, 9001-9099\"\n", "", (9, 1), "`AC1` has no `ports`", "named");
    one_fault("controls = [\"SC-7\"]\n\n", "\n", (9, 1), "`AC1` has no `controls`", "SC-7");
    one_fault("peers = [\"recording-server\"]\n", "", (22, 1), "`AA1` has no `peers`", "roles");
    one_fault("title = \"ACME guide\"\n", "", (1, 1), "has no `title`", "add `title");
}

#[test]
fn a_value_of_the_wrong_type_says_what_it_is() {
    one_fault("purpose = \"Clients fetch video.\"", "purpose = 7", (18, 11), "must be a text", "quotes");
    one_fault("tls = ", "both_ways = \"yes\"\ntls = ", (16, 13), "true or false", "without quotes");
    one_fault("[[assert]]", "[assert]", (22, 1), "list of tables", "[[assert]]");
    one_fault("\"http\", \"tls\"", "\"http\", 5", (15, 21), "list of texts", "quotes");
}

#[test]
fn ids_and_the_rules_that_assertions_name_must_fit() {
    one_fault("id = \"AA1\"", "id = \"AC1\"", (23, 6), "used twice", "line 10");
    one_fault("except = [\"AC1\"]", "except = [\"AC2\"]", (28, 11), "no rule of this pack", "AC1");
    one_fault("id = \"AA1\"", "id = \"A A\"", (23, 6), "cannot be the id", "letters");
}

#[test]
fn a_check_refuses_the_keys_of_another() {
    one_fault(
        "source = \"page 1\"",
        "version = \"TLS 1.2\"\nsource = \"page 1\"",
        (29, 1),
        "has no `version`",
        "`subjects`, `peers`",
    );
}

#[test]
fn an_id_that_two_files_use_is_a_fault_of_the_second() {
    let first = pack(CLEAN);
    let text = CLEAN.replace("id = \"acme\"", "id = \"other\"").replace("AA1", "AA2");
    let second = SourceText { name: "rules/other.toml".to_owned(), text };
    let faults = load(&[first, second.clone()]).unwrap_err();
    let [fault] = faults.as_slice() else { panic!("{faults:?}") };
    assert_eq!((fault.file.as_str(), fault.position(&second)), ("rules/other.toml", (10, 6)));
    assert!(fault.message.contains("rules/acme.toml"));
}

#[test]
fn all_faults_come_at_once_in_the_order_of_the_file() {
    let broken = CLEAN
        .replace("smart-client", "smart-klient")
        .replace("80, 9001-9099", "0, 80-")
        .replace("\"either\"", "\"maybe\"")
        .replace("page 1", "");
    let (source, faults) = faults(&broken);
    let mut lines: Vec<usize> = faults.iter().map(|fault| fault.position(&source).0).collect();
    lines.sort_unstable();
    assert_eq!(lines, [11, 14, 14, 16, 29]);
    let drawn = render_all(&faults, std::slice::from_ref(&source), false);
    assert!(drawn.contains("rules/acme.toml:11:9"), "{drawn}");
    assert!(drawn.contains("did you mean `smart-client`?"), "{drawn}");
}

#[test]
fn broken_toml_shows_where_and_no_faults_that_follow_from_it() {
    let (source, faults) = faults(&CLEAN.replace("ports = \"80, 9001-9099\"", "ports = \"80"));
    assert!(!faults.is_empty());
    assert!(faults.iter().all(|fault| fault.position(&source).0 == 14), "{faults:?}");
}

#[test]
fn a_pack_that_is_cut_anywhere_is_read_without_panic_and_shows_places_inside_it() {
    for (end, _) in CLEAN.char_indices() {
        let (source, faults) = faults(CLEAN.get(..end).unwrap_or_default());
        for fault in faults {
            assert!(fault.span.start <= source.text.len(), "{end}: {fault:?}");
            assert!(!fault.render(&source, false).is_empty());
        }
    }
}
