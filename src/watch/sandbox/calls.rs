//! seccomp: which system calls remain.
//!
//! Three filters; the kernel takes the sternest answer.
//!
//! 1. What remains is listed. Everything else fails with `EPERM`: a library that tries a newer call and falls
//!    back must not end an audit that runs for months.
//! 2. What nothing of ours or of a library's ever does, and what an intruder does next (execute, trace, mount,
//!    load, read another's memory), ends the process: the service manager starts it anew, and the kernel's audit
//!    log has the call.
//! 3. `clone3` is said not to exist: its flags stand in memory, where no filter sees them. libc then asks for
//!    `clone`, whose flags are seen: threads may be started, processes and name spaces may not.

use std::collections::BTreeMap;
use std::env::consts::ARCH;
use std::process;

use seccompiler::BackendError;
use seccompiler::BpfProgram;
use seccompiler::SeccompAction;
use seccompiler::SeccompCmpArgLen;
use seccompiler::SeccompCmpOp;
use seccompiler::SeccompCondition;
use seccompiler::SeccompFilter;
use seccompiler::SeccompRule;
use seccompiler::TargetArch;
use seccompiler::apply_filter_all_threads;

use crate::watch::sandbox::Cage;

/// Calls that remain whatever their arguments.
const ALWAYS: &[i64] = &[
    // Memory and threads.
    libc::SYS_brk,
    libc::SYS_munmap,
    libc::SYS_mremap,
    libc::SYS_madvise,
    libc::SYS_membarrier,
    libc::SYS_futex,
    libc::SYS_set_robust_list,
    libc::SYS_get_robust_list,
    libc::SYS_rseq,
    libc::SYS_set_tid_address,
    libc::SYS_sched_yield,
    libc::SYS_sched_getaffinity,
    libc::SYS_sched_setaffinity,
    libc::SYS_getcpu,
    libc::SYS_gettid,
    libc::SYS_getpid,
    libc::SYS_getppid,
    libc::SYS_exit,
    libc::SYS_exit_group,
    libc::SYS_restart_syscall,
    libc::SYS_getrandom,
    // Signals that come to us.
    libc::SYS_rt_sigaction,
    libc::SYS_rt_sigprocmask,
    libc::SYS_rt_sigreturn,
    libc::SYS_rt_sigtimedwait,
    libc::SYS_sigaltstack,
    // Time.
    libc::SYS_clock_gettime,
    libc::SYS_clock_getres,
    libc::SYS_clock_nanosleep,
    libc::SYS_nanosleep,
    libc::SYS_gettimeofday,
    libc::SYS_timerfd_create,
    libc::SYS_timerfd_settime,
    libc::SYS_timerfd_gettime,
    // Files; Landlock says which.
    libc::SYS_read,
    libc::SYS_readv,
    libc::SYS_pread64,
    libc::SYS_preadv,
    libc::SYS_write,
    libc::SYS_writev,
    libc::SYS_pwrite64,
    libc::SYS_pwritev,
    libc::SYS_lseek,
    libc::SYS_close,
    libc::SYS_close_range,
    libc::SYS_fstat,
    libc::SYS_newfstatat,
    libc::SYS_statx,
    libc::SYS_statfs,
    libc::SYS_fstatfs,
    libc::SYS_getdents64,
    libc::SYS_readlinkat,
    libc::SYS_faccessat,
    libc::SYS_faccessat2,
    libc::SYS_getcwd,
    libc::SYS_fcntl,
    libc::SYS_flock,
    libc::SYS_fsync,
    libc::SYS_fdatasync,
    libc::SYS_ftruncate,
    libc::SYS_fallocate,
    libc::SYS_renameat2,
    libc::SYS_unlinkat,
    libc::SYS_dup,
    libc::SYS_dup3,
    libc::SYS_inotify_init1,
    libc::SYS_inotify_add_watch,
    libc::SYS_inotify_rm_watch,
    // Waiting.
    libc::SYS_ppoll,
    libc::SYS_pselect6,
    libc::SYS_epoll_create1,
    libc::SYS_epoll_ctl,
    libc::SYS_epoll_pwait,
    libc::SYS_epoll_pwait2,
    libc::SYS_eventfd2,
    libc::SYS_pipe2,
    libc::SYS_signalfd4,
    // Sockets that are open.
    libc::SYS_getsockname,
    libc::SYS_getpeername,
    libc::SYS_getsockopt,
    libc::SYS_setsockopt,
    libc::SYS_sendto,
    libc::SYS_sendmsg,
    libc::SYS_recvfrom,
    libc::SYS_recvmsg,
    libc::SYS_shutdown,
    // What we are, and what the machine is.
    libc::SYS_capget,
    libc::SYS_getuid,
    libc::SYS_geteuid,
    libc::SYS_getgid,
    libc::SYS_getegid,
    libc::SYS_getrusage,
    libc::SYS_times,
    libc::SYS_uname,
    libc::SYS_sysinfo,
];

