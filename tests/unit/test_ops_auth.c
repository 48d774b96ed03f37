/* Signing in, users, keys and sessions as operations: what is refused, what is recorded, what dies
 * at once. */
#include "ops_world.h"

#include "audit.h"
#include "auth.h"
#include "clock.h"
#include "passkey.h"
#include "routes.h"

#define PASSWORD "correct horse 7"

/* A box with an admin, and hashing made cheap. */
static int open_world(void **state)
{
    struct ops_world *w = calloc(1, sizeof *w);

    assert_non_null(w);
    ops_world_open(w);
    ops_ok(w, 200, "setting.set", ROLE_ADMIN, "{\"name\":\"auth.argon2_memory_mib\",\"value\":8}");
    ops_ok(w, 201, "user.create", ROLE_ADMIN,
           "{\"name\":\"Admin\",\"role\":\"admin\",\"password\":\"" PASSWORD "\"}");
    assert_string_equal(ops_text(w, "name"), "admin");
    assert_null(strstr(buf_string(&w->out), "argon2"));
    *state = w;
    return 0;
}

static int close_world(void **state)
{
    ops_world_close(*state);
    free(*state);
    return 0;
}

/* Sign in and become who that makes one. */
static int sign_in(struct ops_world *w, const char *name, const char *password, struct actor *actor)
{
    char json[512];
    struct actor nobody = ops_actor(ROLE_PUBLIC);
    struct auth_terms terms;
    struct identity identity;
    struct txn *txn;
    int r;

    (void)str_format(json, sizeof json, "{\"username\":\"%s\",\"password\":\"%s\"}", name,
                     password);
    if ((r = ops_call(w, "auth.login", &nobody, NULL, json)) != 200 || actor == NULL)
        return r;
    memset(actor, 0, sizeof *actor);
    assert_int_equal(db_read(&txn, w->box.db, &w->err), 0);
    assert_int_equal(auth_terms(txn, &w->box.conf, &terms, &w->err), 0);
    r = auth_by_token(txn, &terms, &w->box.web_key, ops_text(w, "access_token"), &identity,
                      &w->err);
    db_read_end(txn);
    assert_int_equal(r, 0);
    actor->role = identity.role;
    actor->fresh_at = identity.fresh_at;
    (void)str_copy(actor->kind, sizeof actor->kind, identity.kind);
    (void)str_copy(actor->id, sizeof actor->id, identity.id);
    (void)str_copy(actor->user_id, sizeof actor->user_id, identity.user_id);
    (void)str_copy(actor->customer_id, sizeof actor->customer_id, identity.customer_id);
    (void)str_copy(actor->session_id, sizeof actor->session_id, identity.session_id);
    return 200;
}

static void signing_in(void **state)
{
    struct ops_world *w = *state;
    struct actor me;
    char session[ID_SIZE];
    int64_t audits;

    assert_int_equal(sign_in(w, "ADMIN", PASSWORD, &me), 200);
    assert_string_equal(ops_text(w, "token_type"), "Bearer");
    assert_true(json_i64(w->answer, "expires_in", 0) > 0);
    assert_true(strlen(ops_text(w, "refresh_token")) >= 40);
    assert_string_equal(ops_text(w, "user.name"), "admin");
    assert_non_null(strstr(w->call.cookie, "HttpOnly"));
    assert_int_equal(me.role, ROLE_ADMIN);
    (void)str_copy(session, sizeof session, me.session_id);

    audits = ops_count(w, &audit_table);
    assert_int_equal(sign_in(w, "admin", "wrong password", NULL), -401);
    assert_string_equal(w->err.code, "credentials_wrong");
    assert_int_equal(sign_in(w, "nobody", PASSWORD, NULL), -401);
    assert_string_equal(w->err.code, "credentials_wrong");
    assert_int_equal(ops_count(w, &audit_table), audits + 2);
    ops_ok(w, 200, "audit.list", ROLE_ADMIN, "{\"limit\":3}");
    assert_string_equal(ops_text(w, "data[0].result"), "unauthenticated");
    assert_string_equal(ops_text(w, "data[0].action"), "auth.login");
    assert_null(strstr(buf_string(&w->out), "nobody"));
    assert_string_equal(ops_text(w, "data[1].object_id"), me.user_id);
    assert_string_equal(ops_text(w, "data[2].actor"), me.user_id);
    ops_ok(w, 200, "audit.verify", ROLE_ADMIN, "{}");

    assert_int_equal(ops_call(w, "auth.me", &me, NULL, "{}"), 200);
    assert_string_equal(ops_text(w, "role"), "admin");
    assert_int_equal(ops_call(w, "session.list", &me, NULL, "{}"), 200);
    assert_int_equal(json_size(w->answer, "data"), 1);
    assert_string_equal(ops_text(w, "data[0].id"), session);
    assert_int_equal(ops_call(w, "auth.logout", &me, NULL, "{}"), 200);
    ops_ok(w, 200, "session.list", ROLE_ADMIN, "{}");
    assert_int_equal(json_size(w->answer, "data"), 0);
}

