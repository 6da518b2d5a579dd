// A stand-in for libcublas.so.13 and libcublasLt.so.13: everything succeeds and nothing is
// computed.
#include <stddef.h>

#include "counts.h"

static char thing;
#define OPEN(name) int name(void **p) { *p = &thing; return 0; }
#define DONE(name) int name(void) { return 0; }

CALL(cublasDcopy_v2)
DONE(cublasDestroy_v2)
CALL(cublasDgeam)
CALL(cublasDgemmBatched)
CALL(cublasDgemmStridedBatched)
CALL(cublasDgemm_v2)
CALL(cublasDgetrfBatched)
CALL(cublasDgetriBatched)
CALL(cublasGemmBatchedEx)
CALL(cublasGemmEx)
CALL(cublasGemmStridedBatchedEx)
DONE(cublasLtDestroy)
CALL(cublasLtMatmul)
DONE(cublasLtMatmulAlgoConfigSetAttribute)
DONE(cublasLtMatmulAlgoInit)
DONE(cublasLtMatmulDescDestroy)
DONE(cublasLtMatmulDescSetAttribute)
DONE(cublasLtMatmulPreferenceDestroy)
DONE(cublasLtMatmulPreferenceSetAttribute)
DONE(cublasLtMatrixLayoutDestroy)
DONE(cublasLtMatrixLayoutSetAttribute)
CALL(cublasLtMatrixTransform)
DONE(cublasLtMatrixTransformDescDestroy)
CALL(cublasScopy_v2)
DONE(cublasSetMathMode)
DONE(cublasSetStream_v2)
CALL(cublasSgeam)
CALL(cublasSgemmBatched)
CALL(cublasSgemmStridedBatched)
CALL(cublasSgemm_v2)
CALL(cublasSgetrfBatched)
CALL(cublasSgetriBatched)
CALL(cublasSscal_v2)
OPEN(cublasCreate_v2)
OPEN(cublasLtCreate)
OPEN(cublasLtMatmulDescCreate)
OPEN(cublasLtMatmulPreferenceCreate)
OPEN(cublasLtMatrixLayoutCreate)
OPEN(cublasLtMatrixTransformDescCreate)
int cublasGetMathMode(void *handle, int *mode) { *mode = 0; return 0; }
int cublasLtMatmulAlgoGetHeuristic(void *h, void *d, void *a, void *b, void *c, void *e, void *p, int n,
                                   void *results, int *found) {
  *found = 0;
  return 0;
}
const char *cublasGetStatusName(int status) { return "CUBLAS_STATUS"; }
const char *cublasGetStatusString(int status) { return "a status of the stand-in"; }
