/* Sign-in, tokens and keys: nothing changed, old, stolen or taken back gets in. */
#include "domain_world.h"

#include "auth.h"
#include "enc.h"

#include <sodium.h>

static struct world *w;
static struct auth_terms terms;
static struct web_key key;
static struct user alice;

static int add_user(struct txn *txn, void *arg, struct err *err)
{
    return user_new(txn, arg, err);
}

static void make_user(struct user *user, const char *name, enum role role)
{
    memset(user, 0, sizeof *user);
    (void)str_copy(user->name, sizeof user->name, name);
    (void)str_copy(user->password, sizeof user->password, "$argon2id$not-asked-here");
    user->role = role;
    must_write(w, add_user, user);
}

static int set_up(void **state)
{
    struct err err = {0};

    (void)state;
    w = world_new();
    assert_int_equal(sodium_init() >= 0, 1);
    assert_int_equal(auth_terms(NULL, NULL, &terms, &err), 0);
    terms.argon2_mib = 8; /* as little as there is: the tests are of the logic */
    terms.argon2_passes = 1;
    randombytes_buf(key.csrf, sizeof key.csrf);
    randombytes_buf(key.token, sizeof key.token);
    randombytes_buf(key.seal, sizeof key.seal);
    make_user(&alice, "Alice", ROLE_ADMIN);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    world_end(w);
    return 0;
}

struct sign_in {
    struct user user;
    struct auth_grant grant;
};

static int sign_in(struct txn *txn, void *arg, struct err *err)
{
    struct sign_in *s = arg;
    return auth_sign_in(txn, &terms, &key, &s->user, "127.0.0.1", "test", &s->grant, err);
}

static struct auth_grant sign_in_as(const struct user *user)
{
    struct sign_in s = {.user = *user};

    must_write(w, sign_in, &s);
    return s.grant;
}

static int by_cookie(const char *cookie, struct identity *who, struct err *err)
{
    struct txn *txn = must_read(w);
    int result = auth_by_cookie(txn, &terms, cookie, who, err);

    db_read_end(txn);
    return result;
}

static int by_token(const char *token, struct identity *who, struct err *err)
{
    struct txn *txn = must_read(w);
    int result = auth_by_token(txn, &terms, &key, token, who, err);

    db_read_end(txn);
    return result;
}

static int by_key(const char *text, struct identity *who, struct err *err)
{
    struct txn *txn = must_read(w);
    int result = auth_by_key(txn, text, "192.0.2.5", who, err);

    db_read_end(txn);
    return result;
}

static void signed_in(void **state)
{
    struct auth_grant grant = sign_in_as(&alice);
    struct identity who;
    struct err err = {0};
    char header[AUTH_COOKIE_SIZE];

    (void)state;
    assert_string_equal(alice.name, "alice");
    assert_int_equal(by_cookie(grant.cookie, &who, &err), 0);
    assert_string_equal(who.kind, "cookie");
    assert_string_equal(who.user_id, alice.id);
    assert_string_equal(who.session_id, grant.session_id);
    assert_int_equal(who.role, ROLE_ADMIN);
    assert_true(who.fresh_at > 0);
    assert_false(who.touch);
    assert_int_equal(by_token(grant.access_token, &who, &err), 0);
    assert_string_equal(who.kind, "token");
    assert_int_equal(grant.expires_in_s, 600);
    assert_true(auth_csrf_right(&key, grant.session_id, grant.csrf));
    assert_false(auth_csrf_right(&key, "ses_other", grant.csrf));
    assert_false(auth_csrf_right(&key, grant.session_id, ""));
    auth_cookie_header(&terms, grant.cookie, header);
    assert_true(str_starts(header, "sett="));
    assert_non_null(strstr(header, "HttpOnly; SameSite=Strict"));
    terms.secure = true;
    auth_cookie_header(&terms, "", header);
    assert_true(str_starts(header, "__Host-sett=; Path=/"));
    assert_non_null(strstr(header, "Secure"));
    assert_non_null(strstr(header, "Max-Age=0"));
    world_sound(w);
}

