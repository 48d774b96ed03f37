/*
 * The demonstration: what a payment does, before your eyes. It uses nothing that a real sale would
 * not: a signed event through the web server, the journal of the job, and the tenant's page through
 * the front door.
 */
#include <string.h>
#include <unistd.h>

#include "cli.h"
#include "clock.h"
#include "event_make.h"
#include "file.h"
#include "http.h"
#include "job.h"
#include "send.h"
#include "str.h"
#include "subscription.h"
#include "tenant.h"

#define DEMO_SUBSCRIPTION "sub_demo_acme"
#define DEMO_CUSTOMER     "cus_demo_acme"
#define DOOR_WAIT_MS      10000
#define TENANT_WAIT_MS    30000
#define PAGE_LINES        12

static void say(const struct cli *cli, const char *sign, const char *text)
{
    printf("%s%s%s %s\n", cli->colour ? "\033[1m" : "", sign, cli->colour ? "\033[0m" : "", text);
    (void)fflush(stdout);
}

/* A page as a visitor gets it. Return the HTTP status, or -1. */
static long page_get(const char *host, uint32_t port, struct buf *page, struct err *err)
{
    char url[320], resolve[300];
    struct http_request request = {
        .profile = HTTP_PROBE, .method = "GET", .url = url, .resolve = resolve};
    struct http_client *client = NULL;
    struct http_answer got;
    long status = -1;

    (void)str_format(url, sizeof url, "http://%s:%u/", host, port);
    (void)str_format(resolve, sizeof resolve, "%s:%u:127.0.0.1", host, port);
    http_answer_init(&got, 1u << 20);
    if (http_init(err) == 0 && http_client_new(&client, err) == 0 &&
        http_call(client, &request, &got, err) == 0 &&
        buf_add(page, buf_string(&got.body), got.body.len) == 0)
        status = got.status;
    http_answer_free(&got);
    http_client_free(client);
    return status;
}

/* The subscription of the demonstration and its tenant, if they are there. Return 1, 0 or -1. */
static int acme_find(struct cli *cli, struct tenant *tenant, struct err *err)
{
    struct subscription s = {0};
    struct txn *txn;
    int got;

    memset(tenant, 0, sizeof *tenant);
    (void)str_copy(s.stripe_subscription, sizeof s.stripe_subscription, DEMO_SUBSCRIPTION);
    if (db_read(&txn, cli->box.db, err) == -1)
        return -1;
    got = record_find(txn, &subscription_table, "stripe_subscription", &s, err);
    if (got == 1 && s.tenant_id[0] != '\0') {
        (void)str_copy(tenant->id, sizeof tenant->id, s.tenant_id);
        got = record_get(txn, &tenant_table, tenant, err);
    } else if (got == 1)
        got = 0;
    db_read_end(txn);
    return got;
}

/* Wait until the payment has become a tenant with its job. */
static int acme_await(struct cli *cli, struct tenant *tenant, struct err *err)
{
    int64_t deadline = clock_mono_ms() + TENANT_WAIT_MS;
    int got;

    while ((got = acme_find(cli, tenant, err)) != 1 || tenant->job_id[0] == '\0') {
        if (got == -1)
            return -1;
        if (clock_mono_ms() > deadline) {
            err_set(err, ERR_TIMEOUT, "no_tenant", "the payment has not become a tenant");
            return err_hint(err, "sett event list shows what became of the event");
        }
        clock_sleep_ms(20);
    }
    return 0;
}

static int door_await(uint32_t port, struct err *err)
{
    int64_t deadline = clock_mono_ms() + DOOR_WAIT_MS;
    struct buf page;
    long status;

    for (;;) {
        buf_init(&page, 1u << 20);
        status = page_get("localhost", port, &page, err);
        buf_free(&page);
        if (status != -1) {
            err_clear(err);
            return 0;
        }
        if (clock_mono_ms() > deadline)
            return -1;
        clock_sleep_ms(50);
    }
}

static int acme_pay(struct cli *cli, uint32_t port, struct err *err)
{
    struct event_make event = {.type = "checkout.session.completed",
                               .id = "",
                               .name = "Acme",
                               .email = "ceo@acme.example",
                               .plan = "demo",
                               .subdomain = "",
                               .customer = DEMO_CUSTOMER,
                               .subscription = DEMO_SUBSCRIPTION,
                               .price = "",
                               .order = "",
                               .status = ""};
    struct buf body, answer;
    char url[128];
    long status = 0;
    int rc = -1;

    buf_init(&body, 1u << 16);
    buf_init(&answer, 1u << 16);
    (void)send_url(cli, port, url, sizeof url, err);
    if (event_make(&event, &body, err) == -1 ||
        send_event(cli, url, buf_string(&body), body.len, &status, &answer, err) == -1)
        goto done;
    printf("  POST %s  %ld  %s\n", url, status, buf_string(&answer));
    if (status != 200)
        err_set(err, ERR_INTERNAL, "event_refused", "the box refused its own event: %.200s",
                buf_string(&answer));
    else
        rc = 0;
done:
    buf_free(&body);
    buf_free(&answer);
    return rc;
}

