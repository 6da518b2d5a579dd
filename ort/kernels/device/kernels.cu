// The operators of the domain zos for CUDA. The text includes nothing, so NVRTC needs no headers. It is
// C as well: tests compile it for the CPU (emulate.h), where each thread is a fiber. What follows
// ZOS_ARGUMENTS_ONLY is left out where the host needs the arguments alone.
//
// One kernel does everything: its argument is a table of jobs that do not depend on each other, and every
// block finds its own. So what many operators have to do at the same point takes one launch. Package
// graphgen/op divides operators into jobs (device_*.go).
//
// A unit computes D = depthwise(relu(X), V), P = W D, Y = scale (P - mean) / sqrt(var + epsilon) + bias.
// With ZOS_BFLOAT16 images are bfloat16 in memory, which is the upper half of a float. All arithmetic is that of
// floats. A number is rounded when it is written to an image; statistics are those of the rounded P.
//
// Sums over blocks are kept as one part for each block. The last block to finish a channel adds up its
// parts, in their order: the same inputs give the same bits.

enum {
  zos_threads = 128,  // of every block
  zos_tile = 64,      // pixels of a tile
  zos_channels = 32,  // channels of a tile
  zos_tickets = 8192  // most tickets of a launch
};

// The kinds of jobs, and how many blocks each has. From job_sum_first on a job is a term of a sum.
enum {
  job_project,  // P and its moments, or the slopes of dY: width blocks for every 32 outputs
  job_moments,  // moments of the images P, or slopes of dY: width blocks for every channel
  job_back,     // dD = W' dP: one block for every tile of 32 inputs
  job_weight,   // parts of dW = dP D': slices for every 32 outputs and 32 inputs
  job_join,     // dW from its parts: one thread for every number
  job_taps,     // dV: one block for every plane
  job_dscale,   // the gradient of a scale of one number: one block
  job_dot,      // the inner product of X and dY: width blocks
  job_sum_first,
  job_normal = job_sum_first,  // scale (P - mean) / sqrt(var + epsilon) + bias
  job_scaled,                  // w X, with a number for each image or one for all
  job_plain,                   // X
  job_max_pool,                // of X
  job_average_pool,            // of X
  job_pull,                    // dX of a unit, from dD
  job_unmax,                   // dX of a max pool
  job_unaverage,               // dX of an average pool
  job_blend,                   // dP of a batch norm: k0 dY + k1 + k2 (P - mean)
  job_wide                     // X, which is float where images are bfloat16
};

#ifdef ZOS_BFLOAT16
typedef unsigned short zos_image;
#else
typedef float zos_image;
#endif

// zos_job is a job. Pointers come first, in the order of refs in graphgen/op/device_job.go. They may be NULL for
// optional inputs and outputs. The numbers follow in the order of that file.
typedef struct {
  const zos_image *x;
  const float *w, *v, *scale, *bias;
  const zos_image *dy;
  zos_image *y;             // result of a sum or an inner product, which is float
  zos_image *d, *p, *dd;    // D, P, dD
  float *mean, *variance;   // of a channel
  float *k;                 // per channel: factors of dP = k0 dY + k1 + k2 (P - mean)
  float *parts;             // of sums over blocks
  float *dw, *dv, *dscale, *dbias;
  float *dscales, *dw_parts, *dv_parts;  // parts of these gradients
  int kind;
  int first;                // block of the launch
  int width;                // blocks in a row; see the kinds
  int lead;                 // place of a term in its sum
  int terms;                // of a sum, in this job and those that follow it
  int ticket;               // first of its tickets
  int batch, in, out, h, w_in, oh, ow;
  int kernel, stride, pad, dilation;  // kernel 0: none; -1: two convolutions with stride 2, see halves
  int each;                 // scale has a number for each channel, or w for each image
  int backward;             // slopes, not moments
  int slices;               // of dW
  int n;                    // elements
  int wide;                 // the result is float where images are bfloat16
  int pixels;               // of a plane of a sum; of a vector, its elements
  float epsilon;
} zos_job;

enum { zos_pointers = 21, zos_numbers = 23 };  // of a job, without epsilon

// A table fits into the arguments of a launch: 4 KB, or since CUDA 12.1 nearly 32 KB. The short one is the
// beginning of the long one.
enum { zos_few = 15, zos_many = 120 };
typedef struct {
  int count;
  zos_job jobs[zos_few];
} zos_short_table;
typedef struct {
  int count;
  zos_job jobs[zos_many];
} zos_long_table;

