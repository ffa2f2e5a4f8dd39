//! Octets that nobody meant, through the whole watch: whatever they are called, nothing panics, and
//! nothing is told that would hold a secret.

use camsentry::flow::Side;
use camsentry::service::Transport;
use proptest::prelude::any;
use proptest::sample::Index;
use proptest::test_runner::Config;
use proptest::test_runner::TestRunner;

use crate::talk::CLIENT;
use crate::talk::SERVER;
use crate::talk::Talk;
use crate::talk::fixture;

const STARTS: [&[u8]; 10] = [
    b"CONNECT a:443 HTTP/1.1\r\n\r\nHTTP/1.1 200 OK\r\n\r\n\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    b"POST /control/eventstream.jpg HTTP/1.1\r\n\r\n{\"method\":\"trigger\"}\0\xff\xeb\x00\x02{\"method\":1}\0",
    b"POST /s HTTP/1.0\r\nContent-Type: application/x-rtsp-tunnelled\r\n\r\nU0VUVVAgcnRzcDovL2NhbS8=",
    b"220 FTP\r\nPORT 10,0,0,1,195,80\r\nEPRT |1|10.0.0.1|5000|\r\n227 (10,0,0,2,200,10)\r\n229 (|||50001|)\r\n",
    b"\x80\x00\x00\x40\0\0\0\x07\0\0\0\0\0\0\0\x02\0\x01\x86\xa3\0\0\0\x03\0\0\0\x03\0\0\0\0\0\0\0\0\0\0\0\x0a10_2_17_34",
    b"\x00\x01\x00\x01\x02\x02\x12net.tcp://a:808/sv\x03\x08\x09\x13application/ssl-tls\x16\x03\x01",
    b"\x10\x0f\x00\x04MQTT\x04\x02\x00\x3c\x00\x03cam",
    b"SETUP rtsp://c/ RTSP/1.0\r\nCSeq: 2\r\nTransport: RTP/SAVP;destination=1.2.3.4;client_port=5-6\r\n\r\n",
    b"INVITE sip:a SIP/2.0\r\nc: application/sdp\r\n\r\nc=IN IP4 1.2.3.4\r\nm=audio 5/2 RTP/AVP 0\r\na=rtcp:9 IN IP4 1.2.3.5\r\n",
    b"\x80\x00\x00\x00\x00\x00\x08\x01\x02\x03\x04\x05\x06\x07\x08\x00\x00\x00\x01",
];
const FIXTURES: [&str; 6] = [
    "dtls12_1.bin",
    "quic_split_0.bin",
    "quic_v2_initial.bin",
    "dtls10_0.bin",
    "quic_q050_initial.bin",
    "gquic_q043_chlo.bin",
];

#[test]
fn faults_in_real_octets_are_survived_over_both_transports() {
    let mut runner = TestRunner::new(Config::with_cases(400));
    let faults = proptest::collection::vec((any::<Index>(), any::<u8>()), 0..12);
    let parts = proptest::collection::vec((any::<bool>(), 1_usize..300), 1..24);
    let which = 0..STARTS.len() + FIXTURES.len();
    let survived =
        runner.run(&(which, faults, parts, any::<bool>()), |(which, faults, parts, from_start)| {
            let start = STARTS.get(which).map(|start| start.to_vec());
            let mut octets = start.unwrap_or_else(|| {
                // Of DTLS without the length in front.
                let name = FIXTURES[which - STARTS.len()];
                fixture(name).split_off(if name.starts_with("dtls") { 2 } else { 0 })
            });
            for (place, octet) in faults {
                let at = place.index(octets.len());
                octets[at] = octet;
            }
            let mut turns: Vec<(Side, Vec<u8>)> = Vec::new();
            let mut rest = octets.as_slice();
            for (client, size) in parts {
                let (part, after) = rest.split_at(size.min(rest.len()));
                turns.push((if client { CLIENT } else { SERVER }, part.to_vec()));
                rest = after;
            }
            turns.push((CLIENT, rest.to_vec()));
            turns.retain(|(_, octets)| !octets.is_empty());
            for (transport, port) in [(Transport::Tcp, 20), (Transport::Tcp, 1883), (Transport::Udp, 443)] {
                let talk = Talk { transport, port, from_start, turns: turns.clone() };
                let _ = talk.in_pieces(usize::MAX, usize::MAX);
                let _ = talk.in_pieces(3, usize::MAX);
            }
            Ok(())
        });
    survived.unwrap();
}
