/* YAML: a document written in flow style reads back as the same, and so does any text quoted. */
#include "fuzz.h"

#include "core/memory.h"
#include "reverie/io.h"

#include <stdio.h>
#include <string.h>

/* As `text` where it stands in a list and as the key and the value of a map. */
static void check_quoted(rv_context *context, const char *text)
{
    rv_yaml *yaml;
    char *quoted = rv_yaml_quote(text);
    size_t room = 4 * (quoted ? strlen(quoted) : 0) + 32; /* four times, and what is between */
    char *document = rv_malloc(room);
    fuzz_require(quoted && document, "no memory");
    fuzz_require(!strpbrk(quoted, "\n\r"), "quoted over several lines");
    int is_key = strlen(quoted) <= 1000; /* libyaml's most for a key of one line is 1024 */
    snprintf(document, room, "- [%s, %s]\n- {%s: %s}\n", quoted, quoted, is_key ? quoted : "k",
             quoted);
    rv_status status = rv_yaml_parse(context, "quoted", document, &yaml);
    fuzz_require(status == RV_OK, "a quoted text is not read: %s: %s", rv_error_message(context),
                 document);
    const rv_yaml_node *list = rv_yaml_root(yaml)->child, *map = list->next;
    fuzz_require(list->child->next && !list->child->next->next, "the list is another");
    fuzz_require(strcmp(list->child->text, text) == 0, "`%s` became `%s`", text, list->child->text);
    fuzz_require(map->child && !map->child->next, "the map is another");
    fuzz_require(strcmp(map->child->text, text) == 0, "`%s` became `%s`", text, map->child->text);
    fuzz_require(!is_key || strcmp(map->child->key, text) == 0, "the key `%s` became `%s`", text,
                 map->child->key);
    rv_yaml_free(yaml);
    rv_free(document);
    rv_io_free(quoted);
}

static int is_same(const rv_yaml_node *a, const rv_yaml_node *b)
{
    for (; a && b; a = a->next, b = b->next)
        if (a->kind != b->kind || !a->key != !b->key || (a->key && strcmp(a->key, b->key) != 0) ||
            (a->text && (!b->text || strcmp(a->text, b->text) != 0)) ||
            !is_same(a->child, b->child))
            return 0;
    return !a && !b;
}

/* Some keys are longer than what libyaml takes on one line. */
static int has_long_key(const rv_yaml_node *node)
{
    for (; node; node = node->next)
        if ((node->key && strlen(node->key) > 150) || has_long_key(node->child))
            return 1;
    return 0;
}

static void check_flow(rv_context *context, const rv_yaml_node *root)
{
    rv_yaml *yaml;
    char *flow = rv_yaml_flow(root);
    fuzz_require(flow != NULL, "no memory");
    rv_status status = rv_yaml_parse(context, "flow", flow, &yaml);
    fuzz_require(status == RV_OK, "the flow text is not read: %s: %s", rv_error_message(context),
                 flow);
    fuzz_require(is_same(root, rv_yaml_root(yaml)), "the flow text reads as another: %s", flow);
    rv_yaml_free(yaml);
    rv_io_free(flow);
}

static void check_scalars(rv_context *context, const rv_yaml_node *node, int *left)
{
    for (; node && *left > 0; node = node->next) {
        if (node->text && (*left)-- > 0)
            check_quoted(context, node->text);
        check_scalars(context, node->child, left);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    rv_context *context = fuzz_begin(size);
    rv_yaml *yaml, *loaded;
    int scalars = 50;
    rv_status status = rv_yaml_parse(context, "input", fuzz_text(data, size), &yaml);
    fuzz_told(context, status);
    rv_error_clear(context);
    rv_status other = rv_yaml_load(context, fuzz_file(data, size), &loaded);
    fuzz_require(status == other || memchr(data, 0, size), "read from memory %d, from a file %d",
                 status, other);
    rv_error_clear(context);
    const rv_yaml_node *root = status == RV_OK ? rv_yaml_root(yaml) : NULL;
    check_scalars(context, root, &scalars);
    if (root && !has_long_key(root))
        check_flow(context, root);
    rv_yaml_free(yaml);
    rv_yaml_free(loaded);
    return fuzz_end();
}
