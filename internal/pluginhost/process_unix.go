//go:build unix

package pluginhost

import (
	"os/exec"
	"syscall"
)

// start runs the child in a process group of its own, so that killGroup also ends the programs that the child started.
// When the server is killed, its children see the end of their input and end. On Linux, dieWithServer makes sure of it.
func start(cmd *exec.Cmd, exited <-chan struct{}) error {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	return dieWithServer(cmd, exited)
}

func killGroup(cmd *exec.Cmd) { _ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) } // fails when it is gone
