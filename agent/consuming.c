/*
 * Files whose data is consumed by reading: the bytes would not reach their real reader, such as the
 * container's log. The agent inspects such a file first and opens it only if the client asks for it
 * (OPEN flag consume).
 */
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include "agent.h"

/*
 * Minor numbers of major 1 (Documentation/admin-guide/devices.txt). Each open of these reads
 * independently. mem, kmem and port read hardware.
 */
enum {
    MEMORY_DEVICES = 1,
    DEVICE_NULL = 3,
    DEVICE_ZERO = 5,
    DEVICE_FULL = 7,
    DEVICE_RANDOM = 8,
    DEVICE_URANDOM = 9,
    DEVICE_KMSG = 11
};

static bool is_lossless_device(const struct k_statx *st) {
    if (st->rdev_major != MEMORY_DEVICES) return false;
    switch (st->rdev_minor) {
    case DEVICE_NULL:
    case DEVICE_ZERO:
    case DEVICE_FULL:
    case DEVICE_RANDOM:
    case DEVICE_URANDOM:
    case DEVICE_KMSG: return true;
    default: return false;
    }
}

/*
 * By file type. Even opening such a file may have side effects: it unblocks a FIFO's writer, starts
 * a watchdog or creates a terminal.
 */
bool kind_consumes(const struct k_statx *st) {
    return S_ISFIFO(st->mode) || (S_ISCHR(st->mode) && !is_lossless_device(st));
}

/*
 * The last component of the path of an open file of size 0, as files of /proc have; NULL for any
 * other file. The check costs a system call, and most opened files have a size.
 */
const char *name_of_empty(int fd, const struct k_statx *st, char path[wire_max_path + 1]) {
    char link[32];
    if (!S_ISREG(st->mode) || st->size) return NULL;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlinkat(AT_FDCWD, link, path, wire_max_path);
    if (length <= 0) return NULL;
    path[length] = 0;
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

/*
 * By name, for files that are regular files by mode: proc_kmsg(5) and ftrace's pipes. Opening them
 * consumes no data. `name` comes from name_of_empty().
 */
bool name_consumes(int fd, const char *name) {
    struct statfs on;
    bool of_proc = !strcmp(name, "kmsg"), of_trace = !strncmp(name, "trace_pipe", 10);
    if ((!of_proc && !of_trace) || fstatfs(fd, &on) < 0) return false;
    uint32_t magic = (uint32_t)on.f_type;
    return of_proc ? magic == K_PROC_MAGIC : magic == K_TRACEFS_MAGIC || magic == K_DEBUGFS_MAGIC;
}
