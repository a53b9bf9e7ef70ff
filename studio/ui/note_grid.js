// A grid that notes are clicked into. Gradio calls this with: element, trigger, props, server, upload, watch.
// A note is [first column, columns, row]; one voice, so that no two of them share a column.
const cells = element.querySelector(".cells");
const button = Object.fromEntries([...element.querySelectorAll("[data-do]")].map((one) => [one.dataset.do, one]));
let state = props.value, notes = [], at = [0, 0], laid = "", drag = null;

const columns = () => state.cells * state.bars;
const note_at = (column) => notes.find(([start, length]) => start <= column && column < start + length);
const cell_at = (column, degree) => cells.querySelector(`[data-column="${column}"][data-degree="${degree}"]`);

function build() {  // the cells, when the key, the metre or the number of bars is another
  cells.replaceChildren();
  cells.style.gridTemplateColumns = `34px repeat(${columns()}, minmax(0, 1fr))`;
  for (const [degree, name] of state.rows) {
    const row = document.createElement("div");
    row.setAttribute("role", "row");
    row.classList.toggle("tonic", degree % 7 === 0);
    const label = document.createElement("div");
    label.className = "label";
    label.setAttribute("role", "rowheader");
    label.textContent = name;
    row.append(label);
    for (let column = 0; column < columns(); column++) {
      const cell = document.createElement("div");
      cell.setAttribute("role", "gridcell");
      cell.tabIndex = -1;
      cell.dataset.column = column;
      cell.dataset.degree = degree;
      cell.dataset.called = `${name}, bar ${Math.floor(column / state.cells) + 1}, eighth ${(column % state.cells) + 1}`;
      cell.style.setProperty("--fill", `var(--degree-${((degree % 7) + 7) % 7})`);
      cell.classList.toggle("new-beat", column % state.beat === 0 && column % state.cells !== 0);
      cell.classList.toggle("new-bar", column % state.cells === 0);
      row.append(cell);
    }
    cells.append(row);
  }
  at = [Math.min(at[0], columns() - 1), at[1]];
}

function show() {
  for (const cell of cells.querySelectorAll(".cell, [role=gridcell]")) {
    const [column, degree] = [Number(cell.dataset.column), Number(cell.dataset.degree)];
    const note = note_at(column), on = Boolean(note && note[2] === degree);
    cell.classList.add("cell");
    cell.classList.toggle("on", on);
    cell.classList.toggle("first", on && note[0] === column);
    cell.setAttribute("aria-selected", String(on));
    const eighths = on ? `, a note of ${note[1]} eighth${note[1] > 1 ? "s" : ""}` : "";
    cell.setAttribute("aria-label", cell.dataset.called + eighths);
    cell.tabIndex = column === at[0] && degree === at[1] ? 0 : -1;
  }
  button.fewer.disabled = state.bars <= 1;
  button.more.disabled = state.bars >= state.most;
  button.clear.disabled = !notes.length;
}

function keep() {  // what the page sends when a tune is asked for
  notes.sort((one, other) => one[0] - other[0]);
  state = { ...state, notes: notes.map((note) => [...note]) };
  props.value = state;
  trigger("input");
}

function free(from, to, but) {  // make room: a note that begins before is cut, others go
  notes = notes.flatMap((note) => {
    const [start, length, degree] = note;
    if (note === but || start + length <= from || start >= to) return [note];
    return start < from ? [[start, from - start, degree]] : [];
  });
}

function put(column, degree) {
  free(column, column + 1);
  const note = [column, 1, degree];
  notes.push(note);
  return note;
}

function stretch(note, length) {
  const wanted = Math.max(1, Math.min(length, columns() - note[0]));
  if (wanted === note[1]) return;
  free(note[0] + note[1], note[0] + wanted, note);
  note[1] = wanted;
}

function toggle(column, degree) {
  const note = note_at(column);
  if (note && note[2] === degree) notes = notes.filter((one) => one !== note);
  else put(column, degree);
}

const place_of = (cell) => [Number(cell.dataset.column), Number(cell.dataset.degree)];

cells.addEventListener("pointerdown", (event) => {
  const cell = event.target.closest(".cell");
  if (!cell || event.button) return;
  const [column, degree] = (at = place_of(cell));
  const there = note_at(column);
  if (there && there[2] === degree) drag = { note: there, taken: true };
  else drag = { note: put(column, degree), taken: false };
  cell.releasePointerCapture?.(event.pointerId);
  cell.focus({ preventScroll: true });
  show();
});
cells.addEventListener("pointermove", (event) => {
  if (!drag) return;
  const cell = document.elementFromPoint(event.clientX, event.clientY)?.closest?.(".cell");
  if (!cell || !cells.contains(cell)) return;
  const [column] = place_of(cell);
  if (column === at[0] && drag.taken) return;
  drag.taken = false;
  stretch(drag.note, column - drag.note[0] + 1);
  show();
});
window.addEventListener("pointerup", () => {
  if (!drag) return;
  if (drag.taken) notes = notes.filter((one) => one !== drag.note);
  drag = null;
  show();
  keep();
});
window.addEventListener("pointercancel", () => { drag = null; });

cells.addEventListener("keydown", (event) => {
  if (!event.target.closest(".cell") || event.ctrlKey || event.altKey || event.metaKey) return;
  const [column, degree] = at, note = note_at(column), here = note && note[2] === degree;
  const go = (to, row) => {
    at = [Math.max(0, Math.min(columns() - 1, to)), Math.max(state.rows.at(-1)[0], Math.min(state.rows[0][0], row))];
  };
  const longer = (by) => { if (here) { stretch(note, note[1] + by); return true; } };
  const keys = {
    ArrowLeft: () => (event.shiftKey ? longer(-1) : go(column - 1, degree)),
    ArrowRight: () => (event.shiftKey ? longer(1) : go(column + 1, degree)),
    ArrowUp: () => go(column, degree + 1), ArrowDown: () => go(column, degree - 1),
    Home: () => go(0, degree), End: () => go(columns() - 1, degree),
    Enter: () => { toggle(column, degree); return true; }, " ": () => { toggle(column, degree); return true; },
  };
  if (!keys[event.key]) return;
  event.preventDefault();
  event.stopPropagation();
  const changed = keys[event.key]();
  if (changed) keep();
  if (here && changed && note && !notes.includes(note)) at = [column, degree];
  show();
  cell_at(...at).focus({ preventScroll: true });
});

function bars(by) {
  state = { ...state, bars: state.bars + by };
  notes = notes.filter(([start]) => start < columns());
  for (const note of notes) note[1] = Math.min(note[1], columns() - note[0]);
  keep();
  lay();
}
button.fewer.addEventListener("click", () => bars(-1));
button.more.addEventListener("click", () => bars(1));
button.clear.addEventListener("click", () => { notes = []; keep(); show(); });

function lay() {
  const text = JSON.stringify([state.rows, state.cells, state.beat, state.bars]);
  notes = state.notes.map((note) => [...note]);
  if (text !== laid) { laid = text; build(); }
  show();
}
watch("value", () => { if (props.value?.rows) { state = props.value; lay(); } });
lay();
