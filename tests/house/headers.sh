#!/bin/sh
# Every public header compiles alone, as C17 and as C++17, without a warning; and the example in the
# comment at its head compiles, with the variables that it takes for granted declared here.
# usage: headers.sh SOURCE
set -u
bad=0
for header in "$1"/include/reverie/*.h; do
    for language in "c -std=c17" "c++ -std=c++17"; do
        # shellcheck disable=SC2086
        if ! cc -x $language -fsyntax-only -Wall -Wextra -Wpedantic -Werror -I"$1/include" \
            -include "$header" /dev/null; then
            echo "$header does not compile alone as $language"
            bad=1
        fi
    done
done

# What the example of a header does not declare itself.
declared() { # name of the header
    case $1 in
        config.h) echo 'rv_data_sizes sizes; rv_model *model; void write_file(const char *, const char *);' ;;
        distributions.h) echo 'rv_expr mu, log_sigma, logits;' ;;
        eval.h | inference.h) echo 'rv_model *model; rv_source *test_images;' ;;
        graph.h) echo 'rv_initialiser init;' ;;
        io.h) echo 'char bytes[1]; float values[1]; int count;' ;;
        judge.h | figures.h) echo 'rv_experiment *run;' ;;
        metrics.h) echo 'float real_features[1], fake_features[1];' ;;
        model.h) echo 'char config; rv_data_sizes sizes;' ;;
        nn.h) echo 'rv_expr x;' ;;
        objective.h) echo 'rv_dist posterior, likelihood; rv_expr x;' ;;
        optim.h) echo 'rv_expr loss; rv_param *weights[1]; int count, epoch, epochs, batches, step;
            rv_schedule_config schedule; rv_program *program; double rate;' ;;
        program.h) echo 'rv_graph *graph; rv_expr loss; float images[1], value; int seed, step;' ;;
        run.h) echo 'const char *directories[1]; rv_config *config;' ;;
        runner.h) echo 'rv_experiment_place place; rv_config *config; rv_experiment *run; rv_watcher watcher;' ;;
        train.h) echo 'rv_model *model; rv_source *images, *held_out;' ;;
        viz.h) echo 'float pixels[1]; double epochs[1], losses[1];' ;;
    esac
}

for header in "$1"/include/reverie/*.h; do
    {
        echo '#include "reverie/reverie.h"'
        echo '#include <stdio.h>'
        echo 'rv_context *take_context(void);'
        echo 'void example(void);'
        declared "$(basename "$header")"
        echo 'void example(void) {'
        # A context of its own hides this one.
        grep -q '^ \*     rv_context \*context' "$header" || echo 'rv_context *context = take_context();'
        sed -n '/\*\//q; s/^ \*     //p' "$header" | grep -v '#include' | sed 's/\.\.\./;/'
        echo '}'
    } > "${TMPDIR:-/tmp}/example.$$"
    if ! cc -std=c17 -fsyntax-only -Wall -Wno-unused -Wno-maybe-uninitialized -Werror \
        -I"$1/include" -x c "${TMPDIR:-/tmp}/example.$$"; then
        echo "the example at the head of $header does not compile"
        bad=1
    fi
done
rm -f "${TMPDIR:-/tmp}/example.$$"
[ $bad -eq 0 ] && echo "every header compiles alone, and its example"
exit $bad
