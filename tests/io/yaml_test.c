/* YAML: the tree with its line numbers, what is refused and on which line, and text that goes out
 * and comes back the same. */
#include "check.h"
#include "reverie/io.h"

#include <stdio.h>
#include <unistd.h>

static rv_context *context;

static int set_up(void **state)
{
    (void)state;
    context = rv_context_new();
    return context ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    rv_context_free(context);
    return 0;
}

static rv_yaml *parsed(const char *text)
{
    rv_yaml *yaml;
    rv_yaml_parse(context, "r.yaml", text, &yaml);
    if (rv_error_status(context) != RV_OK)
        fail_msg("%s: %s", rv_error_message(context), text);
    return yaml;
}

static const rv_yaml_node *child(const rv_yaml_node *node, const char *key)
{
    for (node = node->child; node; node = node->next)
        if (strcmp(node->key, key) == 0)
            return node;
    fail_msg("no key %s", key);
    return NULL;
}

static void test_nesting_and_lines(void **state)
{
    (void)state;
    rv_yaml *yaml = parsed("# a recipe\n"
                           "model: vae\n"
                           "net:\n"
                           "  encoder:\n"
                           "    - linear 64\n"
                           "    - residual: [relu, 'linear 8']\n"
                           "  width: 3\n"
                           "note: |\n"
                           "  two\n"
                           "  lines\n"
                           "empty:\n"
                           "quoted: \"null\"\n"
                           "flow: {a: 1, b: []}\n");
    const rv_yaml_node *root = rv_yaml_root(yaml), *net = child(root, "net");
    assert_int_equal(root->kind, RV_YAML_MAPPING);
    assert_null(root->key);
    assert_string_equal(child(root, "model")->text, "vae");
    assert_int_equal(child(root, "model")->line, 2);
    assert_int_equal(child(root, "model")->quoted, 0);
    assert_int_equal(net->key_line, 3);
    assert_int_equal(net->line, 4);
    const rv_yaml_node *encoder = child(net, "encoder");
    assert_int_equal(encoder->kind, RV_YAML_SEQUENCE);
    assert_int_equal(encoder->key_line, 4);
    assert_int_equal(encoder->child->line, 5);
    assert_null(encoder->child->key);
    assert_string_equal(encoder->child->text, "linear 64");
    const rv_yaml_node *residual = child(encoder->child->next, "residual");
    assert_null(encoder->child->next->next);
    assert_int_equal(residual->key_line, 6);
    assert_string_equal(residual->child->next->text, "linear 8");
    assert_int_equal(residual->child->next->quoted, 1);
    assert_int_equal(child(net, "width")->line, 7);
    assert_string_equal(child(root, "note")->text, "two\nlines\n");
    assert_string_equal(child(root, "empty")->text, "");
    assert_int_equal(child(root, "empty")->quoted, 0);
    assert_int_equal(child(root, "quoted")->quoted, 1);
    assert_null(child(child(root, "flow"), "b")->child);
    rv_yaml_free(yaml);
}

static void test_empty_documents(void **state)
{
    (void)state;
    static const char *const texts[] = {"", "\n\n", "# nothing\n"};
    for (int i = 0; i < 3; i++) {
        rv_yaml *yaml = parsed(texts[i]);
        assert_null(rv_yaml_root(yaml));
        rv_yaml_free(yaml);
    }
    rv_yaml_free(NULL);
}

