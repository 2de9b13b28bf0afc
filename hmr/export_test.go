package hmr

import (
	"bytes"
	"slices"
)

// Waiting returns how many frames of the page wait for their handlers.
func Waiting(c *Client) int { return int(c.waitingFrames()) }

// Away reports whether the page has no connection.
func Away(c *Client) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.conn == nil
}

// Queued reports whether a frame with that text waits for the page.
func Queued(c *Client, text string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.ContainsFunc(c.queue.frames, func(f *frame) bool { return bytes.Contains(f.text, []byte(text)) })
}
