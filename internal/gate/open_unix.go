//go:build unix

package gate

import (
	"os"
	"syscall"
)

// openNonblocking does not wait at a named pipe that nobody writes to.
func openNonblocking(file string) (*os.File, error) {
	return os.OpenFile(file, os.O_RDONLY|syscall.O_NONBLOCK, 0)
}
