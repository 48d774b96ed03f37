/*
 * Container engines on other machines. What is there is not touched from here: the worker asks them
 * and has the links made that lead to them.
 */
#include "nouns.h"

#include "container_engine.h"
#include "enquire.h"
#include "list.h"
#include "object.h"
#include "params.h"
#include "setting.h"
#include "ssh_key.h"
#include "str.h"

#include <arpa/inet.h>
#include <string.h>

#define TEST_WAIT_MS 60000
#define PEM_SIZE     (ENGINE_PEM_MAX + 1)

struct engine_params {
    char id[96], name[32], url[256], publish[48], host_key[SSH_KEY_LINE_SIZE];
    char ca[PEM_SIZE], cert[PEM_SIZE], key[PEM_SIZE];
};

#define SHARED                                                                                     \
    FIELD(struct engine_params, publish, FIELD_TEXT,                                               \
          .help = "address of its machine, on a private network, that tenants' ports are bound to" \
                  "; ssh needs none"),                                                             \
        FIELD(struct engine_params, host_key, FIELD_TEXT,                                          \
              .help = "ssh: what its machine must prove to be, SHA256:… or the key itself"),       \
        FIELD(struct engine_params, ca, FIELD_TEXT, .flags = FIELD_FREE,                           \
              .help = "tcp: certificate of the authority that signed the engine's (PEM)"),         \
        FIELD(struct engine_params, cert, FIELD_TEXT, .flags = FIELD_FREE,                         \
              .help = "tcp: the certificate that we show (PEM)"),                                  \
        FIELD(struct engine_params, key, FIELD_TEXT, .flags = FIELD_SECRET | FIELD_FREE,           \
              .help = "tcp: its private key (PEM); it is sealed")
static const struct field add_rows[] = {
    FIELD(struct engine_params, name, FIELD_TEXT, .flags = FIELD_REQUIRED | FIELD_SLUG,
          .help = "its name, for plans and blueprints"),
    FIELD(struct engine_params, url, FIELD_TEXT, .flags = FIELD_REQUIRED,
          .help = "tcp://host:2376, or ssh://user@host:22/path/of/its.sock"),
    SHARED,
};
static const struct field update_rows[] = {
    ID_FIELD(struct engine_params),
    FIELD(struct engine_params, url, FIELD_TEXT, .help = "where it is"),
    SHARED,
};

static const struct field check_rows[] = {
    {.name = "engine_id", .type = FIELD_TEXT, .size = ID_SIZE, .help = "the engine"},
    {.name = "ok", .type = FIELD_BOOL, .size = 1, .help = "tenants can live there"},
    {.name = "version", .type = FIELD_TEXT, .size = 64, .help = "what it is"},
    {.name = "took_ms", .type = FIELD_U64, .size = 8, .help = "how long it took to answer"},
};
static const struct fields tested = {check_rows, sizeof check_rows / sizeof check_rows[0], 0};

static const struct view view_engine = {"engine", &container_engine_table, NULL};

/* ---- checks ---- */

static int check_publish(const struct container_engine *e, struct err *err)
{
    struct in_addr in;

    if (e->publish[0] == '\0' && e->kind == ENGINE_TLS) {
        (void)err_field(err, "publish", "publish_missing",
                        "over tcp only the engine is reached, not what it publishes on its "
                        "loopback");
        return err_hint(err, "--publish with its machine's address on a network that this box and "
                             "nobody else reaches, or ssh:// instead, which needs none");
    }
    if (e->publish[0] != '\0' &&
        (inet_pton(AF_INET, e->publish, &in) != 1 || in.s_addr == htonl(INADDR_ANY)))
        return err_field(err, "publish", "publish_invalid",
                         "\"%.47s\" is not the IPv4 address of one interface", e->publish);
    return 0;
}

static int check_host_key(const struct container_engine *e, struct err *err)
{
    bool print =
        str_starts(e->host_key, "SHA256:") && strlen(e->host_key) == SSH_KEY_PRINT_SIZE - 2;

    if (e->host_key[0] == '\0' || (e->kind == ENGINE_SSH && (print || ssh_key_line(e->host_key))))
        return 0;
    if (e->kind != ENGINE_SSH)
        return err_field(err, "host_key", "host_key_needless", "only ssh knows host keys");
    (void)err_field(err, "host_key", "host_key_invalid", "that is no host key");
    return err_hint(err, "SHA256:… as ssh-keygen -lf says on that machine, of one of its "
                         "/etc/ssh/ssh_host_*_key.pub");
}