/// The same under the names that only older architectures have.
#[cfg(target_arch = "x86_64")]
const OLD_NAMES: &[i64] = &[
    libc::SYS_stat,
    libc::SYS_lstat,
    libc::SYS_access,
    libc::SYS_readlink,
    libc::SYS_rename,
    libc::SYS_renameat,
    libc::SYS_unlink,
    libc::SYS_dup2,
    libc::SYS_poll,
    libc::SYS_select,
    libc::SYS_epoll_wait,
    libc::SYS_time,
];
#[cfg(not(target_arch = "x86_64"))]
const OLD_NAMES: &[i64] = &[];

/// Calls that end the process.
const DEADLY: &[i64] = &[
    libc::SYS_execve,
    libc::SYS_execveat,
    libc::SYS_ptrace,
    libc::SYS_process_vm_readv,
    libc::SYS_process_vm_writev,
    libc::SYS_pidfd_getfd,
    libc::SYS_kcmp,
    libc::SYS_init_module,
    libc::SYS_finit_module,
    libc::SYS_delete_module,
    libc::SYS_kexec_load,
    libc::SYS_reboot,
    libc::SYS_bpf,
    libc::SYS_perf_event_open,
    libc::SYS_userfaultfd,
    libc::SYS_io_uring_setup,
    libc::SYS_mount,
    libc::SYS_umount2,
    libc::SYS_move_mount,
    libc::SYS_fsopen,
    libc::SYS_open_tree,
    libc::SYS_pivot_root,
    libc::SYS_chroot,
    libc::SYS_setns,
    libc::SYS_unshare,
    libc::SYS_add_key,
    libc::SYS_request_key,
    libc::SYS_keyctl,
    libc::SYS_open_by_handle_at,
];

/// Controls of files and sockets that are used: of the terminal its kind and width (to colour the log), of files
/// closing and waiting, of interfaces what libpcap asks when it opens one (name, index, flags, mtu, hardware
/// address, driver's facts, time stamping). None of them changes an interface. The numbers are those of
/// linux/sockios.h and asm-generic/ioctls.h.
const CONTROLS: &[u64] =
    &[0x5401, 0x5413, 0x541b, 0x5421, 0x5450, 0x5451, 0x8910, 0x8913, 0x8921, 0x8927, 0x8933, 0x8946];

/// Uses of prctl(2) that remain: a thread's name, a mapping's name, and asking what is in force. They are
/// `PR_GET_DUMPABLE`, `PR_SET_NAME`, `PR_GET_NAME`, `PR_GET_SECCOMP`, `PR_CAPBSET_READ`, `PR_GET_NO_NEW_PRIVS`
/// and `PR_SET_VMA` of linux/prctl.h.
const PROCESS_CONTROLS: &[u64] = &[3, 15, 16, 21, 23, 39, 0x5356_4d41];

/// Installs the filters in all threads of the process.
pub(super) fn restrict(cage: &Cage) -> Result<Vec<String>, String> {
    let arch = TargetArch::try_from(ARCH)
        .map_err(|_| format!("seccomp: not known how to filter on {ARCH}; all system calls remain"))?;
    let filters = filters(cage, arch).map_err(|error| format!("seccomp: {error}"))?;
    for filter in filters {
        apply_filter_all_threads(&filter).map_err(|error| format!("seccomp: {error}"))?;
    }
    Ok(Vec::new())
}

