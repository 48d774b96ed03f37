/* What the hands say is there, whoever remembers it: programs, folders, connectors, routes, in
 * pages. */
#include "hands_box.h"

/* A token as the provider gives one: account, tunnel, secret. */
#define TOKEN                                                                                      \
    "eyJhIjoiMDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWYiLCJ0IjoiYzE3NDRmOGItZmFhMS00OGE0LTllNWMt" \
    "MDJhYzkyMTQ2N2ZhIiwicyI6IkFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUE9In0="

static struct buf text;

/* One page; the number to go on from, or 0. */
static uint64_t page(struct hands_request *q, uint64_t after)
{
    struct hands_reply reply;
    struct err err;

    err_clear(&err);
    buf_reset(&text);
    q->verb = HANDS_INVENTORY;
    q->number = after;
    if (hands_call(paths.hands_sock, q, CALL_MS, &reply, &text, &err) != OUTCOME_OK)
        fail_msg("%s", err.text);
    return reply.present ? reply.number : 0;
}

static bool says(const char *line)
{
    return strstr(buf_string(&text), line) != NULL;
}

static void test_all_kinds(void **state)
{
    struct hands_request *q = new_request(21);
    struct hands_reply reply;
    char line[300], id[ID_SIZE], path[300];
    struct err err;

    (void)state;
    assert_int_equal(page(q, 0), 0);
    assert_string_equal(buf_string(&text), "");
    q->number = 21;
    memcpy(id, q->tenant_id, sizeof id);
    EXPECT(OUTCOME_OK, q, HANDS_RUNTIME_CREATE);
    EXPECT(OUTCOME_OK, q, HANDS_RUNTIME_START);
    q->number = 7;
    (void)str_copy(q->secret, sizeof q->secret, "dG9rZW4=");
    EXPECT(OUTCOME_OK, q, HANDS_CONNECTOR_START);
    q->number = 8; /* its rules are a file of this box, and so it has another unit */
    (void)str_copy(q->secret, sizeof q->secret, TOKEN);
    (void)str_copy(q->rules, sizeof q->rules, "{\"ingress\":[{\"service\":\"http_status:404\"}]}");
    EXPECT(OUTCOME_OK, q, HANDS_CONNECTOR_START);
    q->rules[0] = '\0';
    q->number = 7;
    (void)str_copy(q->hostname, sizeof q->hostname, "acme.localhost");
    q->flag = true;
    EXPECT(OUTCOME_OK, q, HANDS_ROUTE_SET);
    (void)str_format(path, sizeof path, "%s/not-a-number", paths.tenants);
    assert_int_equal(file_mkdirs(path, 0700, NULL), 0);

    assert_int_equal(page(q, 0), 0);
    (void)str_format(line, sizeof line, "runtime 21 process running %s ", id);
    assert_true(says(line));
    assert_true(says("folder 21\n"));
    assert_true(says("connector 7 running wanted\n"));
    assert_true(says("connector 8 running wanted\n"));
    (void)str_format(line, sizeof line, "route 7 acme.localhost %u maintenance\n", q->port);
    assert_true(says(line));
    assert_false(says("not-a-number"));
    assert_true(strstr(buf_string(&text), "connector 7") < strstr(buf_string(&text), "folder 21"));

    /* Stopped by somebody else, and then wholly gone. */
    q->number = 21;
    EXPECT(OUTCOME_OK, q, HANDS_RUNTIME_STOP);
    (void)page(q, 0);
    (void)str_format(line, sizeof line, "runtime 21 process stopped %s -\n", id);
    assert_true(says(line));
    q->number = 21;
    q->flag = true;
    EXPECT(OUTCOME_OK, q, HANDS_RUNTIME_REMOVE);
    q->number = 8;
    EXPECT(OUTCOME_OK, q, HANDS_CONNECTOR_STOP);
    q->number = 7;
    EXPECT(OUTCOME_OK, q, HANDS_CONNECTOR_STOP);
    EXPECT(OUTCOME_OK, q, HANDS_ROUTE_UNSET);
    assert_int_equal(page(q, 0), 0);
    assert_string_equal(buf_string(&text), "");
    free(q);
}

static void test_pages(void **state)
{
    struct hands_request *q = new_request(1);
    char path[300];
    uint64_t at = 0;
    unsigned pages = 0, lines = 0;

    (void)state;
    for (unsigned i = 1; i <= 3200; i++) {
        (void)str_format(path, sizeof path, "%s/%u", paths.tenants, i);
        assert_int_equal(mkdir(path, 0700), 0);
    }
    do {
        at = page(q, at);
        pages++;
        for (const char *c = buf_string(&text); (c = strchr(c, '\n')) != NULL; c++)
            lines++;
    } while (at != 0);
    assert_int_equal(lines, 3200);
    assert_int_equal(pages, 3);
    free(q);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_all_kinds),
                                       cmocka_unit_test(test_pages)};
    int failed;

    buf_init(&text, HANDS_STREAM_MAX);
    failed = cmocka_run_group_tests(tests, hands_setup, hands_teardown);
    buf_free(&text);
    return failed;
}
