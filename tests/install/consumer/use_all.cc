// Uses something of each of the two libraries.
#include <lmtx/train/options.h>
#include <lmtx/version.h>

#include <iostream>

int main() { std::cout << lmtx::version() << ' ' << lmtx::preset("paper").batch_size << '\n'; }
