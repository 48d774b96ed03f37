/*
 * What whoever restores a box is told and asked. Apart from the order of a restore because this is
 * read at night, by somebody who does it for the first time: the words matter as much as the work.
 */
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"
#include "interrupt.h"
#include "json_out.h"
#include "restore_asked.h"
#include "restoring.h"
#include "str.h"

#define MIB (1024.0 * 1024.0)

bool restoring_speaks(const struct restoring *r)
{
    return !r->cli->quiet && r->cli->output != CLI_JSON;
}

void restoring_tell(const struct restoring *r, const char *text)
{
    if (r->asked != NULL)
        restore_asked_stage(r);
    if (restoring_speaks(r))
        fprintf(stderr, "%s\n", text);
}

/* ---- what was found ---- */

static void when(int64_t ms, char out[32])
{
    time_t at = (time_t)(ms / 1000);
    struct tm tm;

    if (gmtime_r(&at, &tm) == NULL || strftime(out, 32, "%Y-%m-%d %H:%M:%S UTC", &tm) == 0)
        (void)str_copy(out, 32, "?");
}

/* "40 min", "9 h", "3 days". */
static void age(int64_t ms, char out[32])
{
    int64_t minutes = (clock_wall_ms() - ms) / 60000;

    if (minutes < 1)
        (void)str_copy(out, 32, "a moment");
    else if (minutes < 120)
        (void)str_format(out, 32, "%lld min", (long long)minutes);
    else if (minutes < 48 * 60)
        (void)str_format(out, 32, "%lld h", (long long)(minutes / 60));
    else
        (void)str_format(out, 32, "%lld days", (long long)(minutes / (24 * 60)));
}

/* The kinds that are counted and named, in the order of what they are worth. */
static const struct {
    const char *one, *many;
    size_t offset;
    const char *more; /* what else there is to say */
} kinds[] = {
    {"tenant", "tenants", offsetof(struct restore_lost, tenants), ""},
    {"customer", "customers", offsetof(struct restore_lost, customers), ""},
    {"order", "orders", offsetof(struct restore_lost, orders), ""},
    {"payment", "payments", offsetof(struct restore_lost, payments),
     "; Stripe is asked for its events since, and what they paid for comes again"},
    {"user", "users", offsetof(struct restore_lost, users), ""},
};
#define KINDS (sizeof kinds / sizeof kinds[0])

static const struct restore_lost_kind *kind_at(const struct restore_lost *l, size_t i)
{
    return (const struct restore_lost_kind *)((const char *)l + kinds[i].offset);
}

/* "acme, globex and 3 more". */
static void names_text(const struct restore_lost_kind *kind, char *out, size_t size)
{
    size_t len = 0;

    out[0] = '\0';
    for (size_t i = 0; i < RESTORE_NAMED && kind->names[i][0] != '\0'; i++) {
        (void)str_format(out + len, size - len, "%s%s", i == 0 ? "" : ", ", kind->names[i]);
        len = strlen(out);
    }
    if (kind->count > RESTORE_NAMED && len + 1 < size)
        (void)str_format(out + len, size - len, " and %u more", kind->count - RESTORE_NAMED);
}

static bool nothing_lost(const struct restore_plan *plan)
{
    const struct restore_lost *l = &plan->lost;
    uint64_t all = l->events + l->audit;

    for (size_t i = 0; i < KINDS; i++)
        all += kind_at(l, i)->count;
    return !plan->present || all == 0;
}

void restoring_lost(const struct restore_plan *plan, char *out, size_t size)
{
    const struct restore_lost *l = &plan->lost;
    char names[RESTORE_NAMED * 100 + 32];
    size_t len = 0;

    out[0] = '\0';
    if (nothing_lost(plan))
        return;
    for (size_t i = 0; i < KINDS; i++) {
        const struct restore_lost_kind *kind = kind_at(l, i);
        if (kind->count == 0)
            continue;
        names_text(kind, names, sizeof names);
        (void)str_format(out + len, size - len, "%u %s (%s), ", kind->count,
                         kind->count == 1 ? kinds[i].one : kinds[i].many, names);
        len = strlen(out);
    }
    (void)str_format(out + len, size - len, "%u events and %llu audit records came after it",
                     l->events, (unsigned long long)l->audit);
}

