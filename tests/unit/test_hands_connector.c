/* The hands' verbs about connectors: their token, their port, their unit. Apart from the other
 * verbs' test because it is about one kind of unit alone. */
#include "hands_box.h"

static void test_connector(void **state)
{
    struct hands_request *q = new_request(5);
    struct hands_reply reply;
    char token[400], env[400];
    struct buf log;
    struct err err;
    struct stat st;
    uint32_t pid, port;

    (void)state;
    (void)str_format(token, sizeof token, "%s/tunnels/5.token", paths.hands);
    (void)str_format(env, sizeof env, "%s/tunnels/5.env", paths.hands);
    EXPECT(OUTCOME_ABSENT, q, HANDS_CONNECTOR_STATUS);
    EXPECT(OUTCOME_FAIL, q, HANDS_CONNECTOR_RESTART);
    (void)str_copy(q->secret, sizeof q->secret, "eyJhIjoiMSJ9==");
    EXPECT(OUTCOME_OK, q, HANDS_CONNECTOR_START);
    assert_int_equal(stat(token, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    EXPECT(OUTCOME_OK, q, HANDS_CONNECTOR_STATUS);
    assert_true(reply.running && reply.pid != 0 && reply.port != 0);
    pid = reply.pid;
    port = reply.port;
    EXPECT(OUTCOME_OK, q, HANDS_CONNECTOR_START); /* the same token: nothing to do */
    EXPECT(OUTCOME_OK, q, HANDS_CONNECTOR_STATUS);
    assert_int_equal(reply.pid, pid);
    (void)str_copy(q->secret, sizeof q->secret, "eyJhIjoiMiJ9==");
    EXPECT(OUTCOME_OK, q, HANDS_CONNECTOR_START); /* another: read anew */
    EXPECT(OUTCOME_OK, q, HANDS_CONNECTOR_STATUS);
    assert_int_not_equal(reply.pid, pid);
    assert_int_equal(reply.port, port);
    pid = reply.pid;
    EXPECT(OUTCOME_OK, q, HANDS_CONNECTOR_RESTART);
    EXPECT(OUTCOME_OK, q, HANDS_CONNECTOR_STATUS);
    assert_true(reply.running && reply.pid != pid);
    buf_init(&log, 65536);
    q->verb = HANDS_CONNECTOR_LOGS;
    do {
        buf_reset(&log);
        assert_int_equal(hands_call(paths.hands_sock, q, CALL_MS, &reply, &log, &err), OUTCOME_OK);
    } while (!has(buf_string(&log), "--token-file"));
    assert_true(has(buf_string(&log), "--no-autoupdate tunnel --metrics 127.0.0.1:"));
    assert_false(has(buf_string(&log), "eyJ")); /* the token is in no command line */
    buf_free(&log);
    EXPECT(OUTCOME_OK, q, HANDS_CONNECTOR_STOP);
    EXPECT(OUTCOME_OK, q, HANDS_CONNECTOR_STOP);
    EXPECT(OUTCOME_ABSENT, q, HANDS_CONNECTOR_STATUS);
    assert_false(file_exists(token) || file_exists(env));
    free(q);
}

/* A metrics port that somebody else has taken meanwhile: another one, or it would never come up. */
static void test_connector_port(void **state)
{
    struct hands_request *q = new_request(6);
    struct hands_reply reply;
    char env[400], text[48];
    struct err err;
    uint32_t taken, kept;
    int fd = listen_somewhere(&taken);

    (void)state;
    if (fd == -1)
        skip();
    (void)str_format(env, sizeof env, "%s/tunnels/6.env", paths.hands);
    (void)str_format(text, sizeof text, "METRICS_PORT=%u\n", taken);
    put(env, text, 0600);
    (void)str_copy(q->secret, sizeof q->secret, "eyJhIjoiMSJ9==");
    EXPECT(OUTCOME_OK, q, HANDS_CONNECTOR_START);
    kept = reply.port;
    assert_true(kept != 0 && kept != taken);
    EXPECT(OUTCOME_OK, q, HANDS_CONNECTOR_RESTART);
    EXPECT(OUTCOME_OK, q, HANDS_CONNECTOR_STATUS);
    assert_true(reply.running && reply.port == kept);
    put(env, text, 0600); /* while it runs it is its own who listens there */
    EXPECT(OUTCOME_OK, q, HANDS_CONNECTOR_START);
    assert_int_equal(reply.port, taken);
    (void)close(fd);
    EXPECT(OUTCOME_OK, q, HANDS_CONNECTOR_STOP);
    free(q);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_connector),
                                       cmocka_unit_test(test_connector_port)};

    return cmocka_run_group_tests(tests, hands_setup, hands_teardown);
}
