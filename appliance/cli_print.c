/*
 * Answers of operations for people: a list as a table, an object as lines. The columns of each
 * noun's table stand here; everything else follows from the answer itself.
 */
#include <string.h>
#include <time.h>

#include "cli.h"
#include "clock.h"
#include "json_in.h"
#include "progress.h"
#include "str.h"

#define COLUMNS       10
#define CELL_SIZE     72
#define NOUN_WIDTH    22
#define CHART_COLUMNS 40

/* By an operation's whole name first, where its list is not one of what its noun stands for. */
static const struct {
    const char *noun;
    const char *columns[COLUMNS];
} tables[] = {
    {"alert.rules", {"kind", "severity", "threshold", "unit", "hold_s", "resend_s", "off", "help"}},
    {"mail.kinds", {"kind", "params", "link", "help"}},
    {"mail.check", {"file", "fault"}},
    {"key.box", {"which", "since", "key", "what_for"}},
    {"key.status", {"what", "count", "since", "command"}},
    {"vault.room", {"name", "vault_id", "free_bytes", "size_bytes", "problem"}},
    {"snapshot.matrix", {"number", "subdomain", "state", "marks", "next_at"}},
    {"snapshot.prune", {"number", "created_at", "bytes", "verified", "keep", "reason"}},
    {"cloudflare.quotas", {"name", "used", "most", "percent", "title", "unknown"}},
    {"tenant", {"number", "id", "name", "subdomain", "state", "health", "port", "url"}},
    {"tunnel", {"number", "id", "hostname", "service", "ingress", "state"}},
    {"turn", {"number", "id", "owner", "uid", "state", "created_at"}},
    {"domain", {"id", "unicode", "via", "state", "tenant_id", "days_left", "state_reason"}},
    {"rule", {"position", "id", "hostname", "path", "service", "no_tls_verify", "note"}},
    {"customer", {"number", "id", "name", "email", "created_at"}},
    {"plan", {"id", "name", "title", "blueprint", "amount", "currency", "offered"}},
    {"offer", {"plan", "title", "amount", "currency", "interval", "interval_count", "snapshots"}},
    {"blueprint", {"name", "title", "runtime", "image", "database", "fault"}},
    {"port", {"port", "owner", "tenant_id", "foreign", "created_at"}},
    {"job", {"id", "saga", "state", "step_name", "cause_class", "created_at", "ended_at"}},
    {"user", {"id", "name", "role", "disabled", "last_login_at"}},
    {"key", {"id", "name", "role", "expires_at", "revoked_at"}},
    {"session", {"id", "user_id", "address", "seen_at", "expires_at"}},
    {"audit", {"number", "at", "actor", "action", "object_id", "result"}},
    {"event", {"id", "type", "state", "received_at", "note"}},
    {"order", {"id", "name", "subdomain", "state", "created_at"}},
    {"subscription", {"number", "id", "status", "tenant_id", "period_end", "flag"}},
    {"alert", {"id", "kind", "severity", "state", "subject_id", "text", "raised_at"}},
    {"notice", {"id", "kind", "state", "channel_id", "attempts", "cause", "created_at"}},
    {"mail", {"id", "kind", "state", "recipient", "subject", "attempts", "cause", "created_at"}},
    {"drift", {"id", "kind", "verdict", "state", "name", "desired", "actual"}},
    {"channel", {"id", "name", "type", "target", "severity", "enabled", "failures", "sent_at"}},
    {"setting", {"name", "value", "origin"}},
    {"config", {"name", "value", "origin"}},
    {"secret", {"name", "updated_at"}},
    {"recovery", {"id", "name", "key", "shares", "needed", "proven", "created_at"}},
    {"engine", {"id", "name", "kind", "url", "state", "version", "problem"}},
    {"vault", {"id", "name", "kind", "address", "enabled", "append_only", "used_at", "problem"}},
    {"snapshot",
     {"number", "id", "state", "tenant_id", "chain", "files", "bytes", "verified", "created_at"}},
    {"drill", {"id", "number", "vault_id", "passed", "files", "took_ms", "started_at", "problem"}},
    {"change", {"object", "id", "change", "about", "at"}},
    {"system.attention", {"severity", "kind", "name", "step", "text", "since", "command"}},
    {"system.search", {"object", "id", "title", "detail", "state"}},
    {"restore",
     {"id", "state", "scope", "snapshot_number", "snapshot_at", "restored_at", "problem"}},
};

/* Whether a member's number is a size, which people read in other units than programs. */
static bool is_size(const char *name)
{
    return str_equal(name, "bytes") || str_ends(name, "_bytes");
}

/* A number: as it is, or as a size. */
static void number_set(char out[CELL_SIZE], const char *name, bool negative, uint64_t n)
{
    char size[PROGRESS_BYTES];

    if (negative || n == 0 || !is_size(name)) {
        (void)str_format(out, CELL_SIZE, "%s%llu", negative ? "-" : "", (unsigned long long)n);
        return;
    }
    if (n < 1024)
        (void)str_format(size, sizeof size, "%u B", (unsigned)n);
    else
        progress_bytes(size, n);
    (void)str_copy(out, CELL_SIZE, size);
}

