/* Access before a tenant's host names. Apart from the calls because here is what a step needs: know
 * one's own, close before opening, and finish what was begun. */
#include "guard_cloudflare.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "cloudflare_access.h"
#include "cloudflare_quota.h"
#include "enc.h"
#include "ingress_cloudflare.h"
#include "str.h"

#define LAG_MS       2000 /* before a second look at a list that was empty */
#define LAG_S        5
#define POLICIES     2
#define POLICY_NAME  "sett " /* how the names of our policies begin */
#define DIGEST_BYTES 8

/* Each host name of a list in turn. Return 1 with it, or 0. */
static int next_host(const char **at, char out[256])
{
    size_t len = strcspn(*at, ",");

    if (len == 0 || str_copy_n(out, 256, *at, len) == -1)
        return 0;
    *at += (*at)[len] == ',' ? len + 1 : len;
    return 1;
}

static int name_of(const struct guard_access *want, const char *host, char *out, size_t size,
                   struct err *err)
{
    if (str_format(out, size, "%s [%s]", host, want->mark) == 0)
        return 0;
    return err_set(err, ERR_INVALID, "mark_too_long", "The mark \"%s\" is too long.", want->mark);
}

static bool is_ours(const struct cloudflare_app *app, const struct guard_access *want)
{
    char ending[128];
    size_t len = strlen(app->name), end;

    if (want->mark[0] == '\0' || str_format(ending, sizeof ending, " [%s]", want->mark) == -1)
        return false;
    end = strlen(ending);
    return len > end && str_equal(app->name + len - end, ending);
}

/* The policies that make up what is wanted, in their order. Their names hold a digest of all of it:
 * a name that is there is a policy that is there. Return how many. */
static uint32_t policies_of(const struct guard_access *want, struct cloudflare_policy out[POLICIES])
{
    bool identity = want->login || want->emails[0] != '\0' || want->domains[0] != '\0';
    bool alone = want->ips_suffice || !identity;
    uint8_t digest[DIGEST_BYTES];
    char hex[DIGEST_BYTES * 2 + 1];
    crypto_generichash_state state;
    uint32_t count = 0;

    memset(out, 0, POLICIES * sizeof out[0]);
    (void)crypto_generichash_init(&state, NULL, 0, sizeof digest);
    for (size_t i = 0; i < 3; i++) {
        const char *text = i == 0 ? want->emails : i == 1 ? want->domains : want->ips;
        (void)crypto_generichash_update(&state, (const uint8_t *)text, strlen(text) + 1);
    }
    (void)crypto_generichash_update(&state,
                                    (const uint8_t[]){want->login, alone, (uint8_t)want->session_h,
                                                      (uint8_t)(want->session_h >> 8)},
                                    4);
    (void)crypto_generichash_final(&state, digest, sizeof digest);
    (void)sodium_bin2hex(hex, sizeof hex, digest, sizeof digest);

    if (want->ips[0] != '\0') {
        struct cloudflare_policy *p = &out[count++];
        p->decision = alone ? CLOUDFLARE_BYPASS : CLOUDFLARE_DENY;
        p->everyone = !alone; /* everybody, except who comes from one of them */
        (void)str_copy(alone ? p->ips : p->except_ips, sizeof p->ips, want->ips);
    }
    if (identity) {
        struct cloudflare_policy *p = &out[count++];
        p->decision = CLOUDFLARE_ALLOW;
        p->everyone = want->login;
        p->session_h = want->session_h;
        (void)str_copy(p->emails, sizeof p->emails, want->emails);
        (void)str_copy(p->domains, sizeof p->domains, want->domains);
    }
    for (uint32_t i = 0; i < count; i++)
        (void)str_format(out[i].name, sizeof out[i].name, POLICY_NAME "%s %u", hex, i + 1);
    return count;
}

static bool there(const struct cloudflare_policies *have, const char *name)
{
    for (uint32_t i = 0; i < have->count; i++)
        if (str_equal(have->at[i].name, name))
            return true;
    return false;
}

static enum outcome foreign(const struct cloudflare_app *app, struct err *err)
{
    (void)err_set(err, ERR_CONFLICT, "access_app_foreign",
                  "Before %s stands an Access application \"%s\" that this box did not make.",
                  app->domain, app->name);
    (void)err_hint(err, "Remove it in Cloudflare's dashboard (Zero Trust, Access), then retry.");
    return OUTCOME_FAIL;
}

bool guard_access_tokens(const struct guard_access *want)
{
    bool identity = want->login || want->emails[0] != '\0' || want->domains[0] != '\0';

    return identity && (want->ips[0] == '\0' || !want->ips_suffice);
}

/* An audience tag in the form of the fact access_auds: 32 bytes are 43 characters there, not 64. */
static void pack(const char *aud, char out[GUARD_AUD_PACKED])
{
    uint8_t bytes[GUARD_AUD_BYTES];
    size_t len = 0;

    out[0] = '\0';
    if (sodium_hex2bin(bytes, sizeof bytes, aud, strlen(aud), NULL, &len, NULL) == 0 &&
        len == sizeof bytes)
        (void)sodium_bin2base64(out, GUARD_AUD_PACKED, bytes, sizeof bytes,
                                sodium_base64_VARIANT_URLSAFE_NO_PADDING);
}