static void show_lost(const struct restore_plan *plan)
{
    const struct restore_lost *l = &plan->lost;
    char names[RESTORE_NAMED * 100 + 32];

    if (nothing_lost(plan)) {
        fputs("  Nothing is lost: nothing came after it\n", stderr);
    } else {
        fputs("  Lost, because it came after it:\n", stderr);
        for (size_t i = 0; i < KINDS; i++) {
            const struct restore_lost_kind *kind = kind_at(l, i);
            if (kind->count == 0)
                continue;
            names_text(kind, names, sizeof names);
            fprintf(stderr, "    %u %s: %s%s\n", kind->count,
                    kind->count == 1 ? kinds[i].one : kinds[i].many, names, kinds[i].more);
        }
        fprintf(stderr, "    %u events, %llu audit records\n", l->events,
                (unsigned long long)l->audit);
        fputs("    what tenants wrote into their files and databases since\n", stderr);
    }
    if (l->back.count > 0) {
        names_text(&l->back, names, sizeof names);
        fprintf(stderr, "  Deleted since, and there again: %s\n", names);
    }
}

void restoring_plan(const struct restoring *r)
{
    const struct seal_header *h = &r->source.files[0].header;
    const struct restore_plan *plan = &r->plan;
    char at[32], since[32];

    when(h->created_at, at);
    age(h->created_at, since);
    fprintf(stderr, "Snapshot %llu of the box \"%s\", made %s, %s ago\n",
            (unsigned long long)h->number, r->name, at, since);
    fprintf(stderr, "  %u tenants, %llu files, %.1f MiB; whole, signed and checked\n",
            plan->tenants, (unsigned long long)r->figures.files + r->figures.kept,
            (double)(r->figures.bytes + r->figures.kept_bytes) / MIB);
    if (plan->migrated > 0)
        fprintf(stderr, "  Its store was of an older version; %u migration%s ran on the copy\n",
                plan->migrated, plan->migrated == 1 ? "" : "s");
    if (plan->foreign)
        fputs("  IT IS ANOTHER BOX'S: this one's store goes altogether\n", stderr);
    if (r->onto_empty)
        fputs("  The box that it was must be off: two would fight for the same tunnels\n", stderr);
    if (plan->present)
        show_lost(plan);
    if (plan->strays > 0)
        fprintf(stderr, "  Files of %u tenants that came while it was made are left out\n",
                plan->strays);
    if (plan->databases > 0)
        fprintf(
            stderr,
            "  %u databases are put back before tenants start, each beside the one of now, which "
            "is kept until committed\n",
            plan->databases);
    for (size_t i = 0; plan->conf[i][0] != '\0'; i++)
        fprintf(stderr,
                "  %s/etc/sett/%s differs, and stays as it is (the snapshot's: live/etc/%s)\n",
                r->cli->paths.root, plan->conf[i], plan->conf[i]);
}

void restoring_members(const struct restoring *r, const char *state, struct json_out *j)
{
    const struct seal_header *h = &r->source.files[0].header;
    char lost[400], signer[65], key[40];

    restoring_lost(&r->plan, lost, sizeof lost);
    restore_fingerprint(&r->source, signer);
    json_out_key_text(j, "object", "restore");
    json_out_key_text(j, "state", state);
    json_out_key_text(j, "id", r->record.id);
    json_out_key_text(j, "box", r->plan.box_id);
    json_out_key_text(j, "box_name", r->name);
    json_out_key_u64(j, "snapshot", h->number);
    json_out_key_text(j, "signer", signer);
    json_out_key_u64(j, "files", r->figures.files + r->figures.kept);
    json_out_key_u64(j, "bytes", r->figures.bytes + r->figures.kept_bytes);
    json_out_key_u64(j, "tenants", r->plan.tenants);
    json_out_key_text(j, "lost", lost);
    for (size_t i = 0; i < KINDS; i++) {
        (void)str_format(key, sizeof key, "lost_%s", kinds[i].many);
        json_out_key_u64(j, key, kind_at(&r->plan.lost, i)->count);
    }
    json_out_key_u64(j, "lost_events", r->plan.lost.events);
    json_out_key_u64(j, "tenants_back", r->plan.lost.back.count);
    json_out_key_u64(j, "migrations", r->plan.migrated);
    json_out_key_u64(j, "strays", r->plan.strays);
    json_out_key_u64(j, "databases", r->plan.databases);
    json_out_key_text(j, "before", r->record.before);
    json_out_key(j, "configuration_differs");
    json_out_array(j);
    for (size_t i = 0; r->plan.conf[i][0] != '\0'; i++)
        json_out_text(j, r->plan.conf[i]);
    json_out_end_array(j);
}

