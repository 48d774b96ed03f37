/* Second factors: that no code is right twice whoever comes at the same moment,
 * how often somebody may try, and what has to be entered before anything else. */
#include "ops_world.h"

#include <liboath/oath.h>
#include <pthread.h>

#include "audit.h"
#include "auth.h"
#include "clock.h"
#include "letter.h"
#include "second_factor.h"
#include "second_step.h"
#include "totp.h"

#define PASSWORD "correct horse 7"

/* ---- a box with an admin ---- */

static int open_world(void **state)
{
    struct ops_world *w = calloc(1, sizeof *w);

    assert_non_null(w);
    ops_world_open(w);
    ops_ok(w, 200, "setting.set", ROLE_ADMIN, "{\"name\":\"auth.argon2_memory_mib\",\"value\":8}");
    ops_ok(w, 200, "setting.set", ROLE_ADMIN, "{\"name\":\"auth.argon2_passes\",\"value\":1}");
    ops_ok(w, 201, "user.create", ROLE_ADMIN,
           "{\"name\":\"ann@example.com\",\"role\":\"admin\",\"password\":\"" PASSWORD "\"}");
    *state = w;
    return 0;
}

static int close_world(void **state)
{
    ops_world_close(*state);
    free(*state);
    unsetenv("SETT_CLOCK_OFFSET_S");
    return 0;
}

static void wait_s(int seconds)
{
#ifdef SETT_TEST
    static int ahead; /* only ever on: what was noted lies in the past */
    char text[16];

    ahead += seconds;
    (void)str_format(text, sizeof text, "%d", ahead);
    setenv("SETT_CLOCK_OFFSET_S", text, 1);
#else
    (void)seconds;
    skip();
#endif
}

/* The code of the app at this moment, some steps away. */
static void code_of(const char *secret, int steps, char out[8])
{
    char *bytes = NULL;
    size_t len = 0;

    assert_int_equal(oath_base32_decode(secret, strlen(secret), &bytes, &len), OATH_OK);
    assert_int_equal(oath_totp_generate(bytes, len, (time_t)(clock_wall_ms() / 1000 + steps * 30),
                                        30, 0, 6, out),
                     OATH_OK);
    free(bytes);
}

/* Who an access token makes one. */
static void become(struct ops_world *w, const char *token, struct actor *actor)
{
    struct auth_terms terms;
    struct identity identity;
    struct txn *txn;
    int r;

    memset(actor, 0, sizeof *actor);
    assert_int_equal(db_read(&txn, w->box.db, &w->err), 0);
    assert_int_equal(auth_terms(txn, &w->box.conf, &terms, &w->err), 0);
    r = auth_by_token(txn, &terms, &w->box.web_key, token, &identity, &w->err);
    db_read_end(txn);
    assert_int_equal(r, 0);
    actor->role = identity.role;
    actor->fresh_at = identity.fresh_at;
    actor->enrol = identity.enrol;
    (void)str_copy(actor->kind, sizeof actor->kind, identity.kind);
    (void)str_copy(actor->id, sizeof actor->id, identity.id);
    (void)str_copy(actor->user_id, sizeof actor->user_id, identity.user_id);
    (void)str_copy(actor->session_id, sizeof actor->session_id, identity.session_id);
}

__attribute__((format(printf, 4, 5))) static int
call(struct ops_world *w, const char *op, const struct actor *actor, const char *fmt, ...)
{
    struct actor nobody = ops_actor(ROLE_PUBLIC);
    char json[512];
    va_list ap;

    va_start(ap, fmt);
    (void)vsnprintf(json, sizeof json, fmt, ap);
    va_end(ap);
    return ops_call(w, op, actor == NULL ? &nobody : actor, NULL, json);
}

static int login(struct ops_world *w, char token[64])
{
    int r = call(w, "auth.login", NULL, "{\"username\":\"%s\",\"password\":\"%s\"}",
                 "ann@example.com", PASSWORD);

    (void)str_copy(token, 64, r == 200 ? ops_text(w, "step_token") : "");
    return r;
}

static int second(struct ops_world *w, const char *token, const char *code)
{
    return call(w, "auth.second", NULL, "{\"step_token\":\"%s\",\"code\":\"%s\"}", token, code);
}

struct codes {
    char secret[TOTP_SECRET_TEXT], recovery[SECOND_FACTOR_CODES][SECOND_FACTOR_CODE_SIZE];
};

