// The operator Group: our operators on a GPU. Package graphgen/op works out what is launched for which
// shapes, with how much working memory (device_*.go); the attribute "program" holds that:
//
//   1 if images are bfloat16, else 0
//   number of inputs, number of those in the first places, the elements of each
//   number of outputs, number of those in the first places, the rank and the dimensions of each
//   bytes of working memory
//   number of launches; of each: number of jobs, of blocks, and the jobs
//
// What is not in the first places has those from group_images on.
//
// A job is the numbers of a zos_job, the bits of epsilon, and for every pointer what it points into (0: it
// is NULL, 1: the working memory, then the inputs, then the outputs) and at which byte.
#include "device.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

enum { job_words = zos_numbers + 1 + 2 * zos_pointers, spaces_before_inputs = 2 };
static const char no_memory[] = "group: out of memory", no_program[] = "group: the attribute program is none";

// Most bytes of anything. No card has as many.
static const int64_t most_bytes = (int64_t)1 << 48;

typedef struct {
  const int64_t *jobs;  // the first word of the first one
  int count;
  size_t blocks;
} launch;

typedef struct {
  op_kernel kernel;  // must come first
  int64_t *words;
  size_t size, inputs, outputs, launches;
  size_t first_inputs, first_outputs;  // that are in the first places
  int narrow;                          // images are bfloat16
  const int64_t *elements, *dimensions;  // of inputs; the rank and the dimensions of every output
  size_t scratch;
  launch *list;
} group;

// reader goes through the words of the attribute.
typedef struct {
  const int64_t *at, *end;
  int failed;
} reader;

static int64_t next(reader *r, int64_t least, int64_t most) {
  if (r->at == r->end || *r->at < least || *r->at > most) {
    r->failed = 1;
    return least;
  }
  return *r->at++;
}

static const int64_t *skip(reader *r, size_t n) {
  const int64_t *at = r->at;
  if ((size_t)(r->end - at) < n) {
    r->failed = 1;
    return at;
  }
  r->at += n;
  return at;
}

// check_job checks what would let a kernel or this file read beyond a table.
static void check_job(reader *r, const group *g, int64_t at, int64_t count) {
  reader job = {r->at, r->end, 0};
  if ((size_t)(r->end - r->at) < job_words) {
    r->failed = 1;
    return;
  }
  const int64_t *words = skip(r, job_words);
  // The first term of a sum (lead 0) has the pixels of a plane, which the kernel divides by.
  job.failed = words[0] >= job_sum_first && words[3] == 0 && words[zos_numbers - 1] < 1;
  next(&job, 0, job_wide);
  skip(&job, 2);
  next(&job, 0, at);
  next(&job, 1, count - at);
  skip(&job, job_words - 2 * zos_pointers - 5);
  for (int i = 0; i < zos_pointers; i++) {
    next(&job, 0, (int64_t)(spaces_before_inputs + g->inputs + g->outputs - 1));
    next(&job, 0, most_bytes);
  }
  r->failed |= job.failed;
}

// parse divides the words. It returns 0 if they are no program.
static int parse(group *g) {
  reader r = {g->words, g->words + g->size, 0};
  g->narrow = (int)next(&r, 0, 1);
  g->inputs = (size_t)next(&r, 0, group_most);
  g->first_inputs = (size_t)next(&r, 0, (int64_t)g->inputs);
  g->elements = skip(&r, g->inputs);
  g->outputs = (size_t)next(&r, 0, group_most);
  g->first_outputs = (size_t)next(&r, 0, (int64_t)g->outputs);
  g->dimensions = r.at;
  for (size_t i = 0; i < g->outputs; i++) skip(&r, (size_t)next(&r, 0, op_max_rank));
  g->scratch = (size_t)next(&r, 0, most_bytes);
  g->launches = (size_t)next(&r, 0, (int64_t)g->size);
  if (r.failed) return 0;
  g->list = calloc(g->launches + 1, sizeof *g->list);
  if (g->list == NULL) return 0;
  for (size_t i = 0; i < g->launches && !r.failed; i++) {
    launch *l = &g->list[i];
    l->count = (int)next(&r, 1, zos_many);
    l->blocks = (size_t)next(&r, 1, INT_MAX);
    l->jobs = r.at;
    for (int j = 0; j < l->count && !r.failed; j++) check_job(&r, g, j, l->count);
  }
  return !r.failed && r.at == r.end;
}

