package hmr

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
)

// subscription is the wish of a page to listen to a channel ID. It begins when the page's frame is read, and ends when
// the page unsubscribes or is gone. It is in one of three states:
//
//   - Idle: no channel has the ID, or Allow has refused. The page gets nothing.
//   - Asking: Allow is asked. Messages of the channel are kept: a yes delivers them, a no drops them.
//   - Listening: the page gets the messages of the channel.
//
// Page.mu guards a subscription. It changes at once, except that the answer to a question comes later. The answer
// counts only while the question is open, and a question closes when the channel or the user is replaced. What is kept
// is for the answer to that question.
type subscription struct {
	channel  *channel  // that the page listens to or is asked about; nil when idle
	question *question // nil unless asking
	kept     queue     // while asking; acked counts the messages that were not kept
	has      *frame    // the retained message that the page keeps, see Custom.Retained; nil for none
}

// question asks the Allow of a channel whether a page may listen. It is about one registration of the channel, and
// about the user of the Client.
type question struct {
	channel *channel
	page    *Client
	ctx     context.Context // ends when the answer does not count any more
	cancel  func()
}

// hears reports whether the page gets messages of the channel, or will get them if Allow says yes. The caller holds mu.
func (c *page) hears(ch *channel) bool {
	s := c.channels[ch.id]
	return s != nil && s.channel == ch
}

// give sends the page a message of a channel that it hears, or keeps the message while Allow is asked. The caller holds
// mu.
func (c *page) give(ch *channel, f *frame) {
	s := c.channels[ch.id]
	if s.question == nil {
		s.send(c, f)
		return
	}
	s.kept.add(f)
	for len(s.kept.frames) > c.hub.o.QueueMessages || s.kept.bytes > c.hub.o.QueueBytes && len(s.kept.frames) > 1 {
		s.kept.trim(s.kept.acked + 1)
	}
}

func (s *subscription) send(c *page, f *frame) {
	if f.retained {
		s.has = f
	}
	c.enqueue(f)
}

// listen lets the page listen, and sends it what it may have now. The caller holds channel.mu, so that a message is
// either retained before and sent here, or sent later. It also holds page.mu.
func (s *subscription) listen(c *page) {
	kept := s.kept
	s.question, s.kept = nil, queue{}
	if kept.acked > 0 {
		s.tellMissed(c, kept.acked)
	}
	switch retained := s.channel.retained; {
	case retained == nil && s.has != nil: // of the channel before
		s.has = nil
		f, err := newEventFrame(nothingRetained, map[string]string{"channel": s.channel.id})
		if err == nil { // always: a string is JSON
			c.enqueue(f)
		}
	case retained == nil || slices.Contains(kept.frames, retained):
	case s.has == nil || !bytes.Equal(s.has.text, retained.text):
		s.send(c, retained)
	}
	for _, f := range kept.frames {
		s.send(c, f)
	}
}

// nothingRetained is the event that makes a page forget the retained message of a channel. The channel that has the ID
// now retains nothing. Its data is {"channel": "id"}.
const nothingRetained = "devserver:nothing-retained"

// tellMissed tells the page and the log that messages were not kept while Allow was asked.
func (s *subscription) tellMissed(c *page, messages uint64) {
	missed := &Error{
		Code:    "messages_lost",
		Message: fmt.Sprintf("%d messages of channel %s were lost while it was asked whether the page may listen", messages, s.channel.id),
	}
	c.hub.o.Logger.Warn(missed.Message, "page", c.ID())
	s.has = nil
	c.refuseListener(s.channel.id, missed)
}

// refuseListener sends the page an error about listening. The page then forgets the retained message. The caller holds
// mu.
func (c *page) refuseListener(id string, err error) {
	f, encodeErr := newEventFrame(ChannelError, channelErrorData(id, Listen, err))
	if encodeErr != nil {
		return // never: strings are JSON
	}
	f.private = true
	c.enqueue(f)
}

// end closes the question, if one is open.
func (s *subscription) end() {
	if s.question != nil {
		s.question.cancel()
		s.question = nil
	}
}

// attend makes the page's wish count for a channel that has just been registered, or for a user who has just come. It
// returns the question that has to be asked, nil for none. The caller holds Hub.mu, so that the channel is registered.
func (c *page) attend(ch *channel) *question {
	ch.mu.Lock()
	defer ch.mu.Unlock()
	c.mu.Lock()
	defer c.mu.Unlock()
	s := c.channels[ch.id]
	if s == nil || c.gone {
		return nil
	}
	s.end()
	s.channel = ch
	s.kept.trim(s.kept.last()) // of the channel before, which has not answered
	if ch.allow == nil {
		s.listen(c)
		return nil
	}
	q := &question{channel: ch, page: c.as}
	q.ctx, q.cancel = context.WithCancel(c.ctx)
	s.question = q
	return q
}

// attendAll is attend for all channels that the page wants, when it has another user. The caller holds Hub.mu.
func (c *page) attendAll() (questions []*question) {
	c.mu.Lock()
	ids := sortedKeys(c.channels)
	c.mu.Unlock()
	for _, id := range ids {
		if ch := c.hub.channels[id]; ch != nil {
			if q := c.attend(ch); q != nil {
				questions = append(questions, q)
			}
		}
	}
	return questions
}

// forgetUser makes the page's wishes those of another user: what was allowed, asked and kept for the user before is
// void. The caller holds mu.
func (c *page) forgetUser() {
	for _, s := range c.channels {
		s.end()
		*s = subscription{}
	}
}

// ask asks the questions in the lanes of their channels: what a page sends on a channel after it has subscribed is
// handled after the answer.
func (h *Hub) ask(questions ...*question) {
	for _, q := range questions {
		h.lane(q.page.page, channelLane, q.channel.id).add(h, nil, func() { h.askNow(q) })
	}
}

