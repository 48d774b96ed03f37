/* Input into parameter structs: what is not in the table does not exist. */
#include "ops_world.h"

#include "completion.h"
#include "help.h"
#include "manual.h"
#include "noun.h"

struct sample {
    char id[32], name[16], note[32], ref[96];
    uint32_t count, colour;
    bool open;
    int64_t at;
    struct kv labels;
    struct {
        uint64_t memory_bytes;
    } limits;
};
static const char *const colours[] = {"red", "green", NULL};
static const struct field rows[] = {
    FIELD(struct sample, id, FIELD_TEXT, .flags = FIELD_PATH | FIELD_REQUIRED, .help = "id"),
    FIELD(struct sample, name, FIELD_TEXT, .flags = FIELD_REQUIRED, .min = 2, .max = 8,
          .help = "name"),
    FIELD(struct sample, note, FIELD_TEXT, .flags = FIELD_FREE, .help = "note"),
    FIELD(struct sample, ref, FIELD_TEXT, .flags = FIELD_NUMBERED, .help = "ref"),
    FIELD(struct sample, count, FIELD_U32, .min = 1, .max = 10, .help = "count"),
    FIELD(struct sample, colour, FIELD_ENUM, .names = colours, .help = "colour"),
    FIELD(struct sample, open, FIELD_BOOL, .help = "open"),
    FIELD(struct sample, at, FIELD_TIME, .help = "at"),
    FIELD(struct sample, labels, FIELD_KV, .help = "labels"),
    PARAMS_GROUP("limits", "limits"),
    {.name = "memory_bytes",
     .type = FIELD_U64,
     .offset = offsetof(struct sample, limits.memory_bytes),
     .size = 8,
     .since = 1,
     .help = "memory"},
};
static const struct fields table = {rows, sizeof rows / sizeof rows[0], sizeof(struct sample)};

struct input {
    struct sample s;
    uint64_t given;
    struct err err;
};

static int json(struct input *in, const char *text)
{
    memset(in, 0, sizeof *in);
    return params_json(&table, text, strlen(text), &in->s, &in->given, &in->err);
}

static int form(struct input *in, const char *text)
{
    memset(in, 0, sizeof *in);
    return params_form(&table, text, strlen(text), &in->s, &in->given, &in->err);
}

static void json_takes_every_type(void **state)
{
    struct input in;

    (void)state;
    assert_int_equal(json(&in, "{\"name\":\"abc\",\"count\":7,\"colour\":\"green\",\"open\":true,"
                               "\"note\":\"a\\nb\",\"at\":\"2026-11-23T02:35:02Z\",\"ref\":12,"
                               "\"labels\":{\"a\":\"1\",\"b\":\"\"},"
                               "\"limits\":{\"memory_bytes\":1048576}}"),
                     0);
    assert_string_equal(in.s.name, "abc");
    assert_int_equal(in.s.count, 7);
    assert_int_equal(in.s.colour, 1);
    assert_true(in.s.open);
    assert_string_equal(in.s.note, "a\nb");
    assert_string_equal(in.s.ref, "12");
    assert_true(in.s.at > 0);
    assert_string_equal(kv_get(&in.s.labels, "a"), "1");
    assert_int_equal(in.s.limits.memory_bytes, 1048576);
    assert_int_equal(json(&in, "{\"name\":\"abc\",\"memory_bytes\":5,\"ref\":\"tn_x\"}"), 0);
    assert_int_equal(in.s.limits.memory_bytes, 5);
    assert_string_equal(in.s.ref, "tn_x");
}

