//! No secret that crosses the wire is ever written: for every protocol that can carry one, a secret of
//! its own is planted where that protocol carries it, and everything that the program writes (report,
//! JSON, flows, metrics, site draft, standard error) is searched for it: as it is, in base64, in
//! hexadecimal, percent-encoded, in UTF-16, and as it stood on the wire.
#![expect(clippy::print_stderr, reason = "says what was skipped")]
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "test helpers")]
#![expect(clippy::arithmetic_side_effects, clippy::as_conversions, reason = "fields of headers")]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;

#[expect(dead_code, reason = "shared with other tests")]
#[path = "../support/dialogue.rs"]
mod dialogue;
mod plants;
#[expect(dead_code, reason = "shared with other tests")]
#[path = "../support/program.rs"]
mod program;
#[expect(dead_code, reason = "shared with other tests")]
#[path = "../support/samples.rs"]
mod samples;

use dialogue::Dialogue;
use dialogue::Wire;
use plants::Plant;
use plants::all;
use plants::utf16;
use samples::dialogue;

/// The client's port of the first plant; each has the next one.
const FIRST_PORT: u16 = 51_000;

fn spoken(plant: &Plant, number: usize) -> Dialogue {
    let mut said = dialogue(plant.name, plant.transport, plant.port, true, plant.turns.clone());
    said.client.1 = FIRST_PORT + number as u16;
    said
}

/// Everything in which a secret could come out.
fn forms(plant: &Plant) -> Vec<String> {
    let mut forms = Vec::new();
    let wide = utf16(&plant.secret);
    for octets in [plant.secret.as_bytes(), &plant.wire, &wide] {
        let digits: String = octets.iter().map(|octet| format!("{octet:02x}")).collect();
        let percent: String = octets.iter().map(|octet| format!("%{octet:02x}")).collect();
        forms.extend([digits.to_uppercase(), percent.to_uppercase(), digits, percent]);
        forms.push(octets.escape_ascii().to_string());
        for shift in 0..3 {
            // Inside something longer: what its neighbours take part in is left out.
            let shifted = [&vec![b'x'; shift][..], octets].concat();
            for text in [STANDARD.encode(&shifted), URL_SAFE_NO_PAD.encode(&shifted)] {
                let text = text.trim_end_matches('=');
                forms.push(text[4.min(text.len())..text.len() - 2].to_owned());
            }
        }
    }
    // Half of it is too much as well.
    forms.push(plant.secret[..9].to_owned());
    forms.sort();
    forms.dedup();
    forms
}

/// What the program writes over this capture, by where it stands.
fn written(capture: &str, site: Option<&str>) -> BTreeMap<&'static str, String> {
    let scratch = program::Scratch::new();
    let (flows, metrics, draft) =
        (scratch.path("flows"), scratch.path("metrics"), scratch.path("draft.toml"));
    let site: Vec<&str> = site.iter().flat_map(|site| ["--site", site]).collect();
    let files = ["--flows", &flows, "--metrics", &metrics, "--write-site", &draft];
    let json = program::camsentry(
        [&["check", "--strict", "--format", "json"][..], &site, &files, &[capture]].concat(),
    );
    let text = program::camsentry([&["check"][..], &site, &[capture]].concat());
    let log = program::camsentry([&["flows"][..], &site, &[capture]].concat());
    let words = |octets: Vec<u8>| String::from_utf8(octets).unwrap();
    let mut all = BTreeMap::new();
    for (name, file) in [("flows", &flows), ("metrics", &metrics), ("draft", &draft)] {
        all.insert(name, fs::read_to_string(file).unwrap());
    }
    for (name, octets) in [
        ("json", json.stdout),
        ("text", text.stdout),
        ("flow log", log.stdout),
        ("stderr of json", json.stderr),
        ("stderr of text", text.stderr),
        ("stderr of flows", log.stderr),
    ] {
        all.insert(name, words(octets));
    }
    all
}

/// The services that the flow log names, by the client's port.
fn services(flows: &str) -> BTreeMap<u64, String> {
    let records = flows.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let named = records.flat_map(|record| {
        let service = record["service"].as_str().unwrap_or_default().to_owned();
        [record["id.orig_p"].as_u64(), record["id.resp_p"].as_u64()]
            .map(|port| (port.unwrap_or(0), service.clone()))
    });
    named.collect()
}

#[test]
fn no_secret_of_any_protocol_comes_out_in_any_form() {
    let plants = all();
    let mut wire = Wire::default();
    for (number, plant) in plants.iter().enumerate() {
        let said = spoken(plant, number);
        wire.send(&said, &said.plain());
    }
    let octets = wire.into_capture();
    let scratch = program::Scratch::new();
    let capture = scratch.path("planted.pcap");
    fs::write(&capture, &octets).unwrap();
    for plant in &plants {
        let is_there = memchr::memmem::find(&octets, &plant.wire).is_some();
        assert!(is_there, "the secret of {} did not reach the wire", plant.name);
    }
    let site = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/captures/mixed-planted/site.toml");
    let mut wrong = Vec::new();
    for site in [None, site.to_str()] {
        let written = written(&capture, site);
        let services = services(&written["flows"]);
        for (number, plant) in plants.iter().enumerate() {
            let service = services.get(&(u64::from(FIRST_PORT) + number as u64));
            if service.map(String::as_str) != Some(plant.service) {
                wrong.push(format!("{} is called {service:?}, not {:?}", plant.name, plant.service));
            }
            for form in forms(plant) {
                for (place, text) in &written {
                    if text.contains(&form) {
                        wrong.push(format!("{}: {place} holds {form}", plant.name));
                    }
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{} of {} plants:\n{}", wrong.len(), plants.len(), wrong.join("\n"));
    assert!(plants.len() >= 55, "{}", plants.len());
}

#[test]
fn a_secret_would_be_found_in_any_form() {
    let plants = all();
    let plant = &plants[0];
    let holds = |text: &str| forms(plant).iter().any(|form| text.contains(form));
    let secret = plant.secret.as_bytes();
    for before in ["", "a", "ab", "admin:"] {
        let longer = [before.as_bytes(), secret, b":end"].concat();
        assert!(holds(&STANDARD.encode(&longer)) && holds(&URL_SAFE_NO_PAD.encode(&longer)), "{before}");
        let digits: String = longer.iter().map(|octet| format!("{octet:02x}")).collect();
        assert!(holds(&digits) && holds(&digits.to_uppercase()));
        assert!(holds(&longer.iter().map(|octet| format!("%{octet:02X}")).collect::<String>()));
        assert!(holds(&String::from_utf8(longer).unwrap()));
    }
    assert!(!holds("Zq7v, and nothing else"));
}
