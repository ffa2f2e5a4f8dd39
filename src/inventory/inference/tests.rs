//! Signs become roles, whatever their order.

use super::*;
use crate::addr::Mac;
use crate::inventory::vendors::vendor_row;

const HOST: Addr = Addr::v4([10, 0, 0, 9]);
const PEER: Addr = Addr::v4([10, 0, 0, 5]);

fn seen(act: Act, port: u16, service: Service) -> Observation {
    Observation {
        host: HOST,
        peer: PEER,
        act,
        initiation: Initiation::Observed,
        port,
        service: Some((service, Certainty::Signature)),
        content: None,
        device: None,
    }
}

fn with(content: Content, observation: Observation) -> Observation {
    Observation { content: Some((content, Certainty::Signature)), ..observation }
}

fn settled(all: &[Observation], mac: Option<Mac>) -> Option<Conclusion> {
    let mut inference = Inference::default();
    for one in all {
        inference.observe(one);
    }
    inference.settle(|_| mac.and_then(vendor_row));
    inference.conclusion(HOST).cloned()
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table of rows")]
fn what_a_host_does_gives_its_role_with_a_certainty_and_a_sentence() {
    use Act::Client;
    use Act::Server;
    use Certainty::Consistent;
    use Certainty::Heuristic;
    use Certainty::Signature;
    let rows = [
        (
            seen(Server, 554, Service::Rtsp),
            Role::Camera,
            Heuristic,
            "answered RTSP on port 554 to 10.0.0.5 (1 flow)",
        ),
        (
            seen(Server, 7563, Service::Imageserver),
            Role::RecordingServer,
            Signature,
            "answered ImageServer on port 7563 to 10.0.0.5 (1 flow)",
        ),
        (
            seen(Client, 7563, Service::Imageserver),
            Role::SmartClient,
            Consistent,
            "asked 10.0.0.5 for ImageServer on port 7563 (1 flow)",
        ),
        (
            seen(Server, 1433, Service::Tds),
            Role::SqlServer,
            Signature,
            "answered SQL Server's TDS on port 1433 to 10.0.0.5 (1 flow)",
        ),
        (
            with(Content::MxpegEventStream, seen(Server, 80, Service::Http)),
            Role::MobotixCamera,
            Signature,
            "answered MOBOTIX's event stream on port 80 to 10.0.0.5 (1 flow)",
        ),
        (
            with(Content::MxpegEventStream, seen(Client, 80, Service::Http)),
            Role::Mxmc,
            Consistent,
            "asked 10.0.0.5 for MOBOTIX's event stream on port 80 (1 flow)",
        ),
        (
            with(Content::XprotectMobile, seen(Server, 8081, Service::Http)),
            Role::MobileServer,
            Signature,
            "answered XProtect Mobile on port 8081 to 10.0.0.5 (1 flow)",
        ),
        (
            with(Content::XprotectSoap, seen(Server, 22331, Service::Http)),
            Role::EventServer,
            Consistent,
            "answered XProtect's web service on port 22331 to 10.0.0.5 (1 flow)",
        ),
        (
            with(Content::XprotectSoap, seen(Server, 22337, Service::Http)),
            Role::LogServer,
            Consistent,
            "answered XProtect's web service on port 22337 to 10.0.0.5 (1 flow)",
        ),
        (
            with(Content::XprotectSoap, seen(Server, 443, Service::Http)),
            Role::ManagementServer,
            Consistent,
            "answered XProtect's web service on port 443 to 10.0.0.5 (1 flow)",
        ),
        (
            seen(Server, 445, Service::Smb),
            Role::FileServer,
            Consistent,
            "answered SMB on port 445 to 10.0.0.5 (1 flow)",
        ),
        (
            seen(Server, 53, Service::Dns),
            Role::Infrastructure,
            Signature,
            "answered DNS on port 53 to 10.0.0.5 (1 flow)",
        ),
        (
            seen(Server, 25, Service::Smtp),
            Role::MailServer,
            Consistent,
            "answered SMTP on port 25 to 10.0.0.5 (1 flow)",
        ),
    ];
    for (observation, role, certainty, why) in rows {
        let got = settled(&[observation], None).unwrap();
        assert_eq!((got.label, got.certainty, &*got.why), (role, certainty, why));
    }
    assert_eq!(settled(&[seen(Server, 22, Service::Ssh)], None), None);
    assert_eq!(settled(&[with(Content::XprotectSoap, seen(Server, 8888, Service::Http))], None), None);
}

#[test]
fn without_a_known_initiator_a_side_proves_nothing() {
    let guess = Observation { initiation: Initiation::Assumed, ..seen(Act::Server, 1433, Service::Tds) };
    assert_eq!(settled(&[guess], None).unwrap().certainty, Certainty::PortOnly);
    let both = [guess, seen(Act::Server, 1433, Service::Tds)];
    assert_eq!(settled(&both, None).unwrap().certainty, Certainty::Signature);
}

#[test]
fn a_recording_server_that_reads_from_cameras_and_recorders_is_no_client() {
    let all = [
        seen(Act::Server, 7563, Service::Imageserver),
        seen(Act::Client, 7563, Service::Imageserver),
        seen(Act::Client, 554, Service::Rtsp),
        seen(Act::Server, 554, Service::Rtsp),
        with(Content::MxpegEventStream, seen(Act::Client, 80, Service::Http)),
    ];
    let got = settled(&all, None).unwrap();
    assert_eq!((got.label, got.roles), (Role::RecordingServer, RoleSet::of(&[Role::RecordingServer])));
    assert!(!got.all.iter().any(|(role, ..)| matches!(role, Role::SmartClient | Role::Mxmc | Role::Nvr)));
}

#[test]
fn one_that_serves_rtsp_and_reads_it_may_be_a_recorder() {
    let all = [seen(Act::Server, 554, Service::Rtsp), seen(Act::Client, 554, Service::Rtsp)];
    let got = settled(&all, None).unwrap();
    assert_eq!((got.roles, got.certainty), (RoleSet::of(&[Role::Nvr]), Certainty::Heuristic));
}

#[test]
fn the_maker_of_the_device_strengthens_but_proves_nothing_alone() {
    let axis = Mac([0x00, 0x40, 0x8c, 1, 2, 3]);
    let mobotix = Mac([0x00, 0x03, 0xc5, 1, 2, 3]);
    let rtsp = seen(Act::Server, 554, Service::Rtsp);
    let ssh = seen(Act::Client, 22, Service::Ssh);
    let level = |all: &[Observation], mac| settled(all, Some(mac)).map(|got| (got.label, got.certainty));
    assert_eq!(level(&[ssh], axis), Some((Role::Camera, Certainty::Heuristic)));
    assert_eq!(level(&[rtsp], axis), Some((Role::Camera, Certainty::Consistent)));
    assert_eq!(level(&[rtsp], mobotix), Some((Role::MobotixCamera, Certainty::Consistent)));
    assert_eq!(settled(&[rtsp], Some(mobotix)).unwrap().roles, RoleSet::of(&[Role::MobotixCamera]));
}

#[test]
fn the_order_of_observations_does_not_matter() {
    let other = |last: u8, one: Observation| Observation { peer: Addr::v4([10, 0, 0, last]), ..one };
    let mut all = vec![
        other(7, seen(Act::Server, 1554, Service::Rtsp)),
        other(3, seen(Act::Server, 554, Service::Rtsp)),
        other(2, seen(Act::Server, 554, Service::Rtsp)),
        seen(Act::Server, 445, Service::Smb),
    ];
    let forward = settled(&all, None);
    all.reverse();
    assert_eq!(settled(&all, None), forward);
    let rtsp = forward.unwrap().all.pop().unwrap();
    assert_eq!(rtsp.2, "answered RTSP on port 554 to 10.0.0.2 (3 flows)");
}
