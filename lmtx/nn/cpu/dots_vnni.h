// The dot of int8 with vpdpbusd, which takes unsigned times signed bytes. Included like dots_portable.h, behind it, where the target has AVX-512 VNNI.

struct DotInt8Vnni : DotInt8 {
  static Int splat_group(const std::byte* from) { return Int{} + load_group(from); }
  static Int add(Int sum, Int a, Int b) { return (Int)_mm512_dpbusd_epi32((__m512i)sum, (__m512i)a, (__m512i)b); }
};
