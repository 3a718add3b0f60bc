/*
 * Opens files for OPEN, OPEN_MANY and OPEN_PROCESS_FD: decides by a file's stat whether to pass it,
 * to relay it, or to refuse it because reading consumes its data.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#include "agent.h"

enum { ALWAYS = O_CLOEXEC | O_NOCTTY | O_NONBLOCK };

void reply_stat(struct reply *reply, const struct k_statx *st) {
    encode_file_stat(reply->body, st);
    reply->length = file_stat_size;
}

/*
 * /proc/N/mem reads the memory of process N. A page of it may be mapped from a file whose server
 * does not respond; the reader then hangs, even after SIGKILL (tested). cmdline and environ read
 * only anonymous pages since Linux 4.17. Other empty files of this name are relayed too, at no
 * cost.
 */
static bool reads_memory(const char *name) {
    return !strncmp(name, "mem", 3) &&
           (!name[3] || name[3] == ' '); /* " (deleted)": the process has exited */
}

/*
 * Replies with the stat only: reading consumes the file's data, and the client did not allow that.
 */
static int refuse_consuming(struct reply *reply, const struct k_statx *st) {
    reply_stat(reply, st);
    put32(reply->body + file_stat_flags,
          get32(reply->body + file_stat_flags) | stat_flag_consuming);
    return 0;
}

/*
 * Passes the file itself, or a relay if the host must not read the file or the request asks for a
 * relay. Takes ownership of `fd`.
 */
static int pass_file(int fd, const struct k_statx *st, uint32_t wanted, uint64_t offset,
                     struct reply *reply) {
    static char path[wire_max_path + 1];
    reply->fd = fd;
    reply_stat(reply, st);
    /*
     * A regular file's stat already has the flag; a new check would add system calls to the
     * fastest path.
     */
    bool remote = S_ISREG(st->mode) ? reply->body[file_stat_flags] & stat_flag_relayed
                                    : is_remote(st);
    const char *name = name_of_empty(fd, st, path);
    if (name && !remote && !(wanted & open_flag_consume) && name_consumes(fd, name)) {
        close(fd);
        reply->fd = -1;
        return refuse_consuming(reply, st);
    }
    if (S_ISREG(st->mode) && ((wanted & open_flag_relay) || (name && reads_memory(name))))
        remote = true;
    if (!remote) return 0;
    if ((wanted & open_flag_write) || !S_ISREG(st->mode)) return EOPNOTSUPP;
    if (offset > INT64_MAX) return EINVAL;
    put32(reply->body + file_stat_flags, get32(reply->body + file_stat_flags) | stat_flag_relayed);
    struct relay_job job = {.file = fd, .offset = (off_t)offset, .end = new_relay_end(reply->id)};
    int pipe = pipe_from_child(write_relay, &job);
    if (pipe < 0) return errno;
    reply->fd = pipe;
    reply->also_close = fd;
    return 0;
}

/* openat(2) with a file size limit that lets an overlay copy the file from a lower layer. */
static int open_for_writing(int directory, const char *name, int flags) {
    limit_file_size(false);
    int fd = (int)syscall(SYS_openat, directory, name, flags), error = errno;
    limit_file_size(true);
    errno = error;
    return fd;
}

/* Reopens `fd` through /proc/self/fd, which is opened only once because every open uses it. */
static int reopen(int fd, int flags) {
    static int own = -1; /* of the session's process; its parent opens no file */
    if (own < 0) own = open("/proc/self/fd", O_PATH | O_DIRECTORY | O_CLOEXEC);
    char digits[12], *name = digits + sizeof digits - 1;
    *name = 0;
    for (int rest = fd; rest > 0 || !*name; rest /= 10) *--name = (char)('0' + rest % 10);
    if (flags & O_ACCMODE) return open_for_writing(own, name, flags);
    return (int)syscall(SYS_openat, own, name, flags);
}

/*
 * Opens the file of `path_fd` (O_PATH), devices by the target's rules. Takes ownership of
 * `path_fd`.
 */
int pass_reopened(int path_fd, uint32_t wanted, uint64_t offset, struct reply *reply) {
    struct k_statx st;
    char link[32];
    int flags = wanted & open_flag_write ? O_RDWR : O_RDONLY;
    reply->fd = path_fd;
    if (statx_fd(path_fd, &st) < 0) return errno;
    if (S_ISLNK(st.mode)) return ELOOP;
    if (kind_consumes(&st) && !(wanted & open_flag_consume)) {
        close(path_fd);
        reply->fd = -1;
        return refuse_consuming(reply, &st);
    }
    bool device = S_ISCHR(st.mode) || S_ISBLK(st.mode);
    if (device) snprintf(link, sizeof link, "/proc/self/fd/%d", path_fd);
    int fd = device ? open_device(link, flags | ALWAYS) : reopen(path_fd, flags | ALWAYS);
    int error = errno;
    close(path_fd);
    reply->fd = fd;
    if (fd < 0) return error;
    /* The copy that an overlay made may have another inode. */
    if (wanted & open_flag_write && statx_fd(fd, &st) < 0) return errno;
    return pass_file(fd, &st, wanted, offset, reply);
}

/* Opens a path as OPEN's flags `wanted` ask. Returns 0 or an errno value. */
int open_file(const char *path, uint32_t wanted, uint64_t offset, struct reply *reply) {
    int how = (wanted & open_flag_noFollow ? O_NOFOLLOW : 0) |
              (wanted & open_flag_directory ? O_DIRECTORY : 0);
    if (agent.device_rule != DEVICE_KERNEL || !(wanted & open_flag_consume) || is_magic(path) ||
        wanted & open_flag_write) {
        /*
         * Inspect before opening. Opening has side effects on FIFOs and devices, and on some routes
         * the kernel does not apply the target's device rules to this process.
         */
        int path_fd = resolve(path, O_PATH | how);
        return path_fd < 0 ? errno : pass_reopened(path_fd, wanted, offset, reply);
    }
    struct k_statx st;
    int fd = resolve(path, O_RDONLY | how | ALWAYS);
    if (fd < 0) return errno;
    reply->fd = fd;
    if (statx_fd(fd, &st) < 0) return errno;
    return pass_file(fd, &st, wanted, offset, reply);
}

/*
 * Opens a name of a directory if it is a regular file that the host may read. Returns the
 * descriptor, or -1 for a file that needs a separate OPEN.
 */
int open_plain(int directory, const char *name, unsigned char *encoded) {
    static char path[wire_max_path + 1];
    struct k_statx st;
    int path_fd = openat(directory, name, O_PATH | O_NOFOLLOW | O_CLOEXEC), fd = -1;
    if (path_fd < 0) return -1;
    if (statx_fd(path_fd, &st) == 0 && S_ISREG(st.mode)) {
        encode_file_stat(encoded, &st);
        if (!(get32(encoded + file_stat_flags) & stat_flag_relayed))
            fd = reopen(path_fd, O_RDONLY | ALWAYS);
    }
    close(path_fd);
    if (fd < 0) return -1;
    const char *last = name_of_empty(fd, &st, path);
    if (!last || !(name_consumes(fd, last) || reads_memory(last))) return fd;
    close(fd);
    return -1;
}
