/*
 * Finds the layer that a file of the target's root is from. The overlay does not report it, so this
 * searches the directories of the layers. A file that is visible in the overlay is from the
 * uppermost layer that has its path. A whiteout or an opaque directory above that layer would hide
 * the file too. The content of the layers is hostile: no link is followed in them.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "agent.h"

/*
 * Opens the layers of a running target. The agent may not be able to reach them, or they may be
 * elsewhere. Then the origin of files is unknown.
 */
void open_origins(const struct layer_options *options) {
    for (int i = 0; i < options->layer_count; i++) {
        agent.layers[i] = open(options->layers[i], O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (agent.layers[i] >= 0) continue;
        while (--i >= 0) close(agent.layers[i]);
        return;
    }
    agent.layer_count = options->layer_count;
}

/* A whiteout is a character device with number 0 (Documentation/filesystems/overlayfs.rst). */
static bool has(int layer, const char *path) {
    struct k_statx found;
    int fd = k_openat2(layer, path, O_PATH | O_NOFOLLOW | O_CLOEXEC,
                       K_RESOLVE_BENEATH | K_RESOLVE_NO_SYMLINKS);
    if (fd < 0) return false;
    bool is = statx_fd(fd, &found) == 0 &&
              !(S_ISCHR(found.mode) && !found.rdev_major && !found.rdev_minor);
    close(fd);
    return is;
}

/*
 * The index of the layer that `fd` (O_PATH) is from, or -1 with errno: ENODATA if it is in no
 * layer.
 */
int layer_of(int fd) {
    static char path[wire_max_path + 1];
    char link[32];
    struct k_statx file, root;
    if (!agent.layer_count) {
        errno = EOPNOTSUPP;
        return -1;
    }
    if (statx_fd(fd, &file) < 0 || statx_fd(agent.root, &root) < 0) return -1;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    const char *at = file.mount_id == root.mount_id ? path_in_root(AT_FDCWD, link, path) : NULL;
    errno = ENODATA;
    if (!at) return -1;
    at += strspn(at, "/");
    for (int i = 0; i < agent.layer_count; i++)
        if (has(agent.layers[i], *at ? at : ".")) return i;
    errno = ENODATA;
    return -1;
}