/* Enter an app, as a person does. */
static void enrol(struct ops_world *w, struct actor *me, struct codes *c)
{
    char code[8], path[16];

    assert_int_equal(call(w, "second-factor.begin", me, "{}"), 200);
    ops_keep(w, "secret", c->secret, sizeof c->secret);
    assert_true(str_starts(ops_text(w, "uri"), "otpauth://totp/"));
    assert_true(str_starts(ops_text(w, "qr"), "<svg"));
    code_of(c->secret, 0, code);
    assert_int_equal(call(w, "second-factor.confirm", me, "{\"code\":\"%s\"}", code), 200);
    assert_int_equal(json_size(w->answer, "codes"), SECOND_FACTOR_CODES);
    for (int i = 0; i < SECOND_FACTOR_CODES; i++) {
        (void)str_format(path, sizeof path, "codes[%d]", i);
        ops_keep(w, path, c->recovery[i], sizeof c->recovery[i]);
        assert_int_equal(strlen(c->recovery[i]), 19);
    }
}

static void sign_in(struct ops_world *w, struct actor *me)
{
    assert_int_equal(call(w, "auth.login", NULL, "{\"username\":\"%s\",\"password\":\"%s\"}",
                          "ann@example.com", PASSWORD),
                     200);
    become(w, ops_text(w, "access_token"), me);
}

/* ---- signing in ---- */

static void two_steps(void **state)
{
    struct ops_world *w = *state;
    struct actor me, other, before;
    struct codes c;
    char token[64], code[8], json[128];

    sign_in(w, &other);
    sign_in(w, &me);
    assert_string_equal(ops_text(w, "second_factor"), "none");
    assert_int_equal(call(w, "second-factor.show", &me, "{}"), 200);
    assert_string_equal(ops_text(w, "state"), "off");
    before = me;
    enrol(w, &me, &c);
    /* The session goes on under another id, and all others have ended. */
    become(w, ops_text(w, "access_token"), &me);
    assert_string_not_equal(me.session_id, before.session_id);
    assert_non_null(strstr(w->call.cookie, "HttpOnly"));
    assert_int_equal(call(w, "session.list", &me, "{}"), 200);
    assert_int_equal(json_size(w->answer, "data"), 1);
    assert_true(json_bool(w->answer, "data[0].current", false));
    assert_int_equal(call(w, "auth.me", &me, "{}"), 200);
    assert_string_equal(ops_text(w, "second_factor"), "on");

    assert_int_equal(login(w, token), 200);
    assert_string_equal(ops_text(w, "second_factor"), "needed");
    assert_string_equal(ops_text(w, "access_token"), "");
    assert_string_equal(w->call.cookie, "");
    code_of(c.secret, 0, code); /* it confirmed the app: spent */
    assert_int_equal(second(w, token, code), -401);
    assert_string_equal(w->err.code, "code_wrong");
    wait_s(30);
    code_of(c.secret, 0, code);
    assert_int_equal(second(w, token, code), 200);
    assert_string_equal(ops_text(w, "second_factor"), "given");
    assert_non_null(strstr(w->call.cookie, "HttpOnly"));
    become(w, ops_text(w, "access_token"), &other);
    assert_string_not_equal(other.session_id, me.session_id);
    ops_ok(w, 200, "audit.list", ROLE_ADMIN, "{\"limit\":3}");
    assert_string_equal(ops_text(w, "data[0].action"), "auth.second");
    assert_string_equal(ops_text(w, "data[0].actor_kind"), "app");
    assert_string_equal(ops_text(w, "data[1].action"), "auth.second");
    assert_string_equal(ops_text(w, "data[1].result"), "unauthenticated");
    /* The token is spent; so is the code, in whatever new step. */
    assert_int_equal(second(w, token, code), -401);
    assert_string_equal(w->err.code, "step_over");
    assert_int_equal(login(w, token), 200);
    assert_int_equal(second(w, token, code), -401);
    assert_string_equal(w->err.code, "code_wrong");
    code_of(c.secret, -1, code); /* older than what was accepted */
    assert_int_equal(second(w, token, code), -401);
    wait_s(301);
    code_of(c.secret, 0, code);
    assert_int_equal(second(w, token, code), -401);
    assert_string_equal(w->err.code, "step_over");
    /* A step token is no session. */
    assert_int_equal(login(w, token), 200);
    (void)str_format(json, sizeof json, "{\"refresh_token\":\"%s\"}", token);
    assert_int_equal(call(w, "auth.refresh", NULL, "%s", json), -401);
    {
        struct auth_terms terms;
        struct identity identity;
        struct txn *txn;

        assert_int_equal(db_read(&txn, w->box.db, &w->err), 0);
        assert_int_equal(auth_terms(txn, &w->box.conf, &terms, &w->err), 0);
        assert_int_equal(auth_by_cookie(txn, &terms, token, &identity, &w->err), -1);
        assert_int_equal(auth_by_token(txn, &terms, &w->box.web_key, token, &identity, &w->err),
                         -1);
        db_read_end(txn);
    }
    ops_ok(w, 200, "audit.verify", ROLE_ADMIN, "{}");
}

