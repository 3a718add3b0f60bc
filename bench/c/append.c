// What writes a log in the container: appends lines that begin with the time at which they are
// written, CLOCK_MONOTONIC in nanoseconds, which is process.hrtime()'s. Static, for the container
// has no C library. Usage: append FILE COUNT INTERVAL_MS
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

int main(int argc, char **argv) {
    if (argc != 4) return 2;
    int fd = open(argv[1], O_WRONLY | O_APPEND | O_CLOEXEC);
    if (fd < 0) return 1;
    struct timespec pause = {.tv_nsec = atol(argv[3]) * 1000000};
    for (long left = atol(argv[2]); left > 0; left--) {
        struct timespec now;
        char line[64];

        clock_nanosleep(CLOCK_MONOTONIC, 0, &pause, NULL);
        clock_gettime(CLOCK_MONOTONIC, &now);
        int length =
            snprintf(line, sizeof line, "%lld%09ld GET /\n", (long long)now.tv_sec, now.tv_nsec);
        if (write(fd, line, length) != length) return 1;
    }
    return 0;
}
