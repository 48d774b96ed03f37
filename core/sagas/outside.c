/*
 * The worker's reach. Apart because here credentials leave the store and become clients: when a
 * token is set anew, the next step uses the new one and the steps under way end with the old.
 */
#include "outside.h"

#include <sodium.h>
#include <string.h>

#include "clock.h"
#include "ingress_cloudflare.h"
#include "ingress_local.h"
#include "log.h"
#include "setting.h"
#include "str.h"

#define PROBES_AT_ONCE 4     /* of the questions that are answered at once */
#define ROUTE_MS       45000 /* the web server tests its configuration and reloads */

/* What the providers are made from. */
struct terms {
    char cloudflare_api[512], account[512], zone[512], stripe_api[512], success_url[512],
        cancel_url[512], database_admin[512], ca_file[512];
    char proxmox_url[512], proxmox_token_id[512], proxmox_ca[512], proxmox_pin[512],
        proxmox_nodes[512], proxmox_storage[512], proxmox_bridge[512], proxmox_vlan[512],
        proxmox_pool[512], proxmox_gateway[512], proxmox_nameserver[512];
    char cloudflare_token[256], stripe_key[256], database_password[256], proxmox_token[256];
    uint8_t engines[32]; /* a print of those on other machines */
};

static const struct {
    const char *name;
    size_t offset;
} setting_places[] =
    {
        {"cloudflare.api", offsetof(struct terms, cloudflare_api)},
        {"cloudflare.account", offsetof(struct terms, account)},
        {"cloudflare.zone", offsetof(struct terms, zone)},
        {"stripe.api", offsetof(struct terms, stripe_api)},
        {"stripe.success_url", offsetof(struct terms, success_url)},
        {"stripe.cancel_url", offsetof(struct terms, cancel_url)},
        {"database.admin", offsetof(struct terms, database_admin)},
        {"outside.ca_file", offsetof(struct terms, ca_file)},
        {"proxmox.url", offsetof(struct terms, proxmox_url)},
        {"proxmox.token_id", offsetof(struct terms, proxmox_token_id)},
        {"proxmox.ca_file", offsetof(struct terms, proxmox_ca)},
        {"proxmox.fingerprint", offsetof(struct terms, proxmox_pin)},
        {"proxmox.nodes", offsetof(struct terms, proxmox_nodes)},
        {"proxmox.storage", offsetof(struct terms, proxmox_storage)},
        {"proxmox.bridge", offsetof(struct terms, proxmox_bridge)},
        {"proxmox.vlan", offsetof(struct terms, proxmox_vlan)},
        {"proxmox.pool", offsetof(struct terms, proxmox_pool)},
        {"proxmox.gateway", offsetof(struct terms, proxmox_gateway)},
        {"proxmox.nameserver", offsetof(struct terms, proxmox_nameserver)},
},
  secret_places[] = {
      {"cloudflare.token", offsetof(struct terms, cloudflare_token)},
      {"stripe.secret_key", offsetof(struct terms, stripe_key)},
      {"database.password", offsetof(struct terms, database_password)},
      {"proxmox.token", offsetof(struct terms, proxmox_token)},
};

static int read_secret(struct txn *txn, const struct vault *vault, const char *name, char *out,
                       struct err *err)
{
    struct buf plain;
    int found;

    buf_init(&plain, 255);
    found = secret_get(txn, vault, name, &plain, err);
    if (found == 1 && str_copy_n(out, 256, plain.data, plain.len) == -1)
        found = err_set(err, ERR_INVALID, "secret_invalid", "the secret %s is not a text", name);
    if (plain.data != NULL)
        sodium_memzero(plain.data, plain.cap);
    buf_free(&plain);
    return found == -1 ? -1 : 0;
}

