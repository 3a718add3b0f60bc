/*
 * The target's processes. The agent's /proc may number processes differently from the target,
 * unless both share a PID namespace. The NSpid line of /proc/<pid>/status translates.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "agent.h"

enum { ARGUMENTS = 4096 };

struct process {
    pid_t inside, parent; /* parent by the agent's numbering */
    uint32_t uid;         /* effective */
    uint64_t start;
};

/* The PID inside the target, 0 if the process has none in its namespace. */
static pid_t inside_number(pid_t pid, int proc) {
    char numbers[512];
    if (agent.pid_depth == 0) return pid;
    return status_line(proc, "NSpid:", numbers, sizeof numbers)
               ? (pid_t)strtol(field(numbers, agent.pid_depth), NULL, 10)
               : 0;
}

static pid_t translate(pid_t pid) {
    if (agent.pid_depth == 0 || pid == 0) return pid;
    int proc = open_proc(pid);
    if (proc < 0) return 0;
    pid_t inside = inside_number(pid, proc);
    close(proc);
    return inside;
}

/* Reads a process's files in /proc. False if it does not belong to the target or has exited. */
static bool look_at_process(pid_t pid, int proc, struct process *found) {
    struct stat mounts;
    char stat_text[1024], uids[64];
    if (agent.route != route_mount &&
        (fstatat(proc, "ns/mnt", &mounts, 0) < 0 || mounts.st_ino != agent.mount_namespace))
        return false;
    if (read_text(proc, "stat", stat_text, sizeof stat_text) <= 0) return false;
    char *after_name = strrchr(stat_text, ')');
    if (!after_name || !status_line(proc, "Uid:", uids, sizeof uids)) return false;
    found->inside = inside_number(pid, proc);
    found->parent = (pid_t)strtol(field(after_name + 1, 1), NULL, 10);
    found->uid = (uint32_t)strtoul(field(uids, 1), NULL, 10);
    found->start = strtoull(field(after_name + 1, 19), NULL, 10);
    /* The agent leads its process group, which contains all of its processes. */
    return found->inside > 0 && strtol(field(after_name + 1, 2), NULL, 10) != agent.pid;
}

/*
 * Opens /proc/<pid> (O_PATH) of the target's process with this PID inside. The descriptor refers to
 * that process even after its PID is reused.
 */
int open_process(pid_t inside) {
    struct process found;
    int proc = -1;
    errno = ESRCH;
    if (agent.is_assembled) return -1; /* a target that does not run has no processes */
    if (agent.pid_depth == 0) {
        proc = open_proc(inside);
        if (proc >= 0 && look_at_process(inside, proc, &found)) return proc;
    } else {
        DIR *listing = opendir("/proc");
        if (!listing) return -1;
        for (pid_t pid; (pid = next_pid(listing));) {
            proc = open_proc(pid);
            if (proc >= 0 && look_at_process(pid, proc, &found) && found.inside == inside) break;
            if (proc >= 0) close(proc);
            proc = -1;
        }
        closedir(listing);
        if (proc >= 0) return proc;
    }
    if (proc >= 0) close(proc);
    errno = ESRCH;
    return -1;
}

/* Writes one open file of the process; omits a file closed in the meantime. */
static void write_file(int out, int proc, const char *number) {
    char path[32], info[512];
    struct k_statx st;
    snprintf(path, sizeof path, "fd/%s", number);
    unsigned char *at = new_record(out, record_kind_file, 0);
    ssize_t link = readlinkat(proc, path, (char *)at + process_file_size, wire_max_path);
    if (link < 0 || k_statx(proc, path, K_AT_STATX_DONT_SYNC,
                            K_STATX_BASIC_STATS | K_STATX_BTIME | K_STATX_MNT_ID, &st) < 0)
        return;
    encode_file_stat(at + process_file_stat, &st);
    snprintf(path, sizeof path, "fdinfo/%s", number);
    put32(at + process_file_fd, (uint32_t)strtoul(number, NULL, 10));
    if (read_text(proc, path, info, sizeof info) > 0) { /* "pos: N", "flags: N" in octal, ... */
        put64(at + process_file_position, strtoull(field(info, 1), NULL, 10));
        put32(at + process_file_access, (uint32_t)strtoul(field(info, 3), NULL, 8));
    }
    put16(at + process_file_linkLength, (uint16_t)link);
    end_record(at, process_file_size + (size_t)link);
}

/*
 * A line of /proc/<pid>/maps (proc_pid_maps(5)): "start-end modes offset major:minor inode path".
 */
struct mapping {
    uint64_t start, end, offset, inode;
    uint32_t major, minor;
    bool writes; /* MAP_SHARED and PROT_WRITE */
    const char *path;
};

/* True if the line maps a deleted file: the kernel marks the path. */
static bool parse_deleted(char *line, struct mapping *found) {
    static const char mark[] = " (deleted)";
    size_t length = strcspn(line, "\n");
    line[length] = 0;
    if (length < sizeof mark || strcmp(line + length - (sizeof mark - 1), mark)) return false;
    char *end;
    found->start = strtoull(line, &end, 16);
    found->end = *end ? strtoull(end + 1, NULL, 16) : 0;
    found->writes = !strncmp(field(line, 1), "rw", 2) && field(line, 1)[3] == 's';
    found->offset = strtoull(field(line, 2), NULL, 16);
    found->major = (uint32_t)strtoul(field(line, 3), &end, 16);
    found->minor = *end ? (uint32_t)strtoul(end + 1, NULL, 16) : 0;
    found->inode = strtoull(field(line, 4), NULL, 10);
    found->path = field(line, 5);
    return *found->path == '/' && found->end > found->start;
}

