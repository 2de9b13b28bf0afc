package wire

import (
	"bufio"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync"
)

// MaxFrame bounds a frame in bytes. Else garbage on the stream would count as a length to allocate.
const MaxFrame = 256 << 20

// ErrClosed is the error of pending calls when the other side is gone. The other side may have handled the call.
var ErrClosed = errors.New("the plugins ended before they answered")

// ErrUnsent is the ErrClosed of a call that did not go out: the other side has not handled it, and will not.
var ErrUnsent = fmt.Errorf("the call was not sent: %w", ErrClosed)

// Error is a failure as the other side sees it.
type Error struct {
	Code    string `json:"code,omitempty"`
	Message string `json:"message"`
	Hint    string `json:"hint,omitempty"`
	// Plugin is the plugin that failed. File, Line and Column are the place of the fault. What is not known is "" or 0.
	Plugin string `json:"plugin,omitempty"`
	File   string `json:"file,omitempty"`
	Line   int    `json:"line,omitempty"`
	Column int    `json:"column,omitempty"`
	// Frame is the code around the place, "" to have the server look for it.
	Frame string `json:"frame,omitempty"`
	// Path is a place in a payload.
	Path string `json:"path,omitempty"`
	// Stack is the stack of a panic, for the log only.
	Stack string `json:"stack,omitempty"`
	// NotRun says that no hook or handler was called, because the plugins have stopped.
	NotRun bool `json:"notRun,omitempty"`
}

func (e *Error) Error() string { return e.Message }

// NotRun reports whether the error of a call says that no hook or handler was called. The call may then be made again,
// to the plugins that come next.
func NotRun(err error) bool {
	own, ok := errors.AsType[*Error](err)
	return errors.Is(err, ErrUnsent) || ok && own.NotRun
}

type message struct {
	ID     uint64          `json:"id,omitempty"`
	Method string          `json:"method,omitempty"`
	Params json.RawMessage `json:"params,omitempty"`
	Result json.RawMessage `json:"result,omitempty"`
	Error  *Error          `json:"error,omitempty"`
	Cancel bool            `json:"cancel,omitempty"`
	Within []Step          `json:"within,omitempty"`
}

// encode is json.Marshal, but copies params and result as they are. They were just encoded, and json.Marshal would read
// them once more.
func (m message) encode() ([]byte, error) {
	params, result := m.Params, m.Result
	m.Params, m.Result = nil, nil
	head, err := json.Marshal(m)
	if err != nil {
		return nil, err
	}
	head = head[:len(head)-1] // the closing brace
	for _, part := range []struct {
		name string
		text json.RawMessage
	}{{`"params":`, params}, {`"result":`, result}} {
		if len(part.text) == 0 {
			continue
		}
		if len(head) > 1 {
			head = append(head, ',')
		}
		head = append(append(head, part.name...), part.text...)
	}
	return append(head, '}'), nil
}

// Handler answers calls and notices of the other side. For a notice the answer is dropped.
type Handler func(ctx context.Context, method string, params json.RawMessage) (any, error)

// Conn is one end. Its methods are safe for concurrent use.
type Conn struct {
	r      *bufio.Reader
	handle Handler

	w io.Writer

	// out holds encoded frames until the goroutine that writes has taken them. So a sender does not wait for a pipe
	// that the other side does not empty, unless too much waits already.
	outMu   sync.Mutex
	out     []byte
	taken   uint64        // bytes of all frames that out has held
	written uint64        // bytes of these that w has taken
	writing chan struct{} // closed when the goroutine that writes has ended; nil without such a goroutine
	room    chan struct{} // closed and replaced when out was taken
	broken  error         // the error of the last write; nothing can be written after it

	ctx  context.Context
	stop context.CancelFunc
	busy sync.WaitGroup

	mu      sync.Mutex
	next    uint64
	pending map[uint64]chan message
	running map[uint64]context.CancelFunc
	closed  bool
}

// New returns an end that reads from r and writes to w. Nothing is read before Run.
func New(r io.Reader, w io.Writer, handle Handler) *Conn {
	c := &Conn{
		r: bufio.NewReaderSize(r, 64<<10), w: w, handle: handle, room: make(chan struct{}),
		pending: map[uint64]chan message{}, running: map[uint64]context.CancelFunc{},
	}
	c.ctx, c.stop = context.WithCancel(context.Background())
	return c
}

