import { useEffect, useState } from "react";
import { onNotification } from "devserver/client";
import { useChannel } from "devserver/react";
import { echo, lobby, pages, whisper, type Message } from "./channels";
import { useSession } from "./session";

export function App() {
  const [lines, setLines] = useState<string[]>([]);
  const [count, setCount] = useState(0);
  const [text, setText] = useState("");
  const [to, setTo] = useState("");
  const show = (where: string) => (m: Message) => setLines((all) => [...all, `${where} ${m.from}: ${m.text}`]);

  const { send: sendEcho, readyState } = useChannel(echo, { onMessage: show("echo") });
  const { send: sendLobby } = useChannel(lobby, { onMessage: show("lobby") });
  const { send: sendWhisper } = useChannel(whisper, { onMessage: show("whisper") });
  useChannel(pages, { onMessage: setCount });
  useEffect(() => onNotification((n) => setLines((all) => [...all, `! ${n.title}`])), []);

  return (
    <main>
      <p>
        Connection: <b id="state">{readyState}</b>. Open pages: <b id="count">{count}</b>
      </p>
      <Session />
      <p>
        <input id="text" placeholder="Text" value={text} onChange={(e) => setText(e.target.value)} />
        <button id="echo" onClick={() => sendEcho({ text })}>
          Echo
        </button>
        <button id="lobby" onClick={() => sendLobby({ text })}>
          To all
        </button>
        <input id="to" placeholder="User" value={to} onChange={(e) => setTo(e.target.value)} />
        <button id="whisper" onClick={() => sendWhisper({ to, text })}>
          Whisper
        </button>
      </p>
      <ul id="lines">
        {lines.map((line, i) => (
          <li key={i}>{line}</li>
        ))}
      </ul>
    </main>
  );
}

function Session() {
  const [name, setName] = useState("");
  const { user, signIn, signOut } = useSession();
  if (user === undefined)
    return (
      <p>
        This server does not have the channels of this page. Run <code>go run ./dev</code>, see README.md.
      </p>
    );
  if (user)
    return (
      <p>
        You are <b id="user">{user}</b>.{" "}
        <button id="sign-out" onClick={signOut}>
          Sign out
        </button>
      </p>
    );
  return (
    <p>
      You are <b id="user">a guest</b>.{" "}
      <input id="name" placeholder="Name" value={name} onChange={(e) => setName(e.target.value)} />
      <button id="sign-in" onClick={() => signIn(name)}>
        Sign in
      </button>
    </p>
  );
}
