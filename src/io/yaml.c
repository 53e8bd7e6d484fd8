/* YAML through libyaml's events into a small tree with line numbers.  A recipe needs mappings,
 * sequences and scalars; anchors, aliases and tags are refused. */
#include "core/arena.h"
#include "core/memory.h"
#include "core/text.h"
#include "reverie/io.h"

#include <stdio.h>
#include <string.h>
#include <yaml.h>

/* Keys are few: each is compared with those before it in its mapping. */
enum { DEPTH_MOST = 32, KEYS_MOST = 4096, NODES_MOST = 100000, BYTES_MOST = 4 << 20 };

struct rv_yaml {
    rv_arena arena;
    rv_yaml_node *root;
};

typedef struct reader {
    rv_context *context;
    const char *name;
    size_t length; /* of the text */
    yaml_parser_t parser;
    rv_yaml *yaml;
    int nodes;
} reader;

static rv_status fail_at(reader *r, int line, const char *what)
{
    return rv_fail(r->context, RV_BAD_USAGE, "%s:%d: %s", r->name, line, what);
}

/* The next event; the caller deletes it. */
static rv_status next_event(reader *r, yaml_event_t *event)
{
    if (yaml_parser_parse(&r->parser, event))
        return RV_OK;
    char what[256];
    if (r->parser.error == YAML_MEMORY_ERROR)
        return rv_fail_memory(r->context);
    snprintf(what, sizeof what, "%s%s%s", r->parser.problem ? r->parser.problem : "cannot be read",
             r->parser.context ? " " : "", r->parser.context ? r->parser.context : "");
    /* An unclosed element is reported at its start. */
    int ended = r->parser.context && r->parser.problem_mark.index >= r->length;
    return fail_at(r, (int)(ended ? r->parser.context_mark : r->parser.problem_mark).line + 1,
                   what);
}

static rv_yaml_node *new_node(reader *r, rv_yaml_kind kind, int line)
{
    if (++r->nodes > NODES_MOST) {
        fail_at(r, line, "too large");
        return NULL;
    }
    rv_yaml_node *node = rv_arena_alloc(&r->yaml->arena, sizeof *node);
    if (!node) {
        rv_fail_memory(r->context);
        return NULL;
    }
    node->kind = kind;
    node->line = line;
    return node;
}

static rv_status read_node(reader *r, yaml_event_t *event, int depth, rv_yaml_node **out);

static rv_status scalar_text(reader *r, const yaml_event_t *event, const char **text)
{
    const char *value = (const char *)event->data.scalar.value;
    if (strlen(value) != event->data.scalar.length)
        return fail_at(r, (int)event->start_mark.line + 1, "a NUL character");
    *text = rv_arena_strdup(&r->yaml->arena, value);
    return *text ? RV_OK : rv_fail_memory(r->context);
}

static rv_status check_duplicate(reader *r, const rv_yaml_node *first, const char *key, int line)
{
    for (; first; first = first->next)
        if (strcmp(first->key, key) == 0)
            return rv_fail(r->context, RV_BAD_USAGE, "%s:%d: key `%s` again; it is on line %d too",
                           r->name, line, key, first->key_line);
    return RV_OK;
}

/* One "key: value" of a mapping; *end at its end. */
static rv_status read_pair(reader *r, rv_yaml_node *mapping, int depth, rv_yaml_node **out,
                           int *end)
{
    yaml_event_t event;
    const char *key = NULL;
    rv_status status = next_event(r, &event);
    if (status != RV_OK)
        return status;
    int line = (int)event.start_mark.line + 1;
    *end = event.type == YAML_MAPPING_END_EVENT;
    if (!*end && event.type != YAML_SCALAR_EVENT)
        status = fail_at(r, line, "a key must be a word");
    else if (!*end)
        status = scalar_text(r, &event, &key);
    yaml_event_delete(&event);
    if (status == RV_OK && !*end)
        status = check_duplicate(r, mapping->child, key, line);
    if (status != RV_OK || *end)
        return status;
    status = next_event(r, &event);
    if (status != RV_OK)
        return status;
    status = read_node(r, &event, depth + 1, out);
    yaml_event_delete(&event);
    if (status == RV_OK) {
        (*out)->key = key;
        (*out)->key_line = line;
    }
    return status;
}

static rv_status read_item(reader *r, int depth, rv_yaml_node **out, int *end)
{
    yaml_event_t event;
    rv_status status = next_event(r, &event);
    if (status != RV_OK)
        return status;
    *end = event.type == YAML_SEQUENCE_END_EVENT;
    if (!*end)
        status = read_node(r, &event, depth + 1, out);
    yaml_event_delete(&event);
    return status;
}