static void recovery_codes_are_good_once(void **state)
{
    struct ops_world *w = *state;
    struct actor me;
    struct codes c, again;
    char token[64], shouted[SECOND_FACTOR_CODE_SIZE];

    sign_in(w, &me);
    enrol(w, &me, &c);
    become(w, ops_text(w, "access_token"), &me);
    assert_int_equal(login(w, token), 200);
    (void)str_copy(shouted, sizeof shouted, c.recovery[3]);
    for (char *p = shouted; *p != '\0'; p++)
        *p = (char)(*p == '-' ? ' ' : *p >= 'a' && *p <= 'z' ? *p - 32 : *p);
    assert_int_equal(second(w, token, shouted), 200); /* as people type */
    ops_ok(w, 200, "audit.list", ROLE_ADMIN, "{\"limit\":1}");
    assert_string_equal(ops_text(w, "data[0].actor_kind"), "recovery_code");
    assert_int_equal(login(w, token), 200);
    assert_int_equal(second(w, token, c.recovery[3]), -401);
    assert_int_equal(second(w, token, "aaaa-aaaa-aaaa-aaaa"), -401);
    assert_int_equal(second(w, token, "x"), -401);
    assert_int_equal(second(w, token, c.recovery[4]), 200);
    assert_int_equal(call(w, "second-factor.show", &me, "{}"), 200);
    assert_int_equal(json_i64(w->answer, "codes_left", 0), 8);
    assert_int_equal(call(w, "second-factor.codes", &me, "{}"), 200);
    ops_keep(w, "codes[0]", again.recovery[0], sizeof again.recovery[0]);
    assert_int_equal(login(w, token), 200);
    assert_int_equal(second(w, token, c.recovery[5]), -401); /* of those before */
    assert_int_equal(second(w, token, again.recovery[0]), 200);
}

static void five_tries(void **state)
{
    struct ops_world *w = *state;
    struct actor me;
    struct codes c;
    char token[64], code[8];

    sign_in(w, &me);
    enrol(w, &me, &c);
    become(w, ops_text(w, "access_token"), &me);
    wait_s(30);
    for (int i = 0; i < SECOND_FACTOR_TRIES; i++) { /* whatever the token */
        assert_int_equal(login(w, token), 200);
        assert_int_equal(second(w, token, i % 2 == 0 ? "000000" : "aaaa-bbbb-cccc-dddd"), -401);
    }
    code_of(c.secret, 0, code);
    assert_int_equal(second(w, token, code), -429);
    assert_string_equal(w->err.code, "too_many_tries");
    assert_in_range(w->err.retry_after_s, 840, 900);
    assert_int_equal(second(w, token, c.recovery[0]), -429);
    wait_s(899);
    assert_int_equal(login(w, token), 200);
    code_of(c.secret, 0, code);
    assert_int_equal(second(w, token, code), -429);
    wait_s(2);
    assert_int_equal(second(w, token, code), 200);
    assert_int_equal(login(w, token), 200);
    assert_int_equal(second(w, token, "000000"), -401); /* the count begins anew */
}

/* ---- within a session ---- */

