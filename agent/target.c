/* Finds and opens the target during set-up. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "agent.h"

static const uint64_t route_capabilities = 1ull << K_CAP_SYS_PTRACE | 1ull << K_CAP_DAC_OVERRIDE |
                                           1ull << K_CAP_DAC_READ_SEARCH;

/*
 * A PID may have been reused since it was looked up. The start time shows that (field 22 of
 * /proc/PID/stat, proc(5)).
 */
void check_start_time(int proc, const char *expected) {
    char text[1024];
    if (read_text(proc, "stat", text, sizeof text) < 0)
        bail_errno("/proc/%d/stat", agent.target_pid);
    char *name_end =
        strrchr(text, ')'); /* field 2 may contain anything; the last parenthesis ends it */
    if (!name_end) bail("/proc/%d/stat: invalid format", agent.target_pid);
    unsigned long long started = strtoull(field(name_end + 1, 19), NULL, 10);
    if (started != strtoull(expected, NULL, 10))
        bail("process %d: started at %llu, not at %s (its PID was reused)", agent.target_pid,
             started, expected);
}

/*
 * The depth of the target's PID namespace below that of the agent's /proc: the index of its own PID
 * on the NSpid line.
 */
static int pid_depth(int proc) {
    char numbers[512];
    int depth = 0;
    if (!status_line(proc, "NSpid:", numbers, sizeof numbers)) return 0;
    while (*field(numbers, depth + 1)) depth++;
    return depth;
}

void join_user_namespace(int proc) {
    struct stat own, other;
    int user = openat(proc, "ns/user", O_RDONLY | O_CLOEXEC);
    if (user < 0 || fstat(user, &other) < 0)
        bail_errno("user namespace of process %d", agent.target_pid);
    if (stat("/proc/self/ns/user", &own) < 0) bail_errno("/proc/self/ns/user");
    if (own.st_dev != other.st_dev || own.st_ino != other.st_ino) {
        if (setns(user, CLONE_NEWUSER) < 0)
            bail_errno("setns to the user namespace of process %d", agent.target_pid);
        /*
         * Become root in the namespace if a root is mapped. The caller's identity and supplementary
         * groups have no meaning in it.
         */
        if (syscall(SYS_setgroups, 0, NULL) < 0 && errno != EPERM)
            bail_errno("setgroups"); /* EPERM: the namespace may forbid setgroups permanently */
        if (syscall(SYS_setresgid, 0, 0, 0) < 0 && errno != EINVAL) bail_errno("setresgid");
        if (syscall(SYS_setresuid, 0, 0, 0) < 0 && errno != EINVAL) bail_errno("setresuid");
    }
    close(user);
}

/*
 * Enters the user and mount namespaces of process `pid`, an engine of this user, and becomes root
 * in them. Its layers belong to users that only its user namespace maps.
 */
void join_engine(pid_t pid, const char *start_time) {
    char path[32];
    snprintf(path, sizeof path, "/proc/%d", pid);
    int proc = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC), mounts;
    if (proc < 0) bail_errno("%s", path);
    if (start_time) check_start_time(proc, start_time);
    if ((mounts = openat(proc, "ns/mnt", O_RDONLY | O_CLOEXEC)) < 0) bail_errno("%s", path);
    join_user_namespace(proc);
    if (setns(mounts, CLONE_NEWNS) < 0) bail_errno("setns to the mount namespace of %s", path);
    close(mounts);
    close(proc);
}

void probe_kernel(void) {
    struct k_statx found;
    int again =
        k_openat2(agent.root, ".", O_PATH | O_CLOEXEC, K_RESOLVE_IN_ROOT | K_RESOLVE_NO_MAGICLINKS);
    if (again < 0 && errno == ENOSYS)
        bail("this kernel has no openat2(2): Linux 5.8 or newer is needed");
    if (again < 0) bail_errno("openat2 of the target's root (a seccomp profile may refuse it)");
    if (k_statx(again, "", AT_EMPTY_PATH | K_AT_STATX_DONT_SYNC, K_STATX_MNT_ID, &found) < 0)
        bail_errno("statx of the target's root (a seccomp profile may refuse it)");
    if (!(found.mask & K_STATX_MNT_ID))
        bail("this kernel's statx(2) returns no mount id: Linux 5.8 or newer is needed");
    close(again);
}

