// Time as the parts of the HTTP teacher are told it: each call gets the moment, so that tests make their own.
#pragma once

#include <chrono>

namespace lmtx::http {

using TimePoint = std::chrono::steady_clock::time_point;
using Seconds = std::chrono::duration<double>;

inline TimePoint now() { return std::chrono::steady_clock::now(); }
inline TimePoint after(TimePoint from, double seconds) { return from + std::chrono::duration_cast<TimePoint::duration>(Seconds(seconds)); }
inline double seconds_between(TimePoint from, TimePoint to) { return Seconds(to - from).count(); }

}  // namespace lmtx::http