/* What a reader sees of a page: its text without the tags, a line each, the first few. */
static void page_text(const char *p)
{
    const char *body = strstr(p, "<body");
    unsigned lines = 0;
    size_t column = 0;

    for (p = body == NULL ? p : body; *p != '\0' && lines < PAGE_LINES; p++) {
        if (*p == '<') {
            size_t len = strcspn(p, ">");
            p += len - (p[len] == '\0');
            continue;
        }
        if (*p == '\n' || *p == '\r') {
            if (column > 0) {
                putchar('\n');
                lines++;
            }
            column = 0;
        } else if (column > 0 || *p != ' ') {
            if (column++ == 0)
                fputs("  | ", stdout);
            if (column < 100)
                putchar(*p);
        }
    }
    if (column > 0)
        putchar('\n');
}

static int page_show(const struct tenant *tenant, uint32_t port, struct err *err)
{
    const char *host = strstr(tenant->url, "://");
    char name[256];
    struct buf page;
    long status;

    host = host == NULL ? tenant->url : host + 3;
    (void)str_copy_n(name, sizeof name, host, strcspn(host, ":/"));
    buf_init(&page, 1u << 20);
    if ((status = page_get(name, port, &page, err)) == -1) {
        buf_free(&page);
        return -1;
    }
    printf("  GET %s  %ld\n", tenant->url, status);
    page_text(buf_string(&page));
    buf_free(&page);
    return status == 200
               ? 0
               : err_set(err, ERR_NETWORK, "page_status", "the tenant's page answers %ld", status);
}

static void admin_show(const struct cli *cli, uint32_t port)
{
    char path[PATHS_SIZE + 32], password[160] = "";
    struct buf b;
    struct err ignored = {0};

    (void)str_format(path, sizeof path, "%s/admin-password", cli->paths.root);
    buf_init(&b, 256);
    if (file_read(path, &b, &ignored) == 0 && b.data != NULL)
        (void)str_copy(password, sizeof password, str_trim(b.data));
    buf_free(&b);
    printf("\n  admin     http://localhost:%u/admin\n  user      admin\n  password  %s\n", port,
           password);
    printf(
        "\n  Try:  build/sett --root %s tenant list\n"
        "        build/sett --root %s tenant create globex --plan demo --wait\n"
        "        build/sett --root %s stripe send customer.subscription.deleted --subscription %s\n"
        "  Ctrl-C stops the box; the next `make run` goes on where it was.\n",
        cli->paths.root, cli->paths.root, cli->paths.root, DEMO_SUBSCRIPTION);
    (void)fflush(stdout);
}

int cli_demo(struct cli *cli, int argc, char **argv, struct err *err)
{
    struct tenant tenant;
    uint64_t port = 4443;
    int there, code = 0;

    if (argc > 0 &&
        (argc != 2 || !str_equal(argv[0], "--port") || str_u64(argv[1], 1, 65535, &port) == -1))
        return err_field(err, "port", "usage", "usage: sett demo [--port N]");
    if (cli_open(cli, err) == -1 || door_await((uint32_t)port, err) == -1 ||
        (there = acme_find(cli, &tenant, err)) == -1)
        return -1;
    (void)dup2(STDOUT_FILENO, STDERR_FILENO); /* steps and words in one stream, in order */
    if (there == 1) {
        say(cli, "•", "Acme is a customer from an earlier run");
        if (tenant.state != TENANT_ACTIVE && tenant.state != TENANT_PAST_DUE) {
            printf("  its site is %s%s%s: sett tenant show %llu\n",
                   tenant_state_names[tenant.state], tenant.state_reason[0] == '\0' ? "" : ", ",
                   tenant.state_reason, (unsigned long long)tenant.number);
            admin_show(cli, (uint32_t)port);
            return 0;
        }
    } else {
        say(cli, "1.", "Acme pays: a signed checkout.session.completed through the web server");
        if (acme_pay(cli, (uint32_t)port, err) == -1 || acme_await(cli, &tenant, err) == -1)
            return -1;
        say(cli, "2.", "the box makes Acme's site");
    }
    if (tenant.job_id[0] != '\0' && !there && (code = cli_watch(cli, tenant.job_id, 0, err)) != 0)
        return code;
    if (acme_find(cli, &tenant, err) == -1)
        return -1;
    say(cli, there ? "•" : "3.", "Acme's page, through the front door");
    if (page_show(&tenant, (uint32_t)port, err) == -1)
        return -1;
    admin_show(cli, (uint32_t)port);
    return 0;
}
