// The dots of int8 and bfloat16 without special instructions. Included like kernels_body.h, behind it.

struct DotInt8 {
  using Sum = Int;
  using Columns = Int;
  static Int columns(const std::byte* from) {
    Int value;
    __builtin_memcpy(&value, from, sizeof(value));
    return value;
  }
  static int32_t splat_group(const std::byte* from) { return load_group(from); }
  static Int add(Int sum, int32_t a, Int b) {
    for (int shift = 24; shift >= 0; shift -= 8) sum += ((b << shift) >> 24) * (static_cast<int32_t>(static_cast<uint32_t>(a) << shift) >> 24);
    return sum;
  }
  static Float result(Int sum, const Product& p, int64_t row, int64_t column) { return dequantized(sum, p, row, column); }
};

struct DotBfloat16 {
  using Sum = Float;
  using Columns = Int;
  static Int columns(const std::byte* from) { return DotInt8::columns(from); }
  static Int splat_group(const std::byte* from) { return Int{} + load_group(from); }
  static Float add(Float sum, Int a, Int b) {
    constexpr int32_t upper = -65536;
    return fma((Float)(a & upper), (Float)(b & upper), fma((Float)(a << 16), (Float)(b << 16), sum));
  }
  static Float result(Float sum, const Product&, int64_t, int64_t) { return sum; }
};
