/*
 * The checker: for each folder named on a line of standard input, opens the store in a child of its
 * own (an environment is never closed) and prints "absent", "bad: WHY", or "ok" and the numbers
 * that are there.
 */
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <sodium.h>

#include "file.h"
#include "maintain.h"
#include "power.h"
#include "str.h"

static void found(void *arg, const char *table, const char *key, const char *what)
{
    char *out = arg;

    (void)snprintf(out, 400, "%s %s: %s", table, key, what);
}

static void check(const char *folder)
{
    char store[512], what[400] = "";
    struct err err = {0};
    struct db *db;
    struct txn *txn;
    struct scan scan;
    struct drop d;
    int64_t n;

    (void)str_format(store, sizeof store, "%s/db", folder);
    if (!file_exists(store)) {
        printf("absent\n");
        return;
    }
    if (db_open(&db, store, &drop_schema, &err) == -1 ||
        (n = db_fsck(db, found, what, &err)) == -1) {
        printf("bad: %s\n", err.text);
        return;
    }
    if (n > 0) {
        printf("bad: %s\n", what);
        return;
    }
    printf("ok");
    if (db_read(&txn, db, &err) == 0 &&
        scan_start(&scan, txn, &drop_table, NULL, NULL, 0, false, &err) == 0)
        while (scan_next(&scan, &d, &err) == 1)
            printf(" %llu", (unsigned long long)d.number);
    printf("\n");
}

int main(void)
{
    char line[512];

    if (sodium_init() == -1)
        return 1;
    while (fgets(line, sizeof line, stdin) != NULL) {
        pid_t pid;
        int status;
        line[strcspn(line, "\n")] = '\0';
        (void)fflush(stdout);
        if ((pid = fork()) == 0) {
            check(line);
            (void)fflush(stdout);
            _exit(0);
        }
        if (pid == -1 || waitpid(pid, &status, 0) == -1)
            return 1;
        if (!WIFEXITED(status))
            printf("bad: the checker died of signal %d\n", WTERMSIG(status));
        (void)fflush(stdout);
    }
    return 0;
}
