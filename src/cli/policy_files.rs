//! Reads rule packs and the site file from disk and makes the policy; shows all their faults at once.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use sha2::Digest;
use sha2::Sha256;

use crate::cli::args::PolicyArgs;
use crate::cli::output;
use crate::cli::output::Trouble;
use crate::inventory::site::Site;
use crate::inventory::site_file::Known;
use crate::inventory::site_file::read_site;
use crate::policy::diagnostic::Diagnostic;
use crate::policy::diagnostic::Gravity;
use crate::policy::diagnostic::SourceText;
use crate::policy::diagnostic::render_all;
use crate::policy::file::PackFile;
use crate::policy::force::Policy;
use crate::policy::packs;
use crate::policy::rule::Pack;

/// Largest rule or site file that is read, in octets. The shipped packs together have 80 kB.
const TEXT_CAP: u64 = 4 * 1024 * 1024;

/// Everything that was read, still with its places.
#[derive(Debug)]
pub struct PolicyFiles {
    /// The packs.
    pub packs: Vec<PackFile>,
    /// The site and its text, if there is one.
    pub site: Option<(Arc<Site>, SourceText)>,
    /// Identifies the texts.
    pub hash: u64,
    /// Warnings that do not stop the work.
    pub warnings: Vec<Diagnostic>,
}

impl PolicyFiles {
    /// Reads what the arguments name; the built-in packs if they name none.
    ///
    /// # Errors
    ///
    /// If a file cannot be read, or has faults: then all of them, drawn.
    pub fn read(args: &PolicyArgs) -> Result<Self, Trouble> {
        let texts = match &args.rules {
            Some(folder) => texts_of(folder)?,
            None => packs::shipped_texts(),
        };
        let mut hash = Sha256::new();
        texts.iter().for_each(|text| hash.update(&text.text));
        let packs = packs::load(&texts).map_err(|faults| faults_of(&faults, &texts))?;
        let mut files = Self { packs, site: None, hash: 0, warnings: Vec::new() };
        if let Some(path) = &args.site {
            let source = text_of(path)?;
            hash.update(&source.text);
            let packs: Vec<Pack> = files.packs.iter().map(|file| file.pack.clone()).collect();
            let known = Known::of(&packs);
            let reading = read_site(&source, &known);
            let Some(site) = reading.site else {
                return Err(faults_of(&reading.diagnostics, std::slice::from_ref(&source)));
            };
            files.warnings = reading.diagnostics;
            files.site = Some((site, source));
        }
        let digest = hash.finalize();
        files.hash = digest.iter().take(8).fold(0, |sum, octet| sum << 8 | u64::from(*octet));
        Ok(files)
    }

    /// Draws the warnings on standard error.
    pub fn warn(&self) {
        let sources: Vec<SourceText> = self.site.iter().map(|(_, source)| source.clone()).collect();
        output::draw(&render_all(&self.warnings, &sources, output::colour_err()));
    }

    /// The site alone.
    pub fn site(&self) -> Option<Arc<Site>> {
        self.site.as_ref().map(|(site, _)| Arc::clone(site))
    }

    /// The policy of these files.
    pub fn policy(self, strict: bool) -> Policy {
        let site = self.site();
        Policy::new(packs::packs_of(self.packs), site, strict, self.hash)
    }
}

/// All faults of these texts, drawn.
pub(super) fn faults_of(faults: &[Diagnostic], sources: &[SourceText]) -> Trouble {
    let drawn = render_all(faults, sources, output::colour_err());
    let errors = faults.iter().filter(|fault| fault.gravity == Gravity::Error).count();
    let noun = if errors == 1 { "fault" } else { "faults" };
    Trouble::Faults(format!("{errors} {noun} in the rules or the site file:\n\n{}", drawn.trim_end()))
}

/// Reads one file of rules or of a site.
pub(super) fn text_of(path: &Path) -> Result<SourceText, Trouble> {
    let trouble = |error| Trouble::Read { path: path.to_owned(), error };
    let size = fs::metadata(path).map_err(trouble)?.len();
    if size > TEXT_CAP {
        let problem =
            format!("{} has {size} octets; rule and site files have at most {TEXT_CAP}", path.display());
        return Err(Trouble::Other(problem));
    }
    let text = fs::read_to_string(path).map_err(trouble)?;
    Ok(SourceText { name: path.display().to_string(), text })
}

/// The `*.toml` files of a folder, by name.
fn texts_of(folder: &Path) -> Result<Vec<SourceText>, Trouble> {
    let trouble = |error| Trouble::Read { path: folder.to_owned(), error };
    let mut paths = Vec::new();
    for entry in fs::read_dir(folder).map_err(trouble)? {
        let path = entry.map_err(trouble)?.path();
        if path.extension().is_some_and(|extension| extension == "toml") {
            paths.push(path);
        }
    }
    paths.sort();
    if paths.is_empty() {
        return Err(Trouble::Other(format!("{} holds no rule pack (*.toml)", folder.display())));
    }
    paths.iter().map(|path| text_of(path)).collect()
}
