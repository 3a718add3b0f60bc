/*
 * Encoders for the wire: statx(2) results as the file stat of docs/protocol.md, and the agent info.
 */
#include <fcntl.h>
#include <sys/stat.h>

#include "agent.h"

int statx_fd(int fd, struct k_statx *st) {
    return k_statx(fd, "", AT_EMPTY_PATH | K_AT_STATX_DONT_SYNC,
                   K_STATX_BASIC_STATS | K_STATX_BTIME | K_STATX_MNT_ID, st);
}

/*
 * True if the data may come from a server that does not respond. FIFOs and devices are kernel
 * objects on every file system.
 */
bool is_remote(const struct k_statx *st) {
    return (S_ISREG(st->mode) || S_ISDIR(st->mode)) && !mount_is_local(st->mount_id);
}

void encode_file_stat(unsigned char *at, const struct k_statx *st) {
    uint32_t flags = S_ISREG(st->mode) && is_remote(st) ? stat_flag_relayed : 0;
    if (st->mask & K_STATX_BTIME) flags |= stat_flag_birthTime;
    put32(at + file_stat_mode, st->mode);
    put32(at + file_stat_links, st->links);
    put32(at + file_stat_uid, st->uid);
    put32(at + file_stat_gid, st->gid);
    put64(at + file_stat_bytes, st->size);
    put64(at + file_stat_blocks, st->blocks);
    put64(at + file_stat_inode, st->inode);
    put32(at + file_stat_deviceMajor, st->dev_major);
    put32(at + file_stat_deviceMinor, st->dev_minor);
    put32(at + file_stat_rdevMajor, st->rdev_major);
    put32(at + file_stat_rdevMinor, st->rdev_minor);
    put64(at + file_stat_mountId, st->mount_id);
    put64(at + file_stat_atime, (uint64_t)st->atime.seconds);
    put64(at + file_stat_mtime, (uint64_t)st->mtime.seconds);
    put64(at + file_stat_ctime, (uint64_t)st->ctime.seconds);
    put64(at + file_stat_btime, (uint64_t)st->btime.seconds);
    put32(at + file_stat_atimeNs, st->atime.nanoseconds);
    put32(at + file_stat_mtimeNs, st->mtime.nanoseconds);
    put32(at + file_stat_ctimeNs, st->ctime.nanoseconds);
    put32(at + file_stat_btimeNs, st->btime.nanoseconds);
    put32(at + file_stat_flags, flags);
    put32(at + file_stat_zero, 0);
}

size_t encode_agent_info(unsigned char *at, unsigned clients) {
    size_t name = strlen(BUILD_NAME);
    put16(at + agent_info_version, wire_version);
    put16(at + agent_info_route, (uint16_t)agent.route);
    put32(at + agent_info_pid, (uint32_t)agent.pid);
    put32(at + agent_info_uid, geteuid());
    put32(at + agent_info_gid, getegid());
    put64(at + agent_info_capabilities, agent.capabilities);
    put64(at + agent_info_start, agent.start);
    put64(at + agent_info_userNamespace, agent.user_namespace);
    put64(at + agent_info_mountNamespace, agent.mount_namespace);
    put32(at + agent_info_clients, clients);
    put32(at + agent_info_memory, resident_kib(agent.pid));
    put32(at + agent_info_targetPid, (uint32_t)agent.target_pid);
    put32(at + agent_info_buildLength, (uint32_t)name);
    memcpy(at + agent_info_size, BUILD_NAME, name);
    return agent_info_size + name;
}
_Static_assert(sizeof BUILD_NAME - 1 <= wire_max_build_name, "the build name fits its field");
