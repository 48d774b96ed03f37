/*
 * Looking at what is there. Apart from the comparing because this waits for engines and providers,
 * and what they cannot say must be known to be unsaid: silence is no absence.
 */
#include "drift_actual.h"

#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "str.h"

#define INVENTORY_MS 120000
#define THINGS_MAX   400000
#define PROVIDER_MAX 20000 /* tunnels, records */
#define WORDS        7

void drift_actual_unread(struct drift_actual *a, const char *what, const char *why)
{
    size_t have = strlen(a->unread);

    (void)str_format(a->unread + have, sizeof a->unread - have, "%s%s: %.150s", have ? "; " : "",
                     what, why);
}

static int no_memory(struct err *err)
{
    return err_set(err, ERR_UNAVAILABLE, "no_memory", "no memory for what is there");
}

/* Room for one more of ${size} bytes; NULL when there is none or ${most} are there. */
static void *grown(void *at, size_t count, size_t *room, size_t size, size_t most)
{
    size_t more = *room == 0 ? 128 : *room * 2;

    if (count < *room)
        return at;
    if (count >= most || (at = reallocarray(at, more, size)) == NULL)
        return NULL;
    *room = more;
    return at;
}

/* ---- the hands ---- */

static void split(char *line, const char *words[WORDS])
{
    char *at = line, *end;

    for (size_t i = 0; i < WORDS; i++) {
        words[i] = at;
        if (i + 1 < WORDS && (end = strchr(at, ' ')) != NULL) {
            *end = '\0';
            at = end + 1;
        } else {
            at += strlen(at);
        }
    }
}

/* Nothing is known of a runtime. ${why} NULL: there is none, which nobody need be told. */
static void note_unread_runtime(struct drift_actual *a, const char *name, const char *why)
{
    size_t have = strlen(a->unread_runtimes);

    (void)str_format(a->unread_runtimes + have, sizeof a->unread_runtimes - have, "%s%s,",
                     have ? "" : ",", name);
    if (why == NULL)
        return;
    a->runtimes_unread = true;
    drift_actual_unread(a, name, why);
}

/* "unread NAME WHY", as the hands say it. */
static void note_unread(struct drift_actual *a, const char *rest)
{
    size_t len = strcspn(rest, " ");
    char name[32];

    if (str_copy_n(name, sizeof name, rest, len) == 0)
        note_unread_runtime(a, name, rest[len] == '\0' ? "" : rest + len + 1);
}

static int take_line(struct drift_actual *a, const char *text, size_t len, struct err *err)
{
    static const struct {
        const char *word;
        uint32_t kind;
    } kinds[] = {{"runtime", DRIFT_RUNTIME},
                 {"folder", DRIFT_FOLDER},
                 {"connector", DRIFT_CONNECTOR},
                 {"route", DRIFT_ROUTE}};
    struct actual_thing thing = {.kind = UINT32_MAX, .line = strndup(text, len)};
    const char *words[WORDS];
    void *room;

    if (thing.line == NULL)
        return no_memory(err);
    if (str_starts(thing.line, "unread "))
        note_unread(a, thing.line + strlen("unread "));
    split(thing.line, words);
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        if (str_equal(kinds[i].word, words[0]))
            thing.kind = kinds[i].kind;
    if (thing.kind == UINT32_MAX || str_u64(words[1], 1, UINT64_MAX, &thing.number) == -1 ||
        ((thing.kind == DRIFT_RUNTIME || thing.kind == DRIFT_FOLDER) &&
         thing.number == DRIFT_DRILL)) {
        free(thing.line);
        return 0;
    }
    thing.name = thing.kind == DRIFT_RUNTIME || thing.kind == DRIFT_ROUTE ? words[2] : "";
    thing.state = thing.kind == DRIFT_RUNTIME     ? words[3]
                  : thing.kind == DRIFT_CONNECTOR ? words[2]
                  : thing.kind == DRIFT_ROUTE     ? words[4]
                                                  : "";
    thing.tenant_id = thing.kind == DRIFT_RUNTIME ? words[4] : "";
    thing.id = thing.kind == DRIFT_RUNTIME ? words[5] : thing.kind == DRIFT_ROUTE ? words[3] : "";
    if ((room = grown(a->things, a->thing_count, &a->thing_room, sizeof thing, THINGS_MAX)) ==
        NULL) {
        free(thing.line);
        return no_memory(err);
    }
    a->things = room;
    a->things[a->thing_count++] = thing;
    return 0;
}

