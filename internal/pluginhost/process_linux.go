package pluginhost

import (
	"os/exec"
	"runtime"
	"syscall"
)

// dieWithServer starts the child so that the kernel kills it when we are gone, even one that reads no input. The kernel
// looks at the thread that started it, so that thread stays for as long (golang.org/issue/27505).
func dieWithServer(cmd *exec.Cmd, exited <-chan struct{}) error {
	cmd.SysProcAttr.Pdeathsig = syscall.SIGKILL
	started := make(chan error)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		started <- err
		if err == nil {
			<-exited
		}
	}()
	return <-started
}
