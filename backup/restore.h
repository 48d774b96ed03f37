#ifndef SETT_RESTORE_H
#define SETT_RESTORE_H
/*
 * A box out of its snapshot. In this order: the files are opened and checked (chain.c,
 * restore_unlock.c), unpacked into a staging folder beside live/ by a child that can write nowhere
 * else (restore_stage.c), their store is examined and held against the one that is there
 * (restore_look.c), told what it must know of its own age (restore_age.c), and put in live's place
 * (restore_swap.c). Until the last of these nothing that lives has changed.
 */
#include "chain.h"
#include "db.h"
#include "hold.h"
#include "maintain.h"
#include "paths.h"
#include "restore_record.h"
#include "unpack.h"

/* ---- the files ---- */

/* Who can open them: the secret key, or a passphrase. */
struct restore_secret {
    bool has_key;
    uint8_t key[32];
    char passphrase[256];
};

/** restore_signer(s, expected, keys, err): that the newest of its files was signed by one of
 * ${expected} (signer_is) or, NULL, by the box whose keys are in ${keys} (signer_of_box). The
 * others are held by its hashes. ERR_FORBIDDEN "unknown_signer" naming the key. Return 0 or -1. */
int restore_signer(const struct chain *s, const char *expected, const char *keys, struct err *err);

/** restore_fingerprint(s, out): the signer's key in hex. */
void restore_fingerprint(const struct chain *s, char out[65]);

/** restore_unlock(s, secret, err): that ${secret} opens all of them, and how much they hold, by
 * their signed ends: before anything is written. Return 0 or -1. */
int restore_unlock(struct chain *s, const struct restore_secret *secret, struct err *err);

/* ---- staging ---- */

struct restore_stage {
    const char *program; /* that is RESTORE_CHILD; NULL: this one, whose main must know it */
    const char *folder;  /* made by the caller, empty, 0700 */
    const char *only;    /* units of the tenants' section, a line each; NULL: everything */
    bool own;            /* everything gets the owner that it had */
    const char *user; /* that the child becomes, if there is one of that name; NULL: nobody else */
    uint64_t reserve; /* bytes to be left free on the file system */
    int (*progress)(void *arg, uint64_t bytes, uint64_t total); /* of the files read; or NULL */
    void *arg;
};

/** restore_stage(s, secret, stage, figures, err): one pass over each file, oldest first, in a child
 * with reduced rights: it writes below the staging folder and can open nothing else. All of it has
 * been compared with its manifest, and is on the disk, when it returns 0. ${stage->progress} is
 * called several times a second; unless it returns 0, that is the end: "interrupted". -1: what is
 * there is worth nothing. */
int restore_stage(const struct chain *s, const struct restore_secret *secret,
                  const struct restore_stage *stage, struct unpack_figures *figures,
                  struct err *err);

#define RESTORE_CHILD "unpack-child" /* the one argument of the child */

/** restore_stage_child(): all of the child's main. Return its exit status. */
int restore_stage_child(void);

/* ---- looking ---- */

#define RESTORE_NAMED 3

struct restore_lost_kind {
    uint32_t count;
    char names[RESTORE_NAMED][96]; /* of the first few; "" ends */
};

/* What the present store has and the restored one has not. */
struct restore_lost {
    struct restore_lost_kind tenants, customers, orders, payments, users;
    struct restore_lost_kind back; /* the other way: tenants deleted since, which are there again */
    uint32_t events;
    uint64_t audit;
};

struct restore_plan {
    char box_id[ID_SIZE]; /* of the restored store */
    bool foreign;         /* another box's than the present one */
    bool present;         /* there is a store to compare with */
    uint32_t place;       /* enum box_place, as it was when the snapshot was made */
    uint32_t tenants;     /* in the restored one */
    uint32_t migrated;    /* migrations that were run on it */
    uint32_t strays;      /* tenants made after the store was copied: their files were dropped */
    uint32_t databases;   /* dumps in it, which are laid ready and not put back */
    struct restore_lost lost;
    char conf[16][96]; /* files of etc/ that differ; "" ends */
};

/* What a program knows of stores: its tables, and the way to them from older ones. */
struct restore_program {
    const struct schema *schema;
    const struct migration *migrations;
    size_t migration_count;
};

/** restore_this_program(): this one. */
struct restore_program restore_this_program(void);

