// A log of what happened, in order. Tests read window.log, people read the page.
declare global {
  interface Window {
    log: string[];
  }
}
window.log ??= [];

export function log(text: string): void {
  window.log.push(text);
  document.querySelector("#lines")!.textContent = window.log.join("\n");
}

export function show(id: string, text: string): void {
  document.querySelector(`#${id}`)!.textContent = `${id}: ${text}`;
}