/* One value as a cell: strings as they are, null as "-", nested things as compact JSON, and of a
 * member with a ${name} that says so a size in units for people; "": the number itself. */
static void cell_set(char out[CELL_SIZE], const char *name, const struct cJSON *item)
{
    bool negative;
    uint64_t n;

    (void)str_copy(out, CELL_SIZE, "-");
    if (item == NULL)
        return;
    switch (json_type(item)) {
    case JSON_STRING: {
        const char *text = json_text(item, "", "");
        int64_t ms;
        if (clock_parse(text, &ms) == 0 && strlen(text) >= 20)
            (void)str_format(out, CELL_SIZE, "%.10s %.8s", text, text + 11);
        else if (str_copy(out, CELL_SIZE, text[0] == '\0' ? "-" : text) == -1)
            (void)str_format(out, CELL_SIZE, "%.*s...", CELL_SIZE - 8, text);
        break;
    }
    case JSON_NUMBER:
        if (json_integer(item, &negative, &n))
            number_set(out, name, negative, n);
        break;
    case JSON_BOOL:
        (void)str_copy(out, CELL_SIZE, json_bool(item, "", false) ? "yes" : "no");
        break;
    case JSON_ARRAY:
    case JSON_OBJECT:
        (void)str_format(out, CELL_SIZE, "(%d)", json_size(item, ""));
        break;
    case JSON_NULL:
        break;
    }
}

/* What --quiet says of a thing: its id, or what it is called where it has none. */
static const char *short_of(const struct cJSON *item)
{
    static const char *const names[] = {"id", "name", "kind", "file"};
    const char *text = "";

    for (size_t i = 0; i < sizeof names / sizeof *names && text[0] == '\0'; i++)
        text = json_text(item, names[i], "");
    return text;
}

/* Columns on a terminal: characters, not bytes. */
static int width(const char *s)
{
    int n = 0;

    for (; *s != '\0'; s++)
        n += ((unsigned char)*s & 0xc0) != 0x80;
    return n;
}

static void row_print(char cells[COLUMNS][CELL_SIZE], const int *widths, size_t count, bool plain)
{
    for (size_t i = 0; i < count; i++) {
        bool last = i + 1 == count;
        fputs(cells[i], stdout);
        if (last)
            putchar('\n');
        else if (plain)
            putchar('\t');
        else
            printf("%*s", widths[i] - width(cells[i]) + 2, "");
    }
}

static const char *const *columns_of(const struct op *op, size_t *count)
{
    size_t len = strcspn(op->name, ".");

    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++)
        if (str_equal(tables[i].noun, op->name) ||
            (strlen(tables[i].noun) == len && strncmp(tables[i].noun, op->name, len) == 0)) {
            *count = 0;
            while (*count < COLUMNS && tables[i].columns[*count] != NULL)
                (*count)++;
            return tables[i].columns;
        }
    return NULL;
}

static void list_print(const struct cli *cli, const struct cJSON *data, const char *const *columns,
                       size_t count)
{
    int widths[COLUMNS] = {0};
    char cells[COLUMNS][CELL_SIZE];
    const struct cJSON *item = NULL;

    for (size_t i = 0; i < count; i++)
        widths[i] = width(columns[i]);
    while ((item = json_next(data, item)) != NULL)
        for (size_t i = 0; i < count; i++) {
            cell_set(cells[i], cli->output == CLI_PLAIN ? "" : columns[i],
                     json_at(item, columns[i]));
            if (width(cells[i]) > widths[i])
                widths[i] = width(cells[i]);
        }
    if (cli->output != CLI_PLAIN) {
        for (size_t i = 0; i < count; i++)
            (void)str_copy(cells[i], CELL_SIZE, columns[i]);
        if (cli->colour)
            fputs("\033[1m", stdout);
        row_print(cells, widths, count, false);
        if (cli->colour)
            fputs("\033[0m", stdout);
    }
    while ((item = json_next(data, item)) != NULL) {
        for (size_t i = 0; i < count; i++)
            cell_set(cells[i], cli->output == CLI_PLAIN ? "" : columns[i],
                     json_at(item, columns[i]));
        row_print(cells, widths, count, cli->output == CLI_PLAIN);
    }
}

/* The figures of a chart as a table: ${columns} names what stands in each of ${points}. A column in
 * which nothing is ever anything but 0 is left out. */
