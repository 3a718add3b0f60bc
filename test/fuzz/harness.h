/*
 * Shared by the fuzz targets. A target includes the agent's own sources. Calls that would exit the
 * process return to the target. clang links it with libFuzzer. With -DSTANDALONE, any compiler
 * builds a program that runs the files given as arguments, one after the other.
 */
#ifndef PORTHOLE_HARNESS_H
#define PORTHOLE_HARNESS_H

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static jmp_buf way_back;
static _Noreturn void leave(void) { longjmp(way_back, 1); }

/* Returns the next byte of the input, 0 at the end. */
static uint8_t next_byte(const uint8_t **data, size_t *size) {
    if (!*size) return 0;
    --*size;
    return *(*data)++;
}

/* Opens a directory that the agent sees. FUZZ_ROOT names a directory that the runner made. */
static int fixture(const char *name) {
    char path[4096];
    const char *root = getenv("FUZZ_ROOT");
    if (!root) {
        fputs("FUZZ_ROOT must name a directory made by test/fuzz/run.ts\n", stderr);
        exit(2);
    }
    snprintf(path, sizeof path, "%s/%s", root, name);
    int fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) {
        perror(path);
        exit(2);
    }
    return fd;
}

#ifdef STANDALONE
int main(int argc, char **argv) {
    static uint8_t input[1 << 17];
    for (int i = 1; i < argc; i++) {
        FILE *file = fopen(argv[i], "rb");
        if (!file) {
            perror(argv[i]);
            return 2;
        }
        size_t size = fread(input, 1, sizeof input, file);
        fclose(file);
        /* Use a block of exactly this size, so that a read beyond the end is detected. */
        uint8_t *exact = malloc(size ? size : 1);
        memcpy(exact, input, size);
        LLVMFuzzerTestOneInput(exact, size);
        free(exact);
    }
    printf("%d inputs\n", argc - 1);
    return 0;
}
#endif

#endif
