/** Shows a line `name: value` on the page. */
export function show(name: string, value: unknown): void {
  const line = document.createElement("div");
  line.textContent = `${name}: ${typeof value === "string" ? value : JSON.stringify(value)}`;
  line.dataset.name = name;
  const old = document.querySelector(`#out [data-name="${name}"]`);
  if (old) old.replaceWith(line);
  else document.querySelector("#out")!.append(line);
}
