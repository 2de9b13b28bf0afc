import { useEffect, useState } from "react";
import { connection } from "devserver/client";

/**
 * Who is signed in: "" for a guest, undefined where nobody answers. The server sees that the cookie has changed, and tells
 * the page who it is to the hub from then on.
 */
export function useSession() {
  const [user, setUser] = useState<string | undefined>("");
  useEffect(() => {
    void fetch("/session").then(async (answer) => setUser(answer.ok ? await answer.text() : undefined));
    return connection().on("devserver:identified", (now: { user: string }) => setUser(now.user));
  }, []);
  return {
    user,
    signIn: (name: string) => fetch("/session", { method: "POST", body: new URLSearchParams({ name }) }),
    signOut: () => fetch("/session", { method: "DELETE" }),
  };
}