#ifndef ZOS_ARGUMENTS_ONLY
#ifdef __CUDACC_RTC__
// Six blocks at a time leave 80 registers to a thread, which suffice: eight would leave 64, too few for project.
#define KERNEL(name, table)                                                          \
  extern "C" __global__ void __launch_bounds__(128, 6) name(const __grid_constant__ table t) { \
    run(t.jobs, t.count);                                                            \
  }
#define BITS_OF(x) __float_as_uint(x)
#define FLOAT_OF(bits) __uint_as_float(bits)
#define SHARED(type, name, count) __shared__ type name[count]
#define DEVICE static __device__ __forceinline__
#define DEVICE_DATA static __device__
#endif

// Blocks that have finished with something. The last one resets the number.
DEVICE_DATA unsigned tickets[zos_tickets];

#ifdef ZOS_BFLOAT16
DEVICE float get(zos_image x) { return FLOAT_OF((unsigned)x << 16); }

// put rounds to the nearest number, of two to the even one.
DEVICE zos_image put(float x) {
  unsigned bits = BITS_OF(x);
  if (x != x) return 0x7fc0;
  return (zos_image)((bits + 0x7fffu + (bits >> 16 & 1u)) >> 16);
}
#else
DEVICE float get(zos_image x) { return x; }
DEVICE zos_image put(float x) { return x; }
#endif

// rounded is x as an image has it.
DEVICE float rounded(float x) { return get(put(x)); }

DEVICE float warp_sum(float x) {
  for (int m = 16; m > 0; m >>= 1) x += __shfl_xor_sync(0xffffffffu, x, m);
  return x;
}

// block_sum adds up the numbers of all threads. Every thread gets the sum.
DEVICE float block_sum(float x, float *room) {
  x = warp_sum(x);
  __syncthreads();
  if (threadIdx.x % 32 == 0) room[threadIdx.x / 32] = x;
  __syncthreads();  // the sums are complete
  return room[0] + room[1] + room[2] + room[3];
}

// last reports to every thread whether this block is the last of n that take this ticket: then it sees what
// all of them wrote before.
DEVICE int last(int ticket, unsigned n, unsigned *room) {
  __threadfence();
  __syncthreads();  // all threads have written
  if (threadIdx.x == 0) {
    unsigned old = atomicAdd(&tickets[ticket], 1u);
    room[0] = old == n - 1;
    if (old == n - 1) tickets[ticket] = 0;
  }
  __syncthreads();  // the answer is there
  int is = room[0] != 0;
  if (is) __threadfence();
  return is;
}

DEVICE float scale_of(const zos_job *a, int channel) {
  return a->scale == 0 ? 1.f : a->scale[a->each ? channel : 0];
}

// join_moments merges mean and sum of squares about it of m numbers into those of n numbers.
DEVICE void join_moments(float *n, float *mean, float *square, float m, float other, float squares) {
  if (m == 0.f) return;
  float all = *n + m, delta = other - *mean;
  *mean += delta * (m / all);
  *square += squares + delta * delta * (*n * (m / all));
  *n = all;
}

// finish_moments joins the parts of a channel, of 3 numbers each: count, mean and squares.
DEVICE void finish_moments(const zos_job *a, int c, int channels) {
  float n = 0.f, mean = 0.f, square = 0.f;
  for (int b = threadIdx.x % 32; b < a->width; b += 32) {
    const float *part = a->parts + 3 * ((size_t)b * channels + c);
    join_moments(&n, &mean, &square, __ldcg(part), __ldcg(part + 1), __ldcg(part + 2));
  }
  for (int m = 16; m > 0; m >>= 1) {
    float on = __shfl_xor_sync(0xffffffffu, n, m), om = __shfl_xor_sync(0xffffffffu, mean, m);
    float os = __shfl_xor_sync(0xffffffffu, square, m);
    join_moments(&n, &mean, &square, on, om, os);
  }
  if (threadIdx.x % 32 == 0) {
    a->mean[c] = mean;
    a->variance[c] = square / n;
  }
}

