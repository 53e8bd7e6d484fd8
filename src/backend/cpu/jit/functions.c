/* The functions around exp as instructions on registers.  Polynomials and roundings are those of
 * tile/tile_math.inc, which explains them, so the results have the same bits.
 *
 *     n = round(x / ln 2),  r = x - n ln 2,  exp x = 2^n (1 + p(r)),  p(r) = exp(r) - 1
 *
 * A float s with 2^23 <= s < 2^24 has whole steps: s + y rounds y to a whole number, and its low
 * bits are those of s plus n.  With s = 1.5 2^23 + b, a shift by 23 makes 2^(n + b - 127) of them:
 *     expm1        b = 126: 2^(n-1) for n in [-26, 128]
 *     exp(-|x|)    b = 191: 2^(n+64) for n in [-150, 0]; 2^-64 follows
 *     exp          b = 254: half of n + b has the exponent of the first of two factors, the rest of
 *                  n + b that of the second, for n in [-150, 128]
 * 2^k p + 2^k has the digits of 1 + p, and only the last product rounds a subnormal result.
 * AVX-512 has an instruction for products with 2^n, which rounds once as well. */
#include "backend/cpu/jit/functions.h"

enum { EXPONENT_AT = 23 }; /* the bits below it are the fraction */

const cpu_word cpu_native_constants[CPU_CONSTANTS] = {
    [CPU_ZERO] = {.value = 0},
    [CPU_ONE] = {.value = 1},
    [CPU_TWO] = {.value = 2},
    [CPU_HALF] = {.value = 0.5f},
    [CPU_MINUS_TWO] = {.value = -2},
    [CPU_SIGN_BIT] = {.bits = 0x80000000u},
    [CPU_MAGNITUDE] = {.bits = 0x7fffffffu},
    [CPU_UNIFORM_STEP] = {.value = 0x1p-23f},
    [CPU_EXP_LEAST] = {.value = -104},
    [CPU_EXP_MOST] = {.value = 89},
    [CPU_EXPM1_LEAST] = {.value = -18},
    [CPU_LOG2_E] = {.value = 0x1.715476p0f},
    [CPU_SHIFT_EXPM1] = {.value = 0x1.8p23f + 126},
    [CPU_SHIFT_MINUS_MAGNITUDE] = {.value = 0x1.8p23f + 191},
    [CPU_SHIFT_EXP] = {.value = 0x1.8p23f + 254},
    [CPU_SCALE_BACK] = {.value = 0x1p-64f},
    [CPU_MINUS_LN2_HIGH] = {.value = -0.693359375f},
    [CPU_LN2_LOW] = {.value = 2.12194440e-4f},
    [CPU_EXP_FIRST] = {.value = 1.9875691500e-4f},
    {.value = 1.3981999507e-3f},
    {.value = 8.3334519073e-3f},
    {.value = 4.1665795894e-2f},
    {.value = 1.6666665459e-1f},
    {.value = 5.0000001201e-1f},
    [CPU_LOG1P_FIRST] = {.value = 5.364635493606329e-3f},
    {.value = -3.0065037310123444e-2f},
    {.value = 7.920330762863159e-2f},
    {.value = -1.3753698766231537e-1f},
    {.value = 1.915360689163208e-1f},
    {.value = -2.48571515083313e-1f},
    {.value = 3.33213210105896e-1f},
    {.value = -4.9999648332595825e-1f},
};

cpu_operand cpu_function_constant(cpu_function *f, cpu_constant number)
{
    f->uses[number]++;
    return f->home[number] >= 0 ? cpu_operand_register(f->home[number])
                                : cpu_code_constant(f->code, f->constants, (int)number);
}

int cpu_function_register(cpu_function *f, cpu_constant number, int scratch)
{
    cpu_operand at = cpu_function_constant(f, number);
    if (at.kind == CPU_IN_REGISTER)
        return at.reg;
    cpu_code_load(f->code, scratch, at);
    return scratch;
}

/* ---- steps: registers are named by what they hold ---- */

static void load(cpu_function *f, int dst, cpu_constant number)
{
    cpu_code_load(f->code, dst, cpu_function_constant(f, number));
}

/* dst = a op constant */
static void with(cpu_function *f, cpu_vector_op op, int dst, int a, cpu_constant number)
{
    cpu_code_vector(f->code, op, dst, a, cpu_function_constant(f, number));
}

