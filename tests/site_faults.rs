//! Every fault of a site file is named at its place, with the way out, all of them at once.
#![expect(clippy::unwrap_used, reason = "test helpers")]

use std::sync::Arc;

use camsentry::inventory::site_file::Known;
use camsentry::inventory::site_file::Reading;
use camsentry::inventory::site_file::read_site;
use camsentry::policy::diagnostic::Diagnostic;
use camsentry::policy::diagnostic::Gravity;
use camsentry::policy::diagnostic::SourceText;

/// Two lines that every file of the table begins with.
const HEAD: &str = "name = \"Test\"\nmonitored = [\"10.20.0.0/16\", \"fd00:20::/32\"]\n";

fn known() -> Known {
    let words = |words: &[&str]| words.iter().map(|word| Arc::from(*word)).collect::<Vec<Arc<str>>>();
    Known {
        packs: words(&["base", "xprotect", "mobotix"]),
        features: words(&["mobotix-smb-recording", "camera-events-smtp"]),
        rules: words(&["XP22", "MX10", "XP62"]),
        named_ports: words(&["MX10"]),
        named_peers: words(&["XP62"]),
        zone_kinds: words(&["dmz"]),
    }
}

fn read(text: &str) -> (Reading, SourceText) {
    let source = SourceText { name: "etc/site.toml".to_owned(), text: text.to_owned() };
    (read_site(&source, &known()), source)
}

struct Row {
    /// What follows the head; `@` stands before the place that the fault must name and is taken out.
    text: &'static str,
    message: &'static str,
    help: &'static str,
    gravity: Gravity,
}

const fn error(text: &'static str, message: &'static str, help: &'static str) -> Row {
    Row { text, message, help, gravity: Gravity::Error }
}

const fn warns(text: &'static str, message: &'static str, help: &'static str) -> Row {
    Row { text, message, help, gravity: Gravity::Warning }
}

