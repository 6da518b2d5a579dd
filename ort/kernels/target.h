// Compiles the rest of a file for an instruction set: TARGET is set by the includer.
#define ZOS_STR(x) #x
#define ZOS_PRAGMA(x) _Pragma(ZOS_STR(x))
#if defined(__clang__)
#define ZOS_TARGET(t) \
  ZOS_PRAGMA(clang attribute push(__attribute__((target(t))), apply_to = function))
#else
#define ZOS_TARGET(t) ZOS_PRAGMA(GCC target(t))
#endif
