/*
 * Moving the box to another machine: what its store says of it. The files are the command line's
 * (appliance/box_move_commands.c), and the worker is what stands down.
 */
#include "nouns.h"

#include "box_move.h"
#include "drift.h"
#include "object.h"
#include "params.h"
#include "restore_record.h"
#include "setting.h"
#include "str.h"

struct left_params {
    uint64_t snapshot;
    char file[240];
};
static const struct field left_rows[] = {
    FIELD(struct left_params, snapshot, FIELD_U64, .flags = FIELD_REQUIRED,
          .help = "number of the snapshot in which it leaves"),
    FIELD(struct left_params, file, FIELD_TEXT, .help = "where that is"),
};

enum identify_as { IDENTIFY_MOVED, IDENTIFY_SECOND };
static const char *const identify_names[] = {"moved", "second", NULL};
struct identify_params {
    uint32_t as;
};
static const struct field identify_rows[] = {
    FIELD(struct identify_params, as, FIELD_ENUM, .flags = FIELD_REQUIRED, .names = identify_names,
          .help = "moved: the former machine is off, and stays off; second: a box of its own"),
};
static const struct field no_rows[1];
static const struct fields none = {no_rows, 0, 1};

static const struct view view_box = {"box", &box_move_table, NULL};

static int box_show(struct op_call *call, struct err *err)
{
    struct box_move move;

    return box_move_get(call->txn, &move, err) != 0 ? -1
                                                    : object_reply(call, &view_box, &move, err);
}

static int change(struct op_call *call, struct box_move *move, struct err *err)
{
    (void)str_copy(move->actor, sizeof move->actor, call->actor.id);
    if (box_move_put(call->txn, move, err) != 0)
        return -1;
    object_after(call, &box_move_table, move);
    call->wake = true;
    return object_reply(call, &view_box, move, err);
}

/* First somebody says what it is. */
static int copied(struct err *err)
{
    (void)err_set(err, ERR_CONFLICT, "box_copied", "this box is on a machine it does not know");
    return err_hint(err, "sett box identify moved, or second");
}

static int box_leave(struct op_call *call, struct err *err)
{
    struct box_move move;

    if (box_move_get(call->txn, &move, err) != 0)
        return -1;
    if (move.place == BOX_COPIED)
        return copied(err);
    if (move.place == BOX_LEFT) {
        (void)err_set(err, ERR_CONFLICT, "box_left", "this box lives elsewhere already");
        return err_hint(err, "if it never came up there: sett box stay");
    }
    object_before(call, &box_move_table, &move);
    if (move.place == BOX_HERE)
        move.place = BOX_LEAVING;
    return change(call, &move, err);
}

static int box_left(struct op_call *call, struct err *err)
{
    const struct left_params *p = call->params;
    struct box_move move;

    if (box_move_get(call->txn, &move, err) != 0)
        return -1;
    if (move.place != BOX_STILL)
        return err_set(err, ERR_CONFLICT, "box_not_still", "this box does not stand down");
    object_before(call, &box_move_table, &move);
    move.place = BOX_LEFT;
    move.snapshot_number = p->snapshot;
    (void)str_copy(move.file, sizeof move.file, p->file);
    move.left_at = txn_time_ms(call->txn);
    return change(call, &move, err);
}

/* What it was made to stop is found missing by a look at what is outside, and begun again, as after
 * a restore. */
static int look_again(struct op_call *call, const struct box_move *move, const char *why,
                      struct err *err)
{
    struct restore_record record = {.state = RESTORE_RECONCILING, .auto_resume = true};
    struct restore_record old = {0};
    struct drift_scan scan;
    char box[512];
    int got;