static rv_status read_children(reader *r, rv_yaml_node *node, int depth)
{
    rv_yaml_node *last = NULL;
    for (int end = 0, count = 0;; count++) {
        rv_yaml_node *child = NULL;
        if (node->kind == RV_YAML_MAPPING && count > KEYS_MOST)
            return fail_at(r, node->line, "a mapping of more than 4096 keys");
        rv_status status = node->kind == RV_YAML_MAPPING ? read_pair(r, node, depth, &child, &end)
                                                         : read_item(r, depth, &child, &end);
        if (status != RV_OK || end)
            return status;
        if (last)
            last->next = child;
        else
            node->child = child;
        last = child;
    }
}

static int has_anchor_or_tag(const yaml_event_t *event)
{
    switch (event->type) {
    case YAML_SCALAR_EVENT: return event->data.scalar.anchor || event->data.scalar.tag;
    case YAML_SEQUENCE_START_EVENT:
        return event->data.sequence_start.anchor || event->data.sequence_start.tag;
    case YAML_MAPPING_START_EVENT:
        return event->data.mapping_start.anchor || event->data.mapping_start.tag;
    default: return 1;
    }
}

static rv_status read_node(reader *r, yaml_event_t *event, int depth, rv_yaml_node **out)
{
    int line = (int)event->start_mark.line + 1;
    if (has_anchor_or_tag(event))
        return fail_at(r, line, "anchors, aliases and tags are not read");
    if (depth > DEPTH_MOST)
        return fail_at(r, line, "nested too deeply");
    rv_yaml_kind kind = event->type == YAML_SCALAR_EVENT           ? RV_YAML_SCALAR
                        : event->type == YAML_SEQUENCE_START_EVENT ? RV_YAML_SEQUENCE
                                                                   : RV_YAML_MAPPING;
    rv_yaml_node *node = new_node(r, kind, line);
    if (!node)
        return rv_error_status(r->context);
    *out = node;
    if (kind != RV_YAML_SCALAR)
        return read_children(r, node, depth);
    node->quoted = event->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
    return scalar_text(r, event, &node->text);
}

/* Stream start, document start, the root, document end; then nothing more. */
static rv_status read_document(reader *r)
{
    yaml_event_t event;
    for (int documents = 0;;) {
        rv_status status = next_event(r, &event);
        if (status != RV_OK)
            return status;
        yaml_event_type_t type = event.type;
        int line = (int)event.start_mark.line + 1;
        if (type == YAML_DOCUMENT_START_EVENT && ++documents > 1)
            status = fail_at(r, line, "a second document; one is read");
        else if (type != YAML_STREAM_START_EVENT && type != YAML_DOCUMENT_START_EVENT &&
                 type != YAML_DOCUMENT_END_EVENT && type != YAML_STREAM_END_EVENT)
            status = read_node(r, &event, 0, &r->yaml->root);
        yaml_event_delete(&event);
        if (status != RV_OK || type == YAML_STREAM_END_EVENT)
            return status;
    }
}

rv_status rv_yaml_parse(rv_context *context, const char *name, const char *text, rv_yaml **out)
{
    reader r = {.context = context, .name = name, .length = strlen(text)};
    *out = NULL;
    r.yaml = rv_calloc(1, sizeof *r.yaml);
    if (!r.yaml || !yaml_parser_initialize(&r.parser)) {
        rv_free(r.yaml);
        return rv_fail_memory(context);
    }
    yaml_parser_set_input_string(&r.parser, (const unsigned char *)text, strlen(text));
    rv_status status = read_document(&r);
    yaml_parser_delete(&r.parser);
    if (status != RV_OK) {
        rv_yaml_free(r.yaml);
        return status;
    }
    *out = r.yaml;
    return RV_OK;
}

rv_status rv_yaml_load(rv_context *context, const char *path, rv_yaml **out)
{
    uint8_t *bytes;
    size_t count;
    *out = NULL;
    rv_status status = rv_file_read(context, path, BYTES_MOST, &bytes, &count);
    if (status == RV_OK && strlen((const char *)bytes) != count)
        status = rv_fail(context, RV_BAD_FILE, "%s: is no text", path);
    if (status == RV_OK)
        status = rv_yaml_parse(context, path, (const char *)bytes, out);
    rv_free(bytes);
    return status;
}

const rv_yaml_node *rv_yaml_root(const rv_yaml *yaml)
{
    return yaml->root;
}

void rv_yaml_free(rv_yaml *yaml)
{
    if (!yaml)
        return;
    rv_arena_free(&yaml->arena);
    rv_free(yaml);
}

