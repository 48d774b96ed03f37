/*
 * Bringing the files of a restore to this machine. Apart from what `sett restore` does with them:
 * the worker has the vaults' credentials and no right to replace anything, the restore the other
 * way round.
 */
#include "steps_bring.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "arrivals.h"
#include "asked.h"
#include "backup.h"
#include "beneath.h"
#include "chain.h"
#include "file.h"
#include "outside.h"
#include "room.h"
#include "saga_context.h"
#include "str.h"
#include "vault_open.h"

struct bringing {
    struct step_call *call;
    struct place place;
    struct arrivals arrivals;
    struct seal_header header, base;
    int folder; /* -1: none */
    uint64_t bytes;
    unsigned count;
};

/* The folder, empty; what was fetched before is another restore's. */
static int make_folder(struct bringing *b, struct err *err)
{
    const char *above = b->call->outside->paths.snapshots;
    int parent;

    if (file_mkdirs(above, 0700, err) == -1)
        return -1;
    if ((parent = open(above, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) == -1)
        return err_sys(err, "bring_folder", errno, above);
    if (beneath_remove(parent, ASKED_FOLDER, err) == 0 &&
        beneath_folder(parent, ASKED_FOLDER, false, err) == 0 &&
        (b->folder = openat(parent, ASKED_FOLDER, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) == -1)
        (void)err_sys(err, "bring_folder", errno, above);
    (void)close(parent);
    return b->folder == -1 ? -1 : 0;
}

static int fetch(struct bringing *b, const struct place_file *file, struct err *err)
{
    char name[32];
    struct stat st;
    int fd, rc = -1;

    (void)str_format(name, sizeof name, "%u.sett", b->count);
    if (room_check_fd(b->folder, ASKED_FOLDER, file->bytes, "the file of a snapshot", err) == -1 ||
        (fd = beneath_create(b->folder, name, err)) == -1)
        return -1;
    if (b->place.get(b->place.self, file->name, 0, fd, err) == 0) {
        if (fstat(fd, &st) == 0 && (uint64_t)st.st_size == file->bytes)
            rc = 0;
        else
            (void)err_set(err, ERR_CORRUPT, "bring_length", "%s came with another length",
                          file->name);
    }
    (void)close(fd);
    b->bytes += file->bytes;
    b->count++;
    return rc;
}

static const struct place_file *find(const struct bringing *b, const char *name)
{
    for (size_t i = 0; i < b->arrivals.count; i++)
        if (str_equal(b->arrivals.at[i].name, name))
            return &b->arrivals.at[i];
    return NULL;
}

static int bring(struct bringing *b, struct err *err)
{
    const char *name = kv_get_or(&b->call->job->args, BRING_FILE, "");
    const struct place_file *first;
    struct place_file file;

    if (arrivals_list(&b->arrivals, &b->place, err) == -1)
        return -1;
    if ((first = find(b, name)) == NULL)
        return err_set(err, ERR_NOT_FOUND, "file_missing", "the vault has no %.100s", name);
    file = *first;
    if (arrivals_header(&b->arrivals, file.name, &b->header, err) == -1 ||
        make_folder(b, err) == -1)
        return -1;
    for (;;) {
        backup_progress_begin(b->call->outside->backup, b->call->job->id, BRING_PHASE,
                              b->bytes + file.bytes);
        if (fetch(b, &file, err) == -1)
            return -1;
        if (!b->header.incremental)
            return 0;
        if (b->count == CHAIN_MOST)
            return err_set(err, ERR_TOO_LARGE, "chain_too_long", "it builds on too many files");
        if (arrivals_base(&b->arrivals, &b->header, &file, &b->base, err) == -1)
            return -1;
        b->header = b->base;
    }
}

static enum outcome bring_make(struct step_call *call, struct err *err)
{
    const struct backup_world *world = call->outside->backup;
    struct bringing *b = calloc(1, sizeof *b);
    int rc = -1;

    if (b == NULL) {
        (void)err_set(err, ERR_UNAVAILABLE, "no_memory", "no memory to fetch a snapshot");
        return OUTCOME_AGAIN;
    }
    b->call = call;
    b->folder = -1;
    if (vault_open_id(world->context, kv_get_or(&call->job->args, BRING_VAULT, ""), &b->place,
                      err) == 0)
        rc = bring(b, err);
    backup_progress_begin(call->outside->backup, "", "", 0);
    (void)str_format(call->note, sizeof call->note, "%u file%s, %.1f MiB", b->count,
                     b->count == 1 ? "" : "s", (double)b->bytes / 1048576.0);
    if (b->folder != -1)
        (void)close(b->folder);
    arrivals_free(&b->arrivals);
    place_free(&b->place);
    free(b);
    return rc == 0                                                    ? OUTCOME_OK
           : err->kind == ERR_UNAVAILABLE || err->kind == ERR_TIMEOUT ? OUTCOME_AGAIN
                                                                      : OUTCOME_FAIL;
}

static enum outcome bring_undo(struct step_call *call, struct err *err)
{
    char path[PATHS_SIZE + 16];

    (void)str_format(path, sizeof path, "%s/%s", call->outside->paths.snapshots, ASKED_FOLDER);
    return file_remove_tree(path, err) == 0 ? OUTCOME_OK : OUTCOME_AGAIN;
}

static int bring_plan(const struct job *job, char *out, size_t size)
{
    return str_format(out, size, "%s, and what it builds on, into a folder of the box",
                      kv_get_or(&job->args, BRING_FILE, "?"));
}

/* A step is a row, not a column. */
/* clang-format off */
static const struct step steps[] = {
    {.name = "bring", .title = "Fetch the snapshot, and what it builds on", .make = bring_make,
     .undo = bring_undo, .plan = bring_plan, .attempts = 4},
};
const struct saga saga_box_bring = {
    .name = "box.bring", .title = "Fetch a snapshot for a restore of the box",
    .subject = "snapshots", .steps = steps, .step_count = sizeof steps / sizeof steps[0],
};
/* clang-format on */
