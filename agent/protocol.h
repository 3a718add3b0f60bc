/*
 * The numbers of docs/protocol.md. Each row defines an enumerator and a line of `porthole-agent
 * --layout`, which a test compares with src/protocol/messages.ts. Therefore names are spelt as in
 * that file.
 */
#ifndef PORTHOLE_PROTOCOL_H
#define PORTHOLE_PROTOCOL_H

#include <endian.h>
#include <stdint.h>
#include <string.h>

/*
 * ONE(name, value): `name value`, enumerator wire_name. ROW(table, name, value): `table.name
 * value`, enumerator table_name.
 */
/* clang-format off */
#define WIRE_NUMBERS(ONE, ROW) \
    ONE(version, 4) ONE(max_packet, 65536) ONE(max_path, 4095) ONE(token_bytes, 32) \
    ONE(max_build_name, 64) ONE(max_batch, 64) ONE(reply, 0x8000) \
    ROW(op, hello, 1) ROW(op, announce, 2) ROW(op, serve, 3) ROW(op, open, 4) ROW(op, stat, 5) \
    ROW(op, readlink, 6) ROW(op, list, 7) ROW(op, watch, 8) ROW(op, processes, 9) \
    ROW(op, openProcessFd, 10) ROW(op, mounts, 11) ROW(op, bye, 12) ROW(op, relayEnd, 13) \
    ROW(op, openMany, 14) ROW(op, tree, 15) ROW(op, layer, 16) \
    ROW(open_flag, write, 1) ROW(open_flag, noFollow, 2) ROW(open_flag, directory, 4) \
    ROW(open_flag, relay, 8) ROW(open_flag, consume, 16) \
    ROW(list_flag, stat, 1) \
    ROW(processes_flag, files, 1) \
    ROW(serve_flag, witness, 1) \
    ROW(tree_flag, write, 1) ROW(tree_flag, allMounts, 2) \
    ROW(watch_flag, remove, 1) ROW(watch_flag, noFollow, 2) \
    ROW(bye_scope, session, 0) ROW(bye_scope, agent, 1) \
    ROW(stat_flag, relayed, 1) ROW(stat_flag, birthTime, 2) ROW(stat_flag, consuming, 4) \
    ROW(route, mount, 1) ROW(route, sidecar, 2) ROW(route, direct, 3) \
    ROW(record_kind, entry, 1) ROW(record_kind, process, 2) ROW(record_kind, file, 3) \
    ROW(record_kind, mapping, 4) ROW(record_kind, trailer, 255) \
    ROW(header, size, 16) ROW(header, type, 0) ROW(header, descriptors, 2) ROW(header, id, 4) \
    ROW(header, error, 8) ROW(header, length, 12) \
    ROW(agent_info, size, 64) ROW(agent_info, version, 0) ROW(agent_info, route, 2) \
    ROW(agent_info, pid, 4) ROW(agent_info, uid, 8) ROW(agent_info, gid, 12) \
    ROW(agent_info, capabilities, 16) ROW(agent_info, start, 24) \
    ROW(agent_info, userNamespace, 32) ROW(agent_info, mountNamespace, 40) \
    ROW(agent_info, clients, 48) ROW(agent_info, memory, 52) ROW(agent_info, targetPid, 56) \
    ROW(agent_info, buildLength, 60) \
    ROW(file_stat, size, 120) ROW(file_stat, mode, 0) ROW(file_stat, links, 4) \
    ROW(file_stat, uid, 8) ROW(file_stat, gid, 12) ROW(file_stat, bytes, 16) \
    ROW(file_stat, blocks, 24) ROW(file_stat, inode, 32) ROW(file_stat, deviceMajor, 40) \
    ROW(file_stat, deviceMinor, 44) ROW(file_stat, rdevMajor, 48) ROW(file_stat, rdevMinor, 52) \
    ROW(file_stat, mountId, 56) ROW(file_stat, atime, 64) ROW(file_stat, mtime, 72) \
    ROW(file_stat, ctime, 80) ROW(file_stat, btime, 88) ROW(file_stat, atimeNs, 96) \
    ROW(file_stat, mtimeNs, 100) ROW(file_stat, ctimeNs, 104) ROW(file_stat, btimeNs, 108) \
    ROW(file_stat, flags, 112) ROW(file_stat, zero, 116) \
    ROW(record, size, 8) ROW(record, length, 0) ROW(record, kind, 4) ROW(record, flags, 6) \
    ROW(entry, size, 20) ROW(entry, error, 8) ROW(entry, type, 12) ROW(entry, nameLength, 14) \
    ROW(entry, linkLength, 16) \
    ROW(process, size, 40) ROW(process, pid, 8) ROW(process, parent, 12) ROW(process, uid, 16) \
    ROW(process, error, 20) ROW(process, start, 24) ROW(process, commandLength, 32) \
    ROW(process, argumentsLength, 34) \
    ROW(process_file, size, 146) ROW(process_file, fd, 8) ROW(process_file, access, 12) \
    ROW(process_file, position, 16) ROW(process_file, stat, 24) \
    ROW(process_file, linkLength, 144) \
    ROW(mapping, size, 38) ROW(mapping, access, 8) ROW(mapping, deviceMajor, 12) \
    ROW(mapping, deviceMinor, 16) ROW(mapping, inode, 20) ROW(mapping, bytes, 28) \
    ROW(mapping, linkLength, 36) \
    ROW(trailer, size, 20) ROW(trailer, error, 8) ROW(trailer, records, 12)
/* clang-format on */

#define WIRE_ONE(name, value) wire_##name = (value),
#define WIRE_ROW(table, name, value) table##_##name = (value),
enum { WIRE_NUMBERS(WIRE_ONE, WIRE_ROW) };
#undef WIRE_ONE
#undef WIRE_ROW

_Static_assert(header_length + 4 == header_size, "the header's last field ends it");
_Static_assert(agent_info_buildLength + 4 == agent_info_size,
               "the agent info's last field ends it");
_Static_assert(file_stat_zero + 4 == file_stat_size, "the file stat's last field ends it");
_Static_assert(process_file_stat + file_stat_size == process_file_linkLength,
               "an open file's stat ends at its link length");
_Static_assert(header_size + wire_max_path <= wire_max_packet, "a path fits a packet");

/* Little-endian fields at any alignment. */
static inline uint16_t get16(const void *at) {
    uint16_t v;
    memcpy(&v, at, sizeof v);
    return le16toh(v);
}
static inline uint32_t get32(const void *at) {
    uint32_t v;
    memcpy(&v, at, sizeof v);
    return le32toh(v);
}
static inline uint64_t get64(const void *at) {
    uint64_t v;
    memcpy(&v, at, sizeof v);
    return le64toh(v);
}
static inline void put16(void *at, uint16_t v) {
    v = htole16(v);
    memcpy(at, &v, sizeof v);
}
static inline void put32(void *at, uint32_t v) {
    v = htole32(v);
    memcpy(at, &v, sizeof v);
}
static inline void put64(void *at, uint64_t v) {
    v = htole64(v);
    memcpy(at, &v, sizeof v);
}

#endif