/* A refresh token is good once. When it comes a second time the session dies, although the caller
 * is refused: the refusal is committed. */
static void a_stolen_refresh_token_ends_the_session(void **state)
{
    struct ops_world *w = *state;
    struct actor nobody = ops_actor(ROLE_PUBLIC), me;
    char first[256], second[256];
    int64_t audits;

    assert_int_equal(sign_in(w, "admin", PASSWORD, &me), 200);
    (void)str_format(first, sizeof first, "{\"refresh_token\":\"%s\"}",
                     ops_text(w, "refresh_token"));
    assert_int_equal(ops_call(w, "auth.refresh", &nobody, NULL, first), 200);
    (void)str_format(second, sizeof second, "{\"refresh_token\":\"%s\"}",
                     ops_text(w, "refresh_token"));
    assert_string_not_equal(first, second);
    ops_ok(w, 200, "session.list", ROLE_ADMIN, "{}");
    assert_int_equal(json_size(w->answer, "data"), 1);
    audits = ops_count(w, &audit_table);
    assert_int_equal(ops_call(w, "auth.refresh", &nobody, NULL, first), -401);
    ops_ok(w, 200, "session.list", ROLE_ADMIN, "{}");
    assert_int_equal(json_size(w->answer, "data"), 0);
    assert_int_equal(ops_count(w, &audit_table), audits + 1);
    assert_int_equal(ops_call(w, "auth.refresh", &nobody, NULL, second), -401);
}

