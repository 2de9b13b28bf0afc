package env_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/seed-b8174343/devserver/internal/env"
)

func write(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestLaterFilesWinAndOnlyPrefixedNamesShow(t *testing.T) {
	dir := write(t, map[string]string{
		".env":                   "VITE_A=1\nVITE_B=1\nVITE_C=1\nSECRET=s\n",
		".env.local":             "VITE_B=2\nVITE_C=2\n",
		".env.development":       "VITE_C=3\nVITE_URL=https://$VITE_HOST/x\nVITE_HOST=example.test\n",
		".env.production":        "VITE_A=prod\n",
		".env.development.local": "VITE_D=\"4 and ${VITE_A}\"\n",
	})
	t.Setenv("VITE_PROCESS", "p")
	e, err := env.Load(env.Options{Dir: dir, Base: "/app/"})
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]any{
		"VITE_A": "1", "VITE_B": "2", "VITE_C": "3", "VITE_D": "4 and 1", "VITE_HOST": "example.test", "VITE_URL": "https://example.test/x",
		"VITE_PROCESS": "p", "MODE": "development", "BASE_URL": "/app/", "DEV": true, "PROD": false, "SSR": false,
	}
	for key, value := range want {
		if e.Object()[key] != value {
			t.Errorf("%s is %v, want %v", key, e.Object()[key], value)
		}
	}
	if _, shown := e.Object()["SECRET"]; shown {
		t.Error("a variable without the prefix is shown to the page")
	}
	got, unknown := e.ReplaceHTML("<title>%VITE_A% %MODE% %VITE_NOPE% %DEV% %NOPE% 100%</title>")
	if got != "<title>1 development %VITE_NOPE% true %NOPE% 100%</title>" || !slices.Equal(unknown, []string{"VITE_NOPE"}) {
		t.Errorf("page is %q, unknown are %q", got, unknown)
	}
}

func TestEmptyPrefixIsRefused(t *testing.T) {
	if _, err := env.Load(env.Options{Prefixes: []string{""}}); err == nil {
		t.Error("an empty prefix was accepted")
	}
}

// TestEveryFileIsRead: Load accepts what dotenv accepts, skips other lines, and reports their place without their text.
func TestEveryFileIsRead(t *testing.T) {
	for text, want := range map[string]struct {
		values   map[string]string
		mistakes []int // their lines
	}{
		"A=1\nhalf a line with s3cret\nB=2":            {map[string]string{"A": "1", "B": "2"}, []int{2}},
		"A=\"not closed\nB=2\n\n=x\n# note\n !":        {map[string]string{"A": `"not closed`, "B": "2"}, []int{1, 4, 6}},
		"\ufeffexport A = x # note\r\nB: yes\r\nC=a#b": {map[string]string{"A": "x", "B": "yes", "C": "a"}, nil},
		"A='one\ntwo'\nB=\"one\\ntwo\"\nC='a\\nb'":     {map[string]string{"A": "one\ntwo", "B": "one\ntwo", "C": `a\nb`}, nil},
		"A=`a \"b\" 'c'`\nB=\nC=\"a#b\" # note":        {map[string]string{"A": `a "b" 'c'`, "B": "", "C": "a#b"}, nil},
		"J={\"a\": \"b\"}\nA.B-c=b=c\nB=\"a\" junk":    {map[string]string{"J": `{"a": "b"}`, "A.B-c": "b=c", "B": `"a" junk`}, nil},
		"B=\"b\"\nA='x # y\nC=`":                       {map[string]string{"A": "'x", "B": "b", "C": "`"}, []int{2, 3}},
		"A=1\nB=pa\\$A\nC=$A":                          {map[string]string{"A": "1", "B": "pa$A", "C": "1"}, nil},
	} {
		dir := write(t, map[string]string{".env": text})
		e, err := env.Load(env.Options{Dir: dir, Prefixes: []string{"A", "B", "C", "J"}})
		if err != nil {
			t.Errorf("%q: %v", text, err)
			continue
		}
		for name, value := range want.values {
			if got := e.Object()[name]; name != "BASE_URL" && got != value {
				t.Errorf("%q: %s is %q, want %q", text, name, got, value)
			}
		}
		var lines []int
		for _, m := range e.Mistakes() {
			lines = append(lines, m.Line)
		}
		if !slices.Equal(lines, want.mistakes) {
			t.Errorf("%q: lines %v have mistakes, want %v", text, lines, want.mistakes)
		}
	}
}