static void json_refuses(void **state)
{
    static const struct {
        const char *text, *field;
        enum err_kind kind;
    } cases[] = {
        {"{\"nam\":\"abc\"}", "nam", ERR_INVALID},
        {"{\"Name\":\"abc\"}", "Name", ERR_INVALID},
        {"{\"name\":5}", "name", ERR_INVALID},
        {"{\"name\":null}", "name", ERR_INVALID},
        {"{\"name\":true}", "name", ERR_INVALID},
        {"{\"name\":[\"abc\"]}", "name", ERR_INVALID},
        {"{\"name\":{\"a\":\"b\"}}", "name", ERR_INVALID},
        {"{\"name\":\"a\"}", "name", ERR_INVALID},
        {"{\"name\":\"\"}", "name", ERR_INVALID},
        {"{\"name\":\"abcdefghi\"}", "name", ERR_INVALID},
        {"{\"name\":\"ab\\u0007\"}", "name", ERR_INVALID},
        {"{\"name\":\"ab\\n\"}", "name", ERR_INVALID},
        {"{\"note\":\"ab\\u001b[2J\"}", "note", ERR_INVALID},
        {"{\"count\":\"7\"}", "count", ERR_INVALID},
        {"{\"count\":7.5}", "count", ERR_INVALID},
        {"{\"count\":0}", "count", ERR_INVALID},
        {"{\"count\":11}", "count", ERR_INVALID},
        {"{\"count\":-1}", "count", ERR_INVALID},
        {"{\"colour\":\"blue\"}", "colour", ERR_INVALID},
        {"{\"colour\":1}", "colour", ERR_INVALID},
        {"{\"open\":1}", "open", ERR_INVALID},
        {"{\"open\":\"true\"}", "open", ERR_INVALID},
        {"{\"at\":12345}", "at", ERR_INVALID},
        {"{\"at\":\"yesterday\"}", "at", ERR_INVALID},
        {"{\"labels\":{\"a\":1}}", "labels", ERR_INVALID},
        {"{\"labels\":\"a=b\"}", "labels", ERR_INVALID},
        {"{\"limits\":5}", "limits", ERR_INVALID},
        {"{\"limits\":{\"name\":\"abc\",\"pids\":5}}", "pids", ERR_INVALID},
        {"{\"limits\":{\"memory_bytes\":1},\"memory_bytes\":2}", "memory_bytes", ERR_INVALID},
        {"{\"limits\":{\"limits\":{}}}", "limits", ERR_INVALID},
        {"{\"ref\":-3}", "ref", ERR_INVALID},
        {"{\"ref\":1.5}", "ref", ERR_INVALID},
        {"{\"name\":\"abc\",\"name\":\"abc\"}", NULL, ERR_MALFORMED},
        {"{\"name\":\"abc\"} ", NULL, ERR_NONE},
        {"{\"name\":\"abc\"}x", NULL, ERR_MALFORMED},
        {"{\"name\":\"a\\u0000b\"}", NULL, ERR_MALFORMED},
        {"{\"name\":\"\xff\xfe\"}", NULL, ERR_MALFORMED},
        {"[\"name\"]", NULL, ERR_MALFORMED},
        {"\"name\"", NULL, ERR_MALFORMED},
        {"", NULL, ERR_MALFORMED},
    };
    struct input in;

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int r = json(&in, cases[i].text);
        if ((r == 0) != (cases[i].kind == ERR_NONE) || (r != 0 && in.err.kind != cases[i].kind) ||
            (cases[i].field != NULL && !str_equal(in.err.field, cases[i].field)))
            fail_msg("%s: %d %s field %s: %s", cases[i].text, r, in.err.code, in.err.field,
                     in.err.text);
    }
}

static void form_takes_and_refuses(void **state)
{
    static const struct {
        const char *text, *field;
        enum err_kind kind;
    } cases[] = {
        {"name=abc&name=abc", "name", ERR_INVALID}, {"nam=abc", "nam", ERR_INVALID},
        {"count=x", "count", ERR_INVALID},          {"count=07", "count", ERR_INVALID},
        {"count=%2B7", "count", ERR_INVALID},       {"name=ab%0ac", "name", ERR_INVALID},
        {"name=ab%00c", NULL, ERR_MALFORMED},       {"name=ab%zz", NULL, ERR_MALFORMED},
        {"name=ab%2", NULL, ERR_MALFORMED},         {"name=ab%", NULL, ERR_MALFORMED},
        {"name=%ff%fe", NULL, ERR_MALFORMED},       {"=abc", "", ERR_INVALID},
        {"limits=5", "limits", ERR_INVALID},        {"open=maybe", "open", ERR_INVALID},
    };
    struct input in;

    (void)state;
    assert_int_equal(form(&in, "name=a%20b+c&count=3&open=true&ref=5&&labels=x%3D1&memory_bytes=9"),
                     0);
    assert_string_equal(in.s.name, "a b c");
    assert_int_equal(in.s.count, 3);
    assert_string_equal(in.s.ref, "5");
    assert_int_equal(in.s.limits.memory_bytes, 9);
    assert_int_equal(form(&in, ""), 0);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        if (form(&in, cases[i].text) == 0 || in.err.kind != cases[i].kind ||
            (cases[i].field != NULL && !str_equal(in.err.field, cases[i].field)))
            fail_msg("%s: %s field %s: %s", cases[i].text, in.err.code, in.err.field, in.err.text);
    }
}

