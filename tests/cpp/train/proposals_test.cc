// Shortlists out of several sources.
#include "lmtx/train/proposals.h"

#include <ATen/Parallel.h>
#include <ATen/ops/div.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/norm.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "card.h"
#include "catch.h"
#include "lmtx/detail/files.h"
#include "lmtx/detail/random.h"
#include "lmtx/stopped.h"
#include "lmtx/train/lexical_shortlister.h"
#include "lmtx/train/neighbour_labels.h"
#include "lmtx/train/options.h"
#include "trainer_fixtures.h"

using namespace lmtx;
using namespace lmtx::test;

namespace {

// Names of 40 labels, of which 30 to 39 read like 0 to 9.
LabelSet some_labels() {
  std::vector<Label> labels;
  for (int i = 0; i < 40; ++i) labels.push_back({uid("l", i), "w" + std::to_string(10 + i % 30) + " w" + std::to_string(10 + i % 30 % 7), "", {}, {}});
  return LabelSet(std::move(labels));
}

Shortlists dense_lists(std::vector<int64_t> documents, int64_t k, int64_t num_labels, uint64_t seed) {
  Shortlists lists{.k = k, .documents = std::move(documents), .labels = {}, .scores = {}};
  for (const int64_t document : lists.documents) {
    const auto labels = detail::permutation(num_labels, detail::random_key(seed, "dense", {document}));
    for (int64_t j = 0; j < k; ++j) {
      lists.labels.push_back(static_cast<int32_t>(labels[j]));
      lists.scores.push_back(1 - 0.01f * static_cast<float>(j));
    }
  }
  return lists;
}

RankedLists ranked_lists(int64_t n, int64_t longest, int64_t num_labels, uint64_t seed) {
  RankedLists lists;
  for (int64_t i = 0; i < n; ++i) {
    const auto labels = detail::permutation(num_labels, detail::random_key(seed, "ranked", {i}));
    for (int64_t j = 0; j < i % (longest + 1); ++j) {
      lists.labels.push_back(labels[j]);
      lists.scores.push_back(20 - static_cast<float>(j));
    }
    lists.offsets.push_back(static_cast<int64_t>(lists.labels.size()));
  }
  return lists;
}

std::vector<int64_t> rising(int64_t n, int64_t step = 3) {
  std::vector<int64_t> numbers;
  for (int64_t i = 0; i < n; ++i) numbers.push_back(step * i + 1);
  return numbers;
}

at::Tensor unit_vectors(int64_t n, int64_t dim, uint64_t seed) {
  at::Tensor vectors = at::empty({n, dim}, at::kFloat);
  detail::KeyedRandom random(detail::random_key(seed, "vectors"));
  for (int64_t i = 0; i < n * dim; ++i) vectors.mutable_data_ptr<float>()[i] = static_cast<float>(random.uniform() - 0.5);
  return vectors.div(vectors.norm(2, 1, true));
}

// Four labels a document, with targets of any size.
std::vector<JudgedDocument> judge(const std::vector<int64_t>& documents, int64_t num_labels, uint64_t seed) {
  std::vector<JudgedDocument> judged;
  for (const int64_t document : documents) {
    auto labels = detail::permutation(num_labels, detail::random_key(seed, "judged", {document}));
    labels.resize(4);
    std::sort(labels.begin(), labels.end());
    detail::KeyedRandom random(detail::random_key(seed, "targets", {document}));
    JudgedDocument& next = judged.emplace_back();
    next.document = document;
    for (const int64_t label : labels) {
      next.labels.emplace_back();
      next.labels.back().label = label;
      next.labels.back().score = random.uniform();
    }
  }
  return judged;
}

double score_of(const JudgedLabel& label) { return label.score; }

// The same by looking at all pairs of documents in float64: scores of labels by document.
std::vector<std::map<int64_t, double>> slow_neighbour_scores(const at::Tensor& vectors, const std::vector<int64_t>& documents,
                                                             const std::vector<JudgedDocument>& judged, const NeighbourOptions& options) {
  const at::Tensor products = vectors.to(at::kDouble).matmul(vectors.to(at::kDouble).t()).contiguous();
  std::vector<std::map<int64_t, double>> scores(documents.size());
  for (size_t i = 0; i < documents.size(); ++i) {
    std::vector<std::pair<double, const JudgedDocument*>> others;
    for (const JudgedDocument& document : judged) {
      const auto place = std::find(documents.begin(), documents.end(), document.document) - documents.begin();
      if (place != static_cast<int64_t>(i)) others.emplace_back(products.const_data_ptr<double>()[i * documents.size() + place], &document);
    }
    std::sort(others.begin(), others.end(), [](const auto& a, const auto& b) { return a.first > b.first; });
    others.resize(std::min<size_t>(others.size(), options.neighbours));
    double sum = 0;
    for (const auto& [cosine, document] : others) sum += std::exp(cosine / options.temperature);
    for (const auto& [cosine, document] : others) {
      for (const JudgedLabel& label : document->labels) {
        if (label.score >= options.least_target) scores[i][label.label] += std::exp(cosine / options.temperature) / sum * label.score;
      }
    }
  }
  return scores;
}

}  // namespace

