/*
 * A seccomp filter (seccomp(2)) with the system calls that the agent and its children may make
 * after set-up. It limits a session that is compromised through a bug, or by a container that may
 * trace the agent. Such a session can do little more than the agent does: no programs, network,
 * namespaces, mounts, memory of other processes or executable pages.
 *
 *   call in the list                        allowed
 *   call in the list, other arguments       EPERM
 *   any other call                          ENOSYS, so a C library falls back to an older call
 *   call of another architecture's table    SIGSYS: the numbers differ, and no C library makes one
 *
 * A refused call does not kill the process. Killing would not stop an attacker any better. With an
 * untested C library, an operation fails with an errno, and the agent does not vanish. Since Linux
 * 5.11, the kernel caches which calls are allowed with any arguments and does not run the filter
 * for them. The calls of the fastest path are of that kind. They come first for older kernels.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include "agent.h"

#ifdef PORTHOLE_STRICT /* for tests: makes an agent's call that is missing below visible */
#define REFUSE(error) K_SECCOMP_KILL_PROCESS
#else
#define REFUSE(error) (K_SECCOMP_ERRNO | (error))
#endif
#define LOAD(field) \
    { K_BPF_LOAD, 0, 0, offsetof(struct k_seccomp_data, field) }
#define RETURN(action) \
    { K_BPF_RETURN, 0, 0, action }
#define ALLOW_IT RETURN(K_SECCOMP_ALLOW)
#define REFUSE_IT RETURN(REFUSE(EPERM))
/* The next `count` instructions apply only to the number `value`, or to numbers from `value` on. */
#define UNLESS_SKIP(value, count) \
    { K_BPF_JUMP_EQUAL, 0, count, value }
#define BELOW_SKIP(value, count) \
    { K_BPF_JUMP_AT_LEAST, 0, count, value }

#define ALLOW(call) UNLESS_SKIP(SYS_##call, 1), ALLOW_IT
/*
 * Allowed only if the bits `mask` of an argument equal `value`. The kernel uses only the lower half
 * of an int argument.
 */
