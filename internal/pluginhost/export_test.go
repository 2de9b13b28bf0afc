package pluginhost

var Clean = clean

func (c *Child) Pid() int { return c.o.Cmd.Process.Pid }
