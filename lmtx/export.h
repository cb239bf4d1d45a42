// Marks the symbols that a shared lmtx library shows; everything else stays hidden.
#pragma once

#define LMTX_API __attribute__((visibility("default")))