    /* One wait at a time: this look stands for one that an earlier stay began. */
    while ((got = restore_paused(call->txn, &old, err)) == 1) {
        old.state = RESTORE_RESUMED;
        old.resumed_at = txn_time_ms(call->txn);
        if (restore_put(call->txn, &old, err) == -1)
            return -1;
    }
    if (got == -1)
        return -1;
    id_make(record.id, restore_table.prefix);
    (void)str_copy(record.scope, sizeof record.scope, "box");
    (void)str_copy(record.file, sizeof record.file, why);
    (void)str_copy(record.actor, sizeof record.actor, call->actor.id);
    record.restored_at = txn_time_ms(call->txn);
    record.snapshot_at = move->left_at != 0 ? move->left_at : record.restored_at;
    if (setting_text(call->txn, &call->box->conf, "box.id", box, sizeof box, err) == -1 ||
        drift_scan_get(call->txn, &scan, err) == -1)
        return -1;
    (void)str_copy(record.box_id, sizeof record.box_id, box);
    record.scan = scan.number;
    return drift_scan_want(call->txn, record.actor, &scan, err) == -1
               ? -1
               : restore_put(call->txn, &record, err);
}

static int box_stay(struct op_call *call, struct err *err)
{
    struct box_move move;

    if (box_move_get(call->txn, &move, err) != 0)
        return -1;
    if (move.place == BOX_COPIED)
        return copied(err);
    if (move.place == BOX_HERE) {
        call->unchanged = true;
        return object_reply(call, &view_box, &move, err);
    }
    object_before(call, &box_move_table, &move);
    move.place = BOX_HERE;
    if (look_again(call, &move, "(it stays: it was to go elsewhere)", err) != 0)
        return -1;
    return change(call, &move, err);
}

/* A second box is made by root, out of nothing: the command line's affair. */
static int box_identify(struct op_call *call, struct err *err)
{
    const struct identify_params *p = call->params;
    char machine[MACHINE_SIZE];
    struct box_move move;

    if (box_move_get(call->txn, &move, err) != 0)
        return -1;
    if (move.place != BOX_COPIED)
        return err_set(err, ERR_CONFLICT, "not_copied",
                       "this box knows the machine that it is on: there is nothing to say");
    if (p->as != IDENTIFY_MOVED) {
        (void)err_set(err, ERR_CONFLICT, "needs_root",
                      "a second box begins with nothing of the first: that is for root, on it");
        return err_hint(err, "there: sett box identify second");
    }
    if (machine_id(&call->box->paths, machine) == 0)
        return err_set(err, ERR_UNAVAILABLE, "no_machine_id",
                       "this machine has no /etc/machine-id");
    object_before(call, &box_move_table, &move);
    move.place = BOX_HERE;
    move.moves++;
    move.came_at = txn_time_ms(call->txn);
    box_machine_take(&move, machine);
    if (look_again(call, &move, "(it moved: its machine is a copy of the former)", err) != 0)
        return -1;
    return change(call, &move, err);
}

const struct op box_ops[] = {
    {.name = "box.show",
     .role = ROLE_VIEWER,
     .flags = OP_READ | OP_BARE,
     .params = &none,
     .help = "Show whether the box lives here",
     .example = "",
     .result = &box_move_table.fields,
     .run = box_show},
    {.name = "box.leave",
     .role = ROLE_ADMIN,
     .flags = OP_WRITE | OP_AUDIT | OP_LOCAL,
     .params = &none,
     .help = "Stand down: no job, connector or check is begun any more (sett box export does it)",
     .example = "",
     .result = &box_move_table.fields,
     .run = box_leave},
    {.name = "box.left",
     .role = ROLE_ADMIN,
     .flags = OP_WRITE | OP_AUDIT | OP_LOCAL,
     .params = PARAMS(left_rows, struct left_params),
     .help = "Note that the box has left (sett box export does it)",
     .example = "42",
     .result = &box_move_table.fields,
     .run = box_left},
    {.name = "box.stay",
     .role = ROLE_ADMIN,
     .flags = OP_WRITE | OP_AUDIT | OP_FRESH,
     .params = &none,
     .help = "Let a box that stood down live here again; the one elsewhere must be off",
     .example = "",
     .result = &box_move_table.fields,
     .run = box_stay},
    {.name = "box.identify",
     .role = ROLE_ADMIN,
     .flags = OP_WRITE | OP_AUDIT | OP_FRESH,
     .params = PARAMS(identify_rows, struct identify_params),
     .help = "Say what a box is that finds itself on a machine it does not know",
     .example = "moved",
     .result = &box_move_table.fields,
     .run = box_identify},
    {.name = NULL},
};
