/*
 * Determines which file systems are local. Reading a file that needs a server (FUSE, network file
 * systems) can hang the reader so that even SIGKILL does not end it. The host must not get such a
 * file, so everything not known to be local is relayed.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/vfs.h>

#include "agent.h"

static const char *const storage_types[] = {
    "ext2",  "ext3",   "ext4",     "xfs",   "btrfs",   "f2fs", "zfs",   "bcachefs", "tmpfs",
    "ramfs", "rootfs", "squashfs", "erofs", "iso9660", "vfat", "exfat", "ntfs3"};
/* The kernel generates the files of these types on read, and reading some of them has an effect. */
static const char *const kernel_types[] = {
    "devtmpfs", "devpts",    "proc",        "sysfs",   "cgroup",     "cgroup2",
    "mqueue",   "hugetlbfs", "debugfs",     "tracefs", "securityfs", "nsfs",
    "bpf",      "configfs",  "binfmt_misc", "pstore",  "efivarfs"};

/*
 * From include/uapi/linux/magic.h: ext2-4, xfs, btrfs, f2fs, zfs, bcachefs, tmpfs, ramfs, squashfs,
 * erofs, overlay.
 */
static const uint32_t local_magics[] = {0xEF53,     0x58465342, 0x9123683E, 0xF2F52010,
                                        0x2FC12FC1, 0xCA451A4E, 0x01021994, 0x858458F6,
                                        0x73717368, 0xE0F5E1E2, 0x794C7630};

enum answer { UNKNOWN, REMOTE, LOCAL, OVERLAY };

/* A direct-mapped cache. Any mount change empties it, because mount ids are reused. */
enum { CACHE_SIZE = 256 };
static struct {
    uint64_t id; /* 0: empty; no mount has this id */
    bool local;
} cache[CACHE_SIZE];
/*
 * The target's mounts, then the agent's: a process may hold files from before it joined its mount
 * namespace.
 */
static int mountinfo[2] = {-1, -1};
static bool mountinfo_open;
static uint64_t root_mount; /* mount id of the target's root */

