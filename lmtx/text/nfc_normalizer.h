// Unicode's canonical composition (NFC), with the data that Hugging Face's `tokenizers` has.
#pragma once

#include "lmtx/export.h"
#include "lmtx/text/characters.h"
#include "lmtx/text/composition.h"
#include "lmtx/text/text_normalizer.h"

namespace lmtx::detail {

class LMTX_API NfcNormalizer : public TextNormalizer {
 public:
  bool keeps(std::string_view text) const override;
  void append(std::string_view text, std::string& normalized) const override;

 private:
  // Where the text may change next, from `begin` on: its size if nowhere.
  size_t next_change(std::string_view text, size_t begin) const;
  void append_composed(std::string_view stretch, std::string& normalized) const;

  const Characters& characters_ = Characters::get();
  const Composition& composition_ = Composition::get();
};

}  // namespace lmtx::detail
