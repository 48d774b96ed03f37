/* Blueprints: what can be sold at all. Files of root's that are only shown; one that cannot be read
 * is in the list too, with what is wrong, since it is looked for here. */
#include <dirent.h>
#include <stdlib.h>
#include <string.h>

#include "blueprint.h"
#include "nouns.h"
#include "str.h"
#include "view.h"

#define MOST 200 /* files of the folder that are shown */

struct blueprint_shape {
    char name[32], title[96], runtime[16], image[200], fault[256];
    uint64_t inner_port;
    bool database;
    struct kv variables;
};
static const struct field shape_rows[] = {
    FIELD(struct blueprint_shape, name, FIELD_TEXT, .help = "its file without .conf"),
    FIELD(struct blueprint_shape, title, FIELD_TEXT, .help = "name for people"),
    FIELD(struct blueprint_shape, runtime, FIELD_TEXT,
          .help = "process, docker, lxc, swarm or proxmox"),
    FIELD(struct blueprint_shape, image, FIELD_TEXT, .help = "image or template, if it has one"),
    FIELD(struct blueprint_shape, inner_port, FIELD_U64,
          .help = "port inside, 0: the reserved one"),
    FIELD(struct blueprint_shape, database, FIELD_BOOL,
          .help = "whether each tenant has a database"),
    FIELD(struct blueprint_shape, variables, FIELD_KV,
          .help = "what an order may set, and defaults"),
    FIELD(struct blueprint_shape, fault, FIELD_TEXT,
          .help = "why it cannot be used; empty: it can"),
};
static const struct fields shape = {shape_rows, sizeof shape_rows / sizeof shape_rows[0],
                                    sizeof(struct blueprint_shape)};

static int is_conf(const struct dirent *entry)
{
    size_t n = strlen(entry->d_name);

    return n > 5 && n < 32 + 5 && entry->d_name[0] != '.' &&
           str_equal(entry->d_name + n - 5, ".conf");
}

static void write_one(struct op_call *call, struct blueprint *b, const char *file)
{
    struct json_out *j = call->out;
    struct err why = {0};
    const char *variable, *value;
    size_t at = 0;
    char name[32];

    (void)str_copy_n(name, sizeof name, file, strlen(file) - 5);
    memset(b, 0, sizeof *b);
    bool fine = blueprint_load(b, call->box->paths.blueprints, name, &why) == 0;
    json_out_object(j);
    json_out_key_text(j, "object", "blueprint");
    json_out_key_text(j, "name", name);
    json_out_key_text(j, "title", fine && b->title[0] != '\0' ? b->title : name);
    json_out_key_text(j, "runtime", fine ? b->runtime : "");
    json_out_key_text(j, "image", fine ? b->image : "");
    json_out_key_u64(j, "inner_port", fine ? b->inner_port : 0);
    json_out_key_bool(j, "database", fine && b->database);
    json_out_key(j, "variables");
    json_out_object(j);
    while (fine && kv_next(&b->variables, &at, &variable, &value) == 1)
        json_out_key_text(j, variable, value);
    json_out_end_object(j);
    if (fine)
        view_limits(&b->limits, j);
    json_out_key_text(j, "fault", fine ? "" : why.text);
    json_out_end_object(j);
}

static int blueprint_list(struct op_call *call, struct err *err)
{
    struct json_out *j = call->out;
    struct blueprint *b = calloc(1, sizeof *b);
    struct dirent **files = NULL;
    int n;

    if (b == NULL)
        return err_set(err, ERR_UNAVAILABLE, "no_memory", "no memory for a blueprint");
    n = scandir(call->box->paths.blueprints, &files, is_conf, alphasort);
    json_out_object(j);
    json_out_key_text(j, "object", "list");
    json_out_key(j, "data");
    json_out_array(j);
    for (int i = 0; i < n; i++) {
        if (i < MOST)
            write_one(call, b, files[i]->d_name);
        free(files[i]);
    }
    json_out_end_array(j);
    json_out_key_bool(j, "has_more", n > MOST);
    json_out_key_text(j, "url", "/api/blueprints");
    json_out_end_object(j);
    free(files);
    free(b);
    return 0;
}

const struct op blueprint_ops[] = {
    {.name = "blueprint.list",
     .role = ROLE_VIEWER,
     .flags = OP_READ | OP_LIST,
     .help = "What can be sold: the blueprints of this box, with what is wrong with one",
     .example = "",
     .result = &shape,
     .run = blueprint_list},
    {.name = NULL},
};