/* dst = a op b */
static void both(cpu_function *f, cpu_vector_op op, int dst, int a, int b)
{
    cpu_code_vector(f->code, op, dst, a, cpu_operand_register(b));
}

/* dst = max(limit, a) or min; NaN stays: these instructions give the second operand */
static void limit(cpu_function *f, cpu_vector_op op, int dst, int a, cpu_constant number,
                  int scratch)
{
    both(f, op, dst, cpu_function_register(f, number, scratch), a);
}

/* dst = a x + b with the constants number `a` and the next */
static void linear(cpu_function *f, int dst, int x, int a)
{
    load(f, dst, (cpu_constant)a);
    cpu_code_horner(f->code, dst, x, cpu_function_constant(f, (cpu_constant)(a + 1)));
}

/* dst = dst square + (a x + b) */
static void next_linear(cpu_function *f, int dst, int square, int x, int a, int scratch)
{
    linear(f, scratch, x, a);
    cpu_code_horner(f->code, dst, square, cpu_operand_register(scratch));
}

/* The parts of exp y: p(r), and s + n with the sum s that `shift` is.  y becomes r. */
static void reduce(cpu_function *f, int y, int p, int s_n, cpu_constant shift)
{
    int n = p; /* read before p is written */
    int square = f->temporary[4], other = f->temporary[5];
    load(f, s_n, CPU_LOG2_E);
    cpu_code_horner(f->code, s_n, y, cpu_function_constant(f, shift));
    with(f, CPU_SUB, n, s_n, shift);
    cpu_code_multiply_add_from(f->code, y, n, cpu_function_constant(f, CPU_MINUS_LN2_HIGH));
    cpu_code_multiply_add_from(f->code, y, n, cpu_function_constant(f, CPU_LN2_LOW));
    both(f, CPU_MUL, square, y, y);
    linear(f, p, y, CPU_EXP_FIRST);
    next_linear(f, p, square, y, CPU_EXP_FIRST + 2, other);
    next_linear(f, p, square, y, CPU_EXP_FIRST + 4, other);
    cpu_code_horner(f->code, p, square, cpu_operand_register(y));
}

/* dst = (1 + p) 2^n on AVX-512, which needs no parts of 2^n; else returns 0 */
static int scale_at_once(cpu_function *f, int dst, int p, int s_n, cpu_constant shift)
{
    if (f->code->width != 16)
        return 0;
    with(f, CPU_ADD, p, p, CPU_ONE);
    with(f, CPU_SUB, s_n, s_n, shift);
    both(f, CPU_SCALE, dst, p, s_n);
    return 1;
}

/* ---- functions: x may be t[0], e may be t[1] ---- */

static void write_exp(cpu_function *f, int dst, int x)
{
    const int *t = f->temporary;
    int y = t[1], p = t[2], second = t[3], first = t[1];
    limit(f, CPU_MIN, y, x, CPU_EXP_MOST, p);
    limit(f, CPU_MAX, y, y, CPU_EXP_LEAST, p);
    reduce(f, y, p, second, CPU_SHIFT_EXP);
    if (scale_at_once(f, dst, p, second, CPU_SHIFT_EXP))
        return;
    cpu_code_shift(f->code, first, second, -1);
    both(f, CPU_SUB_INTS, second, second, first);
    cpu_code_shift(f->code, first, first, EXPONENT_AT);
    cpu_code_shift(f->code, second, second, EXPONENT_AT);
    cpu_code_horner(f->code, p, first, cpu_operand_register(first));
    both(f, CPU_MUL, dst, p, second);
}

static void write_exp_minus_magnitude(cpu_function *f, int dst, int x)
{
    const int *t = f->temporary;
    int y = t[1], p = t[2], power = t[3];
    with(f, CPU_OR, y, x, CPU_SIGN_BIT);
    limit(f, CPU_MAX, y, y, CPU_EXP_LEAST, p);
    reduce(f, y, p, power, CPU_SHIFT_MINUS_MAGNITUDE);
    if (scale_at_once(f, dst, p, power, CPU_SHIFT_MINUS_MAGNITUDE))
        return;
    cpu_code_shift(f->code, power, power, EXPONENT_AT);
    cpu_code_horner(f->code, p, power, cpu_operand_register(power));
    with(f, CPU_MUL, dst, p, CPU_SCALE_BACK);
}

