//! The drafted site file reads back without a fault and says what was inferred.
#![expect(clippy::unwrap_used, clippy::panic, reason = "test helpers")]

use camsentry::addr::Addr;
use camsentry::addr::Mac;
use camsentry::flow::facts::Initiation;
use camsentry::inventory::Act;
use camsentry::inventory::Inventory;
use camsentry::inventory::Observation;
use camsentry::inventory::Standing;
use camsentry::inventory::role::Role;
use camsentry::inventory::site_file::Known;
use camsentry::inventory::site_file::read_site;
use camsentry::policy::diagnostic::SourceText;
use camsentry::policy::diagnostic::render_all;
use camsentry::recognise::finding::DeviceKind;
use camsentry::service::Certainty;
use camsentry::service::Content;
use camsentry::service::Service;
use camsentry::time::Timestamp;

fn addr(text: &str) -> Addr {
    Addr::from(text.parse::<std::net::IpAddr>().unwrap())
}

fn flow(
    who: &mut Inventory,
    client: &str,
    server: &str,
    port: u16,
    service: Service,
    content: Option<Content>,
) {
    for (host, peer, act) in [(client, server, Act::Client), (server, client, Act::Server)] {
        who.observe(&Observation {
            host: addr(host),
            peer: addr(peer),
            act,
            initiation: Initiation::Observed,
            port,
            service: Some((service, Certainty::Signature)),
            content: content.map(|content| (content, Certainty::Signature)),
            device: None,
        });
    }
}

fn read_back(draft: &str) -> Inventory {
    let known = Known::of(&camsentry::policy::packs::shipped());
    let source = SourceText { name: "draft.toml".to_owned(), text: draft.to_owned() };
    let reading = read_site(&source, &known);
    let drawn = render_all(&reading.diagnostics, std::slice::from_ref(&source), false);
    assert!(reading.diagnostics.is_empty(), "{draft}\n{drawn}");
    Inventory::new(Some(reading.site.unwrap_or_else(|| panic!("{drawn}"))))
}

#[test]
fn a_draft_reads_back_and_declares_what_was_inferred() {
    let mut who = Inventory::new(None);
    flow(&mut who, "10.30.0.7", "10.10.1.11", 7563, Service::Imageserver, None);
    flow(&mut who, "10.10.1.11", "10.20.0.17", 554, Service::Rtsp, None);
    flow(&mut who, "10.30.0.9", "10.20.1.5", 80, Service::Http, Some(Content::MxpegEventStream));
    flow(&mut who, "10.30.0.9", "fe80::1", 80, Service::Http, Some(Content::MxpegEventStream));
    flow(&mut who, "10.20.0.17", "203.0.113.9", 22, Service::Ssh, None);
    flow(&mut who, "10.20.0.18", "10.20.0.19", 22, Service::Ssh, None);
    let camera = Mac([0, 3, 0xc5, 0, 0, 5]);
    who.sees(addr("10.20.1.5"), camera, Timestamp::default(), false);
    who.sees(addr("fd00:20::5"), camera, Timestamp::default(), false);
    flow(&mut who, "10.30.0.9", "fd00:20::5", 80, Service::Http, Some(Content::MxpegEventStream));
    who.settle();
    let draft = who.draft();
    let site = read_back(&draft);
    let rows = [
        ("10.10.1.11", Role::RecordingServer),
        ("10.20.0.17", Role::Camera),
        ("10.20.1.5", Role::MobotixCamera),
        ("fd00:20::5", Role::MobotixCamera),
        ("10.30.0.9", Role::Mxmc),
        ("10.30.0.7", Role::SmartClient),
    ];
    for (text, role) in rows {
        let view = site.host(addr(text));
        assert_eq!((view.label, view.standing), (role, Standing::Declared), "{text}\n{draft}");
        assert!(site.is_monitored(addr(text)), "{text}");
    }
    assert!(site.same_host(addr("10.20.1.5"), addr("fd00:20::5")));
    assert_eq!(site.host(addr("10.20.0.18")).standing, Standing::Unlisted);
    assert!(draft.contains("# [[host]] address = \"10.20.0.18\""), "{draft}");
    assert!(!draft.contains("203.0.113.9\""), "{draft}");
    let why = "# recording-server: answered ImageServer on port 7563 to 10.30.0.7 (1 flow); signature";
    assert!(draft.contains(why), "{draft}");
    let packs = |text: &str| site.packs_of(addr(text)).iter().map(ToString::to_string).collect::<Vec<_>>();
    assert_eq!(packs("10.20.1.5"), ["mobotix"]);
    assert_eq!(packs("10.20.0.17"), ["xprotect"]);
    assert_eq!(packs("10.30.0.9"), ["xprotect", "mobotix"]);
}

#[test]
fn an_empty_inventory_drafts_a_file_that_reads_back() {
    let mut who = Inventory::new(None);
    who.settle();
    assert!(read_back(&who.draft()).site().is_some());
}

#[test]
fn a_device_that_names_itself_is_drafted_with_its_words() {
    let mut who = Inventory::new(None);
    who.observe(&Observation {
        host: addr("192.168.1.20"),
        peer: addr("192.168.1.2"),
        act: Act::Server,
        initiation: Initiation::Unknown,
        port: 3702,
        service: None,
        content: None,
        device: Some(DeviceKind::OnvifCamera),
    });
    who.settle();
    assert!(
        who.draft().contains("# camera: says that it is an ONVIF video transmitter (1 flow); consistent")
    );
}
