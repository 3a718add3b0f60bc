/*
 * The root of a target without processes: a stopped container, an image or a volume. The agent
 * assembles it from directories in its own mount namespace. The host has no mount point and nothing
 * to clean up: the namespace ends with its last process, even if the agent is killed.
 *
 *   one directory               a bind mount of it
 *   several                     an overlay with lower layers only, so it cannot be written
 *   volumes and bind mounts     on top, each at its mount point
 *
 * Everything is read-only, nodev, nosuid and noexec. The content of the directories is hostile:
 * mount points are resolved inside the new root, and mount(2) gets every directory by its
 * descriptor.
 *
 * Options, all repeatable but --engine-pid:
 *
 *   --layer DIRECTORY         a layer, uppermost first; with --target-pid, the agent only reports
 *                             which layer a file is from
 *   --engine-pid N            the layers are in the namespaces of this process
 *   --bind SOURCE --at PATH   show SOURCE at PATH of the root
 *   --overlay DEVICE          a local overlay of the target, such as 0:54
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "agent.h"

/*
 * The agent mounts the root at this path in its namespace. Every system has this directory, and
 * the agent does not use it.
 */
static const char root_path[] = "/sys";

enum { SAFE = MS_RDONLY | MS_NODEV | MS_NOSUID | MS_NOEXEC };

static const uint64_t setup_capabilities = 1ull << K_CAP_DAC_OVERRIDE |
                                           1ull << K_CAP_DAC_READ_SEARCH |
                                           1ull << K_CAP_SYS_CHROOT | 1ull << K_CAP_SYS_PTRACE |
                                           1ull << K_CAP_SYS_ADMIN;
static const uint64_t serving_capabilities = 1ull << K_CAP_DAC_OVERRIDE |
                                             1ull << K_CAP_DAC_READ_SEARCH;

struct link {
    char path[32];
};

static struct link link_to(int fd) {
    struct link link;
    snprintf(link.path, sizeof link.path, "/proc/self/fd/%d", fd);
    return link;
}

static int open_inside(int root, const char *path) {
    return k_openat2(root, path, O_PATH | O_CLOEXEC, K_RESOLVE_IN_ROOT | K_RESOLVE_NO_MAGICLINKS);
}

static void enter_own_namespace(void) {
    if (unshare(CLONE_NEWNS) < 0) bail_errno("unshare(CLONE_NEWNS)");
    if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
        bail_errno("making the agent's mounts private");
}

static void bind_read_only(int source, const char *mount_point) {
    if (mount(link_to(source).path, mount_point, NULL, MS_BIND, NULL) < 0)
        bail_errno("mount(MS_BIND)");
}

/*
 * The flags of a bind mount take effect only with a second call (mount(2)). `mounted` is its root.
 */
static void protect(int mounted) {
    if (mount(NULL, link_to(mounted).path, NULL, MS_REMOUNT | MS_BIND | SAFE, NULL) < 0)
        bail_errno("making a mount read-only");
}

/*
 * The lowest layer, with the mount points of the volumes: a container that never ran may lack some.
 * Other layers hide its entries of the same name. Returns its root.
 */
