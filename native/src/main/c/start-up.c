/*
 * The rest of TeaVM's runtime, in the place of main.c, memory.c, arrayclass.c, GC.c, Allocator.c,
 * Fiber.c and ExceptionHandling.c: the start of the program, its memory, and what happens when an exception is thrown.
 * docs/decisions/0002-start-up.md has the reasons and the figures.
 */
#include <elf.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include "coracle.h"
#ifdef CORACLE_TRACE
#include "trace.h"
#else
#define CORACLE_UNTRACED
#define coracle_begin_trace() ((void) 0)
#endif
#include "arrayclass_gen.h"
#include "classes/java/lang/ClassCastException.h"
#include "classes/java/lang/NullPointerException.h"
#include "classes/java/lang/ArrayIndexOutOfBoundsException.h"
#include "classes/java/lang/StackTraceElement.h"
#include "classes/dev/coracle/linux/Main.h"
#include "classes/dev/coracle/linux/Scratch.h"

/*
 * Memory: objects stand one behind the other and are never freed. The kernel hands it out zeroed, page by
 * page as it is touched. No verb allocates more than its input asks for, and the input is bounded.
 */
#define CORACLE_FIRST_BYTES (512 * 1024)
#define CORACLE_CHUNK_BYTES INT64_C(0x1000000)
#define CORACLE_MOST_BYTES INT64_C(0x20000000)
static char coracle_first_memory[CORACLE_FIRST_BYTES] CORACLE_LAST;
static char* coracle_free; /* set at the start: a constant in .data would be one more page to copy */
static char* coracle_end;
static int64_t coracle_mapped;

__attribute__((cold, noreturn)) static void coracle_die(const char* text) {
    coracle_syscall(SYS_write, 2, (intptr_t) text, strlen(text), 0, 0, 0);
    coracle_syscall(SYS_exit_group, 70, 0, 0, 0, 0, 0);
    __builtin_unreachable();
}

__attribute__((cold, noinline)) static void* coracle_take_from_next(int64_t size) {
    int64_t chunk = size > CORACLE_CHUNK_BYTES ? (size + 4095) & -4096 : CORACLE_CHUNK_BYTES;
    if (chunk > CORACLE_MOST_BYTES - coracle_mapped) {
        coracle_die("internal error: out of memory\n");
    }
    int64_t memory = coracle_syscall(
        SYS_mmap, 0, chunk, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory < 0 && memory > -4096) {
        coracle_die("internal error: out of memory\n");
    }
    coracle_mapped += chunk;
    coracle_free = (char*) memory + size;
    coracle_end = (char*) memory + chunk;
    return (char*) memory;
}

static inline void* coracle_take(int64_t size) {
    if (size > coracle_end - coracle_free) {
        return coracle_take_from_next(size);
    }
    char* taken = coracle_free;
    coracle_free += size;
    return taken;
}

void* coracle_allocate(int64_t size) {
    return coracle_take((size + 7) & -8);
}

void* meth_otr_Allocator_allocate(void* cls) {
    TeaVM_Object* object = coracle_take(((TeaVM_Class*) cls)->size);
    object->header = TEAVM_PACK_CLASS(cls);
    return object;
}

/* How many bytes an array has from its header to its last element. */
static inline int64_t coracle_array_bytes(TeaVM_Class* item, int32_t length) {
    int64_t item_size = teavm_primitiveKind(item) != 0 ? item->size : (int64_t) sizeof(void*);
    int64_t data = ((int64_t) sizeof(TeaVM_Array) + item_size - 1) / item_size * item_size;
    return data + item_size * (uint32_t) length;
}

void* meth_otr_Allocator_allocateArray(void* cls, int32_t length) {
    TeaVM_Array* array = coracle_take((coracle_array_bytes(((TeaVM_Class*) cls)->itemType, length) + 7) & -8);
    array->parent.header = TEAVM_PACK_CLASS(cls);
    array->size = length;
    return array;
}

void* meth_otr_Allocator_allocateMultiArray(void* cls, void* lengths, int32_t dimensions) {
    int32_t length = *(int32_t*) lengths;
    TeaVM_Array* array = meth_otr_Allocator_allocateArray(cls, length);
    for (int32_t i = 0; dimensions > 1 && i < length; i++) {
        TEAVM_ARRAY_AT(array, void*, i) = meth_otr_Allocator_allocateMultiArray(
            ((TeaVM_Class*) cls)->itemType, (int32_t*) lengths + 1, dimensions - 1);
    }
    return array;
}

