// pty COLUMNS ROWS COMMAND...: runs a command on a terminal of that size. Standard input of this
// program is the keys, standard output is the output of the command. It ends when the command ends.
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <pty.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static void pass(int from, int to, int *open) {
    char buffer[65536];
    ssize_t length = read(from, buffer, sizeof buffer);
    if (length <= 0) {
        if (length == 0 || errno != EINTR) *open = 0;
        return;
    }
    for (ssize_t at = 0; at < length;) {
        ssize_t written = write(to, buffer + at, (size_t)(length - at));
        if (written < 0 && errno != EINTR) exit(1);
        if (written > 0) at += written;
    }
}

int main(int argc, char **argv) {
    if (argc < 4) return 2;
    struct winsize size = {.ws_col = (unsigned short)atoi(argv[1]),
                           .ws_row = (unsigned short)atoi(argv[2])};
    int terminal;
    pid_t child = forkpty(&terminal, NULL, NULL, &size);
    if (child < 0) return 1;
    if (child == 0) {
        execvp(argv[3], argv + 3);
        _exit(127);
    }
    fprintf(stderr, "%d\n", child);
    int keys = 1, screen = 1;
    while (screen) {
        struct pollfd fds[] = {{.fd = terminal, .events = POLLIN},
                               {.fd = keys ? 0 : -1, .events = POLLIN}};
        if (poll(fds, 2, -1) < 0) continue;
        if (fds[0].revents) pass(terminal, 1, &screen);
        if (fds[1].revents) pass(0, terminal, &keys);
    }
    int status;
    waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
