#include "lmtx/train/shortlister.h"

#include <ATen/core/Tensor.h>

#include <algorithm>
#include <cstring>
#include <stdexcept>
#include <string>

#include "lmtx/nn/sentence_model.h"
#include "lmtx/stopped.h"
#include "lmtx/train/array_file.h"
#include "lmtx/train/card.h"
#include "lmtx/train/record_log.h"

namespace lmtx {

namespace {

constexpr detail::FileKind kind{"LMTXLIST", 1, "file of shortlists"};

LabelIndex embed_labels(const Encoder& encoder, const TokenFile& labels, const Twins& twins, const EmbeddingOptions& options, const EventCallback& on_event,
                        const std::stop_token& stop) {
  RaggedTokens tokens;
  const std::vector<int64_t> owners = twins.firsts(labels.size());
  for (const int64_t label : owners) append_sequence(tokens, labels[label]);
  return beside(LabelIndex::build(encoder.encode_tokens(tokens, embedding_options(options, options.prompts.label), on_event, stop), owners), encoder);
}

// A block as one record: label numbers (int32), then scores (float32).
std::string to_record(const LabelMatches& matches) {
  const at::Tensor labels = matches.labels.to(at::kInt).contiguous(), scores = matches.scores.contiguous();
  std::string record(static_cast<const char*>(labels.const_data_ptr()), labels.nbytes());
  return record.append(static_cast<const char*>(scores.const_data_ptr()), scores.nbytes());
}

void append(Shortlists& lists, const std::string& record) {
  const size_t count = record.size() / (sizeof(int32_t) + sizeof(float)), before = lists.labels.size();
  lists.labels.resize(before + count);
  lists.scores.resize(before + count);
  std::memcpy(lists.labels.data() + before, record.data(), count * sizeof(int32_t));
  std::memcpy(lists.scores.data() + before, record.data() + count * sizeof(int32_t), count * sizeof(float));
}

}  // namespace

LabelIndex beside(const LabelIndex& index, const Encoder& encoder) {
  const at::Device device = encoder.model().device();
  return card::has_bfloat16(device) ? index.to(device.str()) : index;
}

void Shortlists::save(const std::filesystem::path& file) const {
  ArrayFileWriter writer;
  writer.add(std::vector<int64_t>{k});
  writer.add(documents);
  writer.add(labels);
  writer.add(scores);
  writer.save(file, kind);
}

Shortlists Shortlists::load(const std::filesystem::path& file) {
  ArrayFileReader reader(file, kind);
  Shortlists lists;
  const auto k = reader.next<int64_t>();
  lists.documents = reader.next<int64_t>();
  lists.labels = reader.next<int32_t>();
  lists.scores = reader.next<float>();
  reader.finish();
  if (k.size() != 1 || k[0] < 1 || lists.labels.size() % static_cast<size_t>(k[0]) != 0) reader.refuse();
  lists.k = k[0];
  if (lists.labels.size() / static_cast<size_t>(lists.k) != lists.documents.size() || lists.scores.size() != lists.labels.size()) reader.refuse();
  if (!rises(lists.documents) || (!lists.documents.empty() && lists.documents.front() < 0)) reader.refuse();
  if (std::any_of(lists.labels.begin(), lists.labels.end(), [](int32_t label) { return label < 0; })) reader.refuse();
  return lists;
}

bool Shortlists::within(int64_t num_documents, int64_t num_labels) const {
  const bool documents_fit = documents.empty() || documents.back() < num_documents;
  return documents_fit && std::all_of(labels.begin(), labels.end(), [&](int32_t label) { return label < num_labels; });
}

Shortlister::Shortlister(Encoder encoder, const TokenFile& labels, const Twins& label_twins, const EmbeddingOptions& options, const EventCallback& on_event,
                         std::stop_token stop)
    : encoder_(std::move(encoder)), options_(options), index_(embed_labels(encoder_, labels, label_twins, options_, on_event, stop)) {}

Shortlists Shortlister::shortlist(const TokenFile& documents, std::span<const int64_t> numbers, int64_t k, const std::filesystem::path& log,
                                  const EventCallback& on_event, std::stop_token stop) const {
  const int64_t total = static_cast<int64_t>(numbers.size());
  Shortlists lists{.k = std::min(k, index_.num_labels()), .documents = {numbers.begin(), numbers.end()}, .labels = {}, .scores = {}};
  RecordLog blocks(log);
  for (const std::string& record : blocks.take_records()) append(lists, record);
  const int64_t done_before = static_cast<int64_t>(lists.labels.size());
  if (done_before % lists.k != 0 || done_before / lists.k > total)
    throw std::runtime_error(log.string() + ": its blocks are not of this run; delete it to have them done again.");
  for (int64_t done = static_cast<int64_t>(lists.labels.size()) / lists.k; done < total; done += documents_at_once) {
    const auto block = numbers.subspan(done, std::min(documents_at_once, total - done));
    const std::string record = to_record(search_block(documents, block, lists.k, detail::within(on_event, done, total), stop));
    blocks.append(record);
    append(lists, record);
  }
  return lists;
}

LabelMatches Shortlister::search_block(const TokenFile& documents, std::span<const int64_t> numbers, int64_t k, const EventCallback& on_event,
                                       std::stop_token stop) const {
  check_stop(stop);
  const EncodeOptions options = embedding_options(options_, options_.prompts.document);
  const at::Tensor vectors = encoder_.encode_tokens(cut_documents(documents, numbers, options_), options, on_event, stop);
  return index_.search(vectors, k, {}, {}, stop);
}

}  // namespace lmtx
