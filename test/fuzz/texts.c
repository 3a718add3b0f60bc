/*
 * Fuzz target: parsers of set-up and listings, for text that a container or another process may
 * have written: files of /proc, the token, the host's answer. The first byte of the input selects
 * the parser, the rest is its text.
 */
#include "harness.h"

#define _exit(status) leave()
#define exit(status) leave()
#define main agent_main
#include "../../agent/main.c"
#undef main
#undef exit

#include "../../agent/rendezvous.c"

#include "../../agent/processes.c"

#include "../../agent/mounts.c"

#include "../../agent/target.c"

#define open(...) no_file(__VA_ARGS__)
static int no_file(const char *path, int flags) {
    (void)flags;
    errno = strlen(path) ? ENOENT : EINVAL;
    return -1;
}
#include "../../agent/device.c"
#undef open

void bail(const char *format, ...) {
    (void)format;
    leave();
}
void bail_errno(const char *format, ...) {
    (void)format;
    leave();
}
void log_to(int fd) { (void)fd; }
pid_t fork_worker(void) { return -1; }
size_t encode_agent_info(unsigned char *at, unsigned clients) {
    memset(at, (int)clients, agent_info_size);
    return agent_info_size;
}
void open_origins(const struct layer_options *options) { (void)options; }
int prepare_signals(void) { return -1; }
void encode_file_stat(unsigned char *at, const struct k_statx *st) {
    memset(at, st->mode & 0xff, file_stat_size);
}
void serve(int listener, int signals) {
    (void)listener;
    (void)signals;
    leave();
}

static int process_directory = -1;

static void write_text(const char *name, const uint8_t *data, size_t size) {
    int fd = openat(process_directory, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0 || write_all(fd, data, size) < 0) abort();
    close(fd);
}

/* Returns the input as a file in memory. */
static int as_file(const uint8_t *data, size_t size) {
    int fd = memfd_create("fuzz", MFD_CLOEXEC);
    if (fd < 0 || write_all(fd, data, size) < 0 || lseek(fd, 0, SEEK_SET) < 0) abort();
    return fd;
}

static void parse_process(const uint8_t *data, size_t size) {
    static const char *const names[] = {"stat", "status", "comm", "cmdline", "fdinfo/3"};
    struct process found = {0};
    const uint8_t *end = data + size;
    /* Each file's text ends with the byte 0xff, which never occurs in such a file. */
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const uint8_t *stop = data < end ? memchr(data, 0xff, (size_t)(end - data)) : NULL;
        if (!stop) stop = end;
        write_text(names[i], data, (size_t)(stop - data));
        data = stop < end ? stop + 1 : end;
    }
    static int nowhere = -1;
    if (nowhere < 0) nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
    agent.route = route_mount;
    for (agent.pid_depth = 0; agent.pid_depth <= 2; agent.pid_depth++)
        if (look_at_process(7, process_directory, &found)) {
            found.parent = 0;
            write_process(nowhere, process_directory, &found, true);
        }
    pid_depth(process_directory);
    check_start_time(process_directory, "1");
}

static void parse_cgroups(const uint8_t *data, size_t size) {
    static char path[PATH_MAX];
    char *text = malloc(size + 1);
    memcpy(text, data, size);
    text[size] = 0;
    if (cgroup_path(text, "devices", path) && strlen(path) >= PATH_MAX) abort();
    cgroup_path(text, "", path);
    free(text);
}

static void parse_mount_line(const uint8_t *data, size_t size) {
    const uint8_t *path = memchr(data, 0xff, size);
    size_t length = path ? (size_t)(path - data) : size;
    if (length >= 8192 || size - length >= PATH_MAX)
        return; /* the callers' buffers are this large */
    char *line = malloc(length + 1), *rest = malloc(size - length + 1);
    memcpy(line, data, length);
    line[length] = 0;
    size_t rest_length = path ? size - length - 1 : 0;
    if (rest_length) memcpy(rest, path + 1, rest_length);
    rest[rest_length] = 0;
    open_if_mounted(line, "cgroup", "devices", rest);
    open_if_mounted(line, "cgroup2", "", rest);
    free(line);
    free(rest);
}

static void parse_mountinfo(const uint8_t *data, size_t size) {
    int fd = as_file(data, size);
    search_mountinfo(fd, 7);
    close(fd);
}

static void parse_answer(const uint8_t *data, size_t size) {
    int ends[2], listener = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0) abort();
    uint8_t flags = next_byte(&data, &size);
    if (flags & 1) {
        struct sockaddr_un address = {.sun_family = AF_UNIX};
        bind(listener, (struct sockaddr *)&address, sizeof(sa_family_t));
        listen(listener, 1);
    }
    send_packet(ends[1], data, size, &listener, !!(flags & 2));
    shutdown(ends[1], SHUT_WR);
    if (!setjmp(way_back)) receive_listener(ends[0]);
    close_all_from(listener);
}

static void parse_token(const uint8_t *data, size_t size) {
    unsigned char token[wire_token_bytes];
    int input = as_file(data, size);
    dup3(input, 0, 0);
    close(input);
    read_token(token);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static void (*const parsers[])(const uint8_t *, size_t) = {
        parse_process, parse_cgroups, parse_mount_line, parse_mountinfo, parse_answer, parse_token};
    if (process_directory < 0) process_directory = fixture("process");
    unsigned choice = next_byte(&data, &size) % (sizeof parsers / sizeof *parsers);
    if (!setjmp(way_back)) parsers[choice](data, size);
    return 0;
}
