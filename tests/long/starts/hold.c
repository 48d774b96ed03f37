/*
 * hold DB: take the store's lock as a change does and keep it, saying "held". hold DB take: say
 * "ready", wait for a line, make an empty change, and say after how many microseconds it was made.
 */
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "db.h"
#include "schema.h"

_Noreturn static int keep(struct txn *txn, void *arg, struct err *err)
{
    (void)txn;
    (void)arg;
    (void)err;
    (void)printf("held\n");
    (void)fflush(stdout);
    for (;;)
        (void)pause();
}

static int nothing(struct txn *txn, void *arg, struct err *err)
{
    (void)txn;
    (void)arg;
    (void)err;
    return 0;
}

int main(int argc, char **argv)
{
    struct timespec a, b;
    struct err err;
    struct db *db;
    char line[8];

    if (argc < 2 || db_open(&db, argv[1], &sett_schema, &err) == -1)
        return 2;
    if (argc == 2)
        return db_write(db, keep, NULL, &err) == 0 ? 0 : 1;
    (void)printf("ready\n");
    (void)fflush(stdout);
    if (fgets(line, sizeof line, stdin) == NULL)
        return 1;
    (void)clock_gettime(CLOCK_MONOTONIC, &a);
    for (int tries = 0; db_write(db, nothing, NULL, &err) == -1; tries++)
        if (tries == 30) {
            (void)fprintf(stderr, "%s\n", err.text);
            return 1;
        }
    (void)clock_gettime(CLOCK_MONOTONIC, &b);
    (void)printf("%lld\n",
                 (long long)(b.tv_sec - a.tv_sec) * 1000000 + (b.tv_nsec - a.tv_nsec) / 1000);
    return 0;
}