static void users_are_kept_in_order(void **state)
{
    struct ops_world *w = *state;
    struct actor me, ann;
    char id[ID_SIZE];

    ops_no(w, 409, "last_admin", "user.update", ROLE_ADMIN, "{\"id\":\"admin\",\"disabled\":true}");
    ops_no(w, 409, "last_admin", "user.update", ROLE_ADMIN,
           "{\"id\":\"admin\",\"role\":\"operator\"}");
    ops_no(w, 409, "last_admin", "user.delete", ROLE_ADMIN, "{\"id\":\"admin\"}");
    assert_int_equal(ops_do(w, "user.create", ROLE_ADMIN,
                            "{\"name\":\"ann\",\"role\":\"viewer\",\"password\":\"short\"}"),
                     -422);
    assert_string_equal(w->err.field, "password");
    assert_int_equal(ops_do(w, "user.create", ROLE_ADMIN, "{\"name\":\"ann\",\"role\":\"public\"}"),
                     -422);
    assert_string_equal(w->err.field, "role");
    assert_int_equal(
        ops_do(w, "user.create", ROLE_ADMIN, "{\"name\":\"ann\",\"role\":\"customer\"}"), -422);
    assert_string_equal(w->err.field, "customer_id");
    ops_ok(w, 201, "user.create", ROLE_ADMIN,
           "{\"name\":\"ann\",\"role\":\"viewer\",\"password\":\"" PASSWORD "\"}");
    ops_keep(w, "id", id, sizeof id);
    ops_no(w, 409, w->err.code, "user.create", ROLE_ADMIN,
           "{\"name\":\"ANN\",\"role\":\"viewer\"}");
    assert_int_equal(sign_in(w, "ann", PASSWORD, &ann), 200);
    assert_int_equal(ops_call(w, "user.list", &ann, NULL, "{}"), -403);
    assert_int_equal(sign_in(w, "admin", PASSWORD, &me), 200);
    /* Others' sessions do not exist for those who are no admin. */
    {
        char json[128];
        (void)str_format(json, sizeof json, "{\"id\":\"%s\"}", me.session_id);
        assert_int_equal(ops_call(w, "session.revoke", &ann, NULL, json), -404);
        (void)str_format(json, sizeof json, "{\"id\":\"%s\"}", ann.session_id);
        assert_int_equal(ops_call(w, "session.revoke", &me, NULL, json), 200);
    }
    assert_int_equal(sign_in(w, "ann", PASSWORD, &ann), 200);
    assert_int_equal(ops_call(w, "user.password", &ann, NULL,
                              "{\"current_password\":\"no\",\"new_password\":\"another one 9\"}"),
                     -422);
    assert_string_equal(w->err.field, "current_password");
    assert_int_equal(ops_call(w, "user.password", &ann, NULL,
                              "{\"current_password\":\"" PASSWORD "\",\"new_password\":\"x\"}"),
                     -422);
    assert_string_equal(w->err.field, "new_password");
    assert_int_equal(ops_call(w, "user.password", &ann, NULL,
                              "{\"current_password\":\"" PASSWORD
                              "\",\"new_password\":\"another one 9\"}"),
                     200);
    assert_int_equal(sign_in(w, "ann", PASSWORD, NULL), -401);
    assert_int_equal(sign_in(w, "ann", "another one 9", NULL), 200);
    ops_ok(w, 200, "user.update", ROLE_ADMIN, "{\"id\":\"%s\",\"disabled\":true}", id);
    assert_int_equal(sign_in(w, "ann", "another one 9", NULL), -401);
    ops_ok(w, 200, "user.update", ROLE_ADMIN,
           "{\"id\":\"%s\",\"disabled\":false,\"password\":\"a third one 5\"}", id);
    assert_int_equal(sign_in(w, "ann", "a third one 5", NULL), 200);
    ops_ok(w, 200, "user.delete", ROLE_ADMIN, "{\"id\":\"ann\"}");
    assert_true(json_bool(w->answer, "deleted", false));
    assert_int_equal(sign_in(w, "ann", "a third one 5", NULL), -401);
}

static void a_key_is_shown_once(void **state)
{
    struct ops_world *w = *state;
    struct actor admin = ops_actor(ROLE_ADMIN);
    struct ops_extra again = {.key = "k1"};
    struct identity identity;
    struct txn *txn;
    char key[AUTH_KEY_SIZE], id[ID_SIZE];

    assert_int_equal(ops_call(w, "key.create", &admin, &again,
                              "{\"name\":\"deploy\",\"user\":\"admin\",\"role\":\"operator\"}"),
                     201);
    ops_keep(w, "key", key, sizeof key);
    ops_keep(w, "id", id, sizeof id);
    assert_int_equal(db_read(&txn, w->box.db, &w->err), 0);
    assert_int_equal(auth_by_key(txn, key, "192.0.2.5", &identity, &w->err), 0);
    db_read_end(txn);
    assert_int_equal(identity.role, ROLE_OPERATOR);
    ops_ok(w, 200, "key.list", ROLE_ADMIN, "{}");
    assert_null(strstr(buf_string(&w->out), key));
    /* The answer to the same request is not kept, for it would show the key again. */
    assert_int_equal(ops_call(w, "key.create", &admin, &again,
                              "{\"name\":\"deploy\",\"user\":\"admin\",\"role\":\"operator\"}"),
                     -409);
    assert_string_equal(w->err.code, "idempotency_secret");
    ops_ok(w, 200, "key.list", ROLE_ADMIN, "{}");
    assert_int_equal(json_size(w->answer, "data"), 1);
    ops_ok(w, 200, "key.revoke", ROLE_ADMIN, "{\"id\":\"%s\"}", id);
    assert_true(str_starts(ops_text(w, "revoked_at"), "20"));
    assert_int_equal(db_read(&txn, w->box.db, &w->err), 0);
    assert_int_equal(auth_by_key(txn, key, "192.0.2.5", &identity, &w->err), -1);
    db_read_end(txn);
    assert_int_equal(ops_do(w, "key.create", ROLE_ADMIN, "{\"name\":\"x\",\"user\":\"nobody\"}"),
                     -422);
    assert_int_equal(
        ops_do(w, "key.create", ROLE_ADMIN,
               "{\"name\":\"x\",\"user\":\"admin\",\"expires_at\":\"2020-01-01T00:00:00Z\"}"),
        -422);
}