/* Object.clone(): memory behind the copy must stay zeros, which TeaVM's own does not see to. */
void* meth_jl_Object_cloneLowLevel(void* object) {
    TeaVM_Class* cls = TEAVM_CLASS_OF(object);
    TeaVM_Class* item = cls->itemType;
    if (item == NULL) {
        void* copy = meth_otr_Allocator_allocate(cls);
        return memcpy(copy, object, cls->size);
    }
    int32_t length = ((TeaVM_Array*) object)->size;
    return memcpy(meth_otr_Allocator_allocateArray(cls, length), object, coracle_array_bytes(item, length));
}

/*
 * The classes of arrays of objects, made when they are first asked for. A class must stand below 4 GiB (see
 * start-up.h), so when the first memory is full there is a reserve.
 */
#define CORACLE_RESERVE_CLASSES 1024
static TEAVM_OBJECT_CLASS coracle_reserve[CORACLE_RESERVE_CLASSES] CORACLE_LAST;
static int32_t coracle_reserve_used;

static TEAVM_OBJECT_CLASS* coracle_take_class() {
    int64_t size = sizeof(TEAVM_OBJECT_CLASS);
    if (coracle_mapped == 0 && size <= coracle_end - coracle_free) {
        return coracle_take(size);
    }
    if (coracle_reserve_used == CORACLE_RESERVE_CLASSES) {
        coracle_die("internal error: too many classes\n");
    }
    return &coracle_reserve[coracle_reserve_used++];
}

int32_t teavm_isSupertypeOfArray(TeaVM_Class* superclass, TeaVM_Class* subclass) {
    return subclass->itemType != NULL && superclass->itemType->isSupertypeOf(superclass->itemType, subclass->itemType);
}

/* Two classes of one kind of array do no harm: nobody compares them but by what they are arrays of. */
TeaVM_Class* coracle_make_array_class(TeaVM_Class* item) {
    TEAVM_OBJECT_CLASS* array = coracle_take_class();
    *array = TEAVM_OBJECT_CLASS_PTR; /* the methods of Object */
    array->parent = (TeaVM_Class) {
        .flags = 1,
        .size = sizeof(void*),
        .itemType = item,
        .superclass = &TEAVM_OBJECT_CLASS_PTR.parent,
        .isSupertypeOf = &teavm_isSupertypeOfArray,
    };
    return &array->parent;
}

/* Of a class that is only known when the program runs. */
TeaVM_Class* teavm_getArrayClass(TeaVM_Class* item) {
    if (item->arrayType == NULL) {
        item->arrayType = coracle_make_array_class(item);
    }
    return item->arrayType;
}

/* Exceptions: only functions that catch are in the list of frames. They have no stack trace. */
static void* coracle_thrown;

static TeaVM_ExceptionHandler* coracle_handlers(int32_t call_site) {
    for (size_t i = 0; i < sizeof(coracle_call_sites) / sizeof(coracle_call_sites[0]); i++) {
        if (coracle_call_sites[i].id == call_site) {
            return coracle_call_sites[i].site.firstHandler;
        }
    }
    return NULL;
}

void meth_otr_ExceptionHandling_throwException(void* exception) {
    TeaVM_Class* thrown = TEAVM_CLASS_OF(exception);
    coracle_thrown = exception;
    for (TeaVM_StackFrame* frame = teavm_stackTop; frame != NULL; frame = frame->next) {
        for (TeaVM_ExceptionHandler* handler = coracle_handlers(frame->callSiteId); handler != NULL;
             handler = handler->next) {
            TeaVM_Class* caught = handler->exceptionClass;
            if (caught == NULL || caught->isSupertypeOf(caught, thrown)) {
                TEAVM_JUMP_TO_FRAME(frame, handler->id);
            }
        }
    }
    coracle_die("internal error: an exception left main\n");
}

void* teavm_catchException() {
    void* exception = coracle_thrown;
    coracle_thrown = NULL;
    return exception;
}

TeaVM_Array* meth_otr_ExceptionHandling_fillStackTrace() {
    return meth_otr_Allocator_allocateArray(teavm_getArrayClass((TeaVM_Class*) &jl_StackTraceElement_Cls), 0);
}

void meth_otr_ExceptionHandling_throwClassCastException() {
    void* exception = meth_otr_Allocator_allocate(&jl_ClassCastException_Cls);
    meth_jl_ClassCastException__init_(exception);
    meth_otr_ExceptionHandling_throwException(exception);
}

