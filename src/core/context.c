/* The context: settings, messages, and the latched first error, which follows SQLite: a chain of
 * calls needs one check at its end. */
#include "core/context.h"

#include "core/fork.h"
#include "core/memory.h"
#include "core/processors.h"
#include "core/text.h"

#include <stdio.h>
#include <string.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

const char *rv_version(void)
{
    return "0.1.0";
}

const char *rv_status_name(rv_status status)
{
    switch (status) {
#define RV_STATUS_NAME(symbol, code, name, meaning)                                                \
    case symbol: return name;
        RV_STATUS_MAP(RV_STATUS_NAME)
#undef RV_STATUS_NAME
    }
    return "unknown";
}

rv_context *rv_context_new(void)
{
    rv_context *context = rv_calloc(1, sizeof *context);
    if (!context)
        return NULL;
    if (!rv_fork_watch() || pthread_mutex_init(&context->lock, NULL) != 0) {
        rv_free(context);
        return NULL;
    }
    context->seed = 1;
    return context;
}

void rv_context_free(rv_context *context)
{
    if (!context)
        return;
    if (context->parameters_free)
        context->parameters_free(context->parameters);
    if (context->workers_free)
        context->workers_free(context->workers);
    if (context->tuning_free)
        context->tuning_free(context->tuning);
    pthread_mutex_destroy(&context->lock);
    rv_free(context);
}

/* Names from files reach messages; control characters, which could move a terminal's cursor, do
 * not. */
static void make_printable(char *text)
{
    for (; *text; text++)
        if ((unsigned char)*text < 0x20 || *text == 0x7f)
            *text = '?';
}

/* Room for three of the longest paths and the words about them. */
enum { TEXT_ROOM = 16384, EDGE = 60 };

/* Replaces `cut` bytes in the middle of text[start, start + count) by three dots, and never splits
 * a character; returns the number of removed bytes. */
static size_t cut_middle(char *text, size_t start, size_t count, size_t cut)
{
    size_t head = start + (count - cut) / 2, tail = head + cut;
    while (head > start && ((unsigned char)text[head] & 0xc0) == 0x80)
        head--;
    while (((unsigned char)text[tail] & 0xc0) == 0x80)
        tail++;
    memcpy(text + head, "...", 3);
    memmove(text + head + 3, text + tail, strlen(text + tail) + 1);
    return tail - head - 3;
}

/* The longest run without a space: in a long message, a path. */
static size_t longest_word(const char *text, size_t *start)
{
    size_t longest = 0;
    for (size_t i = 0; text[i];) {
        size_t length = strcspn(text + i, " ");
        if (length > longest) {
            longest = length;
            *start = i;
        }
        i += length + (text[i + length] == ' ');
    }
    return longest;
}

/* Shortens a text to `room` bytes and keeps the reason and the remedy readable: paths lose their
 * middles, the longest first; if that is not enough, the text loses its middle. */
static void shorten(char *text, size_t room)
{
    size_t length = strlen(text), start = 0;
    while (length >= room) {
        size_t word = longest_word(text, &start), over = length - room + 1 + 3;
        if (word < 2 * EDGE + 8)
            break;
        size_t cut = over < word - 2 * EDGE ? over : word - 2 * EDGE;
        length -= cut_middle(text, start, word, cut);
    }
    if (length >= room)
        cut_middle(text, 0, length, length - room + 1 + 3);
}

static void format_text(char *out, size_t room, const char *format, va_list arguments)
{
    char text[TEXT_ROOM];
    rv_text_format_list(text, sizeof text, format, arguments);
    shorten(text, room);
    memcpy(out, text, strlen(text) + 1);
}

rv_status rv_fail(rv_context *context, rv_status status, const char *format, ...)
{
    pthread_mutex_lock(&context->lock);
    if (context->status == RV_OK) {
        va_list arguments;
        va_start(arguments, format);
        context->status = status;
        format_text(context->message, sizeof context->message, format, arguments);
        va_end(arguments);
        make_printable(context->message);
    }
    pthread_mutex_unlock(&context->lock);
    return status;
}

rv_status rv_fail_memory(rv_context *context)
{
    return rv_fail(context, RV_NO_MEMORY, "out of memory");
}

rv_status rv_error_status(const rv_context *context)
{
    return context->status;
}

const char *rv_error_message(const rv_context *context)
{
    return context->message;
}

void rv_error_clear(rv_context *context)
{
    pthread_mutex_lock(&context->lock);
    context->status = RV_OK;
    context->message[0] = '\0';
    pthread_mutex_unlock(&context->lock);
}

void rv_context_set_log(rv_context *context, rv_log_fn log, void *user)
{
    pthread_mutex_lock(&context->lock);
    context->log = log;
    context->log_user = user;
    pthread_mutex_unlock(&context->lock);
}

static void send(rv_context *context, rv_log_level level, const char *message)
{
    pthread_mutex_lock(&context->lock);
    if (context->log)
        context->log(context->log_user, level, message);
    pthread_mutex_unlock(&context->lock);
}

void rv_notify(rv_context *context, rv_log_level level, const char *format, ...)
{
    char message[sizeof context->message];
    va_list arguments;
    va_start(arguments, format);
    format_text(message, sizeof message, format, arguments);
    va_end(arguments);
    make_printable(message);
    send(context, level, message);
}

/* Whether the message was sent before, and marks it as sent.  Of very many messages the oldest are
 * forgotten, and may be sent again. */
static int was_said(rv_context *context, const char *message)
{
    rv_context *keeper = context->notices_of ? context->notices_of : context;
    uint64_t hash = XXH3_64bits(message, strlen(message));
    int found = 0;
    pthread_mutex_lock(&keeper->lock);
    for (uint64_t i = 0; i < keeper->said_count && i < RV_SAID_MOST && !found; i++)
        found = keeper->said[i] == hash;
    if (!found)
        keeper->said[keeper->said_count++ % RV_SAID_MOST] = hash;
    pthread_mutex_unlock(&keeper->lock);
    return found;
}

void rv_notify_once(rv_context *context, rv_log_level level, const char *format, ...)
{
    char message[sizeof context->message];
    va_list arguments;
    if (!context->log) /* no log: not sent */
        return;
    va_start(arguments, format);
    format_text(message, sizeof message, format, arguments);
    va_end(arguments);
    make_printable(message);
    if (!was_said(context, message))
        send(context, level, message);
}

void rv_context_share_notices(rv_context *other, rv_context *context)
{
    other->notices_of = context->notices_of ? context->notices_of : context;
}

void rv_context_set_threads(rv_context *context, int threads)
{
    context->threads = threads < 0 ? 0 : threads;
}

int rv_context_threads(const rv_context *context)
{
    return context->threads > 0 ? context->threads : rv_threads_worthwhile();
}

void rv_context_set_seed(rv_context *context, uint64_t seed)
{
    context->seed = seed;
}

uint64_t rv_context_seed(const rv_context *context)
{
    return context->seed;
}
