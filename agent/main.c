/*
 * porthole-agent: opens files and devices in a container, or from outside of it, and passes their
 * descriptors to the host. See README.md and docs/protocol.md. This file is set-up and bails on the
 * first failure. The loop is in serve.c and continues after failures.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>

#include "agent.h"

enum { DEFAULT_IDLE_S = 60, MAX_IDLE_S = 86400 * 7 };

struct agent agent;

struct options {
    struct layer_options layers;
    const char *socket, *target_start, *root;
    int fd;
    bool token_stdin, join_user_ns, device_cgroup, tree;
    bool assemble; /* make the root from the layers; the target has no process */
};

static const char usage[] =
    "usage: porthole-agent mount|sidecar|direct (--socket PATH | --fd N) [options]\n"
    "       porthole-agent run --host N --at DIRECTORY [options] (see run.c)\n"
    "       porthole-agent remote|helper ... (see remote.c, helper.c)\n"
    "       porthole-agent --layout | --version | --help\n"
    "  --socket PATH     rendezvous to connect to\n"
    "  --fd N            connected SEQPACKET socket instead\n"
    "  --token-stdin     read the token (64 hex digits) from standard input\n"
    "  --target-pid N    first process of the target (mount: 1)\n"
    "  --target-start T  its start time, field 22 of /proc/N/stat\n"
    "  --root PATH       root to open under (mount: /, otherwise /proc/N/root)\n"
    "  --idle SECONDS    exit after this time without a client (60)\n"
    "  --join-user-ns    enter the target's user namespace\n"
    "  --device-cgroup   open devices by the target's device rules\n"
    "  --tree            pass the host a descriptor of all mounts, then exit\n"
    "  --layer DIRECTORY, --engine-pid N, --bind SOURCE --at PATH, --overlay DEVICE: see "
    "layers.c\n";

struct number {
    const char *name;
    unsigned value;
};

static void print_layout(void) {
#define NAMED(name, value) {#name, value},
#define NAMED_ROW(table, name, value) {#table "." #name, value},
    static struct number numbers[] = {WIRE_NUMBERS(NAMED, NAMED_ROW)};
    size_t count = sizeof numbers / sizeof *numbers;
    /* Sorted by name. qsort(3) would add 2% to the program. */
    for (size_t left = count; left > 0; left--) {
        size_t first = 0;
        for (size_t i = 1; i < left; i++)
            if (strcmp(numbers[i].name, numbers[first].name) < 0) first = i;
        printf("%s %u\n", numbers[first].name, numbers[first].value);
        memmove(numbers + first, numbers + first + 1, (left - first - 1) * sizeof *numbers);
    }
}

static int whole_number(const char *option, const char *text, long least, long most) {
    char *end;
    errno = 0;
    long value = strtol(text, &end, 10);
    if (errno || end == text || *end || value < least || value > most)
        bail("%s %s: expected a number from %ld to %ld", option, text, least, most);
    return (int)value;
}

static void add_layer(struct layer_options *layers, const char *path) {
    if (layers->layer_count == MAX_LAYERS) bail("--layer: more than %d", MAX_LAYERS);
    layers->layers[layers->layer_count++] = path;
}

static void add_bind(struct layer_options *layers, const char *source) {
    if (layers->bind_count == MAX_BINDS) bail("--bind: more than %d", MAX_BINDS);
    layers->binds[layers->bind_count++].source = source;
}

/* The agent relays files of overlays beyond the limit. */
static void add_overlay(const char *device) {
    if (agent.overlay_count < MAX_OVERLAYS) agent.overlays[agent.overlay_count++] = device;
}

static void add_mount_point(struct layer_options *layers, const char *path) {
    if (!layers->bind_count || layers->binds[layers->bind_count - 1].mount_point)
        bail("--at %s: no --bind before it", path);
    if (*path != '/') bail("--at %s: not an absolute path", path);
    layers->binds[layers->bind_count - 1].mount_point = path;
}