/* ${text} begins as a PEM of this kind and ends as one. */
static int check_pem(const char *name, const char *text, const char *kind, struct err *err)
{
    if (str_starts(text, "-----BEGIN ") && strstr(text, kind) != NULL &&
        strstr(text, "-----END ") != NULL)
        return 0;
    return err_field(err, name, "pem_invalid", "that is no %s in PEM", kind);
}

static int seal_one(struct op_call *call, const struct container_engine *e, const char *part,
                    const char *text, struct err *err)
{
    char name[96];

    container_engine_secret_name(name, e->id, part);
    return secret_set(call->txn, &call->box->vault, name, text, strlen(text), err);
}

/* What it takes to be let in, over TLS: all three at first, then what is given. */
static int seal(struct op_call *call, const struct container_engine *e, bool first, struct err *err)
{
    const struct engine_params *p = call->params;
    const struct {
        const char *param, *part, *text, *kind;
    } parts[] = {{"ca", "ca", p->ca, "CERTIFICATE"},
                 {"cert", "certificate", p->cert, "CERTIFICATE"},
                 {"key", "key", p->key, "PRIVATE KEY"}};

    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        if (!op_given(call, parts[i].param)) {
            if (!first || e->kind != ENGINE_TLS)
                continue;
            (void)err_field(err, parts[i].param, "required",
                            "over tcp both sides show certificates: --%s-file is missing",
                            parts[i].param);
            return err_hint(err, "without them whoever reaches its port is root there");
        }
        if (e->kind != ENGINE_TLS)
            return err_field(err, parts[i].param, "tls_only",
                             "ssh takes no certificate: the box makes a key of its own");
        if (check_pem(parts[i].param, parts[i].text, parts[i].kind, err) != 0 ||
            seal_one(call, e, parts[i].part, parts[i].text, err) != 0)
            return -1;
    }
    return 0;
}

/* ---- the operations ---- */

static int engine_list(struct op_call *call, struct err *err)
{
    struct list list = {.view = &view_engine, .url = "/api/engines"};

    return list_reply(call, call->params, &list, err);
}

static int engine_show(struct op_call *call, struct err *err)
{
    const struct id_params *p = call->params;
    struct container_engine engine = {0};

    if (object_get(call, &container_engine_table, p->id, &engine, err) != 0)
        return -1;
    return object_reply(call, &view_engine, &engine, err);
}

static int engine_add(struct op_call *call, struct err *err)
{
    struct container_engine_address address;
    struct container_engine engine = {0};

    object_fill(call, &container_engine_table, &engine);
    if (container_engine_address_read(&engine.kind, engine.url, &address, err) != 0 ||
        check_publish(&engine, err) != 0 || check_host_key(&engine, err) != 0 ||
        container_engine_new(call->txn, &call->box->vault, &engine, err) != 0 ||
        seal(call, &engine, true, err) != 0)
        return -1;
    call->wake = true; /* it is to be tried */
    object_after(call, &container_engine_table, &engine);
    (void)str_format(call->location, sizeof call->location, "/api/engines/%s", engine.id);
    return object_reply(call, &view_engine, &engine, err);
}

static int engine_update(struct op_call *call, struct err *err)
{
    const struct engine_params *p = call->params;
    struct container_engine_address address;
    struct container_engine engine = {0};
    uint32_t kind;
    char id[ID_SIZE];

    if (object_get(call, &container_engine_table, p->id, &engine, err) != 0 ||
        object_match(call, &container_engine_table, &engine, err) != 0)
        return -1;
    object_before(call, &container_engine_table, &engine);
    (void)str_copy(id, sizeof id, engine.id);
    object_fill(call, &container_engine_table, &engine);
    (void)str_copy(engine.id, sizeof engine.id,
                   id); /* the parameter of that name is what was said */
    if (container_engine_address_read(&kind, engine.url, &address, err) != 0)
        return -1;
    if (kind != engine.kind)
        return err_field(err, "url", "engine_kind", "engine %s is reached by %s: add another one",
                         engine.name, container_engine_kind_names[engine.kind]);
    engine.state = ENGINE_UNTRIED;
    engine.problem[0] = engine.remedy[0] = '\0';
    engine.updated_at = txn_time_ms(call->txn);
    if (check_publish(&engine, err) != 0 || check_host_key(&engine, err) != 0 ||
        seal(call, &engine, false, err) != 0 ||
        record_put(call->txn, &container_engine_table, &engine, err) != 0)
        return -1;
    call->wake = true;
    object_after(call, &container_engine_table, &engine);
    return object_reply(call, &view_engine, &engine, err);
}