#define ALLOW_IF(call, argument, mask, value) \
    UNLESS_SKIP(SYS_##call, 5), LOAD(arguments[argument].low), \
        {K_BPF_AND, 0, 0, (uint32_t)(mask)}, UNLESS_SKIP(value, 1), ALLOW_IT, REFUSE_IT

enum {
    FORK_FLAGS = 0xff | 0x01200000
}; /* a signal, CLONE_CHILD_CLEARTID, CLONE_CHILD_SETTID: what fork(3) may pass to clone(2) */

static const struct k_bpf_instruction filter[] = {
    LOAD(architecture),
    {K_BPF_JUMP_EQUAL, 1, 0, K_AUDIT_ARCH},
    RETURN(K_SECCOMP_KILL_PROCESS),
    LOAD(number),
#ifdef __x86_64__
    BELOW_SKIP(0x40000000, 1), /* x32 */
    RETURN(K_SECCOMP_KILL_PROCESS),
#endif

    /* OPEN, in the order of its calls */
    ALLOW(recvmsg),
    ALLOW(openat2),
    ALLOW(statx),
    ALLOW(openat),
    ALLOW(close),
#ifdef SYS_poll
    ALLOW(poll),
#endif
    ALLOW(ppoll),
    ALLOW(sendmsg),

    /* the other operations */
    ALLOW(read),
    ALLOW(write),
    ALLOW(pread64),
    ALLOW(lseek),
    ALLOW(getdents64),
    ALLOW(readlinkat),
    ALLOW(fstat),
    ALLOW(newfstatat),
    ALLOW(fstatfs),
    ALLOW(pipe2),
    ALLOW(inotify_init1),
    ALLOW(inotify_add_watch),
    ALLOW(inotify_rm_watch),
    ALLOW_IF(socketpair, 0, ~0u, AF_UNIX),
    /* F_DUPFD, F_GETFD, F_SETFD, F_GETFL and F_SETFL are 0 to 4; then the size of a pipe */
    UNLESS_SKIP(SYS_fcntl, 5),
    LOAD(arguments[1].low),
    BELOW_SKIP(F_SETFL + 1, 1),
    UNLESS_SKIP(F_GETPIPE_SZ, 1),
    ALLOW_IT,
    REFUSE_IT,

    /* clients and children; kill(2) only with a single process as target, to terminate it */
    ALLOW(accept4),
    ALLOW(getsockopt),
    ALLOW(dup3),
    ALLOW(wait4),
    ALLOW(exit_group),
    ALLOW(exit),
    ALLOW(getpid),
    ALLOW(getppid),
    ALLOW(gettid),
    ALLOW(geteuid),
    ALLOW(getegid),
    ALLOW(set_robust_list),
    ALLOW_IF(clone, 0, ~FORK_FLAGS, 0),
    ALLOW_IF(prctl, 0, ~0u, PR_SET_PDEATHSIG),
    UNLESS_SKIP(SYS_kill, 9),
    LOAD(arguments[0].low),
    {K_BPF_ADD, 0, 0, ~0u},
    BELOW_SKIP(INT32_MAX, 1),
    REFUSE_IT,
    LOAD(arguments[1].low),
    {K_BPF_JUMP_EQUAL, 1, 0, SIGKILL},
    UNLESS_SKIP(SIGTERM, 1),
    ALLOW_IT,
    REFUSE_IT,

    /*
     * signals, time, memory; the kernel uses restart_syscall to resume a wait after SIGSTOP and
     * SIGCONT
     */
    ALLOW(rt_sigprocmask),
    ALLOW(rt_sigaction),
    ALLOW(rt_sigreturn),
    ALLOW(restart_syscall),
    ALLOW(nanosleep),
    ALLOW(clock_nanosleep),
    ALLOW(clock_gettime),
    ALLOW(brk),
    ALLOW(munmap),
    ALLOW(madvise),

#ifndef PORTHOLE_SANITISED
    /* limit_file_size: this limit of this process, not of another one of the same user */
    UNLESS_SKIP(SYS_prlimit64, 6),
    LOAD(arguments[0].low),
    UNLESS_SKIP(0, 3),
    LOAD(arguments[1].low),
    UNLESS_SKIP(RLIMIT_FSIZE, 1),
    ALLOW_IT,
    REFUSE_IT,
#endif

    ALLOW_IF(mmap, 2, PROT_EXEC, 0),
    ALLOW_IF(mprotect, 2, PROT_EXEC, 0),

#ifdef __x86_64__ /* older calls that musl still makes */
    ALLOW(open),
    ALLOW(fork),
#endif
#ifdef PORTHOLE_SANITISED /* calls that the sanitisers need for bookkeeping and reports */
    ALLOW(mremap),
    ALLOW(sigaltstack),
    ALLOW(sched_yield),
    ALLOW(getrandom),
    ALLOW(prlimit64),
    ALLOW(writev),
    ALLOW(tgkill),
    ALLOW(futex),
#ifdef SYS_readlink
    ALLOW(readlink),
#endif
#endif

    RETURN(REFUSE(ENOSYS)),
};

/* Permanent: children inherit the filter, and it cannot be removed. */
void limit_calls(void) {
    const struct k_bpf_program program = {sizeof filter / sizeof *filter, filter};
    /*
     * Without the flag, kernels before 5.16 enable a speculation mitigation for untrusted code,
     * which the agent does not run.
     */
    if (syscall(SYS_seccomp, K_SECCOMP_SET_MODE_FILTER, K_SECCOMP_FILTER_FLAG_SPEC_ALLOW,
                &program) < 0)
        bail_errno("seccomp (the kernel needs CONFIG_SECCOMP_FILTER, and a container's profile "
                   "must allow it)");
}
