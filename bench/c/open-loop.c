// The base of "open + pass + receive", both ends in C. A server process opens a file and sends its
// descriptor with one sendmsg. A client requests and receives it. The server opens the file under
// the same root and as safely as the agent does (openat2, RESOLVE_IN_ROOT), and does nothing else.
// Prints the microseconds of each request, one per line. Usage: open-loop ROOT PATH COUNT
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static void serve(int socket, int root, const char *path) {
    struct open_how how = {.flags = O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK,
                           .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS};
    char request[64];
    while (recv(socket, request, sizeof request, 0) > 0) {
        int fd = (int)syscall(SYS_openat2, root, path, &how, sizeof how);
        char reply[136] = {0};
        struct iovec data = {reply, sizeof reply};
        union {
            char bytes[CMSG_SPACE(sizeof(int))];
            struct cmsghdr align;
        } control;
        struct msghdr message = {.msg_iov = &data,
                                 .msg_iovlen = 1,
                                 .msg_control = control.bytes,
                                 .msg_controllen = sizeof control.bytes};
        struct cmsghdr *header = CMSG_FIRSTHDR(&message);
        header->cmsg_level = SOL_SOCKET;
        header->cmsg_type = SCM_RIGHTS;
        header->cmsg_len = CMSG_LEN(sizeof(int));
        memcpy(CMSG_DATA(header), &fd, sizeof fd);
        if (fd < 0 || sendmsg(socket, &message, 0) < 0) _exit(1);
        close(fd);
    }
    _exit(0);
}

static int ask(int socket) {
    char request[64] = {0}, reply[136];
    struct iovec data = {reply, sizeof reply};
    union {
        char bytes[CMSG_SPACE(sizeof(int))];
        struct cmsghdr align;
    } control;
    struct msghdr message = {.msg_iov = &data,
                             .msg_iovlen = 1,
                             .msg_control = control.bytes,
                             .msg_controllen = sizeof control.bytes};
    int fd;

    if (send(socket, request, sizeof request, 0) < 0 ||
        recvmsg(socket, &message, MSG_CMSG_CLOEXEC) <= 0 || !CMSG_FIRSTHDR(&message))
        return -1;
    memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof fd);
    return fd;
}

int main(int argc, char **argv) {
    int pair[2], count, root;

    if (argc != 4 || (count = atoi(argv[3])) <= 0 ||
        (root = open(argv[1], O_PATH | O_DIRECTORY | O_CLOEXEC)) < 0 ||
        socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
        return 2;
    if (fork() == 0) {
        close(pair[0]);
        serve(pair[1], root, argv[2]);
    }
    close(pair[1]);
    for (int i = -count; i < count; i++) {
        struct timespec before, after;
        clock_gettime(CLOCK_MONOTONIC, &before);
        int fd = ask(pair[0]);
        clock_gettime(CLOCK_MONOTONIC, &after);
        if (fd < 0) return 1;
        close(fd);
        if (i >= 0)
            printf("%.2f\n",
                   (after.tv_sec - before.tv_sec) * 1e6 + (after.tv_nsec - before.tv_nsec) / 1e3);
    }
    close(pair[0]);
    wait(NULL);
    return 0;
}
