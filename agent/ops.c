/*
 * The operations of docs/protocol.md. Each parses its request, fills in the reply and returns 0, an
 * errno value, or MALFORMED. Only openat2 resolves paths. The agent inspects and reopens the result
 * through its descriptor, so no name is resolved twice.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/inotify.h>
#include <sys/stat.h>

#include "agent.h"

/* The rest of a request. `bad` is set as soon as a field is missing or invalid. */
struct request {
    const unsigned char *at;
    size_t left;
    bool bad;
    char path[wire_max_path + 1];
};

static const unsigned char *take(struct request *request, size_t size) {
    static const unsigned char zeros[8];
    if (size > request->left) {
        request->bad = true;
        return zeros;
    }
    request->at += size;
    request->left -= size;
    return request->at - size;
}

static uint32_t take32(struct request *request) { return get32(take(request, 4)); }
static uint64_t take64(struct request *request) { return get64(take(request, 8)); }

static uint32_t take_flags(struct request *request, uint32_t known) {
    uint32_t flags = take32(request);
    if (flags & ~known) request->bad = true;
    return flags;
}

static void take_path(struct request *request) {
    size_t length = get16(take(request, 2));
    if (request->bad || !length || length > wire_max_path || length > request->left ||
        memchr(request->at, 0, length)) {
        request->bad = true;
        return;
    }
    memcpy(request->path, take(request, length), length);
    request->path[length] = 0;
}

static bool malformed(const struct request *request) { return request->bad || request->left; }

static int do_open(struct request *request, struct reply *reply) {
    uint32_t wanted = take_flags(request, open_flag_write | open_flag_noFollow |
                                              open_flag_directory | open_flag_relay |
                                              open_flag_consume);
    uint64_t offset = take64(request);
    take_path(request);
    return malformed(request) ? MALFORMED : open_file(request->path, wanted, offset, reply);
}

/*
 * Opens files of one directory. The path is resolved once, and one request and one reply serve all
 * files. Requests and replies are most of the cost of an OPEN.
 */
static int do_open_many(struct request *request, struct reply *reply) {
    uint64_t opened = 0;
    take_path(request);
    if (request->bad || !request->left) return MALFORMED;
    int directory = resolve(request->path, O_PATH | O_DIRECTORY), error = errno;
    if (directory < 0) return error;
    for (unsigned i = 0; request->left && !request->bad; i++) {
        take_path(request);
        if (i >= wire_max_batch || strchr(request->path, '/')) request->bad = true;
        if (request->bad) break;
        int fd = open_plain(directory, request->path,
                            reply->body + 8 + reply->many_count * file_stat_size);
        if (fd < 0) continue;
        reply->many[reply->many_count++] = fd;
        opened |= 1ULL << i;
    }
    close(directory);
    if (request->bad) return MALFORMED;
    put64(reply->body, opened);
    reply->length = 8 + reply->many_count * file_stat_size;
    return 0;
}

static int do_stat(struct request *request, struct reply *reply) {
    uint32_t flags = take_flags(request, open_flag_noFollow);
    take_path(request);
    if (malformed(request)) return MALFORMED;
    struct k_statx st;
    int fd = resolve_path_only(request->path, flags & open_flag_noFollow);
    if (fd < 0) return errno;
    int error = statx_fd(fd, &st) < 0 ? errno : 0;
    close(fd);
    if (!error) reply_stat(reply, &st);
    return error;
}

static int do_readlink(struct request *request, struct reply *reply) {
    take_path(request);
    if (malformed(request)) return MALFORMED;
    int fd = resolve_path_only(request->path, true);
    if (fd < 0) return errno;
    ssize_t length = readlinkat(fd, "", (char *)reply->body, sizeof reply->body);
    int error = length < 0 ? errno : length > wire_max_path ? ENAMETOOLONG : 0;
    close(fd);
    reply->length = error ? 0 : (size_t)length;
    return error == ENOENT ? EINVAL : error; /* for an empty path that is not a link; readlink(2) by
                                                name returns EINVAL */
}

/*
 * Lists a directory without a worker: most fit into a pipe's buffer, and a fork costs more than the
 * listing. Returns the pipe's read end, or -1 if a worker is needed.
 */
static int list_at_once(const struct list_job *job) {
    struct k_statx st;
    int ends[2];
    if (statx_fd(job->directory, &st) < 0 || is_remote(&st) || pipe2(ends, O_CLOEXEC) < 0)
        return -1;
    bool done = write_few_entries(ends[1], job);
    close(ends[1]);
    if (done) return ends[0];
    close(ends[0]);
    return -1;
}

static int do_list(struct request *request, struct reply *reply) {
    uint32_t flags = take_flags(request, list_flag_stat);
    take_path(request);
    if (malformed(request)) return MALFORMED;
    struct list_job job = {
        .directory = resolve(request->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NONBLOCK),
        .stat = flags & list_flag_stat};
    if (job.directory < 0) return errno;
    reply->fd = list_at_once(&job);
    if (reply->fd < 0) reply->fd = pipe_from_child(write_entries, &job);
    int error = reply->fd < 0 ? errno : 0;
    close(job.directory);
    return error;
}

/*
 * The session's inotify instance. The kernel limits a user to 128, so all watches of a session
 * share this instance.
 */
static int inotify = -1;
static bool inotify_passed;

