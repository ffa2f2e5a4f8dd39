//! The committed sites, and audits of changed captures of them.

use std::fs;
use std::io::Cursor;
use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use camsentry::capture::captures::Captures;
use camsentry::event::Event;
use camsentry::inventory::Inventory;
use camsentry::inventory::site_file::Known;
use camsentry::inventory::site_file::read_site;
use camsentry::judge::Judge;
use camsentry::judge::JudgeSettings;
use camsentry::judge::audit::Audit;
use camsentry::pipeline::audit::Auditor;
use camsentry::pipeline::control::Control;
use camsentry::pipeline::offline;
use camsentry::pipeline::settings::PipelineSettings;
use camsentry::policy::diagnostic::SourceText;
use camsentry::policy::force::Policy;
use camsentry::policy::packs;

use crate::frames::Savefile;

/// One folder of `fixtures/captures`.
pub(crate) struct Fixture {
    pub(crate) name: String,
    pub(crate) capture: Vec<u8>,
    pub(crate) policy: Arc<Policy>,
}

/// All folders whose name ends so.
pub(crate) fn fixtures(ending: &str) -> Vec<Fixture> {
    let captures = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/captures");
    let mut fixtures: Vec<Fixture> = fs::read_dir(captures)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|folder| folder.file_name().unwrap().to_string_lossy().ends_with(ending))
        .map(|folder| Fixture {
            name: folder.file_name().unwrap().to_string_lossy().into_owned(),
            capture: fs::read(folder.join("capture.pcap")).unwrap(),
            policy: policy(&fs::read_to_string(folder.join("site.toml")).unwrap()),
        })
        .collect();
    fixtures.sort_by(|a, b| a.name.cmp(&b.name));
    assert!(!fixtures.is_empty());
    fixtures
}

/// The policy of the shipped packs and this site.
pub(crate) fn policy(site: &str) -> Arc<Policy> {
    let packs = packs::shipped();
    let source = SourceText { name: "site.toml".to_owned(), text: site.to_owned() };
    let site = read_site(&source, &Known::of(&packs)).site.unwrap();
    Arc::new(Policy::new(packs, Some(site), false, 0))
}

impl Fixture {
    pub(crate) fn audit(&self) -> Audit {
        self.audit_of(&self.capture, 1)
    }

    /// The audit of a changed capture of this site.
    pub(crate) fn audit_of(&self, capture: &[u8], workers: usize) -> Audit {
        let workers = NonZeroUsize::new(workers).unwrap();
        let auditor = Auditor { policy: Arc::clone(&self.policy), workers, keep_flows: true, draft: false };
        let mut captures = Captures::from_reader("capture.pcap", Cursor::new(capture.to_vec()));
        let result = auditor.run(&mut captures, &AtomicBool::new(false), &mut |_| {});
        assert_eq!(result.run.unaccounted(), 0, "{}: every packet is accounted for", self.name);
        result.audit
    }

    /// Frames that can be changed; the fixtures in the newer format have none.
    pub(crate) fn savefile(&self) -> Option<Savefile> {
        Savefile::read(&self.capture)
    }

    /// All events of the capture, in order.
    pub(crate) fn events(&self) -> Vec<Event> {
        let mut captures = Captures::from_reader("capture.pcap", Cursor::new(self.capture.clone()));
        let stop = AtomicBool::new(false);
        let mut progress = |_| {};
        let mut control = Control { stop: &stop, progress: &mut progress };
        let mut events = Vec::new();
        let settings = PipelineSettings::default();
        offline::run(&mut captures, &settings, NonZeroUsize::MIN, &mut control, &mut |batch| {
            events.extend(batch);
        });
        events
    }

    /// A judge of this site.
    pub(crate) fn judge(&self, settings: JudgeSettings) -> Judge {
        Judge::new(Arc::clone(&self.policy), Inventory::new(self.policy.site().cloned()), settings)
    }
}
