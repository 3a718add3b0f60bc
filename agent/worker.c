/* Child processes: sessions, and their workers with the pipes that they write into. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "agent.h"

enum { MAX_WORKERS = 32 };

static int client_socket = -1;
static int workers;

/* fork(2); the child is killed when its parent exits. */
pid_t fork_child(void) {
    pid_t parent = getpid();
    pid_t pid = fork();
    if (pid != 0) return pid;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) _exit(1); /* the parent exited before prctl */
    return 0;
}

/* Called at the start of a session's process. Workers close `client`. */
void begin_workers(int client) { client_socket = client; }

void reap_workers(void) {
    while (workers > 0 && waitpid(-1, NULL, WNOHANG) > 0) workers--;
}

bool have_workers(void) { return workers > 0; }

/* Forks a worker of this session. The limit is MAX_WORKERS; beyond it, EAGAIN as from fork(2). */
pid_t fork_worker(void) {
    reap_workers();
    if (workers == MAX_WORKERS) {
        errno = EAGAIN;
        return -1;
    }
    pid_t pid = fork_child();
    if (pid > 0) workers++;
    if (pid == 0) {
        close(client_socket);
        forget_mounts();
    }
    return pid;
}

/*
 * Starts a worker that writes into a pipe until it is done or the reader closes it. Returns the
 * pipe's read end.
 */
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

/* The ends of recent relays; more than a client has in flight. */
enum { RELAY_ENDS = 256 };
static struct relay_end *relay_ends;

/*
 * Allocates the end of the relay started by request `id`. NULL if out of memory; how it ends is
 * then unknown.
 */
struct relay_end *new_relay_end(uint32_t id) {
    if (!relay_ends) {
        void *shared = mmap(NULL, RELAY_ENDS * sizeof *relay_ends, PROT_READ | PROT_WRITE,
                            MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        if (shared == MAP_FAILED) return NULL;
        relay_ends = shared;
    }
    struct relay_end *end = &relay_ends[id % RELAY_ENDS];
    *end = (struct relay_end){.id = id};
    return end;
}

/*
 * How the relay started by request `id` ended: 0 or the errno value that ended it. EAGAIN if it has
 * not ended, ENOENT if there is no such relay.
 */
int find_relay_end(uint32_t id, uint64_t *bytes) {
    const struct relay_end *end = relay_ends ? &relay_ends[id % RELAY_ENDS] : NULL;
    if (!end || end->id != id) return ENOENT;
    if (!__atomic_load_n(&end->over, __ATOMIC_ACQUIRE)) return EAGAIN;
    *bytes = end->bytes;
    return end->error;
}