static int order_of(const struct actual_thing *x, uint32_t kind, uint64_t number)
{
    if (x->kind != kind)
        return x->kind < kind ? -1 : 1;
    return x->number == number ? 0 : x->number < number ? -1 : 1;
}

static int order(const void *a, const void *b)
{
    const struct actual_thing *x = a, *y = b;

    return order_of(x, y->kind, y->number);
}

static int look_here(struct drift_actual *a, struct outside *outside, struct err *err)
{
    struct hands_request request = {.verb = HANDS_INVENTORY};
    struct hands_reply reply = {.present = true};
    struct err why = {0};
    struct buf text;
    int rc = 0;

    (void)str_copy(request.box_id, sizeof request.box_id, a->box_id);
    buf_init(&text, HANDS_STREAM_MAX);
    while (rc == 0 && reply.present) {
        buf_reset(&text);
        if (outside_hands(outside, &request, INVENTORY_MS, &reply, &text, &why) != OUTCOME_OK) {
            drift_actual_unread(a, "this machine", why.text);
            break;
        }
        for (const char *at = buf_string(&text), *end; rc == 0 && *at != '\0'; at = end + 1) {
            if ((end = strchr(at, '\n')) == NULL)
                break;
            rc = take_line(a, at, (size_t)(end - at), err);
        }
        request.number = reply.number;
        a->hands_read = !reply.present;
    }
    buf_free(&text);
    return rc;
}

/* ---- Proxmox ---- */

static int take_guest(void *arg, const struct runtime_found *found, struct err *err)
{
    char line[200];

    (void)str_format(line, sizeof line, "runtime %llu proxmox %s %s %s",
                     (unsigned long long)found->number, runtime_state_names[found->state],
                     found->tenant_id[0] == '\0' ? "-" : found->tenant_id,
                     found->id[0] == '\0' ? "-" : found->id);
    return take_line(arg, line, strlen(line), err);
}

/* Containers of a cluster are asked about here: the hands do not reach it. */
static int look_at_proxmox(struct drift_actual *a, struct outside *outside, struct err *err)
{
    struct providers *p = outside_use(outside);
    struct err why = {0};
    int rc = 0;

    if (p->proxmox_set && p->guests.list != NULL &&
        p->guests.list(p->guests.self, a->box_id, take_guest, a, &why) == -1) {
        if (str_equal(why.code, "no_memory")) {
            *err = why;
            rc = -1;
        } else {
            note_unread_runtime(a, "proxmox", why.text);
        }
    } else if (!p->proxmox_set) {
        note_unread_runtime(a, "proxmox", NULL);
    }
    outside_done(outside, p);
    return rc;
}

/* ---- engines on other machines ---- */

struct on_engine {
    struct drift_actual *a;
    const char *name;
};

static int take_container(void *arg, const struct runtime_found *found, struct err *err)
{
    const struct on_engine *on = arg;
    char line[240];

    (void)str_format(line, sizeof line, "runtime %llu docker@%s %s %s %s",
                     (unsigned long long)found->number, on->name, runtime_state_names[found->state],
                     found->tenant_id[0] == '\0' ? "-" : found->tenant_id,
                     found->id[0] == '\0' ? "-" : found->id);
    return take_line(on->a, line, strlen(line), err);
}

/* What one that is away has is not known, which is not the same as nothing. */
static int look_at_engines(struct drift_actual *a, struct outside *outside, struct err *err)
{
    struct providers *p = outside_use(outside);
    int rc = 0;

    for (unsigned i = 0; rc == 0 && p->engines != NULL && i < p->engines->count; i++) {
        struct engine_at *e = &p->engines->at[i];
        struct on_engine on = {a, e->record.name};
        struct err why = {0};
        char name[48];

        if (engine_at_reach(outside, e, &why) == 0 &&
            e->docker.list(e->docker.self, a->box_id, take_container, &on, &why) == 0)
            continue;
        (void)str_format(name, sizeof name, "docker@%s", e->record.name);
        if (str_equal(why.code, "no_memory")) {
            *err = why;
            rc = -1;
        } else {
            note_unread_runtime(a, name, why.text);
        }
    }
    outside_done(outside, p);
    return rc;
}

/* ---- Cloudflare ---- */

static int take_tunnel(void *arg, const struct cloudflare_tunnel *tunnel, struct err *err)
{
    struct drift_actual *a = arg;
    void *room = grown(a->tunnels, a->tunnel_count, &a->tunnel_room, sizeof *tunnel, PROVIDER_MAX);

    if (room == NULL)
        return no_memory(err);
    a->tunnels = room;
    a->tunnels[a->tunnel_count++] = *tunnel;
    return 0;
}

