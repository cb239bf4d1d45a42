// Of the fault injector that this program is linked with.
#pragma once

// Looks at the environment again, and counts from the start.
extern "C" void lmtx_reload_faults();
