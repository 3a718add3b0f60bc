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
 */
enum { MAX_CLIENTS = 64, MAX_CHILDREN = 2 * MAX_CLIENTS, GRACE_MS = 1000 };

struct child {
    pid_t pid;      /* 0: free */
    int client;     /* this process's copy of the socket, to detect a hang-up; -1 after that */
    int64_t doomed; /* when to kill it, in ms; 0: not scheduled, -1: killed */
};

static struct child children[MAX_CHILDREN];
static unsigned clients;
static int64_t last_client_left;

static int64_t now_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

/* Avoids a busy loop when an error would repeat immediately. */
static void rest(void) { nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL); }

static void drop_client(struct child *child) {
    if (child->client < 0) return;
    close(child->client);
    child->client = -1;
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
    if (clients == MAX_CLIENTS) return NULL;
    for (struct child *c = children; c < children + MAX_CHILDREN; c++)
        if (!c->pid) return c;
    return NULL;
}

/* Accepts one client. Returns false if there is none. */
static bool accept_client(int listener, int signals) {
    struct child *slot = free_slot();
    if (!slot) return false;
    int client = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    if (client < 0) {
        /* At a limit (EMFILE, ENOMEM), the listener stays readable. */
        if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED) rest();
        return false;
    }
    pid_t pid = fork_child();
    if (pid == 0) {
        close(listener);
        close(signals);
        for (struct child *c = children; c < children + MAX_CHILDREN; c++)
            if (c->pid && c->client >= 0) close(c->client);
        sigset_t none;
        sigemptyset(&none);
        sigprocmask(SIG_SETMASK, &none, NULL);
        run_session(client, clients + 1);
    }
    if (pid < 0) { /* at the process limit: the client's connection closes and it may retry */
        close(client);
        return true;
    }
    *slot = (struct child){.pid = pid, .client = client};
    clients++;
    return true;
}

/* Milliseconds until the next deadline, -1 if there is none. */
static int next_deadline(int64_t now) {
    int64_t next = clients ? INT64_MAX : last_client_left + agent.idle_ms;
    for (struct child *c = children; c < children + MAX_CHILDREN; c++)
        if (c->pid && c->doomed > 0 && c->doomed < next) next = c->doomed;
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

    for (;;) {
        struct pollfd wait[3 + MAX_CLIENTS] = {
            {.fd = free_slot() ? listener : -1, .events = POLLIN},
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
        if (poll(wait, 3 + count, next_deadline(now_ms())) < 0) {
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
        reap();
        kill_overdue(now);
        if (wait[0].revents & ~POLLIN)
            end_all(); /* the listener is broken: no client can connect */
        if (wait[0].revents) accept_client(listener, signals);
        if (!clients && now - last_client_left >= agent.idle_ms &&
            !accept_client(listener, signals))
            end_all();
    }
}
