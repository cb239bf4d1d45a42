// One small file of every format, made by LMTX itself, and what is read from each: for golden files, and for files to be damaged.
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "lmtx/detail/json.h"
#include "lmtx/train/curriculum_trainer.h"

namespace lmtx::test {

namespace fs = std::filesystem;

// Makes in `folder`: `model` (vocab.txt) and `model-json` (tokenizer.json), `tokenizers` (a folder of each other kind), `documents.jsonl`, `labels.jsonl` and
// `verdicts.jsonl`, the first and the last also with `.gz`, `judgments.db`, `index`, `graph` (a label index with an HNSW graph), `run` (a work folder in the
// middle of the second cycle's training), `finished` (the same at its end), `vectors` (a file of vectors in the making), and `calibration.json`,
// `calibration-isotonic.json` and `combination.json`.
void make_valid_files(const fs::path& folder);

struct Format {
  std::string name;
  // In the folder above; those of a folder are meant with all in it.
  std::vector<std::string> files;
  // Whether damage to any byte that means something is noticed.
  bool sealed = false;
  // What the files in the folder say.
  std::function<detail::Json(const fs::path&)> read;
};
// Every format that LMTX reads, but for what is only read as part of a run: checkpoints, logs and trained.json.
const std::vector<Format>& formats();

// The files that `names` stand for, by their paths in `folder`; sorted.
std::vector<std::string> files_of(const fs::path& folder, const std::vector<std::string>& names);

// The run of `folder` with the work folder `run`.
CurriculumTrainer trainer_in(const fs::path& folder, const fs::path& run);

}  // namespace lmtx::test
