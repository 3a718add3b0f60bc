/*
 * Children: a client's session, and the workers of a session with the pipes that they write into.
 */
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

/* fork(2), with the child killed when its parent ends. */
pid_t fork_child(void) {
    pid_t parent = getpid();
    pid_t pid = fork();
    if (pid != 0) return pid;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) _exit(1); /* it ended before the line above */
    return 0;
}

/* In a session's process: the socket that its workers are not to hold. */
void begin_workers(int client) { client_socket = client; }

void reap_workers(void) {
    while (workers > 0 && waitpid(-1, NULL, WNOHANG) > 0) workers--;
}

bool have_workers(void) { return workers > 0; }

/*
 * fork_child for this session, which may have so many: EAGAIN beyond, as fork(2) says it. The
 * worker does not hold the client's socket.
 */
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
 * Returns the read end of a pipe into which a worker writes until it is done or nobody reads any
 * more.
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

/* The ends of the last so many relays: more than a client has on its way at once. */
enum { RELAY_ENDS = 256 };
static struct relay_end *relay_ends;

/*
 * A place for the end of the relay that request `id` begins; NULL without memory, its end is then
 * unknown.
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
 * How the relay that request `id` began has ended: 0 or the errno that ended it, EAGAIN where no
 * end was reached, ENOENT: no such relay.
 */
int find_relay_end(uint32_t id, uint64_t *bytes) {
    const struct relay_end *end = relay_ends ? &relay_ends[id % RELAY_ENDS] : NULL;
    if (!end || end->id != id) return ENOENT;
    if (!__atomic_load_n(&end->over, __ATOMIC_ACQUIRE)) return EAGAIN;
    *bytes = end->bytes;
    return end->error;
}
