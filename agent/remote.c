/*
 * Runs a command for a porthole on another kernel. The two share only this process's three standard
 * streams, connected by an engine's exec, kubectl exec or ssh. They carry the command's standard
 * streams, signals, the size of the terminal and the exit status.
 *
 * Standard input is frames: a kind, the length of the payload (4 bytes, big-endian), the payload.
 *
 *   'd' bytes    for the command's standard input
 *   'e'          end of the command's standard input
 *   's' number   a signal for the command (1 byte)
 *   'w' size     size of the terminal: columns and rows (2 bytes each, big-endian)
 *
 * Options: -s, one letter for each standard stream; -w COLUMNSxROWS; -e NAME=VALUE for the command;
 * -r, reap orphans of the command, and wait for them until a signal or the end of file. Without it,
 * the first process of the PID namespace reaps them. In an ephemeral container that process may
 * never call wait(2).
 *
 * "remote -a SIZE" takes all these arguments from the first SIZE bytes of standard input, each
 * ended by a null byte. kubectl exec passes arguments in a URL, whose length servers and proxies
 * limit.
 *
 * End of file means that the other porthole has ended: the command gets SIGHUP and, after a grace
 * period, SIGKILL. Standard output and error are the command's own. After its end, standard error
 * ends with "\0porthole-end exit N\n" or "\0porthole-end signal N\n". With
 * PORTHOLE_BEAT_MS=MS in the environment (-e), it contains "\0porthole-alive\n" after MS quiet
 * milliseconds: an engine may leave the connection open after the end of the helper.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <termios.h>

#include "agent.h"

enum { FRAME_HEAD = 5, MAX_FRAME = 65536, GRACE_MS = 2000 };

#define HEARTBEAT "PORTHOLE_BEAT_MS="

/* Types of the command's standard streams. */
enum stream { STREAM_NULL, STREAM_PIPE, STREAM_TERMINAL };

static struct remote {
    enum stream streams[3];
    struct winsize size;
    pid_t child;
    int terminal; /* the master's side, or -1 */
    int shown_on; /* descriptor for the terminal's output: 1 or 2 */
    int input;    /* to the command's standard input: a pipe, the terminal, or -1 */
    unsigned char frames[FRAME_HEAD + MAX_FRAME];
    size_t used, passed; /* bytes in `frames`; bytes of the first payload that were passed on */
    bool is_blocked;     /* the command does not read its standard input */
    bool is_gone;        /* the other porthole */
    bool reaps;          /* -r: reap orphans of the command */
    int heartbeat_ms;    /* between heartbeats, or -1 */
} remote;                /* not initialised: the buffer would be part of the program file */

/* Letters: n(ull), p(ipe) or t(erminal). */
static void parse_streams(const char *text) {
    static const char letters[] = "npt";
    if (strlen(text) != 3 || strspn(text, letters) != 3) bail("-s %s", text);
    for (int i = 0; i < 3; i++)
        remote.streams[i] = (enum stream)(strchr(letters, text[i]) - letters);
}

static void parse_size(const char *text) {
    char *rows, *end;
    long width = strtol(text, &rows, 10), height = *rows == 'x' ? strtol(rows + 1, &end, 10) : -1;
    if (rows == text || height < 0 || end == rows + 1 || *end || width < 0 || width > USHRT_MAX ||
        height > USHRT_MAX)
        bail("-w %s", text);
    remote.size.ws_col = (unsigned short)width;
    remote.size.ws_row = (unsigned short)height;
}

/*
 * Sends a heartbeat. Skips it if standard error is full: the write could block, and the other
 * porthole has bytes to read.
 */
static void send_heartbeat(void) {
    struct pollfd error = {.fd = 2, .events = POLLOUT};
    if (wait_any(&error, 1, 0) > 0) write_all(2, "\0porthole-alive\n", 16);
}

/* Only porthole passes these options, so the messages are short. */
static char **parse(int argc, char **argv) {
    remote.terminal = remote.input = remote.heartbeat_ms = -1;
    remote.streams[1] = remote.streams[2] = STREAM_PIPE;
    opterr = 0;
    for (int option; (option = getopt(argc, argv, "+s:w:e:r")) != -1;) {
        switch (option) {
        case 's': parse_streams(optarg); break;
        case 'w': parse_size(optarg); break;
        case 'e':
            /* A variable, because agents that do not know it must accept it. */
            if (!strncmp(optarg, HEARTBEAT, sizeof HEARTBEAT - 1)) {
                remote.heartbeat_ms = (int)strtol(optarg + sizeof HEARTBEAT - 1, NULL, 10);
                send_heartbeat();
            }
            if (putenv(optarg)) bail_errno("-e");
            break;
        case 'r': remote.reaps = !prctl(PR_SET_CHILD_SUBREAPER, 1); break;
        default: bail("-%c", optopt);
        }
    }
    if (optind == argc) bail("expected a command");
    return argv + optind;
}

