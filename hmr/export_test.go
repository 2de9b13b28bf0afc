package hmr

// Waiting returns how many frames of the page wait for their handlers.
func Waiting(c *Client) int { return int(c.waitingFrames()) }
