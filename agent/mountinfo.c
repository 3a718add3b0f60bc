/* Lines of proc_pid_mountinfo(5). */
#include <stdlib.h>

#include "agent.h"

/* Decodes the octal escapes in place. */
static void unescape(char *text) {
    char *to = text;
    for (; *text; to++) {
        if (*text == '\\' && text[1] && text[2] && text[3]) {
            *to = (char)((text[1] - '0') << 6 | (text[2] - '0') << 3 | (text[3] - '0'));
            text += 4;
        } else *to = *text++;
    }
    *to = 0;
}

/* Terminates the word at `at` and returns the next word, "" at the end. */
static char *next_word(char *at) {
    at += strcspn(at, " ");
    if (*at) *at++ = 0;
    return at;
}

/*
 * Splits a line in place: "id parent major:minor root point options [optional...] - type ...".
 * Returns false if it is not a mount.
 */
static bool parse_mount(char *line, struct mount *mount) {
    char *word = next_word(next_word(line));
    mount->device = word;
    mount->root = word = next_word(word);
    mount->point = word = next_word(word);
    word = next_word(word);
    do word = next_word(word);
    while (*word && strncmp(word, "- ", 2));
    mount->type = word = next_word(word);
    next_word(word);
    if (!*mount->type) return false;
    unescape(mount->root);
    unescape(mount->point);
    return true;
}

/*
 * The next mount of a table, NULL at the end. `*rest` is the position after it; start with the
 * table.
 */
bool next_mount(char **rest, struct mount *mount) {
    for (char *line; **rest;) {
        line = *rest;
        *rest += strcspn(line, "\n");
        if (**rest) *(*rest)++ = 0;
        if (parse_mount(line, mount)) return true;
    }
    return false;
}

/* Reads a whole table. The caller frees it. */
char *read_mounts(int fd) {
    size_t size = 1 << 16, used = 0;
    char *table = malloc(size);
    for (ssize_t got; table; used += (size_t)got) {
        if (used + 1 == size) {
            char *larger = realloc(table, size *= 2);
            if (!larger) break;
            table = larger;
        }
        got = read_at(fd, table + used, size - used - 1, (off_t)used);
        if (got < 0) bail_errno("the mount table");
        if (got == 0) {
            table[used] = 0;
            return table;
        }
    }
    bail("out of memory for the mount table");
}
