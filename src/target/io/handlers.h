// Handlers of the NVM command set's I/O commands (NVM Command Set 1.1, section 3).
#pragma once

#include "target/request.h"

namespace weft::target::io {

void read(Request& request);
void write(Request& request);
void compare(Request& request);
void write_zeroes(Request& request);
void dataset_management(Request& request);
void flush(Request& request);

}  // namespace weft::target::io
