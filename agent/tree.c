/*
 * Makes a tree: one descriptor of a detached copy of all of a target's mounts (open_tree(2)). The
 * host attaches it in a separate mount namespace (attach.c). The agent that makes it has
 * CAP_SYS_ADMIN in the target's namespaces, serves no clients, and exits when it has passed the
 * descriptor.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>

#include "agent.h"

/* SYS_PTRACE to open /proc/PID/root and ns, the others to join a mount namespace and clone it. */
static const uint64_t tree_capabilities = 1ull << K_CAP_SYS_PTRACE | 1ull << K_CAP_SYS_ADMIN |
                                          1ull << K_CAP_SYS_CHROOT;

/*
 * The copy gets its flags and leaves its peer groups (mount_namespaces(7)) in one call. So a mount
 * that the target makes later cannot appear in it without the flags.
 */
static int clone_tree(int root, unsigned flags) {
    int tree =
        k_open_tree(root, "", K_OPEN_TREE_CLONE | K_AT_RECURSIVE | AT_EMPTY_PATH | O_CLOEXEC);
    if (tree < 0 && errno == ENOSYS)
        bail("this kernel has no open_tree(2): Linux 5.2 or newer is needed");
    if (tree < 0) bail_errno("open_tree of the target's root");
    const struct k_mount_attr attributes = {
        .set = K_MOUNT_ATTR_NOSUID | K_MOUNT_ATTR_NODEV | K_MOUNT_ATTR_NOSYMFOLLOW |
               (flags & tree_flag_write ? 0 : K_MOUNT_ATTR_RDONLY),
        .propagation = K_MS_PRIVATE};
    if (k_mount_setattr(tree, AT_EMPTY_PATH | K_AT_RECURSIVE, &attributes) == 0) return tree;
    if (errno == ENOSYS) bail("this kernel has no mount_setattr(2): Linux 5.12 or newer is needed");
    if (errno == EINVAL)
        bail("this kernel has no mounts that do not follow links: Linux 5.14 or newer is needed");
    bail_errno("mount_setattr of the target's mounts");
}

/*
 * The mount namespace's owner may be the target's user namespace, which the owner of a rootless
 * engine must join first.
 */
static void join_mount_namespace(int proc) {
    int mounts = openat(proc, "ns/mnt", O_RDONLY | O_CLOEXEC);
    if (mounts < 0) bail_errno("mount namespace of process %d", agent.target_pid);
    if (setns(mounts, CLONE_NEWNS) < 0) {
        if (errno != EPERM) bail_errno("setns to the mounts of process %d", agent.target_pid);
        join_user_namespace(proc);
        confine(tree_capabilities);
        if (setns(mounts, CLONE_NEWNS) < 0)
            bail_errno("setns to the mounts of process %d", agent.target_pid);
    }
    close(mounts);
}

/* The tree of a running target, starting at its root directory. */
int take_target_tree(const char *start_time, unsigned flags) {
    confine(tree_capabilities);
    int proc = open_proc(agent.target_pid);
    if (proc < 0) bail_errno("/proc/%d", agent.target_pid);
    if (start_time) check_start_time(proc, start_time);
    int root = openat(proc, "root", O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (root < 0) bail_errno("root directory of process %d", agent.target_pid);
    join_mount_namespace(proc);
    return clone_tree(root, flags);
}

/* The tree of a target without processes, see layers.c. */
int take_layers_tree(struct layer_options *options, unsigned flags) {
    make_layers_root(options);
    if (!agent.layers_local && !(flags & tree_flag_allMounts))
        bail("a layer is on FUSE or a network file system, whose server may not answer");
    return clone_tree(agent.root, flags);
}
