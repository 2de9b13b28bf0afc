package client_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/seed-b8174343/devserver/client"
)

const declared = `
interface DevserverEvents { "sum:add": { a: number; b?: number }; "ping": string }
interface DevserverServerEvents { "sum:result": { sum: number } }
interface DevserverRequests { "sum:get": { request: { a: number }; response: { sum: number } } }
interface DevserverPageRequests {
  "cart:state": { request: void; response: { items: number } };
  "cart:show": { request: { id: string }; response: void };
}
interface DevserverChannels {
  "blog_chat_echo": { send: { text: string }; receive: { text: string; at: number } };
  "blog_chat_news": { send: never; receive: string };
}
`

const rightUses = `
import { channel, connection, onNotification } from "devserver/client";
import { useChannel } from "devserver/react";
if (import.meta.hot) {
  const { hot } = import.meta;
  hot.send("sum:add", { a: 1 });
  hot.send("anything", { goes: 1 });
  hot.on("vite:beforeUpdate", (p) => p.updates[0]?.acceptedPath.length);
  hot.on("devserver:lost", ({ messages, reason, sent }) => sent || reason.repeat(messages));
  hot.on("devserver:identified", ({ user }) => user.length);
  hot.accept("./dep", (m) => m?.x);
  hot.accept(["./a", "./b"], ([a, b]) => [a?.x, b?.y]);
  hot.dispose(async (data) => { data.x = 1 });
  const n: Promise<number> = hot.request("sum:get", { a: 1 }, { timeout: 5 }).then((r) => r.sum);
  void n;
  const off = hot.handle("cart:state", (_, { signal }) => ({ items: signal.aborted ? 0 : 1 }), { description: "The cart" });
  off();
  hot.handle("cart:state", async () => ({ items: 1 }));
  hot.handle("cart:show", ({ id }) => void id.length);
  hot.handle("anything", (data) => data.of.any.kind);
  connection().handle("cart:show", async ({ id }) => console.log(id.length))();
}
const echo = channel("blog_chat_echo");
echo.send({ text: "x" });
echo.subscribe(({ text, at }) => text.length + at);
channel("blog_chat_news").subscribe((s) => s.length);
channel<number, string>("a_b_c").send(1);
const { send, readyState } = useChannel(echo, { onMessage: (m) => m.at });
send({ text: readyState });
onNotification((n) => n.title);
`

// wrongUses has lines that each must be an error.
const wrongUses = `
import { channel } from "devserver/client";
const hot = import.meta.hot!;
hot.send("sum:add", { a: "1" });
hot.send("ping", 1);
hot.request("sum:get", { b: 1 });
hot.request("sum:get", { a: 1 }).then((r) => r.nothing);
hot.on("vite:beforeUpdate", (p) => p.nothing);
hot.on("devserver:lost", (p) => p.nothing);
hot.on("devserver:identified", (p) => p.nothing);
hot.handle("cart:state", () => ({ items: "1" }));
hot.handle("cart:show", ({ name }) => name);
channel("blog_chat_echo").send({ txt: "x" });
channel("blog_chat_echo").subscribe((m) => m.nothing);
channel("blog_chat_news").send("x");
`

const viteHot = `
import type { InferCustomEventPayload } from "./customEvent";
export interface ViteHotContext {
  readonly data: any;
  accept(): void;
  accept(cb: (mod: any) => void): void;
  accept(dep: string, cb: (mod: any) => void): void;
  accept(deps: readonly string[], cb: (mods: Array<any>) => void): void;
  dispose(cb: (data: any) => void): void;
  on<T extends string>(event: T, cb: (payload: InferCustomEventPayload<T>) => void): void;
  send<T extends string>(event: T, data?: InferCustomEventPayload<T>): void;
}
`

const viteEvents = `
export interface CustomEventMap { "vite:beforeUpdate": { type: "update"; updates: { acceptedPath: string }[] } }
export type InferCustomEventPayload<T extends string> = T extends keyof CustomEventMap ? CustomEventMap[T] : any;
`

const viteMeta = `
interface ImportMetaEnv { [key: string]: any; MODE: string }
interface ImportMeta { url: string; readonly hot?: import("./hot").ViteHotContext; readonly env: ImportMetaEnv }
`

func TestTypes(t *testing.T) {
	tsc, err := filepath.Abs("node_modules/.bin/tsc")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(tsc); err != nil {
		t.Skip("npm packages are not installed: run npm ci in client/")
	}
	for name, vite := range map[string]bool{"with Vite's types": true, "alone": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			write := func(name, text string) {
				file := filepath.Join(dir, name)
				if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			for _, f := range client.Types(declared, vite) {
				write("src/"+f.Name, f.Text)
			}
			write("src/right.ts", rightUses)
			write("src/wrong.ts", wrongUses)
			types := `[]`
			if vite {
				write("node_modules/vite/package.json", `{"name": "vite", "version": "8.0.0", "exports": {"./client": {"types": "./client.d.ts"}, "./types/*": {"types": "./types/*"}}}`)
				write("node_modules/vite/client.d.ts", `/// <reference path="./types/importMeta.d.ts" />`)
				write("node_modules/vite/types/importMeta.d.ts", viteMeta)
				write("node_modules/vite/types/hot.d.ts", viteHot)
				write("node_modules/vite/types/customEvent.d.ts", viteEvents)
				types = `["vite/client"]`
			}
			write("tsconfig.json", `{"compilerOptions": {"strict": true, "noEmit": true, "target": "ES2022", "module": "ESNext", "moduleResolution": "bundler", "skipLibCheck": false, "types": `+types+`}, "include": ["src"]}`)
			out, _ := exec.Command(tsc, "-p", dir, "--pretty", "false").CombinedOutput() // it fails because of the wrong uses
			checkDiagnostics(t, string(out))
		})
	}
}

// checkDiagnostics reports lines of the wrong uses without an error, and errors elsewhere.
func checkDiagnostics(t *testing.T, out string) {
	t.Helper()
	for line := range strings.Lines(out) {
		if !strings.Contains(line, "src/wrong.ts(") && strings.Contains(line, ": error ") {
			t.Errorf("unexpected: %s", line)
		}
	}
	for i, line := range strings.Split(wrongUses, "\n") {
		if i < 3 || line == "" {
			continue
		}
		if !strings.Contains(out, "src/wrong.ts("+strconv.Itoa(i+1)+",") {
			t.Errorf("no error in %q", line)
		}
	}
	if t.Failed() {
		t.Log(out)
	}
}