/*
 * The path of a mapped file. maps escapes newlines ambiguously. map_files does not, but may be
 * forbidden or missing.
 */
static size_t mapped_path(int proc, const struct mapping *mapping, char *path) {
    char name[64];
    snprintf(name, sizeof name, "map_files/%llx-%llx", (unsigned long long)mapping->start,
             (unsigned long long)mapping->end);
    ssize_t length = readlinkat(proc, name, path, wire_max_path);
    if (length > 0) return (size_t)length;
    size_t known = strlen(mapping->path);
    if (known > wire_max_path) known = wire_max_path;
    memcpy(path, mapping->path, known);
    return known;
}

/* Adds a mapping to the record `at` if that is of the same file, otherwise to a new record. */
static unsigned char *add_mapping(int out, int proc, const struct mapping *mapping,
                                  unsigned char *at) {
    uint64_t bytes = mapping->offset + (mapping->end - mapping->start);
    bool same = at && get64(at + mapping_inode) == mapping->inode &&
                get32(at + mapping_deviceMajor) == mapping->major &&
                get32(at + mapping_deviceMinor) == mapping->minor;
    if (!same) {
        if (at) end_record(at, mapping_size + get16(at + mapping_linkLength));
        at = new_record(out, record_kind_mapping, 0);
        put32(at + mapping_deviceMajor, mapping->major);
        put32(at + mapping_deviceMinor, mapping->minor);
        put64(at + mapping_inode, mapping->inode);
        put16(at + mapping_linkLength,
              (uint16_t)mapped_path(proc, mapping, (char *)at + mapping_size));
    }
    if (mapping->writes) put32(at + mapping_access, O_RDWR);
    if (bytes > get64(at + mapping_bytes)) put64(at + mapping_bytes, bytes);
    return at;
}

/*
 * Writes deleted files that the process maps; they may have no open descriptor. Omits paths longer
 * than the buffer.
 */
static void write_mappings(int out, int proc) {
    static char line[2 * wire_max_path];
    struct mapping found;
    int fd = openat(proc, "maps", O_RDONLY | O_CLOEXEC);
    FILE *maps = fd < 0 ? NULL : fdopen(fd, "r");
    unsigned char *at = NULL;
    for (bool whole = true; maps && fgets(line, sizeof line, maps);) {
        bool start = whole;
        whole = strchr(line, '\n');
        if (start && whole && parse_deleted(line, &found)) at = add_mapping(out, proc, &found, at);
    }
    if (at) end_record(at, mapping_size + get16(at + mapping_linkLength));
    if (maps) fclose(maps);
    else if (fd >= 0) close(fd);
}

/* Without SYS_PTRACE, another user's directory may be readable while the links in it are not. */
static int open_files(int proc) {
    char link[1];
    if (readlinkat(proc, "cwd", link, sizeof link) < 0 && (errno == EACCES || errno == EPERM))
        return -1;
    return openat(proc, "fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static void write_process(int out, int proc, const struct process *process, bool with_files) {
    int files = with_files ? open_files(proc) : -1;
    int error = with_files && files < 0 ? errno : 0;
    DIR *listing = files >= 0 ? fdopendir(files) : NULL;
    char command[64];
    ssize_t command_length = read_text(proc, "comm", command, sizeof command);
    if (command_length > 0 && command[command_length - 1] == '\n') command_length--;
    if (command_length < 0) command_length = 0;

    unsigned char *at = new_record(out, record_kind_process, 0);
    char *arguments = (char *)at + process_size + command_length;
    ssize_t arguments_length = read_text(proc, "cmdline", arguments, ARGUMENTS + 1);
    if (arguments_length < 0) arguments_length = 0;
    memcpy(at + process_size, command, (size_t)command_length);
    put32(at + process_pid, (uint32_t)process->inside);
    put32(at + process_parent, (uint32_t)translate(process->parent));
    put32(at + process_uid, process->uid);
    put32(at + process_error, (uint32_t)error);
    put64(at + process_start, process->start);
    put16(at + process_commandLength, (uint16_t)command_length);
    put16(at + process_argumentsLength, (uint16_t)arguments_length);
    end_record(at, process_size + (size_t)(command_length + arguments_length));

    for (struct dirent *entry; listing && (entry = readdir(listing));)
        if (entry->d_name[0] != '.') write_file(out, proc, entry->d_name);
    if (listing) write_mappings(out, proc);
    if (listing) closedir(listing);
}

void write_processes(int out, const void *with_files) {
    struct process found;
    DIR *listing = opendir("/proc");
    if (!listing) write_trailer(out, errno);
    for (pid_t pid; (errno = 0, pid = next_pid(listing));) {
        int proc = open_proc(pid);
        if (proc >= 0 && look_at_process(pid, proc, &found))
            write_process(out, proc, &found, *(const bool *)with_files);
        if (proc >= 0) close(proc);
    }
    write_trailer(out, errno);
}
