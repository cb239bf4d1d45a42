#include "lmtx/teacher/http_oracle.h"

#include <pybind11/stl.h>

#include <algorithm>
#include <map>

#include "register.h"
#include "text.h"

namespace lmtx::python {
namespace {

const HttpOptions defaults;

std::vector<std::pair<std::string, std::string>> to_pairs(const std::map<std::string, std::string>& headers) { return {headers.begin(), headers.end()}; }

std::shared_ptr<HttpOracle> make_oracle(Text url, const ChatProtocol& protocol, Text key_variable, const std::map<std::string, std::string>& header_variables,
                                        int64_t max_concurrency, int64_t starting_concurrency, int64_t min_concurrency, double requests_per_minute,
                                        double tokens_per_minute, double connect_seconds, double response_seconds, double body_seconds, int64_t attempts,
                                        double backoff_seconds, double max_backoff_seconds, double give_up_seconds, double stop_seconds, bool warm_prefix,
                                        bool keep_raw, double prompt_price, double cached_price, double completion_price, uint64_t seed) {
  return HttpOracle::make({.url = std::move(url.utf8),
                           .key_variable = std::move(key_variable.utf8),
                           .header_variables = to_pairs(header_variables),
                           .max_concurrency = max_concurrency,
                           .starting_concurrency = std::min(starting_concurrency, max_concurrency),
                           .min_concurrency = min_concurrency,
                           .requests_per_minute = requests_per_minute,
                           .tokens_per_minute = tokens_per_minute,
                           .connect_seconds = connect_seconds,
                           .response_seconds = response_seconds,
                           .body_seconds = body_seconds,
                           .attempts = attempts,
                           .backoff_seconds = backoff_seconds,
                           .max_backoff_seconds = max_backoff_seconds,
                           .give_up_seconds = give_up_seconds,
                           .stop_seconds = stop_seconds,
                           .warm_prefix = warm_prefix,
                           .keep_raw = keep_raw,
                           .prompt_price = prompt_price,
                           .cached_price = cached_price,
                           .completion_price = completion_price,
                           .seed = seed},
                          protocol);
}

void register_stats(py::module_& m) {
  py::class_<HttpStats>(m, "HttpStats", R"(What an HttpOracle's requests came to so far. Immutable.

Every request is a try: it ends as an answer, as one of the failures, or given up on a stop request.

Example:
    >>> lmtx.HttpOracle('http://localhost:8000/v1', lmtx.ChatProtocol('llama')).stats()
    HttpStats(requests=0, answers=0, retries=0, notes=[]))")
      .def_readonly("requests", &HttpStats::requests, "int: tries.")
      .def_readonly("answers", &HttpStats::answers, "int: those whose answer was read.")
      .def_readonly("overloads", &HttpStats::overloads, "int: those that ended with the status 429 or 503.")
      .def_readonly("server_errors", &HttpStats::server_errors, "int: those that ended with another status that may pass, such as 500.")
      .def_readonly("connection_errors", &HttpStats::connection_errors, "int: those without a connection, or whose connection broke.")
      .def_readonly("timeouts", &HttpStats::timeouts, "int: those that were not answered in time.")
      .def_readonly("unreadable", &HttpStats::unreadable, "int: those whose answer made no sense.")
      .def_readonly("refusals", &HttpStats::refusals, "int: those that the server refused for good.")
      .def_readonly("retries", &HttpStats::retries, "int: those that were sent again.")
      .def_readonly("waits", &HttpStats::waits, "int: times that the server asked to wait (Retry-After).")
      .def_readonly("asked_alone", &HttpStats::asked_alone, "int: labels asked about alone since a list left them out.")
      .def_readonly("without_logprobs", &HttpStats::without_logprobs, "int: answers that lack the log-probabilities that were asked for.")
      .def_readonly("prompt_tokens", &HttpStats::prompt_tokens, "int: as the server says.")
      .def_readonly("cached_tokens", &HttpStats::cached_tokens, "int: those of them that came out of its prefix cache.")
      .def_readonly("completion_tokens", &HttpStats::completion_tokens, "int: as the server says.")
      .def_readonly("cost", &HttpStats::cost, "float: by the prices that were given.")
      .def_readonly("most_in_flight", &HttpStats::most_in_flight, "int: requests at once, at most.")
      .def_readonly("concurrency", &HttpStats::concurrency, "int: requests that may be on their way at once now.")
      .def_readonly("notes", &HttpStats::notes, "list[str]: what people should know, such as that the server gives no log-probabilities.")
      .def("__repr__", [](const HttpStats& stats) {
        return py::str("HttpStats(requests={}, answers={}, retries={}, notes={!r})").format(stats.requests, stats.answers, stats.retries, stats.notes);
      });
}

}  // namespace

void register_http_oracle(py::module_& m) {
  using release = py::call_guard<py::gil_scoped_release>;
  register_stats(m);
  py::class_<HttpOracle, TeacherOracle, py::smart_holder>(m, "HttpOracle", R"(A language model behind an OpenAI-compatible server: vLLM, llama.cpp, hosted.

lmtx.teachers.openai() makes one with fewer words. Nothing is sent before the first question. The identity is the protocol's: neither the address nor the limits
change a verdict.

Example:
    >>> protocol = lmtx.ChatProtocol('llama', prompt=lmtx.Prompt(task='Tags are subjects of laws.'))
    >>> teacher = lmtx.HttpOracle('http://localhost:8000/v1', protocol, max_concurrency=16)
    >>> teacher
    HttpOracle('http://localhost:8000/v1', identity='openai/llama/...'))")
      .def(py::init(&make_oracle), py::arg("url"), py::arg("protocol"), py::kw_only(), py::arg("key_variable") = Text{},
           py::arg_v("header_variables", std::map<std::string, std::string>{}, "{}"), py::arg("max_concurrency") = defaults.max_concurrency,
           py::arg("starting_concurrency") = defaults.starting_concurrency, py::arg("min_concurrency") = defaults.min_concurrency,
           py::arg("requests_per_minute") = defaults.requests_per_minute, py::arg("tokens_per_minute") = defaults.tokens_per_minute,
           py::arg("connect_seconds") = defaults.connect_seconds, py::arg("response_seconds") = defaults.response_seconds,
           py::arg("body_seconds") = defaults.body_seconds, py::arg("attempts") = defaults.attempts, py::arg("backoff_seconds") = defaults.backoff_seconds,
           py::arg("max_backoff_seconds") = defaults.max_backoff_seconds, py::arg("give_up_seconds") = defaults.give_up_seconds,
           py::arg("stop_seconds") = defaults.stop_seconds, py::arg("warm_prefix") = defaults.warm_prefix, py::arg("keep_raw") = defaults.keep_raw,
           py::arg("prompt_price") = defaults.prompt_price, py::arg("cached_price") = defaults.cached_price,
           py::arg("completion_price") = defaults.completion_price, py::arg("seed") = defaults.seed,
           R"(A teacher that asks this server.

Args:
    url: The server's base address with its version, such as 'http://localhost:8000/v1', without user, query and fragment.
    protocol: What is asked, and how answers are read.
    key_variable: The environment variable that holds the key, which is sent as 'Authorization: Bearer KEY' and is in no message, file or identity; '': no key.
    header_variables: Further headers: by name the environment variable that holds the value.
    max_concurrency: Requests in flight at most, 4096 at most. Their number grows while answers come well and halves when the server is overloaded.
    starting_concurrency: Requests in flight at first; `max_concurrency` where that is smaller.
    min_concurrency: Requests in flight however overloaded the server is.
    requests_per_minute: What the server's owner allows; 0: no limit.
    tokens_per_minute: The same for tokens of prompts and answers, estimated before a request and corrected after it.
    connect_seconds: For a connection.
    response_seconds: From a request to its whole answer.
    body_seconds: From the first byte of an answer to its last.
    attempts: How often a request may fail before its pairs do; failures while nothing at all is answered do not count.
    backoff_seconds: Before try n + 1: a random part of backoff_seconds * 2**(n - 1), and what the server asks for (Retry-After).
    max_backoff_seconds: The most that this is a random part of.
    give_up_seconds: When no request was answered for so long the run ends with TeacherError.
    stop_seconds: How long requests in flight are waited for when the run wants to end.
    warm_prefix: Send the first request about a document alone, so that the server has its prefix when the others come.
    keep_raw: Keep the text of answers beside the verdicts.
    prompt_price: Per million tokens, for costs.
    cached_price: The same for tokens out of the server's prefix cache; below 0: as `prompt_price`.
    completion_price: The same for tokens of answers.
    seed: Of the random parts of waits.

Raises:
    ValueError: Naming the option that makes no sense, or the environment variable that is not set.
    RuntimeError: Where LMTX was built without libcurl (LMTX_HTTP=OFF).)")
      .def("stats", &HttpOracle::stats, release(), R"(HttpStats: what the requests came to so far. May be called while the teacher is at work.

Example:
    >>> lmtx.HttpOracle('http://localhost:8000/v1', lmtx.ChatProtocol('llama')).stats().concurrency
    8)")
      .def_property_readonly(
          "url", [](const HttpOracle& oracle) { return oracle.options().url; }, "str: the server's base address.")
      .def_property_readonly("protocol", &HttpOracle::protocol, "ChatProtocol: what is asked, and how answers are read.")
      .def_property_readonly(
          "key_variable", [](const HttpOracle& oracle) { return oracle.options().key_variable; },
          "str: the environment variable that held the key; '': no key.")
      .def("__repr__", [](const HttpOracle& oracle) { return py::str("HttpOracle({!r}, identity={!r})").format(oracle.options().url, oracle.identity()); });
}

}  // namespace lmtx::python
