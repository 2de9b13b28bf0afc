package transform

import (
	"bytes"
	"encoding/base64"
	"hash/fnv"
	"strconv"
	"strings"

	"github.com/tdewolff/parse/v2/js"
)

// hookCall is a call of a hook in a function.
type hookCall struct {
	// reference is the callee: `import_x.useThing`.
	reference string
	name      string
	// root is the first name of the reference, "" when the reference does not begin with a name.
	root string
	// key is the part of the call that resets the state when it changes.
	key string
}

// signature returns the signature of a declaration's hooks. An update keeps a component's state only while the
// signature stays the same.
func (f *refresher) signature(d declaration) string {
	calls := f.hooks(d)
	if len(calls) == 0 {
		return ""
	}
	h := fnv.New64a()
	var custom []string
	reset := false
	for _, c := range calls {
		h.Write([]byte(c.name + "{" + c.key + "}\n"))
		switch {
		case builtinHooks[c.name]:
		case f.top[c.root]:
			custom = append(custom, c.reference)
		default:
			reset = true // the signature cannot refer to this hook, which may change
		}
	}
	s := "[" + d.target + ", " + Quote(base64.RawURLEncoding.EncodeToString(h.Sum(nil)))
	if reset || len(custom) > 0 {
		s += ", " + strconv.FormatBool(reset)
	}
	if len(custom) > 0 {
		s += ", () => [" + strings.Join(custom, ", ") + "]"
	}
	return s + "]"
}

// builtinHooks are the hooks of React and Preact. They call no hooks of the project.
var builtinHooks = map[string]bool{
	"useState": true, "useReducer": true, "useEffect": true, "useLayoutEffect": true, "useMemo": true, "useCallback": true,
	"useRef": true, "useContext": true, "useImperativeHandle": true, "useDebugValue": true, "useId": true,
	"useDeferredValue": true, "useTransition": true, "useInsertionEffect": true, "useSyncExternalStore": true,
	"useFormStatus": true, "useFormState": true, "useActionState": true, "useOptimistic": true, "useEffectEvent": true,
	"useErrorBoundary": true,
}

// hooks returns the hook calls of the declaration's function, without the calls in functions inside it.
func (f *refresher) hooks(d declaration) []hookCall {
	var calls []hookCall
	var braces []bool // for each open brace: whether it opens a function's body
	functions := 0
	for i := d.from; i <= d.to && i < len(f.tokens); i++ {
		switch f.tokens[i].kind {
		case js.OpenBraceToken:
			body := f.isBody(i)
			if braces = append(braces, body); body {
				functions++
			}
		case js.CloseBraceToken:
			if n := len(braces); n > 0 {
				if braces[n-1] {
					functions--
				}
				braces = braces[:n-1]
			}
		case js.IdentifierToken:
			if functions <= 1 && isHook(f.text(i)) {
				if c, ok := f.hookCall(i, d.from); ok {
					calls = append(calls, c)
				}
			}
		}
	}
	return calls
}

func isHook(name []byte) bool {
	return len(name) > 3 && name[0] == 'u' && name[1] == 's' && name[2] == 'e' && name[3] >= 'A' && name[3] <= 'Z'
}

// isBody reports whether the brace at i opens the body of a function or method.
func (f *refresher) isBody(i int) bool {
	if f.is(i-1, js.ArrowToken) {
		return true
	}
	if !f.is(i-1, js.CloseParenToken) {
		return false
	}
	depth := 0
	for n := i - 1; n >= 0; n-- {
		if depth += bracket(f.tokens[n].kind); depth == 0 {
			switch f.kind(n - 1) {
			case js.IfToken, js.ForToken, js.WhileToken, js.SwitchToken, js.WithToken, js.CatchToken, js.AwaitToken:
				return false
			}
			return true
		}
	}
	return false
}

// hookCall reads the call whose hook's name is the token at i.
func (f *refresher) hookCall(i, from int) (c hookCall, ok bool) {
	start := i
	for start-2 >= from && isMember(f.kind(start-1)) && js.IsIdentifierName(f.kind(start-2)) {
		start -= 2
	}
	if isMember(f.kind(start-1)) || f.is(start-1, js.FunctionToken) {
		start = i // the object of `call().useThing()` has no name
		if f.is(i-1, js.FunctionToken) {
			return c, false
		}
	}
	c = hookCall{name: string(f.text(i)), reference: string(f.code[f.tokens[start].start:f.tokens[i].end])}
	if !isMember(f.kind(start - 1)) {
		c.root = string(f.text(start))
	}
	args := i + 1
	if f.is(args, js.CloseParenToken) && f.is(start-1, js.CommaToken) &&
		string(f.text(start-2)) == "0" && f.is(start-3, js.OpenParenToken) {
		args, start = args+1, start-3 // `(0, import_x.useThing)(`
	}
	if !f.is(args, js.OpenParenToken) || f.isMethod(args) {
		return c, false
	}
	c.key = f.variable(start, from) + f.stateArgument(c.name, args)
	return c, true
}

// variable returns the pattern that the value of a call is assigned to, such as the `[count, setCount]` of useState.
// The call begins at the token start.
func (f *refresher) variable(start, from int) string {
	if !f.is(start-1, js.EqToken) {
		return ""
	}
	depth := 0
	for n := start - 2; n >= from; n-- {
		depth -= bracket(f.tokens[n].kind)
		if k := f.tokens[n].kind; depth == 0 && (isDeclaration(k) || k == js.CommaToken) {
			return f.join(n+1, start-1)
		}
		if depth < 0 {
			return ""
		}
	}
	return ""
}

// stateArgument returns the argument with the initial state. A user who edits it wants to see the new value.
func (f *refresher) stateArgument(name string, args int) string {
	var want int
	switch name {
	case "useState":
		want = 0
	case "useReducer":
		want = 1
	default:
		return ""
	}
	end := f.closing(args)
	depth, count, from := 0, 0, args+1
	for n := args + 1; n <= end; n++ {
		k := f.tokens[n].kind
		if depth == 0 && (k == js.CommaToken || n == end) {
			if count == want && n > from {
				return "(" + f.join(from, n) + ")"
			}
			count, from = count+1, n+1
		}
		depth += bracket(k)
	}
	return ""
}

// join returns the text of the tokens from i up to end, without the positions of JSX elements.
func (f *refresher) join(i, end int) string {
	var b strings.Builder
	for ; i < end; i++ {
		if f.is(i-1, js.ColonToken) &&
			(bytes.Equal(f.text(i-2), []byte("lineNumber")) || bytes.Equal(f.text(i-2), []byte("columnNumber"))) {
			continue
		}
		b.Write(f.text(i))
		b.WriteByte(' ')
	}
	return b.String()
}
