/* Mounts a part of a tree in the host's mount namespace, and unmounts it when the target ends. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>

#include "agent.h"

static volatile sig_atomic_t is_told_to_end;

static void end(int number) {
    (void)number;
    is_told_to_end = true;
}

static uint64_t mount_id(int at, const char *path, int flags) {
    struct k_statx found;
    if (k_statx(at, path, flags | K_AT_STATX_DONT_SYNC, K_STATX_MNT_ID, &found) < 0) return 0;
    return found.mount_id;
}

/* Whether /proc/self/mountinfo lists the mount. */
static bool is_mounted(uint64_t id) {
    char wanted[32];
    int fd = open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC);
    if (fd < 0) bail_errno("/proc/self/mountinfo");
    char *table = read_mounts(fd);
    close(fd);
    /* The first line is an older mount: it was there before this process cloned one. */
    snprintf(wanted, sizeof wanted, "\n%llu ", (unsigned long long)id);
    bool found = strstr(table, wanted);
    free(table);
    return found;
}

/* Waits for the target's end or a signal. Exits if the mount is unmounted first. */
static void wait_for_end(int target, uint64_t id) {
    sigset_t none, blocked;
    sigemptyset(&none);
    sigemptyset(&blocked);
    struct pollfd events[] = {
        {.fd = target, .events = POLLIN},
        {.fd = open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC), .events = POLLPRI}};
    static const int numbers[] = {SIGTERM, SIGHUP, SIGINT};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        sigaddset(&blocked, numbers[i]);
        signal(numbers[i], end);
    }
    sigprocmask(SIG_BLOCK, &blocked, NULL);
    while (!is_told_to_end && !(events[0].revents & POLLIN)) {
        events[0].revents = 0;
        ppoll(events, 2, NULL, &none);
        if (!is_mounted(id)) exit(0);
    }
}

/*
 * Reports the mount ID to porthole in one line, and waits until porthole has recorded the mount.
 * False if porthole ended before: no command would list the mount.
 */
static bool is_recorded(int host, uint64_t id) {
    char line[48];
    int length = snprintf(line, sizeof line, "mounted %llu\n", (unsigned long long)id);
    return write_all(host, line, (size_t)length) == 0 && read(host, line, 1) == 1;
}

/*
 * Mounts `part`, a path in the launcher's mount namespace, at the directory `on` of the namespace
 * `host_mounts`. `mount_point` is the path of `on`.
 */
void keep_mount(const struct kept *kept, const struct join *of, int host) {
    int part = k_open_tree(AT_FDCWD, kept->part,
                           K_OPEN_TREE_CLONE | K_AT_RECURSIVE | AT_SYMLINK_NOFOLLOW | O_CLOEXEC);
    if (part < 0) bail_errno("%s", kept->part);
    int target = k_pidfd_open(of->pid);
    if (target < 0) bail_errno("pidfd_open of process %d", of->pid);
    if (of->start_time) check_start_time(of->proc, of->start_time);
    if (setns(kept->host_mounts, CLONE_NEWNS) < 0) bail_errno("setns to the host's mounts");
    if (k_move_mount(part, kept->on) < 0) bail_errno("mounting on %s", kept->mount_point);
    uint64_t id = mount_id(part, "", AT_EMPTY_PATH);
    close(part);
    close(kept->on);
    if (is_recorded(host, id)) wait_for_end(target, id);
    /* Keep another mount that covers this mount. */
    if (mount_id(AT_FDCWD, kept->mount_point, AT_SYMLINK_NOFOLLOW) == id)
        umount2(kept->mount_point, MNT_DETACH | UMOUNT_NOFOLLOW);
    exit(0);
}
