//! The truth about `real` of the shared captures, as tshark told it (`truth.json`), and labels by hand.
#![expect(clippy::indexing_slicing, reason = "fields of a known document")]

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::path::Path;
use std::path::PathBuf;

use camsentry::flow::FlowKey;
use camsentry::flow::Side;
use camsentry::service::Transport;
use serde_json::Value;

/// What is true of one capture.
pub(crate) struct TruthFile {
    pub(crate) name: String,
    pub(crate) path: PathBuf,
    /// Packets and octets on the wire.
    pub(crate) totals: (u64, u64),
    /// Some packets came in fragments: tshark counts each for itself, and only the last for the conversation.
    pub(crate) has_fragments: bool,
    /// Only the totals may be asserted.
    pub(crate) is_robust_only: bool,
    pub(crate) conversations: Vec<Conversation>,
}

/// What is true of one innermost 5-tuple.
pub(crate) struct Conversation {
    pub(crate) key: FlowKey,
    pub(crate) client: Side,
    /// The client is a fact (a SYN or SYN-ACK was seen), no guess.
    pub(crate) is_client_proved: bool,
    /// Packets and octets on the wire.
    pub(crate) totals: (u64, u64),
    /// What is spoken, in tshark's words or by hand; empty if nothing was recognised.
    pub(crate) apps: BTreeSet<String>,
    pub(crate) has_payload: bool,
    /// The TLS version that the server chose, as `TLS 1.2`.
    pub(crate) tls_version: Option<String>,
    /// The server name that the client gave.
    pub(crate) sni: Option<String>,
}

/// Two labels of tshark are wrong, as the octets show; what is right instead.
///
/// It hands TCP port 1080 to its SOCKS dissector whatever comes: the two segments there are a request
/// and its response of DCE/RPC (`05 00 00 83`, `05 00 02 03`, call 78428 in both), which tshark says
/// too when told to decode the port so. And it guesses DCE/RPC for the datagrams of UDP port 33000,
/// whose interface, sequence number and length are all zero, and which the other end answers in 22
/// octets where that protocol's header alone has 80: a PLC's own protocol.
const DISPUTED: &[(&str, u16, &str, Option<&str>)] = &[
    ("ics_lab_tds_http.pcap", 1080, "socks", Some("dcerpc")),
    ("ics_lab_tds_http.pcap", 33000, "dcerpc", None),
];

/// The truth about every capture of `folder`.
pub(crate) fn read(folder: &Path) -> Vec<TruthFile> {
    let text = std::fs::read(folder.join("truth.json")).unwrap();
    let truth: Value = serde_json::from_slice(&text).unwrap();
    let files = truth["files"].as_object().unwrap();
    files.iter().map(|(name, file)| file_of(folder, name, file)).collect()
}

fn file_of(folder: &Path, name: &str, file: &Value) -> TruthFile {
    let hand = file["hand"].as_array().cloned().unwrap_or_default();
    let conversations = file["conversations"].as_array().unwrap();
    TruthFile {
        name: name.to_owned(),
        path: folder.join(name),
        totals: totals_of(file),
        has_fragments: number(file, "ip_fragments") > 0,
        is_robust_only: file["use"] == "robust",
        conversations: conversations.iter().map(|one| settled(name, conversation_of(one, &hand))).collect(),
    }
}

/// With the wrong labels put right.
fn settled(file: &str, mut conversation: Conversation) -> Conversation {
    let key = conversation.key;
    for (of, port, wrong, right) in DISPUTED {
        let is_it = *of == file && [key.a_port, key.b_port].contains(port);
        if is_it && conversation.apps.remove(*wrong) {
            conversation.apps.extend(right.map(str::to_owned));
        }
    }
    conversation
}

/// Packets and octets on the wire.
///
/// tshark 4.0 numbers pcapng custom blocks as frames although they are no packets: they have no
/// interface, no link type and no time; capinfos of the same release does not count them. One
/// capture has three, of 116 octets.
fn totals_of(file: &Value) -> (u64, u64) {
    let blocks = &file["container"]["blocks"];
    let custom: u64 = ["0xbad", "0x40000bad"].iter().filter_map(|kind| blocks[*kind].as_u64()).sum();
    let custom_octets = if custom == 3 { 116 } else { 0 };
    (number(file, "packets") - custom, number(file, "bytes_wire") - custom_octets)
}

fn conversation_of(one: &Value, hand: &[Value]) -> Conversation {
    let end = |side: &str| {
        let addr: IpAddr = one[format!("{side}_ip")].as_str().unwrap().parse().unwrap();
        (addr.into(), u16::try_from(number(one, &format!("{side}_port"))).unwrap())
    };
    let transport = if one["proto"] == "tcp" { Transport::Tcp } else { Transport::Udp };
    let (key, client) = FlowKey::canonical(end("client"), end("server"), transport, 0);
    let labels = hand.iter().filter(|label| {
        let port = number(&label["match"], "port");
        label["match"]["proto"] == one["proto"]
            && [u64::from(key.a_port), u64::from(key.b_port)].contains(&port)
    });
    let by_hand = labels.map(|label| label["app"].as_str().unwrap().to_owned());
    let by_tshark = one["apps"].as_object().into_iter().flatten().map(|(app, _)| app.clone());
    Conversation {
        key,
        client,
        is_client_proved: one["role_by"] == "syn" || one["role_by"] == "synack",
        totals: (number(one, "packets"), number(one, "bytes")),
        apps: by_tshark.chain(by_hand).collect(),
        has_payload: number(one, "payload_bytes") > 0,
        tls_version: first(&one["tls_negotiated"]).map(|version| version.replace("TLS", "TLS ")),
        sni: first(&one["sni"]),
    }
}

fn first(list: &Value) -> Option<String> {
    list.get(0).and_then(Value::as_str).map(str::to_owned)
}

fn number(value: &Value, field: &str) -> u64 {
    value[field].as_u64().unwrap()
}
