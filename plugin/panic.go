package plugin

import (
	"fmt"
	"runtime"
	"strings"

	"github.com/seed-b8174343/devserver/internal/wire"
)

// panicked returns the error of a hook that panicked with v, with the place in the plugin's code. It must be called by
// the func that has recovered.
func panicked(plugin, hook string, v any) *wire.Error {
	message := fmt.Sprintf("%s of plugin %s panicked: %v", hook, plugin, v)
	e := &wire.Error{Code: "handler_panic", Plugin: plugin, Message: message}
	e.Stack, e.File, e.Line = panicStack()
	if e.Line > 0 {
		e.Column = 1 // the runtime does not know the column
	}
	return e
}

// ownPackage begins the names of this package's functions.
const ownPackage = "github.com/seed-b8174343/devserver/plugin."

// panicStack returns the stack of the panic that is being recovered from, without the frames of the runtime and of this
// package. The place is the frame that the plugin's author can fix: the first frame of package main, or else the first.
func panicStack() (stack, file string, line int) {
	callers := make([]uintptr, 100)
	frames := runtime.CallersFrames(callers[:runtime.Callers(1, callers)])
	var text strings.Builder
	main, begun := false, false
	for more := true; more; {
		var f runtime.Frame
		f, more = frames.Next()
		switch {
		case f.Function == "runtime.gopanic": // a panic that was recovered from and repeated began at the last such frame
			text.Reset()
			begun, main, file, line = true, false, "", 0
			continue
		case !begun, strings.HasPrefix(f.Function, "runtime."):
			continue
		case strings.HasPrefix(f.Function, ownPackage):
			more = file == "" // without a frame so far, a hook has called this package
			continue
		}
		fmt.Fprintf(&text, "%s\n\t%s:%d\n", f.Function, f.File, f.Line)
		if own := strings.HasPrefix(f.Function, "main."); file == "" || own && !main {
			main, file, line = own, f.File, f.Line
		}
	}
	return strings.TrimSuffix(text.String(), "\n"), file, line
}