static int reply_watch(struct reply *reply, int watch) {
    put32(reply->body, (uint32_t)watch);
    put32(reply->body + 4, 0);
    reply->length = 8;
    return 0;
}

static int remove_watch(int watch, struct reply *reply) {
    if (inotify < 0) return EINVAL;
    return inotify_rm_watch(inotify, watch) < 0 ? errno : reply_watch(reply, watch);
}

static int do_watch(struct request *request, struct reply *reply) {
    uint32_t flags = take_flags(request, watch_flag_remove | watch_flag_noFollow);
    uint32_t mask = take32(request);
    int watch = (int)take32(request);
    if (!(flags & watch_flag_remove)) take_path(request);
    if (malformed(request)) return MALFORMED;
    if (flags & watch_flag_remove) return remove_watch(watch, reply);
    if (watch != -1) return MALFORMED;
    /*
     * IN_DONT_FOLLOW would watch the link under /proc. Whether to follow was decided when the path
     * was resolved.
     */
    if (mask & (IN_MASK_CREATE | IN_DONT_FOLLOW)) return EINVAL;
    if (inotify < 0) inotify = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    if (inotify < 0) return errno;
    int fd = resolve_path_only(request->path, flags & watch_flag_noFollow);
    if (fd < 0) return errno;
    char link[32];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    watch = inotify_add_watch(inotify, link, mask);
    int error = errno;
    close(fd);
    if (watch < 0) return error;
    if (!inotify_passed) {
        reply->fd = inotify;
        reply->passed = &inotify_passed;
    }
    return reply_watch(reply, watch);
}

static int do_processes(struct request *request, struct reply *reply) {
    bool files = take_flags(request, processes_flag_files) & processes_flag_files;
    if (malformed(request)) return MALFORMED;
    if (agent.is_assembled) return ESRCH;
    reply->fd = pipe_from_child(write_processes, &files);
    return reply->fd < 0 ? errno : 0;
}

static int do_open_process_fd(struct request *request, struct reply *reply) {
    uint32_t wanted = take_flags(request, open_flag_write | open_flag_relay | open_flag_consume),
             pid = take32(request), number = take32(request);
    uint64_t offset = take64(request);
    if (malformed(request)) return MALFORMED;
    char name[32];
    int process = open_process(pid);
    if (process < 0) return errno;
    snprintf(name, sizeof name, "fd/%u", number);
    int path_fd = openat(process, name, O_PATH | O_CLOEXEC);
    int error = errno;
    close(process);
    if (path_fd < 0) return error == ENOENT ? EBADF : error;
    return pass_reopened(path_fd, wanted, offset, reply);
}

static int do_mounts(struct request *request, struct reply *reply) {
    if (malformed(request)) return MALFORMED;
    struct relay_job job = {.file = open_mountinfo(), .end = new_relay_end(reply->id)};
    if (job.file < 0) return errno;
    reply->fd = pipe_from_child(write_relay, &job);
    reply->also_close = job.file;
    return reply->fd < 0 ? errno : 0;
}

static int do_relay_end(struct request *request, struct reply *reply) {
    uint32_t id = take32(request);
    uint64_t bytes = 0;
    if (malformed(request)) return MALFORMED;
    int error = find_relay_end(id, &bytes);
    put64(reply->body, bytes);
    reply->length = 8;
    return error;
}

static int do_layer(struct request *request, struct reply *reply) {
    uint32_t flags = take_flags(request, open_flag_noFollow);
    take_path(request);
    if (malformed(request)) return MALFORMED;
    int fd = resolve_path_only(request->path, flags & open_flag_noFollow);
    if (fd < 0) return errno;
    int layer = layer_of(fd), error = layer < 0 ? errno : 0;
    close(fd);
    put32(reply->body, (uint32_t)layer);
    reply->length = 4;
    return error;
}

static int do_bye(struct request *request, struct reply *reply) {
    (void)reply;
    uint32_t scope = take32(request);
    return malformed(request) || scope > bye_scope_agent ? MALFORMED : 0;
}

/*
 * Runs one operation. Operations on the target first check that it is alive: its old root would
 * show a container that no longer exists.
 */
int run_operation(unsigned type, const unsigned char *body, size_t length, struct reply *reply) {
    static int (*const operations[])(struct request *,
                                     struct reply *) = {[op_open] = do_open,
                                                        [op_stat] = do_stat,
                                                        [op_readlink] = do_readlink,
                                                        [op_list] = do_list,
                                                        [op_watch] = do_watch,
                                                        [op_processes] = do_processes,
                                                        [op_openProcessFd] = do_open_process_fd,
                                                        [op_mounts] = do_mounts,
                                                        [op_bye] = do_bye,
                                                        [op_relayEnd] = do_relay_end,
                                                        [op_openMany] = do_open_many,
                                                        [op_layer] = do_layer};
    static struct request request;
    if (type >= sizeof operations / sizeof *operations || !operations[type]) return MALFORMED;
    /*
     * When a file is opened, a single poll after it checks both the mounts and the target.
     */
    bool opens = type == op_open || type == op_openMany;
    if (type != op_bye && type != op_relayEnd && !opens && !target_alive()) return ESRCH;
    request.at = body;
    request.left = length;
    request.bad = false;
    int error = operations[type](&request, reply);
    return opens && error >= 0 && !target_was_alive() ? ESRCH : error;
}