static void token_as_cookie_and_the_other_way(void **state)
{
    struct auth_grant grant = sign_in_as(&alice);
    struct identity who;
    struct err err;

    (void)state;
    assert_int_equal(by_cookie(grant.refresh_token, &who, &err), -1);
    assert_int_equal(by_cookie(grant.access_token, &who, &err), -1);
    assert_int_equal(by_token(grant.refresh_token, &who, &err), -1);
    assert_int_equal(by_token(grant.cookie, &who, &err), -1);
    assert_int_equal(by_key(grant.access_token, &who, &err), -1);
    assert_int_equal(by_cookie("", &who, &err), -1);
    assert_int_equal(by_token("", &who, &err), -1);
}

/* No byte of a token may be another, missing, or one more. */
static void no_mutation_of_a_token(void **state)
{
    struct auth_grant grant = sign_in_as(&alice);
    size_t len = strlen(grant.access_token);
    char text[AUTH_TOKEN_SIZE + 8];
    struct identity who;
    struct err err;

    (void)state;
    for (size_t i = 0; i < len; i++) {
        for (int bit = 0; bit < 7; bit++) {
            memcpy(text, grant.access_token, len + 1);
            text[i] = (char)(text[i] ^ 1 << bit);
            if (text[i] == '\0')
                continue;
            assert_int_equal(by_token(text, &who, &err), -1);
            assert_int_equal(err.kind, ERR_UNAUTHENTICATED);
        }
        memcpy(text, grant.access_token, i);
        text[i] = '\0'; /* cut */
        assert_int_equal(by_token(text, &who, &err), -1);
        memcpy(text + i, grant.access_token + i + 1, len - i); /* one byte less */
        assert_int_equal(by_token(text, &who, &err), -1);
    }
    (void)str_format(text, sizeof text, "%s=", grant.access_token);
    assert_int_equal(by_token(text, &who, &err), -1);
    (void)str_format(text, sizeof text, "%s.", grant.access_token);
    assert_int_equal(by_token(text, &who, &err), -1);
    (void)str_format(text, sizeof text, " %s", grant.access_token);
    assert_int_equal(by_token(text, &who, &err), -1);
}

struct refresh {
    const char *token;
    struct auth_grant grant;
    struct err err;
    int result;
};

/* As an operation does it: a theft is committed although it is refused. */
static int refresh(struct txn *txn, void *arg, struct err *err)
{
    struct refresh *r = arg;

    r->result = auth_refresh(txn, &terms, &key, r->token, &r->grant, err);
    r->err = *err;
    return r->result < 0 ? -1 : 0;
}

static int refresh_with(const char *token, struct auth_grant *grant)
{
    struct refresh r = {.token = token};
    struct err err;

    (void)db_write(w->db, refresh, &r, &err);
    if (r.result == 0)
        *grant = r.grant;
    return r.result;
}

static void refreshed_and_stolen(void **state)
{
    struct auth_grant first = sign_in_as(&alice);
    struct auth_grant second;
    struct auth_grant third;
    struct auth_grant other = sign_in_as(&alice);
    struct identity who;
    struct err err;

    (void)state;
    assert_int_equal(refresh_with(first.refresh_token, &second), 0);
    assert_string_equal(second.session_id, first.session_id);
    assert_string_not_equal(second.refresh_token, first.refresh_token);
    assert_int_equal(by_token(second.access_token, &who, &err), 0);
    assert_int_equal(refresh_with(second.refresh_token, &third), 0);
    assert_int_equal(by_cookie(first.cookie, &who, &err), 0);
    /* The very first comes again, two turns later: the session ends for everybody. */
    assert_int_equal(refresh_with(first.refresh_token, &second), 1);
    assert_int_equal(refresh_with(third.refresh_token, &second), -1);
    assert_int_equal(by_token(third.access_token, &who, &err), -1);
    assert_int_equal(by_cookie(first.cookie, &who, &err), -1);
    assert_int_equal(by_cookie(other.cookie, &who, &err), 0); /* another session lives */
    assert_int_equal(refresh_with("", &second), -1);
    assert_int_equal(refresh_with("nonsense", &second), -1);
    world_sound(w);
}

/* Somebody who knows a session's id alone cannot end it. */
static void no_forged_refresh(void **state)
{
    struct auth_grant grant = sign_in_as(&alice);
    char forged[AUTH_SECRET_SIZE];
    struct auth_grant out;
    uint8_t bytes[64];
    struct identity who;
    struct err err;

    (void)state;
    randombytes_buf(bytes, sizeof bytes);
    assert_int_equal(id_bytes(grant.session_id, "ses", bytes), 0);
    assert_true(enc_base64url(forged, sizeof forged, bytes, sizeof bytes) > 0);
    assert_int_equal(refresh_with(forged, &out), -1);
    assert_int_equal(by_cookie(grant.cookie, &who, &err), 0);
}