static void the_password_again(void **state)
{
    struct ops_world *w = *state;
    struct actor me;
    struct codes c;
    char code[8];

    sign_in(w, &me);
    me.fresh_at = 0;
    assert_int_equal(call(w, "second-factor.begin", &me, "{}"), -403);
    assert_string_equal(w->err.code, "password_needed");
    assert_int_equal(call(w, "auth.confirm", &me, "{\"password\":\"%s\"}", "wrong one 1"), -422);
    assert_string_equal(w->err.field, "password");
    assert_int_equal(call(w, "auth.confirm", &me, "{\"password\":\"%s\"}", PASSWORD), 200);
    assert_true(ops_text(w, "fresh_until")[0] != '\0');
    me.fresh_at = clock_wall_ms();
    enrol(w, &me, &c);
    become(w, ops_text(w, "access_token"), &me);
    assert_int_equal(call(w, "auth.confirm", &me, "{\"password\":\"%s\"}", PASSWORD), -422);
    assert_string_equal(w->err.field, "code");
    assert_int_equal(
        call(w, "auth.confirm", &me, "{\"password\":\"%s\",\"code\":\"%s\"}", PASSWORD, "000000"),
        -422);
    assert_string_equal(w->err.code, "code_wrong");
    wait_s(30);
    code_of(c.secret, 0, code);
    assert_int_equal(
        call(w, "auth.confirm", &me, "{\"password\":\"%s\",\"code\":\"%s\"}", PASSWORD, code), 200);
    assert_int_equal(
        call(w, "auth.confirm", &me, "{\"password\":\"%s\",\"code\":\"%s\"}", PASSWORD, code),
        -422);
    /* Another app in place of this one: this one holds until that is confirmed. */
    me.fresh_at = clock_wall_ms();
    assert_int_equal(call(w, "second-factor.begin", &me, "{}"), 200);
    wait_s(30);
    code_of(c.secret, 0, code);
    assert_int_equal(
        call(w, "auth.confirm", &me, "{\"password\":\"%s\",\"code\":\"%s\"}", PASSWORD, code), 200);
    assert_int_equal(call(w, "second-factor.confirm", &me, "{\"code\":\"%s\"}", code), -422);
    assert_int_equal(call(w, "second-factor.disable", &me, "{}"), 200);
    assert_string_equal(ops_text(w, "state"), "off");
    assert_int_equal(call(w, "second-factor.disable", &me, "{}"), -409);
    sign_in(w, &me);
}

static void required_of_a_role(void **state)
{
    struct ops_world *w = *state;
    struct actor me;
    struct codes c;

    ops_no(w, 422, "setting_invalid", "setting.set", ROLE_ADMIN,
           "{\"name\":\"auth.second_factor\",\"value\":\"public\"}");
    ops_ok(w, 200, "setting.set", ROLE_ADMIN,
           "{\"name\":\"auth.second_factor\",\"value\":\"operator\"}");
    sign_in(w, &me);
    assert_string_equal(ops_text(w, "second_factor"), "enrol");
    assert_true(me.enrol);
    assert_int_equal(call(w, "tenant.list", &me, "{}"), -403);
    assert_string_equal(w->err.code, "second_factor_needed");
    assert_int_equal(call(w, "session.list", &me, "{}"), -403);
    assert_int_equal(call(w, "auth.me", &me, "{}"), 200);
    assert_string_equal(ops_text(w, "second_factor"), "enrol");
    enrol(w, &me, &c);
    become(w, ops_text(w, "access_token"), &me);
    assert_false(me.enrol);
    assert_int_equal(call(w, "tenant.list", &me, "{}"), 200);
    assert_int_equal(call(w, "second-factor.disable", &me, "{}"), -409);
    assert_string_equal(w->err.code, "second_factor_required");
    /* Somebody below is not asked. */
    ops_ok(w, 201, "user.create", ROLE_ADMIN,
           "{\"name\":\"vic\",\"role\":\"viewer\",\"password\":\"" PASSWORD "\"}");
    assert_int_equal(
        call(w, "auth.login", NULL, "{\"username\":\"%s\",\"password\":\"%s\"}", "vic", PASSWORD),
        200);
    assert_string_equal(ops_text(w, "second_factor"), "none");
    become(w, ops_text(w, "access_token"), &me);
    assert_int_equal(call(w, "tenant.list", &me, "{}"), 200);
    assert_int_equal(call(w, "second-factor.show", &me, "{\"id\":\"ann@example.com\"}"), -404);
}

