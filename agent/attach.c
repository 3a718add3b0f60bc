/*
 * Attaches trees (tree.c) below one directory, in the launcher's own mount namespace. The agent
 * that made a tree may have been taken over by its target. So this file sets a tree's flags again.
 * If the caller has the target's own mount table, each mount of the tree must be in it.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "agent.h"

enum { EMPTY = MS_NOSUID | MS_NODEV | MS_NOEXEC };

static void mount_empty(const char *at, unsigned long flags) {
    if (mount("tmpfs", at, "tmpfs", EMPTY | flags, "size=1m,mode=755") < 0)
        bail_errno("mounting a tmpfs on %s", at);
}

/*
 * Returns the part of `path` below the directory `at`: "" for `at` itself, NULL if it is not below.
 */
static const char *below(const char *path, const char *at) {
    size_t length = strlen(at);
    return !strncmp(path, at, length) && (!path[length] || path[length] == '/') ? path + length
                                                                                : NULL;
}

/* Makes the directory of a tree and its parents. Returns it, O_PATH. */
static int make_directory(int at, const char *name) {
    char path[wire_max_path + 1];
    snprintf(path, sizeof path, "%s", name);
    int directory = -1;
    for (char *part = path, *end; part; part = end) {
        end = strchr(part, '/');
        if (end) *end++ = 0;
        if (!*part || !strcmp(part, ".") || !strcmp(part, ".."))
            bail("invalid tree name: %s", name);
        if (mkdirat(directory < 0 ? at : directory, part, 0755) < 0 && errno != EEXIST)
            bail_errno("%s", name);
        int next = openat(directory < 0 ? at : directory, part,
                          O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (next < 0) bail_errno("%s", name);
        if (directory >= 0) close(directory);
        directory = next;
    }
    return directory;
}

static void attach(int at, const struct tree *tree) {
    int mount_point = make_directory(at, tree->name);
    if (k_move_mount(tree->fd, mount_point) < 0) bail_errno("attaching the tree %s", tree->name);
    const struct k_mount_attr attributes = {.set = K_MOUNT_ATTR_NOSUID | K_MOUNT_ATTR_NODEV |
                                                   K_MOUNT_ATTR_NOSYMFOLLOW |
                                                   (tree->writable ? 0 : K_MOUNT_ATTR_RDONLY),
                                            .propagation = K_MS_PRIVATE};
    if (k_mount_setattr(tree->fd, AT_EMPTY_PATH | K_AT_RECURSIVE, &attributes) < 0)
        bail_errno("making the tree %s read-only", tree->name);
    close(mount_point);
}

/* True if the table has a mount of the same part of the same file system at the same mount point.
 */
static bool is_in_table(const char *table, const char *point, const struct mount *wanted) {
    char *copy = strdup(table), *rest = copy;
    struct mount mount;
    bool found = false;
    if (!copy) bail("out of memory for the mount table");
    while (!found && next_mount(&rest, &mount))
        found = !strcmp(mount.point, point) && !strcmp(mount.device, wanted->device) &&
                !strcmp(mount.root, wanted->root) && !strcmp(mount.type, wanted->type);
    free(copy);
    return found;
}

static char *own_mounts(void) {
    int fd = open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC);
    if (fd < 0) bail_errno("/proc/self/mountinfo");
    char *table = read_mounts(fd);
    close(fd);
    return table;
}

/* Bails unless the target itself has every mount of the tree. */
static void check_tree(const char *at, const struct tree *tree) {
    char path[2 * wire_max_path], *own = own_mounts(), *rest = own,
                                  *table = read_mounts(tree->table);
    struct mount mount;
    snprintf(path, sizeof path, "%s/%s", at, tree->name);
    while (next_mount(&rest, &mount)) {
        const char *point = below(mount.point, path);
        if (point && !is_in_table(table, *point ? point : "/", &mount))
            bail("the tree %s is not the target's: it has %s of device %s at %s, which the target "
                 "does not",
                 tree->name, mount.root, mount.device, *point ? point : "/");
    }
    free(table);
    free(own);
}

/*
 * Start-up script of a shell. zsh requires the name .zshrc in a directory; bash accepts any file.
 */