#[rustfmt::skip]
const ROWS: &[Row] = &[
    error("@zonne = 1\n", "unknown key `zonne`", "did you mean `zone`"),
    error("[[host]]\naddress = \"10.20.0.1\"\nroles = [\"camera\"]\n@adress = \"10.20.0.2\"\n", "unknown key `adress`", "did you mean `address`"),
    error("[[host]]\naddress = \"10.20.0.17\"\nroles = [@\"camrea\"]\n", "unknown role `camrea`", "did you mean `camera`"),
    error("[[host]]\naddress = \"10.20.0.17\"\nroles = [@\"any-camera\"]\n", "`any-camera` is a group of roles", "groups are for rules"),
    error("[[host]]\naddress = \"10.20.0.17\"\nroles = [@\"unknown\"]\n", "role `unknown` cannot be declared", "take it away"),
    error("[[host]]\naddress = \"10.20.0.17\"\nroles = [\"camera\", @\"camera\"]\n", "role `camera` stands twice", "take one away"),
    error("[[host]]\naddress = \"10.20.0.17\"\nroles = @[]\n", "the list has no role", "name a role"),
    error("@[[host]]\naddress = \"10.20.0.17\"\n", "has no `roles`", "add `roles"),
    error("@[[host]]\nroles = [\"camera\"]\n", "has no `address`", "add `address"),
    error("[[host]]\naddress = @\"10.20.0.300\"\nroles = [\"camera\"]\n", "`10.20.0.300` is no address", "write `10.20.0.17`"),
    error("[[host]]\naddress = @\"10.20.0.0/24\"\nroles = [\"camera\"]\n", "`10.20.0.0/24` is no address", "[[network]]"),
    error("[[host]]\naddress = @\"239.1.1.1\"\nroles = [\"camera\"]\n", "cannot be a host's address", "take it away"),
    error("[[host]]\naddress = @\"127.0.0.1\"\nroles = [\"camera\"]\n", "cannot be a host's address", "take it away"),
    error("[[host]]\naddress = @[]\nroles = [\"camera\"]\n", "the list has no address", "name one address"),
    error("[[host]]\naddress = \"10.20.0.17\"\nroles = [\"camera\"]\nname = @7\n", "`name` must be a text", "in quotes"),
    error("[[host]]\naddress = \"10.20.0.17\"\nroles = [\"camera\"]\nnat = @\"yes\"\n", "`nat` must be true or false", "without quotes"),
    error("[[host]]\naddress = \"10.20.0.17\"\nroles = [\"camera\"]\nports = { @70000 = \"9001\" }\n", "`70000` is no port", "1 to 65535"),
    error("[[host]]\naddress = \"10.20.0.17\"\nroles = [\"camera\"]\nports = { 9001 = \"@9001-70000\" }\n", "`70000` is no port", "1 to 65535"),
    error("[[host]]\naddress = \"10.20.0.17\"\nroles = [\"camera\"]\nports = { 9001 = \"@9005-9001\" }\n", "ends before it begins", "9001-9005"),
    error("[[host]]\naddress = \"10.20.0.17\"\nroles = [\"camera\"]\n[[host]]\naddress = @\"10.20.0.17\"\nroles = [\"mxmc\"]\n", "declared twice with different roles", "line 4 says `camera`"),
    warns("[[host]]\naddress = \"10.20.0.17\"\nroles = [\"camera\"]\n[[host]]\naddress = @\"10.20.0.17\"\nroles = [\"camera\"]\n", "host 10.20.0.17 is declared twice", "line 4"),
    error("[[network]]\nprefix = @\"10.20.0.1/24\"\nroles = [\"camera\"]\n", "network `10.20.0.1/24` has host bits set", "write `10.20.0.0/24`"),
    error("[[network]]\nprefix = @\"10.20.0.1\"\nroles = [\"camera\"]\n", "has no prefix length", "write `10.20.0.1/32`"),
    error("[[network]]\nprefix = @\"10.20.0.0/33\"\nroles = [\"camera\"]\n", "`10.20.0.0/33` is no network", "write `10.20.0.0/24`"),
    error("[[network]]\nprefix = @\"::ffff:10.20.0.0/120\"\nroles = [\"camera\"]\n", "IPv4 inside IPv6", "write it as IPv4"),
    error("[[network]]\nprefix = \"10.20.0.0/24\"\nroles = [\"camera\"]\n[[network]]\nprefix = @\"10.20.0.0/24\"\nroles = [\"mxmc\"]\n", "network 10.20.0.0/24 is declared twice with different roles", "line 4"),
    error("[[mac]]\naddress = @\"00:03:c5:12:34\"\nroles = [\"camera\"]\n", "is no MAC address", "six octets"),
    error("[[mac]]\naddress = @\"01:00:5e:00:00:01\"\nroles = [\"camera\"]\n", "is no device's MAC address", "first octet is even"),
    error("[[mac]]\naddress = \"00:03:c5:00:00:01\"\nroles = [\"camera\"]\n[[mac]]\naddress = @\"00-03-C5-00-00-01\"\nroles = [\"mxmc\"]\n", "MAC 00:03:c5:00:00:01 is declared twice with different roles", "line 4"),
    error("[[vendor]]\nprefix = @\"00:03\"\nroles = [\"camera\"]\n", "is no vendor prefix", "three octets"),
    error("[[vendor]]\nname = @\"Mobotics\"\nroles = [\"camera\"]\n", "unknown vendor `Mobotics`", "did you mean `MOBOTIX`"),
    error("[[vendor]]\nname = \"MOBOTIX\"\nroles = [\"mobotix-camera\"]\n[[vendor]]\nprefix = @\"00:03:c5\"\nroles = [\"camera\"]\n", "vendor prefix 00:03:c5 is declared twice with different roles", "line 4"),
    error("@[[vendor]]\nroles = [\"camera\"]\n", "has no `prefix`", "or `name"),
    error("[[zone]]\nname = \"a\"\nnetworks = [\"10.20.0.0/24\"]\npacks = [@\"xprotct\"]\n", "unknown pack `xprotct`", "did you mean `xprotect`"),
    error("@[[zone]]\nnetworks = [\"10.20.0.0/24\"]\n", "has no `name`", "add `name"),
    error("@[[zone]]\nname = \"a\"\n", "has no `networks`", "add `networks"),
    error("[[zone]]\nname = \"a\"\nnetworks = [\"10.20.0.0/24\"]\n[[zone]]\nname = @\"a\"\nnetworks = [\"10.20.1.0/24\"]\n", "two zones are called `a`", "line 4"),
    warns("[[zone]]\nname = \"a\"\nnetworks = [\"10.20.0.0/24\"]\n[[zone]]\nname = \"b\"\nnetworks = [@\"10.20.0.0/24\"]\n", "is in zone `a` and in zone `b`", "the packs of both"),
    warns("[[zone]]\nname = \"a\"\nnetworks = [\"10.20.0.0/24\"]\nkind = @\"dzm\"\n", "no rule asks for zones of kind `dzm`", "dmz"),
    warns("[[zone]]\nname = \"a\"\nnetworks = [@\"10.99.0.0/24\"]\n", "network 10.99.0.0/24 of zone `a` is outside `monitored`", "add its network"),
    warns("[[host]]\naddress = @\"10.99.0.1\"\nroles = [\"mxmc\"]\n", "host 10.99.0.1 is outside `monitored`", "add its network"),
    error("features = [@\"mobotix-smb\"]\n", "unknown feature `mobotix-smb`", "did you mean `mobotix-smb-recording`"),
    error("key_by_vlan = @1\n", "`key_by_vlan` must be true or false", "without quotes"),
    error("@[[ports]]\nrole = \"recording-server\"\ndefault = 7563\n", "has no `use`", "add `use"),
    error("[[ports]]\nrole = @\"recorder\"\ndefault = 7563\nuse = 7564\n", "unknown role `recorder`", "did you mean `recording-server`"),
    error("[[ports]]\nrole = \"recording-server\"\ndefault = @0\nuse = 7564\n", "`0` is no port", "1 to 65535"),
    error("[named_ports]\n@MX11 = \"8000\"\n", "unknown rule `MX11`", "did you mean `MX10`"),
    error("[named_ports]\n@XP22 = \"8000\"\n", "rule `XP22` has ports of its own", "MX10"),
    error("[named_peers]\nXP62 = [@\"not a name\"]\n", "is no host name", "www.example.net"),
    error("[severity]\n@norule = \"low\"\n", "unknown reason `norule`", "did you mean `no-rule`"),
    error("[severity]\nno-rule = @\"lowest\"\n", "unknown severity `lowest`", "known are: info, low"),
    error("[tls]\nauthorities = [@\"abcd\"]\n", "SHA-256", "64 hexadecimal digits"),
    error("[tls]\nself_signed = [@\"camra\"]\n", "unknown role `camra`", "did you mean `camera`"),
    error("@[[exception]]\nid = \"E1\"\nfrom = \"camera\"\nto = \"mxmc\"\ntransport = \"tcp\"\nports = \"22\"\nreason = \"service\"\n", "has no `owner`", "add `owner"),
    error("@[[exception]]\nid = \"E1\"\nfrom = \"camera\"\nto = \"mxmc\"\ntransport = \"tcp\"\nports = \"22\"\npurpose = \"x\"\nowner = \"Ann\"\n", "has no `reason`", "add `reason"),
    error("[[exception]]\nid = \"E1\"\nfrom = \"camera\"\nto = \"mxmc\"\ntransport = \"tcp\"\nports = \"22\"\nowner = \"Ann\"\nreason = \"x\"\nexpires = @\"soon\"\n", "`expires` must be a date", "2026-12-31"),
    error("[[exception]]\nid = \"E1\"\nfrom = \"camera\"\nto = \"mxmc\"\ntransport = \"tcp\"\nports = \"22\"\nowner = \"Ann\"\nreason = \"x\"\nexpires = @10:00:00\n", "has no date", "write the day too"),
    error("[[allow]]\nid = @\"XP22\"\nfrom = \"camera\"\nto = \"mxmc\"\ntransport = \"tcp\"\nports = \"22\"\npurpose = \"x\"\n", "the id `XP22` is taken", "choose another"),
    error("[[allow]]\nid = \"S1\"\nfrom = \"camera\"\nto = @\"mxmcc\"\ntransport = \"tcp\"\nports = \"22\"\npurpose = \"x\"\n", "unknown role", "did you mean"),
    error("[[host]@\n", "unclosed array table", ""),
    error("key_by_vlan = \"a@\n", "invalid basic string", ""),
];

