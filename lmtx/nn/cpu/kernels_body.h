// The kernels, written once. A file for an instruction set defines Float (a vector of float), fma(), `row_block`, `panel_vectors` and the dots of its
// products, then includes this, all in an unnamed namespace and behind its target pragma. So there is no include guard, and nothing but arithmetic here:
// an inline function of the standard library compiled for one processor could be linked into code for another.

constexpr int64_t width = sizeof(Float) / sizeof(float);
constexpr int64_t panel = panel_vectors * width;

using Int = int32_t __attribute__((vector_size(sizeof(Float))));
using Bytes = uint8_t __attribute__((vector_size(sizeof(Float) / 4)));
using Shorts = uint16_t __attribute__((vector_size(sizeof(Float) / 2)));

inline Float load(const float* from) {
  Float value;
  __builtin_memcpy(&value, from, sizeof(value));
  return value;
}
inline void store(float* to, Float value) { __builtin_memcpy(to, &value, sizeof(value)); }
inline Float splat(float value) { return value - Float{}; }
// NaN stays NaN where it is x.
inline Float at_least(Float x, float low) { return x < low ? splat(low) : x; }
inline Float at_most(Float x, float high) { return x > high ? splat(high) : x; }
inline Float magnitude(Float x) { return (Float)((Int)x & 0x7fffffff); }

// The first `count` < width numbers, then zeros.
inline Float load_part(const float* from, int64_t count) {
  Float value{};
  __builtin_memcpy(&value, from, count * sizeof(float));
  return value;
}
inline void store_part(float* to, Float value, int64_t count) { __builtin_memcpy(to, &value, count * sizeof(float)); }

inline float sum_of(Float x) {
  float lanes[width];
  store(lanes, x);
  for (int64_t half = width / 2; half > 0; half /= 2) {
    for (int64_t i = 0; i < half; ++i) lanes[i] += lanes[i + half];
  }
  return lanes[0];
}
inline float largest_of(Float x) {
  float lanes[width];
  store(lanes, x);
  float largest = lanes[0];
  for (int64_t i = 1; i < width; ++i) largest = lanes[i] > largest ? lanes[i] : largest;
  return largest;
}

// Added and subtracted again, it rounds to a whole number, to nearest even, below 2^22.
constexpr float rounder = 12582912.0f;

// 2^n e^r with x = n ln 2 + r; a polynomial of least relative error (4e-9) for e^r. From 88 on it is e^88, below -87 e^-87.
inline Float exponential(Float x) {
  x = at_most(at_least(x, -87.0f), 88.0f);
  const Float shifted = fma(x, splat(1.44269504f), splat(rounder));
  const Float n = shifted - rounder;
  const Float r = fma(n, splat(2.12194440e-4f), fma(n, splat(-0.693359375f), x));
  Float sum = splat(0.00137511503f);
  sum = fma(sum, r, splat(0.00836898723f));
  sum = fma(sum, r, splat(0.0416695443f));
  sum = fma(sum, r, splat(0.166665179f));
  sum = fma(sum, r, splat(0.499999885f));
  sum = fma(sum, r, splat(1.0f));
  sum = fma(sum, r, splat(1.0f));
  return (Float)((Int)sum + ((Int)shifted << 23));
}

// x P(x^2) / Q(x^2), fitted for least absolute error (2e-8) up to 3.919, where erf is 1 in float32.
inline Float error_function(Float x) {
  x = at_most(at_least(x, -3.9192059f), 3.9192059f);
  const Float t = x * x;
  Float p = splat(2.03537969e-06f);
  p = fma(p, t, splat(0.000287471138f));
  p = fma(p, t, splat(0.00386682525f));
  p = fma(p, t, splat(0.0530559925f));
  p = fma(p, t, splat(0.192725678f));
  p = fma(p, t, splat(1.12837902f));
  Float q = splat(3.8076851e-05f);
  q = fma(q, t, splat(0.00118779695f));
  q = fma(q, t, splat(0.0151692903f));
  q = fma(q, t, splat(0.115069281f));
  q = fma(q, t, splat(0.504130359f));
  q = fma(q, t, splat(1.0f));
  return x * p / q;
}

inline Float sigmoid(Float x) { return 1.0f / (1.0f + exponential(-x)); }
inline Float tangent(Float x) { return 1.0f - 2.0f / (1.0f + exponential(2.0f * x)); }

template <Activation activation>
inline Float activated(Float x) {
  switch (activation) {
    case Activation::identity: return x;
    case Activation::gelu: return 0.5f * x * (1.0f + error_function(x * 0.707106781f));
    case Activation::gelu_tanh: return 0.5f * x * (1.0f + tangent(0.797884561f * fma(x * x * x, splat(0.044715f), x)));
    case Activation::relu: return at_least(x, 0.0f);
    case Activation::silu: return x * sigmoid(x);
    case Activation::tanh: return tangent(x);
    case Activation::sigmoid: return sigmoid(x);
  }
  return x;
}

