/*
 * Makes a tree the root directory of a command of the host. Links in it then resolve inside it, as
 * in the container. The only files of the host in it are the command's program and its libraries.
 * No file of the tree can be executed. Otherwise the container would choose the programs of the
 * host's user.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "agent.h"

#define PROGRAMS ".porthole"

/* Maximum entries of a root directory; further entries are omitted. */
enum { MAX_ENTRIES = 4096 };

static void bind_fd(int fd, const char *on, unsigned long flags) {
    char source[32];
    snprintf(source, sizeof source, "/proc/self/fd/%d", fd);
    if (mount(source, on, NULL, MS_BIND | flags, NULL) < 0) bail_errno("mounting %s", on);
}

static void make_file(const char *path) {
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    if (fd < 0) bail_errno("%s", path);
    close(fd);
}

/*
 * Shows one entry of the tree's root directory in the new root. Mounts it by descriptor: the
 * container may replace the name by a link at any time. Omits FIFOs, sockets and devices.
 */
static void show(int tree, const char *name, const char *root) {
    char path[2 * wire_max_path], target[wire_max_path + 1];
    struct stat found;
    if ((size_t)snprintf(path, sizeof path, "%s/%s", root, name) >= sizeof path) return;
    int fd = openat(tree, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &found) < 0 || !strcmp(name, PROGRAMS)) {
        if (fd >= 0) close(fd);
        return;
    }
    if (S_ISLNK(found.st_mode)) {
        ssize_t length = readlinkat(fd, "", target, sizeof target - 1);
        target[length > 0 ? length : 0] = 0;
        if (length > 0 && symlink(target, path) < 0) bail_errno("%s", path);
    } else if (S_ISDIR(found.st_mode)) {
        if (mkdir(path, 0755) < 0) bail_errno("%s", path);
        bind_fd(fd, path, MS_REC);
    } else if (S_ISREG(found.st_mode)) {
        make_file(path);
        bind_fd(fd, path, 0);
    }
    close(fd);
}

static void show_all(int tree, const char *root) {
    int fd = openat(tree, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), shown = 0;
    DIR *listing = fd < 0 ? NULL : fdopendir(fd);
    if (!listing) bail_errno("the root directory of the tree");
    for (struct dirent *entry; shown < MAX_ENTRIES && (entry = readdir(listing));)
        if (strcmp(entry->d_name, ".") && strcmp(entry->d_name, "..")) {
            show(tree, entry->d_name, root);
            shown++;
        }
    closedir(listing);
}

static void set_attributes(const char *path, int flags, const struct k_mount_attr *attributes) {
    int mount = open(path, O_PATH | O_CLOEXEC);
    if (mount < 0 || k_mount_setattr(mount, AT_EMPTY_PATH | flags, attributes) < 0)
        bail_errno("mount_setattr of %s", path);
    close(mount);
}

static void program_path(char *path, const char *root, const struct program *program) {
    const char *slash = strrchr(program->as, '/');
    if (slash || !*program->as || *program->as == '.')
        bail("--as %s: expected a name", program->as);
    snprintf(path, 2 * wire_max_path, "%s/" PROGRAMS "/%s", root, program->as);
}

/*
 * Makes the tree the root directory of this process. Clears NOSYMFOLLOW just before: until then a
 * link could lead out of the tree.
 */
void enclose(const char *at, const struct tree *tree, const struct program *programs, int count) {
    char path[2 * wire_max_path];
    snprintf(path, sizeof path, "%s/%s", at, tree->name);
    int root = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (root < 0) bail_errno("%s", path);
    if (mount("tmpfs", at, "tmpfs", MS_NOSUID | MS_NODEV, "size=4m,mode=755") < 0)
        bail_errno("mounting a tmpfs on %s", at);
    show_all(root, at);
    close(root);
    snprintf(path, sizeof path, "%s/" PROGRAMS, at);
    if (mkdir(path, 0755) < 0) bail_errno("%s", path);
    for (int i = 0; i < count; i++) {
        program_path(path, at, &programs[i]);
        make_file(path);
    }
    const struct k_mount_attr followed = {.set = K_MOUNT_ATTR_NOEXEC | K_MOUNT_ATTR_NOSUID |
                                                 K_MOUNT_ATTR_NODEV,
                                          .clear = K_MOUNT_ATTR_NOSYMFOLLOW,
                                          .propagation = K_MS_PRIVATE};
    set_attributes(at, K_AT_RECURSIVE, &followed);
    const struct k_mount_attr readonly = {.set = K_MOUNT_ATTR_RDONLY | K_MOUNT_ATTR_NOSUID |
                                                 K_MOUNT_ATTR_NODEV};
    for (int i = 0; i < count; i++) {
        program_path(path, at, &programs[i]);
        int fd = open(programs[i].path, O_PATH | O_CLOEXEC);
        if (fd < 0) bail_errno("%s", programs[i].path);
        bind_fd(fd, path, 0);
        close(fd);
        set_attributes(path, 0, &readonly);
    }
    set_attributes(at, 0, &readonly);
    if (chdir(at) < 0 || chroot(".") < 0) bail_errno("chroot to the tree");
}
