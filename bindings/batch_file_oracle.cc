// Teachers that answer through files, and the folders in which these lie.
#include "lmtx/teacher/batch_file_oracle.h"

#include <pybind11/stl/filesystem.h>

#include "lmtx/teacher/batch_folder.h"
#include "register.h"
#include "text.h"

namespace lmtx::python {
namespace {

const BatchFileOptions defaults;

std::shared_ptr<BatchFileOracle> make_oracle(std::filesystem::path folder, const ChatProtocol& protocol, int64_t requests_per_file, int64_t bytes_per_file,
                                             bool keep_raw, double prompt_price, double completion_price) {
  return BatchFileOracle::make({.folder = std::move(folder),
                                .requests_per_file = requests_per_file,
                                .bytes_per_file = bytes_per_file,
                                .keep_raw = keep_raw,
                                .prompt_price = prompt_price,
                                .completion_price = completion_price},
                               protocol);
}

void register_status(py::module_& m) {
  py::class_<BatchStatus>(m, "BatchStatus", R"(What a folder of batches holds, in distinct requests where it does not say otherwise. Immutable.

Example:
    >>> teacher = lmtx.BatchFileOracle('batch', lmtx.ChatProtocol('llama'))
    >>> lmtx.train('train.jsonl', 'labels.jsonl', teacher=teacher, base='model', out='through-files', progress=False, preset='paper', cycles=1)
    Traceback (most recent call last):
    lmtx.PairsOpen: ... pairs are open. Their requests are in batch/requests; put the answers into batch/answers ...
    >>> lmtx.batch_status('batch')
    BatchStatus(requests=..., answered=0, failed=0, open=..., unknown=0))")
      .def_readonly("requests", &BatchStatus::requests, "int: written so far; answered + failed + open.")
      .def_readonly("answered", &BatchStatus::answered, "int: those that have an answer.")
      .def_readonly("failed", &BatchStatus::failed, "int: those that were answered with errors alone; the next run that needs them writes them again.")
      .def_readonly("open", &BatchStatus::open, "int: those that wait for an answer.")
      .def_readonly("unknown", &BatchStatus::unknown, "int: answers (lines) to requests that are not here.")
      .def_readonly("request_files", &BatchStatus::request_files, "int: files of requests.")
      .def_readonly("answer_files", &BatchStatus::answer_files, "int: files of answers.")
      .def("__repr__", [](const BatchStatus& status) {
        return py::str("BatchStatus(requests={}, answered={}, failed={}, open={}, unknown={})")
            .format(status.requests, status.answered, status.failed, status.open, status.unknown);
      });
}

void register_import(py::module_& m) {
  py::class_<BatchImport>(m, "BatchImport", R"(What a file of answers held, in lines. Immutable.

Example:
    >>> import json
    >>> teacher = lmtx.BatchFileOracle('imported', lmtx.ChatProtocol('llama'))
    >>> lmtx.train('train.jsonl', 'labels.jsonl', teacher=teacher, base='model', out='imported-run', progress=False, preset='paper', cycles=1)
    Traceback (most recent call last):
    lmtx.PairsOpen: ...
    >>> request = json.loads(open('imported/requests/00001.jsonl').readline())
    >>> answer = {'choices': [{'message': {'content': 'yes'}}]}
    >>> line = json.dumps({'custom_id': request['custom_id'], 'response': {'status_code': 200, 'body': answer}})
    >>> open('output.jsonl', 'w').write(line) == len(line)
    True
    >>> lmtx.import_batch_answers('imported', 'output.jsonl')
    BatchImport('imported/answers/output.jsonl', answers=1, repeated=0, failed=0, unknown=0))")
      .def_readonly("file", &BatchImport::file, "pathlib.Path: where the file is now.")
      .def_readonly("known", &BatchImport::known, "bool: the same file was there already, and nothing was done.")
      .def_readonly("lines", &BatchImport::lines, "int: all lines; answers + repeated + failed + unknown.")
      .def_readonly("answers", &BatchImport::answers, "int: lines that answer a request that had no answer yet.")
      .def_readonly("repeated", &BatchImport::repeated, "int: lines that answer one that had.")
      .def_readonly("failed", &BatchImport::failed, "int: lines that are an error in the place of an answer.")
      .def_readonly("unknown", &BatchImport::unknown, "int: lines for requests that are not here; nothing is made of them.")
      .def("__repr__", [](const BatchImport& import) {
        return py::str("BatchImport({!r}, answers={}, repeated={}, failed={}, unknown={})")
            .format(import.file.string(), import.answers, import.repeated, import.failed, import.unknown);
      });
}

void register_oracle(py::module_& m) {
  py::class_<BatchFileOracle, TeacherOracle, py::smart_holder>(m, "BatchFileOracle",
      R"(A language model that answers later, through files of OpenAI's batch interface.

Questions become requests in FOLDER/requests; answers are taken from FOLDER/answers, in any order, in parts, from several files. While answers are missing a run
ends with PairsOpen, and the same call goes on. lmtx.teachers.batch_file() makes one with fewer words.

Example:
    >>> lmtx.BatchFileOracle('later', lmtx.ChatProtocol('llama'))
    BatchFileOracle('later', identity='openai/llama/...'))")
      .def(py::init(&make_oracle), py::arg("folder"), py::arg("protocol"), py::kw_only(), py::arg("requests_per_file") = defaults.requests_per_file,
           py::arg("bytes_per_file") = defaults.bytes_per_file, py::arg("keep_raw") = defaults.keep_raw, py::arg("prompt_price") = defaults.prompt_price,
           py::arg("completion_price") = defaults.completion_price,
           R"(A teacher with this folder, which is made at the first question.

Args:
    folder: Holds requests/ and answers/.
    protocol: What is asked, and how answers are read. The identity is the protocol's: online and in batches the same judgments.
    requests_per_file: Requests that a file holds at most.
    bytes_per_file: Bytes that a file holds at most, but for a request that is larger alone.
    keep_raw: Keep the text of answers beside the verdicts.
    prompt_price: Per million tokens, for costs.
    completion_price: The same for tokens of answers.

Raises:
    ValueError: Naming the option that makes no sense, or a folder that cannot be written.)")
      .def_property_readonly("folder", [](const BatchFileOracle& oracle) { return oracle.options().folder; }, "pathlib.Path: the folder.")
      .def_property_readonly("protocol", &BatchFileOracle::protocol, "ChatProtocol: what is asked, and how answers are read.")
      .def("__repr__", [](const BatchFileOracle& oracle) {
        return py::str("BatchFileOracle({!r}, identity={!r})").format(oracle.options().folder.string(), oracle.identity());
      });
}

}  // namespace

void register_batch_file_oracle(py::module_& m) {
  register_status(m);
  register_import(m);
  register_oracle(m);
  m.def("batch_status", &batch_status, py::arg("folder"), py::call_guard<py::gil_scoped_release>(), R"(Reads the files of a folder of batches.

Args:
    folder: Of a BatchFileOracle.

Raises:
    RuntimeError: Naming the folder that is missing, or file and line of what is no request or answer.

Example:
    >>> lmtx.batch_status('nowhere')
    Traceback (most recent call last):
    RuntimeError: nowhere: expected a folder of batches, with the folder requests in it, but there is none.)");
  m.def("import_batch_answers", &import_batch_answers, py::arg("folder"), py::arg("file"), py::call_guard<py::gil_scoped_release>(),
        R"(Checks a provider's file of answers and puts a copy of it into FOLDER/answers, whole or not at all.

Args:
    folder: Of a BatchFileOracle.
    file: JSON lines as OpenAI's batch interface and vLLM write them, plain or gzip.

Raises:
    RuntimeError: Naming file and line of what is no answer, and a file that answers nothing that was asked here.

Example:
    >>> lmtx.import_batch_answers('nowhere', 'output.jsonl')
    Traceback (most recent call last):
    RuntimeError: nowhere: expected a folder of batches, with the folder requests in it, but there is none.)");
}

}  // namespace lmtx::python
