/* Encodes instructions with Zydis, and makes them executable. */
#include "backend/cpu/jit/assembler.h"
#include "core/memory.h"

#include <pthread.h>
#include <string.h>
#include <sys/mman.h>
#include <Zydis/Encoder.h>

enum { MASK = 1, MASK_REGISTER = 15, LONGEST = 15, LINE = 64 };

cpu_operand cpu_operand_register(int reg)
{
    return (cpu_operand){.kind = CPU_IN_REGISTER, .reg = reg, .index = -1};
}

/* ---- requests ---- */

static int is_wide(const cpu_code *code)
{
    return code->width == 16;
}

static ZydisEncoderRequest request(ZydisMnemonic mnemonic)
{
    ZydisEncoderRequest r;
    memset(&r, 0, sizeof r);
    r.machine_mode = ZYDIS_MACHINE_MODE_LONG_64;
    r.mnemonic = mnemonic;
    return r;
}

static void add_register(ZydisEncoderRequest *r, ZydisRegister reg)
{
    ZydisEncoderOperand *operand = &r->operands[r->operand_count++];
    operand->type = ZYDIS_OPERAND_TYPE_REGISTER;
    operand->reg.value = reg;
}

static void add_number(ZydisEncoderRequest *r, int64_t number)
{
    ZydisEncoderOperand *operand = &r->operands[r->operand_count++];
    operand->type = ZYDIS_OPERAND_TYPE_IMMEDIATE;
    operand->imm.s = number;
}

static ZydisRegister general(int number)
{
    static const ZydisRegister names[] = {
        ZYDIS_REGISTER_RAX, ZYDIS_REGISTER_RCX, ZYDIS_REGISTER_RDX, ZYDIS_REGISTER_R8,
        ZYDIS_REGISTER_R9,  ZYDIS_REGISTER_R10, ZYDIS_REGISTER_R11, ZYDIS_REGISTER_RDI,
        ZYDIS_REGISTER_RSI, ZYDIS_REGISTER_RIP};
    return names[number];
}

static void add_memory(ZydisEncoderRequest *r, const cpu_operand *at, int bytes)
{
    ZydisEncoderOperand *operand = &r->operands[r->operand_count++];
    operand->type = ZYDIS_OPERAND_TYPE_MEMORY;
    operand->mem.base = general(at->base);
    operand->mem.index = at->index >= 0 ? general(at->index) : ZYDIS_REGISTER_NONE;
    operand->mem.scale = (ZyanU8)(at->index < 0 ? 0 : at->scale ? at->scale : 1);
    operand->mem.displacement = at->displacement;
    operand->mem.size = (ZyanU16)bytes;
}

static ZydisRegister vector(const cpu_code *code, int reg)
{
    return (ZydisRegister)((is_wide(code) ? ZYDIS_REGISTER_ZMM0 : ZYDIS_REGISTER_YMM0) + reg);
}

/* Makes room for so many bytes more; 0 when memory is out. */
static int reserve(cpu_code *code, size_t bytes)
{
    size_t capacity = code->capacity ? code->capacity : 4096;
    while (code->size + bytes > capacity)
        capacity *= 2;
    if (capacity == code->capacity)
        return 1;
    unsigned char *grown = rv_realloc(code->bytes, capacity);
    if (!grown) {
        code->failed = 1;
        return 0;
    }
    code->bytes = grown;
    code->capacity = capacity;
    return 1;
}

/* The data at a place in the code, as the processor wants it: from the end of the instruction. */
static int refers_to_data(const ZydisEncoderRequest *r)
{
    for (int i = 0; i < r->operand_count; i++)
        if (r->operands[i].mem.base == ZYDIS_REGISTER_RIP)
            return 1;
    return 0;
}

static void emit(cpu_code *code, ZydisEncoderRequest *r)
{
    if (!reserve(code, LONGEST))
        return;
    ZyanUSize length = LONGEST;
    unsigned char *at = code->bytes + code->size;
    ZyanStatus status = refers_to_data(r)
                            ? ZydisEncoderEncodeInstructionAbsolute(r, at, &length, code->size)
                            : ZydisEncoderEncodeInstruction(r, at, &length);
    if (ZYAN_SUCCESS(status))
        code->size += length;
    else
        code->failed = 1;
}