static struct options *parse(int argc, char **argv) {
    enum {
        SOCKET = 1,
        FD,
        TOKEN_STDIN,
        TARGET_PID,
        TARGET_START,
        ROOT,
        IDLE,
        JOIN_USER_NS,
        DEVICE_CGROUP,
        TREE,
        LAYER,
        BIND,
        AT,
        ENGINE_PID,
        OVERLAY,
        LAYOUT,
        VERSION,
        HELP
    };
    static const struct option known[] = {{"socket", 1, 0, SOCKET},
                                          {"fd", 1, 0, FD},
                                          {"token-stdin", 0, 0, TOKEN_STDIN},
                                          {"target-pid", 1, 0, TARGET_PID},
                                          {"target-start", 1, 0, TARGET_START},
                                          {"root", 1, 0, ROOT},
                                          {"idle", 1, 0, IDLE},
                                          {"join-user-ns", 0, 0, JOIN_USER_NS},
                                          {"device-cgroup", 0, 0, DEVICE_CGROUP},
                                          {"tree", 0, 0, TREE},
                                          {"layer", 1, 0, LAYER},
                                          {"bind", 1, 0, BIND},
                                          {"at", 1, 0, AT},
                                          {"engine-pid", 1, 0, ENGINE_PID},
                                          {"overlay", 1, 0, OVERLAY},
                                          {"layout", 0, 0, LAYOUT},
                                          {"version", 0, 0, VERSION},
                                          {"help", 0, 0, HELP},
                                          {0}};
    static struct options options;
    options.fd = -1;
    agent.idle_ms = DEFAULT_IDLE_S * 1000;
    opterr = 0;
    for (int option; (option = getopt_long(argc, argv, "", known, NULL)) != -1;) {
        switch (option) {
        case SOCKET: options.socket = optarg; break;
        case FD: options.fd = whole_number("--fd", optarg, 3, 1 << 20); break;
        case TOKEN_STDIN: options.token_stdin = true; break;
        case TARGET_PID: agent.target_pid = whole_number("--target-pid", optarg, 1, 1 << 22); break;
        case TARGET_START: options.target_start = optarg; break;
        case ROOT: options.root = optarg; break;
        case IDLE: agent.idle_ms = whole_number("--idle", optarg, 1, MAX_IDLE_S) * 1000; break;
        case JOIN_USER_NS: options.join_user_ns = true; break;
        case DEVICE_CGROUP: options.device_cgroup = true; break;
        case TREE: options.tree = true; break;
        case LAYER: add_layer(&options.layers, optarg); break;
        case BIND: add_bind(&options.layers, optarg); break;
        case AT: add_mount_point(&options.layers, optarg); break;
        case ENGINE_PID:
            options.layers.engine = whole_number("--engine-pid", optarg, 1, 1 << 22);
            break;
        case OVERLAY: add_overlay(optarg); break;
        case LAYOUT: print_layout(); exit(0);
        case VERSION:
            printf("porthole-agent protocol %d build %s\n", wire_version, BUILD_NAME);
            exit(0);
        case HELP: fputs(usage, stdout); exit(0);
        default: bail("%s: unknown option or missing value (see --help)", argv[optind - 1]);
        }
    }
    static const char *const routes[] = {
        [route_mount] = "mount", [route_sidecar] = "sidecar", [route_direct] = "direct"};
    const char *route = optind == argc - 1 ? argv[optind] : "";
    for (int i = route_mount; i <= route_direct; i++)
        if (!strcmp(route, routes[i])) agent.route = i;
    if (!agent.route) bail("expected one route: mount, sidecar or direct");
    if (options.tree && agent.route == route_mount) bail("--tree: not allowed with route mount");
    if (!options.socket == (options.fd < 0)) bail("expected either --socket or --fd");
    for (int i = 0; i < options.layers.bind_count; i++)
        if (!options.layers.binds[i].mount_point)
            bail("--bind %s: no --at after it", options.layers.binds[i].source);
    options.layers.engine_start = options.target_start;
    if (options.layers.layer_count && agent.route == route_mount)
        bail("--layer: not allowed with route mount");
    if (options.layers.bind_count && agent.target_pid)
        bail("--bind: not allowed with --target-pid");
    options.assemble = options.layers.layer_count && !agent.target_pid;
    if (options.assemble) return &options;
    if (!agent.target_pid && agent.route != route_mount)
        bail("missing --target-pid (required by route %s)", route);
    if (!agent.target_pid) agent.target_pid = 1;
    if (agent.route != route_direct && (options.join_user_ns || options.device_cgroup))
        bail("--join-user-ns and --device-cgroup: only allowed with route direct");
    return &options;
}

