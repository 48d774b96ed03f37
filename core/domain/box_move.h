#ifndef SETT_BOX_MOVE_H
#define SETT_BOX_MOVE_H
/*
 * Whether this is where the box lives. A box that finds itself on a machine that it does not know
 * asks; one that goes to another machine stands down first: its store says so, whoever opens it,
 * and whenever it is started again.
 */
#include "db.h"
#include "id.h"
#include "machine.h"

enum box_place {
    BOX_HERE,
    BOX_LEAVING, /* somebody wants to take it away: the worker is to end what it does */
    BOX_STILL,   /* nothing is under way any more but its last snapshot */
    BOX_LEFT,    /* it lives elsewhere */
    BOX_COPIED   /* found on a machine that it does not know: nobody has said yet what it is */
};
extern const char *const box_place_names[];

struct box_move {
    char id[16]; /* "box": there is one */
    uint32_t place;
    uint64_t moves;           /* how often it has come to another machine */
    uint64_t snapshot_number; /* the one that it left in */
    char file[240];           /* where that was written to */
    char actor[64];
    int64_t left_at, came_at;
    char machine[MACHINE_SIZE]; /* machine.h: where it lives; "": where it is started next */
    char host[128];             /* how that machine calls itself */
    int64_t copied_at;          /* BOX_COPIED: when that was seen */
};
extern const struct table box_move_table; /* key id */

/** box_move_get(txn, move, err): as it is; BOX_HERE if nothing was ever noted. Return 0 or -1. */
int box_move_get(struct txn *txn, struct box_move *move, struct err *err);

/** box_move_put(txn, move, err): Return 0 or -1. */
int box_move_put(struct txn *txn, struct box_move *move, struct err *err);

/** box_machine_look(txn, move, machine, err): compare ${machine}, on which the box is, with the one
 * that it knows. One that knows none takes this one; one that finds another is BOX_COPIED from now
 * on, until somebody says what it is or it is back. "": nothing is compared. Return 0 or -1. */
int box_machine_look(struct txn *txn, struct box_move *move, const char *machine, struct err *err);

/** box_machine_take(move, machine): this is where it lives. */
void box_machine_take(struct box_move *move, const char *machine);

/** box_place_now(db): where it is, as its store says; BOX_HERE if that cannot be read. */
enum box_place box_place_now(struct db *db);

#endif