TEST_CASE("Dense lists alone keep their order and scores") {
  const auto documents = rising(20);
  const Shortlists dense = dense_lists(documents, 8, 30, 1);
  const Proposals proposals = propose(documents, {.dense = &dense}, 30, {}, {.size = 5});
  REQUIRE(proposals.documents == documents);
  for (int64_t i = 0; i < 20; ++i) {
    REQUIRE(std::equal(proposals.labels_of(i).begin(), proposals.labels_of(i).end(), dense[i].begin(), dense[i].begin() + 5));
    REQUIRE(proposals.scores[proposals.offsets[i] + 4] == 0.96f);
  }
  REQUIRE(std::all_of(proposals.sources.begin(), proposals.sources.end(), [](uint8_t bits) { return bits == proposed_by::dense; }));
}

TEST_CASE("Several rankings are fused, and each label says where it comes from") {
  const auto documents = rising(50);
  const Shortlists dense = dense_lists(documents, 6, 30, 1);
  const RankedLists bm25 = ranked_lists(50, 9, 30, 2), neighbours = ranked_lists(50, 4, 30, 3);
  const double dense_weight = GENERATE(0.0, 0.6), neighbours_weight = GENERATE(1.0, 0.4);
  const ProposalOptions options{
      .sources = parse_sources("dense+neighbours+bm25"), .size = 7, .dense_weight = dense_weight, .neighbours_weight = neighbours_weight};
  const Proposals proposals = propose(documents, {&dense, &bm25, &neighbours}, 30, {}, options);
  for (int64_t i = 0; i < 50; ++i) {
    std::map<int64_t, double> scores;
    std::map<int64_t, int> sources;
    const auto add = [&](const auto& labels, const auto& of_labels, double weight, bool divide, uint8_t bit) {
      for (size_t j = 0; j < labels.size(); ++j) {
        const double part = dense_weight > 0 ? weight * of_labels[j] / (divide ? of_labels[0] : 1) : 1 / (61.0 + static_cast<double>(j));
        scores[labels[j]] += part * (bit == proposed_by::neighbours ? neighbours_weight : 1);
        sources[labels[j]] |= bit;
      }
    };
    add(dense[i], std::span(dense.scores).subspan(i * 6, 6), dense_weight, false, proposed_by::dense);
    add(bm25.labels_of(i), bm25.scores_of(i), (1 - dense_weight) / 2, true, proposed_by::bm25);
    add(neighbours.labels_of(i), neighbours.scores_of(i), (1 - dense_weight) / 2, true, proposed_by::neighbours);
    const auto labels = proposals.labels_of(i);
    REQUIRE(labels.size() == std::min<size_t>(7, scores.size()));
    std::vector<double> best;
    for (const auto& [label, score] : scores) best.push_back(score);
    std::sort(best.rbegin(), best.rend());
    for (size_t j = 0; j < labels.size(); ++j) {
      REQUIRE(proposals.scores[proposals.offsets[i] + j] == Approx(best[j]));
      REQUIRE(scores[labels[j]] == Approx(best[j]));
      REQUIRE(proposals.sources[proposals.offsets[i] + j] == sources[labels[j]]);
    }
  }
}