void teavm_throwNullPointerException() {
    void* exception = meth_otr_Allocator_allocate(&jl_NullPointerException_Cls);
    meth_jl_NullPointerException__init_(exception);
    meth_otr_ExceptionHandling_throwException(exception);
}

void teavm_throwArrayIndexOutOfBoundsException() {
    void* exception = meth_otr_Allocator_allocate(&jl_ArrayIndexOutOfBoundsException_Cls);
    meth_jl_ArrayIndexOutOfBoundsException__init_(exception);
    meth_otr_ExceptionHandling_throwException(exception);
}

/* Runs between any two instructions: nothing but the one system call, and no return. */
CORACLE_UNTRACED __attribute__((cold, noreturn)) void coracle_exit_on_signal(int signal) {
    coracle_syscall(SYS_exit_group, 128 + signal, 0, 0, 0, 0, 0);
    __builtin_unreachable();
}

char** coracle_environment;
char** coracle_arguments;
char* coracle_program;
int32_t coracle_seal_mount;

/*
 * The seal: a verb that makes a process in a container runs from a read-only mount of our file that stands nowhere.
 * Seal.java tells why. Nothing is executed anew: our own segments are mapped again, from that mount, in the place where they
 * are, and the kernel is told that this is our program (prctl(2), PR_SET_MM_MAP with exe_fd; needs CAP_SYS_ADMIN and
 * CONFIG_CHECKPOINT_RESTORE). Where that cannot be, the file is executed from the mount; Seal.java does the rest.
 * It must come before anything is written to .data and .bss.
 */
#define CORACLE_SEALED "_CORACLE_SEALED="
#define CORACLE_OPEN_TREE_CLONE 1 /* linux/mount.h, which musl does not have */
#define CORACLE_MOUNT_ATTR_RDONLY 1
#define CORACLE_PAGE 4096
extern const char __ehdr_start[];

/* A word that only looks like such a verb does no harm. */
static int coracle_makes_process(char** argv) {
    for (; *argv != NULL; argv++) {
        if (strcmp(*argv, "create") == 0 || strcmp(*argv, "run") == 0 || strcmp(*argv, "exec") == 0) {
            return 1;
        }
    }
    return 0;
}

/* Writes a number and returns where it ends. */
static char* coracle_decimal(char* to, int64_t number) {
    char digits[20];
    int32_t n = 0;
    do {
        digits[n++] = (char) ('0' + number % 10);
        number /= 10;
    } while (number > 0);
    while (n > 0) {
        *to++ = digits[--n];
    }
    return to;
}

/* Maps our segments again, from another file with the same content: the page that runs included. */
static int64_t coracle_map_again(int64_t file, struct prctl_mm_map* map) {
    const Elf64_Ehdr* elf = (const Elf64_Ehdr*) __ehdr_start;
    const Elf64_Phdr* header = (const Elf64_Phdr*) (__ehdr_start + elf->e_phoff);
    int64_t result = 0;
    for (int32_t i = 0; i < elf->e_phnum && result >= 0; i++) {
        Elf64_Phdr segment = header[i]; /* a copy, for it stands in what is mapped again */
        if (segment.p_type != PT_LOAD) {
            continue;
        }
        int64_t before = segment.p_vaddr % CORACLE_PAGE;
        char* end = (char*) (segment.p_vaddr + segment.p_filesz);
        int32_t protection = PROT_READ | (segment.p_flags & PF_W ? PROT_WRITE : 0) | (segment.p_flags & PF_X ? PROT_EXEC : 0);
        result = coracle_syscall(SYS_mmap, segment.p_vaddr - before, segment.p_filesz + before, protection,
            MAP_PRIVATE | MAP_FIXED, file, segment.p_offset - before);
        if (segment.p_flags & PF_W) {
            /* What follows in the last page is .bss. */
            memset(end, 0, -(intptr_t) end & (CORACLE_PAGE - 1));
            map->start_data = segment.p_vaddr;
            map->end_data = (intptr_t) end;
        } else if (segment.p_flags & PF_X) {
            map->start_code = segment.p_vaddr;
            map->end_code = (intptr_t) end;
        }
    }
    return result;
}