static int read_terms(struct txn *txn, const struct conf *conf, const struct vault *vault,
                      struct terms *terms, struct err *err)
{
    for (size_t i = 0; i < sizeof setting_places / sizeof setting_places[0]; i++)
        if (setting_text(txn, conf, setting_places[i].name,
                         (char *)terms + setting_places[i].offset, 512, err) == -1)
            return -1;
    for (size_t i = 0; i < sizeof secret_places / sizeof secret_places[0]; i++)
        if (read_secret(txn, vault, secret_places[i].name, (char *)terms + secret_places[i].offset,
                        err) == -1)
            return -1;
    return 0;
}

static int new_client(struct http_client **client, const struct terms *t, struct err *err)
{
    if (http_client_new(client, err) == -1)
        return -1;
    if (http_client_set_ca(*client, t->ca_file) == -1)
        return err_set(err, ERR_INVALID, "ca_file", "outside.ca_file is too long");
    return 0;
}

static void set_cloudflare(struct providers *p, const struct terms *t)
{
    if (t->cloudflare_token[0] == '\0') {
        (void)err_set(&p->cloudflare_why, ERR_UNAUTHENTICATED, "cloudflare_not_set",
                      "there is no token for Cloudflare");
        (void)err_hint(&p->cloudflare_why, "sett cloudflare import FILE, or sett secret set "
                                           "cloudflare.token");
        return;
    }
    if (new_client(&p->cloudflare_client, t, &p->cloudflare_why) == -1 ||
        cloudflare_init(&p->cloudflare, t->cloudflare_api, t->cloudflare_token, t->account, t->zone,
                        p->cloudflare_client, &p->cloudflare_why) == -1)
        return;
    ingress_cloudflare(&p->ingress, &p->cloudflare);
    p->cloudflare_set = true;
}

static void set_stripe(struct providers *p, const struct terms *t)
{
    if (t->stripe_key[0] == '\0') {
        (void)err_set(&p->stripe_why, ERR_UNAVAILABLE, "stripe_not_set",
                      "there is no secret key for Stripe");
        (void)err_hint(&p->stripe_why, "sett secret set stripe.secret_key");
        return;
    }
    if (new_client(&p->stripe_client, t, &p->stripe_why) == 0 &&
        stripe_init(&p->stripe, t->stripe_api, t->stripe_key, p->stripe_client, &p->stripe_why) ==
            0)
        p->stripe_set = true;
}

static void set_proxmox(struct providers *p, const struct terms *t)
{
    struct runtime_proxmox_setup setup = {.api = &p->proxmox};
    uint64_t vlan = 0;

    if (t->proxmox_url[0] == '\0' || t->proxmox_token[0] == '\0') {
        (void)err_set(&p->proxmox_why, ERR_INVALID, "proxmox_not_set",
                      "there is no token for Proxmox VE");
        (void)err_hint(&p->proxmox_why, "sett setting set proxmox.url and proxmox.token_id, sett "
                                        "secret set proxmox.token; then sett proxmox check");
        return;
    }
    (void)str_u64(t->proxmox_vlan, 0, 4094, &vlan);
    setup.vlan = (uint32_t)vlan;
    if (new_client(&p->proxmox_client, t, &p->proxmox_why) == -1)
        return;
    if ((t->proxmox_ca[0] != '\0' && http_client_set_ca(p->proxmox_client, t->proxmox_ca) == -1) ||
        http_client_set_pin(p->proxmox_client, t->proxmox_pin) == -1 ||
        str_copy(setup.storage, sizeof setup.storage, t->proxmox_storage) == -1 ||
        str_copy(setup.bridge, sizeof setup.bridge, t->proxmox_bridge) == -1 ||
        str_copy(setup.pool, sizeof setup.pool, t->proxmox_pool) == -1 ||
        str_copy(setup.gateway, sizeof setup.gateway, t->proxmox_gateway) == -1 ||
        str_copy(setup.nameserver, sizeof setup.nameserver, t->proxmox_nameserver) == -1) {
        (void)err_set(&p->proxmox_why, ERR_INVALID, "proxmox_settings",
                      "a setting proxmox.* is too long or not what it should be");
        return;
    }
    (void)str_copy(p->guest_nodes, sizeof p->guest_nodes, t->proxmox_nodes);
    if (proxmox_init(&p->proxmox, t->proxmox_url, t->proxmox_token_id, t->proxmox_token,
                     p->proxmox_client, &p->proxmox_why) == 0 &&
        runtime_proxmox_new(&p->guests, &setup, &p->proxmox_why) == 0 &&
        str_copy(p->proxmox.pool, sizeof p->proxmox.pool, setup.pool) == 0)
        p->proxmox_set = true;
}

