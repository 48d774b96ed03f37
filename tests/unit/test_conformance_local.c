/*
 * The local ingress, with real hands behind their socket, against the cases that every ingress must
 * pass (conformance_ingress.h).
 */
#include "hands_box.h"

#include "conformance_ingress.h"

static void begin(void)
{
}

static void end(void)
{
}

static void leads_to(const char *hostname, char service[160])
{
    uint32_t port = 0;
    uint64_t number = 0;
    bool maintenance = false;

    service[0] = '\0';
    if (route_map_show(routes, hostname, &port, &number, &maintenance) == 1)
        (void)str_format(service, 160, maintenance ? "503" : "http://127.0.0.1:%u", port);
}

/* Another tunnel's route has the host name. */
static void foreign(const struct ingress_route *r)
{
    struct err err;

    if (route_map_set(routes, r->hostname, 4000, 99, false, &err) == -1)
        fail_msg("%s", err.text);
}

static bool untouched(const struct ingress_route *r)
{
    char service[160];

    leads_to(r->hostname, service);
    return str_equal(service, "http://127.0.0.1:4000") &&
           route_map_unset(routes, r->hostname, 99, NULL) == 0;
}

static int setup(void **state)
{
    struct err err;

    if (hands_setup(state) != 0)
        return -1;
    ingress_subject = (struct ingress_subject){.name = "local",
                                               .domain = "localhost",
                                               .begin = begin,
                                               .end = end,
                                               .leads_to = leads_to,
                                               .foreign = foreign,
                                               .untouched = untouched};
    return ingress_local_new(&ingress_subject.ingress, paths.hands_sock, CALL_MS, &err);
}

static int teardown(void **state)
{
    ingress_local_free(&ingress_subject.ingress);
    return hands_teardown(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {INGRESS_CASES};

    return cmocka_run_group_tests(tests, setup, teardown);
}
