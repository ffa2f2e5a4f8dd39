//! The packs in force: those that are compiled into the program, or texts from elsewhere in their
//! place.

use std::sync::Arc;

use crate::policy::diagnostic::Diagnostic;
use crate::policy::diagnostic::SourceText;
use crate::policy::file::PackFile;
use crate::policy::file::read_pack;
use crate::policy::rule::Pack;

/// The packs of the program, in the order in which their rules are tried.
const SHIPPED: &[(&str, &str)] = &[
    ("rules/xprotect.toml", include_str!("../../rules/xprotect.toml")),
    ("rules/mobotix.toml", include_str!("../../rules/mobotix.toml")),
    ("rules/base.toml", include_str!("../../rules/base.toml")),
];

/// The texts of the packs that are compiled into the program.
pub fn shipped_texts() -> Vec<SourceText> {
    SHIPPED
        .iter()
        .map(|(name, text)| SourceText { name: (*name).to_owned(), text: (*text).to_owned() })
        .collect()
}

/// The text of the worked examples of these packs.
pub fn shipped_examples() -> SourceText {
    let text = include_str!("../../rules/examples/cases.toml").to_owned();
    SourceText { name: "rules/examples/cases.toml".to_owned(), text }
}

/// The packs that are compiled into the program. A test proves that none of them has a fault.
pub fn shipped() -> Vec<Pack> {
    load(&shipped_texts()).map(packs_of).unwrap_or_default()
}

/// Reads these texts as packs, in this order, those that are in force everywhere last: a vendor's rule
/// is to be named before that of every network.
///
/// # Errors
/// All faults of all texts; among them packs and rules whose ids are used in two files.
pub fn load(texts: &[SourceText]) -> Result<Vec<PackFile>, Vec<Diagnostic>> {
    let (mut files, mut faults) = (Vec::new(), Vec::new());
    for text in texts {
        match read_pack(text) {
            Ok(file) => files.push(file),
            Err(of_file) => faults.extend(of_file),
        }
    }
    refuse_clashes(&files, &mut faults);
    files.sort_by_key(|file| file.pack.everywhere);
    if faults.is_empty() { Ok(files) } else { Err(faults) }
}

/// The packs without their places.
pub fn packs_of(files: Vec<PackFile>) -> Vec<Pack> {
    files.into_iter().map(|file| file.pack).collect()
}

/// Every feature that a rule of these packs asks for, with its sentence.
pub fn features_of<'p>(packs: impl IntoIterator<Item = &'p Pack>) -> Vec<(Arc<str>, Arc<str>)> {
    packs.into_iter().flat_map(|pack| pack.features.iter().cloned()).collect()
}

fn refuse_clashes(files: &[PackFile], faults: &mut Vec<Diagnostic>) {
    for (index, file) in files.iter().enumerate() {
        for earlier in files.iter().take(index) {
            if earlier.pack.id == file.pack.id {
                let message = format!("the pack `{}` is also in {}", file.pack.id, earlier.source.name);
                let help = Some("give one of them another id, or take one file away".to_owned());
                faults.push(Diagnostic::error(&file.source, 0..0, message, "second pack of this name", help));
            }
            for (id, place) in &file.places {
                if earlier.places.iter().any(|(known, _)| known == id) {
                    let message = format!("the id `{id}` is also used in {}", earlier.source.name);
                    let help = Some("ids are unique over all packs: give one of them another".to_owned());
                    faults.push(Diagnostic::error(&file.source, place.clone(), message, "used twice", help));
                }
            }
        }
    }
}
