//! Groups: who sends to them, and who answers.

use camsentry::inventory::role::Role;
use camsentry::verdict::VerdictKind;

use crate::stage::messages;
use crate::stage::play;

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
fn a_host_that_asks_for_its_address_is_no_alarm() {
    let found = play(&[
        r#"{ do = "udp", from = "0.0.0.0:68", to = "255.255.255.255:67", say = "dhcp", answer-from = "10.10.1.11" }"#,
    ]);
    assert!(found.violations.iter().all(|v| v.orig.addr.to_string() != "0.0.0.0"), "{:?}", messages(&found));
    // Neither 0.0.0.0 nor 255.255.255.255 belongs to the site: counted, not judged.
    let asked = found.conversations.iter().find(|c| c.orig.addr.to_string() == "0.0.0.0").unwrap();
    assert_eq!(asked.verdict, VerdictKind::OutOfScope);
}