/** restore_version(h, schema, err): that a snapshot with this header was not made by a program
 * newer than ${schema} is: ERR_PRECONDITION "snapshot_newer". Return 0 or -1. */
int restore_version(const struct seal_header *h, const struct schema *schema, struct err *err);

/** restore_open_store(db, program, staging, migrated, err): the store in ${staging}/db, which is a
 * copy: of an older version it is migrated first, by so many steps. Return 0 or -1. */
int restore_open_store(struct db **db, const struct restore_program *program, const char *staging,
                       uint32_t *migrated, struct err *err);

/** restore_look(program, staging, live, plan, err): fsck of the store in ${staging} (migrated
 * first, when it is of an older version), and what differs from the one of ${live}, if there is
 * one. ERR_CORRUPT naming the first finding. Return 0 or -1. */
int restore_look(const struct restore_program *program, const char *staging,
                 const struct paths *live, struct restore_plan *plan, struct err *err);

/** restore_strays(txn, staging, count, err): drop the files of tenants of which the restored store,
 * being read by ${txn}, knows nothing, so that they become nobody else's. 0 or -1. */
int restore_strays(struct txn *txn, const char *staging, uint32_t *count, struct err *err);

/* ---- what it must know of its own age ---- */

/** restore_age(staging, live, record, err): in the restored store: nobody is signed in, no counter
 * is behind what was given out since, ports that others have are theirs, letters that wait go to
 * nobody, a scan for drift is wanted, sagas are paused, and an audit record says from what it was
 * restored: ${record}, whose id and times are set. 0 or -1. */
int restore_age(const char *staging, const struct paths *live, struct restore_record *record,
                struct err *err);

/** restore_fit(staging, live, elsewhere, err): owners and modes of the box's own files as this box
 * has them; etc/ and what belongs to a process that ran then is taken out of the tree.
 * ${elsewhere}: it ran on another machine, so nothing starts by itself. Return 0 or -1. */
int restore_fit(const char *staging, const struct paths *live, bool elsewhere, struct err *err);

/* ---- live ---- */

#define RESTORE_BEFORE 96

/** restore_staging(paths, out, err): the path of the staging folder, fresh and empty, after what a
 * crash left was tidied. The caller holds nothing. Return 0 or -1. */
int restore_staging(const struct paths *paths, char out[PATHS_SIZE], struct err *err);

/** restore_tidy(paths, err): after a crash: the tree that was live gets its name, what was not
 * finished goes. Return 0 or -1. */
int restore_tidy(const struct paths *paths, struct err *err);

/** restore_ready(paths, before, err): note in the staging folder that it is whole, and as what the
 * present tree will be kept. Return 0 or -1. */
int restore_ready(const struct paths *paths, const char *before, struct err *err);

/** restore_exchange(paths, before, err): staging and live change places in one step; what was live
 * is called ${before} then. The caller has the hold. Without a live/ the staging folder becomes it.
 * Return 0 or -1. */
int restore_exchange(const struct paths *paths, const char *before, struct err *err);

/** restore_unwanted(paths, before): before a restore is taken back: jobs in the store of ${before}
 * that drop the databases which the restored box made. What goes wrong is said to standard error:
 * it keeps nobody from going back. The caller has the hold. */
void restore_unwanted(const struct paths *paths, const char *before);

/** restore_back(paths, before, err): the other way: ${before} is live again, and the restored tree
 * goes. The caller has the hold. Return 0 or -1. */
int restore_back(const struct paths *paths, const char *before, struct err *err);

/** restore_before(paths, out, err): name of the tree that the present one replaced, if it is still
 * there. Return 1, 0 or -1. */
int restore_before(const struct paths *paths, char out[RESTORE_BEFORE], struct err *err);

/** restore_commit(paths, err): the tree from before goes. Return 1, 0 if there was none, or -1. */
int restore_commit(const struct paths *paths, struct err *err);

/** restore_halt(paths, start, err): stop, or ${start} again, the tenants of the live store whose
 * programs outlive the hands (containers), which would go on with the folders that they have. Fine
 * without a box. Return 0 or -1. */
int restore_halt(const struct paths *paths, bool start, struct err *err);

/** restore_healthy(paths, wait_ms, stop, err): until worker, hands and front answer, or ${stop} (it
 * may be NULL) says to break off: "interrupted". Return 0 or -1. */
int restore_healthy(const struct paths *paths, int wait_ms, bool (*stop)(void), struct err *err);

#endif