/* sigmoid x = (x < 0 ? e : 1) / (1 + e), e = exp(-|x|) */
static void write_sigmoid(cpu_function *f, int dst, int x, int e)
{
    int numerator = f->temporary[2], sum = f->temporary[3];
    int one = cpu_function_register(f, CPU_ONE, numerator);
    both(f, CPU_ADD, sum, one, e);
    cpu_code_compare(f->code, CPU_LESS, x, cpu_function_constant(f, CPU_ZERO));
    cpu_code_choose(f->code, numerator, e, one);
    both(f, CPU_DIV, dst, numerator, sum);
}

/* log(1 + exp x) = max(x, 0) + log1p e, e = exp(-|x|);  log1p e = e + e^2 q(e) */
static void write_softplus(cpu_function *f, int dst, int x, int e)
{
    const int *t = f->temporary;
    int q = t[2], square = t[3], low = t[4], other = t[5], fourth = other, positive = square;
    both(f, CPU_MUL, square, e, e);
    linear(f, q, e, CPU_LOG1P_FIRST);
    next_linear(f, q, square, e, CPU_LOG1P_FIRST + 2, other);
    linear(f, low, e, CPU_LOG1P_FIRST + 4);
    next_linear(f, low, square, e, CPU_LOG1P_FIRST + 6, other);
    both(f, CPU_MUL, fourth, square, square);
    cpu_code_horner(f->code, q, fourth, cpu_operand_register(low));
    cpu_code_horner(f->code, q, square, cpu_operand_register(e));
    with(f, CPU_MAX, positive, x, CPU_ZERO);
    both(f, CPU_ADD, dst, positive, q);
}

/* t[1] = exp y - 1 of y = t[1], at most CPU_EXP_MOST: with h = 2^(n-1), twice h p + h - 1/2.
 * Leaves p in t[2] and h in t[3]. */
static void expm1_in_place(cpu_function *f)
{
    const int *t = f->temporary;
    int y = t[1], p = t[2], h = t[3], half = t[1];
    limit(f, CPU_MAX, y, y, CPU_EXPM1_LEAST, p);
    reduce(f, y, p, h, CPU_SHIFT_EXPM1);
    cpu_code_shift(f->code, h, h, EXPONENT_AT);
    with(f, CPU_SUB, half, h, CPU_HALF);
    cpu_code_multiply_add(f->code, half, h, p);
    both(f, CPU_ADD, half, half, half);
}

/* p itself where n = 0: half of it may be subnormal */
static void write_expm1(cpu_function *f, int dst, int x)
{
    const int *t = f->temporary;
    limit(f, CPU_MIN, t[1], x, CPU_EXP_MOST, t[2]);
    expm1_in_place(f);
    cpu_code_compare(f->code, CPU_EQUAL, t[3], cpu_function_constant(f, CPU_HALF));
    cpu_code_choose(f->code, dst, t[2], t[1]);
}

/* tanh |x| = -m / (2 + m), m = exp(-2 |x|) - 1.  Where p would lose a digit when halved, it is
 * -2 |x|, so no choice is needed. */
static void write_tanh(cpu_function *f, int dst, int x)
{
    int m = f->temporary[1], sum = f->temporary[2], sign = sum;
    with(f, CPU_AND, m, x, CPU_MAGNITUDE);
    with(f, CPU_MUL, m, m, CPU_MINUS_TWO);
    expm1_in_place(f);
    with(f, CPU_ADD, sum, m, CPU_TWO);
    with(f, CPU_AND, m, m, CPU_MAGNITUDE);
    both(f, CPU_DIV, m, m, sum);
    with(f, CPU_AND, sign, x, CPU_SIGN_BIT);
    both(f, CPU_OR, dst, m, sign);
}

int cpu_is_function(int op)
{
    return op == RV_OP_exp || op == RV_OP_expm1 || op == RV_OP_tanh || op == RV_OP_sigmoid ||
           op == RV_OP_softplus || op == CPU_EXP_MINUS_MAGNITUDE;
}

void cpu_code_function(cpu_function *f, int op, int dst, int x, int e)
{
    switch (op) {
    case RV_OP_exp: write_exp(f, dst, x); return;
    case CPU_EXP_MINUS_MAGNITUDE: write_exp_minus_magnitude(f, dst, x); return;
    case RV_OP_sigmoid: write_sigmoid(f, dst, x, e); return;
    case RV_OP_softplus: write_softplus(f, dst, x, e); return;
    case RV_OP_tanh: write_tanh(f, dst, x); return;
    default: write_expm1(f, dst, x);
    }
}
