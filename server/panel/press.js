// A click belongs to the element that is there from the press to the release. News that replaces elements waits for it.

let press; // while the pointer is pressed: what ends the wait, and the wait itself

addEventListener("pointerdown", begin, true);
for (const type of ["pointerup", "pointercancel"]) addEventListener(type, end, true);
addEventListener("pointermove", (event) => event.buttons === 0 && end(), true); // it was released elsewhere

function begin() {
  if (press) return;
  press = {};
  press.over = new Promise((resolve) => (press.resolve = resolve));
}

function end() {
  const ended = press;
  if (!ended) return;
  setTimeout(() => {
    ended.resolve(); // after the click, which follows at once
    if (press === ended) press = undefined;
  });
}

/** Waits until the pointer is released, when it is pressed. */
export const released = () => press?.over;
