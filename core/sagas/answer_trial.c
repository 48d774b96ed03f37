/*
 * Answers about providers before anything depends on them: whose account, which zone, what is
 * missing. Apart from the other answers because each only reads, and none is about an object.
 */
#include "answer_about.h"

#include <string.h>

#include "clock.h"
#include "json_out.h"
#include "postgres.h"
#include "setting.h"
#include "str.h"
#include "trial.h"

struct finding {
    char name[32], what[320], fix[240];
    bool ok, needed;
};

/* What a trial has told so far: the facts are written as they come, the checks come after. */
struct told {
    struct json_out *j;
    struct finding at[24];
    unsigned count;
};

static void on_fact(void *arg, const char *name, const char *value)
{
    struct told *told = arg;

    json_out_object(told->j);
    json_out_key_text(told->j, "name", name);
    json_out_key_text(told->j, "value", value);
    json_out_end_object(told->j);
}

static void on_check(void *arg, const char *name, bool ok, bool needed, const char *what,
                     const char *fix)
{
    struct told *told = arg;
    struct finding *f = &told->at[told->count];

    if (told->count == sizeof told->at / sizeof told->at[0])
        return;
    told->count++;
    str_cut(f->name, sizeof f->name, name);
    str_cut(f->what, sizeof f->what, what);
    str_cut(f->fix, sizeof f->fix, fix);
    f->ok = ok;
    f->needed = needed;
}

static void write_checks(const struct told *told)
{
    struct json_out *j = told->j;
    bool fine = true;

    json_out_key(j, "checks");
    json_out_array(j);
    for (unsigned i = 0; i < told->count; i++) {
        const struct finding *f = &told->at[i];

        fine = fine && (f->ok || !f->needed);
        json_out_object(j);
        json_out_key_text(j, "name", f->name);
        json_out_key_bool(j, "ok", f->ok);
        json_out_key_bool(j, "needed", f->needed);
        json_out_key_text(j, "what", f->what);
        json_out_key_text(j, "fix", f->fix);
        json_out_end_object(j);
    }
    json_out_end_array(j);
    json_out_key_bool(j, "fine", fine);
}

static int read_setting(const struct answer_setup *s, const char *name, char out[512],
                        struct err *err)
{
    struct txn *txn;
    int result;

    if (db_read(&txn, s->context->db, err) == -1)
        return -1;
    result = setting_text(txn, &s->context->conf, name, out, 512, err);
    db_read_end(txn);
    return result == -1 ? -1 : 0;
}

/* A provider that is not set at all: why not is the one check. */
static void tell_unset(const struct trial *t, const struct err *why)
{
    trial_result(t, "credentials", true, -1, why, "");
}

static int try_stripe(const struct answer_setup *s, struct providers *p, const struct trial *t,
                      struct err *err)
{
    char url[512], webhook[540];
    struct txn *txn;
    int secret;

    if (read_setting(s, "box.url", url, err) == -1 || db_read(&txn, s->context->db, err) == -1)
        return -1;
    secret = secret_exists(txn, "stripe.webhook_secret", err);
    db_read_end(txn);
    (void)str_format(webhook, sizeof webhook, "%s%swebhook/stripe", url,
                     str_ends(url, "/") ? "" : "/");
    if (p->stripe_set)
        stripe_trial(&p->stripe, webhook, t);
    else
        tell_unset(t, &p->stripe_why);
    t->check(t->arg, "webhook_secret", secret == 1, true,
             secret == 1 ? "the signing secret is set" : "no signing secret is set",
             secret == 1 ? "" : "sett secret set stripe.webhook_secret --value-file FILE");
    return 0;
}

static int try_cloudflare(const struct answer_setup *s, struct providers *p, const struct trial *t,
                          struct err *err)
{
    char domain[512];

    if (read_setting(s, "box.domain", domain, err) == -1)
        return -1;
    if (p->cloudflare_set)
        cloudflare_trial(&p->cloudflare, domain, t);
    else
        tell_unset(t, &p->cloudflare_why);
    return 0;
}

static int try_database(const struct answer_setup *s, struct providers *p, const struct trial *t,
                        struct err *err)
{
    const struct postgres postgres = {p->database_admin, p->database_password};

    (void)s;
    (void)err;
    postgres_trial(&postgres, t);
    return 0;
}

static const struct {
    const char *provider;
    int (*run)(const struct answer_setup *s, struct providers *p, const struct trial *t,
               struct err *err);
} trials[] = {{"stripe", try_stripe}, {"cloudflare", try_cloudflare}, {"database", try_database}};

int answer_trial(const struct answer_setup *s, const struct kv *params, struct buf *out,
                 struct err *err)
{
    const char *provider = kv_get_or(params, "provider", "");
    int64_t begun_ms = clock_mono_ms();
    struct json_out j;
    struct told *told = calloc(1, sizeof *told);
    struct trial t = {.fact = on_fact, .check = on_check, .arg = told};
    int result = -1;

    if (told == NULL)
        return err_set(err, ERR_UNAVAILABLE, "no_memory", "no memory for a trial");
    /* whoever tries what was set just now means that */
    if (outside_refresh(s->outside, s->context->db, &s->context->conf, &s->context->vault, err) ==
        -1) {
        free(told);
        return -1;
    }
    (void)err_set(err, ERR_NOT_FOUND, "provider_unknown", "there is no provider %.40s", provider);
    told->j = &j;
    json_out_init(&j, out);
    json_out_object(&j);
    json_out_key_text(&j, "object", "trial");
    json_out_key_text(&j, "provider", provider);
    json_out_key(&j, "facts");
    json_out_array(&j);
    for (size_t i = 0; i < sizeof trials / sizeof trials[0]; i++)
        if (str_equal(trials[i].provider, provider)) {
            struct providers *p = outside_use(s->outside);
            result = trials[i].run(s, p, &t, err);
            outside_done(s->outside, p);
        }
    json_out_end_array(&j);
    write_checks(told);
    json_out_key_u64(&j, "took_ms", (uint64_t)(clock_mono_ms() - begun_ms));
    json_out_end_object(&j);
    free(told);
    return result;
}
