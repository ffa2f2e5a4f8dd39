//! Reads `truth.json` of a folder of captures. What is not there is taken for not known: other tools
//! and other captures fill other fields.

use std::collections::BTreeSet;
use std::error::Error;
use std::fs;
use std::net::IpAddr;
use std::path::Path;

use camsentry::flow::FlowKey;
use camsentry::service::Transport;
use serde_json::Value;

/// What is said of one capture.
pub(crate) struct TruthFile {
    /// Its name in the folder.
    pub(crate) name: String,
    /// Its conversations may be held against ours.
    pub(crate) is_classified: bool,
    /// The conversations.
    pub(crate) conversations: Vec<Conversation>,
    /// Records that could not be read.
    pub(crate) unread: usize,
}

/// What is said of one innermost 5-tuple.
pub(crate) struct Conversation {
    /// The 5-tuple.
    pub(crate) key: FlowKey,
    /// `client > server`, for people.
    pub(crate) ends: String,
    /// What the tool recognised; empty if nothing.
    pub(crate) labels: BTreeSet<String>,
    /// What it recognised first of all.
    pub(crate) main: Option<String>,
    /// Octets of payload, both ways; `None` if the file does not say.
    pub(crate) payload: Option<u64>,
}

/// Everything that `truth.json` of this folder says.
pub(crate) fn read(folder: &Path) -> Result<Vec<TruthFile>, Box<dyn Error>> {
    let path = folder.join("truth.json");
    let text = fs::read(&path).map_err(|fault| format!("{}: {fault}", path.display()))?;
    let truth: Value =
        serde_json::from_slice(&text).map_err(|fault| format!("{}: {fault}", path.display()))?;
    let files = truth.get("files").and_then(Value::as_object);
    let files = files.ok_or_else(|| format!("{}: has no object `files`", path.display()))?;
    Ok(files.iter().map(|(name, file)| file_of(name, file)).collect())
}

fn file_of(name: &str, file: &Value) -> TruthFile {
    let list = |field: &str| file.get(field).and_then(Value::as_array).cloned().unwrap_or_default();
    let hand = list("hand");
    let records = list("conversations");
    let conversations: Vec<Conversation> =
        records.iter().filter_map(|one| conversation_of(one, &hand)).collect();
    TruthFile {
        name: name.to_owned(),
        is_classified: file.get("use").and_then(Value::as_str).is_none_or(|r#use| r#use != "robust"),
        unread: records.len().saturating_sub(conversations.len()),
        conversations,
    }
}

fn conversation_of(one: &Value, hand: &[Value]) -> Option<Conversation> {
    let end = |side: &str| {
        let addr: IpAddr = one.get(format!("{side}_ip"))?.as_str()?.parse().ok()?;
        Some((addr, u16::try_from(one.get(format!("{side}_port"))?.as_u64()?).ok()?))
    };
    let (client, server) = (end("client")?, end("server")?);
    let transport = match one.get("proto")?.as_str()? {
        "tcp" => Transport::Tcp,
        "udp" => Transport::Udp,
        "sctp" => Transport::Sctp,
        _ => return None,
    };
    let (key, _) = FlowKey::canonical((client.0.into(), client.1), (server.0.into(), server.1), transport, 0);
    let by_hand: Vec<String> = hand.iter().filter_map(|label| label_by_hand(label, &key)).collect();
    let main = one.get("app").and_then(Value::as_str).map(str::to_owned).or_else(|| by_hand.first().cloned());
    let apps = one.get("apps").and_then(Value::as_object);
    let by_tool = apps.into_iter().flatten().map(|(app, _)| app.clone());
    Some(Conversation {
        key,
        ends: format!("{transport} {} > {}", shown(client), shown(server)),
        labels: by_tool.chain(by_hand).chain(main.clone()).collect(),
        main,
        payload: one.get("payload_bytes").and_then(Value::as_u64),
    })
}

/// What somebody said by hand of a conversation with this port.
fn label_by_hand(label: &Value, key: &FlowKey) -> Option<String> {
    let about = label.get("match")?;
    let proto = about.get("proto").and_then(Value::as_str);
    let port = about.get("port").and_then(Value::as_u64);
    let is_it = proto.is_none_or(|proto| proto == key.transport.to_string())
        && port.is_some_and(|port| [u64::from(key.a_port), u64::from(key.b_port)].contains(&port));
    let app = label.get("app")?.as_str()?;
    is_it.then(|| app.to_owned())
}

fn shown((addr, port): (IpAddr, u16)) -> String {
    if addr.is_ipv6() { format!("[{addr}]:{port}") } else { format!("{addr}:{port}") }
}
