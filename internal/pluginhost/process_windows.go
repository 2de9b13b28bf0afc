package pluginhost

import "os/exec"

func start(cmd *exec.Cmd, _ <-chan struct{}) error { return cmd.Start() }

func killGroup(cmd *exec.Cmd) { _ = cmd.Process.Kill() } // fails when it is gone
