/*
 * Set-up errors: one line on stderr, which the host shows. After the handshake, stderr is /dev/null
 * and errors are sent as errno values.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "agent.h"

static int log_fd = 2;

/* The launcher reports to porthole, which reads from `fd`. */
void log_to(int fd) { log_fd = fd; }

static void say(const char *format, va_list arguments, int error) {
    char line[512];
    int used = snprintf(line, sizeof line, "porthole-agent: ");
    used += vsnprintf(line + used, sizeof line - (size_t)used, format, arguments);
    if (error && used < (int)sizeof line)
        used += snprintf(line + used, sizeof line - (size_t)used, ": %s", strerror(error));
    if (used > (int)sizeof line - 1) used = sizeof line - 1;
    line[used++] = '\n';
    write_all(log_fd, line, (size_t)used);
}

void bail(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    say(format, arguments, 0);
    va_end(arguments);
    exit(1);
}

void bail_errno(const char *format, ...) {
    int error = errno;
    va_list arguments;
    va_start(arguments, format);
    say(format, arguments, error);
    va_end(arguments);
    exit(1);
}