/*
 * The capabilities that opening the target needs. With CAP_SYS_PTRACE no other is necessary.
 * Without it, the kernel requires every permitted capability of the target (ptrace(2), "Ptrace
 * access mode checking"). So an agent in an ephemeral container of a pod keeps all its capabilities
 * until the target's root is open. Until then it opens only files in /proc/PID, which the kernel
 * creates.
 */
static uint64_t capabilities_to_open(void) {
    bool can_trace = effective_capabilities() >> K_CAP_SYS_PTRACE & 1;
    return can_trace || agent.route != route_direct ? route_capabilities : ~0ull;
}

/*
 * Fills in the target in `agent` and drops every capability that serving does not need. The order
 * matters. The first drop comes before most accesses to the target, and the cgroups are opened
 * while that is permitted. The check that the target is alive comes after everything is open.
 */
void open_target(const char *start_time, const char *root, bool join_user_namespace_too,
                 bool device_cgroup) {
    struct stat own_user;
    if (stat("/proc/self/ns/user", &own_user) < 0)
        bail_errno("/proc/self/ns/user (is /proc mounted?)");
    bool privileged = own_user.st_ino == K_INITIAL_USER_NAMESPACE &&
                      (geteuid() == 0 || effective_capabilities() != 0);
    uint64_t opening = capabilities_to_open();
    confine(opening | (join_user_namespace_too ? 1ull << K_CAP_SYS_ADMIN : 0));

    char path[32];
    snprintf(path, sizeof path, "/proc/%d", agent.target_pid);
    agent.target = k_pidfd_open(agent.target_pid);
    if (agent.target < 0) bail_errno("pidfd_open of process %d", agent.target_pid);
    int proc = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (proc < 0) bail_errno("%s", path);
    if (start_time) check_start_time(proc, start_time);

    agent.device_cgroups[0] = agent.device_cgroups[1] = -1;
    if (device_cgroup) {
        int found = find_device_cgroups(proc, agent.device_cgroups);
        if (found > 0) agent.device_rule = DEVICE_JOIN;
        if (found < 0 && privileged) agent.device_rule = DEVICE_REFUSE;
    }
    if (join_user_namespace_too) join_user_namespace(proc);
    confine(opening);

    if (agent.route == route_mount) {
        /*
         * The agent is in the target's mount namespace and may have no permission to inspect the
         * first process.
         */
        agent.proc = open("/proc/self", O_PATH | O_DIRECTORY | O_CLOEXEC);
        agent.root = open(root ? root : "/", O_PATH | O_DIRECTORY | O_CLOEXEC);
        close(proc);
    } else {
        agent.proc = proc;
        agent.root = root ? open(root, O_PATH | O_DIRECTORY | O_CLOEXEC)
                          : openat(proc, "root", O_PATH | O_DIRECTORY | O_CLOEXEC);
        agent.pid_depth = pid_depth(proc);
    }
    if (agent.proc < 0) bail_errno("/proc/self");
    if (agent.root < 0)
        bail_errno("root directory of process %d%s%s", agent.target_pid, root ? ", " : "",
                   root ? root : "");
    agent.mount_namespace = namespace_inode(agent.proc, "ns/mnt");
    confine(route_capabilities);
    if (stat("/proc/self/ns/user", &own_user) == 0) agent.user_namespace = own_user.st_ino;
    agent.capabilities = effective_capabilities();
    agent.memory_mount = find_memory_mount();
    probe_kernel();
    if (!target_alive()) bail("process %d has exited", agent.target_pid);
}