/* On the box: for somebody who has lost both. And one entered there, by name. */
static void taken_away_by_an_admin(void **state)
{
    struct ops_world *w = *state;
    struct actor me;
    struct codes c;
    char secret[64], code[8];

    ops_no(w, 409, "no_second_factor", "second-factor.remove", ROLE_ADMIN,
           "{\"id\":\"ann@example.com\"}");
    sign_in(w, &me);
    enrol(w, &me, &c);
    ops_ok(w, 200, "second-factor.remove", ROLE_ADMIN, "{\"id\":\"ann@example.com\"}");
    assert_string_equal(ops_text(w, "state"), "off");
    ops_ok(w, 200, "audit.list", ROLE_ADMIN, "{\"limit\":1}");
    assert_string_equal(ops_text(w, "data[0].action"), "second-factor.remove");
    ops_ok(w, 200, "session.list", ROLE_ADMIN, "{\"user\":\"ann@example.com\"}");
    assert_int_equal(json_size(w->answer, "data"), 0);
    sign_in(w, &me);
    ops_no(w, 422, "required", "second-factor.begin", ROLE_ADMIN, "{}");
    ops_ok(w, 200, "second-factor.begin", ROLE_ADMIN, "{\"user\":\"ann@example.com\"}");
    ops_keep(w, "secret", secret, sizeof secret);
    code_of(secret, 0, code);
    ops_ok(w, 200, "second-factor.confirm", ROLE_ADMIN,
           "{\"user\":\"ann@example.com\",\"code\":\"%s\"}", code);
    assert_int_equal(call(w, "second-factor.begin", &me, "{\"user\":\"%s\"}", "ann@example.com"),
                     -403);
    ops_ok(w, 201, "user.create", ROLE_ADMIN, "{\"name\":\"second\",\"role\":\"admin\"}");
    ops_ok(w, 200, "user.delete", ROLE_ADMIN, "{\"id\":\"ann@example.com\"}");
    assert_int_equal(ops_count(w, &second_factor_table), 0);
}

static const char *newest_letter(struct ops_world *w)
{
    static char said[300];
    static struct message m;
    struct scan scan;
    struct txn *txn;

    assert_int_equal(db_read(&txn, w->box.db, &w->err), 0);
    assert_int_equal(scan_start(&scan, txn, &message_table, NULL, NULL, 0, true, &w->err), 0);
    assert_int_equal(scan_next(&scan, &m, &w->err), 1);
    db_read_end(txn);
    assert_int_equal(m.audience, MESSAGE_USER);
    (void)str_format(said, sizeof said, "%s %s", m.kind, m.recipient);
    return said;
}

static void users_are_written_to(void **state)
{
    struct ops_world *w = *state;
    struct actor me;
    struct codes c;

    sign_in(w, &me);
    enrol(w, &me, &c);
    assert_int_equal(ops_count(w, &message_table), 0); /* no mail is set up */
    ops_ok(w, 200, "setting.set", ROLE_ADMIN,
           "{\"name\":\"smtp.url\",\"value\":\"smtp://127.0.0.1:25\"}");
    ops_ok(w, 200, "setting.set", ROLE_ADMIN,
           "{\"name\":\"mail.from\",\"value\":\"box@example.com\"}");
    ops_ok(w, 200, "second-factor.remove", ROLE_ADMIN, "{\"id\":\"ann@example.com\"}");
    assert_string_equal(newest_letter(w), "second_factor_off ann@example.com");
    ops_ok(w, 200, "user.update", ROLE_ADMIN,
           "{\"id\":\"ann@example.com\",\"password\":\"another one 9\"}");
    assert_string_equal(newest_letter(w), "password_changed ann@example.com");
}

static int spend(struct txn *txn, void *arg, struct err *err)
{
    (void)arg;
    return second_factor_spend(txn, err);
}

/* A store that was put back may not know of a code that was used since. */
static void codes_up_to_now_are_spent_in_a_restored_store(void **state)
{
    struct ops_world *w = *state;
    struct actor me;
    struct codes c;
    struct err err;
    char token[64], code[8];

    sign_in(w, &me);
    enrol(w, &me, &c);
    wait_s(300);
    assert_int_equal(db_write(w->box.db, spend, NULL, &err), 0);
    assert_int_equal(login(w, token), 200);
    code_of(c.secret, 0, code);
    assert_int_equal(second(w, token, code), -401);
    wait_s(30);
    code_of(c.secret, 0, code);
    assert_int_equal(second(w, token, code), 200);
}

/* ---- at the same moment ---- */

struct pair {
    struct ops_world *w;
    pthread_barrier_t *start;
    char token[SECOND_STEP_TOKEN_SIZE];
    struct second_factor_proof proof;
    bool in;
};

