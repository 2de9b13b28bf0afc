import { latest } from "./latest";
import "./style.css";

const path = document.querySelector<SVGPathElement>("#drawing")!;
const form = document.querySelector<HTMLFormElement>("#controls")!;
const status = document.querySelector<HTMLElement>("#status")!;

// The values outlive this version of the module, and so do the sliders of a program that is replaced.
const values: Record<string, number> = import.meta.hot?.data.values ?? {};

const draw = latest(async () => {
  const began = performance.now();
  try {
    const drawing = await import.meta.hot?.request("playground:draw", values, { timeout: 5000 });
    if (!drawing) return; // a production build has no Go to ask
    path.setAttribute("d", drawing.path);
    path.style.stroke = drawing.pen;
    status.textContent = `${drawing.points} points from Go in ${(performance.now() - began).toFixed(1)} ms`;
  } catch (error) {
    const { code, message } = error as DevserverRequestError;
    if (code !== "disposed") status.textContent = `no drawing: ${message}`; // the next version of this module draws
  }
});

/** Makes the sliders that Go names. A slider that was there before keeps its value. */
async function showControls(): Promise<void> {
  const controls = (await import.meta.hot?.request("playground:controls")) ?? [];
  form.replaceChildren(
    ...controls.map(({ name, value, ...bounds }) => {
      values[name] ??= value;
      const label = document.createElement("label");
      const output = document.createElement("output");
      const slider = Object.assign(document.createElement("input"), { type: "range", name, ...bounds });
      slider.value = String(values[name]); // behind the bounds, which would change it
      output.value = slider.value;
      slider.addEventListener("input", () => {
        values[name] = slider.valueAsNumber;
        output.value = slider.value;
        draw(values);
      });
      label.append(name, slider, output);
      return label;
    }),
  );
  draw(values);
}

if (import.meta.hot) {
  import.meta.hot.data.values = values;
  // Another program of Go has taken over: it may know other controls, and draws something else.
  import.meta.hot.on("devserver:plugins:reloaded", showControls);
  import.meta.hot.accept();
}
void showControls();