/* Returns the command's side of a new terminal, or -1 if no stream is one. */
static int open_terminal(void) {
    const enum stream *is = remote.streams;
    if (is[0] != STREAM_TERMINAL && is[1] != STREAM_TERMINAL && is[2] != STREAM_TERMINAL) return -1;
    remote.terminal = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (remote.terminal < 0 || grantpt(remote.terminal) < 0 || unlockpt(remote.terminal) < 0)
        bail_errno("a new terminal");
    int side = open(ptsname(remote.terminal), O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (side < 0) bail_errno("%s", ptsname(remote.terminal));
    ioctl(side, TIOCSWINSZ, &remote.size);
    struct termios modes;
    /* Without a keyboard, the other terminal is not in raw mode and ends its lines itself. */
    if (is[0] != STREAM_TERMINAL && tcgetattr(side, &modes) == 0) {
        modes.c_oflag &= ~(tcflag_t)OPOST;
        tcsetattr(side, TCSANOW, &modes);
    }
    remote.shown_on = is[1] == STREAM_TERMINAL || is[2] != STREAM_TERMINAL ? 1 : 2;
    return side;
}

/* The command gets SIGHUP also if this process is killed, and could not send it. */
static noreturn void become(char **command, int side, int input, pid_t parent) {
    sigset_t none;
    if (prctl(PR_SET_PDEATHSIG, SIGHUP) < 0) bail_errno("prctl(PR_SET_PDEATHSIG)");
    if (getppid() != parent) _exit(1);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    signal(SIGPIPE, SIG_DFL);
    setsid();
    if (side >= 0) ioctl(side, TIOCSCTTY, 0);
    for (int fd = 0; fd <= 2; fd++) {
        int from = remote.streams[fd] == STREAM_TERMINAL ? side : fd == 0 ? input : fd;
        if (from != fd && dup2(from, fd) < 0) bail_errno("dup2");
    }
    execvp(*command, command);
    int error = errno;
    dprintf(2, "porthole-agent: %s: %s\n", *command, strerror(error));
    _exit(error == ENOENT ? 127 : 126);
}

static void start(char **command) {
    int side = open_terminal(), ends[2] = {-1, -1};
    if (remote.streams[0] == STREAM_PIPE) {
        if (pipe2(ends, O_CLOEXEC) < 0) bail_errno("pipe");
        remote.input = ends[1];
    } else if (remote.streams[0] == STREAM_TERMINAL) {
        remote.input = remote.terminal;
    } else {
        ends[0] = open("/dev/null", O_RDONLY | O_CLOEXEC);
    }
    pid_t self = getpid();
    remote.child = fork();
    if (remote.child < 0) bail_errno("fork");
    if (!remote.child) become(command, side, ends[0], self);
    if (side >= 0) close(side);
    if (ends[0] >= 0) close(ends[0]);
    if (remote.terminal >= 0) fcntl(remote.terminal, F_SETFL, O_NONBLOCK);
    if (remote.input >= 0) fcntl(remote.input, F_SETFL, O_NONBLOCK);
}

static void end_input(void) {
    if (remote.input < 0) return;
    /* ^D: the end of a terminal's input */
    if (remote.input == remote.terminal) write_all(remote.terminal, "\4", 1);
    else close(remote.input);
    remote.input = -1;
}

/*
 * Ctrl-C on a terminal reaches every process of the command; other signals, the first. After the
 * command's end, a signal ends the wait for orphans.
 */
static void pass_signal(int number) {
    if (!remote.child) remote.reaps = remote.reaps && number == SIGURG;
    else kill(number == SIGINT || number == SIGQUIT ? -remote.child : remote.child, number);
}

/* Handles the first frame. Returns false if it is incomplete or standard input is full. */
static bool take_frame(void) {
    const unsigned char *at = remote.frames;
    if (remote.used < FRAME_HEAD) return false;
    size_t length = (size_t)at[1] << 24 | (size_t)at[2] << 16 | (size_t)at[3] << 8 | at[4];
    if (length > MAX_FRAME) bail("frame too long: %zu", length);
    if (remote.used < FRAME_HEAD + length) return false;
    const unsigned char *body = at + FRAME_HEAD;
    if (*at == 'd' && remote.input >= 0) {
        ssize_t put = write(remote.input, body + remote.passed, length - remote.passed);
        if (put >= 0) remote.passed += (size_t)put;
        else if (errno != EAGAIN) remote.passed = length; /* EPIPE: the command has closed it */
        /* Also after a partial write: no further data may arrive that would wake this process. */
        remote.is_blocked = remote.passed < length;
        if (remote.is_blocked) return false;
    }
    if (*at == 'e') end_input();
    if (*at == 's' && length == 1) pass_signal(body[0]);
    if (*at == 'w' && length == 4 && remote.terminal >= 0) {
        remote.size.ws_col = (unsigned short)(body[0] << 8 | body[1]);
        remote.size.ws_row = (unsigned short)(body[2] << 8 | body[3]);
        ioctl(remote.terminal, TIOCSWINSZ, &remote.size);
    }
    remote.used -= FRAME_HEAD + length;
    memmove(remote.frames, at + FRAME_HEAD + length, remote.used);
    remote.passed = 0;
    return true;
}

static void hang_up(void) {
    if (remote.is_gone) return;
    remote.is_gone = true;
    if (!remote.child) return;
    kill(-remote.child, SIGHUP);
    kill(-remote.child, SIGCONT);
}

static void read_frames(void) {
    if (remote.used == sizeof remote.frames) {
        hang_up(); /* with a full buffer, poll(2) reports no other event */
        return;
    }
    ssize_t got = read_some(0, remote.frames + remote.used, sizeof remote.frames - remote.used);
    if (got <= 0) hang_up();
    else remote.used += (size_t)got;
}

/* Output of the terminal that is not shown yet. */
static struct {
    unsigned char bytes[MAX_FRAME];
    size_t used, shown;
    bool has_ended;
} output;

/* Returns false if the terminal has no output now, or has ended. */
static bool read_output(void) {
    if (remote.terminal < 0 || output.has_ended) return false;
    ssize_t got = read_some(remote.terminal, output.bytes, sizeof output.bytes);
    output.has_ended = got == 0 || (got < 0 && errno != EAGAIN);
    output.shown = 0;
    output.used = got > 0 ? (size_t)got : 0;
    return got > 0;
}

/* Does not block if poll(2) has reported POLLOUT: a pipe then has room for PIPE_BUF bytes. */
static void show_output(void) {
    size_t left = output.used - output.shown;
    ssize_t put =
        write(remote.shown_on, output.bytes + output.shown, left < PIPE_BUF ? left : PIPE_BUF);
    if (put >= 0) output.shown += (size_t)put;
    else if (errno != EINTR && errno != EAGAIN) hang_up();
}

static bool has_output(void) { return !remote.is_gone && output.shown < output.used; }

static void close_input(void) {
    if (remote.input >= 0 && remote.input != remote.terminal) close(remote.input);
    remote.input = -1;
    remote.is_blocked = false;
}

/* Returns false while an orphan of the command runs. */
static bool reap_orphans(void) {
    pid_t ended;
    do ended = remote.reaps ? waitpid(-1, NULL, WNOHANG) : -1;
    while (ended > 0);
    return ended < 0;
}

/* Waits for an event and handles it. Returns false if none arrived in time. */
static bool serve_event(int signals) {
    enum { FRAMES, INPUT, TERMINAL, SHOWN, CHILD, COUNT };
    bool is_waiting = has_output();
    struct pollfd wait[COUNT] = {
        [FRAMES] = {.fd = remote.is_gone ? -1 : 0,
                    .events = remote.used < sizeof remote.frames ? POLLIN : 0},
        [INPUT] = {.fd = remote.is_blocked ? remote.input : -1, .events = POLLOUT},
        [TERMINAL] = {.fd = is_waiting || output.has_ended ? -1 : remote.terminal,
                      .events = POLLIN},
        [SHOWN] = {.fd = is_waiting ? remote.shown_on : -1, .events = POLLOUT},
        [CHILD] = {.fd = signals, .events = POLLIN}};
    bool is_late = wait_any(wait, COUNT, remote.is_gone ? GRACE_MS : remote.heartbeat_ms) == 0;
    if (wait[FRAMES].revents) read_frames();
    while (take_frame()) {}
    if (wait[TERMINAL].revents) read_output();
    if (wait[SHOWN].revents) show_output();
    if (wait[CHILD].revents) {
        struct signalfd_siginfo which;
        read_some(signals, &which, sizeof which);
    }
    return !is_late;
}

/* Runs until the command has ended and its output is shown; returns its status as of waitpid(2). */
static int serve_command(int signals) {
    for (int status = 0;;) {
        if (remote.child && waitpid(remote.child, &status, WNOHANG)) {
            remote.child = 0;
            close_input();
        }
        if (!remote.child && !has_output() && !read_output() && reap_orphans()) return status;
        if (serve_event(signals)) continue;
        if (!remote.is_gone) send_heartbeat();
        else if (!remote.child) return status;
        else kill(-remote.child, SIGKILL);
    }
}

void run_remote(int argc, char **argv) {
    if (argc == 3 && !strcmp(argv[1], "-a"))
        argv = receive_words(0, (size_t)strtol(argv[2], NULL, 10), &argc);
    char **command = parse(argc, argv), end[64];
    sigset_t child_ended;
    sigemptyset(&child_ended);
    sigaddset(&child_ended, SIGCHLD);
    sigprocmask(SIG_BLOCK, &child_ended, NULL);
    signal(SIGPIPE, SIG_IGN);
    int signals = signalfd(-1, &child_ended, SFD_CLOEXEC);
    if (signals < 0) bail_errno("signalfd");
    start(command);
    int status = serve_command(signals);
    bool is_killed = WIFSIGNALED(status);
    int number = is_killed ? WTERMSIG(status) : WEXITSTATUS(status);
    int length = snprintf(end, sizeof end, "%cporthole-end %s %d\n", 0,
                          is_killed ? "signal" : "exit", number);
    write_all(2, end, (size_t)length);
    exit(is_killed ? 128 + number : number);
}
