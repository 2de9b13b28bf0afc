package pluginhost

import (
	"os/exec"
	"runtime"
	"syscall"
)

// dieWithServer starts a child that the kernel kills when the server is gone, even if the child reads no input. The
// kernel watches the thread that started the child, so that thread must live as long (golang.org/issue/27505).
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
