/*
 * Encoders for the wire: statx(2) results as the file facts of docs/protocol.md, and the agent
 * facts.
 */
#include <fcntl.h>
#include <sys/stat.h>

#include "agent.h"

int look_at(int fd, struct k_statx *facts) {
    return k_statx(fd, "", AT_EMPTY_PATH | K_AT_STATX_DONT_SYNC,
                   K_STATX_BASIC_STATS | K_STATX_BTIME | K_STATX_MNT_ID, facts);
}

/*
 * True if the data may come from a server that does not respond. FIFOs and devices are kernel
 * objects, wherever their node is.
 */
bool is_remote(const struct k_statx *facts) {
    return (S_ISREG(facts->mode) || S_ISDIR(facts->mode)) && !mount_is_local(facts->mount_id);
}

void encode_file_facts(unsigned char *at, const struct k_statx *facts) {
    uint32_t flags = S_ISREG(facts->mode) && is_remote(facts) ? facts_flag_relayed : 0;
    if (facts->mask & K_STATX_BTIME) flags |= facts_flag_birthTime;
    put32(at + file_facts_mode, facts->mode);
    put32(at + file_facts_links, facts->links);
    put32(at + file_facts_uid, facts->uid);
    put32(at + file_facts_gid, facts->gid);
    put64(at + file_facts_bytes, facts->size);
    put64(at + file_facts_blocks, facts->blocks);
    put64(at + file_facts_inode, facts->inode);
    put32(at + file_facts_deviceMajor, facts->dev_major);
    put32(at + file_facts_deviceMinor, facts->dev_minor);
    put32(at + file_facts_rdevMajor, facts->rdev_major);
    put32(at + file_facts_rdevMinor, facts->rdev_minor);
    put64(at + file_facts_mountId, facts->mount_id);
    put64(at + file_facts_atime, (uint64_t)facts->atime.seconds);
    put64(at + file_facts_mtime, (uint64_t)facts->mtime.seconds);
    put64(at + file_facts_ctime, (uint64_t)facts->ctime.seconds);
    put64(at + file_facts_btime, (uint64_t)facts->btime.seconds);
    put32(at + file_facts_atimeNs, facts->atime.nanoseconds);
    put32(at + file_facts_mtimeNs, facts->mtime.nanoseconds);
    put32(at + file_facts_ctimeNs, facts->ctime.nanoseconds);
    put32(at + file_facts_btimeNs, facts->btime.nanoseconds);
    put32(at + file_facts_flags, flags);
    put32(at + file_facts_zero, 0);
}

size_t encode_agent_facts(unsigned char *at, unsigned clients) {
    size_t name = strlen(BUILD_NAME);
    put16(at + agent_facts_version, wire_version);
    put16(at + agent_facts_route, (uint16_t)agent.route);
    put32(at + agent_facts_pid, (uint32_t)agent.pid);
    put32(at + agent_facts_uid, geteuid());
    put32(at + agent_facts_gid, getegid());
    put64(at + agent_facts_capabilities, agent.capabilities);
    put64(at + agent_facts_start, agent.start);
    put64(at + agent_facts_userNamespace, agent.user_namespace);
    put64(at + agent_facts_mountNamespace, agent.mount_namespace);
    put32(at + agent_facts_clients, clients);
    put32(at + agent_facts_memory, resident_kib(agent.pid));
    put32(at + agent_facts_targetPid, (uint32_t)agent.target_pid);
    put32(at + agent_facts_buildLength, (uint32_t)name);
    memcpy(at + agent_facts_size, BUILD_NAME, name);
    return agent_facts_size + name;
}
_Static_assert(sizeof BUILD_NAME - 1 <= wire_max_build_name, "the build name fits its field");