/* An instruction with the result `dst`; in EVEX a mask follows it (k0: every lane). */
static ZydisEncoderRequest begin(const cpu_code *code, ZydisMnemonic mnemonic, int dst)
{
    ZydisEncoderRequest r = request(mnemonic);
    r.allowed_encodings =
        is_wide(code) ? ZYDIS_ENCODABLE_ENCODING_EVEX : ZYDIS_ENCODABLE_ENCODING_VEX;
    add_register(&r, vector(code, dst));
    if (is_wide(code))
        add_register(&r, ZYDIS_REGISTER_K0);
    return r;
}

/* A vector operand: the last of an instruction. */
static void add_operand(const cpu_code *code, ZydisEncoderRequest *r, const cpu_operand *operand)
{
    if (operand->kind == CPU_IN_REGISTER)
        add_register(r, vector(code, operand->reg));
    else
        add_memory(r, operand, operand->kind == CPU_BROADCAST ? 4 : 4 * code->width);
    if (operand->kind == CPU_BROADCAST) /* AVX-512 only */
        r->evex.broadcast = ZYDIS_BROADCAST_MODE_1_TO_16;
}

/* ---- vectors ---- */

void cpu_code_vector(cpu_code *code, cpu_vector_op op, int dst, int a, cpu_operand b)
{
    static const ZydisMnemonic names[] = {
        ZYDIS_MNEMONIC_VADDPS, ZYDIS_MNEMONIC_VSUBPS,   ZYDIS_MNEMONIC_VMULPS,
        ZYDIS_MNEMONIC_VDIVPS, ZYDIS_MNEMONIC_VMINPS,   ZYDIS_MNEMONIC_VMAXPS,
        ZYDIS_MNEMONIC_VANDPS, ZYDIS_MNEMONIC_VORPS,    ZYDIS_MNEMONIC_VXORPS,
        ZYDIS_MNEMONIC_VPSUBD, ZYDIS_MNEMONIC_VSCALEFPS};
    ZydisEncoderRequest r = begin(code, names[op], dst);
    add_register(&r, vector(code, a));
    add_operand(code, &r, &b);
    emit(code, &r);
}

static void fused(cpu_code *code, ZydisMnemonic form, int dst, int a, const cpu_operand *b)
{
    ZydisEncoderRequest r = begin(code, form, dst);
    add_register(&r, vector(code, a));
    add_operand(code, &r, b);
    emit(code, &r);
}

void cpu_code_multiply_add(cpu_code *code, int dst, int a, int b)
{
    cpu_code_multiply_add_from(code, dst, a, cpu_operand_register(b));
}

void cpu_code_multiply_add_from(cpu_code *code, int dst, int a, cpu_operand b)
{
    fused(code, ZYDIS_MNEMONIC_VFMADD231PS, dst, a, &b);
}

void cpu_code_horner(cpu_code *code, int dst, int a, cpu_operand b)
{
    fused(code, ZYDIS_MNEMONIC_VFMADD213PS, dst, a, &b);
}

void cpu_code_unary(cpu_code *code, cpu_unary_op op, int dst, int a)
{
    const ZydisMnemonic names[] = {ZYDIS_MNEMONIC_VSQRTPS,
                                   is_wide(code) ? ZYDIS_MNEMONIC_VRNDSCALEPS
                                                 : ZYDIS_MNEMONIC_VROUNDPS,
                                   ZYDIS_MNEMONIC_VCVTDQ2PS};
    ZydisEncoderRequest r = begin(code, names[op], dst);
    add_register(&r, vector(code, a));
    if (op == CPU_FLOOR) /* 9: down, without exceptions */
        add_number(&r, 9);
    emit(code, &r);
}

void cpu_code_shift(cpu_code *code, int dst, int a, int to_the_left)
{
    ZydisEncoderRequest r =
        begin(code, to_the_left > 0 ? ZYDIS_MNEMONIC_VPSLLD : ZYDIS_MNEMONIC_VPSRLD, dst);
    add_register(&r, vector(code, a));
    add_number(&r, to_the_left > 0 ? to_the_left : -to_the_left);
    emit(code, &r);
}

void cpu_code_load(cpu_code *code, int dst, cpu_operand from)
{
    ZydisEncoderRequest r = begin(
        code, from.kind == CPU_BROADCAST ? ZYDIS_MNEMONIC_VBROADCASTSS : ZYDIS_MNEMONIC_VMOVUPS,
        dst);
    if (from.kind == CPU_IN_REGISTER && from.reg == dst)
        return;
    if (from.kind == CPU_IN_REGISTER)
        add_register(&r, vector(code, from.reg));
    else
        add_memory(&r, &from, from.kind == CPU_BROADCAST ? 4 : 4 * code->width);
    emit(code, &r);
}

