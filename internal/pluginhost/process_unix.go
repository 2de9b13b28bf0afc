//go:build unix

package pluginhost

import (
	"os/exec"
	"syscall"
)

// start runs the child in a process group of its own, so that killGroup ends what it started too. A server that is
// killed itself ends its children by the end of their input; on Linux, dieWithServer makes sure.
func start(cmd *exec.Cmd, exited <-chan struct{}) error {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	return dieWithServer(cmd, exited)
}

func killGroup(cmd *exec.Cmd) { _ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) } // it may be gone
