#ifndef SETT_AUDIT_H
#define SETT_AUDIT_H
/* Who did what: one record a change, in the change's own commit, each sealed to the one before. */
#include "db.h"
#include "id.h"

struct audit {
    uint64_t number; /* from 1, without gaps */
    int64_t at;
    char actor[64];      /* user id, key id, "stripe", "worker", "cli:root", "" for nobody */
    char actor_kind[16]; /* cookie, token, key, cli, webhook, worker, none */
    char address[48];
    char request_id[40], job_id[ID_SIZE];
    char action[48]; /* the operation's name */
    char object[96]; /* id of what was changed */
    char result[16]; /* ok, or the kind of the error */
    char reason[240];
    uint8_t before[32], after[32]; /* BLAKE2b-256 of the encoded object; zero: it was not there */
    uint8_t hash[32];              /* BLAKE2b-256 over the hash before it and this record */
};
extern const struct table audit_table; /* key number; index: object, actor */

/* The end of the chain as it was last noted: one record, replaced with each entry. Without it a
 * chain that lost its newest entries would still look whole. */
struct audit_head {
    uint32_t id; /* always 1 */
    uint64_t number;
    uint8_t hash[32];
};
extern const struct table audit_head_table; /* key id */

/** audit_add(txn, entry, err): number, time and hash are filled here, the rest by the caller. It is
 * part of the change: if it fails, so must the change. Return 0 or -1. */
int audit_add(struct txn *txn, struct audit *entry, struct err *err);

/** audit_digest(table, record, out): the digest for before and after; NULL record gives zeros. */
void audit_digest(const struct table *table, const void *record, uint8_t out[32]);

/** audit_verify(txn, count, err): walk the chain: numbers without gap, hashes right, the head as
 * noted in the store. ERR_CORRUPT naming the first bad number. Return 0 or -1. */
int audit_verify(struct txn *txn, uint64_t *count, struct err *err);

/** audit_intact(entry, previous, intact, err): whether its hash follows from it and from the one
 * before. Return 0 or -1. */
int audit_intact(const struct audit *entry, const uint8_t previous[32], bool *intact,
                 struct err *err);

/** audit_first(txn, at_ms, number, err): the number of the first entry that is not older than
 * ${at_ms} (wall); one more than the last if all are. Found by halving, as times rise with numbers;
 * where a clock was set back, it is one of the places where they pass ${at_ms}. Return 0 or -1. */
int audit_first(struct txn *txn, int64_t at_ms, uint64_t *number, struct err *err);

#endif
