#include "lmtx/train/options.h"

#include <algorithm>
#include <limits>
#include <stdexcept>

#include "catch.h"
#include "data.h"
#include "lmtx/detail/files.h"
#include "lmtx/detail/options_json.h"

using namespace lmtx;

namespace {

// Of an exception's message, whatever its type.
template <typename Call>
std::string message_of(Call call) {
  try {
    call();
  } catch (const std::exception& error) {
    return error.what();
  }
  return "no exception";
}

std::string refusal(const std::string& name, const std::string& value) {
  return message_of([&] {
    TrainerOptions options;
    set_option(options, name, value);
  });
}

}  // namespace

TEST_CASE("the paper preset has the published settings") {
  const TrainerOptions paper = preset("paper");
  CHECK(paper.cycles == 6);
  CHECK(paper.judgments_per_cycle == 10);
  CHECK(paper.yes_above == 0.5);
  CHECK(paper.restart);
  CHECK_FALSE(paper.use_all_judgments);
  CHECK(paper.development == 800);
  CHECK(paper.document_length == 450);
  CHECK(paper.search_length == 0);
  CHECK(paper.label_length == 0);
  CHECK(paper.document_prompt == "default");
  CHECK(paper.label_prompt == "default");
  CHECK(paper.epochs == 1);
  CHECK(paper.batch_size == 128);
  CHECK(paper.learning_rate == 2e-4);
  CHECK(paper.warmup == 100);
  CHECK(paper.schedule == "linear");
  CHECK(paper.max_gradient_norm == 0);
  CHECK(paper.adam_epsilon == 1e-6);
  CHECK(paper.weight_decay == 0);
  CHECK(paper.margin == 0.3);
  CHECK(paper.hard_negatives == 10);
  CHECK(paper.violator_temperature == 0.1);
  CHECK(paper.dropout);
  CHECK(preset_names() == std::vector<std::string>{"default", "paper", "paper-tuned", "maclr", "rts"});
}

TEST_CASE("an unknown preset is refused with the names of those there are") {
  CHECK_THROWS_WITH(preset("papre"), "There is no preset `papre`. Presets: default, paper, paper-tuned, maclr, rts.");
}

TEST_CASE("every option is described with its type, value and a sentence") {
  const std::vector<OptionInfo> infos = describe({});
  // As many as the struct has members; nothing else notices one that is missing in the table.
  REQUIRE(infos.size() == 95);
  for (const OptionInfo& info : infos) {
    INFO(info.name);
    CHECK(info.help.back() == '.');
    CHECK((info.type == "integer" || info.type == "number" || info.type == "boolean" || info.type == "text"));
  }
  CHECK(infos[0].name == "cycles");
  CHECK(infos[0].value == "6");
  const auto rate = std::find_if(infos.begin(), infos.end(), [](const OptionInfo& info) { return info.name == "learning_rate"; });
  CHECK(rate->value == "0.0002");
  CHECK(rate->type == "number");
}

TEST_CASE("described values set the same options again") {
  TrainerOptions options;
  options.learning_rate = 1.0 / 3;
  options.adam_epsilon = 1e-9;
  options.seed = std::numeric_limits<uint64_t>::max();
  options.restart = false;
  options.document_prompt = "query: ";
  options.label_prompt = "";
  TrainerOptions copy;
  for (const OptionInfo& info : describe(options)) set_option(copy, info.name, info.value);
  CHECK(copy == options);
}

TEST_CASE("options go through JSON unchanged") {
  TrainerOptions options;
  options.warmup = 0.2;
  options.seed = std::numeric_limits<uint64_t>::max();
  options.dropout = false;
  options.label_prompt = "\"passage\": ";
  const detail::Json json = detail::parse_json(detail::options_to_json(options).dump(), "test");
  CHECK(detail::options_from_json(json, "run.json") == options);
}

TEST_CASE("options in JSON are checked with the place in the message") {
  CHECK_THROWS_WITH(detail::options_from_json({{"cycels", 3}}, "run.json"), "run.json: There is no option `cycels`. Did you mean `cycles`?");
  CHECK_THROWS_WITH(detail::options_from_json({{"cycles", 2.5}}, "run.json"), "run.json: `cycles` must be an integer, but is \"2.5\" instead.");
  CHECK_THROWS_WITH(detail::options_from_json(detail::Json::array(), "run.json"), "run.json: The options must be an object, but came as array instead.");
}

TEST_CASE("set_option reads text") {
  TrainerOptions options;
  set_option(options, "epochs", "3");
  set_option(options, "learning_rate", "1e-4");
  set_option(options, "restart", "false");
  CHECK(options.epochs == 3);
  CHECK(options.learning_rate == 1e-4);
  CHECK_FALSE(options.restart);
  set_option(options, "document_prompt", " query: ");
  CHECK(options.document_prompt == " query: ");
}

TEST_CASE("an unknown option is refused with the nearest there is") {
  CHECK(refusal("learning-rate", "1") == "There is no option `learning-rate`. Did you mean `learning_rate`?");
  CHECK(refusal("batchsize", "1") == "There is no option `batchsize`. Did you mean `batch_size`?");
}

