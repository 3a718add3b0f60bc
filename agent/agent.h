/*
 * Declarations that the agent's files share. A function that fails returns -1 and sets errno, or
 * returns an errno value if its comment says so.
 */
#ifndef PORTHOLE_AGENT_H
#define PORTHOLE_AGENT_H

#include <dirent.h>
#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdnoreturn.h>
#include <sys/types.h>

#include "kernel.h"
#include "protocol.h"

/* How device nodes are opened, see device.c. */
enum device_rule { DEVICE_KERNEL, DEVICE_JOIN, DEVICE_REFUSE };

enum { MAX_LAYERS = 500 /* overlayfs has this limit */, MAX_BINDS = 256, MAX_OVERLAYS = 64 };

/* Written during set-up, read-only afterwards. */
struct agent {
    int route;
    int root; /* the target's root directory, O_PATH */
    /*
     * O_PATH of /proc/<pid> of the process whose mounts are the target's. Pins it if its PID is
     * reused.
     */
    int proc;
    int target; /* pidfd of the target's first process */
    pid_t pid;  /* PID of the listening process */
    pid_t target_pid;
    int pid_depth; /* index of the target's own PID on an NSpid line; 0: no translation */
    int idle_ms;
    int open_files; /* most descriptors of this process */
    enum device_rule device_rule;
    int device_cgroups[2]; /* cgroup.procs files to join before opening a device, or -1 */
    uint64_t capabilities, start, user_namespace, mount_namespace;
    uint64_t memory_mount; /* of the kernel's tmpfs for memfds; not in mountinfo */

    int layers[MAX_LAYERS]; /* directories of the root, uppermost first, O_PATH */
    int layer_count;        /* 0: unknown */
    /*
     * The root is assembled from the layers (layers.c). Then there is no target process, and the
     * agent exits when `target` becomes readable.
     */
    bool is_assembled;
    bool layers_local; /* no layer is on FUSE or a network file system */
    int mount_table;   /* a copy of the mount table, in mountinfo format */

    /*
     * Devices ("0:54") of overlays that the engine created. The host also found them outside of the
     * target.
     */
    const char *overlays[MAX_OVERLAYS];
    int overlay_count;
};
extern struct agent agent;

