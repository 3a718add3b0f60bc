/* One client's child: takes its requests in order, answers each, and starts the children that write long answers into pipes. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "agent.h"

enum { MAX_WORKERS = 32, REAP_MS = 500 };

static int socket_of_client = -1;
static unsigned served_clients;
static int workers;

static uint32_t resident_kib(pid_t pid) {
    char path[32], text[128];
    snprintf(path, sizeof path, "/proc/%d/statm", pid);
    if (read_text(AT_FDCWD, path, text, sizeof text) < 0) return 0;
    return (uint32_t)(strtoul(field(text, 1), NULL, 10) * (unsigned long)getpagesize() / 1024);
}

size_t encode_agent_facts(unsigned char *at, unsigned clients) {
    size_t name = strlen(BUILD_NAME);
    put16(at + agent_facts_version, wire_version);
    put16(at + agent_facts_route, (uint16_t)agent.route);
    put32(at + agent_facts_pid, (uint32_t)agent.pid);
    put32(at + agent_facts_uid, geteuid());
    put32(at + agent_facts_gid, getegid());
    put64(at + agent_facts_capabilities, agent.capabilities);
    put64(at + agent_facts_start, agent.start);
    put64(at + agent_facts_userNamespace, agent.user_namespace);
    put64(at + agent_facts_mountNamespace, agent.mount_namespace);
    put32(at + agent_facts_clients, clients);
    put32(at + agent_facts_memory, resident_kib(agent.pid));
    put32(at + agent_facts_targetPid, (uint32_t)agent.target_pid);
    put32(at + agent_facts_buildLength, (uint32_t)name);
    memcpy(at + agent_facts_size, BUILD_NAME, name);
    return agent_facts_size + name;
}
_Static_assert(sizeof BUILD_NAME - 1 <= wire_max_build_name, "the build name fits its field");

static void reap_workers(void) {
    while (workers > 0 && waitpid(-1, NULL, WNOHANG) > 0) workers--;
}

/* fork_child for this session, which may have so many: EAGAIN beyond, as fork(2) says it. The worker does not hold the client's socket. */
pid_t fork_worker(void) {
    reap_workers();
    if (workers == MAX_WORKERS) {
        errno = EAGAIN;
        return -1;
    }
    pid_t pid = fork_child();
    if (pid > 0) workers++;
    if (pid == 0) {
        close(socket_of_client);
        forget_mounts();
    }
    return pid;
}

/* Returns the read end of a pipe into which a worker writes until it is done or nobody reads any more. */
int pipe_from_child(void (*write_to)(int out, const void *argument), const void *argument) {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) < 0) return -1;
    pid_t pid = fork_worker();
    if (pid == 0) {
        close(ends[0]);
        write_to(ends[1], argument);
        _exit(0);
    }
    int error = errno;
    close(ends[1]);
    if (pid > 0) return ends[0];
    close(ends[0]);
    errno = error;
    return -1;
}

/* The ends of the last so many relays: more than a client has on its way at once. */
enum { RELAY_ENDS = 256 };
static struct relay_end *relay_ends;
static uint32_t current_id;

