// What the page has of the server: the channels and requests of devserver/main.go, and the signed-in user.
import { channel, connection, onReadyState } from "devserver/client";

export interface Message {
  id: string;
  from: string;
  text: string;
  room: string;
  at: string;
}

// devserver writes the types of the channels to devserver-env.d.ts, from the Go types.
export const messages = channel("chat_room_messages");
export const people = channel("chat_room_people");

export async function rooms(): Promise<string[]> {
  return (await connection().request("chat:rooms")) as string[];
}

/** Takes the page into a room, and returns the room's newest messages. */
export async function enter(room: string): Promise<Message[]> {
  return (await connection().request("chat:enter", room)) as Message[];
}

/** Calls a function each time that the connection is there again. The returned function ends that. */
export function onReconnect(onOpen: () => void): () => void {
  return onReadyState((state) => {
    if (state === "open") onOpen();
  });
}

/** Calls a function with the user, "" for a guest: now, and whenever the user changes. The returned function ends that. */
export function watchUser(onUser: (user: string) => void): () => void {
  void fetch("/session").then(async (answer) => onUser(answer.ok ? await answer.text() : ""));
  return connection().on("devserver:identified", ({ user }: { user: string }) => onUser(user));
}

export async function signIn(name: string): Promise<void> {
  await fetch("/session", { method: "POST", body: new URLSearchParams({ name }) });
}

export async function signOut(): Promise<void> {
  await fetch("/session", { method: "DELETE" });
}
