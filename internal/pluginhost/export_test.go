package pluginhost

import "github.com/seed-b8174343/devserver/internal/wire"

var Clean = clean

func (c *Child) Pid() int { return c.o.Cmd.Process.Pid }

// ChildOf returns a child that has ended and that said this of itself.
func ChildOf(info wire.Info) *Child { return &Child{info: info} }
