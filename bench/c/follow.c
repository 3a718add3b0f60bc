// The base of "append to line": waits for the inotify event of a file and prints the appended
// bytes. Usage: follow FILE
#define _GNU_SOURCE
#include <fcntl.h>
#include <sys/inotify.h>
#include <unistd.h>

int main(int argc, char **argv) {
    char events[4096], text[65536];
    int file, watch;
    ssize_t size;

    if (argc != 2 || (file = open(argv[1], O_RDONLY | O_CLOEXEC)) < 0 ||
        (watch = inotify_init1(IN_CLOEXEC)) < 0 || inotify_add_watch(watch, argv[1], IN_MODIFY) < 0)
        return 2;
    do {
        while ((size = read(file, text, sizeof text)) > 0)
            if (write(1, text, size) != size) return 1;
    } while (size == 0 && read(watch, events, sizeof events) > 0);
    return 1;
}
