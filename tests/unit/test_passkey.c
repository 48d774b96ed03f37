/* Passkeys: what a browser says is taken strictly, what a device signs is checked to the last bit,
 * a challenge is good once, and a copy of a key is noticed by its counter. The device is one of our
 * own here: Ed25519, authenticator data put together by hand. */
#include "ops_world.h"

#include <pthread.h>

#include "audit.h"
#include "auth.h"
#include "clock.h"
#include "enc.h"
#include "passkey.h"
#include "webauthn.h"

#define PASSWORD "correct horse 7"
#define ORIGIN   "https://box.example:4443"

struct device {
    uint8_t pk[crypto_sign_PUBLICKEYBYTES], sk[crypto_sign_SECRETKEYBYTES], id[16];
    uint32_t counter;
};

static void device_new(struct device *d)
{
    crypto_sign_keypair(d->pk, d->sk);
    randombytes_buf(d->id, sizeof d->id);
    d->counter = 1;
}

/* Authenticator data (WebAuthn 6.1): with the key (COSE, RFC 9053) if it is a new one. */
static size_t data_of(const struct device *d, const char *rp_id, uint8_t flags, uint8_t out[256])
{
    static const uint8_t cose[] = {0xa4, 0x01, 0x01, 0x03, 0x27, 0x20, 0x06, 0x21, 0x58, 0x20};
    size_t n = 37;

    crypto_hash_sha256(out, (const uint8_t *)rp_id, strlen(rp_id));
    out[32] = flags;
    enc_put32(out + 33, d->counter);
    if ((flags & 0x40) == 0)
        return n;
    memset(out + n, 0, 16);
    enc_put16(out + n + 16, sizeof d->id);
    memcpy(out + n + 18, d->id, sizeof d->id);
    n += 18 + sizeof d->id;
    memcpy(out + n, cose, sizeof cose);
    memcpy(out + n + sizeof cose, d->pk, sizeof d->pk);
    return n + sizeof cose + sizeof d->pk;
}

struct said {
    char client[512];
    uint8_t data[256], signature[crypto_sign_BYTES];
    struct webauthn_answer is;
};

/* What the browser hands over: the page's origin and challenge, signed with the data. */
static void say(const struct device *d, const char *type, const char *origin, const char *challenge,
                const char *rp_id, uint8_t flags, struct said *s)
{
    uint8_t whole[256 + 32];

    (void)str_format(
        s->client, sizeof s->client,
        "{\"type\":\"%s\",\"challenge\":\"%s\",\"origin\":\"%s\",\"crossOrigin\":false}", type,
        challenge, origin);
    s->is.client_data = s->client;
    s->is.client_len = strlen(s->client);
    s->is.data = s->data;
    s->is.data_len = data_of(d, rp_id, flags, s->data);
    memcpy(whole, s->data, s->is.data_len);
    crypto_hash_sha256(whole + s->is.data_len, (const uint8_t *)s->client, s->is.client_len);
    crypto_sign_detached(s->signature, NULL, whole, s->is.data_len + 32, d->sk);
    s->is.signature = s->signature;
    s->is.signature_len = sizeof s->signature;
}

static const struct webauthn_site site = {.origin = ORIGIN, .rp_id = "box.example"};

static void addresses(void **state)
{
    static const struct {
        const char *url, *origin, *rp_id;
    } good[] = {{"https://Box.Example:4443/admin", ORIGIN, "box.example"},
                {"https://box.example:443", "https://box.example", "box.example"},
                {"http://localhost:80/", "http://localhost", "localhost"},
                {"https://box.example:4430", "https://box.example:4430", "box.example"}};
    struct webauthn_site s;
    struct err err;

    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        assert_int_equal(webauthn_site_of(good[i].url, &s, &err), 0);
        assert_string_equal(s.origin, good[i].origin);
        assert_string_equal(s.rp_id, good[i].rp_id);
    }
    assert_int_equal(webauthn_site_of("https://192.0.2.1:4443", &s, &err), -1);
    assert_string_equal(err.code, "passkeys_impossible");
    assert_int_equal(webauthn_site_of("https://[2001:db8::1]", &s, &err), -1);
}

static int client(const char *text)
{
    struct err err = {0};
    int r = webauthn_client(&site, "webauthn.get", "Y2g", text, strlen(text), &err);

    assert_true(r == 0 || str_equal(err.code, "passkey_refused"));
    return r;
}