static void chart_print(const struct cJSON *columns, const struct cJSON *points, int indent)
{
    int widths[CHART_COLUMNS] = {0}, i;
    bool shown[CHART_COLUMNS] = {false};
    const struct cJSON *row = NULL, *item = NULL;
    const char *names[CHART_COLUMNS] = {NULL};
    char cell[CELL_SIZE];

    for (i = 0; i < CHART_COLUMNS && (item = json_next(columns, item)) != NULL; i++)
        widths[i] = width(names[i] = json_text(item, "", ""));
    while ((row = json_next(points, row)) != NULL)
        for (i = 0, item = NULL; i < CHART_COLUMNS && (item = json_next(row, item)) != NULL; i++) {
            cell_set(cell, names[i] == NULL ? "" : names[i], item);
            shown[i] = shown[i] || !str_equal(cell, "0");
            widths[i] = width(cell) > widths[i] ? width(cell) : widths[i];
        }
    printf("%*s", indent, "");
    for (i = 0, item = NULL; i < CHART_COLUMNS && (item = json_next(columns, item)) != NULL; i++)
        if (shown[i])
            printf("%*s  ", widths[i], json_text(item, "", ""));
    putchar('\n');
    while ((row = json_next(points, row)) != NULL) {
        printf("%*s", indent, "");
        for (i = 0, item = NULL; i < CHART_COLUMNS && (item = json_next(row, item)) != NULL; i++) {
            cell_set(cell, names[i] == NULL ? "" : names[i], item);
            if (shown[i])
                printf("%*s  ", widths[i], cell);
        }
        putchar('\n');
    }
}

/* An object as "name  value" lines; lists of objects inside it as small tables of their own. What
 * is in one whose name is a size's is a size, but for its shares. */
static void object_print(const struct cli *cli, const struct cJSON *object, int indent)
{
    const char *of = json_name(object) == NULL ? "" : json_name(object);
    const struct cJSON *item = NULL;
    char cell[CELL_SIZE];

    while ((item = json_next(object, item)) != NULL) {
        const char *name = json_name(item) == NULL ? "" : json_name(item);
        int type = (int)json_type(item);
        if (type == JSON_OBJECT || type == JSON_ARRAY) {
            if (json_size(item, "") == 0 || str_equal(name, "columns"))
                continue;
            if (str_equal(name, "points") && json_at(object, "columns") != NULL) {
                printf("%*s%s\n", indent, "", name);
                chart_print(json_at(object, "columns"), item, indent + 2);
                continue;
            }
            if (name[0] != '\0')
                printf("%*s%s\n", indent, "", name);
            object_print(cli, item, indent + 2);
            if (name[0] == '\0')
                putchar('\n');
            continue;
        }
        if (type == JSON_STRING && strlen(json_text(item, "", "")) >= CELL_SIZE)
            printf("%*s%-*s %s\n", indent, "", NOUN_WIDTH - 1 - indent, name,
                   json_text(item, "", ""));
        else {
            cell_set(cell,
                     cli->output == CLI_PLAIN                     ? ""
                     : is_size(of) && !str_ends(name, "_percent") ? of
                                                                  : name,
                     item);
            printf("%*s%-*s %s\n", indent, "", NOUN_WIDTH - 1 - indent, name, cell);
        }
    }
}

/* What a probe comes to: its findings were shown as they were made. */
static void probe_print(const struct cJSON *tree)
{
    const char *command = json_text(tree, "command", "");

    printf("\n%s\n%s\n", json_text(tree, "cause", ""), json_text(tree, "change", ""));
    if (command[0] != '\0')
        printf("  %s\n", command);
}

int cli_print(const struct cli *cli, const struct op *op, const char *json, size_t len,
              struct err *err)
{
    struct json_limits limits = json_limits_provider;
    const char *const *columns;
    const struct cJSON *data;
    struct cJSON *tree;
    size_t count;

    if (cli->output == CLI_JSON || len == 0 || (json[0] != '{' && json[0] != '[')) {
        printf("%.*s%s", (int)len, json, len > 0 && json[len - 1] == '\n' ? "" : "\n");
        return 0;
    }
    if ((tree = json_parse(json, len, &limits, err)) == NULL)
        return -1;
    data = json_at(tree, "data");
    if (cli->quiet) {
        const struct cJSON *item = NULL;
        if (data == NULL && short_of(tree)[0] != '\0')
            printf("%s\n", short_of(tree));
        while (data != NULL && (item = json_next(data, item)) != NULL)
            printf("%s\n", short_of(item));
    } else if (data != NULL && (columns = columns_of(op, &count)) != NULL) {
        list_print(cli, data, columns, count);
        if (json_size(tree, "data") == 0)
            fprintf(stderr, "none\n");
        else if (json_bool(tree, "has_more", false))
            fprintf(stderr, "more follow: add --starting-after with the last id, or --limit 100\n");
    } else if (strchr(json_text(tree, "text", ""), '\n') != NULL) {
        printf("%s", json_text(tree, "text", "")); /* written for people: as it stands */
    } else if (cli->told && str_equal(json_text(tree, "object", ""), "probe")) {
        probe_print(tree);
    } else {
        object_print(cli, tree, 0);
    }
    json_free(tree);
    return 0;
}
