package hmr_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/seed-b8174343/devserver/hmr"
)

// TestWishesAgainstModel lets pages subscribe and unsubscribe, channels come and go, and users change, in a random
// order. A model says what each page must get, may get and must not get. A seed gives the same steps again.
func TestWishesAgainstModel(t *testing.T) {
	seeds, steps := 6, 300
	if soaking() {
		seeds, steps = 300, 1000
	}
	for seed := range seeds {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			m := newModel(t, uint64(seed))
			for range steps {
				m.step()
			}
			m.settle()
		})
	}
}

// model is the hub as its pages should see it. Its methods do one thing at a time; Allow answers meanwhile.
type model struct {
	t     *testing.T
	r     *rand.Rand
	hub   *hmr.Hub
	at    string
	shift int // the rule: cookie n is user n+shift
	pages []*modelPage
	ids   map[string]*modelID
	sent  []modelMessage // the number of a message is its index
}

// modelID is a channel ID with the channels that have had it.
type modelID struct {
	now *version // nil while none is registered
	all []*version
}

// version is a channel, and what Allow answers.
type version struct {
	*broadcastOnly
	allows   map[string]bool // nil: asks nobody
	answer   chan bool       // closed when Allow may answer
	answered bool
	retained int // -1 for nothing
}

func (v *version) permits(user string) bool { return v.allows == nil || v.allows[user] }

type modelMessage struct {
	by       *version
	user     string // "" for all
	retained bool   // so that it may come again
}

type modelPage struct {
	*page
	cookie int
	wants  map[string]bool
	left   map[string]bool         // unsubscribed since the pages were settled: what was retained may still be on its way
	read   bool                    // the hub has read all wishes
	must   map[string][]int        // messages since the pages were settled
	may    map[string]map[int]bool // messages that were on their way when something changed

	// What the page knows from its frames.
	is       string
	retained map[string]int
	last     map[string]int
}

const modelUsers = 3

func newModel(t *testing.T, seed uint64) *model {
	m := &model{t: t, r: rand.New(rand.NewPCG(seed, seed)), ids: map[string]*modelID{}}
	m.hub, m.at = serve(t, hmr.Options{Identify: m.rule(0), KeepRequests: true})
	for _, name := range []string{"a", "b"} {
		m.ids["x_y_"+name] = &modelID{}
	}
	for n := range 3 {
		p := &modelPage{
			page: open(t, m.at, fmt.Sprint("page", n)), cookie: -1, read: true, wants: map[string]bool{},
			left: map[string]bool{}, must: map[string][]int{}, may: map[string]map[int]bool{}, retained: map[string]int{}, last: map[string]int{},
		}
		p.send(`{"type":"hello"}`)
		m.pages = append(m.pages, p)
	}
	t.Cleanup(func() {
		for _, id := range m.ids {
			for _, v := range id.all {
				v.answerNow()
			}
		}
	})
	return m
}

func (v *version) answerNow() {
	if !v.answered {
		v.answered = true
		close(v.answer)
	}
}

func (m *model) rule(shift int) func(*http.Request) (string, error) {
	return func(r *http.Request) (string, error) {
		c, err := r.Cookie("user")
		if err != nil {
			return "", nil
		}
		return modelUser(int(c.Value[1]-'0'), shift), nil
	}
}

func modelUser(cookie, shift int) string {
	if cookie < 0 {
		return ""
	}
	return fmt.Sprint("u", (cookie+shift)%modelUsers)
}

func (p *modelPage) cookieText() string {
	if p.cookie < 0 {
		return ""
	}
	return fmt.Sprint("c", p.cookie)
}

func (m *model) user(p *modelPage) string { return modelUser(p.cookie, m.shift) }

// change says that what is on its way to the page on the channel need not arrive any more.
func (p *modelPage) change(id string) {
	for _, n := range p.must[id] {
		if p.may[id] == nil {
			p.may[id] = map[int]bool{}
		}
		p.may[id][n] = true
	}
	p.must[id] = nil
}

// change is modelPage.change for all pages.
func (m *model) change(id string) {
	for _, p := range m.pages {
		p.change(id)
	}
}

