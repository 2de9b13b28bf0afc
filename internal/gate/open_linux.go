package gate

import (
	"io/fs"
	"os"
	"strconv"
	"strings"

	"github.com/seed-b8174343/devserver/internal/disk"
)

// openReal opens the file and tells the real path of what is open. The kernel knows it: one call, however many links led
// there, and no time in which another file could be put in its place.
func openReal(file string) (f *os.File, info fs.FileInfo, real string, err error) {
	if f, info, err = disk.Open(file); err != nil {
		return nil, nil, "", err
	}
	if real, err = pathOf(f); err != nil { // no /proc here
		_ = f.Close()
		return openChecked(file)
	}
	return f, info, strings.TrimSuffix(real, " (deleted)"), nil // an editor has put its new file in the place of this one
}

func pathOf(f *os.File) (path string, err error) {
	raw, err := f.SyscallConn() // Fd would make reading block
	if err != nil {
		return "", err
	}
	controlErr := raw.Control(func(fd uintptr) { path, err = os.Readlink("/proc/self/fd/" + strconv.Itoa(int(fd))) })
	if controlErr != nil {
		return "", controlErr
	}
	return path, err
}