// finish_slopes joins the parts of a channel, sum dY and sum dY (P - mean), to the factors of dP.
DEVICE void finish_slopes(const zos_job *a, int c, int channels, float count) {
  float s0 = 0.f, s1 = 0.f;
  for (int b = threadIdx.x % 32; b < a->width; b += 32) {
    const float *part = a->parts + 3 * ((size_t)b * channels + c);
    s0 += __ldcg(part);
    s1 += __ldcg(part + 1);
  }
  s0 = warp_sum(s0);
  s1 = warp_sum(s1);
  if (threadIdx.x % 32 != 0) return;
  float inverse = 1.f / sqrtf(a->variance[c] + a->epsilon), s = scale_of(a, c) * inverse;
  a->k[3 * c] = s;
  a->k[3 * c + 1] = -s * s0 / count;
  a->k[3 * c + 2] = -s * inverse * inverse * s1 / count;
  a->dscales[c] = s1 * inverse;
  if (a->each && a->dscale != 0) a->dscale[c] = s1 * inverse;
  if (a->dbias != 0) a->dbias[c] = s0;
}

// finish lets each warp join the parts of every fourth channel from first to end.
DEVICE void finish(const zos_job *a, int first, int end, int channels, float count) {
  for (int c = first + threadIdx.x / 32; c < end; c += zos_threads / 32) {
    if (a->backward)
      finish_slopes(a, c, channels, count);
    else
      finish_moments(a, c, channels);
  }
}

// sum_dscale adds up the gradient of a scale of one number.
DEVICE void sum_dscale(const zos_job *a, int channels, float *room) {
  float sum = 0.f;
  for (int c = threadIdx.x; c < channels; c += zos_threads) sum += a->dscales[c];
  sum = block_sum(sum, room);
  if (threadIdx.x == 0) a->dscale[0] = sum;
}

// source is the plane of X that channel c of D is made of.
DEVICE size_t source(const zos_job *a, int sample, int c) {
  int half = a->in / 2;
  return a->kernel < 0 ? (size_t)sample * half + c % half : (size_t)sample * a->in + c;
}

// positive is the ReLU of a pixel.
DEVICE float positive(zos_image x) { return fmaxf(get(x), 0.f); }

// filtered is the depthwise convolution of the plane x with v, of that many rows and columns, whose window begins
// at a row and a column. Where the number is a constant, a row is unrolled.
DEVICE float filtered(const zos_job *a, const zos_image *x, const float *v, int row, int col, int kernel) {
  float sum = 0.f;
#pragma unroll 1
  for (int i = 0; i < kernel; i++) {
    int r = row + i * a->dilation;
    if ((unsigned)r >= (unsigned)a->h) continue;
    const zos_image *line = x + r * a->w_in;
#pragma unroll
    for (int j = 0; j < kernel; j++) {
      int q = col + j * a->dilation;
      if ((unsigned)q < (unsigned)a->w_in) sum += v[i * kernel + j] * positive(line[q]);
    }
  }
  return sum;
}

// convolved is D of a channel of a sample at one pixel, from the plane x. With two halves the first half of
// the channels of D are the pixels of X at even places, the second half those behind them.
DEVICE float convolved(const zos_job *a, const zos_image *x, int c, int pixel) {
  if (a->kernel == 0) return positive(x[pixel]);
  if (a->kernel < 0) {
    int behind = c >= a->in / 2;
    return positive(x[(pixel / a->ow * 2 + behind) * a->w_in + pixel % a->ow * 2 + behind]);
  }
  const float *v = a->v + (size_t)c * a->kernel * a->kernel;
  int row = pixel / a->ow * a->stride - a->pad, col = pixel % a->ow * a->stride - a->pad;
  if (a->kernel == 3) return filtered(a, x, v, row, col, 3);
  if (a->kernel == 5) return filtered(a, x, v, row, col, 5);
  return filtered(a, x, v, row, col, a->kernel);
}

// load_d fills a tile of D, zero outside of the image. The first row of blocks keeps D for the backward pass
// of this job, if there is room.
DEVICE void load_d(const zos_job *a, int sample, int first, int pixel, int keep, float *tile) {
  int px = a->oh * a->ow;
  for (int i = threadIdx.x; i < zos_channels * zos_tile; i += zos_threads) {
    int c = first + i / zos_tile, q = pixel + i % zos_tile;
    float d = 0.f;
    if (c < a->in && q < px) {
      d = convolved(a, a->x + source(a, sample, c) * a->h * a->w_in, c, q);
      if (keep) a->d[((size_t)sample * a->in + c) * px + q] = put(d);
    }
    tile[i] = d;
  }
}

