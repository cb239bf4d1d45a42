#include "lmtx/teacher/http/request_lanes.h"

#include <utility>

namespace lmtx::http {

RequestLanes::RequestLanes(size_t num_questions, size_t max_open, bool warm_prefix, Make make)
    : num_questions_(num_questions), max_open_(max_open), warm_prefix_(warm_prefix), make_(std::move(make)) {}

const Job* RequestLanes::next(TimePoint now) {
  if (next_) return &*next_;
  if (!again_.empty() && again_.begin()->first <= now) {
    next_ = std::move(again_.extract(again_.begin()).mapped());
  } else if (again_.size() < max_open_) {
    if (Lane* lane = choose()) {
      next_ = std::move(lane->waiting.front());
      lane->waiting.pop_front();
    }
  }
  return next_ ? &*next_ : nullptr;
}

Job RequestLanes::take() {
  ++lanes_.at(next_->question).in_flight;
  return *std::exchange(next_, std::nullopt);
}

void RequestLanes::come_back(const Job& job, bool answered) {
  Lane& lane = lanes_.at(job.question);
  --lane.in_flight;
  lane.warm = lane.warm || answered;
}

void RequestLanes::finish(const Job& job) {
  const auto lane = lanes_.find(job.question);
  // Also where it failed for good: the others must not wait for it for ever.
  lane->second.warm = true;
  if (--lane->second.unfinished == 0) lanes_.erase(lane);
}

void RequestLanes::again(Job job, TimePoint due) { again_.emplace(due, std::move(job)); }

void RequestLanes::add(Job job) {
  Lane& lane = lanes_.at(job.question);
  ++lane.unfinished;
  lane.waiting.push_back(std::move(job));
}

std::optional<TimePoint> RequestLanes::next_due() const { return again_.empty() ? std::nullopt : std::optional(again_.begin()->first); }

template <typename Fits>
RequestLanes::Lane* RequestLanes::find(Fits fits) {
  for (auto& [question, lane] : lanes_) {
    if (!lane.waiting.empty() && fits(lane)) return &lane;
  }
  return nullptr;
}

RequestLanes::Lane* RequestLanes::choose() {
  if (!warm_prefix_) {
    Lane* lane = find([](const Lane&) { return true; });
    return lane ? lane : open();
  }
  if (Lane* lane = find([](const Lane& idle) { return idle.warm && idle.in_flight == 0; })) return lane;
  if (Lane* lane = open()) return lane;
  return find([](const Lane& lane) { return lane.warm; });
}

// The lane of the next question that there is anything to ask about.
RequestLanes::Lane* RequestLanes::open() {
  while (next_question_ < num_questions_ && lanes_.size() < max_open_) {
    const size_t question = next_question_++;
    std::vector<Job> jobs = make_(question);
    if (jobs.empty()) continue;
    Lane& lane = lanes_[question];
    lane.unfinished = static_cast<int64_t>(jobs.size());
    for (Job& job : jobs) lane.waiting.push_back(std::move(job));
    return &lane;
  }
  return nullptr;
}

}  // namespace lmtx::http