static void what_browsers_say(void **state)
{
    static const char *const bad[] = {
        "",
        "{}",
        "[]",
        "null",
        "{\"type\":\"webauthn.create\",\"challenge\":\"Y2g\",\"origin\":\"" ORIGIN "\"}",
        "{\"type\":\"webauthn.get\",\"challenge\":\"Y2h\",\"origin\":\"" ORIGIN "\"}",
        "{\"type\":\"webauthn.get\",\"challenge\":\"\",\"origin\":\"" ORIGIN "\"}",
        "{\"type\":\"webauthn.get\",\"challenge\":\"Y2g\",\"origin\":\"https://box.example\"}",
        "{\"type\":\"webauthn.get\",\"challenge\":\"Y2g\",\"origin\":\"" ORIGIN "0\"}",
        "{\"type\":\"webauthn.get\",\"challenge\":\"Y2g\",\"origin\":\"https://"
        "acme.box.example:4443\"}",
        "{\"type\":\"webauthn.get\",\"challenge\":\"Y2g\",\"origin\":\"" ORIGIN
        "\",\"crossOrigin\":true}",
        "{\"type\":\"webauthn.get\",\"challenge\":\"Y2g\",\"origin\":\"" ORIGIN
        "\",\"topOrigin\":\"https://evil.example\"}",
        "{\"type\":\"webauthn.get\",\"challenge\":\"Y2g\",\"origin\":\"https://evil.example\","
        "\"origin\":\"" ORIGIN "\"}",
        "{\"type\":\"webauthn.get\",\"challenge\":\"Y2g\",\"origin\":\"" ORIGIN "\"}x",
    };

    (void)state;
    assert_int_equal(client("{\"type\":\"webauthn.get\",\"challenge\":\"Y2g\",\"origin\":\"" ORIGIN
                            "\",\"crossOrigin\":false,\"other\":{\"x\":1}}"),
                     0);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(client(bad[i]), -1);
}

static void signatures(void **state)
{
    struct webauthn_key key;
    struct device d, other;
    struct said s;
    struct err err;
    uint32_t counter = 0;

    (void)state;
    device_new(&d);
    device_new(&other);
    say(&d, "webauthn.create", ORIGIN, "Y2g", "box.example", 0x45, &s);
    assert_int_equal(webauthn_fido.make(&site, "Y2g", &s.is, &key, &err), 0);
    assert_int_equal(key.algorithm, WEBAUTHN_EDDSA);
    assert_int_equal(key.id_len, sizeof d.id);
    assert_memory_equal(key.id, d.id, sizeof d.id);
    assert_memory_equal(key.key, d.pk, sizeof d.pk);
    assert_false(key.synced);
    assert_int_equal(webauthn_fido.make(&site, "Y2h", &s.is, &key, &err), -1);
    for (size_t i = 0; i < 3; i++) { /* not there; not verified; no key */
        static const uint8_t flags[] = {0x44, 0x41, 0x05};

        say(&d, "webauthn.create", ORIGIN, "Y2g", "box.example", flags[i], &s);
        assert_int_equal(webauthn_fido.make(&site, "Y2g", &s.is, &key, &err), -1);
    }
    memcpy(&other, &d, sizeof other); /* a point of small order is no key */
    memset(other.pk, 0, sizeof other.pk);
    other.pk[0] = 1;
    say(&other, "webauthn.create", ORIGIN, "Y2g", "box.example", 0x45, &s);
    assert_int_equal(webauthn_fido.make(&site, "Y2g", &s.is, &key, &err), -1);
    device_new(&other);
    say(&d, "webauthn.create", ORIGIN, "Y2g", "acme.box.example", 0x45, &s);
    assert_int_equal(webauthn_fido.make(&site, "Y2g", &s.is, &key, &err), -1);
    say(&d, "webauthn.create", ORIGIN, "Y2g", "box.example", 0x4d, &s);
    for (size_t cut = 0; cut < s.is.data_len; cut++) { /* data cut anywhere */
        struct webauthn_answer part = s.is;

        part.data_len = cut;
        assert_int_equal(webauthn_fido.make(&site, "Y2g", &part, &key, &err), -1);
    }
    assert_int_equal(webauthn_fido.make(&site, "Y2g", &s.is, &key, &err), 0);
    assert_true(key.synced);

    d.counter = 7;
    say(&d, "webauthn.get", ORIGIN, "Y2g", "box.example", 0x05, &s);
    assert_int_equal(webauthn_fido.use(&site, "Y2g", &s.is, &key, &counter, &err), 0);
    assert_int_equal(counter, 7);
    for (size_t i = 0; i < sizeof s.signature * 8; i++) { /* no bit of the signature */
        s.signature[i / 8] ^= (uint8_t)(1 << i % 8);
        assert_int_equal(webauthn_fido.use(&site, "Y2g", &s.is, &key, &counter, &err), -1);
        s.signature[i / 8] ^= (uint8_t)(1 << i % 8);
    }
    for (size_t i = 0; i < s.is.data_len * 8; i++) { /* nor of the data */
        s.data[i / 8] ^= (uint8_t)(1 << i % 8);
        assert_int_equal(webauthn_fido.use(&site, "Y2g", &s.is, &key, &counter, &err), -1);
        s.data[i / 8] ^= (uint8_t)(1 << i % 8);
    }
    assert_int_equal(webauthn_fido.use(&site, "Y2g", &s.is, &key, &counter, &err), 0);
    s.is.signature_len = 0;
    assert_int_equal(webauthn_fido.use(&site, "Y2g", &s.is, &key, &counter, &err), -1);
    say(&d, "webauthn.get", ORIGIN, "Y2g", "box.example", 0x01, &s); /* not verified */
    assert_int_equal(webauthn_fido.use(&site, "Y2g", &s.is, &key, &counter, &err), -1);
    say(&d, "webauthn.create", ORIGIN, "Y2g", "box.example", 0x05, &s);
    assert_int_equal(webauthn_fido.use(&site, "Y2g", &s.is, &key, &counter, &err), -1);
    say(&other, "webauthn.get", ORIGIN, "Y2g", "box.example", 0x05, &s);
    assert_int_equal(webauthn_fido.use(&site, "Y2g", &s.is, &key, &counter, &err), -1);
}

