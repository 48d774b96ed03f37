/*
 * A snapshot on its way into the vaults. Apart from its writing because here others are asked, who
 * may be away: one that is does not keep the snapshot from the rest.
 */
#include "steps_snapshot.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "crash.h"
#include "snapshot.h"
#include "str.h"
#include "vault_open.h"

#define ROUNDS 3 /* before a vault that cannot be reached is done without, if another has it */

struct sending {
    struct step_call *call;
    struct backup_world *world;
    int fd;
    uint64_t bytes;
    unsigned sent, missed;
    bool again; /* some may yet be reached */
    struct err first;
};

static bool has_word(const char *list, const char *word)
{
    const char *at = strstr(list, word);

    return at != NULL && (at[strlen(word)] == ' ' || at[strlen(word)] == '\0');
}

static int note_sent(struct kv *facts, const char *id, struct err *err)
{
    const char *sent = kv_get_or(facts, SNAP_SENT, "");
    char list[1024];

    if (str_format(list, sizeof list, "%s%s%s", sent, sent[0] == '\0' ? "" : " ", id) == -1 ||
        kv_set(facts, SNAP_SENT, list) == -1)
        return err_set(err, ERR_TOO_LARGE, "facts_full", "the job's facts are full");
    return 0;
}

static void note_missed(struct kv *facts, const char *id, const struct err *why)
{
    const char *missed = kv_get_or(facts, SNAP_MISSED, "");
    char list[1024];

    if (str_format(list, sizeof list, "%s%s%s %.120s", missed, missed[0] == '\0' ? "" : "\n", id,
                   why->text) == 0)
        (void)kv_set(facts, SNAP_MISSED, list);
}

static int put(struct sending *s, const char *id, struct err *err)
{
    const char *file = kv_get_or(s->call->facts, SNAP_FILE, "");
    struct place place = {0};
    int rc = vault_open_id(s->world->context, id, &place, err);

    if (rc == 0)
        rc = place.put(place.self, file, s->fd, s->bytes, backup_progress_add, s->world, err);
    CP("snapshot.sent");
    place_free(&place);
    return rc;
}

static int send_one(struct sending *s, const char *id, struct err *err)
{
    struct err why = {0};

    if (has_word(kv_get_or(s->call->facts, SNAP_SENT, ""), id)) {
        s->sent++;
        return 0;
    }
    if (put(s, id, &why) == 0) {
        s->sent++;
        return note_sent(s->call->facts, id, err);
    }
    s->missed++;
    s->again = s->again || steps_snapshot_outcome(&why) == OUTCOME_AGAIN;
    if (s->first.kind == ERR_NONE)
        s->first = why;
    note_missed(s->call->facts, id, &why);
    return 0;
}

static int send_all(struct sending *s, struct err *err)
{
    const char *vaults = kv_get_or(s->call->facts, SNAP_VAULTS, "");

    kv_unset(s->call->facts, SNAP_MISSED);
    while (*(vaults += strspn(vaults, " ")) != '\0') {
        size_t len = strcspn(vaults, " ");
        char id[ID_SIZE];
        if (str_copy_n(id, sizeof id, vaults, len) == -1 || send_one(s, id, err) == -1)
            return -1;
        vaults += len;
    }
    return 0;
}

enum outcome steps_snapshot_send(struct step_call *call, struct err *err)
{
    struct sending s = {.call = call, .world = call->outside->backup};
    char path[PATHS_SIZE + 160];
    struct stat st;
    int rc = -1;

    steps_snapshot_path(path, &call->outside->paths, call->facts, "");
    if ((s.fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC)) == -1 || fstat(s.fd, &st) == -1) {
        (void)err_sys(err, "snapshot_read", errno, path);
    } else {
        s.bytes = (uint64_t)st.st_size;
        backup_progress_begin(s.world, call->job->id, "send", s.bytes);
        rc = send_all(&s, err);
        backup_progress_begin(s.world, "", "", 0);
    }
    if (s.fd != -1)
        (void)close(s.fd);
    if (rc == -1)
        return OUTCOME_FAIL;
    (void)str_format(call->note, sizeof call->note, "in %u vault%s", s.sent,
                     s.sent == 1 ? "" : "s");
    if (s.missed == 0)
        return OUTCOME_OK;
    if (s.again && (s.sent == 0 || call->attempt < ROUNDS)) {
        *err = s.first;
        return OUTCOME_AGAIN;
    }
    if (s.sent > 0) {
        (void)str_format(call->note, sizeof call->note, "in %u, not in %u: %.240s", s.sent,
                         s.missed, s.first.text);
        return OUTCOME_OK;
    }
    *err = s.first;
    return OUTCOME_FAIL;
}

/* It was never said that it is there, so nobody misses it. Where nothing may be deleted it stays;
 * it is a good one, and nothing refers to it. */
enum outcome steps_snapshot_unsend(struct step_call *call, struct err *err)
{
    struct backup_world *world = call->outside->backup;
    const char *sent = kv_get_or(call->facts, SNAP_SENT, "");
    const char *file = kv_get_or(call->facts, SNAP_FILE, "");

    if (sent[0] == '\0')
        return OUTCOME_ABSENT;
    while (*(sent += strspn(sent, " ")) != '\0') {
        size_t len = strcspn(sent, " ");
        struct place place = {0};
        char id[ID_SIZE];
        int rc = str_copy_n(id, sizeof id, sent, len) == 0
                     ? vault_open_id(world->context, id, &place, err)
                     : -1;
        if (rc == 0)
            rc = place.remove(place.self, file, err);
        place_free(&place);
        if (rc == -1 && err->kind != ERR_FORBIDDEN && err->kind != ERR_NOT_FOUND)
            return steps_snapshot_outcome(err);
        err_clear(err);
        sent += len;
    }
    return OUTCOME_OK;
}
