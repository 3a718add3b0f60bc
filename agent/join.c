/*
 * Joins namespaces of a target for a command of the host (run.c). The command then sees the
 * target's network, processes, IPC and host name.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "agent.h"

static const struct kind {
    const char *name;
    int flag;
} kinds[JOIN_KINDS] = {
    {"net", CLONE_NEWNET}, {"ipc", CLONE_NEWIPC}, {"uts", CLONE_NEWUTS}, {"pid", CLONE_NEWPID}};

static int kind_of(const char *name) {
    for (int kind = 0; kind < JOIN_KINDS; kind++)
        if (!strcmp(kinds[kind].name, name)) return kind;
    bail("--join %s: expected net, ipc, uts or pid", name);
}

void want_namespace(struct join *join, const char *name) { join->wanted[kind_of(name)] = true; }

bool joins(const struct join *join, const char *name) { return join->wanted[kind_of(name)]; }

/*
 * Opens the requested namespaces while /proc still shows the target. Skips a namespace that the
 * target shares with this process.
 */
void open_namespaces(struct join *join) {
    char name[16];
    agent.target_pid = join->pid;
    join->proc = open_proc(join->pid);
    if (join->proc < 0) bail_errno("/proc/%d", join->pid);
    if (join->start_time) check_start_time(join->proc, join->start_time);
    int self = open_proc(getpid());
    for (int kind = 0; kind < JOIN_KINDS; kind++) {
        if (!join->wanted[kind]) continue;
        snprintf(name, sizeof name, "ns/%s", kinds[kind].name);
        join->wanted[kind] = namespace_inode(self, name) != namespace_inode(join->proc, name);
        join->fds[kind] = openat(join->proc, name, O_RDONLY | O_CLOEXEC);
        if (join->fds[kind] < 0)
            bail_errno("%s namespace of process %d", kinds[kind].name, join->pid);
    }
    close(self);
}

/*
 * The owner of a rootless engine has rights over its namespaces only in its user namespace. Unlike
 * the agent, keeps the user ID: the command runs as this user.
 */
void join_owner(const struct join *join) {
    int user = openat(join->proc, "ns/user", O_RDONLY | O_CLOEXEC);
    if (user < 0 || setns(user, CLONE_NEWUSER) < 0)
        bail_errno("user namespace of process %d", join->pid);
    close(user);
}

/* setns(2) with a PID namespace affects only later children. */
void join_namespaces(const struct join *join) {
    for (int kind = 0; kind < JOIN_KINDS; kind++)
        if (join->wanted[kind] && setns(join->fds[kind], kinds[kind].flag) < 0)
            bail_errno("setns to the %s namespace of process %d", kinds[kind].name, join->pid);
}

/* Covers a host file with the target's file, in the launcher's mount namespace. */
void show_instead(const char *tree, const char *path) {
    char there[2 * wire_max_path], link[32];
    struct stat found;
    if ((size_t)snprintf(there, sizeof there, "%s%s", tree, path) >= sizeof there) return;
    int fd = open(there, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0) return;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    if (fstat(fd, &found) == 0 && S_ISREG(found.st_mode) &&
        mount(link, path, NULL, MS_BIND, NULL) < 0 && errno != ENOENT)
        bail_errno("showing the target's %s", path);
    close(fd);
}

/* Called last: the kernel forgets the signal when credentials change (prctl(2)). */
void end_with(pid_t parent) {
    if (prctl(PR_SET_PDEATHSIG, SIGHUP, 0, 0, 0) < 0) bail_errno("prctl(PR_SET_PDEATHSIG)");
    if (getppid() != parent) bail("porthole has ended");
}

static pid_t command;

/* Forwards only signals from kill(2): the terminal signals the command directly. */
static void pass_on(int number, siginfo_t *info, void *context) {
    (void)context;
    if (info->si_code == SI_USER) kill(command, number);
}

static void pass_signals(void) {
    static const int passed[] = {SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2};
    struct sigaction action = {.sa_sigaction = pass_on, .sa_flags = SA_SIGINFO | SA_RESTART};
    for (size_t i = 0; i < sizeof passed / sizeof *passed; i++) sigaction(passed[i], &action, NULL);
}

static void take_terminal(pid_t group) {
    signal(SIGTTOU, SIG_IGN);
    tcsetpgrp(0, group);
}

static noreturn void end_like(int status) {
    if (!WIFSIGNALED(status)) exit(WEXITSTATUS(status));
    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    signal(WTERMSIG(status), SIG_DFL);
    raise(WTERMSIG(status));
    exit(128 + WTERMSIG(status));
}

/* Ends with the command's exit status or signal. */
static noreturn void wait_for_command(bool has_terminal) {
    int status;
    close_all_from(3);
    pass_signals();
    while (waitpid(command, &status, has_terminal ? WUNTRACED : 0) == command) {
        if (has_terminal) take_terminal(getpgrp());
        if (!WIFSTOPPED(status)) end_like(status);
        /* Stops the whole job, including porthole; the user's shell continues it. */
        kill(0, SIGTSTP);
        take_terminal(command);
        kill(-command, SIGCONT);
    }
    bail_errno("waiting for the command");
}

/*
 * Returns in a child in the joined PID namespace; the parent waits for it. The child receives
 * SIGHUP if the parent is killed. A shell on a terminal needs its own process group, because the
 * parent's group has no ID in that namespace.
 */
void run_in_child(const struct join *join, bool is_shell, pid_t porthole) {
    pid_t parent = getpid();
    bool has_terminal = is_shell && tcgetpgrp(0) == getpgrp();
    int self = k_pidfd_open(parent);
    if (self < 0) bail_errno("pidfd_open");
    command = fork();
    if (command < 0) bail_errno("fork");
    if (command > 0) {
        end_with(porthole);
        wait_for_command(has_terminal);
    }
    if (prctl(PR_SET_PDEATHSIG, SIGHUP, 0, 0, 0) < 0) bail_errno("prctl(PR_SET_PDEATHSIG)");
    if (wait_readable(self, 0) != 0) exit(1);
    close(self);
    if (has_terminal && setpgid(0, 0) == 0) {
        take_terminal(getpid());
        signal(SIGTTOU, SIG_DFL);
    }
    if (joins(join, "pid") &&
        mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) < 0)
        dprintf(2, "porthole: /proc shows the processes of this machine: %s\n", strerror(errno));
}