/* What auth.second does in its transaction. */
static int step_two(struct txn *txn, void *arg, struct err *err)
{
    struct pair *p = arg;
    struct second_step step;
    struct user user;
    int used;

    p->in = false;
    if (second_step_find(txn, p->token, &step, &user, err) != 0 ||
        (used = second_factor_use(txn, &p->w->box.web_key, user.id, &p->proof, err)) < 0)
        return -1;
    if (used == 0 && second_step_end(txn, &step, err) != 0)
        return -1;
    p->in = used == 0;
    return 0;
}

static void *one_of_two(void *arg)
{
    struct pair *p = arg;
    struct err err;

    pthread_barrier_wait(p->start);
    if (db_write(p->w->box.db, step_two, p, &err) != 0)
        p->in = false;
    return NULL;
}

struct again {
    struct user user;
    char token[2][SECOND_STEP_TOKEN_SIZE];
};

/* Nothing is spent, and two steps are open. */
static int begin_again(struct txn *txn, void *arg, struct err *err)
{
    struct again *a = arg;
    struct second_factor factor;

    (void)str_copy(a->user.name, sizeof a->user.name, "ann@example.com");
    if (record_find(txn, &user_table, "name", &a->user, err) != 1 ||
        second_factor_get(txn, a->user.id, &factor, err) != 1)
        return -1;
    factor.last_step = 0;
    factor.tries = 0;
    factor.codes_left = SECOND_FACTOR_CODES;
    memset(factor.codes, 0, sizeof factor.codes);
    memset(factor.codes, 7, 32);
    if (record_put(txn, &second_factor_table, &factor, err) != 0 ||
        second_step_drop(txn, NULL, err) != 0)
        return -1;
    for (int i = 0; i < 2; i++)
        if (second_step_new(txn, &a->user, "192.0.2.1", a->token[i], err) != 0)
            return -1;
    return 0;
}

/* P17: pairs who come with the same code, by the same step or by two of them. */
static void never_two_of_a_pair(void **state)
{
    struct ops_world *w = *state;
    const char *wanted = getenv("SETT_PAIRS");
    uint64_t pairs = 200;
    struct actor me;
    struct codes c;
    struct again again;
    struct err err;
    pthread_barrier_t start;
    unsigned in[3] = {0};

    if (wanted != NULL)
        assert_int_equal(str_u64(wanted, 1, 1000000, &pairs), 0);
    sign_in(w, &me);
    enrol(w, &me, &c);
    assert_int_equal(pthread_barrier_init(&start, NULL, 2), 0);
    for (uint64_t n = 0; n < pairs; n++) {
        struct pair p[2];
        pthread_t threads[2];

        memset(&again, 0, sizeof again);
        if (db_write(w->box.db, begin_again, &again, &err) != 0)
            fail_msg("%s", err.text);
        for (int i = 0; i < 2; i++) {
            memset(&p[i], 0, sizeof p[i]);
            p[i].w = w;
            p[i].start = &start;
            (void)str_copy(p[i].token, sizeof p[i].token, again.token[n % 3 == 0 ? 0 : i]);
            p[i].proof.recovery = n % 2 == 1;
            memset(p[i].proof.hash, 7, sizeof p[i].proof.hash);
            code_of(c.secret, 0, p[i].proof.code);
        }
        for (int i = 0; i < 2; i++)
            assert_int_equal(pthread_create(&threads[i], NULL, one_of_two, &p[i]), 0);
        for (int i = 0; i < 2; i++)
            assert_int_equal(pthread_join(threads[i], NULL), 0);
        in[(p[0].in ? 1 : 0) + (p[1].in ? 1 : 0)]++;
    }
    pthread_barrier_destroy(&start);
    print_message("%u of %u pairs: one got in; %u: both; %u: none\n", in[1], (unsigned)pairs, in[2],
                  in[0]);
    assert_int_equal(in[0], 0);
    assert_int_equal(in[2], 0);
}

#define CASE(name_) cmocka_unit_test_setup_teardown(name_, open_world, close_world)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(two_steps),
        CASE(recovery_codes_are_good_once),
        CASE(five_tries),
        CASE(the_password_again),
        CASE(required_of_a_role),
        CASE(taken_away_by_an_admin),
        CASE(users_are_written_to),
        CASE(codes_up_to_now_are_spent_in_a_restored_store),
        CASE(never_two_of_a_pair),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
