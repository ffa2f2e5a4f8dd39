//! No credential that crosses the wire occurs in anything that is printed or written.

use std::fs;

use crate::program::Scratch;
use crate::program::subjects;

/// What `fixtures/writer` puts in as credentials, in the forms in which they could come out.
const PLANTED: [&str; 9] = [
    // Basic: `viewer:fixture`, and the maker's documented password.
    "dmlld2VyOmZpeHR1cmU=",
    "viewer:fixture",
    "YWRtaW46bWVpbnNt",
    "meinsm",
    // Digest of RTSP, and the client's nonce of HTTP.
    "6629fae49393a05397450978507c4ef1",
    "0a4f113b",
    // A bearer token, ImageServer's connection token and password.
    "fixture.fixture.fixture",
    "TOKEN-fixture",
    "<password>",
];

/// Words behind `Authorization: SCHEME ` and quoted answers of Digest, wherever they stand in a capture.
fn credentials_in(capture: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(capture);
    let mut found = Vec::new();
    for rest in text.split("Authorization: ").skip(1) {
        let line = rest.split(['\r', '\n']).next().unwrap_or_default();
        let Some((scheme, value)) = line.split_once(' ') else {
            continue;
        };
        if scheme == "Digest" {
            let answers = value.split(", ").filter_map(|part| part.strip_prefix("response=\""));
            found.extend(answers.map(|answer| answer.trim_end_matches('"').to_owned()));
        } else {
            found.push(value.to_owned());
        }
    }
    found.retain(|word| word.len() > 7);
    found
}

#[test]
fn no_credential_comes_out_again() {
    let mut planted = 0;
    let mut found = 0;
    for subject in subjects() {
        let scratch = Scratch::new();
        let (flows, metrics) = (scratch.path("flows"), scratch.path("metrics"));
        let written = subject.check(&["--format", "json", "--flows", &flows, "--metrics", &metrics]);
        let mut printed = subject.check(&[]).stdout;
        printed.extend(written.stdout);
        printed.extend(written.stderr);
        printed.extend(fs::read(&flows).unwrap());
        printed.extend(fs::read(&metrics).unwrap());
        let printed = String::from_utf8(printed).unwrap();
        let capture = fs::read(&subject.capture).unwrap();
        for word in PLANTED {
            planted += usize::from(String::from_utf8_lossy(&capture).contains(word));
            assert!(!printed.contains(word), "{}: {word}", subject.capture);
        }
        for word in credentials_in(&capture) {
            found += 1;
            assert!(!printed.contains(&word), "{}: {word}", subject.capture);
        }
    }
    assert!(planted > 9 && found > 9, "credentials are in the captures: {planted}, {found}");
}
