#ifndef TESTS_MALLOC_COUNT_H
#define TESTS_MALLOC_COUNT_H

// Bytes of the largest block of memory that the calling thread has asked for since it last called this; -1 where that
// cannot be told.
long malloc_largest(void);

#endif