// weight_at is W of an output and an input. With two halves it consists of W and V on the diagonal.
DEVICE float weight_at(const zos_job *a, int o, int c) {
  if (o >= a->out || c >= a->in) return 0.f;
  if (a->kernel >= 0) return a->w[(size_t)o * a->in + c];
  int behind = o >= a->out / 2, half = a->in / 2;
  if ((c >= half) != behind) return 0.f;
  return behind ? a->v[(size_t)(o - a->out / 2) * half + c - half] : a->w[(size_t)o * half + c];
}

// load_w fills a tile of W: rows of outputs, columns of inputs.
DEVICE void load_w(const zos_job *a, int out, int in, float *tile) {
  for (int i = threadIdx.x; i < zos_channels * zos_channels; i += zos_threads)
    tile[i] = weight_at(a, out + i / zos_channels, in + i % zos_channels);
}

// half_sum adds up the numbers of 16 neighbouring threads.
DEVICE float half_sum(float x) {
  for (int m = 8; m > 0; m >>= 1) x += __shfl_xor_sync(0xffffffffu, x, m);
  return x;
}

// project computes P and the parts of its moments, or of the slopes of dY. A row of blocks computes 32
// outputs, each block every width-th tile. A thread computes 4 pixels, 16 apart, of 4 outputs.
DEVICE void project(const zos_job *a, int block, float *d, float *w, unsigned *room) {
  int px = a->oh * a->ow, tiles = (px + zos_tile - 1) / zos_tile;
  int row = block / a->width, column = block % a->width, out = row * zos_channels;
  int lane = threadIdx.x % 16, o4 = threadIdx.x / 16 * 4;
  float n = 0.f, mean[4] = {0.f, 0.f, 0.f, 0.f}, square[4] = {0.f, 0.f, 0.f, 0.f};
  for (int t = column; t < a->batch * tiles; t += a->width) {
    int sample = t / tiles, pixel = t % tiles * zos_tile;
    float acc[4][4] = {{0.f}};
    for (int c = 0; c < a->in; c += zos_channels) {
      __syncthreads();  // the tiles are no longer read
      load_d(a, sample, c, pixel, a->d != 0 && row == 0, d);
      load_w(a, out, c, w);
      __syncthreads();  // the tiles are complete
      int most = a->in - c < zos_channels ? a->in - c : zos_channels;
      for (int i = 0; i < most; i++) {
#pragma unroll
        for (int o = 0; o < 4; o++) {
#pragma unroll
          for (int q = 0; q < 4; q++)
            acc[o][q] += w[(o4 + o) * zos_channels + i] * d[i * zos_tile + lane + 16 * q];
        }
      }
    }
    float count = (float)(px - pixel < zos_tile ? px - pixel : zos_tile), all = n;
#pragma unroll
    for (int o = 0; o < 4; o++) {
      int c = out + o4 + o;
      size_t plane = ((size_t)sample * a->out + c) * px;
      float first = 0.f, second = 0.f;
#pragma unroll
      for (int q = 0; q < 4; q++) {
        int at = pixel + lane + 16 * q;
        if (at >= px || c >= a->out) continue;
        a->p[plane + at] = put(acc[o][q]);
        acc[o][q] = rounded(acc[o][q]);
        if (a->backward) {
          float dy = get(a->dy[plane + at]);
          first += dy;
          second += dy * (acc[o][q] - a->mean[c]);
        } else {
          first += acc[o][q];
        }
      }
      first = half_sum(first);
      if (a->backward) {
        mean[o] += first;
        square[o] += half_sum(second);
        continue;
      }
      first /= count;
#pragma unroll
      for (int q = 0; q < 4; q++) {
        float off = pixel + lane + 16 * q < px ? acc[o][q] - first : 0.f;
        second += off * off;
      }
      all = n;
      join_moments(&all, &mean[o], &square[o], count, first, half_sum(second));
    }
    n = all;
  }
#pragma unroll
  for (int o = 0; o < 4; o++) {
    int c = out + o4 + o;
    if (lane != 0 || c >= a->out) continue;
    float *part = a->parts + 3 * ((size_t)column * a->out + c);
    part[0] = a->backward ? mean[o] : n;
    part[1] = a->backward ? square[o] : mean[o];
    part[2] = a->backward ? 0.f : square[o];
  }
  if (last(a->ticket + row, a->width, room))
    finish(a, out, out + zos_channels < a->out ? out + zos_channels : a->out, a->out,
           (float)a->batch * (float)px);
}

