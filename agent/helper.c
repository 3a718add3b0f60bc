/*
 * The first process of a helper container or pod. Ends, and with it the container, after an idle
 * time, or never with `--idle 0`. The container is in use while another process has its mount
 * namespace: an engine's exec and kubectl exec start processes in it.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "agent.h"

enum { POLL_S = 5, MAX_IDLE_S = 86400 * 7 };

static bool is_used(void) {
    char path[64], link[64], own[64] = {0};
    ssize_t length = readlink("/proc/self/ns/mnt", own, sizeof own - 1);
    DIR *proc = opendir("/proc");
    bool found = false;
    for (pid_t pid; proc && !found && (pid = next_pid(proc)) > 0;) {
        if (pid == getpid()) continue;
        snprintf(path, sizeof path, "/proc/%d/ns/mnt", pid);
        found = readlink(path, link, sizeof link) == length && !memcmp(link, own, (size_t)length);
    }
    if (proc) closedir(proc);
    return found;
}

void run_helper(int argc, char **argv) {
    char *end = NULL;
    long idle = argc == 3 && !strcmp(argv[1], "--idle") ? strtol(argv[2], &end, 10) : -1;
    if (!end || *end || idle < 0 || idle > MAX_IDLE_S) bail("expected --idle 0 to %d", MAX_IDLE_S);
    /*
     * The first process of a PID namespace receives only signals that it handles
     * (pid_namespaces(7)).
     */
    sigset_t ends;
    sigemptyset(&ends);
    sigaddset(&ends, SIGTERM);
    sigaddset(&ends, SIGINT);
    sigprocmask(SIG_BLOCK, &ends, NULL);
    signal(SIGCHLD, SIG_IGN);
    for (long unused = 0; !idle || unused < idle;) {
        long pause = idle && idle - unused < POLL_S ? idle - unused : POLL_S;
        if (sigtimedwait(&ends, NULL, &(struct timespec){.tv_sec = pause}) > 0) break;
        unused = !idle || is_used() ? 0 : unused + pause;
    }
    exit(0);
}
