package plugin

import (
	"fmt"
	"runtime"
	"strings"

	"github.com/seed-b8174343/devserver/internal/wire"
)

// panicked is the error of a hook that panicked with v, with the place in the plugin's code. Who has recovered calls it.
func panicked(plugin, hook string, v any) *wire.Error {
	e := &wire.Error{Code: "handler_panic", Plugin: plugin, Message: fmt.Sprintf("%s of plugin %s panicked: %v", hook, plugin, v)}
	e.Stack, e.File, e.Line = panicStack()
	if e.Line > 0 {
		e.Column = 1 // the runtime does not know it
	}
	return e
}

// ownPackage begins the names of this package's functions.
const ownPackage = "github.com/seed-b8174343/devserver/plugin."

// panicStack returns the stack of the panic that is being recovered from, without what is the runtime's and ours, and the
// place that the plugin's author can do something about: the first one in package main, or else the first one.
func panicStack() (stack, file string, line int) {
	callers := make([]uintptr, 100)
	frames := runtime.CallersFrames(callers[:runtime.Callers(1, callers)])
	var text strings.Builder
	main, begun := false, false
	for more := true; more; {
		var f runtime.Frame
		f, more = frames.Next()
		switch {
		case f.Function == "runtime.gopanic": // of the last panic, when one was recovered from and repeated
			text.Reset()
			begun, main, file, line = true, false, "", 0
			continue
		case !begun, strings.HasPrefix(f.Function, "runtime."):
			continue
		case strings.HasPrefix(f.Function, ownPackage):
			more = file == "" // something of ours that a hook has called
			continue
		}
		fmt.Fprintf(&text, "%s\n\t%s:%d\n", f.Function, f.File, f.Line)
		if own := strings.HasPrefix(f.Function, "main."); file == "" || own && !main {
			main, file, line = own, f.File, f.Line
		}
	}
	return strings.TrimSuffix(text.String(), "\n"), file, line
}