/* ---- through the operations ---- */

static int open_world(void **state)
{
    struct ops_world *w = calloc(1, sizeof *w);

    assert_non_null(w);
    ops_world_open(w);
    w->box.passkeys = &webauthn_fido;
    ops_ok(w, 200, "setting.set", ROLE_ADMIN, "{\"name\":\"auth.argon2_memory_mib\",\"value\":8}");
    ops_ok(w, 200, "setting.set", ROLE_ADMIN, "{\"name\":\"box.url\",\"value\":\"" ORIGIN "\"}");
    ops_ok(w, 201, "user.create", ROLE_ADMIN,
           "{\"name\":\"ann\",\"role\":\"operator\",\"password\":\"" PASSWORD "\"}");
    *state = w;
    return 0;
}

static int close_world(void **state)
{
    ops_world_close(*state);
    free(*state);
    return 0;
}

static void sign_in(struct ops_world *w, struct actor *actor)
{
    struct actor nobody = ops_actor(ROLE_PUBLIC);
    struct auth_terms terms;
    struct identity identity;
    struct txn *txn;

    assert_int_equal(ops_call(w, "auth.login", &nobody, NULL,
                              "{\"username\":\"ann\",\"password\":\"" PASSWORD "\"}"),
                     200);
    memset(actor, 0, sizeof *actor);
    assert_int_equal(db_read(&txn, w->box.db, &w->err), 0);
    assert_int_equal(auth_terms(txn, &w->box.conf, &terms, &w->err), 0);
    assert_int_equal(auth_by_token(txn, &terms, &w->box.web_key, ops_text(w, "access_token"),
                                   &identity, &w->err),
                     0);
    db_read_end(txn);
    actor->role = identity.role;
    actor->fresh_at = identity.fresh_at;
    (void)str_copy(actor->kind, sizeof actor->kind, "cookie");
    (void)str_copy(actor->id, sizeof actor->id, identity.id);
    (void)str_copy(actor->user_id, sizeof actor->user_id, identity.user_id);
    (void)str_copy(actor->session_id, sizeof actor->session_id, identity.session_id);
}

static const char *b64(const void *data, size_t len)
{
    static char out[4][1024];
    static unsigned turn;
    char *at = out[turn++ % 4];

    assert_true(enc_base64url(at, sizeof out[0], data, len) >= 0);
    return at;
}

