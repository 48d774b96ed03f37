/*
 * `sett restore --asked`: started by whoever looks after the box's programs when a request lies
 * there. Apart from the restore at a terminal, which asks people: here somebody was asked before,
 * in a browser, and is told by a file.
 */
#include "restore_asked.h"

#include <ctype.h>
#include <dirent.h>
#include <sodium.h>
#include <string.h>

#include "asked.h"
#include "clock.h"
#include "file.h"
#include "json_out.h"
#include "str.h"

#define DRAW_MS 300

struct restore_asked {
    struct kv request;
    char progress[PATHS_SIZE + 64], file[PATHS_SIZE + 32];
    char *secret; /* ASKED_SECRET bytes that stay in memory */
    bool planned;
    bool strangers;   /* who is not known to this box may have signed it */
    int64_t drawn_ms; /* monotonic */
};

/* The file of progress, anew: what is known, the plan once there is one, and why it failed. */
static void tell(const struct restoring *r, const char *state, uint64_t done, uint64_t total,
                 const struct err *failure)
{
    struct json_out j;
    struct err why;
    struct buf b;

    buf_init(&b, 65536);
    json_out_init(&j, &b);
    json_out_object(&j);
    json_out_key_text(&j, "object", "box_restore");
    json_out_key_text(&j, "state", state);
    json_out_key_time(&j, "at", clock_wall_ms());
    json_out_key_bool(&j, "check", r->cli->dry_run);
    json_out_key_u64(&j, "done", done);
    json_out_key_u64(&j, "total", total);
    json_out_key(&j, "plan");
    if (r->asked->planned) {
        json_out_object(&j);
        restoring_members(r, r->cli->dry_run ? "checked" : "restoring", &j);
        json_out_key_bool(&j, "foreign", r->plan.foreign);
        json_out_key_time(&j, "made_at", r->source.files[0].header.created_at);
        json_out_end_object(&j);
    } else {
        json_out_null(&j);
    }
    json_out_key(&j, "problem");
    if (failure == NULL) {
        json_out_null(&j);
    } else {
        json_out_object(&j);
        json_out_key_text(&j, "code", failure->code);
        json_out_key_text(&j, "detail", failure->text);
        json_out_key_text(&j, "hint", failure->hint);
        json_out_end_object(&j);
    }
    json_out_end_object(&j);
    (void)file_write_soon(r->asked->progress, b.data, b.len, 0644, &why);
    buf_free(&b);
}

int restore_asked_draw(void *arg, uint64_t bytes, uint64_t total)
{
    struct restoring *r = arg;

    if (clock_mono_ms() - r->asked->drawn_ms >= DRAW_MS) {
        r->asked->drawn_ms = clock_mono_ms();
        tell(r, "checking", bytes, total, NULL);
    }
    return 0;
}

void restore_asked_plan(struct restoring *r)
{
    r->asked->planned = true;
    tell(r, "planned", 0, 0, NULL);
}

void restore_asked_stage(const struct restoring *r)
{
    static const char *const states[] = {
        [RESTORING_CHECKS] = "checking",
        [RESTORING_HALTS] = "halting",
        [RESTORING_EXCHANGED] = "starting",
        [RESTORING_BACK] = "returning",
    };

    tell(r, states[r->stage], 0, 0, NULL);
}

/* Whether the box that is here has no tenant's folder. */
static bool holds_nothing(const struct paths *p)
{
    DIR *dir = opendir(p->tenants);
    struct dirent *d;
    bool found = false;

    while (dir != NULL && (d = readdir(dir)) != NULL)
        found = found || isdigit((unsigned char)d->d_name[0]);
    if (dir != NULL)
        (void)closedir(dir);
    return !found;
}

bool restore_asked_strangers(const struct restoring *r)
{
    return r->asked == NULL || r->asked->strangers;
}

static void set_options(struct restoring *r)
{
    struct restore_asked *a = r->asked;
    const char *signer = kv_get_or(&a->request, ASKED_SIGNER, "");

    asked_fetched(&r->cli->paths, a->file);
    r->file = a->file;
    r->given.text = a->secret;
    r->auto_resume = true;
    r->cli->quiet = true;
    r->cli->dry_run = str_equal(kv_get_or(&a->request, ASKED_CHECK, "0"), "1");
    /* A stranger's key is believed on somebody's word only where there is nothing to lose: the
     * request comes from a program that has less rights than a restore has. */
    a->strangers = holds_nothing(&r->cli->paths);
    if (a->strangers && signer[0] != '\0')
        r->signer = signer;
}

static void forget(struct restore_asked *a)
{
    sodium_memzero(&a->request, sizeof a->request);
    sodium_free(a->secret); /* wiped by that */
    a->secret = NULL;
}

int restore_asked(struct restoring *r, struct err *err)
{
    static struct restore_asked a;
    char folder[PATHS_SIZE + 16];
    int rc;

    if ((a.secret = sodium_malloc(ASKED_SECRET)) == NULL)
        return err_set(err, ERR_UNAVAILABLE, "no_memory", "no memory that stays in memory");
    a.secret[0] = '\0';
    rc = asked_take(&r->cli->paths, &a.request, a.secret, err);
    if (rc != 1 || asked_progress(&r->cli->paths, &a.request, a.progress, err) == -1) {
        forget(&a);
        return rc == 0 ? 0 : -1;
    }
    r->asked = &a;
    set_options(r);
    tell(r, "checking", 0, 0, NULL);
    rc = restoring_run(r, err);
    tell(r,
         rc == -1          ? "failed"
         : r->cli->dry_run ? "checked"
                           : "restored",
         0, 0, rc == -1 ? err : NULL);
    forget(&a);
    (void)str_format(folder, sizeof folder, "%s/%s", r->cli->paths.snapshots, ASKED_FOLDER);
    if (rc == 0 && !r->cli->dry_run)
        (void)file_remove_tree(folder, NULL);
    return rc;
}
