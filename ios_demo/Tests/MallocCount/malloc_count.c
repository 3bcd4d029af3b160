#include "malloc_count.h"

#include <stddef.h>

// With glibc a program's own malloc takes the place of the library's, which stays there under another name. All that
// Swift allocates comes through it but for what wants more than 16 bytes of alignment.
#if defined(__GLIBC__) || defined(__linux__)
extern void *__libc_malloc(size_t size);
static _Thread_local size_t largest;

void *malloc(size_t size) {
    if (size > largest) largest = size;
    return __libc_malloc(size);
}

long malloc_largest(void) {
    size_t found = largest;
    largest = 0;
    return (long)found;
}
#else
long malloc_largest(void) { return -1; }
#endif