static int add(struct ops_world *w, const struct actor *me, const struct device *d,
               const char *challenge)
{
    struct said s;
    char json[4096];

    say(d, "webauthn.create", ORIGIN, challenge, "box.example", 0x45, &s);
    (void)str_format(json, sizeof json,
                     "{\"name\":\"Laptop\",\"challenge\":\"%s\",\"client_data\":\"%s\","
                     "\"authenticator_data\":\"%s\"}",
                     challenge, b64(s.client, s.is.client_len), b64(s.data, s.is.data_len));
    return ops_call(w, "auth.passkey-add", me, NULL, json);
}

static int give(struct ops_world *w, const char *op, const struct actor *actor,
                const struct device *d, const char *challenge, const char *handle)
{
    struct said s;
    char json[4096];

    say(d, "webauthn.get", ORIGIN, challenge, "box.example", 0x05, &s);
    (void)str_format(json, sizeof json,
                     "{\"id\":\"%s\",\"challenge\":\"%s\",\"client_data\":\"%s\","
                     "\"authenticator_data\":\"%s\",\"signature\":\"%s\",\"user_handle\":\"%s\"}",
                     b64(d->id, sizeof d->id), challenge, b64(s.client, s.is.client_len),
                     b64(s.data, s.is.data_len), b64(s.signature, sizeof s.signature), handle);
    return ops_call(w, op, actor, NULL, json);
}

static int enter(struct ops_world *w, const struct device *d, const char *challenge,
                 const char *handle)
{
    struct actor nobody = ops_actor(ROLE_PUBLIC);

    return give(w, "auth.passkey", &nobody, d, challenge, handle);
}

static void challenge_of(struct ops_world *w, const char *op, const struct actor *actor,
                         char out[PASSKEY_CHALLENGE_SIZE])
{
    struct actor nobody = ops_actor(ROLE_PUBLIC);

    assert_int_equal(ops_call(w, op, actor == NULL ? &nobody : actor, NULL, "{}"), 200);
    ops_keep(w, "challenge", out, PASSKEY_CHALLENGE_SIZE);
}