static int make_mount_points(const struct layer_options *options) {
    if (mount("tmpfs", root_path, "tmpfs", SAFE & ~MS_RDONLY, "size=1m,mode=755") < 0)
        bail_errno("mounting a tmpfs");
    int root = open(root_path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (root < 0) bail_errno("%s", root_path);
    for (int i = 0; i < options->bind_count; i++) {
        struct stat source;
        char path[wire_max_path + 1];
        if (options->binds[i].fd < 0 || fstat(options->binds[i].fd, &source) < 0) continue;
        if (snprintf(path, sizeof path, "%s", options->binds[i].mount_point + 1) >=
                (int)sizeof path ||
            strstr(path, ".."))
            continue;
        for (char *slash = path; (slash = strchr(slash, '/')); *slash++ = '/') {
            *slash = 0;
            mkdirat(root, path, 0755);
        }
        if (S_ISDIR(source.st_mode)) mkdirat(root, path, 0755);
        else close(openat(root, path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644));
    }
    return root;
}

/*
 * Names layers by descriptor number, relative to /proc/self/fd. Numbers are shorter than paths,
 * since mount(2) limits options to a page, and need no escapes.
 */
static void name_layers(char *text, size_t size, const int *layers, int count) {
    size_t used = (size_t)snprintf(text, size, "lowerdir=");
    for (int i = 0; i < count && used < size; i++)
        used += (size_t)snprintf(text + used, size - used, i ? ":%d" : "%d", layers[i]);
    if (used >= size) bail("too many layers for one mount: %d", count);
}

/*
 * In a user namespace, overlay attributes are user.overlay.*, also in the layers of a rootless
 * engine.
 */
static bool in_user_namespace(void) {
    struct stat own;
    return stat("/proc/self/ns/user", &own) == 0 && own.st_ino != K_INITIAL_USER_NAMESPACE;
}

static void mount_overlay(const int *layers, int count) {
    /*
     * Podman stores metadata apart from data (metacopy). An overlay without trusted attributes does
     * not support that, nor does every kernel.
     */
    static const char *const variants[2][3] = {{",metacopy=on", "", NULL},
                                               {",userxattr", "", NULL}};
    char names[3800], data[4000];
    name_layers(names, sizeof names, layers, count);
    if (chdir("/proc/self/fd") < 0) bail_errno("/proc/self/fd");
    int result = -1;
    for (const char *const *variant = variants[in_user_namespace()]; *variant && result < 0;
         variant++) {
        snprintf(data, sizeof data, "%s%s", names, *variant);
        result = mount("overlay", root_path, "overlay", SAFE, data);
        if (result < 0 && errno != EINVAL) break;
    }
    if (result < 0) bail_errno("mounting an overlay of %d layers", count);
    if (chdir("/") < 0) bail_errno("/");
}

static void mount_root(const struct layer_options *options) {
    static int layers[MAX_LAYERS + 1];
    int count = options->layer_count;
    memcpy(layers, agent.layers, (size_t)count * sizeof *layers);
    if (options->bind_count > 0) layers[count++] = make_mount_points(options);
    if (count == 1) bind_read_only(layers[0], root_path);
    else mount_overlay(layers, count);
    agent.root = open(root_path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (agent.root < 0) bail_errno("%s", root_path);
    if (count == 1) protect(agent.root);
    if (count > options->layer_count) close(layers[count - 1]);
}

static void mount_volumes(struct layer_options *options) {
    for (int i = 0; i < options->bind_count; i++) {
        int source = options->binds[i].fd,
            mount_point = source < 0 ? -1 : open_inside(agent.root, options->binds[i].mount_point);
        if (mount_point < 0) continue; /* no source or no mount point: keep the layers' file */
        struct stat what, where;
        if (fstat(source, &what) < 0 || fstat(mount_point, &where) < 0 ||
            S_ISDIR(what.st_mode) != S_ISDIR(where.st_mode))
            continue;
        bind_read_only(source, link_to(mount_point).path);
        int mounted = open_inside(agent.root, options->binds[i].mount_point);
        if (mounted < 0) bail_errno("%s", options->binds[i].mount_point);
        protect(mounted);
        close(mounted);
        close(mount_point);
        close(source);
    }
}

/*
 * A copy of the mount table as a process with this root sees it. It never changes, because the
 * namespace has no other process.
 */
static int copy_mount_table(void) {
    int table = memfd_create("mounts", MFD_CLOEXEC),
        proc = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (table < 0 || proc < 0) bail_errno("the mount table");
    pid_t pid = fork();
    if (pid < 0) bail_errno("fork");
    if (pid == 0) {
        char buffer[4096];
        ssize_t got = -1;
        int own = fchdir(agent.root) < 0 || chroot(".") < 0
                      ? -1
                      : openat(proc, "self/mountinfo", O_RDONLY | O_CLOEXEC);
        while (own >= 0 && (got = read_some(own, buffer, sizeof buffer)) > 0)
            if (write_all(table, buffer, (size_t)got) < 0) _exit(1);
        _exit(got == 0 ? 0 : 1);
    }
    int status = -1;
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR) continue;
    if (status) bail("cannot read the mount table");
    close(proc);
    return table;
}

static bool is_used(const char *point) {
    static const char *const used[] = {"/proc", "/dev", root_path};
    for (int i = 0; i < 3; i++) {
        size_t length = strlen(used[i]);
        if (!strncmp(point, used[i], length) && (!point[length] || point[length] == '/'))
            return true;
    }
    return !strcmp(point, "/");
}

/*
 * Detaches mounts that the agent does not use: an unused copy would keep a disk busy after the host
 * unmounts it. Mounts locked by a user namespace stay.
 */
static void detach_the_rest(void) {
    for (bool again = true; again;) {
        int fd = open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC);
        if (fd < 0) bail_errno("/proc/self/mountinfo");
        char *table = read_mounts(fd), *rest = table;
        struct mount mount;
        again = false;
        while (next_mount(&rest, &mount))
            if (!is_used(mount.point) && umount2(mount.point, MNT_DETACH | UMOUNT_NOFOLLOW) == 0)
                again = true;
        free(table);
        close(fd);
    }
}

static void open_directories(struct layer_options *options) {
    agent.layer_count = options->layer_count;
    agent.is_assembled = agent.layers_local = true;
    for (int i = 0; i < options->layer_count; i++) {
        agent.layers[i] = open(options->layers[i], O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (agent.layers[i] < 0) bail_errno("%s", options->layers[i]);
        if (!is_local_file_system(agent.layers[i])) agent.layers_local = false;
    }
    for (int i = 0; i < options->bind_count; i++)
        options->binds[i].fd = open(options->binds[i].source, O_PATH | O_CLOEXEC);
}

/* Assembles the root from the layers in a new mount namespace, and mounts the volumes on it. */
void make_layers_root(struct layer_options *options) {
    confine(setup_capabilities);
    if (options->engine) {
        join_engine(options->engine, options->engine_start);
        confine(setup_capabilities);
    }
    enter_own_namespace();
    open_directories(options);
    mount_root(options);
    mount_volumes(options);
}

/*
 * Replaces open_target(): fills in the root in `agent` and drops every capability that serving does
 * not need.
 */
void open_layers(struct layer_options *options) {
    make_layers_root(options);
    agent.mount_table = copy_mount_table();
    detach_the_rest();
    confine(serving_capabilities);

    struct stat own_user;
    agent.target = -1;
    agent.device_rule = DEVICE_KERNEL; /* nodev */
    agent.device_cgroups[0] = agent.device_cgroups[1] = -1;
    agent.proc = open("/proc/self", O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (agent.proc < 0) bail_errno("/proc/self");
    if (stat("/proc/self/ns/user", &own_user) == 0) agent.user_namespace = own_user.st_ino;
    agent.capabilities = effective_capabilities();
    agent.memory_mount = find_memory_mount();
    probe_kernel();
}