int guard_access_unpack(const char **at, char aud[GUARD_AUD_SIZE])
{
    uint8_t bytes[GUARD_AUD_BYTES];
    size_t n = strcspn(*at, ","), len = 0;

    aud[0] = '\0';
    if (**at == '\0')
        return 0;
    if (sodium_base642bin(bytes, sizeof bytes, *at, n, NULL, &len, NULL,
                          sodium_base64_VARIANT_URLSAFE_NO_PADDING) == 0 &&
        len == sizeof bytes)
        (void)sodium_bin2hex(aud, GUARD_AUD_SIZE, bytes, sizeof bytes);
    *at += n + ((*at)[n] == ',');
    return 1;
}

static int note_aud(struct kv *facts, const struct cloudflare_app *app, bool first, struct err *err)
{
    char packed[GUARD_AUD_PACKED], all[GUARD_AUDS_MAX * (GUARD_AUD_PACKED + 1)] = "";
    const char *had = first || facts == NULL ? "" : kv_get_or(facts, GUARD_FACT_AUDS, "");

    if (facts == NULL)
        return 0;
    if (first && kv_set(facts, GUARD_FACT_AUD, app->aud) == -1)
        return err_set(err, ERR_TOO_LARGE, "facts_full", "The job's facts are full.");
    pack(app->aud, packed);
    /* What is beyond the room is asked for a token at the edge only. */
    if (str_format(all, sizeof all, "%s%s%s", had, first ? "" : ",", packed) == 0)
        (void)kv_set(facts, GUARD_FACT_AUDS, all);
    return 0;
}

/* Whose tokens a connector is to look at: a fact, or why it is not known. Return 0 or -1. */
static int note_team(struct cloudflare *c, const struct guard_access *want, struct kv *facts,
                     struct err *err)
{
    char team[GUARD_TEAM_SIZE], why[240];
    struct err said;

    if (facts == NULL)
        return 0;
    kv_unset(facts, GUARD_FACT_TEAM);
    kv_unset(facts, GUARD_FACT_UNTOLD);
    if (!guard_access_tokens(want))
        return 0;
    if (cloudflare_access_team(c, team, sizeof team, &said) == 0) {
        if (kv_set(facts, GUARD_FACT_TEAM, team) == 0)
            return 0;
        return err_set(err, ERR_TOO_LARGE, "facts_full", "The job's facts are full.");
    }
    if (ingress_cloudflare_outcome(&said) == OUTCOME_AGAIN) {
        *err = said;
        return -1;
    }
    (void)str_format(why, sizeof why, "%.110s%s%.120s", said.text, said.hint[0] ? "; " : "",
                     said.hint);
    (void)kv_set(facts, GUARD_FACT_UNTOLD, why);
    return 0;
}

/* Add what is missing behind what is there, then take away what is of an earlier wish. 0 or -1. */
static int bring_policies(struct cloudflare *c, const struct guard_access *want, const char *app,
                          struct cloudflare_policy made[POLICIES], struct err *err)
{
    struct cloudflare_policies have;
    uint32_t count = policies_of(want, made), last = 0;

    if (cloudflare_access_policies(c, app, &have, err) == -1)
        return -1;
    for (uint32_t i = 0; i < have.count; i++)
        last = have.at[i].precedence > last ? have.at[i].precedence : last;
    for (uint32_t i = 0; i < count; i++) {
        made[i].precedence = last + 1 + i;
        if (!there(&have, made[i].name) &&
            cloudflare_access_policy_add(c, app, &made[i], err) == -1)
            return -1;
    }
    for (uint32_t i = 0; i < have.count; i++) {
        bool wanted = !str_starts(have.at[i].name, POLICY_NAME);
        for (uint32_t k = 0; k < count; k++)
            wanted = wanted || str_equal(have.at[i].name, made[k].name);
        if (!wanted && cloudflare_access_policy_delete(c, app, have.at[i].id, err) == -1)
            return -1;
    }
    return 0;
}

static enum outcome make_one(struct cloudflare *c, const struct guard_access *want,
                             const char *host, bool first, struct kv *facts, struct err *err)
{
    struct cloudflare_policy *made;
    struct cloudflare_app app;
    char name[400];
    int found = cloudflare_access_find(c, host, &app, err);

    if (found == 1 && !is_ours(&app, want))
        return foreign(&app, err);
    if (found == 0) {
        if (name_of(want, host, name, sizeof name, err) == -1)
            return OUTCOME_FAIL;
        if (cloudflare_quota_room(c, CLOUDFLARE_APPLICATIONS, err) == -1)
            return OUTCOME_FAIL;
        found = cloudflare_access_create(c, name, host, &app, err);
        if (found == 0)
            cloudflare_quota_made(c, CLOUDFLARE_APPLICATIONS, 1);
        if (found == -1 && err->kind == ERR_CONFLICT)
            err->retry_after_s = LAG_S; /* the next look will find whose it is */
    }
    if (found == -1)
        return ingress_cloudflare_outcome(err);
    if ((made = calloc(POLICIES, sizeof *made)) == NULL) {
        (void)err_set(err, ERR_UNAVAILABLE, "no_memory", "No memory for policies.");
        return OUTCOME_AGAIN;
    }
    found = bring_policies(c, want, app.id, made, err);
    free(made);
    if (found == -1)
        return ingress_cloudflare_outcome(err);
    return note_aud(facts, &app, first, err) == -1 ? OUTCOME_FAIL : OUTCOME_OK;
}

