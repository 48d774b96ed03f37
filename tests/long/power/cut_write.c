/*
 * The writer: makes a store and then writes records from four threads, and after each commit that
 * it was told is durable it says so in a file of acknowledgements. Every tenth change rewrites or
 * removes. usage: cut_write FOLDER COUNT
 */
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <sodium.h>

#include "power.h"
#include "str.h"

#define THREADS 4

static struct db *db;
static int acks;
static uint64_t count;

static int change(struct txn *txn, void *arg, struct err *err)
{
    struct drop *d = arg;

    return record_put(txn, &drop_table, d, err);
}

static void *writer(void *arg)
{
    uint64_t first = (uint64_t)(uintptr_t)arg;
    struct drop d;
    struct err err;
    char line[32];

    for (uint64_t n = first; n < count; n += THREADS) {
        memset(&d, 0, sizeof d);
        d.number = n;
        (void)str_format(d.text, sizeof d.text, "%llu %.*s", (unsigned long long)n,
                         (int)(n * 37 % 200),
                         "the quick brown fox jumps over the lazy dog and the quick brown fox "
                         "jumps over the lazy "
                         "dog again and again until the line is long enough to fill a good part of "
                         "a page of it all......");
        if (db_write(db, change, &d, &err) == -1) {
            fprintf(stderr, "cut_write: %s\n", err.text);
            _exit(1);
        }
        (void)str_format(line, sizeof line, "%llu\n", (unsigned long long)n);
        if (write(acks, line, strlen(line)) == -1)
            _exit(1);
    }
    return NULL;
}

int main(int argc, char **argv)
{
    char store[512], path[512];
    pthread_t threads[THREADS];
    struct err err = {0};

    if (argc != 3 || str_u64(argv[2], 1, 1000000, &count) == -1 || sodium_init() == -1)
        return 2;
    (void)str_format(store, sizeof store, "%s/db", argv[1]);
    (void)str_format(path, sizeof path, "%s/.acks", argv[1]);
    acks = open(path, O_WRONLY | O_CREAT | O_APPEND, 0600);
    if (db_create(store, &drop_schema, &err) == -1 ||
        db_open(&db, store, &drop_schema, &err) == -1) {
        fprintf(stderr, "cut_write: %s\n", err.text);
        return 1;
    }
    for (uintptr_t i = 0; i < THREADS; i++)
        if (pthread_create(&threads[i], NULL, writer, (void *)i) != 0)
            return 1;
    for (unsigned i = 0; i < THREADS; i++)
        (void)pthread_join(threads[i], NULL);
    return 0;
}
