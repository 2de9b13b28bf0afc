import { enter, messages, onReconnect, people, rooms, signIn, signOut, watchUser, type Message } from "./server";
import "./style.css";

const find = <T extends Element = HTMLElement>(selector: string): T => document.querySelector<T>(selector)!;
const [nav, list, here] = [find("#rooms"), find("#messages"), find("#people")];
const [signInForm, writeForm] = [find<HTMLFormElement>("#sign-in"), find<HTMLFormElement>("#write")];
const text = writeForm.elements.namedItem("text") as HTMLInputElement;

let room: string = import.meta.hot?.data.room ?? "general"; // an edit of this file keeps the room

function element(tag: string, text = ""): HTMLElement {
  return Object.assign(document.createElement(tag), { textContent: text }); // text, and never HTML
}

function lineOf(message: Message): HTMLElement {
  const line = element("li");
  line.id = message.id;
  line.append(
    element("b", message.from),
    element("time", new Date(message.at).toLocaleTimeString([], { timeStyle: "short" })),
    element("p", message.text),
  );
  return line;
}

const isShown = (message: Message) => document.getElementById(message.id) !== null;

function show(message: Message): void {
  if (message.room !== room || isShown(message)) return; // a message of a room that the page is about to leave
  list.append(lineOf(message));
  list.scrollTop = list.scrollHeight;
}

/** Goes to a room. Its newest messages come before those that are written meanwhile, which may be among them. */
async function goTo(name: string): Promise<void> {
  room = name;
  for (const button of nav.querySelectorAll("button")) button.ariaCurrent = String(button.value === room);
  list.replaceChildren();
  const newest = await enter(name);
  if (room !== name) return; // another room was chosen meanwhile
  list.prepend(...newest.filter((message) => !isShown(message)).map(lineOf));
  list.scrollTop = list.scrollHeight;
}

function roomButton(name: string): HTMLButtonElement {
  const button = Object.assign(document.createElement("button"), { value: name, textContent: `# ${name}` });
  button.onclick = () => goTo(name);
  return button;
}

function showUser(user: string): void {
  signInForm.hidden = user !== "";
  find("#signed-in").hidden = user === "";
  find("#user").textContent = user;
  for (const control of writeForm.querySelectorAll("input, button")) control.toggleAttribute("disabled", user === "");
  text.placeholder = user === "" ? "Sign in to write" : "Write, and mention somebody by @name";
  void goTo(room); // a page leaves its room when its user changes
}

signInForm.onsubmit = (event) => {
  event.preventDefault();
  void signIn(new FormData(signInForm).get("name") as string);
};
find("#sign-out").onclick = signOut;
writeForm.onsubmit = (event) => {
  event.preventDefault();
  if (text.value.trim() === "") return;
  messages.send({ room, text: text.value }); // waits while there is no connection
  text.value = "";
};

nav.replaceChildren(...(await rooms()).map(roomButton));
const ends = [
  messages.subscribe(show),
  people.subscribe(({ room: of, users, guests }) => {
    if (of !== room) return;
    const names = [...(users ?? []), ...(guests > 0 ? [`${guests} ${guests > 1 ? "guests" : "guest"}`] : [])];
    here.replaceChildren(...names.map((name) => element("li", name)));
  }),
  watchUser(showUser),
  onReconnect(() => void goTo(room)), // a server that was started again knows no rooms
];

if (import.meta.hot) {
  import.meta.hot.dispose((data) => {
    data.room = room;
    ends.forEach((end) => end());
  });
  import.meta.hot.accept();
}
