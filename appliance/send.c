/*
 * `sett stripe send`: a test event, signed with the box's own secret and sent through its own web
 * server, so that everything on the way is what a real event would meet.
 */
#include "send.h"

#include <sodium.h>
#include <string.h>

#include "clock.h"
#include "customer.h"
#include "enc.h"
#include "event_make.h"
#include "file.h"
#include "http.h"
#include "plan.h"
#include "setting.h"
#include "str.h"
#include "stripe.h"
#include "subscription.h"

#define EVENT_MAX (512u << 10)

static int secret_open(struct cli *cli, struct buf *out, struct err *err)
{
    struct txn *txn;
    int got;

    if (cli_open(cli, err) == -1 || db_read(&txn, cli->box.db, err) == -1)
        return -1;
    got = secret_get_web(txn, &cli->box.web_key, "stripe.webhook_secret", out, err);
    db_read_end(txn);
    if (got == 0) {
        err_set(err, ERR_NOT_FOUND, "no_webhook_secret", "this box has no webhook secret");
        return err_hint(err, "sett secret set stripe.webhook_secret --value-file FILE");
    }
    return got == 1 ? 0 : -1;
}

int send_url(struct cli *cli, uint32_t port, char *out, size_t size, struct err *err)
{
    char base[256] = "";
    struct txn *txn;
    int rc;

    if (port != 0)
        return str_format(out, size, "http://127.0.0.1:%u/webhook/stripe", port);
    if (cli_open(cli, err) == -1 || db_read(&txn, cli->box.db, err) == -1)
        return -1;
    rc = setting_text(txn, &cli->box.conf, "box.url", base, sizeof base, err);
    db_read_end(txn);
    if (rc == -1)
        return -1;
    if (str_format(out, size, "%s/webhook/stripe", base) == -1)
        return err_set(err, ERR_INVALID, "url_too_long", "the setting box.url is too long");
    return 0;
}

int send_event(struct cli *cli, const char *url, const char *body, size_t len, long *status,
               struct buf *answer, struct err *err)
{
    char signature[STRIPE_SIGNATURE_SIZE], header[STRIPE_SIGNATURE_SIZE + 32];
    const char *headers[] = {header, NULL};
    struct http_request request = {.profile = HTTP_PROBE,
                                   .method = "POST",
                                   .url = url,
                                   .content_type = "application/json",
                                   .body = body,
                                   .body_len = len,
                                   .headers = headers};
    struct http_client *client = NULL;
    struct http_answer got;
    struct buf secret;
    int rc = -1;

    buf_init(&secret, 4096);
    http_answer_init(&got, 1u << 16);
    if (secret_open(cli, &secret, err) == -1 || http_init(err) == -1 ||
        http_client_new(&client, err) == -1)
        goto done;
    stripe_signature_make(signature, buf_string(&secret), clock_wall_ms() / 1000, body, len);
    (void)str_format(header, sizeof header, "Stripe-Signature: %s", signature);
    if (http_call(client, &request, &got, err) == -1) {
        err_hint(err, "does the box run, and at this address? sett doctor; make run");
        goto done;
    }
    *status = got.status;
    rc = buf_add(answer, buf_string(&got.body), got.body.len);
done:
    if (secret.data != NULL)
        sodium_memzero(secret.data, secret.cap);
    buf_free(&secret);
    http_answer_free(&got);
    http_client_free(client);
    return rc;
}

struct options {
    struct event_make event;
    const char *url;
    bool priced;      /* --price was given */
    char made[2][40]; /* ids of customer and subscription, when none were given */
    struct plan plan; /* what the box knows of them, for what was not said */
    struct customer customer;
};

