import { useEffect, useState } from "react";
import { connection } from "devserver/client";

/**
 * Returns the user who is signed in: "" for a guest, undefined if the server has no sessions. The server sees that the
 * cookie has changed, and sends the page its new user.
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