static int change_password(struct txn *txn, void *arg, struct err *err)
{
    return auth_password_set(txn, alice.id, "$argon2id$another", arg, err);
}

static int disable(struct txn *txn, void *arg, struct err *err)
{
    struct user user = {0};

    (void)str_copy(user.id, sizeof user.id, arg);
    if (record_get(txn, &user_table, &user, err) != 1)
        return -1;
    user.disabled = true;
    return auth_user_put(txn, &user, err);
}

static int demote(struct txn *txn, void *arg, struct err *err)
{
    struct user user = {0};

    (void)str_copy(user.id, sizeof user.id, arg);
    if (record_get(txn, &user_table, &user, err) != 1)
        return -1;
    user.role = ROLE_VIEWER;
    return auth_user_put(txn, &user, err);
}

static int end_session(struct txn *txn, void *arg, struct err *err)
{
    return auth_session_end(txn, arg, err) == 1 ? 0 : -1;
}

static int remove_user(struct txn *txn, void *arg, struct err *err)
{
    return auth_user_delete(txn, arg, err);
}

static void taken_back_at_once(void **state)
{
    struct auth_grant mine = sign_in_as(&alice);
    struct auth_grant other = sign_in_as(&alice);
    struct user bob;
    struct auth_grant his;
    struct auth_grant out;
    struct identity who;
    struct err err;

    (void)state;
    must_write(w, change_password, mine.session_id);
    assert_int_equal(by_cookie(mine.cookie, &who, &err), 0);       /* spared */
    assert_int_equal(by_token(mine.access_token, &who, &err), -1); /* of the old epoch */
    assert_int_equal(by_cookie(other.cookie, &who, &err), -1);
    assert_int_equal(by_token(other.access_token, &who, &err), -1);
    assert_int_equal(refresh_with(other.refresh_token, &out), -1);
    struct sign_in late = {.user = alice}; /* the password was checked before it was changed */
    refuse_write(w, sign_in, &late, "credentials_wrong");
    make_user(&bob, "bob@example.com", ROLE_OPERATOR);
    his = sign_in_as(&bob);
    must_write(w, end_session, his.session_id);
    assert_int_equal(by_cookie(his.cookie, &who, &err), -1);
    assert_int_equal(by_token(his.access_token, &who, &err), -1);
    his = sign_in_as(&bob);
    must_write(w, demote, bob.id);
    assert_int_equal(by_token(his.access_token, &who, &err), -1);
    bob.epoch++;
    his = sign_in_as(&bob);
    must_write(w, disable, bob.id);
    assert_int_equal(by_token(his.access_token, &who, &err), -1);
    assert_int_equal(by_cookie(his.cookie, &who, &err), -1);
    bob.epoch++;
    refuse_write(w, sign_in, &(struct sign_in){.user = bob}, "credentials_wrong");
    must_write(w, remove_user, bob.id);
    refuse_write(w, remove_user, bob.id, "user_not_found");
    world_sound(w);
}

static void the_last_admin_stays(void **state)
{
    struct user second;

    (void)state;
    refuse_write(w, disable, alice.id, "last_admin");
    refuse_write(w, demote, alice.id, "last_admin");
    refuse_write(w, remove_user, alice.id, "last_admin");
    make_user(&second, "second", ROLE_ADMIN);
    must_write(w, demote, alice.id);
    refuse_write(w, disable, second.id, "last_admin");
}

static int touch(struct txn *txn, void *arg, struct err *err)
{
    return auth_touch(txn, arg, err);
}

static int prune(struct txn *txn, void *arg, struct err *err)
{
    *(int *)arg = auth_sessions_prune(txn, 100, err);
    return *(int *)arg < 0 ? -1 : 0;
}