/// The three filters, the one that forbids installing more last.
fn filters(cage: &Cage, arch: TargetArch) -> Result<[BpfProgram; 3], BackendError> {
    let errno = |number: i32| SeccompAction::Errno(number.cast_unsigned());
    let whole = |calls: &[i64]| calls.iter().map(|call| (*call, Vec::new())).collect::<Rules>();
    let deadly = SeccompFilter::new(whole(DEADLY), SeccompAction::Allow, SeccompAction::KillProcess, arch)?;
    let unseen =
        SeccompFilter::new(whole(&[libc::SYS_clone3]), SeccompAction::Allow, errno(libc::ENOSYS), arch)?;
    let rest = SeccompFilter::new(remaining(cage)?, errno(libc::EPERM), SeccompAction::Allow, arch)?;
    Ok([deadly.try_into()?, unseen.try_into()?, rest.try_into()?])
}

/// Calls, each with the forms in which it remains; without a form in any.
type Rules = BTreeMap<i64, Vec<SeccompRule>>;

fn remaining(cage: &Cage) -> Result<Rules, BackendError> {
    let mut rules = Rules::new();
    // The first two filters answer for what they name; the sternest answer counts.
    let mut passed: Vec<i64> = [ALWAYS, OLD_NAMES, &[libc::SYS_clone3]].concat();
    if cage.listens {
        passed.push(libc::SYS_accept4);
    }
    if cage.local_sockets || cage.datagrams || !cage.connects.is_empty() {
        passed.push(libc::SYS_connect);
    }
    if cage.reopens || cage.datagrams {
        passed.push(libc::SYS_bind);
    }
    if cage.reopens {
        // The capability is put in force for opening a packet socket.
        passed.push(libc::SYS_capset);
    }
    rules.extend(passed.into_iter().map(|call| (call, Vec::new())));
    rules.extend([
        (libc::SYS_openat, opening(2)?),
        (libc::SYS_mmap, vec![without(2, libc::PROT_EXEC)?]),
        (libc::SYS_mprotect, vec![without(2, libc::PROT_EXEC)?]),
        (libc::SYS_clone, vec![thread()?]),
        // The runtime wakes itself through a pair. One of datagrams could be sent from to any other socket.
        (libc::SYS_socketpair, vec![all([is(0, word(libc::AF_UNIX))?, kind_is(libc::SOCK_STREAM)?])?]),
        (libc::SYS_ioctl, one_of(1, CONTROLS)?),
        (libc::SYS_prctl, one_of(0, PROCESS_CONTROLS)?),
        // Limits may be read, our own; a new one stands behind the third argument.
        (libc::SYS_prlimit64, vec![all([is(0, 0)?, long_is(2, 0)?])?]),
        // abort(3) and raise(3) signal ourselves.
        (libc::SYS_kill, vec![equal(0, u64::from(process::id()))?]),
        (libc::SYS_tgkill, vec![equal(0, u64::from(process::id()))?]),
    ]);
    #[cfg(target_arch = "x86_64")]
    rules.insert(libc::SYS_open, opening(1)?);
    let sockets = sockets(cage)?;
    if !sockets.is_empty() {
        rules.insert(libc::SYS_socket, sockets);
    }
    Ok(rules)
}

/// The kinds of sockets that may still be opened.
fn sockets(cage: &Cage) -> Result<Vec<SeccompRule>, BackendError> {
    let mut kinds = Vec::new();
    for family in [libc::AF_INET, libc::AF_INET6] {
        if !cage.connects.is_empty() {
            kinds.push(all([is(0, word(family))?, kind_is(libc::SOCK_STREAM)?])?);
        }
        if cage.datagrams {
            kinds.push(all([is(0, word(family))?, kind_is(libc::SOCK_DGRAM)?])?);
        }
    }
    if cage.local_sockets {
        kinds.push(equal(0, word(libc::AF_UNIX))?);
    }
    if cage.reopens {
        kinds.push(equal(0, word(libc::AF_PACKET))?);
        // libpcap and we ask there what an interface is, and how it does.
        kinds.push(equal(0, word(libc::AF_NETLINK))?);
    }
    Ok(kinds)
}

