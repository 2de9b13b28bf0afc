package disk

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"time"
)

// State shows, without reading, whether a file is still the file that was read. Two States of one file are equal when the
// file is unchanged. The zero value is the state of no file.
type State struct {
	Size    int64
	ModTime time.Time
	// changed is the inode's change time, which catches edits that put the old ModTime back. inode catches another file in
	// the place of this one.
	changed time.Time
	inode   uint64
}

// Stat returns the state of the file, nil when there is no file.
func Stat(file string) *State {
	info, err := os.Stat(file)
	if err != nil {
		return nil
	}
	s := StateOf(info)
	return &s
}

// StateOf returns the state of the file that info describes.
func StateOf(info os.FileInfo) State {
	s := State{Size: info.Size(), ModTime: info.ModTime()}
	s.changed, s.inode = changeTime(info)
	return s
}

// Tag names the state in a few characters, for an ETag.
func (s State) Tag() string {
	return fmt.Sprintf("%x-%x-%x-%x", s.Size, s.ModTime.UnixNano(), s.changed.UnixNano(), s.inode)
}

// Fingerprint names the sizes and times of the files. It differs when one of them was written, created or removed.
func Fingerprint(names []string) string {
	var b strings.Builder
	for _, name := range slices.Compact(slices.Sorted(slices.Values(names))) {
		if info, err := os.Stat(name); err == nil {
			fmt.Fprintln(&b, name, info.Size(), info.ModTime().UnixNano())
		} else {
			fmt.Fprintln(&b, name, "gone")
		}
	}
	return b.String()
}
