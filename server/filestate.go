package server

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/seed-b8174343/devserver/internal/graph"
)

// fileState is what tells, without reading, that a file is still the one that was read. ctime catches edits that
// put the old mtime back, the inode those that put another file in its place.
type fileState struct {
	size         int64
	mtime, ctime time.Time
	inode        uint64
}

// statFile returns the state of the file, nil when there is none.
func statFile(file string) *fileState {
	info, err := os.Stat(file)
	if err != nil {
		return nil
	}
	s := &fileState{size: info.Size(), mtime: info.ModTime()}
	s.ctime, s.inode = changeTime(info)
	return s
}

// stale tells whether the file behind the version is another one now.
func stale(file string, v *graph.Version) bool {
	was, ok := v.State.(*fileState)
	if !ok || was == nil || file == "" {
		return false
	}
	now := statFile(file)
	return now == nil || *now != *was
}

// filled tells whether the version came from a file that was not empty.
func filled(v *graph.Version) bool {
	s, ok := v.State.(*fileState)
	return ok && s != nil && s.size > 0
}

// stateOf tells the sizes and times of the files: another text when one of them was written, came or went.
func stateOf(files []string) string {
	var b strings.Builder
	for _, f := range slices.Compact(slices.Sorted(slices.Values(files))) {
		if info, err := os.Stat(f); err == nil {
			fmt.Fprintln(&b, f, info.Size(), info.ModTime().UnixNano())
		} else {
			fmt.Fprintln(&b, f, "gone")
		}
	}
	return b.String()
}