static void idle_and_absolute_end(void **state)
{
    struct auth_grant grant = sign_in_as(&alice);
    struct auth_grant out;
    struct identity who;
    struct err err;
    int pruned = 0;

    (void)state;
    world_wait(w, 61);
    assert_int_equal(by_cookie(grant.cookie, &who, &err), 0);
    assert_true(who.touch);
    must_write(w, touch, &who);
    assert_int_equal(by_cookie(grant.cookie, &who, &err), 0);
    assert_false(who.touch);
    world_wait(w, 29 * 60);
    assert_int_equal(by_cookie(grant.cookie, &who, &err), 0);
    assert_int_equal(by_token(grant.access_token, &who, &err), -1);
    assert_string_equal(err.code, "token_expired");
    world_wait(w, 61);
    assert_int_equal(by_cookie(grant.cookie, &who, &err), -1); /* idle */
    assert_int_equal(refresh_with(grant.refresh_token, &out), -1);
    grant = sign_in_as(&alice);
    for (int i = 0; i < 26; i++) { /* kept busy, it ends after 12 hours all the same */
        world_wait(w, 28 * 60);
        if (by_cookie(grant.cookie, &who, &err) != 0)
            break;
        must_write(w, touch, &who);
    }
    assert_int_equal(by_cookie(grant.cookie, &who, &err), -1);
    must_write(w, prune, &pruned);
    assert_int_equal(pruned, 2);
}

struct new_key {
    struct api_key record;
    char text[AUTH_KEY_SIZE];
};

static int add_key(struct txn *txn, void *arg, struct err *err)
{
    struct new_key *k = arg;
    return auth_key_new(txn, &k->record, k->text, err);
}

static int revoke_key(struct txn *txn, void *arg, struct err *err)
{
    return auth_key_revoke(txn, arg, err) == 1 ? 0 : -1;
}

static void keys(void **state)
{
    struct new_key k = {.record = {.role = ROLE_VIEWER}};
    struct new_key high = {.record = {.role = ROLE_ADMIN}};
    struct user bob;
    struct identity who;
    struct err err;
    char text[AUTH_KEY_SIZE];

    (void)state;
    make_user(&bob, "bob", ROLE_OPERATOR);
    (void)str_copy(k.record.user_id, sizeof k.record.user_id, bob.id);
    (void)str_copy(high.record.user_id, sizeof high.record.user_id, bob.id);
    refuse_write(w, add_key, &high, "role_too_high");
    must_write(w, add_key, &k);
    assert_true(auth_is_key(k.text));
    assert_non_null(strstr(k.text, k.record.id));
    assert_int_equal(by_key(k.text, &who, &err), 0);
    assert_string_equal(who.kind, "key");
    assert_int_equal(who.role, ROLE_VIEWER);
    assert_int_equal(who.fresh_at, 0);
    assert_true(who.touch);
    must_write(w, touch, &who);
    assert_int_equal(by_key(k.text, &who, &err), 0);
    assert_false(who.touch);
    for (size_t i = 0; i < strlen(k.text); i++) {
        (void)str_copy(text, sizeof text, k.text);
        text[i] = text[i] == 'x' ? 'y' : 'x';
        assert_int_equal(by_key(text, &who, &err), -1);
        text[i] = '\0';
        assert_int_equal(by_key(text, &who, &err), -1);
    }
    must_write(w, disable, bob.id);
    assert_int_equal(by_key(k.text, &who, &err), -1);
    (void)str_copy(k.record.user_id, sizeof k.record.user_id, alice.id);
    k.record.expires_at = clock_wall_ms() + 60000;
    must_write(w, add_key, &k);
    assert_int_equal(by_key(k.text, &who, &err), 0);
    must_write(w, revoke_key, k.record.id);
    assert_int_equal(by_key(k.text, &who, &err), -1);
    must_write(w, remove_user, bob.id); /* with its key */
    world_sound(w);
}

static void key_expires(void **state)
{
    struct new_key k = {.record = {.role = ROLE_VIEWER}};
    struct identity who;
    struct err err;

    (void)state;
    (void)str_copy(k.record.user_id, sizeof k.record.user_id, alice.id);
    k.record.expires_at = clock_wall_ms() + 60000;
    must_write(w, add_key, &k);
    assert_int_equal(by_key(k.text, &who, &err), 0);
    world_wait(w, 61);
    assert_int_equal(by_key(k.text, &who, &err), -1);
    assert_string_equal(err.code, "key_expired");
}

#define CASE(name_) cmocka_unit_test_setup_teardown(name_, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(signed_in),
        CASE(token_as_cookie_and_the_other_way),
        CASE(no_mutation_of_a_token),
        CASE(refreshed_and_stolen),
        CASE(no_forged_refresh),
        CASE(taken_back_at_once),
        CASE(the_last_admin_stays),
        CASE(idle_and_absolute_end),
        CASE(keys),
        CASE(key_expires),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
