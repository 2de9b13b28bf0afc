package gate

import (
	"io/fs"
	"os"
	"strconv"
	"strings"

	"github.com/seed-b8174343/devserver/internal/disk"
)

// openReal opens the file and returns the real path of the open file. The kernel knows that path. So it takes one call
// for any number of links, and nobody can replace the file in between.
func openReal(file string) (f *os.File, info fs.FileInfo, real string, err error) {
	if f, info, err = disk.Open(file); err != nil {
		return nil, nil, "", err
	}
	if real, err = pathOf(f); err != nil { // no /proc here
		_ = f.Close()
		return openChecked(file)
	}
	return f, info, strings.TrimSuffix(real, " (deleted)"), nil // an editor has replaced the file since
}

func pathOf(f *os.File) (path string, err error) {
	raw, err := f.SyscallConn() // File.Fd would make reads block
	if err != nil {
		return "", err
	}
	controlErr := raw.Control(func(fd uintptr) { path, err = os.Readlink("/proc/self/fd/" + strconv.Itoa(int(fd))) })
	if controlErr != nil {
		return "", controlErr
	}
	return path, err
}