static int options_read(struct options *o, int argc, char **argv, struct err *err)
{
    const struct {
        const char *name, **value;
    } known[] = {
        {"--name", &o->event.name},
        {"--email", &o->event.email},
        {"--plan", &o->event.plan},
        {"--subdomain", &o->event.subdomain},
        {"--customer", &o->event.customer},
        {"--subscription", &o->event.subscription},
        {"--price", &o->event.price},
        {"--order", &o->event.order},
        {"--status", &o->event.status},
        {"--id", &o->event.id},
        {"--url", &o->url},
    };
    static const char *const prefixes[] = {"cus_test_", "sub_test_"};
    uint64_t at;

    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        *known[i].value = "";
    o->event.name = "Acme";
    o->event.email = "customer@example.com";
    for (int i = 0; i < 2; i++) {
        uint8_t bytes[9];
        char hex[19];
        randombytes_buf(bytes, sizeof bytes);
        enc_hex(hex, bytes, sizeof bytes);
        (void)str_format(o->made[i], sizeof o->made[i], "%s%s", prefixes[i], hex);
    }
    o->event.customer = o->made[0];
    o->event.subscription = o->made[1];
    for (int i = 0; i < argc; i += 2) {
        size_t k = 0;
        if (i + 1 == argc)
            return err_field(err, "option", "option_value", "%s needs a value", argv[i]);
        if (str_equal(argv[i], "--at")) {
            if (str_u64(argv[i + 1], 1, UINT64_C(1) << 40, &at) == -1)
                return err_field(err, "at", "option_value", "--at takes seconds since 1970");
            o->event.at_s = (int64_t)at;
            continue;
        }
        while (k < sizeof known / sizeof *known && !str_equal(known[k].name, argv[i]))
            k++;
        if (k == sizeof known / sizeof *known)
            return err_field(err, "option", "unknown_option", "unknown option %.60s", argv[i]);
        o->priced |= str_equal(argv[i], "--price");
        *known[k].value = argv[i + 1];
    }
    return 0;
}

/* What Stripe would know of the plan or of a subscription that the box has: its price, and whose it
 * is. Of what nobody knows there is a price that no plan has. */
static int options_known(struct cli *cli, struct options *o, struct err *err)
{
    struct subscription sub = {0};
    struct txn *txn;
    int planned = 0, known;

    if (cli_open(cli, err) == -1 || db_read(&txn, cli->box.db, err) == -1)
        return -1;
    known = subscription_resolve(txn, o->event.subscription, &sub, err);
    if (known == 1 && sub.customer_id[0] != '\0') {
        (void)str_copy(o->customer.id, sizeof o->customer.id, sub.customer_id);
        known = record_get(txn, &customer_table, &o->customer, err) == -1 ? -1 : 1;
    }
    if (known != -1 && (o->event.plan[0] != '\0' || sub.plan_id[0] != '\0'))
        planned = plan_resolve(txn, o->event.plan[0] != '\0' ? o->event.plan : sub.plan_id,
                               &o->plan, err);
    db_read_end(txn);
    if (known == -1 || planned == -1)
        return -1;
    if (o->event.customer == o->made[0] && o->customer.stripe_customer[0] != '\0')
        o->event.customer = o->customer.stripe_customer;
    if (!o->priced)
        o->event.price = planned == 1 ? o->plan.stripe_price : "price_test";
    return 0;
}

int cli_stripe_send(struct cli *cli, int argc, char **argv, struct err *err)
{
    struct options o = {0};
    struct buf body, answer;
    char url[320];
    long status = 0;
    int rc = -1;

    buf_init(&body, EVENT_MAX);
    buf_init(&answer, 1u << 16);
    if (argc < 1) {
        err_field(err, "type", "missing", "which event? usage: sett stripe send TYPE|FILE");
        goto done;
    }
    o.event.type = argv[0];
    if (options_read(&o, argc - 1, argv + 1, err) == -1 || options_known(cli, &o, err) == -1)
        goto done;
    if (file_exists(argv[0]) ? file_read(argv[0], &body, err) == -1
                             : event_make(&o.event, &body, err) == -1)
        goto done;
    if (o.url[0] != '\0' ? str_copy(url, sizeof url, o.url) == -1
                         : send_url(cli, 0, url, sizeof url, err) == -1)
        goto done;
    if (send_event(cli, url, buf_string(&body), body.len, &status, &answer, err) == -1)
        goto done;
    if (!cli->quiet)
        fprintf(stderr, "%s  %ld  customer %s, subscription %s\n", url, status, o.event.customer,
                o.event.subscription);
    printf("%s\n", buf_string(&answer));
    rc = status >= 200 && status < 300 ? 0 : 1;
done:
    buf_free(&body);
    buf_free(&answer);
    return rc;
}
