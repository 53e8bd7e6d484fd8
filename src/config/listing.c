/* The option table as documentation: the help, docs/settings.md, the man page, the completion. */
#include "reverie/config.h"

#include "config/sections.h"
#include "core/memory.h"

#include <string.h>

typedef void (*section_writer)(rv_text *text, const config_section *section, int is_model);

/* The type and range of a row in few words: "whole number, 1 to 64"; "gray, static". */
static void add_kind(rv_text *text, const rv_option *row)
{
    char name[64];
    static const char *const kinds[] = {[RV_OPTION_BOOL] = "true or false",
                                        [RV_OPTION_INTEGER] = "whole number",
                                        [RV_OPTION_NUMBER] = "number",
                                        [RV_OPTION_TEXT] = "text",
                                        [RV_OPTION_CHOICE] = "",
                                        [RV_OPTION_WORDS] = "layers",
                                        [RV_OPTION_INTEGERS] = "whole numbers",
                                        [RV_OPTION_NUMBERS] = "numbers"};
    rv_text_add(text, kinds[row->type]);
    for (int i = 0; config_choice_name(row->choices, i, name, sizeof name); i++)
        rv_text_printf(text, "%s%s", i ? ", " : "", name);
    if (row->least >= row->most || (row->least <= -1e6 && row->most >= 1e6))
        return;
    rv_text_add(text, row->most >= 1e6 ? ", at least " : ", ");
    config_text_number(text, row->least);
    if (row->most >= 1e6)
        return;
    rv_text_add(text, " to ");
    config_text_number(text, row->most);
}

static const char *default_of(const rv_option *row)
{
    return !row->default_text ? "required" : *row->default_text ? row->default_text : "\"\"";
}

/* Adds `word`s of a paragraph, broken at `width` columns, later lines after `indent` spaces. */
static void add_wrapped(rv_text *text, const char *paragraph, int indent, int width)
{
    int column = indent;
    while (*paragraph) {
        int length = (int)strcspn(paragraph, " ");
        if (column > indent && column + 1 + length > width) {
            rv_text_printf(text, "\n%*s", indent, "");
            column = indent;
        } else if (column > indent) {
            rv_text_add(text, " ");
            column++;
        }
        rv_text_printf(text, "%.*s", length, paragraph);
        column += length;
        paragraph += length;
        paragraph += strspn(paragraph, " ");
    }
}

static const rv_option *row_at(const config_section *section, int index)
{
    size_t offset = 0;
    return rv_option_at(section->option, section->option_count, index, &offset);
}

/* ---- help: two columns of 80 ---- */

enum { KEY_WIDTH = 24, TEXT_WIDTH = 80 };

static void write_text(rv_text *text, const config_section *section, int is_model)
{
    rv_text_printf(text, "%s%s:\n", is_model ? "model " : "", section->title);
    const rv_option *row;
    for (int i = 0; (row = row_at(section, i)); i++) {
        rv_text line = {0};
        rv_text_printf(&line, "%s (", row->help);
        add_kind(&line, row);
        rv_text_printf(&line, "; %s)", default_of(row));
        rv_text_printf(text, "  %-*s", KEY_WIDTH - 2, row->key);
        if ((int)strlen(row->key) > KEY_WIDTH - 3)
            rv_text_printf(text, "\n%*s", KEY_WIDTH, "");
        add_wrapped(text, line.failed ? row->help : line.characters, KEY_WIDTH, TEXT_WIDTH);
        rv_text_add(text, "\n");
        text->failed |= line.failed;
        rv_free(line.characters);
    }
    rv_text_add(text, "\n");
}

/* ---- Markdown ---- */

static void add_cell(rv_text *text, const char *cell)
{
    for (; *cell; cell++)
        rv_text_printf(text, *cell == '|' ? "\\%c" : "%c", *cell);
}

static void write_markdown(rv_text *text, const config_section *section, int is_model)
{
    rv_text_printf(text, "## %s%s\n\n| Key | Default | Values | Meaning |\n|---|---|---|---|\n",
                   is_model ? "model: " : "", section->title);
    const rv_option *row;
    for (int i = 0; (row = row_at(section, i)); i++) {
        rv_text_printf(text, "| `%s` | ", row->key);
        rv_text_printf(text, row->default_text ? "`%s`" : "%s", default_of(row));
        rv_text_add(text, " | ");
        add_kind(text, row);
        rv_text_add(text, " | ");
        add_cell(text, row->help);
        rv_text_add(text, " |\n");
    }
    rv_text_add(text, "\n");
}

/* ---- man page ---- */

/* In roff a backslash is special, and so is a dot or quote at the start of a line. */
static void add_roff(rv_text *text, const char *string)
{
    if (*string == '.' || *string == '\'')
        rv_text_add(text, "\\&");
    for (; *string; string++)
        if (*string == '\\')
            rv_text_add(text, "\\e");
        else
            rv_text_printf(text, *string == '-' ? "\\%c" : "%c", *string);
}

static void write_man(rv_text *text, const config_section *section, int is_model)
{
    rv_text_printf(text, ".SS %s%s\n", is_model ? "model " : "", section->title);
    const rv_option *row;
    for (int i = 0; (row = row_at(section, i)); i++) {
        rv_text_add(text, ".TP\n.B ");
        add_roff(text, row->key);
        rv_text_add(text, "\n");
        add_roff(text, row->help);
        rv_text_add(text, " (");
        add_kind(text, row);
        rv_text_add(text, "; ");
        add_roff(text, default_of(row));
        rv_text_add(text, ")\n");
    }
}

/* ---- completion ---- */

static void write_keys(rv_text *text, const config_section *section, int is_model)
{
    char name[64];
    (void)is_model;
    const rv_option *row;
    for (int i = 0; (row = row_at(section, i)); i++) {
        if (row->type != RV_OPTION_CHOICE && row->type != RV_OPTION_BOOL)
            rv_text_printf(text, "%s=\n", row->key);
        if (row->type == RV_OPTION_BOOL)
            rv_text_printf(text, "%s=true\n%s=false\n", row->key, row->key);
        for (int c = 0; config_choice_name(row->choices, c, name, sizeof name); c++)
            rv_text_printf(text, "%s=%s\n", row->key, name);
    }
}

char *rv_settings_listing(rv_context *context, rv_listing listing)
{
    static const section_writer writers[] = {[RV_LISTING_TEXT] = write_text,
                                             [RV_LISTING_MARKDOWN] = write_markdown,
                                             [RV_LISTING_MAN] = write_man,
                                             [RV_LISTING_KEYS] = write_keys};
    section_writer write = writers[listing];
    rv_text text = {0};
    int count;
    const rv_model_kind *const *kinds = rv_model_kinds(&count);
    write(&text, &config_recipe_section, 0);
    write(&text, &config_data_section, 0);
    for (int i = 0; i < count; i++) {
        config_section section = config_model_section(kinds[i]);
        write(&text, &section, 1);
    }
    write(&text, &config_train_section, 0);
    return rv_text_finish(&text, context);
}

void rv_listing_free(char *text)
{
    rv_free(text);
}
