/* Compiles the text of a kernel: registers, the instructions of each op, the loop. */
#include "backend/cpu/jit/native.h"
#include "core/memory.h"

#include <string.h>

/* ---- the ops ---- */

int cpu_native_has(int op)
{
    switch (op) {
    case RV_OP_add:
    case RV_OP_sub:
    case RV_OP_mul:
    case RV_OP_div:
    case RV_OP_maximum:
    case RV_OP_minimum:
    case RV_OP_less:
    case RV_OP_equal:
    case RV_OP_select:
    case RV_OP_neg:
    case RV_OP_abs:
    case RV_OP_sqrt:
    case RV_OP_rsqrt:
    case RV_OP_recip:
    case RV_OP_floor:
    case RV_OP_uniform: return 1;
    default: return cpu_is_function(op);
    }
}

int cpu_native_part(int op)
{
    return op == RV_OP_sigmoid || op == RV_OP_softplus ? CPU_EXP_MINUS_MAGNITUDE : -1;
}

/* ---- registers: values, at most so many; then scalars and constants; temporaries of an op ---- */

typedef struct layout {
    int values, registers, temporary[6];
} layout;

static const layout narrow = {8, 10, {10, 11, 12, 13, 14, 15}}; /* 15 is also the mask */
static const layout wide = {14, 26, {26, 27, 28, 29, 30, 31}};

static const layout *layout_of(int width)
{
    return width == 16 ? &wide : &narrow;
}

int cpu_native_registers(int width)
{
    return layout_of(width)->values;
}

/* ---- reading a text ---- */

typedef struct reader {
    int inputs, ops, stores, folds, entries;
    const int16_t *kind, *op, *store, *fold;
} reader;

static reader read_text(cpu_jit_text text)
{
    reader r = {0};
    r.inputs = text.word[0];
    r.kind = text.word + 1;
    r.ops = r.kind[r.inputs];
    r.op = r.kind + r.inputs + 1;
    r.stores = r.op[4 * r.ops];
    r.store = r.op + 4 * r.ops + 1;
    r.folds = r.store[r.stores];
    r.fold = r.store + r.stores + 1;
    r.entries = r.inputs + r.stores + r.folds;
    return r;
}

enum { POINTERS = 5 };
static const int pointer_register[POINTERS] = {CPU_RCX, CPU_RDX, CPU_R8, CPU_R9, CPU_R10};

typedef struct compiler {
    cpu_code *code;
    reader text;
    const layout *layout;
    cpu_function function;
    int *home;     /* the register of each operand; -1: in memory, or dead */
    int *last_use; /* the last op that reads each operand */
    char busy[32];
    int values; /* registers in use for them */
} compiler;

/* Windows take the pointer registers in order; the rest are fetched on use. */
static cpu_operand memory_of(const compiler *c, int entry)
{
    int windows = 0;
    const reader *text = &c->text;
    int is_scalar = entry < text->inputs && text->kind[entry] == CPU_INPUT_SCALAR;
    for (int i = 0; i < entry; i++)
        windows += i >= text->inputs || text->kind[i] == CPU_INPUT_WINDOW;
    cpu_operand at = {.kind = is_scalar ? CPU_BROADCAST : CPU_IN_MEMORY, .index = CPU_RAX};
    if (is_scalar)
        at.index = -1;
    at.base = is_scalar || windows >= POINTERS ? CPU_R11 : pointer_register[windows];
    return at;
}

static cpu_operand reach(compiler *c, int entry)
{
    cpu_operand at = memory_of(c, entry);
    if (at.base == CPU_R11)
        cpu_code_pointer(c->code, CPU_R11, CPU_RDI, 8 * (CPU_TABLE_POINTERS + entry));
    return at;
}

/* The register that holds an operand, loaded into `temporary` if none does. */
static int in_register(compiler *c, int operand, int temporary)
{
    if (c->home[operand] >= 0)
        return c->home[operand];
    cpu_code_load(c->code, temporary, reach(c, operand));
    return temporary;
}

/* As the second operand of an instruction, which may be in memory (one float for all lanes only on
 * AVX-512). */
static cpu_operand anywhere(compiler *c, int operand, int temporary)
{
    int is_scalar = operand < c->text.inputs && c->text.kind[operand] == CPU_INPUT_SCALAR;
    if (c->home[operand] >= 0 || (is_scalar && c->layout == &narrow))
        return cpu_operand_register(in_register(c, operand, temporary));
    return reach(c, operand);
}

/* ---- the instructions of each op ---- */

