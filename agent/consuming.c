/*
 * Files that lose what is read from them: the bytes would be missing where they were meant to go,
 * such as a container's log. They are looked at, and opened only for a client that asks for it
 * (OPEN flag consume).
 */
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include "agent.h"

/*
 * Minor numbers of major 1 (Documentation/admin-guide/devices.txt): each open of these reads for
 * itself. mem, kmem and port read hardware.
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

static bool is_lossless_device(const struct k_statx *facts) {
    if (facts->rdev_major != MEMORY_DEVICES) return false;
    switch (facts->rdev_minor) {
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
 * By its kind. To open such a file may already change something: a writer of a FIFO goes on, a
 * watchdog starts, a terminal is made.
 */
bool kind_consumes(const struct k_statx *facts) {
    return S_ISFIFO(facts->mode) || (S_ISCHR(facts->mode) && !is_lossless_device(facts));
}

/*
 * The last part of the path of an open file that says to be empty, as those of /proc do; NULL for
 * any other. To ask costs a system call, and a file with a size is what most opens are for.
 */
const char *name_of_empty(int fd, const struct k_statx *facts, char path[wire_max_path + 1]) {
    char link[32];
    if (!S_ISREG(facts->mode) || facts->size) return NULL;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlinkat(AT_FDCWD, link, path, wire_max_path);
    if (length <= 0) return NULL;
    path[length] = 0;
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

/*
 * By its name, for what is a regular file by its mode: proc_kmsg(5) and ftrace's pipes. Opening
 * these takes nothing. `name`: see name_of_empty.
 */
bool name_consumes(int fd, const char *name) {
    struct statfs on;
    bool of_proc = !strcmp(name, "kmsg"), of_trace = !strncmp(name, "trace_pipe", 10);
    if ((!of_proc && !of_trace) || fstatfs(fd, &on) < 0) return false;
    uint32_t magic = (uint32_t)on.f_type;
    return of_proc ? magic == K_PROC_MAGIC : magic == K_TRACEFS_MAGIC || magic == K_DEBUGFS_MAGIC;
}
