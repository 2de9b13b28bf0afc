package compile

import (
	"runtime"
	"sync"
)

// deepStacks lets new goroutines begin with a stack on which a module can be compiled, until done is called. esbuild
// runs each step of each module in a goroutine of its own. Each would begin with 2 kB and have its stack copied four
// times, which is an eighth of all the work of compiling. The runtime chooses the first size by the average use that it
// sees when it collects garbage, so a few goroutines that use much decide it.
func deepStacks() (done func()) {
	stop := make(chan struct{})
	var parked sync.WaitGroup
	for range deepGoroutines {
		parked.Add(1)
		go useStack(deepStack, func() {
			parked.Done()
			<-stop
		})
	}
	parked.Wait()
	runtime.GC()
	return func() { close(stop) }
}

// Goroutines of the server and of esbuild that wait on little stack are in the average, too. 256 goroutines that use 24
// kB outweigh them and give new goroutines 32 kB; measured against 64 goroutines, and against 8, 16 and 64 kB.
const (
	deepGoroutines = 256
	deepStack      = 24 << 10
)

// useStack calls f with about size bytes of stack in use.
//
//go:noinline
func useStack(size int, f func()) byte {
	var frame [1 << 10]byte
	frame[size%len(frame)] = byte(size)
	if size <= 0 {
		f()
		return frame[0]
	}
	return useStack(size-len(frame), f) + frame[size%len(frame)]
}