static void providers_free(struct providers *p)
{
    if (p == NULL)
        return;
    if (p->cloudflare_set)
        cloudflare_free(&p->cloudflare);
    http_client_free(p->cloudflare_client);
    http_client_free(p->stripe_client);
    runtime_proxmox_free(&p->guests);
    proxmox_free(&p->proxmox);
    http_client_free(p->proxmox_client);
    engines_free(p->engines);
    sodium_memzero(p, sizeof *p);
    free(p);
}

static struct providers *providers_new(const struct terms *t, const uint8_t print[32])
{
    struct providers *p = calloc(1, sizeof *p);

    if (p == NULL)
        return NULL;
    p->users = 1; /* outside itself */
    memcpy(p->print, print, sizeof p->print);
    (void)str_copy(p->success_url, sizeof p->success_url, t->success_url);
    (void)str_copy(p->cancel_url, sizeof p->cancel_url, t->cancel_url);
    (void)str_copy(p->database_admin, sizeof p->database_admin, t->database_admin);
    (void)str_copy(p->database_password, sizeof p->database_password, t->database_password);
    set_cloudflare(p, t);
    set_stripe(p, t);
    set_proxmox(p, t);
    return p;
}

struct providers *outside_use(struct outside *o)
{
    struct providers *p;

    (void)pthread_mutex_lock(&o->lock);
    p = o->providers;
    p->users++;
    (void)pthread_mutex_unlock(&o->lock);
    return p;
}

void outside_done(struct outside *o, struct providers *p)
{
    bool last;

    (void)pthread_mutex_lock(&o->lock);
    last = --p->users == 0;
    (void)pthread_mutex_unlock(&o->lock);
    if (last)
        providers_free(p);
}

/* Replace the providers unless they are made from the same terms. Return 1, 0 if they are, -1. */
static int take_over(struct outside *o, const struct terms *terms, const struct conf *conf,
                     struct engines **engines, struct err *err)
{
    uint8_t print[32];
    struct providers *fresh, *old;

    (void)crypto_generichash(print, sizeof print, (const uint8_t *)terms, sizeof *terms, NULL, 0);
    if (o->providers != NULL && memcmp(o->providers->print, print, sizeof print) == 0)
        return 0;
    if ((fresh = providers_new(terms, print)) == NULL)
        return err_set(err, ERR_UNAVAILABLE, "no_memory", "no memory for the providers");
    fresh->engines = *engines;
    *engines = NULL;
    engines_make(fresh->engines, &o->paths, conf);
    (void)pthread_mutex_lock(&o->lock);
    old = o->providers;
    o->providers = fresh;
    (void)pthread_mutex_unlock(&o->lock);
    if (old != NULL)
        outside_done(o, old);
    return 1;
}

int outside_refresh(struct outside *o, struct db *db, const struct conf *conf,
                    const struct vault *vault, struct err *err)
{
    struct terms *terms = calloc(1, sizeof *terms);
    struct engines *engines = NULL;
    struct txn *txn;
    int result;

    if (terms == NULL)
        return err_set(err, ERR_UNAVAILABLE, "no_memory", "no memory for the settings");
    if ((result = db_read(&txn, db, err)) == 0) {
        result = read_terms(txn, conf, vault, terms, err);
        if (result == 0)
            result = engines_read(&engines, txn, vault, err);
        db_read_end(txn);
    }
    engines_print(engines, terms->engines);
    if (result == 0 && (result = take_over(o, terms, conf, &engines, err)) == 1 && o->refreshed)
        log_info("the providers' settings have changed");
    if (!o->refreshed && result != -1) /* the first time there is but one thread */
        o->refreshed = true;
    engines_free(engines);
    sodium_memzero(terms, sizeof *terms);
    free(terms);
    return result == -1 ? -1 : 0;
}