TEST_CASE("Labels drawn at random are outside all lists, different, and depend on seed, cycle and document only") {
  const auto documents = rising(400);
  const int64_t num_labels = GENERATE(12, 40, 5000);
  const Shortlists dense = dense_lists(documents, 8, num_labels, 1);
  const auto draw = [&](uint64_t seed, int64_t cycle) {
    return propose(documents, {.dense = &dense}, num_labels, {}, {.size = 6, .exploration = 4, .seed = seed, .cycle = cycle});
  };
  const Proposals proposals = draw(1, 0);
  std::set<int64_t> drawn;
  for (int64_t i = 0; i < 400; ++i) {
    const auto labels = proposals.labels_of(i);
    REQUIRE(labels.size() == 6);
    REQUIRE(std::set<int64_t>(labels.begin(), labels.end()).size() == 6);
    REQUIRE(std::equal(labels.begin(), labels.begin() + 2, dense[i].begin()));
    for (int64_t j = 2; j < 6; ++j) {
      REQUIRE(std::find(dense[i].begin(), dense[i].end(), labels[j]) == dense[i].end());
      REQUIRE(proposals.sources[proposals.offsets[i] + j] == proposed_by::exploration);
      REQUIRE(proposals.scores[proposals.offsets[i] + j] == 0);
      drawn.insert(labels[j]);
    }
  }
  // Everything has its turn.
  CHECK(static_cast<double>(drawn.size()) > 0.2 * static_cast<double>(std::min<int64_t>(num_labels, 1600)));
  REQUIRE(draw(1, 0) == proposals);
  if (num_labels > 12) {
    CHECK_FALSE(draw(2, 0) == proposals);
    CHECK_FALSE(draw(1, 1) == proposals);
  }
  const std::vector<int64_t> one{documents[7]};
  const Shortlists alone{
      .k = 8, .documents = one, .labels = {dense[7].begin(), dense[7].end()}, .scores = {dense.scores.begin() + 56, dense.scores.begin() + 64}};
  const Proposals of_one = propose(one, {.dense = &alone}, num_labels, {}, {.size = 6, .exploration = 4, .seed = 1});
  REQUIRE(std::equal(of_one.labels.begin(), of_one.labels.end(), proposals.labels_of(7).begin()));
}

TEST_CASE("Where fewer labels are left than should be drawn, all of them are") {
  const std::vector<int64_t> documents{4};
  const Shortlists dense{.k = 3, .documents = documents, .labels = {2, 0, 3}, .scores = {3, 2, 1}};
  const Proposals proposals = propose(documents, {.dense = &dense}, 5, {}, {.size = 9, .exploration = 6});
  REQUIRE(proposals.labels.size() == 5);
  REQUIRE(std::set<int32_t>(proposals.labels.begin() + 3, proposals.labels.end()) == std::set<int32_t>{1, 4});
}

