/*
 * The launcher: becomes a command of the host that sees trees of targets below one directory. It
 * runs in its own mount namespace, and for an ordinary user also in its own user namespace. So the
 * host sees none of its mounts, and no mount remains after any end of the command.
 *
 * It communicates with porthole over the socket --host, which execve(2) closes:
 *
 *   launcher -> "ready E1 E2 ...\n": for each --file 0, or the errno value of its path
 *   porthole -> the command and its arguments, each ended by a NUL, then the end of the stream
 *   launcher -> "exec E\n" if execve(2) failed, or another line if set-up failed
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "agent.h"

static void write_file(const char *path, const char *text) {
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0 || write_all(fd, text, strlen(text)) < 0) bail_errno("%s", path);
    close(fd);
}

/* Maps the user and the group to themselves, which needs no privilege (user_namespaces(7)). */
static void map_own_ids(uid_t uid, gid_t gid) {
    char map[64];
    write_file("/proc/self/setgroups", "deny");
    snprintf(map, sizeof map, "%u %u 1", uid, uid);
    write_file("/proc/self/uid_map", map);
    snprintf(map, sizeof map, "%u %u 1", gid, gid);
    write_file("/proc/self/gid_map", map);
}

/* Returns true if it is in its own user namespace now. */
static bool enter_own_namespaces(const struct join *join) {
    uid_t uid = geteuid();
    gid_t gid = getegid();
    bool own_user = false;
    if (join->pid && geteuid() != 0) join_owner(join);
    if (unshare(CLONE_NEWNS) < 0) {
        if (errno != EPERM) bail_errno("unshare(CLONE_NEWNS)");
        if (unshare(CLONE_NEWUSER | CLONE_NEWNS) < 0)
            bail_errno("this system refuses user namespaces to this user: unshare");
        map_own_ids(uid, gid);
        own_user = true;
    }
    if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
        bail_errno(own_user ? "this system refuses mounts in user namespaces to this user: mount"
                            : "making the launcher's mounts private");
    return own_user;
}

/*
 * The path at which the command finds a path below the launcher's directory. False if it is too
 * long.
 */
static bool locate(const struct launch *launch, const char *path, char *found, size_t size) {
    size_t length = launch->is_enclosed ? strlen(launch->trees[0].name) : 0;
    if (!launch->is_enclosed)
        return (size_t)snprintf(found, size, "%s/%s", launch->at, path) < size;
    if (strncmp(path, launch->trees[0].name, length)) bail("%s: not in the tree", path);
    return (size_t)snprintf(found, size, "/%s", path + length) < size;
}

/*
 * The access that is needed besides reading. A directory is open for reading, even if the command
 * writes below it.
 */
static int needed_mode(const struct opened_file *file, unsigned mode) {
    if (S_ISDIR(mode)) return X_OK;
    return fcntl(file->fd, F_GETFL) & O_ACCMODE ? W_OK : 0;
}

/*
 * The errno value with which the command, which has its own rights, cannot open a file by its path;
 * 0 if it can. ESTALE: another file has that path now. Mounts that may hang were detached earlier.
 */
static int refusal(const struct launch *launch, const struct opened_file *file) {
    char path[2 * wire_max_path];
    struct k_statx there, opened;
    if (!locate(launch, file->path, path, sizeof path)) return ENAMETOOLONG;
    if (k_statx(file->fd, "", AT_EMPTY_PATH | K_AT_STATX_DONT_SYNC, K_STATX_BASIC_STATS, &opened) <
            0 ||
        faccessat(AT_FDCWD, path, R_OK | needed_mode(file, opened.mode), 0) < 0 ||
        k_statx(AT_FDCWD, path, AT_SYMLINK_NOFOLLOW, K_STATX_BASIC_STATS, &there) < 0)
        return errno;
    return file->is_offline ||
                   (there.inode == opened.inode && there.dev_major == opened.dev_major &&
                    there.dev_minor == opened.dev_minor)
               ? 0
               : ESTALE;
}

static void report_ready(struct launch *launch) {
    char line[16 * MAX_FILES + 16];
    int used = sprintf(line, "ready");
    for (int i = 0; i < launch->file_count; i++) {
        struct opened_file *file = &launch->files[i];
        file->error = refusal(launch, file);
        if (file->error) keep_open(launch, file->fd);
        used += sprintf(line + used, " %d", file->error);
    }
    line[used++] = '\n';
    if (write_all(launch->host, line, (size_t)used) < 0) bail_errno("reporting to porthole");
}