// Run is Read, then Wait.
func (c *Conn) Run() error {
	err := c.Read()
	c.Wait()
	return err
}

// Read reads until the stream ends, which is not an error, or holds something other than a frame. Then it ends the
// pending calls and the contexts of the handlers.
func (c *Conn) Read() error {
	err := c.read()
	c.end()
	return err
}

// Wait returns when all handlers have returned and their answers are written. Call it after Read.
func (c *Conn) Wait() {
	c.busy.Wait()
	c.outMu.Lock()
	written := c.writing
	c.outMu.Unlock()
	if written != nil {
		<-written
	}
}

// end ends the pending calls, whose answers cannot come any more.
func (c *Conn) end() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = true
	for id, answer := range c.pending {
		close(answer)
		delete(c.pending, id)
	}
	c.stop()
}

func (c *Conn) read() error {
	for {
		m, err := readFrame(c.r)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		c.take(m)
	}
}

func readFrame(r io.Reader) (message, error) {
	var m message
	var head [4]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return m, err
	}
	n := binary.BigEndian.Uint32(head[:])
	if n == 0 || n > MaxFrame {
		return m, fmt.Errorf("read frame: frame length %d is impossible; something wrote plain text to stdout", n)
	}
	// The length may be wrong, so the buffer grows with the bytes that arrive.
	body, err := io.ReadAll(io.LimitReader(r, int64(n)))
	if err != nil {
		return m, err
	}
	if len(body) < int(n) {
		return m, io.ErrUnexpectedEOF
	}
	if err := json.Unmarshal(body, &m); err != nil {
		return m, fmt.Errorf("read frame: %w", err)
	}
	return m, nil
}

func (c *Conn) take(m message) {
	switch {
	case m.Cancel:
		c.mu.Lock()
		cancel := c.running[m.ID]
		c.mu.Unlock()
		if cancel != nil {
			cancel()
		}
	case m.Method != "" && m.ID == 0:
		_, _ = c.handle(c.ctx, m.Method, m.Params) // a notice has no answer
	case m.Method != "":
		ctx, cancel := context.WithCancel(c.ctx)
		if len(m.Within) > 0 {
			ctx = Within(ctx, m.Within...)
		}
		c.mu.Lock()
		c.running[m.ID] = cancel
		c.mu.Unlock()
		c.busy.Go(func() { c.answer(ctx, cancel, m) })
	default:
		c.mu.Lock()
		answer := c.pending[m.ID]
		delete(c.pending, m.ID)
		c.mu.Unlock()
		if answer != nil {
			answer <- m
		}
	}
}

func (c *Conn) answer(ctx context.Context, cancel context.CancelFunc, m message) {
	defer cancel()
	result, err := c.handle(ctx, m.Method, m.Params)
	c.mu.Lock()
	delete(c.running, m.ID)
	c.mu.Unlock()
	reply := message{ID: m.ID}
	if raw, ok := result.(json.RawMessage); err == nil && (!ok || raw != nil) { // a nil text is left out, and not null
		if reply.Result, err = json.Marshal(result); err != nil {
			err = fmt.Errorf("the answer cannot be JSON: %w", err)
		}
	}
	if err != nil {
		own, ok := errors.AsType[*Error](err)
		if !ok {
			own = &Error{Message: err.Error()}
		}
		reply.Result, reply.Error = nil, own
	}
	_, _ = c.write(context.Background(), reply) // fails when the other side is gone, which does not wait then
}