static void lower_extreme(compiler *c, const int16_t *op, int dst)
{
    const int *t = c->layout->temporary;
    int a = in_register(c, op[1], t[0]);
    cpu_code_vector(c->code, op[0] == RV_OP_maximum ? CPU_MAX : CPU_MIN, t[2], a,
                    anywhere(c, op[2], t[1]));
    cpu_code_compare(c->code, CPU_UNORDERED, a, cpu_operand_register(a));
    cpu_code_choose(c->code, dst, a, t[2]);
}

static void lower_fold(compiler *c, int number)
{
    const int *t = c->layout->temporary;
    const int16_t *fold = c->text.fold + 2 * number;
    int value = in_register(c, fold[1], t[0]);
    cpu_operand into = reach(c, c->text.inputs + c->text.stores + number);
    cpu_code_load(c->code, t[1], into);
    cpu_code_vector(c->code, fold[0] ? CPU_MAX : CPU_ADD, t[2], t[1], cpu_operand_register(value));
    if (fold[0]) {
        cpu_code_compare(c->code, CPU_UNORDERED, t[1], cpu_operand_register(t[1]));
        cpu_code_choose(c->code, t[2], t[1], t[2]);
    }
    cpu_code_store(c->code, into, t[2]);
}

static cpu_operand constant(compiler *c, cpu_constant number)
{
    return cpu_function_constant(&c->function, number);
}

static void lower_comparison(compiler *c, const int16_t *op, int dst)
{
    const int *t = c->layout->temporary;
    int a = in_register(c, op[1], t[0]);
    cpu_code_compare(c->code, op[0] == RV_OP_less ? CPU_LESS : CPU_EQUAL, a,
                     anywhere(c, op[2], t[1]));
    int one = cpu_function_register(&c->function, CPU_ONE, t[2]);
    int zero = cpu_function_register(&c->function, CPU_ZERO, t[3]);
    cpu_code_choose(c->code, dst, one, zero);
}

static void lower_select(compiler *c, const int16_t *op, int dst)
{
    const int *t = c->layout->temporary;
    int condition = in_register(c, op[1], t[0]);
    cpu_code_compare(c->code, CPU_UNEQUAL, condition, constant(c, CPU_ZERO));
    int yes = in_register(c, op[2], t[1]), no = in_register(c, op[3], t[2]);
    cpu_code_choose(c->code, dst, yes, no);
}

static void lower_uniform(compiler *c, const int16_t *op, int dst)
{
    const int *t = c->layout->temporary;
    cpu_code_shift(c->code, t[0], in_register(c, op[1], t[0]), -9);
    cpu_code_unary(c->code, CPU_FROM_INTS, t[0], t[0]);
    cpu_code_vector(c->code, CPU_ADD, t[0], t[0], constant(c, CPU_HALF));
    cpu_code_vector(c->code, CPU_MUL, dst, t[0], constant(c, CPU_UNIFORM_STEP));
}

static void lower_function(compiler *c, const int16_t *op, int dst)
{
    const int *t = c->layout->temporary;
    int x = in_register(c, op[1], t[0]);
    int e = op[2] >= 0 ? in_register(c, op[2], t[1]) : -1;
    cpu_code_function(&c->function, op[0], dst, x, e);
}

/* dst = 1 / a */
static void lower_reciprocal(compiler *c, cpu_operand a, int dst)
{
    int one = cpu_function_register(&c->function, CPU_ONE, c->layout->temporary[2]);
    cpu_code_vector(c->code, CPU_DIV, dst, one, a);
}

static void lower_arithmetic(compiler *c, const int16_t *op, int dst)
{
    static const cpu_vector_op names[RV_OP_COUNT] = {
        [RV_OP_add] = CPU_ADD, [RV_OP_sub] = CPU_SUB, [RV_OP_mul] = CPU_MUL, [RV_OP_div] = CPU_DIV};
    const int *t = c->layout->temporary;
    int a = in_register(c, op[1], t[0]);
    cpu_code_vector(c->code, names[op[0]], dst, a, anywhere(c, op[2], t[1]));
}