/* A place for the end of the relay that the request in hand begins; NULL without memory, its end is then unknown. */
struct relay_end *new_relay_end(void) {
    if (!relay_ends) {
        void *shared = mmap(NULL, RELAY_ENDS * sizeof *relay_ends, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        if (shared == MAP_FAILED) return NULL;
        relay_ends = shared;
    }
    struct relay_end *end = &relay_ends[current_id % RELAY_ENDS];
    *end = (struct relay_end){.id = current_id};
    return end;
}

/* How the relay that request `id` began has ended: 0 or the errno that ended it, EAGAIN where no end was reached, ENOENT: no such relay. */
int find_relay_end(uint32_t id, uint64_t *bytes) {
    const struct relay_end *end = relay_ends ? &relay_ends[id % RELAY_ENDS] : NULL;
    if (!end || end->id != id) return ENOENT;
    if (!__atomic_load_n(&end->over, __ATOMIC_ACQUIRE)) return EAGAIN;
    *bytes = end->bytes;
    return end->error;
}

static int send_reply(const unsigned char *request, int error, struct reply *reply) {
    static unsigned char message[header_size + sizeof reply->body];
    bool with_body = !error || get16(request + header_type) == op_hello;
    size_t length = with_body ? reply->length : 0;
    int fd = error ? -1 : reply->fd;
    put16(message + header_type, get16(request + header_type) | wire_reply);
    put16(message + header_descriptors, fd >= 0);
    memcpy(message + header_id, request + header_id, 4);
    put32(message + header_error, (uint32_t)error);
    put32(message + header_length, (uint32_t)length);
    memcpy(message + header_size, reply->body, length);
    return send_packet(socket_of_client, message, header_size + length, fd);
}

/* 0 when the packet's header says what arrived and nothing else. */
static bool well_formed(const struct packet *packet, uint32_t last_id) {
    const unsigned char *p = packet->data;
    return get16(p + header_descriptors) == 0 && get32(p + header_id) > last_id && get32(p + header_error) == 0 &&
           get32(p + header_length) == packet->length - header_size;
}

/* Every session's first request. Only the version counts when it differs: the rest may have changed with it. */
static int hello(const struct packet *packet, struct reply *reply) {
    const unsigned char *body = packet->data + header_size;
    size_t length = packet->length - header_size;
    if (get16(packet->data + header_type) != op_hello || length < 2) return MALFORMED;
    if (get16(body) == wire_version && (length != 4 || get16(body + 2) != 0)) return MALFORMED;
    reply->length = encode_agent_facts(reply->body, served_clients);
    return get16(body) == wire_version ? 0 : EPROTO;
}

static int answer(const struct packet *packet, bool first, struct reply *reply) {
    if (first) return hello(packet, reply);
    return run_operation(get16(packet->data + header_type), packet->data + header_size, packet->length - header_size, reply);
}

static noreturn void end_session(int scope) {
    if (scope == bye_scope_agent && getppid() == agent.pid) kill(agent.pid, SIGTERM);
    _exit(0);
}

void run_session(int client, unsigned clients) {
    static struct packet packet;
    static struct reply reply;
    uint32_t last_id = 0;
    socket_of_client = client;
    served_clients = clients;
    for (;;) {
        reply.fd = reply.also_close = -1;
        reply.passed = NULL;
        reply.length = 0;
        int error = 0;
        while (workers > 0 && wait_readable(client, REAP_MS) == 0) reap_workers(); /* an idle session keeps no zombies */
        if (receive_packet(client, &packet, 0) < 0) {
            if (errno != EPROTO) _exit(0);
            error = MALFORMED;
        }
        if (packet.length < header_size) _exit(0);
        if (!well_formed(&packet, last_id)) error = MALFORMED;
        bool first = last_id == 0;
        unsigned type = get16(packet.data + header_type);
        current_id = get32(packet.data + header_id);
        if (!error) error = answer(&packet, first, &reply);
        last_id = current_id;

        bool ends = error == MALFORMED || (first && error);
        if (send_reply(packet.data, error == MALFORMED ? EPROTO : error, &reply) < 0) {
            /* A descriptor that cannot be sent (ETOOMANYREFS: too many are on their way; EPERM: not wanted) must not cost the session. */
            if (errno == EPIPE || errno == ECONNRESET || reply.fd < 0 || error) _exit(0);
            if (send_reply(packet.data, errno, &reply) < 0) _exit(0);
        } else if (!error && reply.passed) {
            *reply.passed = true;
        }
        if (reply.fd >= 0 && !reply.passed) close(reply.fd);
        if (reply.also_close >= 0) close(reply.also_close);
        if (ends) _exit(0);
        if (type == op_bye && !error) end_session((int)get32(packet.data + header_size));
    }
}
