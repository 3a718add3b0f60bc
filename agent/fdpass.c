/*
 * Sends and receives bytes and descriptors. This file makes every call that a signal can interrupt,
 * and retries it on EINTR.
 */
#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <time.h>

#include "agent.h"

/*
 * Receives one packet with exactly `descriptors` (0 or 1) descriptors. Returns 0, or -1 with errno:
 * ECONNRESET at end of stream; EPROTO if the packet was truncated or had another number of
 * descriptors, all of which are closed. The control buffer is CMSG_LEN, not CMSG_SPACE, which would
 * have room for a second descriptor (unix(7), cmsg(3)). Without a buffer, the kernel discards
 * descriptors and sets MSG_CTRUNC.
 */
int receive_packet(int socket, struct packet *packet, int descriptors) {
    union {
        struct cmsghdr align;
        char bytes[CMSG_LEN(sizeof(int))];
    } control;
    struct iovec data = {packet->data, sizeof packet->data};
    struct msghdr message = {.msg_iov = &data, .msg_iovlen = 1};
    ssize_t got;
    do {
        message.msg_control = descriptors ? control.bytes : NULL;
        message.msg_controllen = descriptors ? sizeof control.bytes : 0;
        got = recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
    } while (got < 0 && errno == EINTR);
    packet->fd = -1;
    packet->length = got > 0 ? (size_t)got : 0;
    if (got < 0) return -1;

    int count = 0;
    for (struct cmsghdr *c = CMSG_FIRSTHDR(&message); c; c = CMSG_NXTHDR(&message, c)) {
        if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS) continue;
        size_t room = message.msg_controllen - (size_t)((char *)c - (char *)message.msg_control);
        size_t length = (c->cmsg_len < room ? c->cmsg_len : room) - CMSG_LEN(0);
        for (size_t at = 0; at + sizeof(int) <= length; at += sizeof(int)) {
            if (packet->fd >= 0) close(packet->fd);
            memcpy(&packet->fd, CMSG_DATA(c) + at, sizeof(int));
            count++;
        }
    }
    int wrong = (message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) || (got > 0 && count != descriptors);
    if (got > 0 && !wrong) return 0;
    if (packet->fd >= 0) close(packet->fd);
    packet->fd = -1;
    errno = wrong ? EPROTO : ECONNRESET;
    return -1;
}

/* Sends one packet with `count` descriptors, at most wire_max_batch. The caller keeps them. */
int send_packet(int socket, const void *bytes, size_t length, const int *fds, size_t count) {
    size_t bytes_of_fds = count * sizeof(int);
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(wire_max_batch * sizeof(int))];
    } control;
    struct iovec data = {(void *)(uintptr_t)bytes, length};
    struct msghdr message = {.msg_iov = &data, .msg_iovlen = 1};
    if (count) {
        message.msg_control = control.bytes;
        message.msg_controllen = (socklen_t)CMSG_LEN(bytes_of_fds);
        control.align.cmsg_level = SOL_SOCKET;
        control.align.cmsg_type = SCM_RIGHTS;
        control.align.cmsg_len = message.msg_controllen;
        memcpy(CMSG_DATA(&control.align), fds, bytes_of_fds);
    }
    ssize_t sent;
    do sent = sendmsg(socket, &message, MSG_NOSIGNAL);
    while (sent < 0 && errno == EINTR);
    return sent < 0 ? -1 : 0;
}

/* Returns 1 if `fd` is readable or at its end, 0 on timeout. */
int wait_readable(int fd, int timeout_ms) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    int64_t end = now.tv_sec * 1000LL + now.tv_nsec / 1000000 + timeout_ms;
    for (;;) {
        struct pollfd wait = {.fd = fd, .events = POLLIN};
        int ready = poll(&wait, 1, timeout_ms);
        if (ready >= 0 || errno != EINTR) return ready;
        clock_gettime(CLOCK_MONOTONIC, &now);
        int64_t left = end - (now.tv_sec * 1000LL + now.tv_nsec / 1000000);
        timeout_ms = left > 0 ? (int)left : 0;
    }
}

/* Waits as poll(2) does, and retries on EINTR. */
int wait_any(struct pollfd *wait, size_t count, int timeout_ms) {
    int ready;
    do ready = poll(wait, count, timeout_ms);
    while (ready < 0 && errno == EINTR);
    return ready;
}

ssize_t read_some(int fd, void *buffer, size_t size) {
    ssize_t got;
    do got = read(fd, buffer, size);
    while (got < 0 && errno == EINTR);
    return got;
}

ssize_t read_at(int fd, void *buffer, size_t size, off_t offset) {
    ssize_t got;
    do got = pread(fd, buffer, size, offset);
    while (got < 0 && errno == EINTR);
    return got;
}

/* Writes all bytes to a blocking descriptor. */
int write_all(int fd, const void *data, size_t size) {
    const char *from = data;
    while (size > 0) {
        ssize_t put = write(fd, from, size);
        if (put < 0 && errno == EINTR) continue;
        if (put < 0) return -1;
        from += put;
        size -= (size_t)put;
    }
    return 0;
}