/* dst may be the register of an operand: it is written last. */
static void lower(compiler *c, const int16_t *op, int dst)
{
    const int *t = c->layout->temporary;
    if (cpu_is_function(op[0])) {
        lower_function(c, op, dst);
        return;
    }
    switch (op[0]) {
    case RV_OP_maximum:
    case RV_OP_minimum: lower_extreme(c, op, dst); return;
    case RV_OP_less:
    case RV_OP_equal: lower_comparison(c, op, dst); return;
    case RV_OP_select: lower_select(c, op, dst); return;
    case RV_OP_uniform: lower_uniform(c, op, dst); return;
    case RV_OP_cast: cpu_code_load(c->code, dst, anywhere(c, op[1], t[0])); return; /* same bits */
    case RV_OP_sqrt: cpu_code_unary(c->code, CPU_SQRT, dst, in_register(c, op[1], t[0])); return;
    case RV_OP_floor: cpu_code_unary(c->code, CPU_FLOOR, dst, in_register(c, op[1], t[0])); return;
    case RV_OP_neg:
        cpu_code_vector(c->code, CPU_XOR, dst, in_register(c, op[1], t[0]),
                        constant(c, CPU_SIGN_BIT));
        return;
    case RV_OP_abs:
        cpu_code_vector(c->code, CPU_AND, dst, in_register(c, op[1], t[0]),
                        constant(c, CPU_MAGNITUDE));
        return;
    case RV_OP_rsqrt:
        cpu_code_unary(c->code, CPU_SQRT, t[1], in_register(c, op[1], t[0]));
        lower_reciprocal(c, cpu_operand_register(t[1]), dst);
        return;
    case RV_OP_recip: lower_reciprocal(c, anywhere(c, op[1], t[0]), dst); return;
    default: lower_arithmetic(c, op, dst);
    }
}

/* ---- the loop ---- */

static void find_last_uses(compiler *c)
{
    const reader *text = &c->text;
    for (int i = 0; i < text->inputs + text->ops; i++) {
        c->home[i] = -1;
        c->last_use[i] = i - text->inputs;
    }
    for (int i = 0; i < text->ops; i++)
        for (int j = 1; j < 4; j++)
            if (text->op[4 * i + j] >= 0)
                c->last_use[text->op[4 * i + j]] = i;
    for (int i = 0; i < text->folds; i++)
        c->last_use[text->fold[2 * i + 1]] = text->ops;
}

/* Scalars are read before a row, while there are registers for them, from `reg` on. */
static void read_scalars(compiler *c, int reg)
{
    for (int i = 0; i < c->text.inputs && reg < c->layout->registers; i++) {
        if (c->text.kind[i] != CPU_INPUT_SCALAR)
            continue;
        cpu_code_load(c->code, reg, reach(c, i));
        c->home[i] = reg++;
    }
}

static void read_pointers(compiler *c)
{
    for (int i = 0; i < c->text.entries; i++) {
        cpu_operand at = memory_of(c, i);
        if (at.base != CPU_R11)
            cpu_code_pointer(c->code, at.base, CPU_RDI, 8 * (CPU_TABLE_POINTERS + i));
    }
}

/* Moves every pointer to the next row, and jumps back. */
static void next_row(compiler *c, size_t start)
{
    int entries = c->text.entries;
    for (int i = 0; i < entries; i++) {
        cpu_code_pointer(c->code, CPU_R11, CPU_RDI, 8 * (CPU_TABLE_POINTERS + entries + i));
        cpu_code_advance(c->code, CPU_RDI, 8 * (CPU_TABLE_POINTERS + i), CPU_R11);
    }
    cpu_code_count_down(c->code, CPU_RDI, 8 * CPU_TABLE_ROWS, start);
}

static void compile_op(compiler *c, int i)
{
    const reader *text = &c->text;
    const int16_t *op = text->op + 4 * i;
    for (int j = 1; j < 4; j++) /* registers that are free once this op has read them */
        if (op[j] >= text->inputs && c->last_use[op[j]] == i)
            c->busy[c->home[op[j]]] = 0;
    int reg = 0;
    while (reg < c->layout->values && c->busy[reg])
        reg++;
    if (reg == c->layout->values) { /* the division into runs prevents this */
        c->code->failed = 1;
        return;
    }
    c->values = reg >= c->values ? reg + 1 : c->values;
    lower(c, op, reg);
    c->home[text->inputs + i] = reg;
    c->busy[reg] = c->last_use[text->inputs + i] > i;
    for (int s = 0; s < text->stores; s++)
        if (text->store[s] == i)
            cpu_code_store(c->code, reach(c, text->inputs + s), reg);
}

static void read_constants(compiler *c)
{
    cpu_function *f = &c->function;
    for (int i = 0; i < CPU_CONSTANTS; i++)
        if (f->home[i] >= 0)
            cpu_code_load(c->code, f->home[i], cpu_code_constant(c->code, f->constants, i));
}

