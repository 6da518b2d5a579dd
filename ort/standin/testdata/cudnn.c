// A stand-in for libcudnn.so.9: everything succeeds and nothing is computed. Convolutions need
// $STANDIN_WORKSPACE bytes of scratch, or none if that is not set.
#include <stddef.h>
#include <string.h>

#include "counts.h"

static size_t workspace(void) {
  const char *s = getenv("STANDIN_WORKSPACE");
  return s ? strtoull(s, NULL, 10) : 0;
}

static char thing;
#define OPEN(name) int name(void **p) { *p = &thing; return 0; }
#define DONE(name) int name(void) { return 0; }

OPEN(cudnnCreate)
OPEN(cudnnCreateActivationDescriptor)
OPEN(cudnnCreateConvolutionDescriptor)
OPEN(cudnnCreateDropoutDescriptor)
OPEN(cudnnCreateFilterDescriptor)
OPEN(cudnnCreateLRNDescriptor)
OPEN(cudnnCreatePoolingDescriptor)
OPEN(cudnnCreateRNNDataDescriptor)
OPEN(cudnnCreateRNNDescriptor)
OPEN(cudnnCreateReduceTensorDescriptor)
OPEN(cudnnCreateTensorDescriptor)
CALL(cudnnActivationForward)
CALL(cudnnAddTensor)
DONE(cudnnBackendDestroyDescriptor)
CALL(cudnnBackendExecute)
DONE(cudnnBackendFinalize)
DONE(cudnnBackendSetAttribute)
CALL(cudnnBatchNormalizationBackward)
CALL(cudnnBatchNormalizationForwardInference)
CALL(cudnnBatchNormalizationForwardTraining)
CALL(cudnnConvolutionBackwardBias)
CALL(cudnnConvolutionBackwardData)
CALL(cudnnConvolutionBackwardFilter)
CALL(cudnnConvolutionBiasActivationForward)
CALL(cudnnConvolutionForward)
DONE(cudnnDeriveBNTensorDescriptor)
DONE(cudnnDestroy)
DONE(cudnnDestroyActivationDescriptor)
DONE(cudnnDestroyConvolutionDescriptor)
DONE(cudnnDestroyDropoutDescriptor)
DONE(cudnnDestroyFilterDescriptor)
DONE(cudnnDestroyLRNDescriptor)
DONE(cudnnDestroyPoolingDescriptor)
DONE(cudnnDestroyRNNDataDescriptor)
DONE(cudnnDestroyRNNDescriptor)
DONE(cudnnDestroyReduceTensorDescriptor)
DONE(cudnnDestroyTensorDescriptor)
CALL(cudnnLRNCrossChannelForward)
CALL(cudnnPoolingForward)
CALL(cudnnRNNForward)
CALL(cudnnReduceTensor)
DONE(cudnnSetActivationDescriptor)
DONE(cudnnSetConvolutionGroupCount)
DONE(cudnnSetConvolutionMathType)
DONE(cudnnSetConvolutionNdDescriptor)
DONE(cudnnSetDropoutDescriptor)
DONE(cudnnSetFilter4dDescriptor)
DONE(cudnnSetFilterNdDescriptor)
DONE(cudnnSetLRNDescriptor)
DONE(cudnnSetPoolingNdDescriptor)
DONE(cudnnSetRNNDataDescriptor)
DONE(cudnnSetRNNDescriptor_v8)
DONE(cudnnSetReduceTensorDescriptor)
DONE(cudnnSetStream)
DONE(cudnnSetTensor4dDescriptor)
DONE(cudnnSetTensorNdDescriptor)
CALL(cudnnSoftmaxBackward)
CALL(cudnnSoftmaxForward)
DONE(cudnnGetRNNTempSpaceSizes)
DONE(cudnnGetRNNWeightParams)
DONE(cudnnGetTensorNdDescriptor)

size_t cudnnGetVersion(void) { return 91000; }
size_t cudnnGetCudartVersion(void) { return 13000; }
const char *cudnnGetErrorString(int status) { return "a status of the stand-in"; }
void cudnnGetLastErrorString(char *message, size_t size) { strncpy(message, "none", size); }
int cudnnGetStream(void *handle, void **stream) { *stream = NULL; return 0; }
int cudnnDropoutGetStatesSize(void *handle, size_t *bytes) { *bytes = 0; return 0; }
int cudnnGetReductionIndicesSize(void *h, void *r, void *a, void *c, size_t *bytes) {
  *bytes = 0;
  return 0;
}
int cudnnGetReductionWorkspaceSize(void *h, void *r, void *a, void *c, size_t *bytes) {
  *bytes = 0;
  return 0;
}

// The legacy interface, which the gradients of convolutions use.
typedef struct {
  int algorithm, status;
  float time;
  size_t memory;
  int determinism, math, reserved[3];
} performance;

static int found(int *returned, performance *p) {
  memset(p, 0, sizeof *p);
  p->algorithm = 1;
  p->time = 1;
  p->memory = workspace();
  *returned = 1;
  return 0;
}
#define SIZE(name) \
  int name(void *h, void *a, void *b, void *c, void *d, int algorithm, size_t *bytes) { \
    *bytes = workspace(); \
    return 0; \
  }
#define GET(name) \
  int name(void *h, void *a, void *b, void *c, void *d, int n, int *returned, performance *p) { \
    return found(returned, p); \
  }
#define FIND(name) \
  int name(void *h, void *a, void *pa, void *b, void *pb, void *c, void *d, void *pd, int n, \
           int *returned, performance *p, void *scratch, size_t bytes) { \
    return found(returned, p); \
  }
SIZE(cudnnGetConvolutionForwardWorkspaceSize)
SIZE(cudnnGetConvolutionBackwardDataWorkspaceSize)
SIZE(cudnnGetConvolutionBackwardFilterWorkspaceSize)
GET(cudnnGetConvolutionForwardAlgorithm_v7)
GET(cudnnGetConvolutionBackwardDataAlgorithm_v7)
GET(cudnnGetConvolutionBackwardFilterAlgorithm_v7)
FIND(cudnnFindConvolutionForwardAlgorithmEx)
FIND(cudnnFindConvolutionBackwardDataAlgorithmEx)
FIND(cudnnFindConvolutionBackwardFilterAlgorithmEx)

// The graph interface, which convolutions use: there is one engine, with no choices and the scratch
// above.
enum { heuristics_results = 202, plan_workspace = 402, int64 = 3, int32 = 23 };
int cudnnBackendCreateDescriptor(int type, void **p) { *p = &thing; return 0; }
int cudnnBackendGetAttribute(void *d, int name, int type, int64_t wanted, int64_t *got, void *values) {
  int64_t number = name == plan_workspace ? workspace() : 0;
  if (wanted > 0 && type == int64) memcpy(values, &number, sizeof number);
  if (wanted > 0 && type == int32) memset(values, 0, sizeof(int32_t));
  if (got) *got = name == heuristics_results || type == int64 || type == int32;
  return 0;
}
