//! What the flow log says beside the carrier.

use std::env;
use std::path::Path;

use serde_json::Value;
use serde_json::json;

use crate::program::camsentry;
use crate::program::text;

/// `details` of the flows of `capture` to this port, in their order.
fn details(capture: &str, site: &[&str], port: u16) -> Vec<Value> {
    let log = camsentry([&["flows"], site, &[capture]].concat()).stdout;
    let flows = String::from_utf8(log).unwrap();
    let flows = flows.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let of_port = flows.filter(|flow| flow.get("id.resp_p") == Some(&json!(port)));
    of_port.filter_map(|flow| flow.get("details").cloned()).collect()
}

#[test]
fn a_session_of_rtsp_tells_its_methods_errors_codecs_and_how_it_authenticates() {
    // The scene: a recorder asks a camera twice, is challenged with Digest in between, and plays.
    let demo = "fixtures/captures/demo";
    let told = details(&format!("{demo}/capture.pcap"), &["--site", &format!("{demo}/site.toml")], 554);
    let expected = json!({
        "auth": ["digest"],
        "rtsp_methods": ["OPTIONS", "DESCRIBE", "SETUP", "PLAY", "TEARDOWN"],
        "rtsp_errors": [401],
        "codecs": ["H264"],
    });
    assert_eq!(told.first(), Some(&expected));
}

#[test]
fn a_real_session_tells_what_tshark_lists_of_it() {
    let Some(shared) = env::var_os("CAMSENTRY_CAPTURES") else {
        return eprintln!("skipped: CAMSENTRY_CAPTURES is not set");
    };
    let capture = text(&Path::new(&shared).join("real/rtsp_live555_8554.pcap"));
    // tshark -Y rtsp -T fields -e rtsp.method -e rtsp.status: no status above 206.
    let expected = json!({
        "rtsp_methods": ["DESCRIBE", "SETUP", "PLAY", "TEARDOWN"],
        "codecs": ["H264", "MPEG4-GENERIC"],
    });
    assert_eq!(details(&capture, &[], 8554), [expected]);
}