static int take_record(void *arg, const struct cloudflare_record *record, struct err *err)
{
    struct drift_actual *a = arg;
    void *room = grown(a->records, a->record_count, &a->record_room, sizeof *record, PROVIDER_MAX);

    if (room == NULL)
        return no_memory(err);
    a->records = room;
    a->records[a->record_count++] = *record;
    return 0;
}

static int by_tunnel(const void *a, const void *b)
{
    return strcmp(((const struct cloudflare_tunnel *)a)->id,
                  ((const struct cloudflare_tunnel *)b)->id);
}

static int by_record(const void *a, const void *b)
{
    return strcmp(((const struct cloudflare_record *)a)->id,
                  ((const struct cloudflare_record *)b)->id);
}

static void look_at_cloudflare(struct drift_actual *a, struct outside *outside)
{
    struct providers *p = outside_use(outside);
    char mark[ID_SIZE + 16];
    struct err why = {0};

    (void)str_copy(a->zone, sizeof a->zone, p->cloudflare_set ? p->cloudflare.zone : "");
    (void)str_format(mark, sizeof mark, "sett %s ", a->box_id);
    if (p->cloudflare_set) {
        a->cloudflare_read =
            cloudflare_tunnel_list(&p->cloudflare, "", take_tunnel, a, &why) == 0 &&
            cloudflare_dns_list_marked(&p->cloudflare, mark, take_record, a, &why) == 0;
        if (!a->cloudflare_read)
            drift_actual_unread(a, "Cloudflare", why.text);
    }
    outside_done(outside, p);
    if (a->tunnel_count > 1)
        qsort(a->tunnels, a->tunnel_count, sizeof *a->tunnels, by_tunnel);
    if (a->record_count > 1)
        qsort(a->records, a->record_count, sizeof *a->records, by_record);
}

int drift_actual_look(struct drift_actual *a, struct outside *outside, const char *box_id,
                      struct err *err)
{
    memset(a, 0, sizeof *a);
    a->at = clock_wall_ms();
    (void)str_copy(a->box_id, sizeof a->box_id, box_id);
    if (look_here(a, outside, err) == -1 || look_at_proxmox(a, outside, err) == -1 ||
        look_at_engines(a, outside, err) == -1)
        return -1;
    if (a->thing_count > 1)
        qsort(a->things, a->thing_count, sizeof *a->things, order);
    look_at_cloudflare(a, outside);
    return 0;
}

void drift_actual_free(struct drift_actual *a)
{
    for (size_t i = 0; i < a->thing_count; i++)
        free(a->things[i].line);
    free(a->things);
    free(a->tunnels);
    free(a->records);
    memset(a, 0, sizeof *a);
}

const struct actual_thing *drift_actual_things(const struct drift_actual *a, enum drift_kind kind,
                                               uint64_t number, size_t *count)
{
    size_t low = 0, high = a->thing_count;

    while (low < high) { /* the first that is not before */
        size_t middle = low + (high - low) / 2;

        if (order_of(&a->things[middle], kind, number) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    *count = 0;
    while (low + *count < a->thing_count && order_of(&a->things[low + *count], kind, number) == 0)
        ++*count;
    return *count == 0 ? NULL : &a->things[low];
}

const struct cloudflare_tunnel *drift_actual_tunnel(const struct drift_actual *a, const char *id)
{
    struct cloudflare_tunnel key = {0};

    if (a->tunnel_count == 0 || str_copy(key.id, sizeof key.id, id) == -1)
        return NULL;
    return bsearch(&key, a->tunnels, a->tunnel_count, sizeof key, by_tunnel);
}

const struct cloudflare_record *drift_actual_record(const struct drift_actual *a, const char *id)
{
    struct cloudflare_record key = {0};

    if (a->record_count == 0 || str_copy(key.id, sizeof key.id, id) == -1)
        return NULL;
    return bsearch(&key, a->records, a->record_count, sizeof key, by_record);
}

bool drift_actual_reads(const struct drift_actual *a, const char *runtime)
{
    char name[48];

    if (str_equal(runtime, "proxmox")) /* nobody lists what is on other machines */
        return false;
    if (!a->hands_read || str_format(name, sizeof name, ",%s,", runtime) == -1)
        return false;
    return strstr(a->unread_runtimes, name) == NULL;
}
