//! Landlock: which files remain in reach, and which TCP ports.

use std::path::Path;

use landlock::ABI;
use landlock::Access;
use landlock::AccessFs;
use landlock::AccessNet;
use landlock::BitFlags;
use landlock::LandlockStatus;
use landlock::NetPort;
use landlock::PathBeneath;
use landlock::PathFd;
use landlock::RestrictionStatus;
use landlock::Ruleset;
use landlock::RulesetAttr;
use landlock::RulesetCreated;
use landlock::RulesetCreatedAttr;
use landlock::RulesetError;
use landlock::Scope;

use crate::watch::sandbox::Cage;
use crate::watch::sandbox::SandboxFault;

/// The newest Landlock that we know what to ask of: Linux 6.12. A newer kernel gives the same.
const NEWEST: ABI = ABI::V6;

/// What of the system must remain readable: libpcap asks sysfs what an interface lost (the names in
/// `/sys/class/net` lead into `/sys/devices`), and the `process_*` metrics come from procfs, which also wants to
/// know the kernel's release. Of the processes it is our own alone.
const SYSTEM: &[&str] =
    &["/sys/class/net", "/sys/devices", "/proc/self", "/proc/stat", "/proc/sys/kernel/osrelease"];

/// Restricts files and TCP to what the cage names. Gives in words what this kernel's Landlock lacks and seccomp
/// does not hold either.
pub(super) fn restrict(cage: &Cage) -> Result<Result<Vec<String>, String>, SandboxFault> {
    let mut kept = Vec::new();
    for path in &cage.readable {
        kept.push((open(path)?, read()));
    }
    for path in &cage.writable {
        kept.push((open(path)?, read() | write()));
    }
    // Not every system has all of these.
    kept.extend(SYSTEM.iter().filter_map(|path| open(Path::new(path)).ok()).map(|path| (path, read())));
    Ok(match enforce(kept, &cage.connects) {
        Ok(status) => lacks(&status, cage),
        Err(error) => Err(format!("Landlock: {error}")),
    })
}

fn read() -> BitFlags<AccessFs> {
    AccessFs::ReadFile | AccessFs::ReadDir
}

/// To append, to start a new file under a name and to remove the oldest; no links, devices, sockets or folders.
fn write() -> BitFlags<AccessFs> {
    AccessFs::WriteFile | AccessFs::Truncate | AccessFs::MakeReg | AccessFs::RemoveFile
}

fn open(path: &Path) -> Result<(PathFd, bool), SandboxFault> {
    let fault = |error| SandboxFault::Path { path: path.to_owned(), error };
    let is_folder = path.metadata().map_err(fault)?.is_dir();
    let opened = PathFd::new(path).map_err(|error| fault(std::io::Error::other(error)))?;
    Ok((opened, is_folder))
}

fn enforce(
    kept: Vec<((PathFd, bool), BitFlags<AccessFs>)>,
    ports: &[u16],
) -> Result<RestrictionStatus, RulesetError> {
    let mut rules: RulesetCreated = Ruleset::default()
        .handle_access(AccessFs::from_all(NEWEST))?
        .handle_access(AccessNet::from_all(NEWEST))?
        .scope(Scope::from_all(NEWEST))?
        .create()?;
    for ((path, is_folder), access) in kept {
        // What only a folder can grant, the kernel refuses for a file.
        let access = if is_folder { access } else { access & AccessFs::from_file(NEWEST) };
        rules = rules.add_rule(PathBeneath::new(path, access))?;
    }
    for port in ports {
        rules = rules.add_rule(NetPort::new(*port, AccessNet::ConnectTcp))?;
    }
    rules.restrict_self()
}

/// What this kernel's Landlock does not know and seccomp does not hold either. Cutting files off, devices'
/// controls and signals are always held by seccomp; so are TCP and Unix sockets where none is connected.
fn lacks(status: &RestrictionStatus, cage: &Cage) -> Result<Vec<String>, String> {
    let LandlockStatus::Available { effective_abi, .. } = status.landlock else {
        return Err("Landlock: this kernel has none, or it is not among its security modules; \
             files remain in reach"
            .to_owned());
    };
    let mut lacks = Vec::new();
    if effective_abi < ABI::V4 && !cage.connects.is_empty() {
        lacks.push("Landlock: TCP ports, which need Linux 6.7 or later".to_owned());
    }
    if effective_abi < ABI::V6 && cage.local_sockets {
        lacks.push("Landlock: abstract Unix sockets, which need Linux 6.12 or later".to_owned());
    }
    Ok(lacks)
}