TEST_CASE("Of labels that read alike only the first is proposed") {
  const LabelSet labels = some_labels();
  const Twins twins = Twins::of(labels);
  REQUIRE(twins.size() > 0);
  const auto documents = rising(60);
  const Shortlists dense = dense_lists(documents, 20, 40, 1);
  const RankedLists bm25 = ranked_lists(60, 20, 40, 2);
  const Proposals proposals =
      propose(documents, {.dense = &dense, .bm25 = &bm25}, 40, twins, {.sources = parse_sources("dense+bm25"), .size = 30, .exploration = 5});
  CHECK(std::all_of(proposals.labels.begin(), proposals.labels.end(), [&](int32_t label) { return twins.is_first(label); }));

  std::vector<Document> texts;
  for (int i = 0; i < 190; ++i) texts.push_back({uid("d", i), "w" + std::to_string(10 + i % 30), "and w12"});
  const RankedLists found = LexicalShortlister(labels, twins).shortlist(Corpus::from_documents(texts), documents, 50);
  CHECK(std::all_of(found.labels.begin(), found.labels.end(), [&](int64_t label) { return twins.is_first(label); }));

  const at::Tensor vectors = unit_vectors(60, 8, 1);
  const RankedLists heard = neighbour_labels(vectors, documents, judge(documents, 40, 1), score_of, twins, 50);
  CHECK_FALSE(heard.labels.empty());
  CHECK(std::all_of(heard.labels.begin(), heard.labels.end(), [&](int64_t label) { return twins.is_first(label); }));
}

TEST_CASE("Labels by words are BM25's for the texts of the documents that were asked for") {
  const LabelSet labels = some_labels();
  std::vector<Document> texts;
  for (int i = 0; i < 9000; ++i) texts.push_back({uid("d", i), "w" + std::to_string(10 + i % 30), i % 3 == 0 ? "" : "w" + std::to_string(10 + i % 8)});
  const Corpus corpus = Corpus::from_documents(texts);
  const auto numbers = rising(4500, 2);
  std::vector<Event> events;
  const RankedLists found = LexicalShortlister(labels, {}).shortlist(corpus, numbers, 6, [&](const Event& event) { events.push_back(event); });
  std::vector<std::string> wanted;
  for (const int64_t number : numbers) wanted.push_back(document_text(texts[number]));
  std::vector<std::string_view> names;
  for (const Label& label : labels) names.emplace_back(label.name);
  const std::vector<std::string_view> queries(wanted.begin(), wanted.end());
  CHECK(found == Bm25Index::build(names).search(queries, 6));
  REQUIRE(events.size() == 2);
  CHECK(events.back().done == 4500);
  CHECK(events.back().total == 4500);
  CHECK_THROWS_WITH(LexicalShortlister(labels, {}).shortlist(corpus, std::vector<int64_t>{9000}, 6), "Document 9000 is not among the 9000 of the corpus.");
}

TEST_CASE("Labels of judged neighbours are what comparing all documents gives") {
  const auto documents = rising(120);
  const at::Tensor vectors = unit_vectors(120, 16, 1);
  std::vector<int64_t> some;
  for (size_t i = 0; i < documents.size(); i += 2) some.push_back(documents[i]);
  auto judged = judge(some, 30, 1);
  for (const NeighbourOptions& options : {NeighbourOptions{}, NeighbourOptions{.neighbours = 5, .temperature = 0.2, .least_target = 0.7}}) {
    const auto expected = slow_neighbour_scores(vectors, documents, judged, options);
    const RankedLists found = neighbour_labels(vectors, documents, judged, score_of, {}, 12, options);
    REQUIRE(found.size() == 120);
    for (int64_t i = 0; i < 120; ++i) {
      std::vector<double> best;
      for (const auto& [label, score] : expected[i]) best.push_back(score);
      std::sort(best.rbegin(), best.rend());
      REQUIRE(found.labels_of(i).size() == std::min<size_t>(12, best.size()));
      for (size_t j = 0; j < found.labels_of(i).size(); ++j) {
        CHECK(found.scores_of(i)[j] == Approx(best[j]).epsilon(1e-4));
        CHECK(expected[i].at(found.labels_of(i)[j]) == Approx(best[j]).epsilon(1e-4));
      }
    }
  }
  SECTION("with any number of threads") {
    const RankedLists before = neighbour_labels(vectors, documents, judged, score_of, {}, 12);
    const int threads = at::get_num_threads();
    at::set_num_threads(3);
    CHECK(neighbour_labels(vectors, documents, judged, score_of, {}, 12) == before);
    at::set_num_threads(threads);
  }
  SECTION("and on a card") {
    if (!has_card()) return;
    CHECK(neighbour_labels(vectors.cuda(), documents, judged, score_of, {}, 12) == neighbour_labels(vectors, documents, judged, score_of, {}, 12));
  }
}