template <Activation activation>
void activate_as(float* row, int64_t size) {
  int64_t i = 0;
  for (; i + width <= size; i += width) store(row + i, activated<activation>(load(row + i)));
  if (i < size) store_part(row + i, activated<activation>(load_part(row + i, size - i)), size - i);
}

void activate(float* row, int64_t size, Activation activation) {
  switch (activation) {
    case Activation::identity: return;
    case Activation::gelu: return activate_as<Activation::gelu>(row, size);
    case Activation::gelu_tanh: return activate_as<Activation::gelu_tanh>(row, size);
    case Activation::relu: return activate_as<Activation::relu>(row, size);
    case Activation::silu: return activate_as<Activation::silu>(row, size);
    case Activation::tanh: return activate_as<Activation::tanh>(row, size);
    case Activation::sigmoid: return activate_as<Activation::sigmoid>(row, size);
  }
}

void gate(const float* row, int64_t size, Activation activation, float* out) {
  __builtin_memcpy(out, row, size * sizeof(float));
  activate(out, size, activation);
  for (int64_t i = 0; i < size; ++i) out[i] *= row[size + i];
}

void layer_norm(const float* row, int64_t size, const float* weight, const float* bias, float epsilon, float* out) {
  const int64_t whole = size / width * width;
  Float sums{};
  for (int64_t i = 0; i < whole; i += width) sums += load(row + i);
  float sum = sum_of(sums);
  for (int64_t i = whole; i < size; ++i) sum += row[i];
  const float mean = sum / static_cast<float>(size);
  Float squares{};
  for (int64_t i = 0; i < whole; i += width) {
    const Float difference = load(row + i) - mean;
    squares = fma(difference, difference, squares);
  }
  float square = sum_of(squares);
  for (int64_t i = whole; i < size; ++i) square += (row[i] - mean) * (row[i] - mean);
  const float scale = 1.0f / __builtin_sqrtf(square / static_cast<float>(size) + epsilon);
  for (int64_t i = 0; i < whole; i += width) {
    const Float normed = (load(row + i) - mean) * scale;
    store(out + i, bias ? fma(normed, load(weight + i), load(bias + i)) : normed * load(weight + i));
  }
  for (int64_t i = whole; i < size; ++i) out[i] = (row[i] - mean) * scale * weight[i] + (bias ? bias[i] : 0.0f);
}

void softmax(float* row, int64_t size, float scale, const float* bias) {
  constexpr float nothing = -__builtin_inff();
  const int64_t end = (size + width - 1) / width * width;
  for (int64_t i = size; i < end; ++i) row[i] = nothing;
  Float largest = splat(nothing);
  for (int64_t i = 0; i < end; i += width) {
    Float score = load(row + i) * scale;
    if (bias) score += load(bias + i);
    store(row + i, score);
    largest = score > largest ? score : largest;
  }
  const float top = largest_of(largest);
  Float sums{};
  for (int64_t i = 0; i < end; i += width) {
    const Float below = load(row + i) - top;
    const Float weight = below < -87.0f ? Float{} : exponential(below);
    store(row + i, weight);
    sums += weight;
  }
  const float inverse = 1.0f / sum_of(sums);
  for (int64_t i = 0; i < end; i += width) store(row + i, load(row + i) * inverse);
}

void rotate(float* row, int64_t size, const float* cosines, const float* sines) {
  const int64_t half = size / 2;
  for (int64_t i = 0; i < half; ++i) {
    const float first = row[i], second = row[half + i];
    row[i] = first * cosines[i] - second * sines[i];
    row[half + i] = second * cosines[i] + first * sines[i];
  }
}

inline Bytes to_bytes(Float x, int zero) { return __builtin_convertvector(__builtin_convertvector(x, Int) + zero, Bytes); }

float quantize(const float* row, int64_t size, std::byte* out) {
  const int64_t whole = size / width * width;
  Float largest{};
  for (int64_t i = 0; i < whole; i += width) {
    const Float x = magnitude(load(row + i));
    largest = x > largest ? x : largest;
  }
  if (whole < size) {
    const Float x = magnitude(load_part(row + whole, size - whole));
    largest = x > largest ? x : largest;
  }
  const float top = largest_of(largest);
  const float scale = top > 0 ? 127.0f / top : 0.0f;
  int64_t i = 0;
  for (; i < whole; i += width) {
    const Bytes bytes = to_bytes((load(row + i) * scale + rounder) - rounder, quantized_zero);
    __builtin_memcpy(out + i, &bytes, sizeof(bytes));
  }
  if (i < size) {
    const Bytes bytes = to_bytes((load_part(row + i, size - i) * scale + rounder) - rounder, quantized_zero);
    __builtin_memcpy(out + i, &bytes, (size + 3) / 4 * 4 - i);
  }
  return top / 127.0f;
}

