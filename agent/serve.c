/*
 * The first process: accepts clients, forks a child for each and survives their failures. No
 * function bails after serving begins.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>

#include "agent.h"

/*
 * A child whose client disconnects has a second to exit before SIGKILL. A child that hangs in the
 * kernel (FUSE) survives even that: it no longer counts as a client but stays in the table.
 *
 * The copies of sockets need no more than the limit of open files leaves. The child of a client
 * without a copy ends by itself, and counts until it has ended.
 *
 * A client that cannot be served yet waits, at most 3 s: the host's timeout for HELLO is 5 s. Then
 * it is refused, so that the host does not take this agent for one that hangs. A failed fork(2) is
 * tried again after 50 ms.
 */
enum {
    MAX_CLIENTS = 64,
    MAX_CHILDREN = 2 * MAX_CLIENTS,
    MAX_WAITING = 64,
    GRACE_MS = 1000,
    WAIT_MS = 3000,
    CROWDED_MS = 100,
    FORK_MS = 50
};

struct child {
    pid_t pid;      /* 0: free */
    int client;     /* this process's copy of the socket, to detect a hang-up; -1: none */
    bool is_client; /* its client is connected */
    int64_t doomed; /* when to kill it, in ms; 0: not scheduled, -1: killed */
};

struct waiting {
    int client;
    int64_t since;
};

static struct child children[MAX_CHILDREN];
static struct waiting waiting[MAX_WAITING]; /* the oldest first */
static unsigned waiting_count;
static unsigned clients, copies, max_copies = MAX_CLIENTS;
static int64_t last_client_left;

static int64_t now_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

/* Avoids a busy loop when an error would repeat immediately. */
static void rest(void) { nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL); }

static void drop_copy(struct child *child) {
    if (child->client < 0) return;
    close(child->client);
    child->client = -1;
    copies--;
}

static void drop_client(struct child *child) {
    drop_copy(child);
    if (!child->is_client) return;
    child->is_client = false;
    clients--;
    last_client_left = now_ms();
}

static noreturn void end_all(void) {
    for (struct child *c = children; c < children + MAX_CHILDREN; c++)
        if (c->pid) kill(c->pid, SIGKILL);
    /*
     * Leave no zombies for a container's init, which may not reap. Do not wait for children that
     * hang in the kernel.
     */
    int64_t end = now_ms() + GRACE_MS;
    while (waitpid(-1, NULL, WNOHANG) >= 0 && now_ms() < end)
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    exit(0);
}

static void reap(void) {
    for (pid_t pid; (pid = waitpid(-1, NULL, WNOHANG)) > 0;)
        for (struct child *c = children; c < children + MAX_CHILDREN; c++)
            if (c->pid == pid) {
                drop_client(c);
                c->pid = 0;
            }
}

static struct child *free_slot(void) {
    if (clients >= MAX_CLIENTS) return NULL;
    for (struct child *c = children; c < children + MAX_CHILDREN; c++)
        if (!c->pid) return c;
    return NULL;
}

static void forget_waiting(unsigned index) {
    waiting_count--;
    memmove(waiting + index, waiting + index + 1, (waiting_count - index) * sizeof *waiting);
}

static void dismiss(unsigned index) {
    close(waiting[index].client);
    forget_waiting(index);
}

/* Refuses the client that waits longest. Closed without a reply, it would replace this agent. */
static void refuse_oldest(void) {
    unsigned index = 0;
    while (index < waiting_count && !refuse_session(waiting[index].client, clients)) index++;
    dismiss(index < waiting_count ? index : 0);
}

static void refuse_overdue(int64_t now) {
    for (unsigned i = 0; i < waiting_count;)
        if (waiting[i].since + WAIT_MS > now) i++;
        else if (refuse_session(waiting[i].client, clients)) dismiss(i);
        else waiting[i++].since = now;
}

/* Accepts one client, which waits. Returns false if there is none. */
static bool accept_client(int listener) {
    int client = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    if (client < 0) {
        bool full = errno == EMFILE || errno == ENFILE;
        /* At a limit (EMFILE, ENOMEM), the listener stays readable. */
        if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED) rest();
        if (full && waiting_count && waiting[0].since + CROWDED_MS <= now_ms()) refuse_oldest();
        return false;
    }
    if (waiting_count == MAX_WAITING) refuse_oldest();
    waiting[waiting_count++] = (struct waiting){client, now_ms()};
    return true;
}

