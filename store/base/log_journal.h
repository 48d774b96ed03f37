#ifndef SETT_LOG_JOURNAL_H
#define SETT_LOG_JOURNAL_H
/*
 * Entries for systemd's journal, by its own protocol (systemd.io/JOURNAL_NATIVE_PROTOCOL): a
 * datagram of "NAME=value" lines. Not libsystemd: it and what it is linked with (libgcrypt, three
 * compressors) take 0.4 MiB of each program, which is for the asking of a journal, and we only
 * write.
 */
#include <stdbool.h>
#include <stddef.h>

struct journal_entry {
    char data[4096];
    size_t len;
    bool full; /* something did not fit and was left out */
};

/** journal_here(): whether standard error is the journal's stream (systemd.exec(5), JOURNAL_STREAM)
 * and not what somebody redirected it to. */
bool journal_here(void);

/** journal_add(entry, name, value): append a field. Line breaks in the value become blanks; an
 * empty value is no field. */
void journal_add(struct journal_entry *entry, const char *name, const char *value);

/** journal_open(): a descriptor for journal_send, or -1. */
int journal_open(void);

/** journal_send(fd, entry): hand it over, without waiting for a journal that does not listen.
 * Return 0 or -1. */
int journal_send(int fd, const struct journal_entry *entry);

#endif
