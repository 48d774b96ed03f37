/* The records of what is done about snapshots unasked. Apart from the snapshots' own, which say
 * what there is and not when it was looked at. */
#include "snapshot_round.h"

#include <string.h>

static const struct field round_rows[] = {
    FIELD(struct snapshot_round, id, FIELD_U32, .flags = FIELD_HIDDEN),
    FIELD(struct snapshot_round, prune_wanted, FIELD_BOOL,
          .help = "whether old ones are to go now"),
    FIELD(struct snapshot_round, drill_wanted, FIELD_BOOL, .help = "whether a drill is to be now"),
    FIELD(struct snapshot_round, actor, FIELD_TEXT, .help = "who wanted it last"),
    FIELD(struct snapshot_round, began_at, FIELD_TIME, .help = "looked after since"),
    FIELD(struct snapshot_round, run_at, FIELD_TIME, .help = "last scheduled snapshot begun at"),
    FIELD(struct snapshot_round, pruned_at, FIELD_TIME, .help = "last looked what may go at"),
    FIELD(struct snapshot_round, drilled_at, FIELD_TIME, .help = "last drill at"),
    FIELD(struct snapshot_round, checked_at, FIELD_TIME, .help = "all copies last looked at"),
    FIELD(struct snapshot_round, read_at, FIELD_TIME, .help = "a copy last read whole at"),
    FIELD(struct snapshot_round, problem, FIELD_TEXT,
          .help = "why the last scheduled snapshot was not begun"),
};
const struct table snapshot_round_table = {
    .name = "snapshot_rounds",
    .noun = "snapshot_round",
    .id = 68,
    .version = 1,
    .fields = {round_rows, sizeof round_rows / sizeof round_rows[0], sizeof(struct snapshot_round)},
    .key = {"id"},
    .feed = {.object = "snapshot_round"},
};

const char *const drill_program_names[] = {"none", "untried", "silent", "answered", NULL};

static const struct field drill_rows[] = {
    FIELD(struct drill, id, FIELD_ID, .ref_prefix = "drl", .help = "the drill"),
    FIELD(struct drill, vault_id, FIELD_ID, .ref_prefix = "vlt", .help = "from which vault"),
    FIELD(struct drill, snapshot_id, FIELD_ID, .ref_prefix = "snap", .help = "which snapshot"),
    FIELD(struct drill, number, FIELD_U64, .help = "the snapshot's number"),
    FIELD(struct drill, passed, FIELD_BOOL, .help = "whether all of it came back and was right"),
    FIELD(struct drill, problem, FIELD_TEXT, .help = "what was wrong"),
    FIELD(struct drill, chain, FIELD_U32, .help = "files read"),
    FIELD(struct drill, bytes, FIELD_U64, .help = "bytes fetched"),
    FIELD(struct drill, files, FIELD_U64, .help = "files restored and compared"),
    FIELD(struct drill, entries, FIELD_U64, .help = "audit entries whose chain held"),
    FIELD(struct drill, tenants, FIELD_U64, .help = "tenants whose files are in it"),
    FIELD(struct drill, started_at, FIELD_TIME, .help = "begun at"),
    FIELD(struct drill, took_ms, FIELD_I64, .help = "milliseconds that it took"),
    FIELD_SINCE(struct drill, program, FIELD_ENUM, 2, .names = drill_program_names,
                .help = "one tenant's program, started on what was restored and asked"),
    FIELD_SINCE(struct drill, program_tenant_id, FIELD_ID, 2, .ref_prefix = "tn",
                .help = "whose program"),
    FIELD_SINCE(struct drill, program_note, FIELD_TEXT, 2,
                .help = "why it was not started, or did not answer"),
    FIELD_SINCE(struct drill, program_ms, FIELD_I64, 2,
                .help = "milliseconds from its files to its answer"),
};
static const struct index drill_indexes[] = {
    {.name = "vault_id", .id = 253, .fields = {"vault_id"}},
};
const struct table drill_table = {
    .name = "drills",
    .noun = "drill",
    .id = 69,
    .version = 2,
    .prefix = "drl",
    .fields = {drill_rows, sizeof drill_rows / sizeof drill_rows[0], sizeof(struct drill)},
    .key = {"id"},
    .indexes = drill_indexes,
    .index_count = sizeof drill_indexes / sizeof drill_indexes[0],
    .feed = {.object = "drill"},
};

int snapshot_round_get(struct txn *txn, struct snapshot_round *round, struct err *err)
{
    memset(round, 0, sizeof *round);
    round->id = 1;
    return record_get(txn, &snapshot_round_table, round, err) == -1 ? -1 : 0;
}

int snapshot_round_put(struct txn *txn, const struct snapshot_round *round, struct err *err)
{
    return record_put(txn, &snapshot_round_table, round, err);
}