TEST_CASE("Without judged documents near by nothing is heard") {
  const std::vector<int64_t> documents{1, 2};
  const at::Tensor vectors = unit_vectors(2, 4, 1);
  CHECK(neighbour_labels(vectors, documents, {}, score_of, {}, 5).offsets == std::vector<int64_t>{0, 0, 0});
  // The only judged one does not hear itself.
  const auto judged = judge({2, 9}, 30, 1);
  const RankedLists heard = neighbour_labels(vectors, documents, judged, score_of, {}, 5, {.least_target = 0});
  CHECK(heard.offsets == std::vector<int64_t>{0, 4, 4});
  CHECK_THROWS_WITH(neighbour_labels(vectors, std::vector<int64_t>{1}, {}, score_of, {}, 5),
                    "`vectors` must have a row for each of the 1 documents, but has shape [2, 4] instead.");
  CHECK_THROWS_WITH(neighbour_labels(vectors, documents, {}, score_of, {}, 5, {.neighbours = 0}), "`neighbours` must be at least 1, but is 0 instead.");
}

TEST_CASE("Cosines are those of the vectors") {
  const auto documents = rising(900);
  const Shortlists dense = dense_lists(documents, 80, 200, 1);
  Proposals proposals = propose(documents, {.dense = &dense}, 200, {}, {.size = 80});
  const at::Tensor document_vectors = unit_vectors(900, 24, 1), label_vectors = unit_vectors(200, 24, 2);
  add_cosines(proposals, document_vectors, label_vectors);
  const at::Tensor products = document_vectors.to(at::kDouble).matmul(label_vectors.to(at::kDouble).t()).contiguous();
  for (int64_t i = 0; i < 900; i += 13) {
    for (int64_t j = proposals.offsets[i]; j < proposals.offsets[i + 1]; ++j) {
      REQUIRE(proposals.cosines[j] == Approx(products.const_data_ptr<double>()[i * 200 + proposals.labels[j]]).margin(1e-6));
    }
  }
  CHECK_THROWS_WITH(add_cosines(proposals, label_vectors, label_vectors),
                    "`document_vectors` must have a row for each of the 900 documents, but has shape [200, 24] instead.");
}

TEST_CASE("Proposals come back from their file as they were") {
  const Folder folder("proposals");
  const auto documents = rising(30);
  const Shortlists dense = dense_lists(documents, 6, 30, 1);
  const RankedLists bm25 = ranked_lists(30, 9, 30, 2);
  Proposals proposals = propose(documents, {.dense = &dense, .bm25 = &bm25}, 30, {}, {.sources = parse_sources("bm25"), .size = 7, .exploration = 1});
  proposals.save(folder / "proposals");
  REQUIRE(Proposals::load(folder / "proposals") == proposals);
  add_cosines(proposals, unit_vectors(30, 4, 1), unit_vectors(30, 4, 2));
  proposals.save(folder / "proposals");
  REQUIRE(Proposals::load(folder / "proposals") == proposals);
  CHECK(proposals.within(documents.back() + 1, 30));
  CHECK_FALSE(proposals.within(documents.back(), 30));
  CHECK_FALSE(proposals.within(documents.back() + 1, 20));

  SECTION("truncated anywhere it gives one clear line") {
    const std::string whole = detail::read_file(folder / "proposals");
    for (size_t size : {size_t{0}, size_t{7}, size_t{20}, whole.size() / 2, whole.size() - 1}) {
      detail::write_file_atomically(folder / "proposals", whole.substr(0, size));
      CHECK_THROWS_WITH(Proposals::load(folder / "proposals"), ContainsSubstring((folder / "proposals").string()));
    }
  }
  SECTION("arrays that do not fit together are refused") {
    const auto refused = [&](auto change) {
      Proposals changed = proposals;
      change(changed);
      changed.save(folder / "changed");
      CHECK_THROWS_WITH(Proposals::load(folder / "changed"), ContainsSubstring("its arrays do not fit together"));
    };
    refused([](Proposals& p) { p.labels.pop_back(); });
    refused([](Proposals& p) { p.scores.pop_back(); });
    refused([](Proposals& p) { p.sources.back() = 0; });
    refused([](Proposals& p) { p.sources.back() = 16; });
    refused([](Proposals& p) { p.cosines.pop_back(); });
    refused([](Proposals& p) { p.offsets[1] = -1; });
    refused([](Proposals& p) { p.offsets.pop_back(); });
    refused([](Proposals& p) { p.offsets.clear(); });
    refused([](Proposals& p) { p.documents[1] = p.documents[0]; });
    refused([](Proposals& p) { p.labels[0] = -1; });
  }
}