int outside_new(struct outside **out, const struct paths *paths, const struct conf *conf,
                struct err *err)
{
    struct outside *o = calloc(1, sizeof *o);
    struct terms *none = calloc(1, sizeof *none);
    struct engines *no_engines = NULL;
    const char *front_door = conf_get(conf, "outside", "front_door");
    const char *ca_file = conf_get(conf, "outside", "ca_file");

    if (o == NULL || none == NULL) {
        free(o);
        free(none);
        return err_set(err, ERR_UNAVAILABLE, "no_memory", "no memory for the outside");
    }
    o->paths = *paths;
    (void)pthread_mutex_init(&o->lock, NULL);
    if (str_copy(o->front_door, sizeof o->front_door, front_door == NULL ? "" : front_door) == -1 ||
        ingress_local_new(&o->local, o->paths.hands_sock, ROUTE_MS, err) == -1 ||
        http_client_new(&o->probe, err) == -1 ||
        (ca_file != NULL && http_client_set_ca(o->probe, ca_file) == -1) ||
        take_over(o, none, conf, &no_engines, err) == -1) {
        free(none);
        outside_free(o);
        return -1;
    }
    free(none);
    *out = o;
    return 0;
}

void outside_free(struct outside *o)
{
    if (o == NULL)
        return;
    if (o->providers != NULL)
        outside_done(o, o->providers);
    http_client_free(o->probe);
    ingress_local_free(&o->local);
    (void)pthread_mutex_destroy(&o->lock);
    free(o);
}

/* The key's gate, or that of the key that was used longest ago, full. */
static struct outside_gate *gate_of(struct outside *o, const char *key, int64_t full_milli,
                                    int64_t now_ms)
{
    struct outside_gate *oldest = &o->gates[0];

    for (size_t i = 0; i < OUTSIDE_GATES; i++) {
        if (str_equal(o->gates[i].key, key))
            return &o->gates[i];
        if (o->gates[i].at_ms < oldest->at_ms)
            oldest = &o->gates[i];
    }
    (void)str_copy(oldest->key, sizeof oldest->key, key);
    oldest->left_milli = full_milli;
    oldest->at_ms = now_ms;
    return oldest;
}

uint32_t outside_gate(struct outside *o, const char *key, uint32_t per_minute)
{
    int64_t full = (int64_t)per_minute * 1000, now = clock_mono_ms();
    struct outside_gate *gate;
    bool room;

    (void)pthread_mutex_lock(&o->lock);
    gate = gate_of(o, key, full, now);
    gate->left_milli += (now - gate->at_ms) * per_minute / 60;
    gate->left_milli = gate->left_milli > full ? full : gate->left_milli;
    gate->at_ms = now;
    if ((room = gate->left_milli >= 1000))
        gate->left_milli -= 1000;
    (void)pthread_mutex_unlock(&o->lock);
    return room ? 0 : 60 / per_minute + 1;
}

bool outside_probe_enter(struct outside *o)
{
    bool room;

    (void)pthread_mutex_lock(&o->lock);
    if ((room = o->probes < PROBES_AT_ONCE))
        o->probes++;
    (void)pthread_mutex_unlock(&o->lock);
    return room;
}

void outside_probe_leave(struct outside *o)
{
    (void)pthread_mutex_lock(&o->lock);
    o->probes--;
    (void)pthread_mutex_unlock(&o->lock);
}

enum outcome outside_hands(struct outside *o, const struct hands_request *request, int timeout_ms,
                           struct hands_reply *reply, struct buf *stream, struct err *err)
{
    memset(reply, 0, sizeof *reply);
    return hands_call(o->paths.hands_sock, request, timeout_ms, reply, stream, err);
}
