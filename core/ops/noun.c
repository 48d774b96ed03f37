/* The nouns, one row each. Apart from the operations because a noun is none of them, and what it is
 * about would otherwise be said in as many places as there are pages. */
#include "noun.h"

#include <string.h>

#include "str.h"

const struct noun_row noun_rows[] = {
    {"access", "who may come in to a tenant at all (Cloudflare Access)", NULL, NULL},
    {"alert", "what is wrong with the box and its tenants, and who is told", "id", "text"},
    {"audit", "who did what: a chain of records in which nothing can be changed", "number",
     "action"},
    {"billing", "a customer's way to invoices and cards at Stripe", NULL, NULL},
    {"blueprint", "the blueprints that tenants are made by", "name", "title"},
    {"box", "the box itself: its setup, its restores, its move to another machine", NULL, NULL},
    {"brand", "name, colour and logo on pages and letters that customers see", NULL, NULL},
    {"certificate", "the certificate that the box's web server shows", NULL, NULL},
    {"change", "the feed of what has changed", NULL, NULL},
    {"channel", "where alerts and news go: mail addresses and webhooks", "name", "kind"},
    {"checkout", "checkout sessions at Stripe", NULL, NULL},
    {"cloudflare", "the account and zone at Cloudflare", NULL, NULL},
    {"config", "settings as they hold, and where each was set", NULL, NULL},
    {"customer", "the people who order", "id", "name"},
    {"dashboard", "counts for a first page", NULL, NULL},
    {"database", "the PostgreSQL server in which tenants get databases", NULL, NULL},
    {"db", "the store as a whole: dumped, loaded, migrated", NULL, NULL},
    {"domain", "customers' own domains and host names", "id", "hostname"},
    {"drift", "where the world outside and the box's records differ", "id", "text"},
    {"drill", "restores that were tried out", "id", "state"},
    {"engine", "container engines on other machines", "name", "state"},
    {"event", "the events that came from Stripe", "id", "type"},
    {"firewall", "what may come in to this machine: ssh, http, https", NULL, NULL},
    {"invitation", "invitations of users by one-time links", "id", "email"},
    {"job", "what the box is doing and has done, step by step", "id", "saga"},
    {"key", "API keys, and the box's own", "id", "name"},
    {"log", "the lines of all logs in one order", NULL, NULL},
    {"mail", "letters to customers and users", "id", "subject"},
    {"name", "names of tenants: whether one can be had", NULL, NULL},
    {"nesting", "how the units stand in a container without nesting", NULL, NULL},
    {"notice", "what was sent to channels", NULL, NULL},
    {"offer", "what can be bought, as anybody sees it", NULL, NULL},
    {"order", "orders, from the page to the tenant", "id", "state"},
    {"passkey", "passkeys for signing in", "id", "name"},
    {"password", "new passwords for those who forgot theirs", NULL, NULL},
    {"plan", "what is sold: blueprint, limits and price", "name", "title"},
    {"port", "the pool of local ports", NULL, NULL},
    {"portal", "customers' own pages", NULL, NULL},
    {"probe", "what an address answers, and why it does not", "id", "url"},
    {"proxmox", "Proxmox VE, whose containers tenants may be", NULL, NULL},
    {"ratelimit", "how often one address may ask a tenant", NULL, NULL},
    {"recovery", "recovery keys, to which snapshots are sealed", "name", NULL},
    {"restore", "bring the box or one tenant back from a snapshot", "id", "state"},
    {"reveal", "links that show first credentials once", NULL, NULL},
    {"rule", "what a tunnel leads where", NULL, NULL},
    {"second-factor", "authenticator apps and recovery codes for signing in", NULL, NULL},
    {"secret", "tokens and passwords of others that the box keeps sealed", "name", NULL},
    {"session", "who is signed in, and from where", "id", "user"},
    {"setting", "what can be set", "name", "value"},
    {"snapshot", "snapshots: made, checked, opened, pruned", "number", "scope"},
    {"stripe", "Stripe: its key, its events", NULL, NULL},
    {"subscription", "what customers pay for", "id", "status"},
    {"system", "the box's health, programs, resources and acts", NULL, NULL},
    {"tenant", "tenants: made, changed, moved, watched, removed", "subdomain", "state"},
    {"tunnel", "Cloudflare tunnels, their rules and connectors", "id", "name"},
    {"turn", "TURN credentials for calls between browsers", "id", "name"},
    {"user", "who may sign in, with which role", "name", "role"},
    {"vault", "places that snapshots are kept in", "name", "kind"},
    {"web-server", "the web server's part: nginx, Apache, lighttpd or Caddy", NULL, NULL},
    {NULL, NULL, NULL, NULL},
};

const struct noun_row *noun_find(const char *noun)
{
    for (const struct noun_row *row = noun_rows; row->noun != NULL; row++)
        if (str_equal(row->noun, noun))
            return row;
    return NULL;
}

/* Whether there is a list of them. */
static bool listed(const char *noun)
{
    char name[64];

    return str_format(name, sizeof name, "%s.list", noun) == 0 && op_find(name) != NULL;
}

const char *noun_named(const struct op *op, const struct field *field)
{
    const struct noun_row *row;
    char noun[64];
    size_t len = strlen(field->name);

    if (field->flags & FIELD_PATH)
        (void)str_copy_n(noun, sizeof noun, op->name, strcspn(op->name, "."));
    else if (str_ends(field->name, "_id"))
        (void)str_copy_n(noun, sizeof noun, field->name, len - strlen("_id"));
    else
        (void)str_copy(noun, sizeof noun, field->name);
    row = noun_find(noun);
    return row != NULL && row->shown != NULL && listed(noun) ? row->noun : NULL;
}
