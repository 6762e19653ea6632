/*
 * TeaVM's runtime without what a short-lived program never uses. build-binary.sh includes this before the
 * generated code and start-up.c behind it; rewrite.awk prepares the code for it.
 * docs/decisions/0002-start-up.md has the reasons and the figures.
 */
#pragma once

/* Only bugs throw these: code that ends in them goes to the end of the binary, away from what runs. */
extern void teavm_throwNullPointerException() __attribute__((cold, noreturn));
extern void teavm_throwArrayIndexOutOfBoundsException() __attribute__((cold, noreturn));
extern void* teavm_throwClassCastException() __attribute__((cold, noreturn));
extern void meth_otr_ExceptionHandling_throwException(void*) __attribute__((cold, noreturn));
extern void meth_otr_ExceptionHandling_throwClassCastException() __attribute__((cold, noreturn));

/*
 * The class of an object is its address: the binary is linked below 2 GiB. So the headers of constants are
 * known to the linker, and no page of theirs has to be written (and copied) when the program starts.
 *
 *   0        4       8
 *   | header | hash  |     the hash, which belongs to nobody yet, is the upper half of the pointer: 0
 */
#define TEAVM_PACK_CLASS(cls) ((int32_t) (uintptr_t) (cls))
#define TEAVM_UNPACK_CLASS(header) ((TeaVM_Class*) (uintptr_t) (uint32_t) (header))

#include "runtime.h"
#include "log.h"
#include "strings.h"
#include "classes/java/lang/Object.h"
#include "classes/java/lang/String.h"
#include "arrays/primitives/char.h"

typedef struct {
    void* header;
    TeaVM_Array* characters;
    int32_t hash_code;
} CoracleString;

/* A constant: the string, behind it its characters, and the pointer by which class names are found. */
#define CORACLE_STRING_OF(i, length, hash, ...) \
    static struct { \
        CoracleString string; \
        struct { void* header; int32_t size; char16_t data[(length) + 1]; } characters; \
    } coracle_string_##i = { \
        .string = { &jl_String_Cls, (TeaVM_Array*) &coracle_string_##i.characters, INT32_C(hash) }, \
        .characters = { &Arr_C_Cls, length, __VA_ARGS__ } \
    }; \
    static TeaVM_String* coracle_string_pointer_##i = (TeaVM_String*) &coracle_string_##i;
#define CORACLE_STRING(i, length, hash, text) CORACLE_STRING_OF(i, length, hash, text)
#define CORACLE_STRING_FROM_CODES(i, length, hash, ...) CORACLE_STRING_OF(i, length, hash, { __VA_ARGS__ })
#undef TEAVM_GET_STRING
#undef TEAVM_GET_STRING_ADDRESS
#define TEAVM_GET_STRING(i) ((TeaVM_String*) &coracle_string_##i)
#define TEAVM_GET_STRING_ADDRESS(i) (&coracle_string_pointer_##i)

/* Whether a class is initialised: variables that share a page, and not a flag in the class: see rewrite.awk. */
#include "initialised.h"
#define CORACLE_INITIALISE(initialiser) CORACLE_INITIALISE_BY(initialiser)
#define CORACLE_INITIALISE_BY(initialiser) ((void) (coracle_initialised_##initialiser || (initialiser(), 0)))

/* The class of the arrays of a class, likewise. */
#define CORACLE_ARRAY_OF(item) CORACLE_ARRAY_OF_BY(item)
#define CORACLE_ARRAY_OF_BY(item) coracle_array_class(&coracle_array_of_##item, (TeaVM_Class*) &item)
extern TeaVM_Class* coracle_make_array_class(TeaVM_Class*);
static inline TeaVM_Class* coracle_array_class(TeaVM_Class** known, TeaVM_Class* item) {
    if (*known == NULL) {
        *known = coracle_make_array_class(item);
    }
    return *known;
}

/* There is no collector: see start-up.c. So no roots and no barriers. */
#undef TEAVM_GC_ROOT
#undef TEAVM_GC_ROOT_RELEASE
#define TEAVM_GC_ROOT(index, value)
#define TEAVM_GC_ROOT_RELEASE(index)
#define teavm_gc_writeBarrier(object) ((void) 0)
#define teavm_gc_heapAddress ((void*) 0) /* of monitors, which nobody makes */

/* Without roots only a function that catches needs a frame: it keeps TeaVM's, under these names. */
#define CORACLE_CATCH_ALLOC_STACK(size) \
    struct { TeaVM_StackFrame header; } teavm_shadowStack; \
    teavm_shadowStack.header.next = teavm_stackTop; \
    teavm_shadowStack.header.callSiteId = -1; \
    teavm_stackTop = &teavm_shadowStack.header
#define CORACLE_CATCH_RELEASE_STACK (teavm_stackTop = teavm_shadowStack.header.next)
#define CORACLE_CATCH_CALL_SITE(id) (teavm_shadowStack.header.callSiteId = (id))
#define CORACLE_CATCH_WITH_CALL_SITE_ID(id, expression) (CORACLE_CATCH_CALL_SITE(id), (expression))
#undef TEAVM_ALLOC_STACK
#undef TEAVM_RELEASE_STACK
#undef TEAVM_CALL_SITE
#undef TEAVM_WITH_CALL_SITE_ID
#define TEAVM_ALLOC_STACK(size)
#define TEAVM_RELEASE_STACK
#define TEAVM_CALL_SITE(id)
#define TEAVM_WITH_CALL_SITE_ID(id, expression) (expression)

/* A call inside try, and what it catches. */
typedef struct {
    int32_t id;
    TeaVM_CallSite site;
} CoracleCallSite;

/* The runtime tells of one failure only, before it aborts, and takes printf along for it. */
#define teavm_printWString(text) ((void) 0)