static void added_and_used(void **state)
{
    struct ops_world *w = *state;
    struct actor me, other;
    struct device d, stranger;
    char challenge[PASSKEY_CHALLENGE_SIZE], again[PASSKEY_CHALLENGE_SIZE], handle[96], id[ID_SIZE];
    char json[128];

    device_new(&d);
    device_new(&stranger);
    sign_in(w, &me);
    sign_in(w, &other);
    challenge_of(w, "auth.passkey-new", &me, challenge);
    ops_keep(w, "user_handle", handle, sizeof handle);
    assert_string_equal(ops_text(w, "rp_id"), "box.example");
    assert_int_equal(add(w, &other, &d, challenge), -422); /* of another session */
    assert_string_equal(w->err.code, "challenge_over");
    challenge_of(w, "auth.passkey-options", NULL, again);
    assert_int_equal(add(w, &me, &d, again), -422); /* for another purpose */
    assert_int_equal(add(w, &me, &d, challenge), 201);
    ops_keep(w, "id", id, sizeof id);
    assert_null(strstr(buf_string(&w->out), "\"key\""));
    assert_int_equal(add(w, &me, &stranger, challenge), -422); /* used */
    challenge_of(w, "auth.passkey-new", &me, challenge);
    assert_int_equal(json_size(w->answer, "exclude"), 1);
    assert_int_equal(add(w, &me, &d, challenge), -409);
    assert_string_equal(w->err.code, "passkey_exists");

    challenge_of(w, "auth.passkey-options", NULL, challenge);
    assert_int_equal(enter(w, &stranger, challenge, handle), -401);
    assert_string_equal(w->err.code, "passkey_unknown");
    assert_int_equal(enter(w, &d, challenge, "dXNfMA"), -401);
    d.counter = 2;
    assert_int_equal(enter(w, &d, challenge, handle), 200);
    assert_string_equal(ops_text(w, "second_factor"), "given");
    assert_string_equal(ops_text(w, "user.name"), "ann");
    ops_ok(w, 200, "audit.list", ROLE_ADMIN, "{\"limit\":1}");
    assert_string_equal(ops_text(w, "data[0].actor_kind"), "passkey");
    d.counter = 3;
    assert_int_equal(enter(w, &d, challenge, handle), -401); /* the challenge is spent */
    assert_string_equal(w->err.code, "challenge_over");
    challenge_of(w, "auth.passkey-options", NULL, challenge);
    d.counter = 2; /* a copy that lags behind */
    assert_int_equal(enter(w, &d, challenge, handle), -401);
    assert_string_equal(w->err.code, "passkey_copied");
    d.counter = 3;
    assert_int_equal(enter(w, &d, challenge, handle), 200);
    /* In place of the password, within a session; not in somebody else's. */
    ops_ok(w, 201, "user.create", ROLE_ADMIN,
           "{\"name\":\"bob\",\"role\":\"viewer\",\"password\":\"" PASSWORD "\"}");
    other = me;
    ops_keep(w, "id", other.user_id, sizeof other.user_id);
    challenge_of(w, "auth.passkey-options", NULL, challenge);
    d.counter = 4;
    assert_int_equal(give(w, "auth.passkey-confirm", &other, &d, challenge, handle), -422);
    assert_int_equal(give(w, "auth.passkey-confirm", &me, &d, challenge, handle), 200);
    assert_true(ops_text(w, "fresh_until")[0] != '\0');
    assert_int_equal(give(w, "auth.passkey-confirm", &me, &d, challenge, handle), -422);
    assert_int_equal(ops_call(w, "auth.me", &me, NULL, "{}"), 200);
    assert_true(json_bool(w->answer, "has_passkey", false));
    challenge_of(w, "auth.passkey-options", NULL, challenge);
#ifdef SETT_TEST
    setenv("SETT_CLOCK_OFFSET_S", "301", 1);
    d.counter = 5;
    assert_int_equal(enter(w, &d, challenge, handle), -401);
    assert_string_equal(w->err.code, "challenge_over");
    unsetenv("SETT_CLOCK_OFFSET_S");
#endif
    ops_ok(w, 200, "passkey.list", ROLE_ADMIN, "{\"user\":\"ann\"}");
    assert_int_equal(json_size(w->answer, "data"), 1);
    assert_string_equal(ops_text(w, "data[0].name"), "Laptop");
    (void)str_format(json, sizeof json, "{\"id\":\"%s\"}", id);
    assert_int_equal(ops_call(w, "passkey.revoke", &me, NULL, json), 200);
    challenge_of(w, "auth.passkey-options", NULL, challenge);
    assert_int_equal(enter(w, &d, challenge, handle), -401);
    ops_ok(w, 200, "user.delete", ROLE_ADMIN, "{\"id\":\"ann\"}");
    ops_ok(w, 200, "audit.verify", ROLE_ADMIN, "{}");
}

struct taker {
    struct ops_world *w;
    pthread_barrier_t *start;
    const char *challenge;
    bool taken;
};

static int take(struct txn *txn, void *arg, struct err *err)
{
    struct taker *t = arg;

    return passkey_challenge_take(txn, &t->w->box.web_key, PASSKEY_USE, "", t->challenge, err);
}

static void *taker(void *arg)
{
    struct taker *t = arg;
    struct err err;

    pthread_barrier_wait(t->start);
    t->taken = db_write(t->w->box.db, take, t, &err) == 0;
    return NULL;
}

static void a_challenge_is_taken_once(void **state)
{
    struct ops_world *w = *state;
    char challenge[PASSKEY_CHALLENGE_SIZE];
    pthread_barrier_t start;

    assert_int_equal(pthread_barrier_init(&start, NULL, 2), 0);
    for (int n = 0; n < 100; n++) {
        struct taker two[2];
        pthread_t threads[2];

        passkey_challenge(&w->box.web_key, PASSKEY_USE, "", clock_wall_ms(), challenge);
        for (int i = 0; i < 2; i++) {
            two[i] = (struct taker){.w = w, .start = &start, .challenge = challenge};
            assert_int_equal(pthread_create(&threads[i], NULL, taker, &two[i]), 0);
        }
        for (int i = 0; i < 2; i++)
            assert_int_equal(pthread_join(threads[i], NULL), 0);
        assert_int_equal(two[0].taken + two[1].taken, 1);
    }
    pthread_barrier_destroy(&start);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses),
        cmocka_unit_test(what_browsers_say),
        cmocka_unit_test(signatures),
        cmocka_unit_test_setup_teardown(added_and_used, open_world, close_world),
        cmocka_unit_test_setup_teardown(a_challenge_is_taken_once, open_world, close_world),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