char **receive_words(int fd, size_t most, int *count) {
    size_t size = 1 << 16, used = 0;
    char *text = malloc(size);
    ssize_t got = 1;
    while (text && got > 0 && used < most) {
        if (used == size) text = realloc(text, size *= 2);
        size_t end = size < most ? size : most;
        if (text) got = read_some(fd, text + used, end - used);
        if (got > 0) used += (size_t)got;
    }
    if (!text || got < 0) bail_errno("the command");
    /* The sender gave up and reported why. */
    if (!used || text[used - 1] || (used < most && most != SIZE_MAX)) exit(1);
    *count = 0;
    for (size_t i = 0; i < used; i++) *count += !text[i];
    char **words = calloc((size_t)*count + 1, sizeof *words);
    if (!words) bail_errno("the command");
    for (int i = 0; i < *count; i++, text += strlen(text) + 1) words[i] = text;
    return words;
}

/* The command keeps the standard streams and the descriptors of --keep. */
static void close_the_rest(const struct launch *launch) {
    if (syscall(SYS_close_range, 3, UINT_MAX, K_CLOSE_RANGE_CLOEXEC) < 0) bail_errno("close_range");
    for (int i = 0; i < launch->kept_count; i++)
        if (fcntl(launch->kept[i], F_SETFD, 0) < 0) bail_errno("--keep %d", launch->kept[i]);
}

/* Uses the target's resolver files if the command joins its network and sees its files. */
static void join_target(struct launch *launch) {
    char tree[wire_max_path];
    if (joins(&launch->join, "net") && launch->tree_count) {
        snprintf(tree, sizeof tree, "%s/%s", launch->at, launch->trees[0].name);
        show_instead(tree, "/etc/resolv.conf");
        show_instead(tree, "/etc/hosts");
    }
    join_namespaces(&launch->join);
}

/* Mounts --directory at --mount-point instead of running a command. */
static noreturn void mount_in_host(struct launch *launch, int host_mounts) {
    char part[2 * wire_max_path];
    if (!launch->directory || launch->on < 3 || !launch->join.pid)
        bail("--mount-point: expected --directory, --on and --target-pid");
    if ((size_t)snprintf(part, sizeof part, "%s/%s", launch->at, launch->directory) >= sizeof part)
        bail("%s: %s", launch->directory, strerror(ENAMETOOLONG));
    const struct kept kept = {.part = part,
                              .mount_point = launch->mount_point,
                              .on = launch->on,
                              .host_mounts = host_mounts};
    keep_mount(&kept, &launch->join, launch->host);
}

static void begin_in_directory(const struct launch *launch) {
    char path[2 * wire_max_path];
    if (!launch->directory) return;
    if (!locate(launch, launch->directory, path, sizeof path)) errno = ENAMETOOLONG;
    else if (chdir(path) == 0) return;
    bail_errno("%s/%s", launch->at, launch->directory);
}

void run_command(int argc, char **argv) {
    pid_t parent = getppid();
    struct launch *launch = parse_launch(argc, argv);
    if (launch->join.pid) open_namespaces(&launch->join);
    int host_mounts = open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC);
    bool own_user = enter_own_namespaces(&launch->join);
    attach_trees(launch->at, launch->trees, launch->tree_count, launch->script);
    for (int i = 0; launch->storage_only && i < launch->file_count; i++)
        require_storage(launch->at, launch->files[i].path, launch->trees, launch->tree_count);
    detach_mounts(launch->at, launch->trees, launch->tree_count,
                  (launch->all_mounts ? 0u : DETACH_REMOTE) |
                      (launch->is_enclosed ? DETACH_PROC : 0u));
    if (launch->mount_point) mount_in_host(launch, host_mounts);
    if (launch->join.pid) join_target(launch);
    if (launch->is_enclosed)
        enclose(launch->at, launch->trees, launch->programs, launch->program_count);
    if (own_user) drop_capabilities(0);
    report_ready(launch);
    begin_in_directory(launch);
    int count;
    char **command = receive_words(launch->host, SIZE_MAX, &count);
    bool in_child = launch->is_shell || joins(&launch->join, "pid");
    if (in_child) run_in_child(&launch->join, launch->is_shell, parent);
    close_the_rest(launch);
    if (!in_child) end_with(parent);
    execvp(*command, command);
    bail("exec %d", errno);
}
