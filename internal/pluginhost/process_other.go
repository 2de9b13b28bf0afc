//go:build unix && !linux

package pluginhost

import "os/exec"

func dieWithServer(cmd *exec.Cmd, _ <-chan struct{}) error { return cmd.Start() }
