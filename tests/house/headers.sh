#!/bin/sh
# The public headers: each compiles alone, reverie.h includes every one, and every example compiles,
# as C17 and as C++17, without a warning.
# usage: headers.sh SOURCE
#
# The example of a header is what is indented by four more columns in the comment at its head: the
# body of a function, in which `...` stands for statements.  What it does not declare itself is
# declared here.  A header without an example fails, and so does one with code in another comment.
set -u
source=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# compiles FILE OPTIONS...: as both languages.
compiles() {
    file=$1
    shift
    cc -x c -std=c17 -fsyntax-only -Wall -Wpedantic -Werror -I"$source/include" "$@" "$file" &&
        cc -x c++ -std=c++17 -fsyntax-only -Wall -Wpedantic -Werror -I"$source/include" "$@" "$file"
}

# What the example of a header does not declare itself.
declared() { # name of the header
    case $1 in
        config.h) echo 'rv_data_sizes sizes; rv_model *model; void write_file(const char *, const char *);' ;;
        distributions.h) echo 'rv_expr mu, log_sigma, logits;' ;;
        eval.h | inference.h) echo 'rv_model *model; rv_source *test_images;' ;;
        flows.h) echo 'rv_dist q0; rv_expr z0, u, w, b, centre, alpha, beta;' ;;
        graph.h) echo 'rv_initialiser init;' ;;
        io.h) echo 'char bytes[1]; float values[1]; int count;' ;;
        judge.h | figures.h) echo 'rv_experiment *run;' ;;
        listener.h) echo 'rv_experiment *run; void *bar; int was_interrupted(void *);
            void show_step(void *, const rv_progress *);' ;;
        metrics.h) echo 'float real_features[1], fake_features[1];' ;;
        model.h) echo 'const rv_settings *settings; rv_data_sizes sizes;' ;;
        nn.h) echo 'rv_expr x;' ;;
        objective.h) echo 'rv_dist posterior, likelihood; rv_expr x;' ;;
        optim.h) echo 'rv_expr loss; rv_param *weights[1]; int count, epoch, epochs, batches, step;
            rv_schedule_config schedule; rv_program *program; double rate;' ;;
        program.h) echo 'rv_graph *graph; rv_expr loss; float images[1], value; int seed, step;' ;;
        run.h) echo 'const char *directories[1]; rv_config *config;' ;;
        runner.h) echo 'rv_experiment_place place; rv_config *config; rv_experiment *run; rv_listener listener;' ;;
        train.h) echo 'rv_model *model; rv_source *images, *held_out;' ;;
        viz.h) echo 'float pixels[1]; double epochs[1], losses[1];' ;;
    esac
}

# The example as a function, from a header's path.
function_of() {
    lines=$(sed -n '/\*\//q; s/^ \*     //p' "$1" | grep -v '#include' | sed 's/\.\.\./;/')
    [ -n "$lines" ] || return 1
    echo '#include "reverie/reverie.h"'
    echo '#include <stdio.h>'
    echo 'rv_context *take_context(void);'
    echo 'void example(void);'
    declared "$(basename "$1")"
    echo 'void example(void) {'
    # A context of its own hides this one.
    printf '%s\n' "$lines" | grep -q '^rv_context \*context' ||
        echo 'rv_context *context = take_context();'
    printf '%s\n' "$lines"
    echo '}'
}

code_elsewhere() {
    sed -n '1,/\*\//d; /^ \*     .*;/p' "$1" | grep .
}

check() { # header
    compiles /dev/null -Wextra -include "$1" ||
        { echo "$1 does not compile alone"; return 1; }
    [ "$(basename "$1")" = reverie.h ] ||
        grep -q "^#include \"reverie/$(basename "$1")\"" "$source/include/reverie/reverie.h" ||
        { echo "reverie.h does not include $1"; return 1; }
    function_of "$1" > "$work/example" ||
        { echo "$1 has no example in the comment at its head"; return 1; }
    compiles "$work/example" -Wno-unused -Wno-uninitialized -Wno-maybe-uninitialized ||
        { echo "the example at the head of $1 does not compile"; return 1; }
    ! code_elsewhere "$1" ||
        { echo "$1 has code in a comment that is not at its head: nothing compiles it"; return 1; }
}

# Headers of which one thing is wrong, to see that it is found.
must_fail() { # words of the message, text of a header
    printf '%s\nextern int planted;\n' "$2" > "$work/include/reverie/planted.h"
    said=$(check "$work/include/reverie/planted.h" 2>&1)
    printf '%s\n' "$said" | grep -q "$1" && return
    printf 'a planted fault is not found: %s\n%s\n' "$1" "$said"
    bad=1
}

bad=0
for header in "$source"/include/reverie/*.h; do
    check "$header" || bad=1
done
mkdir -p "$work/include/reverie"
cp "$source"/include/reverie/*.h "$work/include/reverie/"
source=$work
must_fail 'reverie.h does not include' '/* A header that stands alone. */'
echo '#include "reverie/planted.h"' >> "$work/include/reverie/reverie.h"
must_fail 'does not compile alone' '/* A type that nothing declares. */ extern rv_status other;'
must_fail 'has no example' '/* A header without one. */'
must_fail 'example at the head of .* does not compile' '/* An argument is missing:
 *
 *     rv_context_set_threads(context);
 */'
must_fail 'example at the head of .* does not compile' '/* This is C alone:
 *
 *     void *memory = context;
 *     float *values = memory;
 */'
must_fail 'code in a comment' '/* A good example, and one that is not at the head:
 *
 *     rv_context_free(context);
 */
/* Or:
 *
 *     rv_context_free(context, 1);
 */'
[ $bad -eq 0 ] && echo "every header compiles alone, and its example; reverie.h includes each"
exit $bad
