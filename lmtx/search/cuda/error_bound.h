// How far approximate scores of a card may be from exact ones, and what that leaves out. Seen by nvcc, too: no torch, C++17.
#pragma once

#include <cmath>
#include <cstdint>

#ifdef __CUDACC__
#define LMTX_ON_BOTH __host__ __device__
#else
#define LMTX_ON_BOTH
#endif

namespace lmtx::cuda {

// Vectors are scaled by a power of two before they are rounded to float16, so that lengths come to lie from 2^6 to 2^7: products of two then stay below
// float16's largest number, 65,504, and numbers that count are far above its smallest.
constexpr int scaled_length_exponent = 6;

// The power of two, as an exponent, for vectors of at most this length. 2^exponent and its inverse are normal float32 numbers.
LMTX_ON_BOTH inline int scale_exponent(double length) {
  if (!(length > 0)) return 0;
  int exponent = 0;
  frexp(length, &exponent);  // length = [0.5, 1) * 2^exponent
  const int wanted = scaled_length_exponent + 1 - exponent;
  return wanted < -126 ? -126 : wanted > 126 ? 126 : wanted;
}

// What a vector, or the longest of some rows, is to the bound.
struct RoundedVectors {
  // The largest length, before scaling.
  double length;
  // The largest length of (scaled vector - scaled vector in float16).
  double rounding;
  // The scale is 2^exponent.
  int exponent;
};

struct ScoreKind {
  // Whether products were rounded to float16 once they were added up (else they are float32).
  bool half;
  // The largest absolute bias; negative where no row has one, so that scores are products and nothing else.
  double largest_offset;
};

// |approximate - exact| <= absolute + relative * |approximate|.
struct ErrorBound {
  double absolute;
  double relative;
};

// For products of float16 vectors, added up in float32 in any order, multiplied by 2^-(both exponents), plus an offset; against exact scores rounded to
// float32.
//
// With q = q' + dq and r = r' + dr, where q' and r' are what float16 holds: |q r - q' r'| <= |dq| |r| + |q'| |dr|. Tensor cores add products
// after shifting them to the largest exponent among them, and cut off what leaves 24 bits: each of `dim` terms, and each intermediate sum, loses less than
// 2^-23 of the largest, which is at most |q'| |r'| (Fasi, Higham, Mikaitis and Pranesh 2021); 2^-22 covers both.
LMTX_ON_BOTH inline ErrorBound error_bound(const RoundedVectors& query, const RoundedVectors& rows, int64_t dim, const ScoreKind& kind) {
  const double query_length = ldexp(query.length, query.exponent), row_length = ldexp(rows.length, rows.exponent);
  const double query_half = query_length + query.rounding, row_half = row_length + rows.rounding;
  constexpr double half_rounding = 1.01 / 2048;
  double scaled = query.rounding * row_length + query_half * rows.rounding;
  scaled += static_cast<double>(dim + 16) * 0x1p-22 * query_half * row_half;
  if (kind.half) scaled += 0x1p-24;  // of numbers too small for float16
  const bool plain = kind.largest_offset < 0;
  if (kind.half && !plain) scaled += half_rounding * query_half * row_half;
  const double offset = plain ? 0.0 : kind.largest_offset;
  const double absolute = ldexp(scaled, -(query.exponent + rows.exponent)) + 0x1p-22 * (query.length * rows.length + offset) + 0x1p-126;
  return {absolute, kind.half && plain ? half_rounding : 0.0};
}

// Where a number of rows have approximate scores of at least `score`: below the result, a row's exact score is below those of all of these.
LMTX_ON_BOTH inline double bar_from_approximate(double score, const ErrorBound& error) {
  return score - 2 * error.absolute * (1 + 2 * error.relative) - 3 * error.relative * fabs(score);
}

// Below the result, a row's exact score is below `score`.
LMTX_ON_BOTH inline double bar_from_exact(double score, const ErrorBound& error) {
  return score - error.absolute * (1 + 2 * error.relative) - 2 * error.relative * fabs(score);
}

}  // namespace lmtx::cuda
