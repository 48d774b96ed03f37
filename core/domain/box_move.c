/*
 * The record of a box's place. Apart from snapshots, which carry a box away, because it is asked
 * for by everything that acts: one box must never act from two machines.
 */
#include "box_move.h"

#include <string.h>
#include <unistd.h>

#include "str.h"

const char *const box_place_names[] = {"here", "leaving", "still", "left", "copied", NULL};

static const struct field rows[] = {
    FIELD(struct box_move, id, FIELD_TEXT, .help = "always box"),
    FIELD(struct box_move, place, FIELD_ENUM, .names = box_place_names,
          .help = "here; leaving, still: on its way to another machine; left: it lives there; "
                  "copied: on a machine that it does not know, until somebody says what it is"),
    FIELD(struct box_move, moves, FIELD_U64, .help = "how often it has come to another machine"),
    FIELD(struct box_move, snapshot_number, FIELD_U64, .help = "the snapshot in which it left"),
    FIELD(struct box_move, file, FIELD_TEXT, .help = "where that was written to"),
    FIELD(struct box_move, actor, FIELD_TEXT, .help = "who moved it"),
    FIELD(struct box_move, left_at, FIELD_TIME, .help = "stood down at"),
    FIELD(struct box_move, came_at, FIELD_TIME, .help = "came to this machine at"),
    FIELD_SINCE(struct box_move, machine, FIELD_TEXT, 2, .flags = FIELD_HIDDEN),
    FIELD_SINCE(struct box_move, host, FIELD_TEXT, 2, .help = "name of the machine it lives on"),
    FIELD_SINCE(struct box_move, copied_at, FIELD_TIME, 2, .help = "found to be a copy at"),
};
const struct table box_move_table = {
    .name = "box_moves",
    .noun = "box_move",
    .id = 74,
    .version = 2,
    .fields = {rows, sizeof rows / sizeof rows[0], sizeof(struct box_move)},
    .key = {"id"},
    .feed = {.object = "box"},
};

int box_move_get(struct txn *txn, struct box_move *move, struct err *err)
{
    int got;

    memset(move, 0, sizeof *move);
    (void)str_copy(move->id, sizeof move->id, "box");
    got = record_get(txn, &box_move_table, move, err);
    return got == -1 ? -1 : 0;
}

int box_move_put(struct txn *txn, struct box_move *move, struct err *err)
{
    return record_put(txn, &box_move_table, move, err);
}

void box_machine_take(struct box_move *move, const char *machine)
{
    (void)str_copy(move->machine, sizeof move->machine, machine);
    if (gethostname(move->host, sizeof move->host) == -1)
        move->host[0] = '\0';
    move->host[sizeof move->host - 1] = '\0';
    move->copied_at = 0;
}

int box_machine_look(struct txn *txn, struct box_move *move, const char *machine, struct err *err)
{
    bool same = str_equal(move->machine, machine);

    if (machine[0] == '\0' || (same && move->place != BOX_COPIED))
        return 0;
    if (move->machine[0] == '\0') {
        box_machine_take(move, machine);
    } else if (same) { /* the machine has its id again */
        move->place = BOX_HERE;
        move->copied_at = 0;
    } else if (move->place == BOX_HERE) {
        move->place = BOX_COPIED;
        move->copied_at = txn_time_ms(txn);
    } else {
        return 0; /* it stands still anyway */
    }
    return box_move_put(txn, move, err);
}

enum box_place box_place_now(struct db *db)
{
    struct box_move move;
    struct err ignored;
    struct txn *txn;
    int rc;

    if (db_read(&txn, db, &ignored) == -1)
        return BOX_HERE;
    rc = box_move_get(txn, &move, &ignored);
    db_read_end(txn);
    return rc == 0 ? (enum box_place)move.place : BOX_HERE;
}