func (m *model) step() {
	ids := []string{"x_y_a", "x_y_b"}
	id := ids[m.r.IntN(len(ids))]
	p := m.pages[m.r.IntN(len(m.pages))]
	switch m.r.IntN(16) {
	case 0, 1, 2:
		m.wish(p, id)
	case 3, 4:
		m.register(id)
	case 5:
		m.unregister(id)
	case 6, 7:
		m.identify(p)
	case 8:
		m.setRule()
	case 9:
		if v := m.ids[id].now; v != nil {
			v.answerNow()
		}
	case 10:
		m.settle()
	default:
		m.publish(id)
	}
}

func (m *model) wish(p *modelPage, id string) {
	for range 1 + m.r.IntN(3) {
		p.change(id)
		p.read, p.wants[id] = false, !p.wants[id]
		kind := "unsubscribe"
		if p.wants[id] {
			kind = "subscribe"
		} else {
			p.left[id] = true
			delete(p.retained, id)
		}
		p.send(fmt.Sprintf(`{"type":%q,"channel":%q}`, kind, id))
	}
}

func (m *model) register(id string) {
	of := m.ids[id]
	if of.now != nil {
		m.unregister(id)
	}
	var v *version
	if len(of.all) > 0 && m.r.IntN(4) == 0 {
		v = of.all[len(of.all)-1] // the same channel again
	} else {
		v = m.newVersion(id)
		of.all = append(of.all, v)
	}
	if m.r.IntN(3) == 0 {
		m.retain(v)
	}
	m.change(id)
	must(m.t, m.hub.Register(v))
	of.now = v
}

func (m *model) newVersion(id string) *version {
	parts := strings.Split(id, "_")
	v := &version{broadcastOnly: hmr.NewChannel[hmr.BroadcastOnly, int](parts[0], parts[1], parts[2]), answer: make(chan bool), retained: -1}
	if m.r.IntN(3) == 0 {
		return v
	}
	v.allows = map[string]bool{"": m.r.IntN(2) == 0}
	for n := range modelUsers {
		v.allows[fmt.Sprint("u", n)] = m.r.IntN(3) > 0
	}
	lie := m.r.IntN(2) == 0
	v.Allow(func(ctx context.Context, c *hmr.Client, d hmr.Direction) error {
		yes := d == hmr.Send || v.allows[c.User()]
		if d == hmr.Listen {
			select {
			case <-v.answer:
			case <-ctx.Done():
				yes = lie // does not count any more
			}
		}
		if !yes {
			return errors.New("no")
		}
		return nil
	})
	if m.r.IntN(2) == 0 {
		v.Unguarded()
	}
	if m.r.IntN(2) == 0 {
		v.answerNow()
	}
	return v
}

func (m *model) unregister(id string) {
	if v := m.ids[id].now; v != nil {
		m.hub.Unregister(v)
		m.ids[id].now = nil
		if v.allows != nil {
			m.change(id) // it may not have answered
		}
	}
}

func (m *model) identify(p *modelPage) {
	before := m.user(p)
	p.cookie = m.r.IntN(modelUsers+1) - 1
	m.changed(p, before)
	if m.r.IntN(2) == 0 {
		identify(m.t, m.at, p.session, p.cookieText())
		return
	}
	p.cut()
	p.connectAs(p.cookieText())
}

func (m *model) setRule() {
	before := make([]string, len(m.pages))
	for i, p := range m.pages {
		before[i] = m.user(p)
	}
	m.shift++
	for i, p := range m.pages {
		m.changed(p, before[i])
	}
	m.hub.SetIdentify(m.rule(m.shift))
}

func (m *model) changed(p *modelPage, before string) {
	if m.user(p) != before {
		for id := range m.ids {
			p.change(id)
		}
	}
}

func (m *model) publish(id string) {
	v := m.ids[id].now
	if v == nil {
		if all := m.ids[id].all; len(all) > 0 && all[len(all)-1].Broadcast(0) == nil {
			m.t.Error("a channel that is not registered has sent")
		}
		return
	}
	to := ""
	if m.r.IntN(3) == 0 {
		to = fmt.Sprint("u", m.r.IntN(modelUsers))
	}
	n := len(m.sent)
	for _, p := range m.pages {
		if !p.wants[id] && p.read || to != "" && to != m.user(p) || !v.permits(m.user(p)) {
			continue
		}
		p.must[id] = append(p.must[id], n)
		if !p.read {
			p.change(id)
		}
	}
	switch {
	case to != "":
		m.sent = append(m.sent, modelMessage{by: v, user: to})
		must(m.t, v.SendToUser(to, n))
	case m.r.IntN(2) == 0:
		m.retain(v)
	default:
		m.sent = append(m.sent, modelMessage{by: v})
		must(m.t, v.Broadcast(n))
	}
}