static void test_refused(void **state)
{
    (void)state;
    static const struct {
        const char *text, *says;
    } cases[] = {
        {"a: 1\nb: 2\na: 3\n", "r.yaml:3: "}, /* with the line of the first: below */
        {"a:\n  x: 1\n  x: 2\n", "r.yaml:3: "},
        {"{a: 1, a: 2}", "`a`"},
        {"a: 1\nb: &anchor 2\n", "r.yaml:2: anchors, aliases and tags"},
        {"a: &anchor [1]\n", "r.yaml:1: anchors, aliases and tags"},
        {"a: 1\n\nb: *anchor\n", "r.yaml:3: anchors, aliases and tags"},
        {"a: !!int 2\n", "r.yaml:1: anchors, aliases and tags"},
        {"a: !mine {b: 1}\n", "r.yaml:1: anchors, aliases and tags"},
        {"a: 1\nb:\n\t- 2\n", "r.yaml:3: "},
        {"a: 1\n\tb: 2\n", "r.yaml:2: "},
        {"a: 1\nb: [1,\n  2\n", "r.yaml:2: "}, /* told where the list began */
        {"a: 1\nb: {c: 1\n", "r.yaml:2: "},
        {"a: \"open\n", "r.yaml:1: "},
        {"a: 1\n]\n", "r.yaml:2: "},
        {"a: 1\n  b: 2\n", "r.yaml:2: "},
        {"a: b: c\n", "r.yaml:1: "},
        {"[1]: 2\n", "r.yaml:1: "},
        {"? {a: 1}\n: 2\n", "r.yaml:1: "},
        {"a: 1\n---\nb: 2\n", "r.yaml:2: "},
        {"a: \"\\0\"\n", "r.yaml:1: "},
        {"a: \xff\n", "r.yaml:"},
        {"a: \x01\n", "r.yaml:"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        rv_yaml *yaml;
        if (rv_yaml_parse(context, "r.yaml", cases[i].text, &yaml) == RV_OK)
            fail_msg("accepted: %s", cases[i].text);
        assert_null(yaml);
        check_error(context, RV_BAD_USAGE, cases[i].says);
    }
    rv_yaml *yaml;
    rv_yaml_parse(context, "r.yaml", "\na: 1\nb: 2\na: 3\n", &yaml);
    assert_non_null(strstr(rv_error_message(context), "line 2"));
    check_error(context, RV_BAD_USAGE, "r.yaml:4: ");
}

static void test_depth(void **state)
{
    (void)state;
    char text[20001];
    static const int depths[] = {20, 100, 10000};
    for (int i = 0; i < 3; i++) {
        rv_yaml *yaml;
        memset(text, '[', (size_t)depths[i]);
        memset(text + depths[i], ']', (size_t)depths[i]);
        text[2 * depths[i]] = '\0';
        rv_status status = rv_yaml_parse(context, "r.yaml", text, &yaml);
        if (i == 0) {
            check_ok(context);
            rv_yaml_free(yaml);
        } else {
            assert_int_equal(status, RV_BAD_USAGE);
            check_error(context, RV_BAD_USAGE, "r.yaml:1: ");
        }
    }
}

/* A mapping of very many keys is refused, not compared key by key for minutes. */
static void test_many_keys(void **state)
{
    (void)state;
    enum { KEYS = 90000 };
    rv_yaml *yaml;
    char *text = malloc(KEYS * 12), *at = text;
    assert_non_null(text);
    for (int i = 0; i < KEYS; i++)
        at += snprintf(at, 12, "k%d: 1\n", i);
    assert_int_equal(rv_yaml_parse(context, "r.yaml", text, &yaml), RV_BAD_USAGE);
    check_error(context, RV_BAD_USAGE, "r.yaml:");
    free(text);
}

/* ---- out and back ---- */

static const char *const odd[] = {"plain",
                                  "two words",
                                  "",
                                  " ",
                                  " leading",
                                  "trailing ",
                                  "-trailing ",
                                  "-",
                                  "--",
                                  "---",
                                  "--- a",
                                  "...",
                                  "- item",
                                  "-1",
                                  "-1.5e-3",
                                  "-\tx",
                                  "-a:b",
                                  "-a:",
                                  "-a: b",
                                  "-a #b",
                                  "?",
                                  "? x",
                                  ":",
                                  ":x",
                                  "a:",
                                  "a: b",
                                  "a:b",
                                  "http://example.org/x?y=1",
                                  "#",
                                  "a #b",
                                  "a#b",
                                  "[0,1]",
                                  "[0, 1]",
                                  "{a: 1}",
                                  "a]",
                                  "a}",
                                  "a,b",
                                  ",",
                                  "&a",
                                  "*a",
                                  "!a",
                                  "|",
                                  ">",
                                  "%a",
                                  "@a",
                                  "`a",
                                  "'",
                                  "'single'",
                                  "it's",
                                  "\"",
                                  "\"double\"",
                                  "a\"b",
                                  "\\",
                                  "a\\nb",
                                  "\\\"",
                                  "a\nb",
                                  "\n",
                                  "a\n\nb\n",
                                  "\t",
                                  "a\tb",
                                  "a\rb",
                                  "\r\n",
                                  "a\x01"
                                  "b",
                                  "\x1b[0m",
                                  "\x7f",
                                  "na\xc3\xafve",
                                  "\xc2\x85",
                                  "a\xc2\x80",
                                  "a\xe2\x80\xa8"
                                  "b",
                                  "\xe2\x80\xa9",
                                  "\xef\xbb\xbf",
                                  "\xef\xbb\xbf"
                                  "a",
                                  "\xe2\x82\xac",
                                  "\xf0\x9f\x99\x82",
                                  "null",
                                  "~",
                                  "true",
                                  "1e-3",
                                  "0x10",
                                  "=",
                                  "<<",
                                  "a  b",
                                  ".o:?x.o", /* in flow style libyaml refuses ":?" */
                                  "what? yes",
                                  "a ?"};
enum { ODD = sizeof odd / sizeof *odd };

/* rv_yaml_quote gives one line that reads back as the same text, alone and in every place. */
static void test_quote(void **state)
{
    (void)state;
    static const char *const places[] = {
        "%s\n",       "key: %s\n",   "key: %s # comment\n", "- %s\n",        "[%s]\n",
        "[%s, %s]\n", "{key: %s}\n", "{key: %s, b: 1}\n",   "a: [{b: %s}]\n"};
    char text[256];
    for (int i = 0; i < ODD; i++) {
        char *quoted = rv_yaml_quote(odd[i]);
        assert_non_null(quoted);
        assert_null(strpbrk(quoted, "\n\r"));
        for (size_t k = 0; k < sizeof places / sizeof *places; k++) {
            const char *second = strstr(strstr(places[k], "%s") + 1, "%s");
            const char *format = places[k];
            size_t used = 0;
            for (; *format && used < sizeof text - 1; format++)
                if (format[0] == '%' && format[1] == 's')
                    used += (size_t)snprintf(text + used, sizeof text - used, "%s", quoted),
                        format++;
                else
                    text[used++] = *format;
            text[used] = '\0';
            rv_yaml *yaml = parsed(text);
            const rv_yaml_node *node = rv_yaml_root(yaml);
            while (node && node->kind != RV_YAML_SCALAR)
                node = node->child;
            if (!node || strcmp(node->text, odd[i]) != 0)
                fail_msg("%s: got \"%s\", expected \"%s\"", text, node ? node->text : "nothing",
                         odd[i]);
            if (second && strcmp(node->next->text, odd[i]) != 0)
                fail_msg("%s: got \"%s\", expected \"%s\"", text, node->next->text, odd[i]);
            rv_yaml_free(yaml);
        }
        rv_io_free(quoted);
    }
}

static void test_quoted_only_where_needed(void **state)
{
    (void)state;
    static const char *const plain[] = {"relu", "linear 64", "1e-3",       "-1",
                                        "a:b",  "it's",      "runs/first", "0.9"};
    for (size_t i = 0; i < sizeof plain / sizeof *plain; i++) {
        char *quoted = rv_yaml_quote(plain[i]);
        assert_string_equal(quoted, plain[i]);
        rv_io_free(quoted);
    }
}

static void expect_same(const rv_yaml_node *a, const rv_yaml_node *b)
{
    assert_int_equal(a->kind, b->kind);
    assert_int_equal(a->key != NULL, b->key != NULL);
    if (a->key)
        assert_string_equal(a->key, b->key);
    if (a->kind == RV_YAML_SCALAR)
        assert_string_equal(a->text, b->text);
    const rv_yaml_node *p = a->child, *q = b->child;
    for (; p && q; p = p->next, q = q->next)
        expect_same(p, q);
    assert_true(!p && !q);
}

static void expect_flow(const char *text, const char *expected)
{
    rv_yaml *yaml = parsed(text);
    char *flow = rv_yaml_flow(rv_yaml_root(yaml));
    assert_non_null(flow);
    if (expected)
        assert_string_equal(flow, expected);
    rv_yaml *again = parsed(flow);
    expect_same(rv_yaml_root(yaml), rv_yaml_root(again));
    char *twice = rv_yaml_flow(rv_yaml_root(again));
    assert_string_equal(twice, flow);
    rv_io_free(flow);
    rv_io_free(twice);
    rv_yaml_free(yaml);
    rv_yaml_free(again);
}

static void test_flow(void **state)
{
    (void)state;
    expect_flow("- residual:\n  - linear 64\n  - relu\n", "[{residual: [linear 64, relu]}]");
    expect_flow("a:\n  b: {}\n  c: []\n", "{a: {b: {}, c: []}}");
    expect_flow("'[0,1]'", "\"[0,1]\"");
    expect_flow("{'a: b': ' x', '': '-', '---': '- y', \"\\n\": -1}", NULL);
    expect_flow("note: |\n  two\n\n  lines\n", NULL);
    expect_flow("\"a\\x01\\r\\u2028\\N\"", NULL);
}

/* Every odd text as a value and as a key of one big tree. */
static void test_flow_of_odd_texts(void **state)
{
    (void)state;
    char *text = malloc(1 << 16), *at = text;
    assert_non_null(text);
    for (int i = 0; i < ODD; i++) {
        char *quoted = rv_yaml_quote(odd[i]);
        at += sprintf(at, "%s: [%s, {x: %s}]\n", quoted, quoted, quoted);
        rv_io_free(quoted);
    }
    expect_flow(text, NULL);
    free(text);
}

/* A quoted "null" is a word, a plain one is nothing: the flow text keeps them apart. */
static void test_flow_keeps_null_apart(void **state)
{
    (void)state;
    rv_yaml *yaml = parsed("[null, 'null', ~, '~']");
    char *flow = rv_yaml_flow(rv_yaml_root(yaml));
    assert_string_equal(flow, "[null, \"null\", ~, \"~\"]");
    rv_io_free(flow);
    rv_yaml_free(yaml);
}

/* ---- files and memory ---- */

static void test_load(void **state)
{
    (void)state;
    char folder[] = "/tmp/reverie-yaml-XXXXXX", path[64];
    rv_yaml *yaml;
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/r.yaml", folder);
    rv_file_write(context, path, "a: 1\n", 5);
    rv_yaml_load(context, path, &yaml);
    check_ok(context);
    assert_string_equal(child(rv_yaml_root(yaml), "a")->text, "1");
    rv_yaml_free(yaml);
    rv_file_write(context, path, "a: \0\n", 5);
    assert_int_equal(rv_yaml_load(context, path, &yaml), RV_BAD_FILE);
    check_error(context, RV_BAD_FILE, "r.yaml");
    unlink(path);
    assert_int_equal(rv_yaml_load(context, path, &yaml), RV_BAD_FILE);
    assert_null(yaml);
    check_error(context, RV_BAD_FILE, "r.yaml: cannot be read");
    assert_int_equal(rmdir(folder), 0);
}

static void test_memory_failures(void **state)
{
    (void)state;
    int64_t live = rv_memory_counted().live;
    for (uint64_t n = 1;; n++) {
        rv_yaml *yaml;
        rv_memory_fail_after(n, 0);
        rv_status status = rv_yaml_parse(context, "r.yaml", "{a: [1, 2], b: {c: d}}", &yaml);
        char *flow = status == RV_OK ? rv_yaml_flow(rv_yaml_root(yaml)) : NULL;
        rv_memory_fail_after(0, 0);
        if (flow)
            assert_string_equal(flow, "{a: [1, 2], b: {c: d}}");
        int done = flow != NULL;
        rv_io_free(flow);
        rv_yaml_free(yaml);
        assert_int_equal(rv_memory_counted().live, live);
        if (status != RV_OK)
            check_error(context, RV_NO_MEMORY, "memory");
        if (done) {
            assert_true(n > 1);
            return;
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_nesting_and_lines, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_empty_documents, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_depth, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_many_keys, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_quote, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_quoted_only_where_needed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_flow, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_flow_of_odd_texts, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_flow_keeps_null_apart, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_load, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_memory_failures, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
