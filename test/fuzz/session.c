/*
 * Fuzz target: one client session of the agent, from packets to replies. The input is a byte of
 * flags, then packets, each preceded by its length (u16). Only fork is replaced: it always fails.
 * Sockets, openat2 and inotify are real. After each session, only the descriptors that a session
 * keeps may be open.
 */
#include "harness.h"

#define _exit(status) leave()
#define fork no_child
static pid_t no_child(void) {
    errno = EAGAIN;
    return -1;
}
#define open_process own_process
#include "../../agent/session.c"

#include "../../agent/worker.c"

#include "../../agent/ops.c"

#include "../../agent/open.c"

#include "../../agent/resolve.c"

#undef fork
#undef open_process

#include <sys/socket.h>
#include <sys/wait.h>

enum { FLAG_HELLO = 1, FLAG_SOUND = 2, FLAG_DESCRIPTOR = 4, MAX_PACKETS = 24, HIGHEST = 128 };

struct agent agent;

/* Replaces every process by this one: a fuzzer must not open files of other processes. */
int own_process(pid_t inside) {
    errno = ESRCH;
    return inside & 1 ? open("/proc/self", O_PATH | O_DIRECTORY | O_CLOEXEC) : -1;
}

static int count_descriptors(void) {
    int count = 0;
    for (int fd = 0; fd < HIGHEST; fd++) count += fcntl(fd, F_GETFD) >= 0;
    return count;
}

static void set_up(void) {
    agent.route = route_mount;
    agent.root = fixture("root");
    agent.proc = open("/proc/self", O_PATH | O_DIRECTORY | O_CLOEXEC);
    agent.target = k_pidfd_open(getpid());
    agent.target_pid = getpid();
    if (agent.proc < 0 || agent.target < 0) abort();
    /* Opens the descriptors that a session keeps: its /proc/self/fd and the mount tables. */
    int again = reopen(agent.root, O_PATH | O_CLOEXEC);
    if (again < 0) abort();
    close(again);
    mount_is_local(1);
}

static void send_one(int client, uint8_t flags, uint32_t id, uint8_t *packet, size_t length) {
    if (flags & FLAG_SOUND && length >= header_size) {
        memcpy(packet + header_id, &id, sizeof id);
        uint32_t body = (uint32_t)(length - header_size);
        memcpy(packet + header_length, &body, sizeof body);
    }
    send_packet(client, packet, length, &client, flags & FLAG_DESCRIPTOR && id % 8 == 7);
}

static void send_all(int client, const uint8_t *data, size_t size) {
    static uint8_t packet[65536 + 16];
    uint8_t flags = next_byte(&data, &size);
    uint32_t id = 1;
    if (flags & FLAG_HELLO) {
        const uint8_t hello_packet[] = {op_hello,     0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0,
                                        wire_version, 0, 0, 0};
        send_packet(client, hello_packet, sizeof hello_packet, NULL, 0);
        id = 2;
    }
    for (int sent = 0; size >= 2 && sent < MAX_PACKETS; sent++, id++) {
        size_t length = get16(data);
        data += 2;
        size -= 2;
        if (length > size) length = size;
        memcpy(packet, data, length);
        send_one(client, flags, id, packet, length);
        data += length;
        size -= length;
    }
    shutdown(client, SHUT_WR);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static bool ready;
    int ends[2], large = 1 << 21;
    if (!ready) set_up();
    ready = true;
    int kept = count_descriptors();
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0) abort();
    for (int i = 0; i < 2; i++) setsockopt(ends[i], SOL_SOCKET, SO_SNDBUF, &large, sizeof large);
    send_all(ends[1], data, size);
    if (!setjmp(way_back)) run_session(ends[0], 1);
    close(ends[0]);
    close(ends[1]);
    if (inotify >= 0) close(inotify);
    inotify = -1;
    inotify_passed = false;
    if (count_descriptors() != kept) {
        fprintf(stderr, "%d descriptors are left open instead of %d\n", count_descriptors(), kept);
        abort();
    }
    return 0;
}