// moments computes the parts of the moments of the images P, or of the slopes of dY. A row of blocks takes a
// channel, each block every width-th sample.
DEVICE void moments(const zos_job *a, int block, float *room, unsigned *flag) {
  int px = a->oh * a->ow, c = block / a->width, column = block % a->width;
  float n = 0.f, mean = 0.f, square = 0.f;
  for (int sample = column; sample < a->batch; sample += a->width) {
    const zos_image *p = a->p + ((size_t)sample * a->out + c) * px;
    const zos_image *dy = a->backward ? a->dy + ((size_t)sample * a->out + c) * px : 0;
    float first = 0.f, second = 0.f;
    for (int i = threadIdx.x; i < px; i += zos_threads) {
      first += get(a->backward ? dy[i] : p[i]);
      if (a->backward) second += get(dy[i]) * (get(p[i]) - a->mean[c]);
    }
    first = block_sum(first, room);
    if (a->backward) {
      mean += first;
      square += block_sum(second, room);
      continue;
    }
    first /= (float)px;
    for (int i = threadIdx.x; i < px; i += zos_threads) second += (get(p[i]) - first) * (get(p[i]) - first);
    second = block_sum(second, room);
    join_moments(&n, &mean, &square, (float)px, first, second);
  }
  if (threadIdx.x == 0) {
    float *part = a->parts + 3 * ((size_t)column * a->out + c);
    part[0] = a->backward ? mean : n;
    part[1] = a->backward ? square : mean;
    part[2] = a->backward ? 0.f : square;
  }
  if (last(a->ticket + c, a->width, flag)) {
    if (threadIdx.x < 32) finish(a, c, c + 1, a->out, (float)a->batch * (float)px);
  }
}

// blended is dP of a channel at one place.
DEVICE float blended(const zos_job *a, int c, size_t at) {
  const float *k = a->k + 3 * c;
  return k[0] * get(a->dy[at]) + k[1] + k[2] * (get(a->p[at]) - a->mean[c]);
}

// load_dp fills a tile of dP, zero outside of the image.
DEVICE void load_dp(const zos_job *a, int sample, int first, int pixel, int px, float *tile) {
  for (int i = threadIdx.x; i < zos_channels * zos_tile; i += zos_threads) {
    int c = first + i / zos_tile, q = pixel + i % zos_tile;
    float dp = 0.f;
    if (c < a->out && q < px) {
      size_t at = ((size_t)sample * a->out + c) * px + q;
      dp = blended(a, c, at);
    }
    tile[i] = dp;
  }
}

// groups is the number of groups of channels.
DEVICE int groups(int channels) { return (channels + zos_channels - 1) / zos_channels; }

// back computes a tile of dD = W' dP: 64 pixels of 32 inputs.
DEVICE void back(const zos_job *a, int block, float *dp, float *w) {
  int px = a->oh * a->ow, tiles = (px + zos_tile - 1) / zos_tile, ins = groups(a->in);
  int tile = block / ins, in = block % ins * zos_channels;
  int sample = tile / tiles, pixel = tile % tiles * zos_tile;
  int lane = threadIdx.x % 16, c4 = threadIdx.x / 16 * 4;
  float acc[4][4] = {{0.f}};
  for (int out = 0; out < a->out; out += zos_channels) {
    __syncthreads();  // the tiles are no longer read
    load_dp(a, sample, out, pixel, px, dp);
    load_w(a, out, in, w);
    __syncthreads();  // the tiles are complete
    int most = a->out - out < zos_channels ? a->out - out : zos_channels;
    for (int o = 0; o < most; o++) {
#pragma unroll
      for (int c = 0; c < 4; c++) {
#pragma unroll
        for (int q = 0; q < 4; q++)
          acc[c][q] += w[o * zos_channels + c4 + c] * dp[o * zos_tile + lane + 16 * q];
      }
    }
  }
#pragma unroll
  for (int c = 0; c < 4; c++) {
#pragma unroll
    for (int q = 0; q < 4; q++) {
      int channel = in + c4 + c, at = pixel + lane + 16 * q;
      if (channel < a->in && at < px) a->dd[((size_t)sample * a->in + channel) * px + at] = put(acc[c][q]);
    }
  }
}

// load_kept fills a tile of D that zos_project kept.
DEVICE void load_kept(const zos_job *a, int sample, int first, int pixel, int px, float *tile) {
  for (int i = threadIdx.x; i < zos_channels * zos_tile; i += zos_threads) {
    int c = first + i / zos_tile, q = pixel + i % zos_tile;
    tile[i] = c < a->in && q < px ? get(a->d[((size_t)sample * a->in + c) * px + q]) : 0.f;
  }
}