static void write_script(int at, const char *script) {
    int directory = make_directory(at, ".shell");
    int fd = openat(directory, ".zshrc", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    if (fd < 0 || write_all(fd, script, strlen(script)) < 0) bail_errno(".shell/.zshrc");
    close(fd);
    close(directory);
}

/*
 * Attaches each tree at `at`/NAME. Covers the existing directory `at` with a tmpfs. Writes
 * `script`, if any, to a file in it.
 */
void attach_trees(const char *at, struct tree *trees, int count, const char *script) {
    mount_empty(at, 0);
    int directory = open(at, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (directory < 0) bail_errno("%s", at);
    for (int i = 0; i < count; i++) attach(directory, &trees[i]);
    if (script) write_script(directory, script);
    for (int i = 0; i < count; i++)
        if (trees[i].table >= 0) check_tree(at, &trees[i]);
    close(directory);
    if (mount(NULL, at, NULL, MS_REMOUNT | MS_BIND | MS_RDONLY | EMPTY, NULL) < 0)
        bail_errno("making %s read-only", at);
}

static bool is_tree_root(const char *point, const char *at, const struct tree *trees, int count) {
    const char *name = below(point, at);
    for (int i = 0; name && i < count; i++)
        if (*name == '/' && !strcmp(name + 1, trees[i].name)) return true;
    return false;
}

/*
 * An overlay is local only if its layers are, and its type does not show that. Overlays that are
 * also mounted outside of the trees were made by the engine or the administrator.
 */
static bool is_mounted_outside(const char *table, const char *at, const char *device) {
    char *copy = strdup(table), *rest = copy;
    struct mount mount;
    bool found = false;
    if (!copy) bail("out of memory for the mount table");
    while (!found && next_mount(&rest, &mount))
        found = !below(mount.point, at) && !strcmp(mount.device, device);
    free(copy);
    return found;
}

/* True for a mount below a tree's root whose server may not respond. */
static bool is_remote_mount(const struct mount *mount, const char *table, const char *at,
                            const struct tree *trees, int count) {
    if (!below(mount->point, at) || is_tree_root(mount->point, at, trees, count)) return false;
    if (!strcmp(mount->type, "overlay")) return !is_mounted_outside(table, at, mount->device);
    return !is_local_type(mount->type);
}

static bool is_storage(const struct mount *mount, const char *table, const char *at,
                       const struct tree *trees, int count) {
    if (strcmp(mount->type, "overlay")) return is_storage_type(mount->type);
    return !is_remote_mount(mount, table, at, trees, count);
}

/*
 * Bails unless every file at `at`/`path` and below it is on a file system that only stores files.
 * The server of such a file system responds, and its reads have no effect. A path that is not a
 * mount point is on the innermost mount above it.
 */
void require_storage(const char *at, const char *path, const struct tree *trees, int count) {
    char *table = own_mounts(), *copy = strdup(table), *rest = copy, full[2 * wire_max_path];
    struct mount mount, above = {.type = ""};
    if (!copy) bail("out of memory for the mount table");
    if ((size_t)snprintf(full, sizeof full, "%s/%s", at, path) >= sizeof full)
        bail("%s: %s", path, strerror(ENAMETOOLONG));
    while (next_mount(&rest, &mount)) {
        if (below(mount.point, full) && !is_storage(&mount, table, at, trees, count))
            bail("%s has a mount of type %s", path, mount.type);
        if (below(full, mount.point) &&
            (!*above.type || strlen(mount.point) >= strlen(above.point)))
            above = mount;
    }
    if (!is_storage(&above, table, at, trees, count))
        bail("%s is on a file system of type %s", path, above.type);
    free(copy);
    free(table);
}

static bool is_unwanted(const struct mount *mount, const char *table, const char *at,
                        const struct tree *trees, int count, unsigned which) {
    if (which & DETACH_PROC && below(mount->point, at) && !strcmp(mount->type, "proc")) return true;
    return which & DETACH_REMOTE && is_remote_mount(mount, table, at, trees, count);
}

/*
 * One pass over the mount table. Returns true if something was unmounted. A mount that a user
 * namespace locked to the one below it cannot be unmounted (EINVAL, mount_namespaces(7)): `cover`
 * hides it. ENOENT: it was detached with the mount below it.
 */
static bool detach_once(const char *at, const struct tree *trees, int count, unsigned which,
                        bool cover) {
    char *table = own_mounts(), *copy = strdup(table), *rest = copy;
    struct mount mount;
    bool done = false;
    if (!copy) bail("out of memory for the mount table");
    while (next_mount(&rest, &mount)) {
        if (!is_unwanted(&mount, table, at, trees, count, which)) continue;
        if (cover) mount_empty(mount.point, MS_RDONLY);
        else if (umount2(mount.point, MNT_DETACH | UMOUNT_NOFOLLOW) == 0) done = true;
        else if (errno != EINVAL && errno != ENOENT) bail_errno("unmounting %s", mount.point);
    }
    free(copy);
    free(table);
    return done;
}

/*
 * Detaches mounts below trees: those whose server may not respond, and /proc, whose links lead to
 * other roots. The mount of a tree itself stays, unless it is /proc, because it was requested.
 */
void detach_mounts(const char *at, const struct tree *trees, int count, unsigned which) {
    while (detach_once(at, trees, count, which, false)) continue;
    detach_once(at, trees, count, which, true);
}