TEST_CASE("Proposals refuse rankings that do not fit, and stop") {
  const std::vector<int64_t> documents{1, 2}, others{1, 3};
  const Shortlists dense = dense_lists(documents, 3, 30, 1);
  const RankedLists bm25 = ranked_lists(3, 9, 30, 2);
  const auto with = [](const char* sources) { return ProposalOptions{.sources = parse_sources(sources)}; };
  CHECK_THROWS_WITH(propose(documents, {.dense = &dense}, 30, {}, with("dense+bm25")), "The ranking `bm25` is among the sources, but is missing.");
  CHECK_THROWS_WITH(propose(documents, {.dense = &dense, .bm25 = &bm25}, 30, {}, with("dense+bm25")),
                    "The ranking `bm25` must be of 2 documents, but is of 3 instead.");
  CHECK_THROWS_WITH(propose(others, {.dense = &dense}, 30, {}, {}), "The ranking `dense` is of other documents.");
  CHECK_THROWS_WITH(propose(documents, {.dense = &dense}, 30, {}, {.size = 3, .exploration = 4}),
                    "`exploration` must be from 0 to `size`, 3, but is 4 instead.");
  CHECK_THROWS_WITH(parse_sources("dense+bm52"), "`shortlist_sources` must be of dense, bm25 and neighbours, joined by \"+\", but is \"dense+bm52\" instead.");
  CHECK_THROWS_WITH(parse_sources(""), "`shortlist_sources` must be of dense, bm25 and neighbours, joined by \"+\", but is \"\" instead.");
  std::stop_source stop;
  stop.request_stop();
  CHECK_THROWS_AS(propose(documents, {.dense = &dense}, 30, {}, {}, stop.get_token()), Stopped);
}

TEST_CASE("Options of a run name the sources and sizes of its proposals") {
  const ProposalOptions plain = ProposalOptions::of({}, 2);
  CHECK(plain.sources == proposed_by::dense);
  CHECK(plain.size == 10);
  CHECK(plain.cycle == 2);
  TrainerOptions options;
  for (const char* sources : {"dense", "bm25", "dense+bm25", "dense+neighbours", "dense+bm25+neighbours"}) {
    set_option(options, "shortlist_sources", sources);
    CHECK(ProposalOptions::of(options, 0).sources == parse_sources(sources));
  }
  // From the second cycle on words count less in a mix; reciprocal ranks stay what they are.
  CHECK(ProposalOptions::of(options, 1).dense_weight == 0);
  options.dense_weight = 0.7;
  CHECK(ProposalOptions::of(options, 0).dense_weight == 0.7);
  CHECK(ProposalOptions::of(options, 1).dense_weight == Approx(0.9));
  set_option(options, "shortlist_size", "50");
  options.exploration = 51;
  CHECK(ProposalOptions::of(options, 0).size == 50);
  CHECK_THROWS_WITH(check(options), "`exploration` must be at most 50, the labels on a shortlist, but is 51 instead.");
}