void cpu_code_store(cpu_code *code, cpu_operand to, int from)
{
    ZydisEncoderRequest r = request(ZYDIS_MNEMONIC_VMOVUPS);
    r.allowed_encodings =
        is_wide(code) ? ZYDIS_ENCODABLE_ENCODING_EVEX : ZYDIS_ENCODABLE_ENCODING_VEX;
    add_memory(&r, &to, 4 * code->width);
    if (is_wide(code))
        add_register(&r, ZYDIS_REGISTER_K0);
    add_register(&r, vector(code, from));
    emit(code, &r);
}

void cpu_code_compare(cpu_code *code, cpu_predicate predicate, int a, cpu_operand b)
{
    ZydisEncoderRequest r = request(ZYDIS_MNEMONIC_VCMPPS);
    if (is_wide(code)) {
        add_register(&r, ZYDIS_REGISTER_K0 + MASK);
        add_register(&r, ZYDIS_REGISTER_K0);
    } else {
        r.allowed_encodings = ZYDIS_ENCODABLE_ENCODING_VEX;
        add_register(&r, vector(code, MASK_REGISTER));
    }
    add_register(&r, vector(code, a));
    add_operand(code, &r, &b);
    add_number(&r, predicate);
    emit(code, &r);
}

void cpu_code_choose(cpu_code *code, int dst, int yes, int no)
{
    ZydisEncoderRequest r =
        request(is_wide(code) ? ZYDIS_MNEMONIC_VBLENDMPS : ZYDIS_MNEMONIC_VBLENDVPS);
    add_register(&r, vector(code, dst));
    if (is_wide(code))
        add_register(&r, ZYDIS_REGISTER_K0 + MASK);
    add_register(&r, vector(code, no));
    add_register(&r, vector(code, yes));
    if (!is_wide(code)) {
        add_register(&r, vector(code, MASK_REGISTER));
        r.operands[r.operand_count - 1].reg.is4 = ZYAN_TRUE; /* where this instruction has it */
    }
    emit(code, &r);
}

/* ---- data ---- */

size_t cpu_code_data(cpu_code *code, const void *words, int count)
{
    const unsigned char *from = words;
    size_t copies = is_wide(code) ? 1 : (size_t)code->width, word = sizeof(float);
    size_t start = (code->size + LINE - 1) / LINE * LINE, end = start;
    end += (size_t)count * copies * word;
    if (!reserve(code, end - code->size))
        return start;
    memset(code->bytes + code->size, 0, start - code->size);
    for (size_t i = 0; i < (size_t)count * copies; i++)
        memcpy(code->bytes + start + i * word, from + i / copies * word, word);
    code->size = end;
    return start;
}

cpu_operand cpu_code_constant(const cpu_code *code, size_t data, int i)
{
    int bytes = is_wide(code) ? (int)sizeof(float) : code->width * (int)sizeof(float);
    return (cpu_operand){.kind = is_wide(code) ? CPU_BROADCAST : CPU_IN_MEMORY,
                         .base = CPU_RIP,
                         .index = -1,
                         .displacement = (int)data + i * bytes};
}

/* ---- the loop around them ---- */

void cpu_code_pointer(cpu_code *code, int to, int base, int displacement)
{
    ZydisEncoderRequest r = request(ZYDIS_MNEMONIC_MOV);
    cpu_operand at = {.base = base, .index = -1, .displacement = displacement};
    add_register(&r, general(to));
    add_memory(&r, &at, 8);
    emit(code, &r);
}

void cpu_code_zero(cpu_code *code, int to)
{
    ZydisEncoderRequest r = request(ZYDIS_MNEMONIC_XOR);
    add_register(&r, general(to));
    add_register(&r, general(to));
    emit(code, &r);
}

void cpu_code_add(cpu_code *code, int to, int number)
{
    ZydisEncoderRequest r = request(ZYDIS_MNEMONIC_ADD);
    add_register(&r, general(to));
    add_number(&r, number);
    emit(code, &r);
}

void cpu_code_add_from(cpu_code *code, int to, int base, int displacement)
{
    ZydisEncoderRequest r = request(ZYDIS_MNEMONIC_ADD);
    cpu_operand at = {.base = base, .index = -1, .displacement = displacement};
    add_register(&r, general(to));
    add_memory(&r, &at, 8);
    emit(code, &r);
}

