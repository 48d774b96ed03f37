/*
 * What each step would touch, in words, for ?plan=1 and --dry-run. Apart because here nothing is
 * done: a line is made from the facts that are known before, and says so where one is not.
 */
#include "facts.h"
#include "steps.h"

#include "str.h"

static const char *fact(const struct job *job, const char *name, const char *otherwise)
{
    return kv_get_or(&job->facts, name, otherwise);
}

static bool cloudflare(const struct job *job)
{
    return str_equal(fact(job, FACT_INGRESS, "local"), "cloudflare");
}

int steps_plan_reserve(const struct job *job, char *out, size_t size)
{
    return str_format(out, size, "holds the name %s and the lowest free port of the pool",
                      fact(job, FACT_SUBDOMAIN, "of the tenant"));
}

int steps_plan_port(const struct job *job, char *out, size_t size)
{
    if (kv_get(&job->facts, FACT_PORT) == NULL)
        return str_format(out, size, "binds the reserved port once; one that is taken is skipped");
    return str_format(out, size, "binds port %s once", fact(job, FACT_PORT, ""));
}

int steps_plan_database(const struct job *job, char *out, size_t size)
{
    return str_format(out, size,
                      "the PostgreSQL role and database of tenant %s, if blueprint %s "
                      "wants one",
                      fact(job, FACT_NUMBER, "(new)"), fact(job, FACT_BLUEPRINT, "?"));
}

int steps_plan_runtime(const struct job *job, char *out, size_t size)
{
    const char *node = fact(job, FACT_NODE, fact(job, FACT_ENGINE, ""));

    return str_format(out, size, "the program of tenant %s, as blueprint %s says%s%s",
                      fact(job, FACT_NUMBER, "(new)"), fact(job, FACT_BLUEPRINT, "?"),
                      node[0] == '\0' ? "" : ", on ", node);
}

int steps_plan_healthy(const struct job *job, char *out, size_t size)
{
    if (kv_get(&job->facts, FACT_ADDRESS) != NULL)
        return str_format(out, size, "asks http://%s until it answers",
                          fact(job, FACT_ADDRESS, ""));
    return str_format(out, size, "asks http://127.0.0.1:%s until it answers",
                      fact(job, FACT_PORT, "(its port)"));
}

int steps_plan_tunnel(const struct job *job, char *out, size_t size)
{
    return str_format(out, size, "tunnel %s at Cloudflare", fact(job, FACT_TUNNEL_NAME, "(new)"));
}

int steps_plan_rules(const struct job *job, char *out, size_t size)
{
    return str_format(out, size, "%s: %s -> %s",
                      steps_carried(job) ? "the shared tunnel's rules"
                      : cloudflare(job)  ? "the tunnel's rules"
                                         : "the map of the web server",
                      fact(job, FACT_HOSTNAME, "(its name)"),
                      steps_in_maintenance(job)
                          ? "the page of maintenance"
                          : fact(job, FACT_SERVICE, "http://127.0.0.1:(its port)"));
}

int steps_plan_configure(const struct job *job, char *out, size_t size)
{
    if (kv_get(&job->facts, FACT_LOCAL) != NULL)
        return str_format(out, size,
                          "the files of tunnel %s, whose connector is restarted: live connections "
                          "drop",
                          fact(job, FACT_TUNNEL_NAME, "(new)"));
    return str_format(out, size, "all rules of tunnel %s; connections stay",
                      fact(job, FACT_TUNNEL_NAME, "(new)"));
}

int steps_plan_connector(const struct job *job, char *out, size_t size)
{
    return str_format(out, size, "the unit sett-tunnel@%s", fact(job, FACT_TUNNEL_NUMBER, "(new)"));
}

int steps_plan_dns(const struct job *job, char *out, size_t size)
{
    return str_format(out, size, "the DNS record %s", fact(job, FACT_HOSTNAME, "(its name)"));
}

int steps_plan_access(const struct job *job, char *out, size_t size)
{
    return str_format(out, size, "an Access application before %s",
                      fact(job, FACT_GUARD_HOSTS, fact(job, FACT_HOSTNAME, "(its names)")));
}

int steps_plan_doors(const struct job *job, char *out, size_t size)
{
    return str_format(out, size, "the rules of the connectors that lead to %s",
                      fact(job, FACT_GUARD_HOSTS, fact(job, FACT_HOSTNAME, "(its names)")));
}

int steps_plan_limit(const struct job *job, char *out, size_t size)
{
    return str_format(out, size, "a rate-limiting rule of the zone about %s",
                      fact(job, FACT_GUARD_HOSTS, fact(job, FACT_HOSTNAME, "(its names)")));
}

int steps_plan_elsewhere(const struct job *job, char *out, size_t size)
{
    return str_format(out, size, "nothing: asks the DNS for a CNAME of %s",
                      fact(job, FACT_HOSTNAME, "(its name)"));
}

int steps_plan_reachable(const struct job *job, char *out, size_t size)
{
    return str_format(out, size, "asks %s until it answers", fact(job, FACT_URL, "its address"));
}

int steps_plan_remove(const struct job *job, char *out, size_t size)
{
    bool data = !str_equal(kv_get_or(&job->args, "data", "1"), "0");

    return str_format(out, size, "the program of tenant %s%s", fact(job, FACT_NUMBER, "?"),
                      data ? " and all its data, for good" : "; its data stays");
}

int steps_plan_target(const struct job *job, char *out, size_t size)
{
    const char *node = fact(job, FACT_TARGET_NODE, "");

    return str_format(out, size, "tenant %s from %s (blueprint %s) to %s (blueprint %s)%s%s",
                      fact(job, FACT_NUMBER, "?"), fact(job, FACT_OLD_RUNTIME, "?"),
                      fact(job, FACT_OLD_BLUEPRINT, "?"), fact(job, FACT_RUNTIME, "?"),
                      fact(job, FACT_BLUEPRINT, "?"), node[0] == '\0' ? "" : " on ", node);
}

int steps_plan_new(const struct job *job, char *out, size_t size)
{
    return str_format(out, size, "the program of tenant %s in runtime %s, as blueprint %s says",
                      fact(job, FACT_NUMBER, "?"), fact(job, FACT_RUNTIME, "?"),
                      fact(job, FACT_BLUEPRINT, "?"));
}

int steps_plan_old(const struct job *job, char *out, size_t size)
{
    return str_format(out, size, "the program of tenant %s in runtime %s; its data stays",
                      fact(job, FACT_NUMBER, "?"), fact(job, FACT_OLD_RUNTIME, "?"));
}

int steps_plan_pause(const struct job *job, char *out, size_t size)
{
    return str_format(out, size, "%s: %s -> the page of maintenance, until it answers again",
                      cloudflare(job) ? "the tunnel's rules" : "the map of the web server",
                      fact(job, FACT_HOSTNAME, "(its name)"));
}

int steps_plan_free(const struct job *job, char *out, size_t size)
{
    return str_format(out, size, "name %s (which then rests) and port %s",
                      fact(job, FACT_SUBDOMAIN, "?"), fact(job, FACT_PORT, "(none)"));
}
