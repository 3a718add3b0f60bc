/*
 * Device nodes on route direct. The agent is outside the container's cgroup, so the kernel does not
 * apply the container's device rules to it. A node made inside with mknod would open the host's
 * kernel log. A short-lived child therefore joins the target's cgroup and opens the node in it.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>

#include "agent.h"

enum { DEADLINE_MS = 2000 };

/*
 * Copies the path of a hierarchy from /proc/PID/cgroup (cgroups(7)), whose lines are
 * "N:controllers:path". `controller` is "" for the unified hierarchy.
 */
static bool cgroup_path(const char *text, const char *controller, char path[PATH_MAX]) {
    size_t wanted = strlen(controller);
    for (const char *line = text; line && *line;
         line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL) {
        const char *names = strchr(line, ':'), *from = names ? strchr(names + 1, ':') : NULL;
        if (!from) return false;
        bool match = !wanted && from == names + 1;
        for (const char *name = names + 1; wanted && name < from; name += strcspn(name, ",:") + 1)
            if (strcspn(name, ",:") == wanted && !strncmp(name, controller, wanted)) match = true;
        if (!match) continue;
        size_t length = strcspn(from + 1, "\n");
        if (length >= PATH_MAX) return false;
        memcpy(path, from + 1, length);
        path[length] = 0;
        return true;
    }
    return false;
}

static size_t word(const char *text) { return strcspn(text, " \n"); }

/*
 * Opens cgroup.procs of `path` if this line of mountinfo mounts the hierarchy of `type` and
 * `controller`; otherwise returns -1.
 */
static int open_if_mounted(const char *line, const char *type, const char *controller,
                           const char *path) {
    static char file[2 * PATH_MAX + 16];
    const char *tail = strstr(line, " - ");
    if (!tail || word(field(tail, 1)) != strlen(type) ||
        strncmp(field(tail, 1), type, strlen(type)))
        return -1;
    const char *listed = field(tail, 3), *end = listed + word(listed);
    bool match = !*controller;
    for (; !match && listed < end; listed += strcspn(listed, ", \n") + 1)
        match = strcspn(listed, ", \n") == strlen(controller) &&
                !strncmp(listed, controller, strlen(controller));
    const char *root = field(line, 3), *point = field(line, 4);
    size_t skip = word(root) == 1 ? 0
                                  : word(root); /* the mount may show only part of the hierarchy */
    if (!match || strncmp(path, root, skip)) return -1;
    snprintf(file, sizeof file, "%.*s%s/cgroup.procs", (int)word(point), point, path + skip);
    return open(file, O_WRONLY | O_CLOEXEC);
}

static int open_cgroup_procs(const char *type, const char *controller, const char *path) {
    static char line[8192];
    FILE *mounts = fopen("/proc/self/mountinfo", "re");
    int fd = -1;
    for (bool whole = true; mounts && fd < 0 && fgets(line, sizeof line, mounts);) {
        bool start = whole; /* a longer line than the buffer is not a cgroup mount */
        whole = strchr(line, '\n');
        if (start && whole) fd = open_if_mounted(line, type, controller, path);
    }
    if (mounts) fclose(mounts);
    return fd;
}

/*
 * Opens the files that a child writes to in order to join the target's device rules. They belong to
 * the v1 `devices` hierarchy and to the unified hierarchy, if those exist and the target's cgroup
 * differs from the agent's. Returns the number of files in `found`, or -1 if a required file cannot
 * be opened. The kernel checks the permission to move a process against the opener of the file, so
 * this runs before capabilities are dropped.
 */
int find_device_cgroups(int proc, int found[2]) {
    static char target[16384], own[16384];
    char path[PATH_MAX], own_path[PATH_MAX];
    if (read_text(proc, "cgroup", target, sizeof target) < 0 ||
        read_text(AT_FDCWD, "/proc/self/cgroup", own, sizeof own) < 0)
        return -1;
    int count = 0;
    bool v1 = cgroup_path(target, "devices", path);
    for (int unified = 0; unified <= 1; unified++) {
        const char *controller = unified ? "" : "devices";
        if (!cgroup_path(target, controller, path)) continue;
        if (cgroup_path(own, controller, own_path) && !strcmp(path, own_path)) continue;
        /*
         * A path outside the agent's cgroup namespace starts with "/.." and does not exist below a
         * mount point.
         */
        int fd = strstr(path, "/..")
                     ? -1
                     : open_cgroup_procs(unified ? "cgroup2" : "cgroup", controller, path);
        if (fd >= 0) found[count++] = fd;
        else if (!unified || !v1)
            return -1; /* if v1 has a `devices` hierarchy, v2 does not control devices */
    }
    return count;
}

static noreturn void open_in_cgroup(int result, const char *link, int flags) {
    int fd = -1, error = 0;
    for (int i = 0; i < 2 && !error; i++)
        if (agent.device_cgroups[i] >= 0 && write_all(agent.device_cgroups[i], "0", 1) < 0)
            error = errno;
    if (!error) fd = open(link, flags);
    if (!error && fd < 0) error = errno;
    send_packet(result, &error, sizeof error, &fd, fd >= 0);
    _exit(0);
}

/* The child's reply: the descriptor, or -1 and the reason. */
static int receive_opened(int from, int *error) {
    static struct packet answer;
    int got = receive_packet(
        from, &answer,
        1); /* an answer without a descriptor is an error of the caller, but its bytes are valid */
    *error = EIO;
    if (answer.length == sizeof *error) memcpy(error, answer.data, sizeof *error);
    if (got < 0 && *error == 0) *error = EMFILE;
    return answer.fd;
}

/*
 * Opens the device that `link` (/proc/self/fd/N) refers to, by the rule determined during set-up.
 */
int open_device(const char *link, int flags) {
    if (agent.device_rule == DEVICE_KERNEL) return open(link, flags);
    errno = EPERM;
    if (agent.device_rule == DEVICE_REFUSE) return -1;

    int ends[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0) return -1;
    pid_t pid = fork_worker();
    if (pid == 0) open_in_cgroup(ends[1], link, flags);
    int error = pid < 0 ? errno : ETIMEDOUT,
        fd = -1; /* a frozen cgroup freezes any process that joins it */
    close(ends[1]);
    if (pid > 0 && wait_readable(ends[0], DEADLINE_MS) == 1) fd = receive_opened(ends[0], &error);
    if (pid > 0) kill(pid, SIGKILL);
    close(ends[0]);
    errno = error;
    return fd;
}
