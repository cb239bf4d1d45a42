// In the place of the HTTP teacher where LMTX is built without libcurl.
#include <stdexcept>

#include "lmtx/teacher/http_oracle.h"

namespace lmtx {

std::shared_ptr<HttpOracle> HttpOracle::make(HttpOptions, ChatProtocol) {
  throw std::runtime_error("This LMTX has no HTTP teacher: it was built without libcurl. Install libcurl4-openssl-dev and build with LMTX_HTTP=ON.");
}

}  // namespace lmtx