// askNow asks a question until it is answered or the answer does not count. A channel that is replaced leaves the
// question open: its successor takes over.
func (h *Hub) askNow(q *question) {
	defer q.cancel()
	for tries := 0; h.isOpen(q); {
		err := h.permitted(q.ctx, q.channel, q.page, Listen)
		if !h.again(err, &tries) {
			q.answer(err)
			return
		}
	}
}

// isOpen reports whether the question has to be asked.
func (h *Hub) isOpen(q *question) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	c := q.page.page
	c.mu.Lock()
	defer c.mu.Unlock()
	s := c.channels[q.channel.id]
	return s != nil && s.question == q && !c.gone && h.channels[q.channel.id] == q.channel
}

// answer applies the answer of Allow, nil for yes, if it still counts.
func (q *question) answer(err error) {
	q.channel.mu.Lock()
	defer q.channel.mu.Unlock()
	c := q.page.page
	c.mu.Lock()
	defer c.mu.Unlock()
	s := c.channels[q.channel.id]
	switch {
	case s == nil || s.question != q || c.gone:
	case err == nil:
		s.listen(c)
	default:
		c.hub.o.Logger.Debug("channel refused", "pkg", "hmr", "channel", q.channel.id, "page", c.ID(), "error", err)
		*s = subscription{} // it stays: another user may be allowed
		c.refuseListener(q.channel.id, err)
	}
}

// Register lets pages use the channels. A page may have wanted to listen before: to an ID without a channel, or to a
// channel that was unregistered. It listens from now on, if it may. Two channels of one ID are an error, and then no
// channel is registered.
//
// A page that listens to a channel in place of an earlier one gets the retained message, unless it has had the same
// message from the channel before.
func (h *Hub) Register(channels ...Registrant) error {
	questions, err := h.register(channels)
	h.ask(questions...)
	return err
}

func (h *Hub) register(channels []Registrant) (questions []*question, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	var errs []error
	seen := map[string]bool{}
	for _, r := range channels {
		id := r.base().id
		if h.channels[id] != nil || seen[id] {
			errs = append(errs, fmt.Errorf("register channel %q: there already is a channel of this ID", id))
		}
		seen[id] = true
	}
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	for _, r := range channels {
		c := r.base()
		c.mu.Lock()
		c.hub = h
		if c.retained != nil && c.retained.private != (c.allow != nil) { // Allow was set after the message was retained
			retained := *c.retained
			retained.private = c.allow != nil
			c.retained = &retained
		}
		c.mu.Unlock()
		h.channels[c.id] = c
		for _, page := range h.sessions {
			if q := page.attend(c); q != nil {
				questions = append(questions, q)
			}
		}
	}
	return questions, nil
}

// Unregister takes the channels away, except those that are not registered. Pages that listened do so again when a
// channel of the same ID is registered: a plugin is replaced by its next version. An Allow that is asked at this moment
// may still answer; its answer counts until then.
func (h *Hub) Unregister(channels ...Registrant) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, r := range channels {
		c := r.base()
		if h.channels[c.id] != c {
			continue
		}
		delete(h.channels, c.id)
		c.mu.Lock()
		c.hub = nil
		c.mu.Unlock()
	}
}

// ChannelError is the event that a page gets when a channel refuses to let it listen or send, or cannot handle its
// message. Its data is {"channel": "id", "direction": "listen" or "send", "error": an [Error]}.
//
// With the code "messages_lost" the page listens, but some messages were not kept while Allow was asked.
const ChannelError = "devserver:channel-error"

func channelErrorData(id string, d Direction, err error) map[string]any {
	return map[string]any{"channel": id, "direction": d, "error": errorFor(err)}
}

// refuse sends a page the error of a message that it sent on a channel.
func (h *Hub) refuse(page *Client, id string, err error) {
	h.o.Logger.Debug("channel refused", "pkg", "hmr", "channel", id, "page", page.ID(), "error", err)
	_ = page.Send(ChannelError, channelErrorData(id, Send, err)) // a page that is gone, or has another user, need not know
}

// mostWanted bounds the channels that a page wants and that are not registered: it can make up any number of names.
const mostWanted = 1000

// subscribe notes that the page wants to listen, and lets it listen if it may. An ID without a channel is only noted:
// the channel may be registered later. An ID that no channel can have is the name of an event, which needs no
// permission.
func (h *Hub) subscribe(page *page, id string) {
	h.mu.Lock()
	ch := h.channels[id]
	page.want(id, ch != nil)
	var q *question
	if ch != nil && !page.attends(ch) {
		q = page.attend(ch)
	}
	h.mu.Unlock()
	if q != nil {
		h.ask(q)
	}
}

// want notes that the page wants to listen. A page that wants too many channels that do not exist gets an error.
func (c *page) want(id string, registered bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.gone || c.channels[id] != nil || !registered && CheckChannelID(id) != nil:
	case !registered && len(c.channels) >= mostWanted:
		err := &Error{Code: "too_many_channels", Message: fmt.Sprintf("channel %s is not registered, and the page wants %d channels already", id, mostWanted)}
		c.hub.o.Logger.Warn(err.Message, "page", c.ID())
		c.refuseListener(id, err)
	default:
		c.channels[id] = &subscription{}
	}
}

// attends reports whether the page listens to the channel or waits for its answer.
func (c *page) attends(ch *channel) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.hears(ch)
}

// unsubscribe ends the page's wish. An answer of Allow that is still to come does not count.
func (c *page) unsubscribe(id string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if s := c.channels[id]; s != nil {
		s.end()
		delete(c.channels, id)
	}
}
