//! Groups: who sends to them, and who answers.

use camsentry::inventory::role::Role;
use camsentry::verdict::VerdictKind;

use crate::stage::at;
use crate::stage::messages;
use crate::stage::only;
use crate::stage::play;
use crate::stage::play_on;

#[test]
fn answers_to_a_question_that_went_to_a_group_belong_to_it() {
    for (say, group, port, from) in [
        ("ws-discovery", "239.255.255.250", 3702, "10.10.1.11:50001"),
        ("ssdp", "239.255.255.250", 1900, "10.10.1.11:50002"),
        ("ws-discovery", "239.255.255.250", 3702, "10.30.0.9:50003"),
    ] {
        let camera = if from.starts_with("10.30") { "10.20.1.5" } else { "10.20.0.17" };
        let step = format!(
            r#"{{ do = "udp", from = "{from}", to = "{group}:{port}", say = "{say}", answer-from = "{camera}" }}"#
        );
        let found = play(&[&step]);
        assert!(found.violations.is_empty(), "{say} {from}: {:?}", messages(&found));
        let [question] = found.conversations.as_slice() else {
            panic!("{say}: {:#?}", found.conversations);
        };
        assert_eq!((question.resp.role, question.verdict), (Role::Group, VerdictKind::Allowed));
        assert_eq!((question.count, question.flows), (1, 2), "the answer is a flow of the question");
    }
}

#[test]
fn an_answer_from_the_internet_to_a_question_to_a_group_is_judged_as_what_it_is() {
    for from in ["203.0.113.9", "8.8.8.8"] {
        let step = format!(
            r#"{{ do = "udp", from = "10.10.1.11:50002", to = "239.255.255.250:1900", say = "ssdp", answer-from = "{from}" }}"#
        );
        let found = play(&[&step]);
        assert_eq!(only(&found).reason.as_str(), "internet", "{from}");
    }
}

#[test]
fn a_host_that_asks_for_its_address_is_no_alarm() {
    let found = play(&[
        r#"{ do = "udp", from = "0.0.0.0:68", to = "255.255.255.255:67", say = "dhcp", answer-from = "10.10.1.11" }"#,
    ]);
    assert!(found.violations.iter().all(|v| v.orig.addr.to_string() != "0.0.0.0"), "{:?}", messages(&found));
    // Neither 0.0.0.0 nor 255.255.255.255 belongs to the site: counted, not judged.
    let asked = found.conversations.iter().find(|c| c.orig.addr.to_string() == "0.0.0.0").unwrap();
    assert_eq!(asked.verdict, VerdictKind::OutOfScope);
}

/// The camera's commands, and the file server's data connection to the port 195 * 256 + 80 = 50000 that
/// they name (RFC 959 §4.1.2).
const FTP: &str = r#"{ do = "tcp", from = "10.20.1.5:50001", to = "10.10.2.9:21", say = "text", text = "USER cam\r\nTYPE I\r\nPORT 10,20,1,5,195,80\r\nSTOR M00001.jpg\r\n" }"#;
const DATA: &str = r#"{ do = "tcp", from = "10.10.2.9:20", to = "10.20.1.5:50000", say = "opaque" }"#;

#[test]
fn a_data_connection_that_ftp_announced_shares_the_verdict_of_its_session() {
    let switched_on = |steps: &[&str]| play_on("features = [\"mobotix-ftp\"]", "", steps);
    let announced = switched_on(&[FTP, DATA]);
    assert_eq!(announced.violations, []);
    assert_eq!((at(&announced, 21).count, at(&announced, 21).flows), (1, 2));
    let alone = switched_on(&[DATA]);
    assert_eq!(alone.violations.len(), 1, "nobody announced it: {:?}", alone.violations);
}
