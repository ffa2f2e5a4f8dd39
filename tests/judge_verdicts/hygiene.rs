//! Weaknesses on top of the structural verdict.

use camsentry::verdict::Reason;
use camsentry::verdict::VerdictKind;

use crate::stage::at;
use crate::stage::messages;
use crate::stage::only;
use crate::stage::play;
use crate::stage::play_on;

fn tls(more: &str) -> String {
    format!(r#"{{ do = "tcp", from = "10.30.0.7:50001", to = "10.10.1.10:443", say = "tls", {more} }}"#)
}

#[test]
fn an_expired_certificate_is_weak_at_the_time_of_its_packet() {
    let found = play(&[&tls(r#"version = "1.2", cert = "expired""#)]);
    let violation = only(&found);
    assert_eq!(violation.reason, Reason::WeakTls);
    assert!(violation.message.contains("expired"), "{}", violation.message);
}

#[test]
fn a_self_signed_certificate_is_weak_unless_the_site_accepts_it() {
    let step = tls(r#"version = "1.2", cert = "self-signed""#);
    assert_eq!(only(&play(&[&step])).reason, Reason::WeakTls);
    let found = play_on("", "[tls]\nself_signed = [\"management-server\"]", &[&step]);
    assert!(found.violations.is_empty(), "{:?}", messages(&found));
    let of_others = play_on("", "[tls]\nself_signed = [\"camera\"]", &[&step]);
    assert_eq!(only(&of_others).reason, Reason::WeakTls);
}

#[test]
fn where_the_site_names_its_authorities_another_issuer_is_weak() {
    let step = tls(r#"version = "1.2", cert = "server""#);
    assert!(play(&[&step]).violations.is_empty());
    let found = play_on("", &format!("[tls]\nauthorities = [\"{}\"]", "ab".repeat(32)), &[&step]);
    assert_eq!(only(&found).reason, Reason::WeakTls);
}

#[test]
fn a_certificate_whose_root_the_server_left_out_accuses_nobody() {
    // RFC 5246 §7.4.2: the root may be omitted; whether it is the site's cannot be seen then.
    let step = tls(r#"version = "1.2", cert = "leaf""#);
    let found = play_on("", &format!("[tls]\nauthorities = [\"{}\"]", "ab".repeat(32)), &[&step]);
    assert!(found.violations.is_empty(), "{:?}", messages(&found));
}

#[test]
fn an_old_version_is_weak_though_only_the_client_was_seen() {
    let found = play(&[&tls(r#"version = "1.0", view = "from""#)]);
    let violation = only(&found);
    assert_eq!(violation.reason, Reason::WeakTls);
    assert!(violation.message.contains("offers"), "{}", violation.message);
}

#[test]
fn a_weak_flow_is_not_hidden_by_a_strong_one_of_the_same_conversation() {
    let weak = tls(r#"version = "1.0", view = "from""#);
    let strong = tls(r#"version = "1.2""#).replace("50001", "50002");
    for steps in [[&weak, &strong], [&strong, &weak]] {
        let found = play(&[steps[0], steps[1]]);
        assert_eq!(only(&found).reason, Reason::WeakTls, "{:?}", messages(&found));
    }
}

#[test]
fn a_password_in_clear_is_weak_and_a_demand_for_one_is_not() {
    let basic = play(&[
        r#"{ do = "tcp", from = "10.10.1.11:50001", to = "10.20.0.17:554", say = "rtsp", auth = "basic" }"#,
    ]);
    assert_eq!(only(&basic).reason, Reason::WeakProtocol);
    // Of the server's side alone nothing shows that a client followed its demand.
    let asked = play(&[
        r#"{ do = "tcp", from = "10.10.1.11:50001", to = "10.20.0.17:554", say = "rtsp", auth = "basic", view = "to" }"#,
    ]);
    assert!(asked.violations.is_empty(), "{:?}", messages(&asked));
}

#[test]
fn the_factory_password_is_told_whatever_the_verdict_is() {
    let found = play(&[
        r#"{ do = "tcp", from = "10.30.0.7:50001", to = "10.20.1.5:80", say = "event-stream", auth = "factory" }"#,
    ]);
    let reasons: Vec<Reason> = found.violations.iter().map(|violation| violation.reason).collect();
    assert!(reasons.contains(&Reason::FactoryPassword), "{:?}", messages(&found));
    assert_eq!(at(&found, 80).verdict, VerdictKind::Violation);
    assert!(found.violations.iter().all(|v| !v.message.contains("meinsm")), "no credential is printed");
}
