/*
 * Writes the content of pipes for sessions and workers: records that end in a trailer, which marks
 * the list as complete, and relayed files. There is one buffer of fixed size. A worker exits when
 * its reader closes the pipe.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "agent.h"

enum { BUFFER = 32768, MAX_RECORD = 8192, RELAY_CHUNK = 65536 };
_Static_assert(MAX_RECORD >= entry_size + file_stat_size + 255 + wire_max_path, "any entry fits");
_Static_assert(MAX_RECORD >= process_file_size + wire_max_path, "any open file fits");

static unsigned char buffer[BUFFER];
static size_t used;
static uint64_t records;

static void flush(int out) {
    if (write_all(out, buffer, used) < 0) _exit(0);
    used = 0;
}

/* Reserves room for a record of up to MAX_RECORD bytes, zeroed. end_record() sets its length. */
unsigned char *new_record(int out, unsigned kind, unsigned flags) {
    if (used + MAX_RECORD > BUFFER) flush(out);
    unsigned char *at = memset(buffer + used, 0, MAX_RECORD);
    put16(at + record_kind, (uint16_t)kind);
    put16(at + record_flags, (uint16_t)flags);
    return at;
}

void end_record(unsigned char *at, size_t length) {
    put32(at + record_length, (uint32_t)length);
    used += length;
    records++;
}

static void add_trailer(int out, int error) {
    unsigned char *at = new_record(out, record_kind_trailer, 0);
    put32(at + trailer_error, (uint32_t)error);
    put64(at + trailer_records, records);
    end_record(at, trailer_size);
}

void write_trailer(int out, int error) {
    add_trailer(out, error);
    flush(out);
    _exit(0);
}

/* The kernel's directory entry, getdents64(2). */
struct k_dirent {
    uint64_t inode;
    int64_t next;
    uint16_t length;
    uint8_t type;
    char name[];
};

static void write_entry(int out, int directory, const struct k_dirent *found, bool with_stat) {
    unsigned char *at = new_record(out, record_kind_entry, with_stat ? list_flag_stat : 0);
    size_t name = strlen(found->name), length = entry_size;
    struct k_statx st;
    ssize_t link = 0;
    int error = 0;
    if (with_stat) {
        length += file_stat_size;
        if (k_statx(directory, found->name,
                    AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | K_AT_STATX_DONT_SYNC,
                    K_STATX_BASIC_STATS | K_STATX_BTIME | K_STATX_MNT_ID, &st) < 0)
            error = errno;
        else encode_file_stat(at + entry_size, &st);
    }
    memcpy(at + length, found->name, name);
    length += name;
    if (with_stat && !error && S_ISLNK(st.mode)) {
        link = readlinkat(directory, found->name, (char *)at + length, wire_max_path);
        if (link < 0) error = errno;
        if (link < 0) link = 0;
    }
    put32(at + entry_error, (uint32_t)error);
    at[entry_type] = found->type;
    put16(at + entry_nameLength, (uint16_t)name);
    put16(at + entry_linkLength, (uint16_t)link);
    end_record(at, length + (size_t)link);
}

/*
 * Adds records of the directory's entries. Returns 0 at the end, an errno value, or -1 if `small`
 * and the buffer is full.
 */
static int add_entries(int out, const struct list_job *job, bool small) {
    static _Alignas(8) char entries[BUFFER];
    ssize_t got;
    while ((got = k_getdents64(job->directory, entries, sizeof entries)) > 0)
        for (ssize_t at = 0; at < got;) {
            const struct k_dirent *found = (const void *)(entries + at);
            if (small && used + 2 * MAX_RECORD > BUFFER)
                return -1; /* keep room for one more record and the trailer */
            if (strcmp(found->name, ".") && strcmp(found->name, ".."))
                write_entry(out, job->directory, found, job->stat);
            at += found->length;
        }
    return got < 0 ? errno : 0;
}

void write_entries(int out, const void *list_job) {
    write_trailer(out, add_entries(out, list_job, false));
}

bool write_few_entries(int out, const struct list_job *job) {
    int error = add_entries(out, job, true);
    if (error >= 0) add_trailer(out, error);
    bool fits = error >= 0 && fcntl(out, F_GETPIPE_SZ) >= (int)used;
    if (fits) write_all(out, buffer, used);
    else lseek(job->directory, 0, SEEK_SET);
    used = 0;
    records = 0;
    return fits;
}

/*
 * Continues reading a relayed file. A file without offsets (/proc/kmsg) is read as a stream,
 * waiting for data.
 */
static ssize_t read_relayed(int file, char *chunk, off_t offset) {
    static bool streams;
    ssize_t got = streams ? -1 : read_at(file, chunk, RELAY_CHUNK, offset);
    if (got < 0 && !streams && errno == ESPIPE && offset == 0) streams = true;
    while (streams) {
        got = read_some(file, chunk, RELAY_CHUNK);
        if (got >= 0 || errno != EAGAIN) break;
        wait_readable(file, -1);
    }
    return got;
}

void write_relay(int out, const void *relay_job) {
    const struct relay_job *job = relay_job;
    static char chunk[RELAY_CHUNK];
    uint64_t bytes = 0;
    ssize_t got;
    while ((got = read_relayed(job->file, chunk, job->offset + (off_t)bytes)) > 0) {
        if (write_all(out, chunk, (size_t)got) < 0) _exit(0);
        bytes += (uint64_t)got;
    }
    if (job->end) {
        job->end->bytes = bytes;
        job->end->error = got < 0 ? errno : 0;
        __atomic_store_n(&job->end->over, true, __ATOMIC_RELEASE);
    }
    close(out); /* before exit, which may close the file first and hang */
}