/* What a person types at a shell. */
static void a_form_makes_a_tunnel(void **state)
{
    const char *text = "subscription_id=5&container_id=1&local_port=8069";
    const struct op *op = op_find("tunnel.create");
    const struct field *port;
    struct {
        union {
            char bytes[4096];
            uint64_t align;
        } at;
        uint64_t given;
        struct err err;
    } in = {0};

    (void)state;
    assert_true(op->params->struct_size <= sizeof in.at);
    assert_int_equal(params_form(op->params, text, strlen(text), in.at.bytes, &in.given, &in.err),
                     0);
    assert_int_equal(params_done(op->params, in.given, &in.err), 0);
    port = fields_find(op->params, "local_port");
    assert_int_equal(fields_get_u64(port, in.at.bytes), 8069);
    assert_string_equal(in.at.bytes + fields_find(op->params, "container_id")->offset, "1");
}

static void a_request_gives_each_name_once(void **state)
{
    struct input in = {0};
    const char *body = "{\"id\":\"b\",\"name\":\"abc\"}";

    (void)state;
    assert_int_equal(params_one(&table, "id", "a", &in.s, &in.given, &in.err), 0);
    assert_int_equal(params_form(&table, "count=2", 7, &in.s, &in.given, &in.err), 0);
    assert_int_equal(params_json(&table, body, strlen(body), &in.s, &in.given, &in.err), -1);
    assert_string_equal(in.err.code, "duplicate_field");
    assert_string_equal(in.err.field, "id");
}

static void what_is_required_is_missed(void **state)
{
    struct input in = {0};

    (void)state;
    assert_int_equal(params_done(&table, in.given, &in.err), -1);
    assert_string_equal(in.err.field, "id");
    assert_int_equal(params_one(&table, "id", "a", &in.s, &in.given, &in.err), 0);
    assert_int_equal(params_done(&table, in.given, &in.err), -1);
    assert_string_equal(in.err.field, "name");
    assert_int_equal(err_http_status(in.err.kind), 422);
    assert_int_equal(params_one(&table, "name", "abc", &in.s, &in.given, &in.err), 0);
    assert_int_equal(params_done(&table, in.given, &in.err), 0);
}

/* Each operation says of itself what people need, and its tables fit what reads them. */
static void every_row_is_whole(void **state)
{
    const struct op *op = NULL;
    unsigned count = 0;

    (void)state;
    while ((op = op_next(op)) != NULL) {
        count++;
        assert_ptr_equal(op_find(op->name), op);
        if (op->help == NULL || op->help[0] == '\0' || op->example == NULL || op->run == NULL)
            fail_msg("%s has no help, no example or no run", op->name);
        assert_true(op->role <= ROLE_ADMIN);
        if ((op->flags & OP_AUDIT) && !(op->flags & OP_WRITE))
            fail_msg("%s is audited and writes nothing", op->name);
        if ((op->flags & OP_WRITE) && !(op->flags & OP_AUDIT))
            fail_msg("%s writes and is not audited", op->name);
        if ((op->flags & OP_JOB) && !(op->flags & OP_WRITE))
            fail_msg("%s starts jobs and does not write", op->name);
        if (op->params == NULL)
            continue;
        assert_true(op->params->count <= 64);
        for (size_t i = 0; i < op->params->count; i++) {
            const struct field *f = &op->params->at[i];
            if (f->help == NULL || f->help[0] == '\0')
                fail_msg("%s: %s has no help", op->name, f->name);
            if (!(f->flags & FIELD_GROUP) && f->offset + f->size > op->params->struct_size)
                fail_msg("%s: %s lies outside of its struct", op->name, f->name);
            if (f->type == FIELD_ENUM)
                assert_non_null(f->names);
            for (size_t k = 0; k < i; k++)
                if (str_equal(op->params->at[k].name, f->name))
                    fail_msg("%s: %s stands there twice", op->name, f->name);
        }
    }
    assert_true(count > 50);
    assert_null(op_find("tenant.explode"));
}

