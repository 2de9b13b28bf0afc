//go:build linux || darwin || freebsd || netbsd

package disk

import (
	"io/fs"
	"syscall"
	"time"
)

// changeTime returns the inode's change time and number.
func changeTime(info fs.FileInfo) (time.Time, uint64) {
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return time.Time{}, 0
	}
	return ctime(st), uint64(st.Ino)
}
