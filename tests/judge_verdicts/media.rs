//! Media belong to the session that announced them, and to nobody whom its ends do not stand for.

use camsentry::judge::audit::Audit;

use crate::stage::at;
use crate::stage::messages;
use crate::stage::only;
use crate::stage::play;
use crate::stage::play_on;
use crate::stage::verdict;

const ANOTHER_RECORDER: &str = r#"
[[host]]
address = "10.10.1.12"
roles = ["recording-server"]
"#;

/// A recorder opens a camera's stream; `named` is what the session says of its media's ends.
fn session(named: &str) -> Audit {
    let step = format!(
        r#"{{ do = "tcp", from = "10.10.1.11:50001", to = "10.20.0.17:554", say = "rtsp", auth = "digest", media = 40000, server-media = 50000, {named} }}"#
    );
    play_on("", ANOTHER_RECORDER, &[&step])
}

fn sent_to(destination: &str) -> Audit {
    session(&format!("destination = \"{destination}\""))
}

#[test]
fn media_count_as_flows_and_not_as_openings() {
    let step = r#"{ do = "tcp", from = "10.10.1.11:50001", to = "10.20.0.17:554", say = "rtsp", auth = "digest", media = 40000, server-media = 50000 }"#;
    let once = play(&[step]);
    assert_eq!((at(&once, 554).count, at(&once, 554).flows), (1, 3));
    let twice = play(&[step, r#"{ do = "wait", to = "400" }"#, step]);
    assert_eq!((at(&twice, 554).count, at(&twice, 554).flows), (2, 3), "the same ports again");
}

#[test]
fn media_that_a_session_sends_to_the_internet_are_judged_as_what_they_are() {
    let audit = sent_to("203.0.113.7");
    assert_eq!(verdict(at(&audit, 554)), "allowed XP68");
    let violation = only(&audit);
    assert_eq!((violation.reason.as_str(), violation.severity.as_str()), ("internet", "critical"));
    assert_eq!(violation.resp.addr.to_string(), "203.0.113.7");
}

#[test]
fn media_that_a_session_sends_to_a_host_of_the_clients_role_share_its_verdict() {
    let audit = sent_to("10.10.1.12");
    assert!(audit.violations.is_empty(), "{:?}", messages(&audit));
    assert_eq!((at(&audit, 554).count, at(&audit, 554).flows), (1, 3));
}

#[test]
fn media_that_a_session_sends_to_a_host_of_another_role_are_judged_as_what_they_are() {
    let audit = sent_to("10.10.2.9");
    assert_eq!((at(&audit, 554).count, at(&audit, 554).flows), (1, 1));
    // The guide isolates cameras from all but the servers that record them; who began is not known.
    let violation = only(&audit);
    assert_eq!(violation.reason.as_str(), "isolation");
    let ends = [violation.orig.addr, violation.resp.addr].map(|addr| addr.to_string());
    assert_eq!(ends, ["10.10.2.9", "10.20.0.17"]);
    assert_eq!(violation.flows, 2, "RTP and RTCP");
}

#[test]
fn media_that_come_from_the_internet_are_judged_as_what_they_are() {
    // One address is above the recorder's and one below: the ends of a flow have no order of their own.
    for source in ["203.0.113.9", "8.8.8.8"] {
        let audit = session(&format!("source = \"{source}\""));
        assert_eq!(verdict(at(&audit, 554)), "allowed XP68", "{source}");
        assert_eq!(at(&audit, 554).flows, 1, "{source}");
        assert_eq!(only(&audit).reason.as_str(), "internet", "{source}");
    }
}

#[test]
fn media_that_come_from_another_camera_share_the_sessions_verdict() {
    let audit = session(r#"source = "10.20.0.18""#);
    assert!(audit.violations.is_empty(), "{:?}", messages(&audit));
    assert_eq!((at(&audit, 554).count, at(&audit, 554).flows), (1, 3));
}

/// Telephone exchanges 10.30.0.8 and 10.30.0.12, and a second MOBOTIX camera.
const EXCHANGE: &str = r#"
[[zone]]
name = "voice"
networks = ["10.30.0.8/32", "10.30.0.12/32"]
packs = ["mobotix"]
[[host]]
address = "10.30.0.8"
roles = ["sip-server"]
[[host]]
address = "10.30.0.12"
roles = ["sip-server"]
[[host]]
address = "10.20.1.6"
roles = ["mobotix-camera"]
"#;

/// One end calls the other; `named` is what their descriptions say of the media's ends.
fn call(what: &str, from: &str, to: &str, named: &str) -> Audit {
    let step = format!(
        r#"{{ do = "{what}", from = "{from}", to = "{to}", say = "sip", media = 40000, server-media = 50000{named} }}"#
    );
    play_on("features = [\"mobotix-sip\"]", EXCHANGE, &[&step])
}

#[test]
fn the_media_of_a_call_share_its_verdict_whoever_calls() {
    let (camera, exchange) = ("10.20.1.5:5060", "10.30.0.8:5060");
    let calls = [
        ("udp", camera, exchange, ""),
        ("udp", exchange, camera, ""),
        ("udp", "10.20.1.6:5060", camera, ""),
        ("tcp", "10.20.1.5:50777", exchange, ""),
        // Only one end's announcement is seen.
        ("udp", camera, exchange, r#", view = "from""#),
        ("udp", camera, exchange, r#", view = "to""#),
    ];
    for (what, from, to, view) in calls {
        let audit = call(what, from, to, view);
        assert!(audit.violations.is_empty(), "{from} {to}{view}: {:?}", messages(&audit));
        assert_eq!(verdict(at(&audit, 5060)), "allowed MX14", "{from} {to}{view}");
        assert_eq!((at(&audit, 5060).count, at(&audit, 5060).flows), (1, 3), "{from} {to}{view}");
        assert_eq!(audit.conversations.len(), 1, "{from} {to}{view}: {:#?}", audit.conversations);
    }
}

#[test]
fn media_that_a_call_sends_to_the_internet_are_judged_as_what_they_are() {
    for named in [r#", source = "203.0.113.7""#, r#", source = "8.8.8.8""#] {
        let audit = call("udp", "10.20.1.5:5060", "10.30.0.8:5060", named);
        assert_eq!(verdict(at(&audit, 5060)), "allowed MX14", "{named}");
        assert_eq!(at(&audit, 5060).flows, 1, "{named}");
        let reasons: Vec<&str> = audit.violations.iter().map(|one| one.reason.as_str()).collect();
        assert!(reasons.contains(&"internet"), "{named}: {:?}", messages(&audit));
    }
    // Nor is a host of the internet another's, where the site allows calls to one of them.
    let allowed = "[[host]]\naddress = \"203.0.113.5\"\nroles = [\"internet\"]\n[[allow]]\nid = \"SITE1\"\n\
                   from = [\"mobotix-camera\"]\nto = [\"internet\"]\ntransport = \"udp\"\nports = \"5060\"\n\
                   services = [\"sip\"]\ntls = \"none\"\nstatus = [\"required\"]\nto_hosts = [\"203.0.113.5\"]\n\
                   purpose = \"Calls.\"\ncontrols = [\"SC-7\"]\n";
    for (named, flows) in [("", 3), (r#", source = "203.0.113.7""#, 1)] {
        let step = format!(
            r#"{{ do = "udp", from = "10.20.1.5:5060", to = "203.0.113.5:5060", say = "sip", media = 40000, server-media = 50000{named} }}"#
        );
        let audit = play_on("features = [\"mobotix-sip\"]", allowed, &[&step]);
        assert_eq!(verdict(at(&audit, 5060)), "allowed SITE1", "{:?}", messages(&audit));
        assert_eq!(at(&audit, 5060).flows, flows, "{named}");
    }
}

#[test]
fn media_that_an_exchange_leads_past_itself_are_of_the_call_only_at_a_host_of_its_role() {
    let through = |host: &str| {
        let named = format!(", source = \"{host}\"");
        call("udp", "10.20.1.5:5060", "10.30.0.8:5060", &named)
    };
    let audit = through("10.30.0.12");
    assert!(audit.violations.is_empty(), "{:?}", messages(&audit));
    assert_eq!((at(&audit, 5060).count, at(&audit, 5060).flows), (1, 3));
    // Cameras may call one another, but nobody saw this one do it.
    let audit = through("10.20.1.6");
    assert_eq!(at(&audit, 5060).flows, 1);
    let media: Vec<String> =
        audit.conversations.iter().filter(|one| one.port != Some(5060)).map(verdict).collect();
    assert!(!media.is_empty() && media.iter().all(|one| one == "withheld unannounced-media"), "{media:?}");
    // No rule lets a client talk to a camera.
    let audit = through("10.30.0.7");
    assert_eq!(at(&audit, 5060).flows, 1);
    assert!(!audit.violations.is_empty());
}
