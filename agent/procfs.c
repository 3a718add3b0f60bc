/* Readers of /proc (proc(5)): small files, their fields, and process directories. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "agent.h"

/*
 * Reads up to size - 1 bytes of the file `path` relative to `at` and appends a NUL. Returns the
 * number of bytes.
 */
ssize_t read_text(int at, const char *path, char *buffer, size_t size) {
    buffer[0] = 0;
    int fd = openat(at, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) return -1;
    size_t used = 0;
    ssize_t got = 1;
    while (got > 0 && used < size - 1) {
        got = read_some(fd, buffer + used, size - 1 - used);
        if (got > 0) used += (size_t)got;
    }
    int error = errno;
    close(fd);
    buffer[used] = 0;
    errno = error;
    return got < 0 ? -1 : (ssize_t)used;
}

/*
 * The field at `index`, counted from 0, of text separated by blanks, tabs and newlines; "" after
 * the last.
 */
const char *field(const char *text, int index) {
    static const char separators[] = " \t\n";
    text += strspn(text, separators);
    while (index-- > 0) {
        text += strcspn(text, separators);
        text += strspn(text, separators);
    }
    return text;
}

/*
 * The value of a line of /proc/<pid>/status. Reads in chunks: the process controls the line of
 * supplementary groups, which may exceed any buffer. It cannot forge a line, since the kernel
 * escapes its name.
 */
bool status_line(int proc, const char *name, char *value, size_t size) {
    char chunk[4096];
    size_t length = strlen(name), column = 0, used = 0;
    bool match = true, found = false;
    int fd = openat(proc, "status", O_RDONLY | O_CLOEXEC);
    if (fd < 0) return false;
    for (ssize_t got; !found && (got = read_some(fd, chunk, sizeof chunk)) > 0;)
        for (char *c = chunk; !found && c < chunk + got; c++) {
            if (*c == '\n') {
                found = match && column >= length;
                column = 0;
                match = true;
                continue;
            }
            if (column < length && *c != name[column]) match = false;
            if (column >= length && match && used < size - 1) value[used++] = *c;
            column++;
        }
    value[used] = 0;
    close(fd);
    return found;
}

/* The inode of a namespace link in /proc/<pid>, 0 if it is not accessible. */
uint64_t namespace_inode(int proc, const char *name) {
    struct stat found;
    return fstatat(proc, name, &found, 0) < 0 ? 0 : found.st_ino;
}

uint32_t resident_kib(pid_t pid) {
    char path[32], text[128];
    snprintf(path, sizeof path, "/proc/%d/statm", pid);
    if (read_text(AT_FDCWD, path, text, sizeof text) < 0) return 0;
    return (uint32_t)(strtoul(field(text, 1), NULL, 10) * (unsigned long)getpagesize() / 1024);
}

int open_proc(pid_t pid) {
    char path[24];
    snprintf(path, sizeof path, "/proc/%d", pid);
    return open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
}

/* The next PID in a listing of /proc, 0 at the end. */
pid_t next_pid(DIR *proc) {
    for (struct dirent *entry; (entry = readdir(proc));)
        if (entry->d_name[0] >= '1' && entry->d_name[0] <= '9') return (pid_t)atoi(entry->d_name);
    return 0;
}
