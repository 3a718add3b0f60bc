/*
 * The rendezvous with the host (docs/protocol.md, "Order"). The agent announces itself and receives
 * its task: to serve a listening socket, or to pass one tree and exit.
 */
#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "agent.h"

enum { HANDSHAKE_MS = 10000 };

static int hex_digit(char c) {
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Reads the token from standard input. */
void read_token(unsigned char *token) {
    char text[2 * wire_token_bytes + 1];
    for (size_t used = 0; used < sizeof text;) {
        if (wait_readable(0, HANDSHAKE_MS) != 1)
            bail("--token-stdin: no token within %d s", HANDSHAKE_MS / 1000);
        ssize_t got = read_some(0, text + used, sizeof text - used);
        if (got <= 0) bail("--token-stdin: truncated token");
        used += (size_t)got;
    }
    for (int i = 0; i < wire_token_bytes; i++) {
        int high = hex_digit(text[2 * i]), low = hex_digit(text[2 * i + 1]);
        if (high < 0 || low < 0)
            bail("--token-stdin: expected 64 lower-case hex digits and a newline");
        token[i] = (unsigned char)(high << 4 | low);
    }
    if (text[2 * wire_token_bytes] != '\n') bail("--token-stdin: no newline after the token");
}

int connect_rendezvous(const char *path) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof address.sun_path)
        bail("--socket %s: longer than %zu bytes", path, sizeof address.sun_path - 1);
    strcpy(address.sun_path, path);
    int rendezvous = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    if (rendezvous < 0) bail_errno("socket");
    if (connect(rendezvous, (struct sockaddr *)&address, sizeof address) < 0)
        bail_errno("connect to %s", path);
    return rendezvous;
}

static int socket_option(int socket, int option) {
    int value = -1;
    socklen_t size = sizeof value;
    return getsockopt(socket, SOL_SOCKET, option, &value, &size) < 0 ? -1 : value;
}

/* Sends the token and the agent info. */
void announce(int rendezvous, const unsigned char *token) {
    static unsigned char
        message[header_size + wire_token_bytes + agent_info_size + wire_max_build_name];
    memcpy(message + header_size, token, wire_token_bytes);
    size_t length = wire_token_bytes +
                    encode_agent_info(message + header_size + wire_token_bytes, 0);
    put16(message + header_type, op_announce);
    put32(message + header_length, (uint32_t)length);
    if (send_packet(rendezvous, message, header_size + length, NULL, 0) < 0)
        bail_errno("announcing to the host");
}

/* The body of a reply to ANNOUNCE is u16 version, u16 flags. */
static bool is_answer(const struct packet *packet, unsigned type, uint32_t id, unsigned flags) {
    const unsigned char *p = packet->data;
    return packet->length == header_size + 4 && get16(p + header_type) == type &&
           get16(p + header_descriptors) == (packet->fd >= 0) && get32(p + header_id) == id &&
           !get32(p + header_error) && get32(p + header_length) == 4 &&
           !(get16(p + header_size + 2) & ~flags);
}

/* Returns the reply's flags. */
static unsigned receive_answer(int rendezvous, struct packet *answer, int descriptors) {
    if (wait_readable(rendezvous, HANDSHAKE_MS) != 1)
        bail("the host did not answer within %d s", HANDSHAKE_MS / 1000);
    if (receive_packet(rendezvous, answer, descriptors) < 0)
        bail_errno("the host's answer (it may have refused this agent)");
    if (answer->length < header_size + 4) bail("the host's answer is too short");
    int version = get16(answer->data + header_size);
    if (version != wire_version)
        bail("protocol mismatch: the host has version %d, this agent %d", version, wire_version);
    return get16(answer->data + header_size + 2);
}

/* Receives SERVE, and a second SERVE with the witness. Returns the listening socket. */
int receive_listener(int rendezvous) {
    static struct packet answer;
    unsigned flags = receive_answer(rendezvous, &answer, 1);
    if (!is_answer(&answer, op_serve, 0, serve_flag_witness))
        bail("the host's answer is not a SERVE message");
    int listener = answer.fd;
    if (socket_option(listener, SO_DOMAIN) != AF_UNIX ||
        socket_option(listener, SO_TYPE) != SOCK_SEQPACKET ||
        socket_option(listener, SO_ACCEPTCONN) != 1)
        bail("the host's descriptor is not a listening SEQPACKET socket");
    if (flags & serve_flag_witness) {
        if (!agent.is_assembled) bail("unexpected witness: the target has a process");
        receive_answer(rendezvous, &answer, 1);
        if (!is_answer(&answer, op_serve, 0, 0))
            bail("the host's second answer is not a SERVE message");
        agent.target = answer.fd;
    }
    close(rendezvous);
    return listener;
}

/* Receives TREE. Returns its flags. */
unsigned receive_tree_order(int rendezvous) {
    static struct packet answer;
    unsigned flags = receive_answer(rendezvous, &answer, 0);
    if (!is_answer(&answer, op_tree, 1, tree_flag_write | tree_flag_allMounts))
        bail("the host's answer is not a TREE message");
    return flags;
}

/*
 * Replies to TREE and waits until the host has closed the connection. A sidecar that ended earlier
 * would look like a failure. If the tree is the sidecar's own root, the host keeps the connection
 * as long as it uses the tree: with its container the engine removes the upper directory.
 */
void send_tree(int rendezvous, int tree) {
    unsigned char reply[header_size] = {0};
    put16(reply + header_type, op_tree | wire_reply);
    put16(reply + header_descriptors, 1);
    put32(reply + header_id, 1);
    if (send_packet(rendezvous, reply, sizeof reply, &tree, 1) < 0)
        bail_errno("passing the tree to the host");
    wait_readable(rendezvous, -1);
}