// expansions are .env files, each with the values that it gives. "@" separates files of one project: .env, .env.local,
// .env.development and .env.development.local.
var expansions = []expansion{
	// a default, for a variable that is missing or empty
	{"A=${X-d}", "A=d", false},
	{"A=${X:-d}", "A=d", false},
	{"E=\nA=${E-d}\nB=${E:-d}", "E=|A=d|B=d", false},
	{"X=x\nA=${X-d}\nB=${X:-d}", "X=x|A=x|B=x", false},
	{"A=${X-}", "A=", false},
	{"A=${X:-}", "A=", false},
	{"A=${X:-a-b:-c}", "A=a-b:-c", false},
	{"A=${X:-http://h:80/p?q=1}", "A=http://h:80/p?q=1", false},
	{"A=\"${X:-a b}\"", "A=a b", false},
	// an alternative, for a variable that is neither
	{"X=x\nA=${X+y}\nB=${X:+y}", "X=x|A=y|B=y", false},
	{"E=\nA=${E+y}\nB=${E:+y}\nC=${X+y}", "E=|A=|B=|C=", false},
	{"X=x\nA=${X:+y-z}\nB=${X:+a:+b}", "X=x|A=y-z|B=a:+b", false},
	// nested
	{"A=${X:-${Y:-d}}", "A=d", false},
	{"Y=y\nA=${X:-${Y:-d}}\nB=${X:-$Y}", "Y=y|A=y|B=y", false},
	{"X=x\nY=y\nA=${X:+${Y}}\nB=${X:-${Y}}", "X=x|Y=y|A=y|B=x", false},
	{"A=${X:-${Y:-${Z:-d}}}-e", "A=d-e", false},
	{"X=x\nA=a${X}b${X}c$X", "X=x|A=axbxcx", false},
	// references
	{"A=$B\nB=b", "A=b|B=b", false},
	{"A=$X!", "A=!", false},
	{"A=${X}!", "A=!", false},
	{"A=$B\nB=$C\nC=c", "A=$C|B=c|C=c", true},
	{"A=1\nA=2\nB=$A", "A=2|B=2", false},
	{"B=$A\nA=1@A=2", "A=2|B=2", false},
	{"A=${FROM_PROCESS}\nB=$FROM_PROCESS-x", "A=process|B=process-x", false},
	{"FROM_PROCESS=file\nA=$FROM_PROCESS", "A=process", false},
	{"A='$B'\nB=b\nC=`$B`\nD=\"$B\"", "A=b|B=b|C=b|D=b", false},
	{"A=$\nB=$1\nC=${}\nD=a$-b", "A=$|B=$1|C=${}|D=a$-b", false},
	{"A=${B\nB=b", "A=${B|B=b", false},
	{"A=a$$B\nB=b", "A=a|B=b", false},
	// escapes
	{"A=\\$B\nB=b", "A=$B|B=b", false},
	{"A=\\${B}\nB=b", "A=${B}|B=b", false},
	{"A='pa\\$word'", "A=pa$word", false},
	{"A=$B\\$C\nB=b", "A=b$C|B=b", false},
	{"A=a\\nb\\tc", "A=a\\nb\\tc", false},
	{"A=\"a\\nb\"", "A=a\nb", false},
	// circles
	{"A=$A:x", "A=:x", false},
	{"A=${A:-d}", "A=d", false},
	{"FROM_PROCESS=$FROM_PROCESS:x\nA=$FROM_PROCESS", "A=process", false},
	{"A=$B\nB=$A", "A=$A|B=", true},
	// quotes, comments, lines
	{"A=a # b\nB=\"a # b\" # c\nC='a # b'\nD=a#b", "A=a|B=a # b|C=a # b|D=a", false},
	{"A=\"one\ntwo\"\nB='one\ntwo'\nC=`one\ntwo`\nD=d", "A=one\ntwo|B=one\ntwo|C=one\ntwo|D=d", false},
	{"A=`it's \"so\"`\nB=\"it's\"\nC='say \"so\"'", "A=it's \"so\"|B=it's|C=say \"so\"", false},
	{"export A=1\n  B =  2  \r\n# C=3\n\nD==d\nE.F-g=h", "A=1|B=2|D==d|E.F-g=h", false},
	{"A=\nB=''\nC=\"\"\nD=' d '", "A=|B=|C=|D= d ", false},
	{"D={\"a\": \"b\"}\nE='{\"a\": \"$X\"}'", "D={\"a\": \"b\"}|E={\"a\": \"\"}", false},
	{"Ä=1\nA=${Ä}", "Ä=1|A=1", false},
	// a program has read the file before, as dotenv does
	{"RAW_IN_PROCESS=a$B\nB=b\nX=$RAW_IN_PROCESS", "X=ab|B=b", false},
	// in the order of the names in a file
	{"C=$B\nB=$A\nA=1", "A=1|B=1|C=1", false},
	{"C=1\nB=$C\nA=$B", "A=$C|B=1|C=1", true},
	{"C=$B\nB=$A@A=1\nD=$C", "A=1|B=1|C=1|D=1", false},
	{"C=$B@B=$A\nA=1", "A=1|B=1|C=$A", true},
	// files
	{"A=0\nB=0\nC=0\nD=0@B=1\nC=1\nD=1@C=2\nD=2@D=3", "A=0|B=1|C=2|D=3", false},
	{"A=$B@B=local@C=$A-$B", "A=local|B=local|C=local-local", false},
	{"A=${X:-base}@X=local", "A=local|X=local", false},
	{"NODE_ENV=development\nA=$NODE_ENV", "A=development", false},
}

