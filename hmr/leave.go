package hmr

import (
	"bytes"
	"io"
	"net/http"
	"strconv"

	"github.com/gorilla/websocket"
)

// mostLeave is how many bytes a page may send when it is left: what browsers let outlive a page.
const mostLeave = 64 << 10

// serveLeave ends the session of a page that the user has left: a POST with the query leave. A tab of a shared socket
// sends it, since the carrier may end before it sends what it has. The body is the page's frames that the hub has not
// confirmed, a line each. leave is the number of the first.
func (h *Hub) serveLeave(w http.ResponseWriter, r *http.Request) {
	first, err := strconv.ParseUint(r.URL.Query().Get("leave"), 10, 64)
	if err != nil || first == 0 {
		http.Error(w, "400 leave is the number of the first frame", http.StatusBadRequest)
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, mostLeave))
	if err != nil {
		http.Error(w, "400 the frames cannot be read", http.StatusBadRequest)
		return
	}
	h.mu.Lock()
	c := h.sessions[r.URL.Query().Get("session")]
	h.mu.Unlock()
	if c == nil || !h.begin() {
		http.Error(w, "404 no such session", http.StatusNotFound)
		return
	}
	defer h.sockets.Done()
	// The request takes the place of the page's connection. Frames that still come over the socket are not counted.
	cn := newConn(c, newSocket(h, nil, identity{}, c.browser), nil)
	received, ok := c.takeOver(cn, first)
	if !ok {
		http.Error(w, "409 frames are missing, or the session has ended", http.StatusConflict)
		return
	}
	for number, text := first, body; len(text) > 0; number++ {
		var frame []byte
		frame, text, _ = bytes.Cut(text, []byte("\n"))
		if number <= received {
			continue
		}
		if int64(len(frame)) <= h.o.MaxMessage && cn.allows(frame) {
			cn.handle(frame)
		}
		if c.receivedCount() < number {
			h.o.Logger.Warn("frames of a page that was left are lost: they are too long, or too many wait for their handlers",
				"page", c.ID(), "bytes", len(frame)+len(text))
			break
		}
	}
	cn.leave(true)
	c.detach(cn, false)
	w.WriteHeader(http.StatusNoContent)
}

// takeOver makes cn the page's connection for frames from number first on, and returns how many the hub has had. ok is
// false if frames between them are missing, or if the session has ended.
func (c *page) takeOver(cn *conn, first uint64) (received uint64, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.gone || c.left || first > c.received.frames+1 {
		return 0, false
	}
	c.cut(websocket.CloseNormalClosure, "the page was left")
	c.conn = cn
	c.left = true
	return c.received.frames, true
}

func (c *page) receivedCount() uint64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.received.frames
}
