// Products of float16 matrices that are added up in float32.
#pragma once

namespace lmtx::cuda {

// While one lives, torch's products of float16 matrices do not round partial sums to float16, which cuBLAS may do for short matrices and torch allows by
// default. The setting is the whole process's: while it is on, other threads' products are more precise than asked for. May be made in several threads.
class ExactHalfSums {
 public:
  ExactHalfSums();
  ~ExactHalfSums();
  ExactHalfSums(const ExactHalfSums&) = delete;
  ExactHalfSums& operator=(const ExactHalfSums&) = delete;
};

}  // namespace lmtx::cuda