var expansionPrefixes = []string{"A", "B", "C", "D", "E", "X", "Y", "Ä"}

// project writes the files of a row of expansions.
func (e expansion) project(t *testing.T) string {
	files := map[string]string{}
	for i, text := range strings.Split(e.text, "@") {
		files[[]string{".env", ".env.local", ".env.development", ".env.development.local"}[i]] = text
	}
	return write(t, files)
}

// expansion is a row. told means that the terminal shows a mistake.
type expansion struct {
	text, want string
	told       bool
}

// values are the values that the row wants.
func (e expansion) values() map[string]string {
	values := map[string]string{}
	for pair := range strings.SplitSeq(e.want, "|") {
		name, value, _ := strings.Cut(pair, "=")
		values[name] = value
	}
	return values
}

func TestReferencesAreReplaced(t *testing.T) {
	processVariables(t)
	for _, row := range expansions {
		e, err := env.Load(env.Options{Dir: row.project(t), Prefixes: expansionPrefixes})
		if err != nil {
			t.Fatal(err)
		}
		for name, value := range row.values() {
			if got := e.Object()[name]; got != value {
				t.Errorf("%q: %s is %q, want %q", row.text, name, got, value)
			}
		}
		if told := len(e.Mistakes()) > 0; told != row.told {
			t.Errorf("%q: the terminal shows %v", row.text, e.Mistakes())
		}
	}
}

// processVariables gives the process the variables that expansions refer to, and no other variable of those names.
func processVariables(t *testing.T) {
	for _, pair := range os.Environ() {
		if name, _, _ := strings.Cut(pair, "="); len(name) == 1 || name == "NODE_ENV" {
			t.Setenv(name, "")
			if err := os.Unsetenv(name); err != nil {
				t.Fatal(err)
			}
		}
	}
	t.Setenv("FROM_PROCESS", "process")
	t.Setenv("RAW_IN_PROCESS", "a$B")
}

// TestReferencesAreReplacedAsByVite: the table above holds what Vite's loadEnv gives.
func TestReferencesAreReplacedAsByVite(t *testing.T) {
	processVariables(t)
	vite, err := filepath.Abs("../../testdata/tools/node_modules/vite/dist/node/index.js")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(vite); err != nil {
		t.Skip("Vite is not installed: run npm install --no-save in testdata/tools/")
	}
	dirs := make([]string, 0, len(expansions))
	for _, row := range expansions {
		dirs = append(dirs, row.project(t))
	}
	list, err := json.Marshal(map[string]any{"vite": "file://" + filepath.ToSlash(vite), "dirs": dirs, "prefixes": expansionPrefixes})
	if err != nil {
		t.Fatal(err)
	}
	node := exec.Command("node", "--input-type=module", "-e", `
		const { vite, dirs, prefixes } = JSON.parse(process.argv[1]);
		const { loadEnv } = await import(vite);
		const clean = { ...process.env };
		console.log(JSON.stringify(dirs.map((dir) => {
			process.env = { ...clean };
			return loadEnv("development", dir, prefixes);
		})));`, string(list))
	out, err := node.Output()
	if err != nil {
		t.Skip("Node.js is not installed: ", err)
	}
	var got []map[string]string
	if err := json.Unmarshal(out, &got); err != nil {
		t.Fatal(err)
	}
	for i, row := range expansions {
		maps.DeleteFunc(got[i], func(name, value string) bool { return os.Getenv(name) == value && value != "" })
		if want := row.values(); !reflect.DeepEqual(got[i], want) {
			t.Errorf("%q: Vite gives %q, the table has %q", row.text, got[i], want)
		}
	}
}

// TestCirclesAreTold: references that come to no end stop, and the terminal names the variable and its line. Vite hangs.
func TestCirclesAreTold(t *testing.T) {
	e, err := env.Load(env.Options{Dir: write(t, map[string]string{".env": "# a circle\nVITE_A=a$VITE_B\nVITE_B=b$VITE_C\nVITE_C=c$VITE_B\n"})})
	if err != nil {
		t.Fatal(err)
	}
	if m := e.Mistakes(); len(m) == 0 || m[0].Line != 2 || !strings.Contains(m[0].Text, "VITE_A") {
		t.Errorf("the terminal shows %v", m)
	}
}

// TestValuesThatGrow: each value names the value before twice.
func TestValuesThatGrow(t *testing.T) {
	text := "V00=0123456789abcdef\n"
	for i := range 23 { // 128 MiB without a bound
		text += fmt.Sprintf("V%02d=$V%02d$V%02d\n", i+1, i, i)
	}
	e, err := env.Load(env.Options{Dir: write(t, map[string]string{".env": text}), Prefixes: []string{"V"}})
	if err != nil {
		t.Fatal(err)
	}
	if v, _ := e.Object()["V23"].(string); len(v) > 64<<20 || len(e.Mistakes()) == 0 {
		t.Errorf("the last value has %d bytes, and %d mistakes are told", len(v), len(e.Mistakes()))
	}
}