// weight computes a slice's part of dW = dP D': 32 outputs, 32 inputs, of every slices-th tile. A thread
// computes 2 outputs of 4 inputs.
DEVICE void weight(const zos_job *a, int block, float *dp, float *d) {
  int slice = block % a->slices, group = block / a->slices;
  int out = group / groups(a->in) * zos_channels, in = group % groups(a->in) * zos_channels;
  int px = a->oh * a->ow, tiles = (px + zos_tile - 1) / zos_tile;
  int o2 = threadIdx.x / 8 * 2, c4 = threadIdx.x % 8 * 4;
  float acc[2][4] = {{0.f}};
  for (int t = slice; t < a->batch * tiles; t += a->slices) {
    int sample = t / tiles, pixel = t % tiles * zos_tile;
    __syncthreads();  // the tiles are no longer read
    load_dp(a, sample, out, pixel, px, dp);
    load_kept(a, sample, in, pixel, px, d);
    __syncthreads();  // the tiles are complete
    for (int i = 0; i < zos_tile; i++) {
      int q = (i + threadIdx.x) % zos_tile;  // another bank for each thread
#pragma unroll
      for (int o = 0; o < 2; o++) {
#pragma unroll
        for (int c = 0; c < 4; c++)
          acc[o][c] += dp[(o2 + o) * zos_tile + q] * d[(c4 + c) * zos_tile + q];
      }
    }
  }
#pragma unroll
  for (int o = 0; o < 2; o++) {
#pragma unroll
    for (int c = 0; c < 4; c++) {
      int row = out + o2 + o, col = in + c4 + c;
      if (row < a->out && col < a->in)
        a->dw_parts[((size_t)slice * a->out + row) * a->in + col] = acc[o][c];
    }
  }
}

// scattered is the gradient of the depthwise convolution with v, of that many rows and columns, from the plane dd.
// The windows that cover the place begin at a row and a column and those before them, dilation apart. A stride is
// 1 or 2: what it divides are shifts, not divisions, which are slow.
DEVICE float scattered(const zos_job *a, const zos_image *dd, const float *v, int row, int col, int kernel) {
  int shift = a->stride - 1;
  float sum = 0.f;
#pragma unroll 1
  for (int i = 0; i < kernel; i++) {
    int r = row - i * a->dilation;
    if (r < 0 || (r & shift) || r >> shift >= a->oh) continue;
    const zos_image *line = dd + (r >> shift) * a->ow;
#pragma unroll
    for (int j = 0; j < kernel; j++) {
      int q = col - j * a->dilation;
      if (q >= 0 && !(q & shift) && q >> shift < a->ow) sum += v[i * kernel + j] * get(line[q >> shift]);
    }
  }
  return sum;
}

// pulled is the gradient of relu(X) at one place of a plane, from dD.
DEVICE float pulled(const zos_job *a, int plane, int row, int col) {
  int px = a->oh * a->ow;
  if (a->kernel < 0) {
    int half = a->in / 2, behind = row % 2;
    if (col % 2 != behind || row / 2 >= a->oh || col / 2 >= a->ow) return 0.f;
    size_t at = (size_t)(plane / half) * a->in + plane % half + (behind ? half : 0);
    return get(a->dd[at * px + row / 2 * a->ow + col / 2]);
  }
  const zos_image *dd = a->dd + (size_t)plane * px;
  if (a->kernel == 0) return get(dd[row * a->w_in + col]);
  const float *v = a->v + (size_t)(plane % a->in) * a->kernel * a->kernel;
  row += a->pad;
  col += a->pad;
  if (a->kernel == 3) return scattered(a, dd, v, row, col, 3);
  if (a->kernel == 5) return scattered(a, dd, v, row, col, 5);
  return scattered(a, dd, v, row, col, a->kernel);
}

// tap is the gradient of one weight of the depthwise convolution from one plane, for a warp.
DEVICE float tap(const zos_job *a, const zos_image *dd, const zos_image *x, int i, int j) {
  float sum = 0.f;
  int row = (int)threadIdx.x % 32 / a->ow, col = (int)threadIdx.x % 32 % a->ow;
  for (int p = (int)threadIdx.x % 32; p < a->oh * a->ow; p += 32) {
    int r = row * a->stride - a->pad + i * a->dilation, q = col * a->stride - a->pad + j * a->dilation;
    if ((unsigned)r < (unsigned)a->h && (unsigned)q < (unsigned)a->w_in)
      sum += get(dd[p]) * positive(x[r * a->w_in + q]);
    for (col += 32; col >= a->ow; col -= a->ow) row++;
  }
  return warp_sum(sum);
}

