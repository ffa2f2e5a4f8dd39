//! What the package brings fits the program. Whether it can be installed is tried by packaging/build-deb.sh.

use std::env::temp_dir;
use std::fs;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;
use std::process::Output;

use crate::Test;

pub(crate) const TESTS: &[Test] = &[
    ("shells_complete_every_command", shells_complete_every_command),
    ("every_command_has_a_manual_page_that_man_can_show", every_command_has_a_manual_page),
    ("the_unit_is_understood_and_asks_for_little", the_unit_is_understood_and_asks_for_little),
    ("the_example_site_has_no_faults", the_example_site_has_no_faults),
    ("the_package_holds_what_its_list_names", the_package_holds_what_its_list_names),
];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn camsentry(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_camsentry")).args(arguments).output().unwrap()
}

fn printed(arguments: &[&str]) -> String {
    let output = camsentry(arguments);
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// The commands that `--help` lists.
fn commands() -> Vec<String> {
    let help = printed(&["--help"]);
    let lines = help.lines().skip_while(|line| *line != "Commands:").skip(1);
    let names = lines.take_while(|line| !line.is_empty()).filter_map(|line| line.split_whitespace().next());
    names.filter(|name| *name != "help").map(str::to_owned).collect()
}

fn shells_complete_every_command() {
    for shell in ["bash", "zsh", "fish"] {
        let script = printed(&["completions", shell]);
        for command in commands() {
            assert!(script.contains(&command), "{shell}: {command}");
        }
        let file = temp_dir().join(format!("camsentry-{}.{shell}", std::process::id()));
        fs::write(&file, script).unwrap();
        // The shell itself says whether it can read the script.
        match Command::new(shell).arg("-n").arg(&file).output() {
            Ok(read) => assert!(read.status.success(), "{}", String::from_utf8_lossy(&read.stderr)),
            Err(_) => println!("skipped: {shell} is not here to read its completions"),
        }
        fs::remove_file(file).unwrap();
    }
}

fn every_command_has_a_manual_page() {
    let folder = temp_dir().join(format!("camsentry-man-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    printed(&["man", "--out", folder.to_str().unwrap()]);
    let mut pages: Vec<PathBuf> = fs::read_dir(&folder).unwrap().map(|file| file.unwrap().path()).collect();
    pages.sort();
    let names: Vec<_> = pages.iter().map(|page| page.file_stem().unwrap().to_str().unwrap()).collect();
    assert!(names.contains(&"camsentry"), "{names:?}");
    for command in commands() {
        assert!(names.contains(&format!("camsentry-{command}").as_str()), "{command}: {names:?}");
    }
    assert_eq!(printed(&["man"]), fs::read_to_string(folder.join("camsentry.1")).unwrap());
    match Command::new("mandoc").args(["-T", "lint", "-W", "error"]).args(&pages).output() {
        Ok(read) => assert!(read.status.success(), "{}", String::from_utf8_lossy(&read.stdout)),
        Err(_) => println!("skipped: mandoc is not here to read the manual pages"),
    }
    fs::remove_dir_all(folder).unwrap();
}

fn the_unit_is_understood_and_asks_for_little() {
    let unit = fs::read_to_string(root().join("packaging/debian/camsentry.service")).unwrap();
    // systemd looks for the program where the unit says it is.
    let unit = unit.replace("/usr/bin/camsentry", env!("CARGO_BIN_EXE_camsentry"));
    let folder = temp_dir().join(format!("camsentry-unit-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    let file = folder.join("camsentry.service");
    fs::write(&file, unit).unwrap();
    let ask = |arguments: &[&str]| Command::new("systemd-analyze").args(arguments).arg(&file).output();
    match ask(&["verify", "--man=no"]) {
        Ok(verified) => {
            let said = String::from_utf8_lossy(&verified.stderr).into_owned();
            assert!(verified.status.success() && !said.contains("camsentry.service"), "{said}");
            // In tenths: at most 1.6, where a unit without protection has 9.6.
            let rated = ask(&["security", "--offline=true", "--threshold=16"]).unwrap();
            let said = String::from_utf8_lossy(&rated.stdout).into_owned();
            println!("{}", said.lines().last().unwrap_or_default());
            assert!(rated.status.success(), "{said}");
        }
        Err(_) => println!("skipped: systemd-analyze is not here to read the unit"),
    }
    fs::remove_dir_all(folder).unwrap();
}

fn the_example_site_has_no_faults() {
    let site = root().join("packaging/debian/site.toml");
    printed(&["rules", "lint", "--site", site.to_str().unwrap()]);
}

fn the_package_holds_what_its_list_names() {
    let text = fs::read_to_string(root().join("Cargo.toml")).unwrap();
    let manifest: toml::Table = text.parse().unwrap();
    let package = &manifest["package"]["metadata"]["deb"];
    for asset in package["assets"].as_array().unwrap() {
        let source = asset[0].as_str().unwrap();
        // What is under target/ is made by packaging/build-deb.sh, and tested above.
        let (folder, name) = source.rsplit_once('/').unwrap();
        let is_there = match name.strip_prefix('*') {
            Some(end) => fs::read_dir(root().join(folder)).is_ok_and(|mut files| {
                files.any(|file| file.unwrap().file_name().to_str().unwrap().ends_with(end))
            }),
            None => root().join(source).is_file(),
        };
        assert!(is_there || source.starts_with("target/"), "{source}");
    }
    let first = fs::read_to_string(root().join("packaging/debian/changelog")).unwrap();
    let version = manifest["package"]["version"].as_str().unwrap();
    assert!(first.starts_with(&format!("camsentry ({version}-1) ")), "{first}");
}
