/*
 * Kernel interfaces that musl 1.2.3 does not declare (on Debian, musl-gcc does not see the linux/
 * headers). The layouts are the kernel's stable ABI, from
 * include/uapi/linux/{openat2,stat,capability,close_range,mount,seccomp,audit,bpf_common}.h.
 */
#ifndef PORTHOLE_KERNEL_H
#define PORTHOLE_KERNEL_H

#include <stdint.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

#ifndef SYS_pidfd_open
#define SYS_pidfd_open 434
#endif
#ifndef SYS_open_tree
#define SYS_open_tree 428
#endif
#ifndef SYS_move_mount
#define SYS_move_mount 429
#endif
#ifndef SYS_close_range
#define SYS_close_range 436
#endif
#ifndef SYS_openat2
#define SYS_openat2 437
#endif
#ifndef SYS_mount_setattr
#define SYS_mount_setattr 442
#endif

#define K_RESOLVE_NO_MAGICLINKS 0x02
#define K_RESOLVE_NO_SYMLINKS 0x04
#define K_RESOLVE_BENEATH 0x08
#define K_RESOLVE_IN_ROOT 0x10

struct k_open_how {
    uint64_t flags, mode, resolve;
};

#define K_AT_STATX_DONT_SYNC 0x4000
#define K_STATX_BASIC_STATS 0x07ff
#define K_STATX_BTIME 0x0800
#define K_STATX_MNT_ID 0x1000 /* Linux 5.8 */

struct k_timestamp {
    int64_t seconds;
    uint32_t nanoseconds;
    int32_t reserved;
};

struct k_statx {
    uint32_t mask, block_size;
    uint64_t attributes;
    uint32_t links, uid, gid;
    uint16_t mode, spare0;
    uint64_t inode, size, blocks, attributes_mask;
    struct k_timestamp atime, btime, ctime, mtime;
    uint32_t rdev_major, rdev_minor, dev_major, dev_minor;
    uint64_t mount_id;
    uint64_t spare[13];
};
_Static_assert(sizeof(struct k_statx) == 256, "struct statx is 256 bytes");

/* Mounts as descriptors: open_tree(2) and move_mount(2) since Linux 5.2, mount_setattr(2) 5.12. */
#define K_AT_RECURSIVE 0x8000
#define K_OPEN_TREE_CLONE 1
#define K_MOVE_MOUNT_F_EMPTY_PATH 0x04
#define K_MOVE_MOUNT_T_EMPTY_PATH 0x40
#define K_MOUNT_ATTR_RDONLY 0x01
#define K_MOUNT_ATTR_NOSUID 0x02
#define K_MOUNT_ATTR_NODEV 0x04
#define K_MOUNT_ATTR_NOEXEC 0x08
#define K_MOUNT_ATTR_NOSYMFOLLOW 0x200000 /* Linux 5.14 */
#define K_MS_PRIVATE 0x40000

struct k_mount_attr {
    uint64_t set, clear, propagation, user_namespace;
};

#define K_CLOSE_RANGE_CLOEXEC 4 /* Linux 5.11 */

#define K_CAP_VERSION_3 0x20080522
enum {
    K_CAP_DAC_OVERRIDE = 1,
    K_CAP_DAC_READ_SEARCH = 2,
    K_CAP_SYS_CHROOT = 18,
    K_CAP_SYS_PTRACE = 19,
    K_CAP_SYS_ADMIN = 21
};

struct k_cap_header {
    uint32_t version;
    int pid;
};
struct k_cap_data {
    uint32_t effective, permitted, inheritable;
};

#if defined(__x86_64__)
#define K_AUDIT_ARCH 0xC000003Eu
#elif defined(__AARCH64EL__)
#define K_AUDIT_ARCH 0xC00000B7u
#else
#error "the agent filters its system calls by number, and knows those of x86-64 and aarch64"
#endif
#define K_SECCOMP_SET_MODE_FILTER 1
#define K_SECCOMP_FILTER_FLAG_SPEC_ALLOW 4
enum {
    K_BPF_ADD = 0x04,
    K_BPF_RETURN = 0x06,
    K_BPF_JUMP_EQUAL = 0x15,
    K_BPF_LOAD = 0x20,
    K_BPF_JUMP_AT_LEAST = 0x35,
    K_BPF_AND = 0x54
};
#define K_SECCOMP_KILL_PROCESS 0x80000000u
#define K_SECCOMP_ERRNO 0x00050000u
#define K_SECCOMP_ALLOW 0x7fff0000u

struct k_bpf_instruction {
    uint16_t code;
    uint8_t if_true, if_false;
    uint32_t k;
};
struct k_bpf_program {
    unsigned short length;
    const struct k_bpf_instruction *instructions;
};
struct k_seccomp_data {
    uint32_t number, architecture;
    uint64_t instruction_pointer;
    struct {
        uint32_t low, high;
    } arguments[6];
};

/* File system types: include/uapi/linux/magic.h. */
#define K_PROC_MAGIC 0x9fa0u
#define K_TRACEFS_MAGIC 0x74726163u
#define K_DEBUGFS_MAGIC 0x64626720u

/* A fixed inode number: PROC_USER_INIT_INO in include/linux/proc_ns.h. */
#define K_INITIAL_USER_NAMESPACE 0xEFFFFFFDu

static inline int k_openat2(int at, const char *path, uint64_t flags, uint64_t resolve) {
    struct k_open_how how = {.flags = flags, .resolve = resolve};
    return (int)syscall(SYS_openat2, at, path, &how, sizeof how);
}

static inline int k_statx(int at, const char *path, int flags, uint32_t mask, struct k_statx *out) {
    return (int)syscall(SYS_statx, at, path, flags, mask, out);
}

static inline int k_open_tree(int at, const char *path, unsigned flags) {
    return (int)syscall(SYS_open_tree, at, path, flags);
}

static inline int k_move_mount(int mount, int mount_point) {
    return (int)syscall(SYS_move_mount, mount, "", mount_point, "",
                        K_MOVE_MOUNT_F_EMPTY_PATH | K_MOVE_MOUNT_T_EMPTY_PATH);
}

static inline int k_mount_setattr(int mount, int flags, const struct k_mount_attr *attributes) {
    return (int)syscall(SYS_mount_setattr, mount, "", flags, attributes, sizeof *attributes);
}

static inline int k_pidfd_open(pid_t pid) { return (int)syscall(SYS_pidfd_open, pid, 0); }

static inline ssize_t k_getdents64(int fd, void *buffer, size_t size) {
    return syscall(SYS_getdents64, fd, buffer, size);
}

#endif