// taps computes the part of dV of one plane. The last plane of a channel adds up dV.
DEVICE void taps(const zos_job *a, int plane, unsigned *room) {
  int c = plane % a->in, taps = a->kernel * a->kernel;
  const zos_image *dd = a->dd + (size_t)plane * a->oh * a->ow, *x = a->x + (size_t)plane * a->h * a->w_in;
  for (int t = threadIdx.x / 32; t < taps; t += zos_threads / 32) {
    float sum = tap(a, dd, x, t / a->kernel, t % a->kernel);
    if (threadIdx.x % 32 == 0) a->dv_parts[(size_t)plane * taps + t] = sum;
  }
  if (!last(a->ticket + c, (unsigned)a->batch, room)) return;
  for (int t = threadIdx.x; t < taps; t += zos_threads) {
    float sum = 0.f;
    for (int i = 0; i < a->batch; i++) sum += __ldcg(a->dv_parts + ((size_t)i * a->in + c) * taps + t);
    a->dv[(size_t)c * taps + t] = sum;
  }
}

// join adds up the parts of dW. With two halves it leaves the blocks on the diagonal, as dW and dV.
DEVICE void join(const zos_job *a, int block) {
  int i = block * zos_threads + threadIdx.x, at = i, half = a->in / 2, behind = 0;
  if (i >= a->n) return;
  if (a->kernel < 0) {
    behind = i >= a->n / 2;
    i -= behind ? a->n / 2 : 0;
    at = (i / half + (behind ? a->out / 2 : 0)) * a->in + i % half + (behind ? half : 0);
  }
  float sum = 0.f;
  for (int s = 0; s < a->slices; s++) sum += a->dw_parts[(size_t)s * a->out * a->in + at];
  float *to = behind ? a->dv : a->dw;
  if (to != 0) to[i] = sum;
}

// dot computes the inner product of X and dY.
DEVICE void dot(const zos_job *a, int block, float *room, unsigned *flag) {
  float sum = 0.f;
  for (size_t i = (size_t)block * zos_threads + threadIdx.x; i < (size_t)a->n;
       i += (size_t)a->width * zos_threads)
    sum += get(a->x[i]) * get(a->dy[i]);
  sum = block_sum(sum, room);
  if (threadIdx.x == 0) a->parts[block] = sum;
  if (!last(a->ticket, a->width, flag)) return;
  sum = 0.f;
  for (int i = threadIdx.x; i < a->width; i += zos_threads) sum += __ldcg(a->parts + i);
  sum = block_sum(sum, room);
  if (threadIdx.x == 0) *(float *)a->y = sum;
}

// A window is the part of a plane under the window of a pool.
typedef struct {
  int top, left, bottom, right;
} window;

DEVICE window window_of(const zos_job *a, int r, int q) {
  window w = {r * a->stride - a->pad, q * a->stride - a->pad, 0, 0};
  w.bottom = w.top + a->kernel < a->h ? w.top + a->kernel : a->h;
  w.right = w.left + a->kernel < a->w_in ? w.left + a->kernel : a->w_in;
  w.top = w.top > 0 ? w.top : 0;
  w.left = w.left > 0 ? w.left : 0;
  return w;
}

// best is the place of the first maximum of a window.
DEVICE int best(const zos_job *a, const zos_image *x, window w) {
  int at = w.top * a->w_in + w.left;
  for (int r = w.top; r < w.bottom; r++) {
    for (int q = w.left; q < w.right; q++) at = get(x[r * a->w_in + q]) > get(x[at]) ? r * a->w_in + q : at;
  }
  return at;
}

DEVICE float average(const zos_job *a, const zos_image *x, window w) {
  float sum = 0.f;
  for (int r = w.top; r < w.bottom; r++) {
    for (int q = w.left; q < w.right; q++) sum += get(x[r * a->w_in + q]);
  }
  return sum / (float)((w.bottom - w.top) * (w.right - w.left));
}

// covering are the windows that cover a row or column: first to end.
DEVICE void covering(const zos_job *a, int at, int windows, int *first, int *end) {
  int low = at + a->pad - a->kernel + 1;
  *first = low <= 0 ? 0 : (low + a->stride - 1) / a->stride;
  *end = (at + a->pad) / a->stride + 1;
  *end = *end < windows ? *end : windows;
}