/* log.c */
void log_to(int fd);
noreturn void bail(const char *format, ...) __attribute__((format(printf, 1, 2)));
noreturn void bail_errno(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* confine.c */
uint64_t effective_capabilities(void);
void drop_capabilities(uint64_t keep);
void confine(uint64_t keep);
void raise_open_files(void);
void limit_resources(void);
void limit_file_size(bool on);
void close_all_from(int first);
void silence_standard_descriptors(int fallback);

/* filter.c */
void limit_calls(void);

/* target.c */
void open_target(const char *start_time, const char *root, bool join_user_namespace,
                 bool device_cgroup);
void join_engine(pid_t pid, const char *start_time);
void probe_kernel(void);
void check_start_time(int proc, const char *expected);
void join_user_namespace(int proc);

/* layers.c */
struct layer_options {
    const char *layers[MAX_LAYERS]; /* directories, uppermost first */
    struct {
        const char *source, *mount_point;
        int fd; /* of the source, -1 if it does not exist */
    } binds[MAX_BINDS];
    int layer_count, bind_count;
    pid_t engine; /* the process whose namespaces have the directories; 0: the agent itself */
    const char *engine_start;
};
void make_layers_root(struct layer_options *options);
void open_layers(struct layer_options *options);

/* tree.c */
int take_target_tree(const char *start_time, unsigned flags);
int take_layers_tree(struct layer_options *options, unsigned flags);

/* run.c */
noreturn void run_command(int argc, char **argv);
/*
 * Reads words that end with a null byte each, until end of file or `most` bytes. Returns them and a
 * final NULL.
 */
char **receive_words(int fd, size_t most, int *count);

/* join.c: joins namespaces of a target in the launcher */
enum { JOIN_KINDS = 4 };
struct join {
    pid_t pid; /* 0: no process */
    const char *start_time;
    bool wanted[JOIN_KINDS];
    int proc, fds[JOIN_KINDS];
};
void want_namespace(struct join *join, const char *name);
bool joins(const struct join *join, const char *name);
void open_namespaces(struct join *join);
void join_owner(const struct join *join);
void join_namespaces(const struct join *join);
void show_instead(const char *tree, const char *path);
void end_with(pid_t parent);
void run_in_child(const struct join *join, bool is_shell, pid_t porthole);

/* remote.c */
noreturn void run_remote(int argc, char **argv);

/* helper.c */
noreturn void run_helper(int argc, char **argv);

/* attach.c: trees in the launcher's mount namespace */
enum { MAX_TREES = 64 };
struct tree {
    const char *name; /* "web:": the directory below the launcher's, may have slashes */
    int fd;           /* from the agent */
    int table;        /* mountinfo that must show each of its mounts, or -1 */
    bool writable;
};
void attach_trees(const char *at, struct tree *trees, int count, const char *script);
enum detached { DETACH_REMOTE = 1, DETACH_PROC = 2 };
void detach_mounts(const char *at, const struct tree *trees, int count, unsigned which);
void require_storage(const char *at, const char *path, const struct tree *trees, int count);

/* enclose.c: a tree as the root directory of the launcher's command */
struct program {
    const char *path, *as;
};
void enclose(const char *at, const struct tree *tree, const struct program *programs, int count);

/* keep.c: a mount in the host's namespace */
struct kept {
    const char *part, *mount_point;
    int on, host_mounts;
};
noreturn void keep_mount(const struct kept *kept, const struct join *of, int host);

/* launch.c: the launcher's command line */
enum { MAX_FILES = 1024, MAX_PROGRAMS = 256 };

/*
 * A file that the command opens by its path in a tree. `fd` is the same file, opened by the agent.
 */
struct opened_file {
    int fd;
    const char *path; /* relative to the launcher's directory */
    bool is_offline;  /* `fd` is of another mount of the same layers: only the path is checked */
    int error;        /* 0: opened by its path; otherwise why `fd` is used */
};

struct launch {
    const char *at, *directory, *script;
    int host;
    struct join join;
    const char *mount_point; /* for a mount instead of a command */
    int on;
    struct tree trees[MAX_TREES];
    struct opened_file files[MAX_FILES];
    int tree_count, file_count, kept[MAX_FILES], kept_count;
    struct program programs[MAX_PROGRAMS];
    int program_count;
    bool all_mounts, writable, is_shell, storage_only, is_enclosed;
};

struct launch *parse_launch(int argc, char **argv);
void keep_open(struct launch *launch, int fd);

/* rendezvous.c */
int connect_rendezvous(const char *path);
void read_token(unsigned char *token);
void announce(int rendezvous, const unsigned char *token);
int receive_listener(int rendezvous);
unsigned receive_tree_order(int rendezvous);
void send_tree(int rendezvous, int tree);

/* origin.c */
void open_origins(const struct layer_options *options);
int layer_of(int fd);

/* fdpass.c: the only file that handles EINTR */
struct packet {
    unsigned char data[wire_max_packet];
    size_t length;
    int fd; /* received descriptor or -1; the caller closes it */
};
int receive_packet(int socket, struct packet *packet, int descriptors);
int send_packet(int socket, const void *data, size_t length, const int *fds, size_t count);
int wait_readable(int fd, int timeout_ms);
int wait_any(struct pollfd *wait, size_t count, int timeout_ms);
ssize_t read_some(int fd, void *buffer, size_t size);
ssize_t read_at(int fd, void *buffer, size_t size, off_t offset);
int write_all(int fd, const void *data, size_t size);

static inline bool target_alive(void) {
    return agent.target < 0 || wait_readable(agent.target, 0) == 0;
}

/* procfs.c */
ssize_t read_text(int at, const char *path, char *buffer, size_t size);
const char *field(const char *text, int index);
bool status_line(int proc, const char *name, char *value, size_t size);
uint64_t namespace_inode(int proc, const char *name);
uint32_t resident_kib(pid_t pid);
int open_proc(pid_t pid);
pid_t next_pid(DIR *proc);

/* serve.c */
int prepare_signals(void);
noreturn void serve(int listener, int signals);

/* session.c */
noreturn void run_session(int client, unsigned clients);
bool refuse_session(int client, unsigned clients);

/* worker.c */
pid_t fork_child(void);
void begin_workers(int client);
bool have_workers(void); /* not reaped yet */
void reap_workers(void);
int pipe_from_child(void (*write_to)(int out, const void *argument), const void *argument);
pid_t fork_worker(void);
/*
 * How a relay ended. In memory shared with the worker, which writes it before it closes the pipe.
 */
struct relay_end {
    uint64_t bytes;
    uint32_t id; /* of the request that started it */
    int32_t error;
    bool over;
};
struct relay_end *new_relay_end(uint32_t id);
int find_relay_end(uint32_t id, uint64_t *bytes);

/* encode.c */
int statx_fd(int fd, struct k_statx *st);
bool is_remote(const struct k_statx *st);
void encode_file_stat(unsigned char *at, const struct k_statx *st);
size_t encode_agent_info(unsigned char *at, unsigned clients);

/* resolve.c */
bool is_magic(const char *path);
int resolve(const char *path, int flags);
int resolve_path_only(const char *path, bool no_follow);
const char *path_in_root(int process, const char *name, char path[wire_max_path + 1]);

/* consuming.c */
bool kind_consumes(const struct k_statx *st);
bool name_consumes(int fd, const char *name);
const char *name_of_empty(int fd, const struct k_statx *st, char path[wire_max_path + 1]);

/* ops.c */
enum { MALFORMED = -1 }; /* a protocol violation: the reply is EPROTO and the session ends */
struct reply {
    uint32_t id;              /* of the request */
    int fd;                   /* descriptor to pass, or -1; closed after the reply is sent... */
    bool *passed;             /* ...unless this is not NULL; set to true after the reply is sent */
    int also_close;           /* closed last, or -1: close(2) of a file on FUSE may hang */
    int many[wire_max_batch]; /* of OPEN_MANY, instead of `fd`; closed after the reply is sent */
    size_t many_count, length;
    unsigned char body[8 + wire_max_batch * file_stat_size];
};
int run_operation(unsigned type, const unsigned char *body, size_t length, struct reply *reply);

/* open.c */
void reply_stat(struct reply *reply, const struct k_statx *st);
int open_file(const char *path, uint32_t wanted, uint64_t offset, struct reply *reply);
int pass_reopened(int path_fd, uint32_t wanted, uint64_t offset, struct reply *reply);
int open_plain(int directory, const char *name, unsigned char *encoded);

/* mountinfo.c */
struct mount {
    char *device; /* "major:minor" */
    char *root;   /* the part of the file system that is mounted */
    char *point, *type;
};
char *read_mounts(int fd);
bool next_mount(char **rest, struct mount *mount);

/* device.c */
int find_device_cgroups(int proc, int found[2]);
int open_device(const char *link, int flags);

/* mounts.c */
int open_mountinfo(void);
uint64_t find_memory_mount(void);
bool is_local_type(const char *type);
bool is_storage_type(const char *type);
bool mount_is_local(uint64_t id);
bool is_local_file_system(int fd);
bool target_was_alive(void);
void forget_mounts(void);

/* records.c: runs in a worker and writes into a pipe */
unsigned char *new_record(int out, unsigned kind, unsigned flags);
void end_record(unsigned char *record, size_t length);
noreturn void write_trailer(int out, int error);
struct list_job {
    int directory;
    bool stat;
};
void write_entries(int out, const void *list_job);
/* Returns false, and writes no entry, if the entries may not fit into the pipe. */
bool write_few_entries(int out, const struct list_job *job);
struct relay_job {
    int file;
    off_t offset;
    struct relay_end *end; /* or NULL */
};
void write_relay(int out, const void *relay_job);

/* processes.c */
void write_processes(int out, const void *with_files);
int open_process(pid_t inside);

#endif
