// Lines to choose from. Gradio calls this with: element, trigger, props, server, upload, watch.
const root = element.querySelector(".offers");
let laid = "";

function lay() {
  const { lines = [], waiting = false } = props.value ?? {}, inside = root.contains(document.activeElement);
  root.setAttribute("aria-busy", String(waiting));
  const text = JSON.stringify([lines, waiting]);
  if (text === laid) return;
  laid = text;
  root.replaceChildren(...lines.map((line, index) => {
    const one = document.createElement("button");
    one.type = "button";
    one.append(
      Object.assign(document.createElement("kbd"), { textContent: String(index + 1) }),
      Object.assign(document.createElement("span"), { textContent: line }),
    );
    one.addEventListener("click", () => take(index));
    return one;
  }));
  if (waiting) root.append(Object.assign(document.createElement("p"), { textContent: "Thinking of lines …" }));
  root.hidden = !lines.length && !waiting;
  if (inside) (root.querySelector("button") ?? root).focus({ preventScroll: true });
}

let taken = "";
function take(index) {
  if (taken === laid) return;  // once
  taken = laid;
  for (const one of root.querySelectorAll("button")) one.disabled = true;
  root.focus({ preventScroll: true });
  trigger("select", { index, line: props.value.lines[index] });
}

root.addEventListener("keydown", (event) => {
  const buttons = [...root.querySelectorAll("button")], here = buttons.indexOf(document.activeElement);
  if (event.ctrlKey || event.altKey || event.metaKey || !buttons.length) return;
  const steps = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1 };
  if (/^[1-9]$/.test(event.key) && buttons[event.key - 1]) take(event.key - 1);
  else if (steps[event.key]) buttons[(here + steps[event.key] + buttons.length) % buttons.length].focus();
  else return;
  event.preventDefault();
});
watch("value", () => { taken = ""; lay(); });
lay();