int open_mountinfo(void) {
    char copy[32];
    if (!agent.is_assembled)
        return openat(agent.proc, "mountinfo", O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    snprintf(copy, sizeof copy, "/proc/self/fd/%d", agent.mount_table);
    return open(copy, O_RDONLY | O_CLOEXEC);
}

/*
 * Called after a fork: the change flag belongs to the open file description, so a child that polls
 * it would clear it for its parent.
 */
void forget_mounts(void) {
    for (int i = 0; i < 2; i++)
        if (mountinfo_open && mountinfo[i] >= 0) close(mountinfo[i]);
    mountinfo_open = false;
}

/* By the type in mountinfo, which does not show whether an overlay is local. */
static bool is_one_of(const char *type, const char *const *types, size_t count) {
    for (size_t i = 0; i < count; i++)
        if (!strcmp(type, types[i])) return true;
    return false;
}

bool is_storage_type(const char *type) {
    return is_one_of(type, storage_types, sizeof storage_types / sizeof *storage_types);
}

bool is_local_type(const char *type) {
    return is_storage_type(type) ||
           is_one_of(type, kernel_types, sizeof kernel_types / sizeof *kernel_types);
}

static bool is_known_overlay(const char *device) {
    for (int i = 0; i < agent.overlay_count; i++)
        if (!strcmp(device, agent.overlays[i])) return true;
    return false;
}

static enum answer answer_for(const char *type, bool is_known) {
    if (!strcmp(type, "overlay")) return is_known ? LOCAL : OVERLAY;
    return is_local_type(type) ? LOCAL : REMOTE;
}

/*
 * Searches mountinfo (proc_pid_mountinfo(5)) for the mount `wanted`: "id parent major:minor root
 * point options [optional...] - type ...". Reads byte by byte, since lines may exceed any buffer.
 * Searches the dash only after the first six fields, since users choose the names in those fields.
 */
static enum answer search_mountinfo(int fd, uint64_t wanted) {
    char buffer[4096], word[32];
    size_t used = 0;
    uint64_t id = 0;
    int field = 0, type_field = -1;
    bool is_known = false;
    ssize_t got;
    if (fd < 0 || lseek(fd, 0, SEEK_SET) < 0) return UNKNOWN;
    while ((got = read_some(fd, buffer, sizeof buffer)) > 0)
        for (char *c = buffer; c < buffer + got; c++) {
            if (*c != ' ' && *c != '\n') {
                if (field == 0) id = id * 10 + (uint64_t)(*c - '0');
                if (used < sizeof word - 1) word[used++] = *c;
                continue;
            }
            word[used] = 0;
            if (field == 2) is_known = is_known_overlay(word);
            if (field == type_field && id == wanted) return answer_for(word, is_known);
            if (field >= 6 && type_field < 0 && !strcmp(word, "-")) type_field = field + 1;
            used = 0;
            field++;
            if (*c == '\n') {
                field = 0;
                type_field = -1;
                id = 0;
            }
        }
    return UNKNOWN;
}

/*
 * A target under chroot(2) does not see the mount of its root, only mounts below it. Then the
 * superblock decides. statfs(2) asks the server of a remote file system, so it may hang; this
 * process serves one client only.
 */
bool is_local_file_system(int fd) {
    struct statfs found;
    if (fstatfs(fd, &found) < 0) return false;
    for (size_t i = 0; i < sizeof local_magics / sizeof *local_magics; i++)
        if ((uint32_t)found.f_type == local_magics[i]) return true;
    return false;
}

/*
 * An overlay is local if its layers are, but its mount does not show that. The engine creates the
 * overlay of the target's root and those that the host lists. The administrator creates those of
 * the host. An overlay created inside the target may be on a file system whose server hangs.
 */
static enum answer search_tables(uint64_t id) {
    enum answer found = search_mountinfo(mountinfo[0], id);
    if (found != UNKNOWN && found != OVERLAY) return found;
    if (found == OVERLAY && id == root_mount)
        return agent.is_assembled && !agent.layers_local ? REMOTE : LOCAL;
    enum answer own = search_mountinfo(mountinfo[1], id);
    if (own == OVERLAY) return LOCAL;
    if (own == UNKNOWN && found == UNKNOWN && id == root_mount)
        return is_local_file_system(agent.root) ? LOCAL : REMOTE;
    return found == OVERLAY ? REMOTE : own;
}

static uint64_t mount_of(int fd) {
    struct k_statx st;
    return k_statx(fd, "", AT_EMPTY_PATH | K_AT_STATX_DONT_SYNC, K_STATX_MNT_ID, &st) < 0
               ? 0
               : st.mount_id;
}

static void open_tables(void) {
    mountinfo[0] = open_mountinfo();
    mountinfo[1] = agent.route == route_mount || agent.is_assembled
                       ? -1
                       : open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC);
    mountinfo_open = true;
    root_mount = mount_of(agent.root);
}

/* Called during set-up: the filter does not allow memfd_create(2). */
uint64_t find_memory_mount(void) {
    int memory = memfd_create("", MFD_CLOEXEC);
    if (memory < 0) return 0;
    uint64_t mount = mount_of(memory);
    close(memory);
    return mount;
}

static bool target_asked, target_over;

/*
 * True if the target is alive. This is the result of the last mount_is_local() since the last call,
 * or a new check if there was none.
 */
bool target_was_alive(void) {
    bool alive = target_asked ? !target_over : target_alive();
    target_asked = false;
    return alive;
}

/*
 * The caller holds a descriptor on the mount, which prevents reuse of the id. So an answer found
 * after the check for changes is about this mount. Unknown counts as not local.
 */
bool mount_is_local(uint64_t id) {
    bool fresh = !mountinfo_open;
    if (fresh) open_tables();
    struct pollfd changes[3] = {{.fd = mountinfo[0], .events = POLLPRI},
                                {.fd = mountinfo[1], .events = POLLPRI},
                                {.fd = agent.target, .events = POLLIN}};
    if (poll(changes, 3, 0) < 0) changes[0].revents = POLLPRI;
    target_asked = true;
    target_over = changes[2].revents != 0;
    if (fresh || changes[0].revents || changes[1].revents) memset(cache, 0, sizeof cache);
    if (id == agent.memory_mount) return true;
    unsigned slot = id % CACHE_SIZE;
    if (cache[slot].id != id) {
        cache[slot].local = search_tables(id) == LOCAL;
        cache[slot].id = id;
    }
    return cache[slot].local;
}