inline Shorts to_shorts(Float x) {
  const Int bits = (Int)x;
  const Int rounded = (bits + 0x7fff + ((bits >> 16) & 1)) >> 16;
  return __builtin_convertvector(x == x ? rounded : Int{} + 0x7fc0, Shorts);
}

void to_bfloat16(const float* row, int64_t size, std::byte* out) {
  int64_t i = 0;
  for (; i + width <= size; i += width) {
    const Shorts shorts = to_shorts(load(row + i));
    __builtin_memcpy(out + 2 * i, &shorts, sizeof(shorts));
  }
  if (i < size) {
    const Shorts shorts = to_shorts(load_part(row + i, size - i));
    __builtin_memcpy(out + 2 * i, &shorts, (size + 1) / 2 * 4 - 2 * i);
  }
}

inline int32_t load_group(const std::byte* from) {
  int32_t group;
  __builtin_memcpy(&group, from, sizeof(group));
  return group;
}

// A dot adds to sums of type Sum what a group of A, the same for all columns, and groups of B, one a column, give.
struct DotFloat32 {
  using Sum = Float;
  using Columns = Float;
  static Float columns(const std::byte* from) { return load(reinterpret_cast<const float*>(from)); }
  static Float splat_group(const std::byte* from) {
    float value;
    __builtin_memcpy(&value, from, sizeof(value));
    return splat(value);
  }
  static Float add(Float sum, Float a, Float b) { return fma(a, b, sum); }
  static Float result(Float sum, const Product&, int64_t, int64_t) { return sum; }
};

// The numbers of integer sums. The product of the scales comes first, so that it is the same for all instruction sets.
inline Float dequantized(Int sum, const Product& p, int64_t row, int64_t column) {
  Int correction;
  __builtin_memcpy(&correction, p.corrections + column, sizeof(correction));
  return __builtin_convertvector(sum - correction, Float) * (load(p.column_scales + column) * p.row_scales[row]);
}

template <class Dot>
inline void finish(const Product& p, typename Dot::Sum sum, int64_t row, int64_t column) {
  Float value = Dot::result(sum, p, row, column);
  if (p.bias) value += load(p.bias + column);
  const int64_t count = p.columns - column;
  float* to = p.c + row * p.c_stride + column;
  const float* residual = p.residual ? p.residual + row * p.residual_stride + column : nullptr;
  if (count >= width) {
    if (residual) value += load(residual);
    store(to, value);
  } else if (count > 0) {
    if (residual) value += load_part(residual, count);
    store_part(to, value, count);
  }
}

// `rows` rows from `row` on and one panel of columns from `column` on: their sums stay in registers.
template <class Dot, int rows>
void multiply_block(const Product& p, int64_t row, int64_t column) {
  const std::byte* a = p.a + row * p.a_stride;
  const std::byte* b = p.b + column / panel * p.b_panel_stride;
  typename Dot::Sum sums[rows][panel_vectors] = {};
  for (int64_t group = 0; group < p.groups; ++group, a += 4, b += p.b_group_stride) {
    typename Dot::Columns columns[panel_vectors];
#pragma GCC unroll 4
    for (int v = 0; v < panel_vectors; ++v) columns[v] = Dot::columns(b + v * sizeof(Float));
#pragma GCC unroll 16
    for (int r = 0; r < rows; ++r) {
      const auto of_row = Dot::splat_group(a + r * p.a_stride);
#pragma GCC unroll 4
      for (int v = 0; v < panel_vectors; ++v) sums[r][v] = Dot::add(sums[r][v], of_row, columns[v]);
    }
  }
#pragma GCC unroll 16
  for (int r = 0; r < rows; ++r) {
#pragma GCC unroll 4
    for (int v = 0; v < panel_vectors; ++v) finish<Dot>(p, sums[r][v], row + r, column + v * width);
  }
}

template <class Dot, int rows>
void multiply_rest(const Product& p, int64_t row, int64_t column, int64_t count) {
  if (count == rows) return multiply_block<Dot, rows>(p, row, column);
  if constexpr (rows > 1) multiply_rest<Dot, rows - 1>(p, row, column, count);
}

template <class Dot>
void multiply(const Product& p) {
  for (int64_t column = 0; column < p.columns; column += panel) {
    int64_t row = 0;
    for (; row + row_block <= p.rows; row += row_block) multiply_block<Dot, row_block>(p, row, column);
    if (row < p.rows) multiply_rest<Dot, row_block>(p, row, column, p.rows - row);
  }
}