/*
 * Closes inherited descriptors except 0, 1, 2 and the rendezvous, if any. Returns the rendezvous's
 * new number.
 */
static int keep_descriptors(int rendezvous) {
    for (int fd = 0; fd <= 2; fd++)
        if (fcntl(fd, F_GETFD) < 0 && open("/", O_PATH | O_DIRECTORY) < 0) bail_errno("/");
    if (rendezvous >= 0) {
        if (rendezvous != 3 && dup3(rendezvous, 3, O_CLOEXEC) < 0)
            bail_errno("--fd %d", rendezvous);
        if (rendezvous == 3 && fcntl(3, F_SETFD, FD_CLOEXEC) < 0) bail_errno("--fd 3");
        rendezvous = 3;
    }
    close_all_from(rendezvous < 0 ? 3 : 4);
    return rendezvous;
}

/* Passes one tree to the host. The agent does not serve then and needs no filter. */
static noreturn void give_tree(struct options *options, int rendezvous) {
    unsigned flags = receive_tree_order(rendezvous);
    send_tree(rendezvous, options->assemble ? take_layers_tree(&options->layers, flags)
                                            : take_target_tree(options->target_start, flags));
    exit(0);
}

/*
 * Handles signals in the same way for every starter: ignored signals are inherited (execve(2)). A
 * process that ignores SIGTERM or SIGCHLD gets none from signalfd(2). SIGXFSZ: a write beyond the
 * user's limit (ulimit -f) is an error of the request.
 */
static void reset_signals(void) {
    for (int number = 1; number < SIGRTMIN; number++) signal(number, SIG_DFL);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN);
}

int main(int argc, char **argv) {
    if (argc > 1 && !strcmp(argv[1], "run")) run_command(argc - 1, argv + 1);
    if (argc > 1 && !strcmp(argv[1], "remote")) run_remote(argc - 1, argv + 1);
    if (argc > 1 && !strcmp(argv[1], "helper")) run_helper(argc - 1, argv + 1);
    struct options *options = parse(argc, argv);
    int rendezvous = keep_descriptors(options->fd);
    unsigned char token[wire_token_bytes] = {0};
    umask(077);
    reset_signals();
    raise_open_files();
    if (chdir("/") < 0) bail_errno("/"); /* keeps no directory of the host busy */
    setsid(); /* EPERM: already a process group leader, which is as good */
    agent.pid = getpid();
    agent.start = (uint64_t)time(NULL);
    /* Connect before the mounts change that the socket is on. */
    if ((options->assemble || options->tree) && options->socket)
        rendezvous = connect_rendezvous(options->socket);
    if (options->tree) {
        if (options->token_stdin) read_token(token);
        announce(rendezvous, token);
        give_tree(options, rendezvous);
    }
    if (options->assemble) {
        open_layers(&options->layers);
    } else {
        open_origins(&options->layers);
        open_target(options->target_start, options->root, options->join_user_ns,
                    options->device_cgroup);
    }
    if (options->token_stdin) read_token(token);
    if (options->socket && rendezvous < 0) rendezvous = connect_rendezvous(options->socket);
    int signals = prepare_signals();
    limit_resources();
    limit_calls();
    announce(rendezvous, token);
    int listener = receive_listener(rendezvous);
    silence_standard_descriptors(agent.root);
    serve(listener, signals);
}