static int64_t coracle_run_from(int64_t tree, intptr_t* stack, char** argv, char** environment, size_t variables) {
    char path[48] = "/proc/self/fd/";
    *coracle_decimal(path + strlen(path), tree) = 0;
    int64_t file = coracle_syscall(SYS_openat, AT_FDCWD, (intptr_t) path, O_RDONLY | O_CLOEXEC, 0, 0, 0);
    if (file < 0) {
        return file;
    }
    char* last = argv[stack[0] - 1];
    char* first_variable = last + strlen(last) + 1;
    char* last_variable = variables > 0 ? environment[variables - 1] : NULL;
    int64_t brk = coracle_syscall(SYS_brk, 0, 0, 0, 0, 0, 0);
    struct prctl_mm_map map = {
        .start_brk = brk,
        .brk = brk,
        .start_stack = (intptr_t) stack,
        .arg_start = (intptr_t) argv[0],
        .arg_end = (intptr_t) first_variable,
        .env_start = (intptr_t) first_variable,
        .env_end = (intptr_t) (variables > 0 ? last_variable + strlen(last_variable) + 1 : first_variable),
        .exe_fd = (uint32_t) file,
    };
    int64_t result = coracle_map_again(file, &map);
    if (result >= 0) {
        result = coracle_syscall(SYS_prctl, PR_SET_MM, PR_SET_MM_MAP, (intptr_t) &map, sizeof(map), 0, 0);
    }
    coracle_syscall(SYS_close, file, 0, 0, 0, 0, 0);
    return result;
}

/* The descriptor of the mount, or -1 where we do not run from one that we have made. */
static int32_t coracle_seal(intptr_t* stack, char** argv, char** environment) {
    char variable[sizeof(CORACLE_SEALED) + 20] = CORACLE_SEALED;
    *coracle_decimal(variable + strlen(variable), coracle_syscall(SYS_getpid, 0, 0, 0, 0, 0, 0)) = 0;
    size_t count = 0;
    for (; environment[count] != NULL; count++) {
        if (strcmp(environment[count], variable) == 0) {
            return -1;
        }
    }
    int64_t tree = coracle_syscall(
        SYS_open_tree, AT_FDCWD, (intptr_t) "/proc/self/exe", CORACLE_OPEN_TREE_CLONE | O_CLOEXEC, 0, 0, 0);
    if (tree < 0) {
        return -1;
    }
    uint64_t attributes[4] = { CORACLE_MOUNT_ATTR_RDONLY, 0, 0, 0 }; /* struct mount_attr: to set, to clear, ... */
    if (coracle_syscall(
            SYS_mount_setattr, tree, (intptr_t) "", AT_EMPTY_PATH, (intptr_t) attributes, sizeof(attributes), 0) == 0) {
        if (coracle_run_from(tree, stack, argv, environment, count) >= 0) {
            return (int32_t) tree;
        }
        char* sealed[count + 2];
        sealed[0] = variable;
        memcpy(sealed + 1, environment, (count + 1) * sizeof(char*));
        coracle_syscall(SYS_execveat, tree, (intptr_t) "", (intptr_t) argv, (intptr_t) sealed, AT_EMPTY_PATH, 0);
    }
    coracle_syscall(SYS_close, tree, 0, 0, 0, 0, 0);
    return -1;
}

/*
 * The stack as the kernel leaves it: argc, argv, NULL, environment, NULL. There is no start-up code of libc:
 * of libc come only functions that need none, such as memcpy and longjmp (no errno, no stdio, no malloc).
 */
CORACLE_UNTRACED __attribute__((noreturn, used)) static void coracle_start(intptr_t* stack) {
    intptr_t argc = stack[0];
    char** argv = (char**) (stack + 1);
    int32_t seal = argc > 0 && coracle_makes_process(argv) ? coracle_seal(stack, argv, argv + argc + 1) : -1;
    coracle_begin_trace();
    coracle_seal_mount = seal;
    coracle_environment = argv + argc + 1;
    coracle_arguments = argv;
    coracle_program = argc > 0 ? argv[0] : "";
    coracle_free = coracle_first_memory;
    coracle_end = coracle_first_memory + CORACLE_FIRST_BYTES;
    initclass_jl_String(); /* the one class initialiser that nothing else asks for */
    TeaVM_Array* arguments = teavm_allocateStringArray(argc > 0 ? argc - 1 : 0);
    for (intptr_t i = 1; i < argc; i++) {
        TEAVM_ARRAY_AT(arguments, void*, i - 1) = meth_dcl_Scratch_read(argv[i]);
    }
    meth_dcl_Main_main(arguments);
    coracle_die("internal error: main returned\n");
}

__asm__(".text\n.globl _start\n_start:\n"
#if defined(__x86_64__)
        "xor %ebp, %ebp\n mov %rsp, %rdi\n and $-16, %rsp\n call coracle_start\n"
#elif defined(__aarch64__)
        "mov x29, #0\n mov x30, #0\n mov x0, sp\n b coracle_start\n"
#endif
);
