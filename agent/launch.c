/* The launcher's command line. An error is one line on stderr, or on --host after that option. */
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <stdlib.h>

#include "agent.h"

static int descriptor(const char *option, const char *text) {
    char *end;
    long value = strtol(text, &end, 10);
    if (end == text || *end || value < 3 || value > INT_MAX || fcntl((int)value, F_GETFD) < 0)
        bail("%s %s: expected an open descriptor from 3 on", option, text);
    return (int)value;
}

static struct tree *last_tree(struct launch *launch, const char *option) {
    if (!launch->tree_count) bail("%s: no --tree before it", option);
    return &launch->trees[launch->tree_count - 1];
}

static void add_tree(struct launch *launch, int fd) {
    if (launch->tree_count == MAX_TREES) bail("--tree: more than %d", MAX_TREES);
    launch->trees[launch->tree_count++] = (struct tree){.fd = fd, .table = -1};
}

/* The command keeps `fd` open. */
void keep_open(struct launch *launch, int fd) {
    if (launch->kept_count == MAX_FILES) bail("--keep: more than %d", MAX_FILES);
    launch->kept[launch->kept_count++] = fd;
}

static void add_file(struct launch *launch, int fd) {
    if (launch->file_count == MAX_FILES) bail("--file: more than %d", MAX_FILES);
    launch->files[launch->file_count++].fd = fd;
}

static void name_file(struct launch *launch, const char *path) {
    if (!launch->file_count) bail("--path: no --file before it");
    launch->files[launch->file_count - 1].path = path;
}

static void set_offline(struct launch *launch) {
    if (!launch->file_count) bail("--offline: no --file before it");
    launch->files[launch->file_count - 1].is_offline = true;
}

static void add_program(struct launch *launch, const char *path) {
    if (launch->program_count == MAX_PROGRAMS) bail("--program: more than %d", MAX_PROGRAMS);
    launch->programs[launch->program_count++] = (struct program){.path = path, .as = ""};
}

static void name_program(struct launch *launch, const char *as) {
    if (!launch->program_count) bail("--as: no --program before it");
    launch->programs[launch->program_count - 1].as = as;
}

struct launch *parse_launch(int argc, char **argv) {
    enum {
        AT = 1,
        TREE,
        NAME,
        TABLE,
        FILE_FD,
        PATH,
        OFFLINE,
        DIRECTORY,
        KEEP,
        HOST,
        RW,
        ALL_MOUNTS,
        STORAGE_ONLY,
        ENCLOSE,
        PROGRAM,
        AS,
        JOIN,
        TARGET_PID,
        TARGET_START,
        SHELL,
        SCRIPT,
        MOUNT_POINT,
        ON
    };
    static const struct option known[] = {{"at", 1, 0, AT},
                                          {"tree", 1, 0, TREE},
                                          {"name", 1, 0, NAME},
                                          {"table", 1, 0, TABLE},
                                          {"file", 1, 0, FILE_FD},
                                          {"path", 1, 0, PATH},
                                          {"offline", 0, 0, OFFLINE},
                                          {"directory", 1, 0, DIRECTORY},
                                          {"keep", 1, 0, KEEP},
                                          {"host", 1, 0, HOST},
                                          {"rw", 0, 0, RW},
                                          {"all-mounts", 0, 0, ALL_MOUNTS},
                                          {"storage-only", 0, 0, STORAGE_ONLY},
                                          {"enclose", 0, 0, ENCLOSE},
                                          {"program", 1, 0, PROGRAM},
                                          {"as", 1, 0, AS},
                                          {"join", 1, 0, JOIN},
                                          {"target-pid", 1, 0, TARGET_PID},
                                          {"target-start", 1, 0, TARGET_START},
                                          {"shell", 0, 0, SHELL},
                                          {"script", 1, 0, SCRIPT},
                                          {"mount-point", 1, 0, MOUNT_POINT},
                                          {"on", 1, 0, ON},
                                          {0}};
    static struct launch launch;
    opterr = 0;
    for (int option; (option = getopt_long(argc, argv, "+", known, NULL)) != -1;) {
        switch (option) {
        case AT: launch.at = optarg; break;
        case TREE: add_tree(&launch, descriptor("--tree", optarg)); break;
        case NAME: last_tree(&launch, "--name")->name = optarg; break;
        case TABLE: last_tree(&launch, "--table")->table = descriptor("--table", optarg); break;
        case FILE_FD: add_file(&launch, descriptor("--file", optarg)); break;
        case PATH: name_file(&launch, optarg); break;
        case OFFLINE: set_offline(&launch); break;
        case DIRECTORY: launch.directory = optarg; break;
        case KEEP: keep_open(&launch, descriptor("--keep", optarg)); break;
        case HOST: log_to(launch.host = descriptor("--host", optarg)); break;
        case RW: launch.writable = true; break;
        case ALL_MOUNTS: launch.all_mounts = true; break;
        case STORAGE_ONLY: launch.storage_only = true; break;
        case ENCLOSE: launch.is_enclosed = true; break;
        case PROGRAM: add_program(&launch, optarg); break;
        case AS: name_program(&launch, optarg); break;
        case JOIN: want_namespace(&launch.join, optarg); break;
        case TARGET_PID: launch.join.pid = atoi(optarg); break;
        case TARGET_START: launch.join.start_time = optarg; break;
        case SHELL: launch.is_shell = true; break;
        case SCRIPT: launch.script = optarg; break;
        case MOUNT_POINT: launch.mount_point = optarg; break;
        case ON: launch.on = descriptor("--on", optarg); break;
        default: bail("%s: unknown option or missing value (see --help)", argv[optind - 1]);
        }
    }
    if (!launch.at || *launch.at != '/') bail("expected --at with an absolute path");
    if (!launch.host || optind < argc) bail("expected --host and no further arguments");
    if (launch.is_enclosed && launch.tree_count != 1) bail("--enclose: expected one --tree");
    for (int i = 0; i < launch.file_count; i++)
        if (!launch.files[i].path) bail("--file %d: no --path after it", launch.files[i].fd);
    for (int i = 0; i < launch.tree_count; i++) {
        if (!launch.trees[i].name) bail("--tree %d: no --name after it", launch.trees[i].fd);
        launch.trees[i].writable = launch.writable;
    }
    return &launch;
}
