package cache

import (
	"fmt"
	"os"
	"sync"
)

// Program names the build of this program, and with it the compiler. Put it into keys, so that no build uses the
// results of another one. It is "" when the program's file cannot be found: then keep nothing.
var Program = sync.OnceValue(func() string {
	file, err := os.Executable()
	if err != nil {
		return ""
	}
	info, err := os.Stat(file)
	if err != nil {
		return ""
	}
	return fmt.Sprint(info.Size(), info.ModTime().UnixNano())
})