static int engine_remove(struct op_call *call, struct err *err)
{
    const struct id_params *p = call->params;
    struct container_engine engine = {0};

    if (object_get(call, &container_engine_table, p->id, &engine, err) != 0)
        return -1;
    object_before(call, &container_engine_table, &engine);
    if (container_engine_remove(call->txn, &engine, err) != 0)
        return -1;
    call->wake = true; /* its link is to end */
    object_after(call, &container_engine_table, NULL);
    return object_removed(call, &view_engine, engine.id);
}

static int test_slow(struct op_call *call, struct err *err)
{
    const struct id_params *p = call->params;
    struct kv params;

    kv_clear(&params);
    if (enquire_about(call, &container_engine_table, p->id, &params, err) != 0)
        return -1;
    return enquire_ask(call, "engine_test", &params, TEST_WAIT_MS, err);
}

static int engine_test(struct op_call *call, struct err *err)
{
    const struct id_params *p = call->params;

    (void)str_copy(call->audit.object, sizeof call->audit.object, p->id);
    return enquire_reply_json(call, err);
}

static int local_slow(struct op_call *call, struct err *err)
{
    struct kv params;

    kv_clear(&params);
    return enquire_ask(call, "engine_local", &params, TEST_WAIT_MS, err);
}

struct engine_list_params {
    struct list_params list;
};
static const struct field list_rows[] = {LIST_FIELDS(struct engine_list_params)};

const struct op engine_ops[] = {
    {.name = "engine.list",
     .role = ROLE_VIEWER,
     .flags = OP_READ | OP_LIST | OP_BARE,
     .params = PARAMS(list_rows, struct engine_list_params),
     .help = "List the container engines on other machines",
     .example = "",
     .result = &container_engine_table.fields,
     .run = engine_list},
    {.name = "engine.show",
     .role = ROLE_VIEWER,
     .flags = OP_READ,
     .params = &object_id,
     .help = "Show an engine: where it is, whether it answers, the key to let in there",
     .example = "build",
     .result = &container_engine_table.fields,
     .run = engine_show},
    {.name = "engine.add",
     .role = ROLE_ADMIN,
     .flags = OP_WRITE | OP_AUDIT | OP_CREATE | OP_FRESH,
     .params = PARAMS(add_rows, struct engine_params),
     .help = "Add a Docker or Podman on another machine; by ssh its answer holds a key to let in "
             "there",
     .example = "build ssh://sett@10.0.0.5 --host-key SHA256:…",
     .result = &container_engine_table.fields,
     .run = engine_add},
    {.name = "engine.update",
     .role = ROLE_ADMIN,
     .flags = OP_WRITE | OP_AUDIT | OP_FRESH,
     .params = PARAMS(update_rows, struct engine_params),
     .help = "Change where an engine is or how it is reached",
     .example = "build --host-key SHA256:…",
     .result = &container_engine_table.fields,
     .run = engine_update},
    {.name = "engine.remove",
     .role = ROLE_ADMIN,
     .flags = OP_WRITE | OP_AUDIT | OP_FRESH,
     .params = &object_id,
     .help = "Forget an engine that no tenant lives on; nothing there is touched",
     .example = "build",
     .result = &container_engine_table.fields,
     .run = engine_remove},
    {.name = "engine.test",
     .role = ROLE_OPERATOR,
     .flags = OP_WRITE | OP_AUDIT | OP_ASK,
     .params = &object_id,
     .help = "Ask an engine who it is and what it can; what is wrong comes with its remedy",
     .example = "build",
     .result = &tested,
     .slow = test_slow,
     .run = engine_test},
    {.name = "engine.local",
     .role = ROLE_VIEWER,
     .flags = OP_READ | OP_ASK,
     .help = "What this box's own Docker or Podman is, and what it lacks",
     .example = "",
     .slow = local_slow,
     .run = enquire_reply_json},
    {.name = NULL},
};