TEST_CASE("a value that cannot be read is refused with what the option takes") {
  CHECK(refusal("epochs", "three") == "`epochs` must be an integer, but is \"three\" instead.");
  CHECK(refusal("epochs", "") == "`epochs` must be an integer, but is \"\" instead.");
  CHECK(refusal("epochs", "3 ") == "`epochs` must be an integer, but is \"3 \" instead.");
  CHECK(refusal("epochs", "99999999999999999999") == "`epochs` must be an integer, but is \"99999999999999999999\" instead.");
  CHECK(refusal("seed", "-1") == "`seed` must be an integer from 0 to 18446744073709551615, but is \"-1\" instead.");
  CHECK(refusal("margin", "0,3") == "`margin` must be a number, but is \"0,3\" instead.");
  CHECK(refusal("schedule", "cosin") == "`schedule` must be one of \"linear\", \"cosine\", \"constant\", but is \"cosin\" instead.");
  CHECK(refusal("dtype", "float16") == "`dtype` must be one of \"auto\", \"float32\", \"bfloat16\", but is \"float16\" instead.");
  CHECK(refusal("dropout", "yes") == "`dropout` must be true or false, but is \"yes\" instead.");
}

TEST_CASE("a value out of range is refused, and nothing is changed") {
  CHECK(refusal("epochs", "0") == "`epochs` must be at least 1, but is 0 instead.");
  CHECK(refusal("yes_above", "0") == "`yes_above` must be in (0, 1], but is 0 instead.");
  CHECK(refusal("search_length", "2") == "`search_length` must be 0 or at least 3, but is 2 instead.");
  CHECK(refusal("learning_rate", "0") == "`learning_rate` must be greater than 0, but is 0 instead.");
  CHECK(refusal("learning_rate", "nan") == "`learning_rate` must be greater than 0, but is nan instead.");
  CHECK(refusal("warmup", "inf") == "`warmup` must be at least 0, but is inf instead.");
  TrainerOptions options;
  CHECK_THROWS(set_option(options, "epochs", "0"));
  CHECK(options == TrainerOptions{});
}

TEST_CASE("check names the first option that makes no sense") {
  CHECK_NOTHROW(check({}));
  TrainerOptions options;
  options.accept_missing = 1.5;
  options.batch_size = 1;
  CHECK_THROWS_WITH(check(options), "`accept_missing` must be in [0, 1], but is 1.5 instead.");
}

TEST_CASE("options that contradict each other are refused") {
  const auto refusal_of = [](auto change) {
    TrainerOptions options;
    change(options);
    return message_of([&] { check(options); });
  };
  CHECK(refusal_of([](TrainerOptions& o) { o.loss = "bce"; }) == "`loss` must be \"triplet\" where `plan` is \"one_yes\", but is \"bce\" instead.");
  CHECK(refusal_of([](TrainerOptions& o) { o.bce_weight = 0.3; }) == "`bce_weight` must be 0 where `plan` is \"one_yes\", but is 0.3 instead.");
  CHECK(refusal_of([](TrainerOptions& o) { o.decoupled_weight = 1; }) == "`decoupled_weight` must be 0 where `plan` is \"one_yes\", but is 1 instead.");
  CHECK(refusal_of([](TrainerOptions& o) { o.yes_rate = -0.5; }) == "`yes_rate` must be -1 or in [0, 1), but is -0.5 instead.");
  CHECK(refusal_of([](TrainerOptions& o) { o.yes_rate = -1; }) == "no exception");
  CHECK(refusal_of([](TrainerOptions& o) { o.plan = "all_judged", o.loss = "bce", o.bce_weight = 1; }) == "no exception");
}

TEST_CASE("docs/options.md lists every option with its default and meaning") {
  const std::string page = detail::read_file(test::data_folder() / ".." / ".." / "docs" / "options.md");
  for (const OptionInfo& info : describe({})) {
    CHECK_THAT(page, ContainsSubstring("| `" + info.name + "` | " + info.type + " | " + info.value + " | " + info.help + " |\n"));
  }
}

TEST_CASE("the presets without a teacher have their scaled settings") {
  const TrainerOptions maclr = preset("maclr"), rts = preset("rts");
  CHECK(maclr.method == "maclr");
  CHECK(maclr.learning_rate == 2e-5);
  CHECK(maclr.warmup == 0.1);
  CHECK(maclr.weight_decay == 0);
  CHECK(maclr.epochs == 10);
  CHECK(maclr.steps == 300);
  CHECK(maclr.max_steps == 3000);
  CHECK(maclr.batch_size == 128);
  CHECK(maclr.document_length == 128);
  CHECK(maclr.title_length == 32);
  CHECK(maclr.label_length == 32);
  CHECK(maclr.random_labels == 32);
  CHECK(maclr.temperature == 0.05);
  CHECK(maclr.self_training_epochs == 3);
  CHECK(maclr.self_training_rate == 0.5);
  CHECK(maclr.clusters == "auto");
  CHECK(rts.method == "rts");
  CHECK(rts.learning_rate == 2e-5);
  CHECK(rts.final_rate == 0.1);
  CHECK(rts.warmup == 0);
  CHECK(rts.weight_decay == 0.01);
  CHECK(rts.epochs == 3);
  CHECK(rts.batch_size == 256);
  for (const TrainerOptions& options : {maclr, rts}) {
    CHECK(options.max_gradient_norm == 1);
    CHECK(options.dropout);
    CHECK_NOTHROW(check(options));
  }
}
