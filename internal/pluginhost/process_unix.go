//go:build unix

package pluginhost

import (
	"os/exec"
	"syscall"
)

// ownGroup puts the child into a process group, so that killGroup ends what it started too. A server that is killed itself
// ends its children by the end of their input.
func ownGroup(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
}

func killGroup(cmd *exec.Cmd) { _ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) } // it may be gone