// Call calls a method of the other side and decodes its answer into result, which may be nil. When ctx ends, the call
// is cancelled on the other side, too. When the other side is gone, the error is ErrUnsent or ErrClosed.
func (c *Conn) Call(ctx context.Context, method string, params, result any) error {
	text, err := json.Marshal(params)
	if err != nil {
		return fmt.Errorf("call %s: %w", method, err)
	}
	answer := make(chan message, 1)
	c.mu.Lock()
	if c.closed {
		c.mu.Unlock()
		return ErrUnsent
	}
	c.next++
	id := c.next
	c.pending[id] = answer
	c.mu.Unlock()
	end, err := c.write(ctx, message{ID: id, Method: method, Params: text, Within: Steps(ctx)})
	if err != nil {
		c.drop(id)
		return err
	}
	select {
	case m, ok := <-answer:
		switch {
		case !ok:
			return c.lost(ctx, end)
		case m.Error != nil:
			return m.Error
		case result != nil && len(m.Result) > 0:
			if err := json.Unmarshal(m.Result, result); err != nil {
				return fmt.Errorf("call %s: decode the answer: %w", method, err)
			}
		}
		return nil
	case <-ctx.Done():
		c.drop(id)
		_, _ = c.write(c.ctx, message{ID: id, Cancel: true}) // fails when there is nothing left to cancel
		return ctx.Err()
	}
}

// lost returns the error of a call whose answer cannot come any more. end is the return value of write.
func (c *Conn) lost(ctx context.Context, end uint64) error {
	c.outMu.Lock()
	defer c.outMu.Unlock()
	for c.writing != nil && c.written < end { // the other side is gone, so that writing ends soon
		writing := c.writing
		c.outMu.Unlock()
		select {
		case <-writing:
			c.outMu.Lock()
		case <-ctx.Done():
			c.outMu.Lock()
			return ErrClosed
		}
	}
	if c.written < end {
		return ErrUnsent
	}
	return ErrClosed
}

func (c *Conn) drop(id uint64) {
	c.mu.Lock()
	delete(c.pending, id)
	c.mu.Unlock()
}

// Notify calls a method that has no answer. It does not wait for the other side.
func (c *Conn) Notify(method string, params any) error {
	text, err := json.Marshal(params)
	if err != nil {
		return fmt.Errorf("notify %s: %w", method, err)
	}
	_, err = c.write(c.ctx, message{Method: method, Params: text})
	return err
}

// maxOut is how many bytes may wait to be written. A sender waits when there are more. A single frame may be larger.
const maxOut = 8 << 20

// write queues a frame. The frame has gone out when written has reached end.
func (c *Conn) write(ctx context.Context, m message) (end uint64, err error) {
	body, err := m.encode()
	if err != nil {
		return 0, fmt.Errorf("write frame: %w", err)
	}
	if len(body) > MaxFrame {
		return 0, fmt.Errorf("write frame: %d bytes are more than a frame may have", len(body))
	}
	c.outMu.Lock()
	defer c.outMu.Unlock()
	for len(c.out) > maxOut && c.broken == nil && !m.Cancel { // a cancel is small, and its sender must not wait
		room := c.room
		c.outMu.Unlock()
		select {
		case <-room:
			c.outMu.Lock()
		case <-ctx.Done():
			c.outMu.Lock()
			return 0, ctx.Err()
		}
	}
	if c.broken != nil {
		return 0, ErrUnsent
	}
	c.out = binary.BigEndian.AppendUint32(c.out, uint32(len(body)))
	c.out = append(c.out, body...)
	c.taken += 4 + uint64(len(body))
	if c.writing == nil {
		c.writing = make(chan struct{})
		go c.flush()
	}
	return c.taken, nil
}

// flush writes the waiting frames until there are none. Frames that gather meanwhile go out by one system call.
func (c *Conn) flush() {
	var spare []byte
	for {
		c.outMu.Lock()
		if len(c.out) == 0 || c.broken != nil {
			close(c.writing)
			c.writing = nil
			c.outMu.Unlock()
			return
		}
		text := c.out
		c.out = spare[:0]
		close(c.room)
		c.room = make(chan struct{})
		c.outMu.Unlock()
		n, err := c.w.Write(text)
		c.outMu.Lock()
		c.written += uint64(n)
		if err != nil {
			c.broken, c.out = err, nil
			close(c.room)
			c.room = make(chan struct{})
		}
		c.outMu.Unlock()
		if err != nil {
			c.end()
			continue
		}
		if spare = text; cap(spare) > 1<<20 {
			spare = nil // a buffer that held one large frame is not kept
		}
	}
}