/// Opening a file whose flags are at `index`: a file opened for reading is not cut off. Older Landlock does
/// not see that.
fn opening(index: u8) -> Result<Vec<SeccompRule>, BackendError> {
    let cut = word(libc::O_TRUNC);
    let way = |way: i32| masked(index, word(libc::O_ACCMODE), word(way));
    Ok(vec![all([masked(index, cut, 0)?])?, all([way(libc::O_WRONLY)?])?, all([way(libc::O_RDWR)?])?])
}

/// A thread of this process, in the name spaces where it is. Qualified by the flags of clone(2).
fn thread() -> Result<SeccompRule, BackendError> {
    const NAME_SPACES: i32 = libc::CLONE_NEWNS
        | libc::CLONE_NEWCGROUP
        | libc::CLONE_NEWUTS
        | libc::CLONE_NEWIPC
        | libc::CLONE_NEWUSER
        | libc::CLONE_NEWPID
        | libc::CLONE_NEWNET;
    let mask = word(NAME_SPACES | libc::CLONE_THREAD);
    all([masked(0, mask, word(libc::CLONE_THREAD))?])
}

/// The kind of a socket, without the flags that may be in it (linux/net.h: `SOCK_TYPE_MASK`).
fn kind_is(kind: i32) -> Result<SeccompCondition, BackendError> {
    masked(1, 0xf, word(kind))
}

fn without(index: u8, flag: i32) -> Result<SeccompRule, BackendError> {
    all([masked(index, word(flag), 0)?])
}

fn one_of(index: u8, values: &[u64]) -> Result<Vec<SeccompRule>, BackendError> {
    values.iter().map(|value| equal(index, *value)).collect()
}

fn equal(index: u8, value: u64) -> Result<SeccompRule, BackendError> {
    all([is(index, value)?])
}

fn all(conditions: impl Into<Vec<SeccompCondition>>) -> Result<SeccompRule, BackendError> {
    SeccompRule::new(conditions.into())
}

fn is(index: u8, value: u64) -> Result<SeccompCondition, BackendError> {
    SeccompCondition::new(index, SeccompCmpArgLen::Dword, SeccompCmpOp::Eq, value)
}

/// As [`is`], for an argument of 64 bits: a pointer.
fn long_is(index: u8, value: u64) -> Result<SeccompCondition, BackendError> {
    SeccompCondition::new(index, SeccompCmpArgLen::Qword, SeccompCmpOp::Eq, value)
}

fn masked(index: u8, mask: u64, value: u64) -> Result<SeccompCondition, BackendError> {
    SeccompCondition::new(index, SeccompCmpArgLen::Dword, SeccompCmpOp::MaskedEq(mask), value)
}

/// A number of libc's as the kernel sees it in an argument of 32 bits.
fn word(number: i32) -> u64 {
    u64::from(number.cast_unsigned())
}

#[cfg(test)]
mod tests {
    use seccompiler::TargetArch;

    use super::ALWAYS;
    use super::DEADLY;
    use super::filters;
    use crate::watch::sandbox::Cage;

    #[test]
    fn the_filters_can_be_made_for_every_cage() {
        for bits in 0..32_u8 {
            let has = |bit: u8| bits & bit != 0;
            let cage = Cage {
                listens: has(1),
                connects: if has(2) { vec![514] } else { Vec::new() },
                local_sockets: has(4),
                reopens: has(8),
                datagrams: has(16),
                ..Cage::default()
            };
            // BPF_MAXINSNS of linux/bpf_common.h.
            let filters = filters(&cage, TargetArch::x86_64).unwrap();
            assert!(filters.iter().all(|filter| (1..4096).contains(&filter.len())));
        }
    }

    #[test]
    fn nothing_that_ends_the_process_remains() {
        assert!(DEADLY.iter().all(|call| !ALWAYS.contains(call)));
    }
}
