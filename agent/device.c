/*
 * Device nodes on route direct. The agent is not in the container's cgroup, so the kernel would not ask the container's device rules: a node
 * made inside with mknod opened the host's kernel log. Therefore a short-lived child joins the target's cgroup and opens the node there.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "agent.h"

enum { DEADLINE_MS = 2000 };

/* Copies the path that /proc/PID/cgroup (cgroups(7)) gives for a hierarchy: "N:controllers:path"; controllers is "" for the unified one. */
static bool cgroup_path(const char *text, const char *controller, char path[PATH_MAX]) {
    size_t wanted = strlen(controller);
    for (const char *line = text; line && *line; line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL) {
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

/* Opens cgroup.procs of `path` in the hierarchy that /proc/self/mountinfo shows with this file system type and option. -1: not possible. */
static int open_cgroup_procs(const char *type, const char *option, const char *path) {
    FILE *mounts = fopen("/proc/self/mountinfo", "re");
    char *line = NULL, root[PATH_MAX], point[PATH_MAX], found_type[32], options[256], file[2 * PATH_MAX + 16];
    size_t size = 0;
    int fd = -1;
    while (mounts && fd < 0 && getline(&line, &size, mounts) > 0) {
        char *rest = strstr(line, " - ");
        if (!rest || sscanf(line, "%*s %*s %*s %4095s %4095s", root, point) != 2) continue;
        if (sscanf(rest, " - %31s %*s %255s", found_type, options) != 2 || strcmp(found_type, type)) continue;
        char *listed = strstr(options, option);
        if (*option && (!listed || (listed[strlen(option)] != ',' && listed[strlen(option)] != 0))) continue;
        size_t skip = strcmp(root, "/") ? strlen(root) : 0; /* the mount may show only part of the hierarchy */
        if (strncmp(path, root, skip)) continue;
        snprintf(file, sizeof file, "%s%s/cgroup.procs", point, path + skip);
        fd = open(file, O_WRONLY | O_CLOEXEC);
    }
    free(line);
    if (mounts) fclose(mounts);
    return fd;
}

/*
 * Opens what a child must write to to be under the target's device rules: the v1 `devices` hierarchy and the unified one, as far as they
 * exist and the target's place differs from the agent's own. Returns how many there are in `found`, or -1 when one that counts cannot be opened.
 * The kernel checks the right to move a process against who opened the file, so this comes before the capabilities go.
 */
int find_device_cgroups(int proc, int found[2]) {
    static char target[16384], own[16384];
    char path[PATH_MAX], own_path[PATH_MAX];
    if (read_text(proc, "cgroup", target, sizeof target) < 0 || read_text(AT_FDCWD, "/proc/self/cgroup", own, sizeof own) < 0) return -1;
    int count = 0;
    bool v1 = cgroup_path(target, "devices", path);
    for (int unified = 0; unified <= 1; unified++) {
        const char *controller = unified ? "" : "devices";
        if (!cgroup_path(target, controller, path)) continue;
        if (cgroup_path(own, controller, own_path) && !strcmp(path, own_path)) continue;
        /* A path outside the agent's cgroup namespace starts with "/..", which names nothing below a mount point. */
        int fd = strstr(path, "/..") ? -1 : open_cgroup_procs(unified ? "cgroup2" : "cgroup", controller, path);
        if (fd >= 0) found[count++] = fd;
        else if (!unified || !v1) return -1; /* beside a v1 `devices` hierarchy the unified one has no say over devices */
    }
    return count;
}

static noreturn void open_in_cgroup(int result, const char *link, int flags) {
    int fd = -1, error = 0;
    for (int i = 0; i < 2 && !error; i++)
        if (agent.device_cgroups[i] >= 0 && write_all(agent.device_cgroups[i], "0", 1) < 0) error = errno;
    if (!error) fd = open(link, flags);
    if (!error && fd < 0) error = errno;
    send_packet(result, &error, sizeof error, fd);
    _exit(0);
}

/* The child's answer: the descriptor, or -1 and why not. */
static int receive_opened(int from, int *error) {
    static struct packet answer;
    int got = receive_packet(from, &answer, 1); /* an answer without a descriptor is an error here, but its bytes are there */
    *error = EIO;
    if (answer.length == sizeof *error) memcpy(error, answer.data, sizeof *error);
    if (got < 0 && *error == 0) *error = EMFILE;
    return answer.fd;
}

/* Opens the device behind `link` (/proc/self/fd/N) by the rule that set-up settled on. */
int open_device(const char *link, int flags) {
    if (agent.device_rule == DEVICE_KERNEL) return open(link, flags);
    errno = EPERM;
    if (agent.device_rule == DEVICE_REFUSE) return -1;

    int ends[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0) return -1;
    pid_t pid = fork_worker();
    if (pid == 0) open_in_cgroup(ends[1], link, flags);
    int error = pid < 0 ? errno : ETIMEDOUT, fd = -1; /* a frozen cgroup freezes who joins it */
    close(ends[1]);
    if (pid > 0 && wait_readable(ends[0], DEADLINE_MS) == 1) fd = receive_opened(ends[0], &error);
    if (pid > 0) kill(pid, SIGKILL);
    close(ends[0]);
    errno = error;
    return fd;
}