void restoring_json(const struct restoring *r, const char *state)
{
    struct json_out j;
    struct buf b;

    buf_init(&b, 65536);
    json_out_init(&j, &b);
    json_out_object(&j);
    restoring_members(r, state, &j);
    json_out_end_object(&j);
    printf("%s\n", buf_string(&b));
    buf_free(&b);
}

/* ---- what is asked ---- */

static int wrong_name(const struct restoring *r, struct err *err)
{
    (void)err_field(err, "confirm", "not_confirmed",
                    "--confirm=%.60s is not the name of the box, which is %s; nothing was changed",
                    r->cli->confirm, r->name);
    return err_hint(err, "add --confirm=%s if that is the one", r->name);
}

int restoring_may_ask(const struct restoring *r, struct err *err)
{
    const struct cli *cli = r->cli;

    if (cli->dry_run)
        return 0;
    if (cli->confirm != NULL)
        return r->name[0] == '\0' || str_equal(cli->confirm, r->name) ? 0 : wrong_name(r, err);
    if (!cli->no_input && isatty(STDIN_FILENO))
        return 0;
    (void)err_field(err, "confirm", "not_confirmed",
                    "a restore replaces the box, and there is nobody here to ask");
    if (r->name[0] == '\0')
        return err_hint(err, "add --confirm=NAME; its name is shown by --dry-run");
    return err_hint(err,
                    "add --confirm=%s to do it without being asked; --dry-run shows what "
                    "would be lost",
                    r->name);
}

int restoring_confirm(const struct restoring *r, struct err *err)
{
    char line[64];

    if (r->cli->confirm != NULL)
        return str_equal(r->cli->confirm, r->name) ? 0 : wrong_name(r, err);
    fputs(r->onto_empty ? "Type YES to make the box out of it: "
                        : "Type YES to put it in the place of what is there: ",
          stderr);
    (void)fflush(stderr);
    if (interrupt_line(line, sizeof line) == 0 && str_equal(line, "YES"))
        return 0;
    if (interrupt_seen()) {
        fputc('\n', stderr);
        return restoring_interrupted(r, err);
    }
    (void)err_field(err, "confirm", "not_confirmed", "\"%.40s\" is not YES; nothing was changed",
                    line);
    return err_hint(err, "in capital letters; the same command asks again");
}

/* ---- afterwards ---- */

void restoring_next(const struct restoring *r)
{
    const char *root = r->cli->root[0] == '\0' ? "" : " --root ", *at = r->cli->root;

    if (r->cli->output == CLI_JSON) {
        restoring_json(r, "restored");
        return;
    }
    printf("Restored. Sagas are paused while it is seen what is outside.\n");
    if (r->onto_empty && root[0] == '\0')
        printf("  systemctl start sett-hands sett-worker sett-front\n");
    else if (r->onto_empty)
        printf("  sett%s%s run               start the box\n", root, at);
    printf("  sett%s%s restore status    how far that is, and what to do next\n"
           "  sett%s%s drift list        what differs\n"
           "  sett%s%s restore resume    go on; nothing outside is deleted by that\n",
           root, at, root, at, root, at);
    if (!r->onto_empty)
        printf("  sett%s%s restore rollback  back to what was, kept until: sett restore commit\n",
               root, at);
}

int restoring_interrupted(const struct restoring *r, struct err *err)
{
    static const struct {
        const char *text, *hint;
    } said[] = {
        [RESTORING_CHECKS] = {"interrupted; nothing was changed", "the same command begins anew"},
        [RESTORING_HALTS] = {"interrupted before the exchange; the box goes on as it was",
                             "the same command begins anew"},
        [RESTORING_EXCHANGED] = {"interrupted while the restored box starts; it is in place, and "
                                 "nobody watches whether it comes up",
                                 "sett restore status tells; sett restore rollback goes back"},
        [RESTORING_BACK] = {"interrupted while the box of before starts; it is in place again",
                            "sett doctor tells how it is"},
    };

    (void)err_set(err, ERR_CONFLICT, "interrupted", "%s", said[r->stage].text);
    return err_hint(err, "%s", said[r->stage].hint);
}
