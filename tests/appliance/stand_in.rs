//! Stands in for the live audit where only the unit is tried (packaging/try-unit.sh): it does with the system
//! what the audit does, and nothing else. It listens to the loopback interface, closes a strict cage, tells the
//! service manager, writes a line for each reload, and stands still when it gets `SIGUSR1`.

#[cfg(feature = "live")]
pub(crate) fn run() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(live::run());
}

#[cfg(not(feature = "live"))]
pub(crate) fn run() {
    println!("skipped: built without live capture");
}

#[cfg(feature = "live")]
mod live {
    use std::fs::File;
    use std::io::Write;
    use std::path::Path;
    use std::path::PathBuf;
    use std::time::Duration;

    use camsentry::capture::FrameBatch;
    use camsentry::capture::FrameSource;
    use camsentry::capture::live::LiveSource;
    use camsentry::watch::log::Style;
    use camsentry::watch::log::start;
    use camsentry::watch::notify::Notifier;
    use camsentry::watch::notify::Pulse;
    use camsentry::watch::sandbox::Cage;
    use camsentry::watch::sandbox::Mode;
    use camsentry::watch::sandbox::with_raw;
    use tokio::select;
    use tokio::signal::unix::SignalKind;
    use tokio::signal::unix::signal;
    use tokio::time::sleep;
    use tracing::level_filters::LevelFilter;

    const SITE: &str = "/etc/camsentry/site.toml";
    const EVENTS: &str = "/var/lib/camsentry";

    pub(super) async fn run() {
        start(Style::Human, LevelFilter::INFO).unwrap();
        let mut notifier = Notifier::from_environment().unwrap();
        let open = || LiveSource::open("lo", 65_535, 64 << 20).unwrap();
        let mut source = open();
        let mut events = File::create(Path::new(EVENTS).join("events.jsonl")).unwrap();
        let mut cage = Cage {
            mode: Mode::Strict,
            writable: vec![PathBuf::from(EVENTS)],
            listens: true,
            reopens: true,
            ..Cage::default()
        };
        cage.reload_from(Path::new(SITE));
        let (level, _) = cage.close().unwrap();
        tracing::info!(sandbox = level.word(), "closed");
        drop(source);
        source = with_raw(open);
        tracing::warn!("opened again");
        notifier.ready("1 interface").unwrap();
        let (mut end, mut hup, mut still) = (
            signal(SignalKind::terminate()).unwrap(),
            signal(SignalKind::hangup()).unwrap(),
            signal(SignalKind::user_defined1()).unwrap(),
        );
        let (lane, judge) = (Pulse::default(), Pulse::default());
        let mut batch = FrameBatch::default();
        let pause = notifier.interval().map_or(Duration::from_secs(1), |time| time.div_f64(2.0));
        let mut stands = false;
        loop {
            select! {
                () = sleep(pause) => {
                    source.fill(&mut batch);
                    lane.beat();
                    if !stands {
                        judge.beat();
                    }
                    notifier.alive(&[&lane, &judge]).unwrap();
                }
                _ = still.recv() => stands = true,
                _ = hup.recv() => {
                    notifier.reloading().unwrap();
                    let octets = std::fs::read(SITE).unwrap().len();
                    writeln!(events, "{{\"type\":\"reloaded\",\"octets\":{octets}}}").unwrap();
                    notifier.ready("reloaded").unwrap();
                }
                _ = end.recv() => break,
            }
        }
        notifier.stopping().unwrap();
    }
}