func (m *model) retain(v *version) {
	v.retained = len(m.sent)
	m.sent = append(m.sent, modelMessage{by: v, retained: true})
	must(m.t, v.Retain(v.retained))
}

// settle lets all Allow answer, and compares what the pages got with what they must and may have got.
func (m *model) settle() {
	m.t.Helper()
	for _, id := range m.ids {
		if id.now != nil {
			id.now.answerNow()
		}
	}
	for _, p := range m.pages {
		got := map[string][]int{}
		take := func(f map[string]any) { m.take(p, f, got) }
		p.send(`{"type":"request","id":1,"event":"nobody"}`)
		p.await("the answer", func(f map[string]any) bool { take(f); return f["type"] == "reply" })
		p.read = true
		for id, of := range m.ids {
			if of.now == nil {
				continue
			}
			p.send(fmt.Sprintf(`{"type":"custom","event":%q}`, id))
			p.await("the turn of the page's message", func(f map[string]any) bool {
				take(f)
				data, _ := f["data"].(map[string]any)
				return f["event"] == hmr.ChannelError && data["direction"] == "send" && data["channel"] == id
			})
		}
		for id, of := range m.ids {
			m.compare(p, id, of, got[id])
		}
	}
}

// take notes what a frame tells the page, as our client does.
func (m *model) take(p *modelPage, f map[string]any, got map[string][]int) {
	data, _ := f["data"].(map[string]any)
	switch name, _ := f["event"].(string); name {
	case hmr.IdentifiedEvent:
		p.is = fmt.Sprint(data["user"])
		clear(p.retained)
	case hmr.ChannelError:
		if data["direction"] == "listen" {
			delete(p.retained, fmt.Sprint(data["channel"]))
		}
	case "devserver:nothing-retained":
		delete(p.retained, fmt.Sprint(data["channel"]))
	default:
		if m.ids[name] == nil {
			return
		}
		n := int(f["data"].(float64))
		if sent := m.sent[n]; !sent.by.permits(p.is) || sent.user != "" && sent.user != p.is {
			m.t.Errorf("%s of %q got message %d of %s, which is for %q of %v", p.session, p.is, n, name, sent.user, sent.by.allows)
		}
		if f["retained"] == true {
			p.retained[name] = n
			if slices.Contains(got[name], n) {
				return
			}
		} else if last, ok := p.last[name]; ok && n <= last {
			m.t.Errorf("%s got message %d of %s after %d", p.session, n, name, last)
		} else {
			p.last[name] = n
		}
		got[name] = append(got[name], n)
	}
}

func (m *model) compare(p *modelPage, id string, of *modelID, got []int) {
	m.t.Helper()
	var missing []int
	at := 0
	for _, n := range p.must[id] {
		if i := slices.Index(got[at:], n); i < 0 {
			missing = append(missing, n)
		} else {
			at += i + 1
		}
	}
	if len(missing) > 0 {
		m.t.Errorf("%s misses messages %v of %s, or got them out of order: %v", p.session, missing, id, got)
	}
	for _, n := range got {
		if !slices.Contains(p.must[id], n) && !p.may[id][n] && !m.sent[n].retained {
			m.t.Errorf("%s got message %d of %s, which is not for it", p.session, n, id)
		}
	}
	p.must[id] = nil
	if !p.wants[id] {
		delete(p.retained, id) // it may have come after the page had unsubscribed
	}
	if of.now == nil {
		return // the channel before may still answer
	}
	p.may[id] = nil
	if !p.wants[id] {
		return
	}
	left := p.left[id]
	p.left[id] = false
	want := -1
	if of.now.permits(m.user(p)) {
		want = of.now.retained
	}
	has, ok := p.retained[id]
	if !ok {
		has = -1
	}
	if want < 0 && left {
		delete(p.retained, id)
	} else if has != want {
		m.t.Errorf("%s keeps the retained message %d of %s, want %d", p.session, has, id, want)
	}
}
