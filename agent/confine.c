/* Drops the privileges that the agent does not need. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "agent.h"

static void get_capabilities(struct k_cap_data data[2]) {
    struct k_cap_header header = {.version = K_CAP_VERSION_3};
    if (syscall(SYS_capget, &header, data) < 0) bail_errno("capget");
}

uint64_t effective_capabilities(void) {
    struct k_cap_data data[2];
    get_capabilities(data);
    return data[0].effective | (uint64_t)data[1].effective << 32;
}

/* Lowers a limit permanently; never raises a limit. Returns it. */
static rlim_t at_most(int resource, rlim_t most) {
    struct rlimit limit;
    if (getrlimit(resource, &limit) < 0) bail_errno("getrlimit(%d)", resource);
    if (limit.rlim_max > most) limit.rlim_max = most;
    if (limit.rlim_cur > most) limit.rlim_cur = most;
    if (setrlimit(resource, &limit) < 0) bail_errno("setrlimit(%d)", resource);
    return limit.rlim_cur;
}

/*
 * Permanently drops every capability except those in `keep`, also from the bounding, inheritable
 * and ambient sets: exec restores none.
 */
void drop_capabilities(uint64_t keep) {
    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
    for (int capability = 0, set; (set = prctl(PR_CAPBSET_READ, capability, 0, 0, 0)) >= 0;
         capability++) {
        if (!set || keep >> capability & 1) continue;
        /*
         * EPERM: needs CAP_SETPCAP. Without it, no_new_privs still keeps the process from regaining
         * any.
         */
        if (prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) < 0 && errno != EPERM)
            bail_errno("prctl(PR_CAPBSET_DROP, %d)", capability);
    }
    struct k_cap_header header = {.version = K_CAP_VERSION_3};
    struct k_cap_data data[2];
    get_capabilities(data);
    for (int half = 0; half < 2; half++) {
        data[half].permitted &= (uint32_t)(keep >> 32 * half);
        data[half].effective = data[half].permitted;
        data[half].inheritable = 0;
    }
    if (syscall(SYS_capset, &header, data) < 0) bail_errno("capset");
}

/*
 * Permanently drops the capabilities that the agent does not need. Called again after joining a
 * user namespace, which grants a full set of capabilities and makes the process dumpable again
 * (credentials(7), user_namespaces(7)).
 *
 * The files in /proc/<pid> of a process that is not dumpable belong to root (proc(5)). A process of
 * any user may still open its own /proc/self/fd/N: the kernel skips the check within a thread group
 * (proc_fd_permission, __ptrace_may_access). The agent relies on that and reopens descriptors only
 * through its own directory.
 */
void confine(uint64_t keep) {
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0) bail_errno("prctl(PR_SET_NO_NEW_PRIVS)");
    drop_capabilities(keep);
    if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0) bail_errno("prctl(PR_SET_DUMPABLE)");
    at_most(RLIMIT_CORE, 0);
}

/*
 * Limits the size to which the agent itself may write files to 0, or to the hard limit. An overlay
 * copies a file of a lower layer when it is opened for writing, and writes the copy in the name of
 * the process that opens it. So `open_for_writing` lifts the limit for the time of the open.
 */
void limit_file_size(bool on) {
#ifdef PORTHOLE_SANITISED /* the sanitisers and libFuzzer write files */
    on = false;
#endif
    struct rlimit limit;
    if (getrlimit(RLIMIT_FSIZE, &limit) < 0) return;
    limit.rlim_cur = on ? 0 : limit.rlim_max;
    setrlimit(RLIMIT_FSIZE, &limit);
}

enum { OPEN_FILES = 1024 };

/*
 * Raises the limit of open files. It came from the command that happened to start the agent, and
 * would fail the requests of later clients. Only CAP_SYS_RESOURCE raises a hard limit.
 */
void raise_open_files(void) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0) return;
    const struct rlimit enough = {OPEN_FILES, OPEN_FILES};
    if (limit.rlim_max < OPEN_FILES && setrlimit(RLIMIT_NOFILE, &enough) == 0) return;
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
}

/*
 * The limits are above the needs of 64 clients with 32 workers each. They prevent a bug, or an
 * attacker who exploits it, from exhausting memory, descriptors or disk. RLIMIT_NOFILE is high
 * although the agent itself holds few descriptors. It also counts descriptors in flight from all
 * processes of the user (unix(7), ETOOMANYREFS). RLIMIT_NPROC is unchanged: it also counts
 * processes of other agents and of the container.
 */
void limit_resources(void) {
    agent.open_files = (int)at_most(RLIMIT_NOFILE, OPEN_FILES);
    at_most(RLIMIT_MEMLOCK, 0);
    at_most(RLIMIT_MSGQUEUE, 0);
    at_most(RLIMIT_NICE, 0);
    at_most(RLIMIT_RTPRIO, 0);
    limit_file_size(true);
#ifndef PORTHOLE_SANITISED /* AddressSanitizer reserves terabytes */
    at_most(RLIMIT_STACK, 1 << 20);
    at_most(RLIMIT_DATA, 8 << 20);
    at_most(RLIMIT_AS, 32 << 20);
#endif
}

void close_all_from(int first) {
    if (syscall(SYS_close_range, first, UINT_MAX, 0) == 0) return;
    /* Before Linux 5.9, or under a seccomp profile that does not know the call. */
    DIR *open_descriptors = opendir("/proc/self/fd");
    if (!open_descriptors) bail_errno("/proc/self/fd");
    for (struct dirent *entry; (entry = readdir(open_descriptors));) {
        int fd = atoi(entry->d_name);
        if (fd >= first && fd != dirfd(open_descriptors)) close(fd);
    }
    closedir(open_descriptors);
}

/*
 * Redirects 0, 1 and 2 to /dev/null. If that is missing or is something else, redirects them to
 * `fallback`, which must be harmless.
 */
void silence_standard_descriptors(int fallback) {
    struct stat found;
    int null = open("/dev/null", O_PATH | O_CLOEXEC);
    if (null >= 0 &&
        (fstat(null, &found) < 0 || !S_ISCHR(found.st_mode) || found.st_rdev != makedev(1, 3))) {
        close(null);
        null = -1;
    }
    if (null >= 0) {
        close(null);
        null = open("/dev/null", O_RDWR | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    }
    for (int fd = 0; fd <= 2; fd++)
        if (dup3(null >= 0 ? null : fallback, fd, O_CLOEXEC) < 0) bail_errno("dup3 to %d", fd);
    if (null >= 0) close(null);
}