/* Forks a child for the client that waits longest. Returns false at the limit of processes. */
static bool start_session(struct child *slot, int listener, int signals) {
    int client = waiting[0].client;
    pid_t pid = fork_child();
    if (pid == 0) {
        close(listener);
        close(signals);
        for (struct child *c = children; c < children + MAX_CHILDREN; c++)
            if (c->pid && c->client >= 0) close(c->client);
        for (unsigned i = 1; i < waiting_count; i++) close(waiting[i].client);
        sigset_t none;
        sigemptyset(&none);
        sigprocmask(SIG_SETMASK, &none, NULL);
        run_session(client, clients + 1);
    }
    if (pid < 0) return false;
    forget_waiting(0);
    *slot = (struct child){.pid = pid, .client = client, .is_client = true};
    clients++;
    if (++copies > max_copies) drop_copy(slot);
    return true;
}

/* Starts sessions for waiting clients, and refuses those that have waited too long. */
static void admit(int listener, int signals) {
    for (struct child *slot; waiting_count && (slot = free_slot());)
        if (!start_session(slot, listener, signals)) break;
    refuse_overdue(now_ms());
}

/* Milliseconds until the next deadline, -1 if there is none. */
static int next_deadline(int64_t now) {
    int64_t next = clients || waiting_count ? INT64_MAX : last_client_left + agent.idle_ms;
    for (struct child *c = children; c < children + MAX_CHILDREN; c++)
        if (c->pid && c->doomed > 0 && c->doomed < next) next = c->doomed;
    for (unsigned i = 0; i < waiting_count; i++) {
        int64_t late = free_slot() ? now + FORK_MS : waiting[i].since + WAIT_MS;
        if (late < next) next = late;
    }
    return next == INT64_MAX ? -1 : next > now ? (int)(next - now) : 0;
}

static void kill_overdue(int64_t now) {
    for (struct child *c = children; c < children + MAX_CHILDREN; c++)
        if (c->pid && c->doomed > 0 && c->doomed <= now) {
            kill(c->pid, SIGKILL);
            c->doomed = -1;
        }
}

/* Called during set-up. Returns a descriptor that reports exited children and SIGTERM. */
int prepare_signals(void) {
    sigset_t watched;
    sigemptyset(&watched);
    sigaddset(&watched, SIGCHLD);
    sigaddset(&watched, SIGTERM);
    sigprocmask(SIG_SETMASK, &watched, NULL);
    int signals = signalfd(-1, &watched, SFD_CLOEXEC | SFD_NONBLOCK);
    if (signals < 0) bail_errno("signalfd");
    /*
     * Orphans of a session become children of this process: the container's init may never reap
     * them.
     */
    prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
    return signals;
}

void serve(int listener, int signals) {
    fcntl(listener, F_SETFL, fcntl(listener, F_GETFL) | O_NONBLOCK);
    last_client_left = now_ms();
    /* One descriptor is for clients that wait. */
    int room = agent.open_files - listener - 2;
    if (room < MAX_CLIENTS) max_copies = room > 0 ? (unsigned)room : 0;

    for (;;) {
        struct pollfd wait[3 + MAX_CLIENTS + MAX_WAITING] = {{.fd = listener, .events = POLLIN},
                                                             {.fd = agent.target, .events = POLLIN},
                                                             {.fd = signals, .events = POLLIN}};
        struct child *waited[MAX_CLIENTS];
        nfds_t count =
            0; /* only as many as needed: poll(2) refuses more than RLIMIT_NOFILE entries */
        for (struct child *c = children; c < children + MAX_CHILDREN; c++)
            if (c->pid && c->client >= 0) {
                waited[count] = c;
                wait[3 + count++] = (struct pollfd){.fd = c->client};
            }
        struct pollfd *waits = wait + 3 + count;
        for (unsigned i = 0; i < waiting_count; i++)
            waits[i] = (struct pollfd){.fd = waiting[i].client};
        if (poll(wait, 3 + count + waiting_count, next_deadline(now_ms())) < 0) {
            rest(); /* out of memory at the moment */
            continue;
        }

        if (wait[1].revents) end_all();
        struct signalfd_siginfo signal;
        while (read_some(signals, &signal, sizeof signal) == sizeof signal)
            if (signal.ssi_signo == SIGTERM) end_all();
        int64_t now = now_ms();
        for (nfds_t i = 0; i < count; i++)
            if (wait[3 + i].revents) {
                waited[i]->doomed = now + GRACE_MS;
                drop_client(waited[i]);
            }
        for (unsigned i = waiting_count; i-- > 0;)
            if (waits[i].revents) dismiss(i);
        reap();
        kill_overdue(now);
        if (wait[0].revents & ~POLLIN)
            end_all(); /* the listener is broken: no client can connect */
        bool is_idle = !clients && !waiting_count && now - last_client_left >= agent.idle_ms;
        if (wait[0].revents || is_idle)
            if (!accept_client(listener) && is_idle) end_all();
        admit(listener, signals);
    }
}