#[test]
fn one_planted_fault_of_every_kind_is_named_at_its_place_with_a_fix() {
    for row in ROWS {
        let marked = format!("{HEAD}{}", row.text);
        let (reading, source) = read(&marked.replace('@', ""));
        let [fault] = reading.diagnostics.as_slice() else {
            panic!("{marked}\nnot one fault: {:#?}", reading.diagnostics)
        };
        assert_eq!(fault.gravity, row.gravity, "{marked}");
        assert_eq!(reading.site.is_some(), row.gravity == Gravity::Warning, "{marked}");
        assert!(fault.message.contains(row.message), "{marked}\n{}", fault.message);
        assert!(fault.help.as_deref().unwrap_or_default().contains(row.help), "{marked}\n{:?}", fault.help);
        assert!(fault.message.chars().next().is_some_and(|first| !first.is_uppercase() || first == 'M'));
        if let Some(at) = marked.find('@') {
            assert_eq!(fault.position(&source), position(&marked, at), "{marked}\n{}", fault.message);
        }
    }
}

/// Line and column of an octet, counted here once more, the plain way.
fn position(text: &str, at: usize) -> (usize, usize) {
    let before = text.get(..at).unwrap();
    let last = before.lines().last().filter(|_| !before.ends_with('\n')).unwrap_or_default();
    let whole = before.lines().count();
    if before.ends_with('\n') {
        (whole.checked_add(1).unwrap(), 1)
    } else {
        (whole, last.chars().count().checked_add(1).unwrap())
    }
}

