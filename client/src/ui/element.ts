/** Makes an element of the overlay or of a toast. */
export function element(tag: string, className = "", text = ""): HTMLElement {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text) made.textContent = withoutColours(text);
  return made;
}

/** Removes the colours that compilers put into messages for terminals. */
export function withoutColours(text: string): string {
  return text.replace(/\x1b\[[0-9;]*m/g, "");
}