/* With scalars in the registers from `scalars` on. */
static void write_kernel(compiler *c, int scalars)
{
    find_last_uses(c);
    memset(c->busy, 0, sizeof c->busy);
    cpu_code_pointer(c->code, CPU_RSI, CPU_RDI, 8 * CPU_TABLE_BYTES);
    read_constants(c);
    size_t row = c->code->size;
    read_scalars(c, scalars);
    read_pointers(c);
    cpu_code_zero(c->code, CPU_RAX);
    size_t start = c->code->size;
    for (int i = 0; i < c->text.ops; i++)
        compile_op(c, i);
    for (int i = 0; i < c->text.folds; i++)
        lower_fold(c, i);
    cpu_code_add(c->code, CPU_RAX, 4 * c->code->width);
    cpu_code_loop(c->code, CPU_RAX, CPU_RSI, start);
    next_row(c, row);
    cpu_code_return(c->code);
}

/* Gives a register to the constant in memory that is read most often; 0 when there is none. */
static int keep_constant(cpu_function *f, int reg)
{
    int best = -1;
    for (int i = 0; i < CPU_CONSTANTS; i++)
        if (f->uses[i] > 0 && f->home[i] < 0 && (best < 0 || f->uses[i] > f->uses[best]))
            best = i;
    if (best >= 0)
        f->home[best] = reg;
    return best >= 0;
}

/* Written twice: the first time shows how many registers values take, and which constants are read;
 * the second time the other registers hold scalars, and constants if some are left. */
static void compile(compiler *c)
{
    size_t start = c->code->size;
    int registers = c->layout->registers;
    write_kernel(c, registers);
    if (c->code->failed)
        return;
    int reg = c->values;
    for (int i = 0; i < c->text.inputs; i++)
        reg += c->text.kind[i] == CPU_INPUT_SCALAR;
    while (reg < registers && keep_constant(&c->function, reg))
        reg++;
    c->code->size = start;
    write_kernel(c, c->values);
}

/* ---- the kernels of a plan ---- */

static int add(cpu_jit *kernels, cpu_jit_text text)
{
    if (kernels->count == kernels->capacity) {
        int capacity = kernels->capacity ? 2 * kernels->capacity : 32;
        cpu_jit_kernel *grown =
            rv_realloc(kernels->kernel, (size_t)capacity * sizeof *kernels->kernel);
        if (!grown)
            return -1;
        kernels->kernel = grown;
        kernels->capacity = capacity;
    }
    size_t bytes = (size_t)text.count * sizeof *text.word;
    int16_t *copy = rv_malloc(bytes);
    compiler c = {
        .code = &kernels->code, .text = read_text(text), .layout = layout_of(kernels->code.width)};
    size_t operands = (size_t)(c.text.inputs + c.text.ops);
    c.home = rv_malloc(2 * operands * sizeof *c.home);
    if (copy && c.home) {
        c.last_use = c.home + operands;
        cpu_jit_kernel *kernel = &kernels->kernel[kernels->count];
        memcpy(copy, text.word, bytes);
        kernel->text = (cpu_jit_text){copy, text.count};
        if (kernels->code.size == 0)
            kernels->constants = cpu_code_data(&kernels->code, cpu_native_constants, CPU_CONSTANTS);
        c.function = (cpu_function){c.code, kernels->constants, c.layout->temporary, {0}, {0}};
        memset(c.function.home, -1, sizeof c.function.home);
        kernel->offset = kernels->code.size;
        compile(&c);
        kernel->bytes = kernels->code.size - kernel->offset;
    }
    rv_free(c.home);
    if (!copy || !c.last_use) {
        rv_free(copy);
        return -1;
    }
    return kernels->count++;
}

int cpu_jit_find(cpu_jit *kernels, cpu_jit_text text)
{
    for (int i = 0; i < kernels->count; i++) {
        const cpu_jit_text *known = &kernels->kernel[i].text;
        if (known->count == text.count &&
            memcmp(known->word, text.word, (size_t)text.count * sizeof *text.word) == 0)
            return i;
    }
    return add(kernels, text);
}

int cpu_jit_publish(cpu_jit *kernels)
{
    if (kernels->count > 0 && cpu_code_ok(&kernels->code))
        kernels->memory = cpu_code_publish(&kernels->code);
    return kernels->count == 0 || kernels->memory;
}

cpu_jit_fn cpu_jit_entry(const cpu_jit *kernels, int number)
{
    cpu_jit_fn entry;
    unsigned char *at = kernels->memory + kernels->kernel[number].offset;
    memcpy(&entry, &at, sizeof entry); /* C has no cast from data to a function */
    return entry;
}

void cpu_jit_free(cpu_jit *kernels)
{
    cpu_code_withdraw(kernels->memory, kernels->code.size);
    for (int i = 0; i < kernels->count; i++)
        rv_free((void *)(uintptr_t)kernels->kernel[i].text.word);
    rv_free(kernels->kernel);
    rv_free(kernels->code.bytes);
}