enum outcome guard_access_make(struct cloudflare *c, const struct guard_access *want,
                               struct kv *facts, struct err *err)
{
    const char *at = want->hosts;
    char host[256];

    for (bool first = true; next_host(&at, host); first = false) {
        enum outcome outcome = make_one(c, want, host, first, facts, err);
        if (outcome != OUTCOME_OK)
            return outcome;
    }
    return note_team(c, want, facts, err) == -1 ? ingress_cloudflare_outcome(err) : OUTCOME_OK;
}

static enum outcome check_one(struct cloudflare *c, const struct guard_access *want,
                              const char *host, bool first, struct kv *facts, struct err *err)
{
    struct cloudflare_policies have;
    struct cloudflare_policy *made;
    struct cloudflare_app app;
    bool all = true;
    int found = cloudflare_access_find(c, host, &app, err);

    if (found == 0 || (found == 1 && !is_ours(&app, want)))
        return OUTCOME_ABSENT;
    if (found == -1 || cloudflare_access_policies(c, app.id, &have, err) == -1)
        return ingress_cloudflare_outcome(err);
    if ((made = calloc(POLICIES, sizeof *made)) == NULL) {
        (void)err_set(err, ERR_UNAVAILABLE, "no_memory", "No memory for policies.");
        return OUTCOME_AGAIN;
    }
    for (uint32_t i = 0, count = policies_of(want, made); i < count; i++)
        all = all && there(&have, made[i].name);
    free(made);
    if (!all)
        return OUTCOME_ABSENT;
    return note_aud(facts, &app, first, err) == -1 ? OUTCOME_FAIL : OUTCOME_OK;
}

enum outcome guard_access_check(struct cloudflare *c, const struct guard_access *want,
                                struct kv *facts, struct err *err)
{
    const char *at = want->hosts;
    char host[256];

    for (bool first = true; next_host(&at, host); first = false) {
        enum outcome outcome = check_one(c, want, host, first, facts, err);
        if (outcome != OUTCOME_OK)
            return outcome;
    }
    return note_team(c, want, facts, err) == -1 ? ingress_cloudflare_outcome(err) : OUTCOME_OK;
}

/* ---- the way back ---- */

#define SWEEP_MAX 64

struct sweep {
    const struct guard_access *want;
    struct cloudflare_app found[SWEEP_MAX];
    uint32_t count;
};

static int sweep_one(void *arg, const struct cloudflare_app *app, struct err *err)
{
    struct sweep *s = arg;

    (void)err;
    if (is_ours(app, s->want) && s->count < SWEEP_MAX)
        s->found[s->count++] = *app;
    return 0;
}

/* Delete all that carries the mark. Return how many, or -1. */
static int sweep(struct cloudflare *c, const struct guard_access *want, struct err *err)
{
    struct sweep *s = calloc(1, sizeof *s);
    int result;

    if (s == NULL)
        return err_set(err, ERR_UNAVAILABLE, "no_memory", "No memory for applications.");
    s->want = want;
    result = cloudflare_access_list(c, sweep_one, s, err);
    for (uint32_t i = 0; result == 0 && i < s->count; i++)
        result = cloudflare_access_delete(c, s->found[i].id, err);
    result = result == -1 ? -1 : (int)s->count;
    free(s);
    return result;
}

enum outcome guard_access_undo(struct cloudflare *c, const struct guard_access *want,
                               struct err *err)
{
    const char *at = want->hosts;
    struct cloudflare_app app;
    char host[256];
    int found = 0;

    if (want->hosts[0] == '\0') {
        if ((found = sweep(c, want, err)) == 0) { /* what was just made may not be listed yet */
            clock_sleep_ms(LAG_MS);
            found = sweep(c, want, err);
        }
        return found == -1 ? ingress_cloudflare_outcome(err) : OUTCOME_OK;
    }
    while (next_host(&at, host)) {
        if ((found = cloudflare_access_find(c, host, &app, err)) == 0) {
            clock_sleep_ms(LAG_MS);
            found = cloudflare_access_find(c, host, &app, err);
        }
        if (found == -1 ||
            (found == 1 && is_ours(&app, want) && cloudflare_access_delete(c, app.id, err) == -1))
            return ingress_cloudflare_outcome(err);
    }
    return OUTCOME_OK;
}