/* Help, completions and manual name each command that there is, and each noun has its row. */
static void people_are_told(void **state)
{
    static const struct help_command more[] = {
        {"run", "Don't stop", "FILE [--out FOLDER] --to VAULT [--fast]", "", NULL},
        {"db dump", "Write it", NULL, NULL, NULL},
        {0}};
    static const char *const shells[] = {"bash", "zsh", "fish"};
    const struct op *op = NULL;
    struct buf text, takes[3], verbs, manual;
    char words[64], line[96];
    struct err err;

    (void)state;
    buf_init(&text, 1u << 16);
    buf_init(&verbs, 1u << 20);
    buf_init(&manual, 1u << 20);
    for (size_t i = 0; i < 3; i++) {
        buf_init(&takes[i], 1u << 20);
        assert_int_equal(completion_rows(shells[i], "TAKES", more, &takes[i], &err), 0);
    }
    assert_int_equal(completion_rows("tcsh", "TAKES", more, &text, &err), -1);
    assert_int_equal(completion_rows("bash", "VERBS", more, &verbs, &err), 0);
    assert_non_null(strstr(buf_string(&verbs), "    db) verbs=(\n        'dump:Write it') ;;\n"));
    assert_non_null(
        strstr(buf_string(&takes[0]),
               "    'run') at='% ' options='--out:% --to:@vault --fast:! --help:!' ;;\n"));
    assert_non_null(strstr(buf_string(&takes[0]), "'tenant create') at='- @plan ' options='"));
    assert_non_null(strstr(buf_string(&takes[0]), " --ingress-mode:inherit,own,shared "));
    buf_reset(&verbs);
    assert_int_equal(completion_rows("fish", "NOUNS", more, &verbs, &err), 0);
    assert_non_null(strstr(buf_string(&verbs), "'run' 'Don\\'t stop'\n"));
    while ((op = op_next(op)) != NULL) {
        help_words(op, words, sizeof words);
        if (words[0] == '\0')
            continue;
        buf_reset(&text);
        help_text(op, &text);
        assert_non_null(strstr(buf_string(&text), words));
        assert_non_null(strstr(buf_string(&text), op->help));
        (void)str_format(line, sizeof line, "    '%s') ", words);
        assert_non_null(strstr(buf_string(&takes[0]), line));
        assert_non_null(strstr(buf_string(&takes[1]), line));
        (void)str_format(line, sizeof line, "case '%s'\n", words);
        assert_non_null(strstr(buf_string(&takes[2]), line));
        (void)str_format(line, sizeof line, "%.*s", (int)strcspn(words, " "), words);
        if (noun_find(line) == NULL)
            fail_msg("noun.c does not say what \"%s\" is about", line);
        buf_reset(&manual);
        assert_true(manual_noun(line, more, "2026-11-27", &manual));
        (void)str_format(line, sizeof line, ".SS sett %.*s", (int)strcspn(words, "-"), words);
        assert_non_null(strstr(buf_string(&manual), line)); /* a hyphen is written otherwise */
    }
    assert_false(manual_noun("badger", more, "", &manual));
    op = op_find("stripe.webhook");
    help_words(op, words, sizeof words);
    assert_string_equal(words, "");
    assert_false(text.failed || verbs.failed || manual.failed);
    for (size_t i = 0; i < 3; i++) {
        assert_false(takes[i].failed);
        buf_free(&takes[i]);
    }
    buf_free(&text);
    buf_free(&verbs);
    buf_free(&manual);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(json_takes_every_type),
        cmocka_unit_test(json_refuses),
        cmocka_unit_test(form_takes_and_refuses),
        cmocka_unit_test(a_form_makes_a_tunnel),
        cmocka_unit_test(a_request_gives_each_name_once),
        cmocka_unit_test(what_is_required_is_missed),
        cmocka_unit_test(every_row_is_whole),
        cmocka_unit_test(people_are_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
