/*
 * Resolves the path of a request to a descriptor. openat2(2) resolves inside the target's root and
 * follows no magic links (proc_pid(5)). This file follows the common ones, /proc/PID/root, cwd, exe
 * and fd/N. It does so only for the target's own processes, and never out of the target's root.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "agent.h"

/*
 * openat2(2) fails with EAGAIN if a rename races with it. A container that renames endlessly must
 * not block the agent.
 */
enum { MAX_TRIES = 64 };

/* A path that starts with a magic link. */
struct magic {
    pid_t pid;        /* the target's numbering */
    char name[16];    /* "root", "cwd", "exe" or "fd/N" */
    const char *rest; /* the path after the link without leading slashes, or "" */
    bool slash;       /* a slash follows, so the link is followed with any flags */
};

/* Takes the next component off a path. Returns its length, 0 at the end. */
static size_t take_part(const char **at, const char **part) {
    *at += strspn(*at, "/");
    *part = *at;
    size_t length = strcspn(*at, "/");
    *at += length;
    return length;
}

static bool is_number(const char *part, size_t length) {
    return length > 0 && length <= 10 && strspn(part, "0123456789") >= length;
}

static bool parse_magic(const char *path, struct magic *magic) {
    const char *at = path, *part;
    if (take_part(&at, &part) != 4 || memcmp(part, "proc", 4)) return false;
    size_t length = take_part(&at, &part);
    unsigned long pid = is_number(part, length) ? strtoul(part, NULL, 10) : 0;
    if (!pid || pid > INT32_MAX) return false;
    magic->pid = (pid_t)pid;
    length = take_part(&at, &part);
    if (length == 2 && !memcmp(part, "fd", 2)) {
        length = take_part(&at, &part);
        if (!is_number(part, length)) return false;
        snprintf(magic->name, sizeof magic->name, "fd/%.*s", (int)length, part);
    } else {
        if ((length != 4 || memcmp(part, "root", 4)) &&
            (length != 3 || (memcmp(part, "cwd", 3) && memcmp(part, "exe", 3))))
            return false;
        snprintf(magic->name, sizeof magic->name, "%.*s", (int)length, part);
    }
    magic->slash = *at == '/';
    magic->rest = at + strspn(at, "/");
    return true;
}

static int open_below(int root, const char *path, int flags, uint64_t how) {
    int fd = -1;
    for (int tries = 0; tries < MAX_TRIES; tries++) {
        fd = k_openat2(root, path, (uint64_t)(flags | O_CLOEXEC), how | K_RESOLVE_NO_MAGICLINKS);
        if (fd >= 0 || (errno != EAGAIN && errno != EINTR)) break;
    }
    return fd;
}

static bool is_same(int one, int other) {
    struct k_statx a, b;
    const int flags = AT_EMPTY_PATH | K_AT_STATX_DONT_SYNC;
    const uint32_t mask = K_STATX_BASIC_STATS | K_STATX_MNT_ID;
    if (k_statx(one, "", flags, mask, &a) < 0 || k_statx(other, "", flags, mask, &b) < 0)
        return false;
    return a.inode == b.inode && a.dev_major == b.dev_major && a.dev_minor == b.dev_minor &&
           a.mount_id == b.mount_id;
}

/*
 * The target of a process's link, relative to the target's root. Both are relative to the top of
 * their mounts, which a target under chroot(2) does not see. Returns a pointer into `path`, or NULL
 * if it is not below the root.
 */
const char *path_in_root(int process, const char *name, char path[wire_max_path + 1]) {
    static char root[wire_max_path + 1];
    char link[32];
    snprintf(link, sizeof link, "/proc/self/fd/%d", agent.root);
    ssize_t root_length = readlinkat(AT_FDCWD, link, root, wire_max_path),
            length = readlinkat(process, name, path, wire_max_path);
    if (length <= 0 || root_length <= 0 || path[0] != '/') return NULL;
    path[length] = 0;
    if (root_length == 1) return path;
    return root_length < length && !memcmp(path, root, (size_t)root_length) &&
                   path[root_length] == '/'
               ? path + root_length
           : root_length == length && !memcmp(path, root, (size_t)length) ? "/"
                                                                          : NULL;
}

/*
 * On route mount, every process in /proc is the target's, unless it shares the host's PID
 * namespace.
 */
static bool is_in_target(int process) {
    struct stat mounts;
    if (agent.route != route_mount || !agent.mount_namespace) return true;
    if (fstatat(process, "ns/mnt", &mounts, 0) < 0) return false;
    errno = EACCES;
    return mounts.st_ino == agent.mount_namespace;
}

/*
 * Opens through a link that leads below the target's root. A process may have a directory or
 * program from outside open, as a container runtime does briefly. So the link's target must be the
 * same file as its path inside the root.
 */
static int open_in_root(int process, const struct magic *magic, int flags) {
    static char path[wire_max_path + 1], whole[wire_max_path + 1];
    int link = openat(process, magic->name, O_PATH | O_CLOEXEC), fd = -1;
    if (link < 0) return -1;
    const char *at = path_in_root(process, magic->name, path);
    int named = at ? open_below(agent.root, at, O_PATH, K_RESOLVE_IN_ROOT) : -1;
    bool same = named >= 0 && is_same(named, link);
    if (named >= 0) close(named);
    errno = ELOOP;
    if (same && !strcmp(magic->name, "root"))
        fd = open_below(link, *magic->rest ? magic->rest : ".", flags, K_RESOLVE_IN_ROOT);
    else if (same && (size_t)snprintf(whole, sizeof whole, "%s%s%s", at, magic->slash ? "/" : "",
                                      magic->rest) < sizeof whole)
        fd = open_below(agent.root, whole, flags, K_RESOLVE_IN_ROOT);
    int error = errno;
    close(link);
    errno = error;
    return fd;
}

static int resolve_magic(const struct magic *magic, int flags) {
    int process = open_process(magic->pid), fd = -1;
    if (process < 0 && errno == ESRCH) errno = ENOENT; /* as for a missing process */
    if (process < 0) return -1;
    bool is_open_file = !strncmp(magic->name, "fd/", 3) && !magic->slash;
    if (is_in_target(process))
        fd = is_open_file ? openat(process, magic->name, flags | O_CLOEXEC)
                          : open_in_root(process, magic, flags);
    int error = errno;
    close(process);
    errno = error;
    return fd;
}

/* True if the path leads through a magic link: inspect its target before opening it. */
bool is_magic(const char *path) {
    struct magic magic;
    return parse_magic(path, &magic);
}

/* Opens a path below the target's root. Returns the descriptor, or -1 with errno. */
int resolve(const char *path, int flags) {
    struct magic magic;
    bool is_link_itself = flags & O_NOFOLLOW;
    if (parse_magic(path, &magic) && (*magic.rest || magic.slash || !is_link_itself))
        return resolve_magic(&magic, *magic.rest ? flags : flags & ~O_NOFOLLOW);
    return open_below(agent.root, path, flags, K_RESOLVE_IN_ROOT);
}

int resolve_path_only(const char *path, bool no_follow) {
    return resolve(path, O_PATH | (no_follow ? O_NOFOLLOW : 0));
}