void cpu_code_address(cpu_code *code, int to, cpu_operand of)
{
    ZydisEncoderRequest r = request(ZYDIS_MNEMONIC_LEA);
    add_register(&r, general(to));
    add_memory(&r, &of, 8);
    emit(code, &r);
}

void cpu_code_prefetch(cpu_code *code, int at)
{
    ZydisEncoderRequest r = request(ZYDIS_MNEMONIC_PREFETCHT1);
    cpu_operand line = {.base = at, .index = -1};
    add_memory(&r, &line, 1);
    emit(code, &r);
}

void cpu_code_advance(cpu_code *code, int base, int displacement, int by)
{
    ZydisEncoderRequest r = request(ZYDIS_MNEMONIC_ADD);
    cpu_operand at = {.base = base, .index = -1, .displacement = displacement};
    add_memory(&r, &at, 8);
    add_register(&r, general(by));
    emit(code, &r);
}

enum { JUMP_BYTES = 6, JUMP_DISTANCE_BYTES = 4 };

static void jump(cpu_code *code, ZydisMnemonic mnemonic, size_t target)
{
    ZydisEncoderRequest r = request(mnemonic);
    r.branch_type = ZYDIS_BRANCH_TYPE_NEAR;
    r.branch_width = ZYDIS_BRANCH_WIDTH_32;
    add_number(&r, (int64_t)target - (int64_t)(code->size + JUMP_BYTES));
    emit(code, &r);
}

void cpu_code_count_down(cpu_code *code, int base, int displacement, size_t target)
{
    ZydisEncoderRequest r = request(ZYDIS_MNEMONIC_SUB);
    cpu_operand at = {.base = base, .index = -1, .displacement = displacement};
    add_memory(&r, &at, 8);
    add_number(&r, 1);
    emit(code, &r);
    jump(code, ZYDIS_MNEMONIC_JNZ, target);
}

size_t cpu_code_skip_if_zero(cpu_code *code, int base, int displacement)
{
    ZydisEncoderRequest compare = request(ZYDIS_MNEMONIC_CMP);
    cpu_operand at = {.base = base, .index = -1, .displacement = displacement};
    add_memory(&compare, &at, 8);
    add_number(&compare, 0);
    emit(code, &compare);
    jump(code, ZYDIS_MNEMONIC_JZ, code->size + JUMP_BYTES);
    return code->size;
}

void cpu_code_land(cpu_code *code, size_t skip)
{
    int32_t distance = (int32_t)(code->size - skip);
    if (!code->failed)
        memcpy(code->bytes + skip - JUMP_DISTANCE_BYTES, &distance, sizeof distance);
}

void cpu_code_loop(cpu_code *code, int a, int b, size_t target)
{
    ZydisEncoderRequest compare = request(ZYDIS_MNEMONIC_CMP);
    add_register(&compare, general(a));
    add_register(&compare, general(b));
    emit(code, &compare);
    jump(code, ZYDIS_MNEMONIC_JB, target);
}

void cpu_code_return(cpu_code *code)
{
    ZydisEncoderRequest clear = request(ZYDIS_MNEMONIC_VZEROUPPER),
                        back = request(ZYDIS_MNEMONIC_RET);
    emit(code, &clear);
    emit(code, &back);
}

int cpu_code_ok(const cpu_code *code)
{
    return !code->failed;
}

/* ---- executable memory: written first, then made executable and read-only ---- */

void *cpu_code_publish(const cpu_code *code)
{
    void *memory =
        mmap(NULL, code->size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED)
        return NULL;
    memcpy(memory, code->bytes, code->size);
    if (mprotect(memory, code->size, PROT_READ | PROT_EXEC) != 0) {
        munmap(memory, code->size);
        return NULL;
    }
    return memory;
}

void cpu_code_withdraw(void *memory, size_t size)
{
    if (memory)
        munmap(memory, size);
}

static pthread_once_t once = PTHREAD_ONCE_INIT;
static int possible;

/* Some hardened systems never allow the execution of memory that was written. */
static void attempt(void)
{
#if defined(__x86_64__)
    cpu_code code = {.width = 8};
    cpu_code_return(&code);
    void *memory = cpu_code_ok(&code) ? cpu_code_publish(&code) : NULL;
    possible = memory != NULL;
    cpu_code_withdraw(memory, code.size);
    rv_free(code.bytes);
#endif
}

int cpu_code_possible(void)
{
    pthread_once(&once, attempt);
    return possible;
}