static void destroy(void *kernel) {
  group *g = kernel;
  free(g->words);
  free(g->list);
  free(g);
}

static ort_status create(const custom_op *op, ort_api api, const void *info, void **kernel) {
  typedef ort_status (*get_ints)(const void *, const char *, int64_t *, size_t *);
  get_ints get = (get_ints)api[api_KernelInfoGetAttributeArray_int64];
  group *g = calloc(1, sizeof *g);
  (void)op;
  *kernel = NULL;
  if (g == NULL) return op_error(api, no_memory);
  g->kernel.api = api;
  ort_status s = get(info, "program", NULL, &g->size);
  if (s == NULL) {
    g->words = malloc(sizeof(int64_t) * (g->size + 1));
    s = g->words == NULL ? op_error(api, no_memory) : get(info, "program", g->words, &g->size);
  }
  if (s == NULL && !parse(g)) s = op_error(api, no_program);
  if (s != NULL) {
    destroy(g);
    return s;
  }
  *kernel = g;
  return NULL;
}

// fill makes a job of its words.
static void fill(zos_job *job, const int64_t *words, char *const *spaces) {
  int numbers[zos_numbers];
  void *pointers[zos_pointers];
  for (int i = 0; i < zos_numbers; i++) numbers[i] = (int)words[i];
  int32_t bits = (int32_t)words[zos_numbers];
  const int64_t *refs = words + zos_numbers + 1;
  for (int i = 0; i < zos_pointers; i++)
    pointers[i] = refs[2 * i] == 0 ? NULL : spaces[refs[2 * i]] + refs[2 * i + 1];
  memcpy(job, pointers, sizeof pointers);
  memcpy(&job->kind, numbers, sizeof numbers);
  memcpy(&job->epsilon, &bits, sizeof bits);
}

// position is the place of an input or output of which so many are in the first places.
static size_t position(size_t i, size_t first) { return i < first ? i : i - first + group_images; }

// places finds the memory of the inputs, the outputs and what is worked in.
static ort_status places(const group *g, void *context, char **spaces) {
  const op_kernel *k = &g->kernel;
  const int64_t *dims = g->dimensions;
  char **to = spaces + spaces_before_inputs;
  for (size_t i = 0; i < g->inputs; i++) {
    tensor t;
    TRY(op_input(k, context, position(i, g->first_inputs), &t));
    if (t.data == NULL || t.elements != (size_t)g->elements[i])
      return op_fail(k, "group: input %zu has %zu elements, of %lld", i, t.data == NULL ? 0 : t.elements,
                     (long long)g->elements[i]);
    *to++ = (char *)t.data;
  }
  for (size_t i = 0; i < g->outputs; i++) {
    size_t rank = (size_t)*dims++;
    float *data;
    TRY(op_output(k, context, position(i, g->first_outputs), rank, dims, &data));
    *to++ = (char *)data;
    dims += rank;
  }
  return NULL;
}

static ort_status compute(void *kernel, void *context) {
  const group *g = kernel;
  const op_kernel *k = &g->kernel;
  char *spaces[spaces_before_inputs + 2 * group_most] = {NULL};
  zos_long_table table;
  TRY(places(g, context, spaces));
  if (g->scratch > 0) TRY(device_scratch(k, g->scratch, (void **)&spaces[1]));
  ort_status s = NULL;
  for (size_t i = 0; i < g->launches && s == NULL; i++) {
    const launch *l = &g->list[i];
    table.count = l->count;
    for (int j = 0; j < l->count; j++) fill(&table.jobs[j], l->jobs + (size_t)j * job_words, spaces);
    s = device_launch(k, context, g->narrow, l->blocks, &table);
  }
  if (g->scratch > 0) device_give(spaces[1]);
  return s;
}

const op_def zos_device_group = {
    .op = OP_CUSTOM(device_provider, op_float, create, destroy, compute), ZOS_GROUP};

// The first inputs and outputs are images.
static int narrow_type(const custom_op *op, size_t i) {
  enum { type_float = 1, type_bfloat16 = 16 };
  return (void)op, i < group_images ? type_bfloat16 : type_float;
}

const op_def zos_device_group_bfloat16 = {
    .op = OP_CUSTOM(device_provider, narrow_type, create, destroy, compute), ZOS_GROUP_BFLOAT16};
