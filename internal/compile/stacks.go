package server

import (
	"runtime"
	"sync"
)

// deepStacks has new goroutines begin with a stack on which a module can be compiled, until the returned func is
// called. esbuild runs each step of each module in a goroutine of its own; on the usual 2 kB each of them has its stack
// copied four times over, an eighth of all the work of compiling. The runtime chooses the first size by the average
// that it sees in use when it collects garbage, so a few goroutines that use much decide it.
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

// Goroutines that wait on little stack are in the average too, a server's and esbuild's. 256 that use 24 kB outweigh
// them and give new ones 32 kB; measured against 64 of them, and against 8, 16 and 64 kB for new ones.
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
