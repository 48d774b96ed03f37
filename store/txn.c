/*
 * Read transactions as everybody uses them, and what a transaction remembers. Apart from db.c
 * because none of it needs LMDB.
 */
#include <stdlib.h>

#include "clock.h"
#include "db_raw.h"
#include "log.h"

#define LONG_READ_MS                                                                               \
    1000 /* a read transaction older than this holds back pages that were freed                    \
          */

int db_read(struct txn **out, struct db *db, struct err *err)
{
    struct txn *txn = malloc(sizeof *txn);

    *out = NULL;
    if (txn == NULL)
        return err_set(err, ERR_UNAVAILABLE, "out_of_memory", "out of memory");
    if (db_raw_begin(db, false, txn, err) == -1) {
        free(txn);
        return -1;
    }
    *out = txn;
    return 0;
}

void db_read_end(struct txn *txn)
{
    if (txn == NULL)
        return;
#ifdef SETT_TEST
    if (!txn->long_reader && clock_mono_ms() - txn->began_ms > LONG_READ_MS)
        log_warning("a read transaction was open for %lld ms",
                    (long long)(clock_mono_ms() - txn->began_ms));
#endif
    db_raw_abort(txn);
    free(txn);
}

int db_raw_fail(struct txn *txn, const struct err *err)
{
    if (txn->writing && txn->failed.kind == ERR_NONE && err != NULL)
        txn->failed = *err;
    return -1;
}

int64_t txn_time_ms(const struct txn *txn)
{
    return txn->time_ms;
}