static bool resolves(const struct cJSON *doc, const char *ref)
{
    char path[160] = "";

    if (!str_starts(ref, "#/"))
        return false;
    (void)str_copy(path, sizeof path, ref + 2);
    for (char *p = path; *p != '\0'; p++)
        if (*p == '/')
            *p = '.';
    return json_at(doc, path) != NULL;
}

/* What is kept of a request has its password in it, and the store is in every snapshot: without the
 * key, which is not, nobody may be able to try passwords against it. */
static void a_kept_request_says_nothing_of_its_password(void **state)
{
    struct ops_world *w = *state;
    struct actor nobody = ops_actor(ROLE_PUBLIC);
    struct ops_extra again = {.key = "k2"};
    static const char json[] = "{\"username\":\"admin\",\"password\":\"" PASSWORD "\"}";

    assert_int_equal(ops_call(w, "auth.login", &nobody, &again, json), 200);
    assert_int_equal(ops_call(w, "auth.login", &nobody, &again, json), -409);
    assert_string_equal(w->err.code, "idempotency_secret");
    w->box.web_key.token[0] ^= 1;
    assert_int_equal(ops_call(w, "auth.login", &nobody, &again, json), -422);
    assert_string_equal(w->err.code, "idempotency_mismatch");
}

/* How one signs in, and where links lead and letters go, is not changed with a session that was
 * found open, nor with a key. */
static void how_one_signs_in_needs_the_password(void **state)
{
    static const char *const guarded[] = {
        "auth.second_factor", "auth.session_hours",     "box.url", "smtp.url", "smtp.tls",
        "mail.from",          "limits.login_per_minute"};
    struct ops_world *w = *state;
    struct actor admin;
    char json[200];

    assert_int_equal(sign_in(w, "admin", PASSWORD, &admin), 200);
    admin.fresh_at -= AUTH_FRESH_MS + 1;
    for (size_t i = 0; i < sizeof guarded / sizeof guarded[0]; i++) {
        (void)str_format(json, sizeof json, "{\"name\":\"%s\",\"value\":\"\"}", guarded[i]);
        assert_int_equal(ops_call(w, "setting.set", &admin, NULL, json), -403);
        assert_string_equal(w->err.code, "password_needed");
    }
    assert_int_equal(ops_call(w, "setting.set", &admin, NULL,
                              "{\"name\":\"ports.ranges\",\"value\":\"3100-3999\"}"),
                     200);
    assert_int_equal(sign_in(w, "admin", PASSWORD, &admin), 200);
    assert_int_equal(ops_call(w, "setting.set", &admin, NULL,
                              "{\"name\":\"auth.session_hours\",\"value\":\"8\"}"),
                     200);
}

static int add_passkeys(struct txn *txn, void *arg, struct err *err)
{
    struct passkey own = {.key_len = 32}, other = {.key_len = 32, .credential_hash = {1}};

    memcpy(own.user_id, arg, sizeof own.user_id);
    id_make(own.id, "pk");
    id_make(other.id, "pk");
    id_make(other.user_id, "us");
    (void)str_copy(own.name, sizeof own.name, "mine");
    return record_put(txn, &passkey_table, &own, err) != 0
               ? -1
               : record_put(txn, &passkey_table, &other, err);
}

