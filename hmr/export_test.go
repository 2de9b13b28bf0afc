package hmr

// Waiting returns how many frames of the page wait for their handlers.
func Waiting(c *Client) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return int(c.waiting.frames)
}
