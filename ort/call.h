// How to call a function of a table. Included by the C files only.
#ifndef ZOS_ORT_CALL_H
#define ZOS_ORT_CALL_H

#include "api.h"

extern zos_table zos_api, zos_training;

// CALL is the function at a named position of a table, as a pointer of the given type.
#define CALL(table, name, type) ((type)(table)[zos_##name])
#define ORT(name, type) CALL(zos_api, name, type)
#define TRAINING(name, type) CALL(zos_training, name, type)

#endif