/* ---- back to text ---- */

/* The number of bytes at `text` that YAML must escape even in quotes, and their code point: control
 * characters, the separators U+0085, U+2028 and U+2029, the byte order mark.  0: none. */
static int escaped_bytes(const char *text, unsigned *code)
{
    const unsigned char *at = (const unsigned char *)text;
    *code = at[0];
    if (at[0] == '"' || at[0] == '\\' || (at[0] > 0 && at[0] < 0x20) || at[0] == 0x7f)
        return 1;
    *code = at[1];
    if (at[0] == 0xc2 && at[1] >= 0x80 && at[1] < 0xa0)
        return 2;
    *code = at[0] == 0xef ? 0xfeff : at[1] == 0x80 ? 0x2000u + (at[2] & 0x3f) : 0;
    return strncmp(text, "\xe2\x80\xa8", 3) == 0 || strncmp(text, "\xe2\x80\xa9", 3) == 0 ||
                   strncmp(text, "\xef\xbb\xbf", 3) == 0
               ? 3
               : 0;
}

/* Whether a plain scalar would read back as the same text, also in flow context. */
static int is_plain(const char *text)
{
    unsigned code;
    size_t length = strlen(text);
    if (!length || text[length - 1] == ' ' || text[length - 1] == ':' || strstr(text, ": ") ||
        strstr(text, ":?") || strpbrk(text, ",[]{}#") || strncmp(text, "---", 3) == 0 ||
        strncmp(text, "...", 3) == 0)
        return 0;
    for (const char *at = text; *at; at++)
        if (*at != '\\' && escaped_bytes(at, &code))
            return 0;
    if (text[0] == '-')
        return text[1] && text[1] != ' ' && !strchr(text, ':');
    return !strchr("?:&*!|>'%@` ", text[0]);
}

static char *quote(const char *text)
{
    unsigned code;
    char *quoted = rv_malloc(6 * strlen(text) + 3), *at = quoted;
    if (!quoted)
        return NULL;
    *at++ = '"';
    while (*text) {
        int bytes = escaped_bytes(text, &code);
        if (bytes == 0)
            *at++ = *text++;
        else if (code == '"' || code == '\\' || code == '\n' || code == '\t')
            at += snprintf(at, 7, "\\%c", code == '\n' ? 'n' : code == '\t' ? 't' : (int)code);
        else
            at += snprintf(at, 7, "\\u%04x", code);
        text += bytes;
    }
    *at++ = '"';
    *at = '\0';
    return quoted;
}

char *rv_yaml_quote(const char *text)
{
    return is_plain(text) ? rv_strdup(text) : quote(text);
}

typedef struct growing {
    char *text;
    size_t length, capacity;
    int ok;
} growing;

static void add(growing *g, const char *text)
{
    size_t bytes = strlen(text);
    if (g->ok && g->length + bytes + 1 > g->capacity) {
        size_t capacity = 2 * (g->length + bytes + 1);
        char *grown = rv_realloc(g->text, capacity);
        g->ok = grown != NULL;
        g->text = grown ? grown : g->text;
        g->capacity = grown ? capacity : g->capacity;
    }
    if (g->ok)
        memcpy(g->text + g->length, text, bytes + 1);
    g->length += g->ok ? bytes : 0;
}

/* A word that means null (~, null) stays quoted if it was quoted. */
static void add_scalar(growing *g, const char *text, int was_quoted)
{
    int nothing = strcmp(text, "~") == 0 || rv_text_same(text, "null");
    char *quoted = was_quoted && nothing ? quote(text) : rv_yaml_quote(text);
    g->ok = g->ok && quoted;
    if (quoted)
        add(g, quoted);
    rv_free(quoted);
}

static void add_flow(growing *g, const rv_yaml_node *node)
{
    if (node->kind == RV_YAML_SCALAR) {
        add_scalar(g, node->text, node->quoted);
        return;
    }
    add(g, node->kind == RV_YAML_SEQUENCE ? "[" : "{");
    for (const rv_yaml_node *child = node->child; child; child = child->next) {
        if (child->key) {
            add_scalar(g, child->key, 0);
            add(g, ": ");
        }
        add_flow(g, child);
        add(g, child->next ? ", " : "");
    }
    add(g, node->kind == RV_YAML_SEQUENCE ? "]" : "}");
}

char *rv_yaml_flow(const rv_yaml_node *node)
{
    growing g = {.ok = 1};
    add_flow(&g, node);
    if (g.ok)
        return g.text;
    rv_free(g.text);
    return NULL;
}
