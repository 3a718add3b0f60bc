// Writes a log in the container: appends lines that begin with the time of the write,
// CLOCK_MONOTONIC in nanoseconds, the clock of process.hrtime(). With `iso` the line begins with
// the time of day. Static: the container has no C library.
// Usage: append FILE COUNT INTERVAL_MS [iso]
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

int main(int argc, char **argv) {
    if (argc != 4 && argc != 5) return 2;
    int fd = open(argv[1], O_WRONLY | O_APPEND | O_CLOEXEC);
    if (fd < 0) return 1;
    struct timespec pause = {.tv_nsec = atol(argv[3]) * 1000000};
    for (long left = atol(argv[2]); left > 0; left--) {
        struct timespec now;
        char line[96];
        int length = 0;

        clock_nanosleep(CLOCK_MONOTONIC, 0, &pause, NULL);
        if (argc == 5) {
            clock_gettime(CLOCK_REALTIME, &now);
            length = (int)strftime(line, sizeof line, "%FT%T", gmtime(&now.tv_sec));
            length += sprintf(line + length, ".%09ldZ ", now.tv_nsec);
        }
        clock_gettime(CLOCK_MONOTONIC, &now);
        length += sprintf(line + length, "%lld%09ld GET /\n", (long long)now.tv_sec, now.tv_nsec);
        if (write(fd, line, length) != length) return 1;
    }
    return 0;
}
