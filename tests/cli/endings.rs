//! Exit codes: 0 conforms, 1 violations, 2 could not do the job; 2 wins.

use std::fs;

use crate::program::Scratch;
use crate::program::camsentry;

const DEMO: &str = "fixtures/captures/demo/capture.pcap";
const SITE: &str = "fixtures/captures/demo/site.toml";

fn code(args: &[&str]) -> Option<i32> {
    camsentry(args).status.code()
}

#[test]
fn a_clean_site_ends_with_0_and_a_violating_one_with_1() {
    let check = |name: &str| {
        let folder = format!("fixtures/captures/{name}");
        code(&["check", "--site", &format!("{folder}/site.toml"), &format!("{folder}/capture.pcap")])
    };
    for name in ["all-in-one", "mixed", "mobotix", "xprotect"] {
        assert_eq!(check(&format!("{name}-clean")), Some(0), "{name}");
        assert_eq!(check(&format!("{name}-planted")), Some(1), "{name}");
    }
    assert_eq!(check("demo"), Some(1));
}

#[test]
fn the_flow_log_alone_passes_no_judgement() {
    assert_eq!(code(&["flows", "--site", SITE, DEMO]), Some(0));
}

#[test]
fn a_broken_capture_gives_all_before_the_break_says_where_and_ends_with_2() {
    let scratch = Scratch::new();
    let whole = fs::read(DEMO).unwrap();
    let broken = scratch.path("broken.pcap");
    fs::write(&broken, &whole[..whole.len() - 7]).unwrap();
    let ran = camsentry(["check", "--site", SITE, "--format", "json", &broken]);
    assert_eq!(ran.status.code(), Some(2), "2 wins over the violations that were found");
    let said = String::from_utf8(ran.stderr).unwrap();
    assert!(said.contains("broken.pcap") && said.contains("at octet"), "{said}");
    let result = String::from_utf8(ran.stdout).unwrap();
    let summary: serde_json::Value = serde_json::from_str(result.lines().last().unwrap()).unwrap();
    assert_eq!(summary["complete"], false);
    assert_eq!(summary["faults"].as_array().unwrap().len(), 1);
    // The paper of the demo counts 663 packets (capinfos); the last one is cut.
    assert_eq!(summary["packets"]["read"], 662);
    assert!(result.lines().count() > 10, "what was read was judged");
}

#[test]
fn what_is_no_capture_is_named_and_ends_with_2() {
    let ran = camsentry(["check", "--site", SITE, "README.md", DEMO]);
    assert_eq!(ran.status.code(), Some(2));
    let said = String::from_utf8(ran.stderr).unwrap();
    assert!(said.contains("README.md"), "{said}");
    assert_eq!(code(&["check", "--site", SITE, "no-such-file.pcap"]), Some(2));
    assert_eq!(code(&["check", "--site", "no-such-site.toml", DEMO]), Some(2));
    assert_eq!(code(&["check", "--rules", "src", DEMO]), Some(2), "a folder without packs");
}

#[test]
fn a_broken_site_file_gives_all_its_faults_at_once_with_their_places() {
    let scratch = Scratch::new();
    let site = scratch.path("site.toml");
    let text = "name = \"Broken\"\n\
        monitored = [\"10.20.0.0/16\", \"10.999.0.0/16\"]\n\
        \n\
        [[zone]]\n\
        name = \"xprotect\"\n\
        networks = [\"10.20.0.0/24\"]\n\
        packs = [\"xprotekt\"]\n\
        \n\
        [[host]]\n\
        address = \"10.20.0.17\"\n\
        roles = [\"kamera\"]\n";
    fs::write(&site, text).unwrap();
    let ran = camsentry(["check", "--site", &site, DEMO]);
    assert_eq!(ran.status.code(), Some(2));
    assert!(ran.stdout.is_empty(), "nothing was audited");
    let said = String::from_utf8(ran.stderr).unwrap();
    // Lines and columns as an editor counts them.
    for place in ["2:30", "7:10", "11:10"] {
        assert!(said.contains(&format!("site.toml:{place}")), "{place}\n{said}");
    }
    for fix in ["xprotect", "camera"] {
        assert!(said.contains(fix), "the way out is said: {fix}\n{said}");
    }
}

#[test]
fn an_output_that_cannot_be_written_ends_with_2() {
    for option in ["--flows", "--metrics", "--write-site"] {
        let ran = camsentry(["check", "--site", SITE, option, "/nonexistent/folder/file", DEMO]);
        assert_eq!(ran.status.code(), Some(2), "{option}");
        assert!(String::from_utf8(ran.stderr).unwrap().contains("/nonexistent/folder/file"), "{option}");
    }
}

#[test]
fn strict_makes_violations_of_advice() {
    let check = |options: &[&str]| {
        let folder = "fixtures/captures/mobotix-clean";
        let (site, capture) = (format!("{folder}/site.toml"), format!("{folder}/capture.pcap"));
        let ran = camsentry([&["check", "--site", &*site, &*capture], options].concat());
        (ran.status.code(), String::from_utf8(ran.stdout).unwrap())
    };
    let (ending, report) = check(&[]);
    assert_eq!(ending, Some(0));
    assert!(report.contains("ADVICE"), "plain event streams are advised against\n{report}");
    let (ending, report) = check(&["--strict"]);
    assert_eq!(ending, Some(1));
    assert!(report.contains("MEDIUM cleartext"), "{report}");
}

#[test]
fn rules_end_as_they_should() {
    assert_eq!(code(&["rules", "list"]), Some(0));
    assert_eq!(code(&["rules", "list", "--format", "json"]), Some(0));
    assert_eq!(code(&["rules", "show", "XP22"]), Some(0));
    assert_eq!(code(&["rules", "show", "XP2200"]), Some(2));
    assert_eq!(code(&["rules", "lint"]), Some(0));
    assert_eq!(code(&["rules", "lint", "--site", SITE]), Some(0));
    assert_eq!(code(&["rules", "test"]), Some(0));
}
