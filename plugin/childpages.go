package plugin

import "github.com/seed-b8174343/devserver/internal/wire"

// What plugins in a child do to pages, beside sending.

func (c *child) ShowError(key string, e Error) error {
	return c.call("showError", wire.ErrorCall{Key: key, Error: e.OnWire()}, nil)
}

func (c *child) ClearError(key string) error {
	return c.call("clearError", wire.ErrorCall{Key: key}, nil)
}

func (c *child) ReloadPages(path, reason string) error {
	return c.call("reloadPages", wire.ReloadCall{Path: path, Reason: reason}, nil)
}

func (c *child) ReloadPage(page Client, reason string) error {
	return c.call("reloadPages", wire.ReloadCall{Client: page.ID(), User: page.User(), Reason: reason}, nil)
}

// Handle tells the server that a plugin handles the event from now on.
func (c *child) Handle(e Event) (remove func(), err error) {
	call := wire.HandleCall{Number: c.handled.Add(1), Plugin: e.plugin, Event: e.info()}
	if err := c.call("handle", call, nil); err != nil {
		return nil, err
	}
	return func() { _ = c.call("unhandle", call.Number, nil) }, nil // without a server there are no pages to tell
}
