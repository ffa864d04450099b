/* Files whose calls may take long: regular files and disks. */
#ifndef BINE_IO_FILE_H
#define BINE_IO_FILE_H

#include "io/transfer.h"

/* Reads or writes at the file's own position. */
ssize_t file_transfer(struct use *use, const struct transfer *transfer);

#endif