static void customers_take_their_own_passkeys_back(void **state)
{
    struct ops_world *w = *state;
    char customer[ID_SIZE], id[ID_SIZE], json[200];
    struct actor ann;

    ops_ok(w, 201, "customer.create", ROLE_ADMIN,
           "{\"name\":\"Ann\",\"email\":\"ann@example.com\"}");
    ops_keep(w, "id", customer, sizeof customer);
    ops_ok(w, 201, "user.create", ROLE_ADMIN,
           "{\"name\":\"ann\",\"role\":\"customer\",\"customer_id\":\"%s\",\"password\":\"" PASSWORD
           "\"}",
           customer);
    assert_int_equal(sign_in(w, "ann", PASSWORD, &ann), 200);
    (void)str_copy(ann.customer_id, sizeof ann.customer_id, customer);
    assert_int_equal(db_write(w->box.db, add_passkeys, ann.user_id, &w->err), 0);
    assert_int_equal(ops_call(w, "passkey.list", &ann, NULL, "{}"), 200);
    assert_int_equal(json_size(w->answer, "data"), 1);
    assert_string_equal(ops_text(w, "data[0].name"), "mine");
    ops_keep(w, "data[0].id", id, sizeof id);
    (void)str_format(json, sizeof json, "{\"id\":\"%s\"}", id);
    assert_int_equal(ops_call(w, "passkey.revoke", &ann, NULL, json), 200);
    ops_ok(w, 200, "passkey.list", ROLE_ADMIN, "{}");
    assert_int_equal(json_size(w->answer, "data"), 1);
    ops_keep(w, "data[0].id", id, sizeof id);
    (void)str_format(json, sizeof json, "{\"id\":\"%s\"}", id);
    assert_int_equal(ops_call(w, "passkey.revoke", &ann, NULL, json), -404);
}

static void check_refs(const struct cJSON *doc, const struct cJSON *node)
{
    const struct cJSON *item = NULL;

    if (json_type(node) != JSON_OBJECT && json_type(node) != JSON_ARRAY)
        return;
    while ((item = json_next(node, item)) != NULL) {
        const char *name = json_name(item);
        if (name != NULL && str_equal(name, "$ref") && !resolves(doc, json_text(item, "", "")))
            fail_msg("%s leads nowhere", json_text(item, "", ""));
        check_refs(doc, item);
    }
}

/* The document has every route with its role, and points at nothing that is not in it. */
static void the_api_describes_itself(void **state)
{
    struct ops_world *w = *state;
    const struct cJSON *paths, *path = NULL, *method;
    size_t operations = 0;

    ops_no(w, 404, "no_api", "openapi", ROLE_PUBLIC, "{}");
    w->box.routes = route_table;
    w->box.route_count = route_count;
    ops_ok(w, 200, "openapi", ROLE_PUBLIC, "{}");
    assert_string_equal(ops_text(w, "openapi"), "3.1.0");
    paths = json_at(w->answer, "paths");
    while ((path = json_next(paths, path)) != NULL)
        for (method = NULL; (method = json_next(path, method)) != NULL; operations++) {
            const struct op *op = op_find(json_text(method, "operationId", ""));
            if (op != NULL)
                assert_string_equal(json_text(method, "x-role", ""), role_names[op->role]);
            assert_non_null(json_at(method, "responses.default"));
            assert_non_null(json_at(method, "summary"));
        }
    assert_int_equal(operations, route_count);
    check_refs(w->answer, w->answer);
    assert_non_null(json_at(w->answer, "components.schemas.tenant.properties.limits"));
    assert_non_null(json_at(w->answer, "components.schemas.tenant.properties.container_id"));
    assert_null(json_at(w->answer, "components.schemas.user.properties.password"));
}

int main(void)
{
#define TEST(f_) cmocka_unit_test_setup_teardown(f_, open_world, close_world)
    const struct CMUnitTest tests[] = {
        TEST(signing_in),
        TEST(a_stolen_refresh_token_ends_the_session),
        TEST(users_are_kept_in_order),
        TEST(a_key_is_shown_once),
        TEST(a_kept_request_says_nothing_of_its_password),
        TEST(how_one_signs_in_needs_the_password),
        TEST(customers_take_their_own_passkeys_back),
        TEST(the_api_describes_itself),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
