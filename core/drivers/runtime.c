/*
 * What all runtimes share: the names of their states, and how an order and a blueprint become
 * variables, an environment and an argv. Apart so that a tenant's program finds the same whether it
 * runs in a container or not.
 */
#include "runtime.h"

#include <string.h>

#include "str.h"

const char *const runtime_state_names[] = {"absent",  "created", "running",
                                           "stopped", "failed",  NULL};

static bool clean_value(const char *s)
{
    for (; *s != '\0'; s++)
        if ((unsigned char)*s < 0x20 || *s == 0x7f)
            return false;
    return true;
}

/* Whether an order may set ${name}: what is declared, and what every tenant has. */
static bool may_set(const struct blueprint *b, const char *name)
{
    if (!blueprint_variable_name(name))
        return false;
    return str_starts(name, "TENANT_") || str_starts(name, "DB_") ||
           kv_get(&b->variables, name) != NULL || kv_get(&b->generated, name) != NULL;
}

/* What the box itself says about the tenant; set last, so that no order can say otherwise. */
static int own_variables(struct kv *out, const struct runtime_order *o, const struct blueprint *b,
                         const char *folder, uint32_t port)
{
    struct limits limits = b->limits;

    limits_over(&limits, &o->limits);
    if (kv_set_u64(out, "PORT", port) == -1 || kv_set_u64(out, "TENANT_NUMBER", o->number) == -1 ||
        kv_set(out, "TENANT_ID", o->tenant_id) == -1 ||
        kv_set(out, "TENANT_FOLDER", folder) == -1 ||
        kv_set(out, "BLUEPRINT_FOLDER", b->folder) == -1)
        return -1;
    return kv_set_u64(out, "MAX_USERS", limits.max_users);
}

int runtime_variables(struct kv *out, const struct runtime_order *o, const struct blueprint *b,
                      const char *folder, uint32_t port, struct err *err)
{
    const char *name, *value;
    size_t at = 0;

    *out = b->variables;
    while (kv_next(&o->env, &at, &name, &value) == 1) {
        if (!may_set(b, name))
            return err_set(err, ERR_INVALID, "variable_unknown",
                           "the blueprint %s declares no variable %s", b->name, name);
        if (!clean_value(value))
            return err_set(err, ERR_INVALID, "variable_value",
                           "the value of %s holds a control character", name);
        if (kv_set(out, name, value) == -1)
            goto full;
    }
    at = 0;
    while (kv_next(&b->generated, &at, &name, &value) == 1)
        if (kv_get(out, name) == NULL)
            return err_set(err, ERR_INVALID, "variable_missing",
                           "tenant %llu was made before its blueprint %s had %s",
                           (unsigned long long)o->number, b->name, name);
    if (own_variables(out, o, b, folder, port) == 0)
        return 0;
full:
    return err_set(err, ERR_TOO_LARGE, "variables_too_large",
                   "the variables of tenant %llu do not fit", (unsigned long long)o->number);
}

int runtime_environment(struct kv *env, const struct kv *vars, const struct blueprint *b,
                        struct err *err)
{
    const char *name, *value;
    char expanded[KV_SIZE];
    size_t at = 0;

    *env = *vars;
    kv_unset(env, "BLUEPRINT_FOLDER"); /* the host's affair */
    while (kv_next(&b->env, &at, &name, &value) == 1) {
        if (blueprint_expand(expanded, sizeof expanded, value, vars, err) == -1)
            return -1;
        if (kv_set(env, name, expanded) == -1)
            return err_set(err, ERR_TOO_LARGE, "environment_too_large",
                           "the environment of blueprint %s does not fit", b->name);
    }
    return 0;
}

int runtime_argv(char space[RUNTIME_ARGV_SPACE], char *argv[BLUEPRINT_ARGS + 1],
                 const struct blueprint_command *command, const struct kv *vars, struct err *err)
{
    size_t used = 0;

    for (uint32_t i = 0; i < command->count; i++) {
        argv[i] = space + used;
        if (blueprint_expand(space + used, RUNTIME_ARGV_SPACE - used, command->args[i], vars,
                             err) == -1)
            return -1;
        used += strlen(space + used) + 1;
    }
    argv[command->count] = NULL;
    if (command->count == 0)
        return err_set(err, ERR_INVALID, "command_empty", "there is no command to run");
    return 0;
}

void runtime_hide_secrets(struct err *err, const struct kv *vars)
{
    const char *name, *value;
    size_t at = 0;

    if (err == NULL || !str_equal(err->code, "command_failed"))
        return;
    while (kv_next(vars, &at, &name, &value) == 1)
        if ((str_ends(name, "PASSWORD") || str_ends(name, "SECRET") || str_ends(name, "TOKEN")) &&
            value[0] != '\0' && strstr(err->text, value) != NULL)
            err_set(err, err->kind, "command_failed",
                    "A command inside failed; what it said holds a password and is not shown.");
}