#[test]
fn monitored_networks_must_be_there() {
    let (reading, _) = read("name = \"x\"\n");
    assert!(reading.site.is_none());
    assert!(reading.diagnostics.iter().any(|fault| fault.message == "the file has no `monitored`"));
    let (empty, source) = read("monitored = []\n");
    assert_eq!(empty.diagnostics.iter().map(|fault| fault.position(&source)).collect::<Vec<_>>(), [(1, 13)]);
}

#[test]
fn all_faults_of_a_file_are_named_at_once_in_the_order_of_the_file() {
    let text = "nam = \"Test\"\nmonitored = [\"10.20.0.1/16\"]\n\n[[host]]\naddress = \"10.20.0.x\"\nroles = [\"camrea\", \"mxmcc\"]\n\n[[zone]]\nname = \"a\"\nnetworks = [\"10.20.0.0/40\"]\npacks = [\"nope\"]\n";
    let (reading, source) = read(text);
    assert!(reading.site.is_none());
    let places: Vec<(usize, usize)> =
        reading.diagnostics.iter().map(|fault| fault.position(&source)).collect();
    assert_eq!(places, [(1, 1), (2, 14), (5, 11), (6, 10), (6, 20), (10, 13), (11, 10)]);
    assert!(reading.diagnostics.iter().all(|fault: &Diagnostic| fault.help.is_some()));
    let drawn = reading.diagnostics.get(1).unwrap().render(&source, false);
    assert!(drawn.contains("etc/site.toml:2:14") && drawn.contains("10.20.0.0/16"), "{drawn}");
}

#[test]
fn the_examples_of_the_documentation_read_without_a_fault_against_the_shipped_packs() {
    let page = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/site-file.md")).unwrap();
    let blocks: Vec<&str> =
        page.split("```toml\n").skip(1).map(|rest| rest.split("```").next().unwrap()).collect();
    let (smallest, rest) = blocks.split_first().unwrap();
    assert!(rest.len() >= 5);
    let head = "monitored = [\"10.20.0.0/16\", \"10.40.0.0/16\", \"fd00:20::/48\"]\nfeatures = [\"mobotix-smb-recording\"]\n";
    let known = Known::of(&camsentry::policy::packs::shipped());
    for text in [(*smallest).to_owned(), format!("{head}{}", rest.concat())] {
        let source = SourceText { name: "site-file.md".to_owned(), text };
        let reading = read_site(&source, &known);
        let drawn = camsentry::policy::diagnostic::render_all(&reading.diagnostics, &[source], false);
        assert!(reading.diagnostics.is_empty(), "{drawn}");
    }
}

#[test]
fn hostile_text_gives_faults_and_no_panic() {
    for text in [
        "",
        "\u{feff}",
        "[[",
        "a = [[[[[[[[[[[[",
        "host = 1",
        "[host]\n",
        "[[zone]]\nname = [1]\n",
        "monitored = 1979-05-27",
        "é = 1\n",
    ] {
        let (reading, source) = read(text);
        assert!(reading.site.is_none() && !reading.diagnostics.is_empty(), "{text}");
        for fault in &reading.diagnostics {
            assert!(!fault.render(&source, false).is_empty());
        }
    }
}
