# rewrite.awk: the C that TeaVM wrote, rewritten function by function for start-up.h, which says why.
# Usage: awk -v out=FOLDER -v hot=LIST -f rewrite.awk callsites.c strings.c OTHER.c...
# Every file is written to the same name under FOLDER. Six changes:
#   1. A function that catches keeps TeaVM's frame; the macros of all others mean nothing.
#   2. callsites.c becomes a list of the call sites that have a handler.
#   3. strings.c becomes one object a constant, header included.
#   4. Whether a class is initialised stands in a variable of its own, beside those of all others: in the class it would
#      make a page of the file private for each class. Their declarations are written to FOLDER/initialised.h.
#   5. The same for the class of the arrays of a class.
#   6. A function that is not in the list "hot" is made small and stands apart: a page of the file that nobody needs is not
#      read, nor counted as memory. hot.sh makes the list.

BEGIN {
    while ((getline name < hot) > 0) is_hot[name]
}

FNR == 1 {
    flush_function()
    if (file != "") close(file)
    file = out "/" FILENAME
    in_function = 0
}

FILENAME == "callsites.c" {
    if (/^TeaVM_CallSite teavm_callSites\[/) {
        print "static CoracleCallSite coracle_call_sites[] = {" > file
        site = 0
        in_sites = 1
        next
    }
    if (in_sites && /firstHandler = /) {
        if (!/firstHandler = NULL/) {
            match($0, /exceptionHandlers_teavm_callSites \+ [0-9]+/)
            printf "    { .id = %d, .site = { .firstHandler = %s } },\n", site,
                substr($0, RSTART, RLENGTH) > file
            handlers++
        }
        site++
        next
    }
    print > file
    next
}

FILENAME == "strings.c" {
    if (/^TeaVM_String\* teavm_stringPool\[/) {
        in_strings = 1
        strings = 0
        next
    }
    if (in_strings && /^};/) exit_strings()
    if (!in_strings) next
    if (sub(/^    TEAVM_STRING\(/, "CORACLE_STRING(" strings ", ") ||
        sub(/^    TEAVM_STRING_FROM_CODES\(/, "CORACLE_STRING_FROM_CODES(" strings ", ")) strings++
    sub(/\),? \/\/ string #[0-9]+$/, ")")
    print > file
    next
}

function exit_strings() {
    in_strings = 0
}

# A generated function starts in the first column and ends with a brace there.
!in_function && /^[A-Za-z_].*\) \{$/ {
    in_function = 1
    lines = 0
    catches = 0
}

in_function {
    initialised += gsub(/teavm_initializeClass\(\(TeaVM_Class\*\) &[A-Za-z0-9_]+_Cls, &/, "CORACLE_INITIALISE(")
    rest = $0
    while (match(rest, /teavm_getArrayClass\(\(TeaVM_Class\*\) &[A-Za-z0-9_]+_Cls\)/)) {
        item = substr(rest, RSTART + length("teavm_getArrayClass((TeaVM_Class*) &"),
            RLENGTH - length("teavm_getArrayClass((TeaVM_Class*) &)"))
        if (!(item in items)) print "static TeaVM_Class* coracle_array_of_" item ";" > (out "/initialised.h")
        items[item]
        rest = substr(rest, RSTART + RLENGTH)
        arrays++
    }
    gsub(/teavm_getArrayClass\(\(TeaVM_Class\*\) &/, "CORACLE_ARRAY_OF(")
    if (/^void initclass_/) {
        class = $2
        sub(/^initclass_/, "", class)
        sub(/\(\)$/, "", class)
        print "static char coracle_initialised_initclass_" class ";" > (out "/initialised.h")
        classes++
    }
    if (class != "") {
        sub(/cls->flags & INT32_C\(1\)/, "coracle_initialised_initclass_" class)
        sub(/cls->flags \|= INT32_C\(1\)/, "coracle_initialised_initclass_" class " = 1")
        if (/^    TeaVM_Class\* cls = /) next
    }
    if (/^}/) class = ""
    body[lines++] = $0
    if (/^    *TEAVM_TRY$/) catches = 1
    if (/^}/) flush_function()
    next
}

{ print > file }

function flush_function(    i) {
    if (lines > 0 && match(body[0], /[A-Za-z0-9_]+\(/) && !(substr(body[0], RSTART, RLENGTH - 1) in is_hot)) {
        body[0] = "__attribute__((cold)) " body[0]
    }
    for (i = 0; i < lines; i++) {
        if (catches) {
            gsub(/TEAVM_ALLOC_STACK/, "CORACLE_CATCH_ALLOC_STACK", body[i])
            gsub(/TEAVM_RELEASE_STACK/, "CORACLE_CATCH_RELEASE_STACK", body[i])
            gsub(/TEAVM_WITH_CALL_SITE_ID/, "CORACLE_CATCH_WITH_CALL_SITE_ID", body[i])
            gsub(/TEAVM_CALL_SITE/, "CORACLE_CATCH_CALL_SITE", body[i])
        }
        print body[i] > file
    }
    if (catches) catching++
    lines = 0
    catches = 0
    in_function = 0
}

END {
    flush_function()
    print handlers + 0, strings + 0, catching + 0, classes + 0, initialised + 0, arrays + 0
}