// unpooled is the gradient of a pool at one place of a plane.
DEVICE float unpooled(const zos_job *a, int plane, int at) {
  const zos_image *dy = a->dy + (size_t)plane * a->oh * a->ow;
  int r0, r1, q0, q1;
  float sum = 0.f;
  covering(a, at / a->w_in, a->oh, &r0, &r1);
  covering(a, at % a->w_in, a->ow, &q0, &q1);
  for (int r = r0; r < r1; r++) {
    for (int q = q0; q < q1; q++) {
      window w = window_of(a, r, q);
      if (a->kind == job_unaverage)
        sum += get(dy[r * a->ow + q]) / (float)((w.bottom - w.top) * (w.right - w.left));
      else if (best(a, a->x + (size_t)plane * a->h * a->w_in, w) == at)
        sum += get(dy[r * a->ow + q]);
    }
  }
  return sum;
}

// term is a term of a sum of images, at element i of the result, which is that pixel of a plane.
DEVICE float term(const zos_job *a, unsigned i, int plane, int pixel) {
  if (a->kind == job_plain) return get(a->x[i]);
  if (a->kind == job_wide) return ((const float *)a->x)[i];
  if (a->kind == job_scaled) return a->w[a->each ? plane / a->out : 0] * get(a->x[i]);
  if (a->kind == job_normal) {
    int c = plane % a->out;
    float s = scale_of(a, c) / sqrtf(a->variance[c] + a->epsilon);
    return s * (get(a->p[i]) - a->mean[c]) + (a->bias == 0 ? 0.f : a->bias[c]);
  }
  if (a->kind == job_blend) return blended(a, plane % a->out, i);
  if (a->kind == job_pull)
    return get(a->x[i]) > 0.f ? pulled(a, plane, pixel / a->w_in, pixel % a->w_in) : 0.f;
  if (a->kind == job_unmax || a->kind == job_unaverage) return unpooled(a, plane, pixel);
  const zos_image *x = a->x + (size_t)plane * a->h * a->w_in;
  window w = window_of(a, pixel / a->ow, pixel % a->ow);
  return a->kind == job_average_pool ? average(a, x, w) : get(x[best(a, x, w)]);
}

// sum_terms adds up terms. It divides 32-bit numbers, once for all terms: divisions are slow. It may write over a term that is read at the same place alone.
DEVICE void sum_terms(const zos_job *a, int block) {
  for (unsigned i = (unsigned)block * zos_threads + threadIdx.x; i < (unsigned)a->n;
       i += (unsigned)a->width * zos_threads) {
    int plane = (int)(i / (unsigned)a->pixels), pixel = (int)(i % (unsigned)a->pixels);
    float sum = 0.f;
    for (int t = 0; t < a->terms; t++) sum += term(a + t, i, plane, pixel);
    if (a->wide)
      ((float *)a->y)[i] = sum;
    else
      a->y[i] = put(sum);
  }
}

// run does the block's part of a launch. The jobs are in the order of their blocks.
DEVICE void run(const zos_job *jobs, int count) {
  SHARED(float, first, zos_channels * zos_tile);
  SHARED(float, second, zos_channels * zos_tile);
  SHARED(float, room, 4);
  SHARED(unsigned, flag, 1);
  int low = 0, high = count, b = (int)blockIdx.x;
  while (high - low > 1) {
    int middle = (low + high) / 2;
    if (jobs[middle].first <= b)
      low = middle;
    else
      high = middle;
  }
  const zos_job *a = jobs + low - jobs[low].lead;
  b -= a->first;
  if (a->kind >= job_sum_first)
    sum_terms(a, b);
  else if (a->kind == job_project)
    project(a, b, first, second, flag);
  else if (a->kind == job_moments)
    moments(a, b, room, flag);
  else if (a->kind == job_back)
    back(a, b, first, second);
  else if (a->kind == job_weight)
    weight(a, b, first, second);
  else if (a->kind == job_join)
    join(a, b);
  else if (a->kind == job_taps)
    taps(a, b, flag);
  else if (a->kind == job_dscale)
    sum_dscale(a, a->out, room);
  else
    dot(a, b, room, flag);
}

#ifdef ZOS_BFLOAT16
KERNEL(zos_run_few_bfloat16, zos_short_table)
KERNEL(zos_run_many_bfloat16, zos_long_table)
#else
KERNEL(zos_run_few, zos_short_table)
KERNEL(zos_run_many, zos_long_table)
#endif
#endif
