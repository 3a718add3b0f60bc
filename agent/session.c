/*
 * A client's child: handles its requests in order, replies to each, and starts workers that write
 * long replies into pipes.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <time.h>

#include "agent.h"

enum { REAP_MS = 500, ROOM_MS = 10, ROOM_WAITS = 200 };

static int socket_of_client = -1;
static unsigned served_clients;

static size_t count_of(const struct reply *reply) {
    return reply->many_count ? reply->many_count : reply->fd >= 0;
}

static void close_passed(const struct reply *reply) {
    for (size_t i = 0; i < reply->many_count; i++) close(reply->many[i]);
    if (reply->fd >= 0 && !reply->passed) close(reply->fd);
    if (reply->also_close >= 0) close(reply->also_close);
}

static void clear_reply(struct reply *reply) {
    reply->fd = reply->also_close = -1;
    reply->passed = NULL;
    reply->many_count = reply->length = 0;
}

static int send_reply(const unsigned char *request, int error, struct reply *reply) {
    static unsigned char message[header_size + sizeof reply->body];
    bool with_body = !error || get16(request + header_type) == op_hello;
    size_t length = with_body ? reply->length : 0;
    const int *fds = reply->many_count ? reply->many : &reply->fd;
    size_t count = error ? 0 : count_of(reply);
    put16(message + header_type, get16(request + header_type) | wire_reply);
    put16(message + header_descriptors, (uint16_t)count);
    memcpy(message + header_id, request + header_id, 4);
    put32(message + header_error, (uint32_t)error);
    put32(message + header_length, (uint32_t)length);
    memcpy(message + header_size, reply->body, length);
    return send_packet(socket_of_client, message, header_size + length, fds, count);
}

/*
 * Descriptors in flight of all processes of a user share one limit (unix(7), ETOOMANYREFS), and
 * usually arrive at once. Waits for that, two seconds after the last success.
 */
static int send_when_possible(const unsigned char *request, int error, struct reply *reply) {
    static int waits;
    while (send_reply(request, error, reply) < 0) {
        if (errno != ETOOMANYREFS || waits >= ROOM_WAITS) return -1;
        waits++;
        nanosleep(&(struct timespec){.tv_nsec = ROOM_MS * 1000000L}, NULL);
    }
    waits = 0;
    return 0;
}

/* True if the header matches the packet. */
static bool well_formed(const struct packet *packet, uint32_t last_id) {
    const unsigned char *p = packet->data;
    return get16(p + header_descriptors) == 0 && get32(p + header_id) > last_id &&
           get32(p + header_error) == 0 && get32(p + header_length) == packet->length - header_size;
}

/*
 * The first request of every session. If the version differs, only the version counts: everything
 * else may have changed with it.
 */
static int hello(const struct packet *packet, struct reply *reply) {
    const unsigned char *body = packet->data + header_size;
    size_t length = packet->length - header_size;
    if (get16(packet->data + header_type) != op_hello || length < 2) return MALFORMED;
    if (get16(body) == wire_version && (length != 4 || get16(body + 2) != 0)) return MALFORMED;
    reply->length = encode_agent_info(reply->body, served_clients);
    return get16(body) == wire_version ? 0 : EPROTO;
}

static int answer(const struct packet *packet, bool first, struct reply *reply) {
    if (first) return hello(packet, reply);
    return run_operation(get16(packet->data + header_type), packet->data + header_size,
                         packet->length - header_size, reply);
}

static noreturn void end_session(int scope) {
    if (scope == bye_scope_agent && getppid() == agent.pid) kill(agent.pid, SIGTERM);
    _exit(0);
}

static struct packet packet;
static struct reply reply;

void run_session(int client, unsigned clients) {
    uint32_t last_id = 0;
    socket_of_client = client;
    begin_workers(client);
    served_clients = clients;
    for (;;) {
        clear_reply(&reply);
        int error = 0;
        while (have_workers() && wait_readable(client, REAP_MS) == 0)
            reap_workers(); /* leave no zombies while idle */
        if (receive_packet(client, &packet, 0) < 0) {
            if (errno != EPROTO) _exit(0);
            error = MALFORMED;
        }
        if (packet.length < header_size) _exit(0);
        if (!well_formed(&packet, last_id)) error = MALFORMED;
        bool first = last_id == 0;
        unsigned type = get16(packet.data + header_type);
        reply.id = get32(packet.data + header_id);
        if (!error) error = answer(&packet, first, &reply);
        last_id = reply.id;

        bool ends = error == MALFORMED || (first && error);
        if (send_when_possible(packet.data, error == MALFORMED ? EPROTO : error, &reply) < 0) {
            /*
             * Failing to send a descriptor does not end the session (ETOOMANYREFS: too many in
             * flight; EPERM: refused).
             */
            if (errno == EPIPE || errno == ECONNRESET || !count_of(&reply) || error) _exit(0);
            if (send_reply(packet.data, errno, &reply) < 0) _exit(0);
        } else if (!error && reply.passed) {
            *reply.passed = true;
        }
        close_passed(&reply);
        if (ends) _exit(0);
        if (type == op_bye && !error) end_session((int)get32(packet.data + header_size));
    }
}

/*
 * Replies to the HELLO of a client for which there is no room. Returns false if its HELLO has not
 * arrived. Runs in the first process and never waits for the client.
 */
bool refuse_session(int client, unsigned clients) {
    fcntl(client, F_SETFL, O_NONBLOCK);
    socket_of_client = client;
    served_clients = clients;
    clear_reply(&reply);
    if (receive_packet(client, &packet, 0) < 0) return errno != EAGAIN;
    if (packet.length < header_size || !well_formed(&packet, 0)) return true;
    int error = hello(&packet, &reply);
    if (error != MALFORMED) send_reply(packet.data, error ? error : EUSERS, &reply);
    return true;
}
