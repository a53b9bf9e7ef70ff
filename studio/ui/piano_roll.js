// A piano roll that plays. Gradio calls this with: element, trigger, props, server, upload, watch.
const FORM = "http://www.w3.org/2000/svg";
const MARGIN = 30, HEAD = 16, GAP = 10, DRUM = 5;
const root = element.querySelector(".player");
const [choice, about, roll, clock, silence] = ["choice", "about", "roll", "clock", "silence"]
  .map((name) => root.querySelector("." + name));
const button = Object.fromEntries([...root.querySelectorAll("[data-do]")].map((one) => [one.dataset.do, one]));

let value = {}, tune = null, drawn = "", width = 0, plan = null, lit = [];
let chosen = 0, asked = null, played = "";
let context = null, source = null, sound = { url: null, buffer: null };
let began = 0, rest = 0, looping = false, wanted = false, frame = 0, started = 0;

// --- Drawing -------------------------------------------------------------------------------------------------------

function shape(parent, kind, looks, text) {
  const made = document.createElementNS(FORM, kind);
  for (const [name, what] of Object.entries(looks)) made.setAttribute(name, what);
  if (text !== undefined) made.textContent = text;
  parent.appendChild(made);
  return made;
}

function planned(tune, width) {
  const bars = Math.min(tune.bars, width < 620 ? 4 : 8), rows = Math.ceil(tune.bars / bars);
  const span = bars * tune.bar + Math.max(0, tune.ticks - rows * bars * tune.bar);
  const pitches = tune.high - tune.low + 1, lines = 1 + Math.max(-1, ...tune.drums.map(([, line]) => line));
  const tall = Math.max(4, Math.min(rows === 1 ? 14 : 11, (rows === 1 ? 260 : 190) / pitches));
  const grid = pitches * tall, row = HEAD + grid + lines * DRUM + GAP;
  return { bars, rows, span, tall, grid, row, lines, wide: (width - MARGIN - 1) / span };
}

function places(start, end) {  // the pieces of a time, one for each row that it lies on
  const found = [], length = plan.bars * tune.bar;
  for (let row = 0; row < plan.rows; row++) {
    const begin = row * length - tune.pickup, stop = row === plan.rows - 1 ? begin + plan.span : begin + length;
    const from = Math.max(begin, start), to = Math.min(stop, end);
    if (from < to) found.push({ row, x: MARGIN + (from - begin) * plan.wide, wide: (to - from) * plan.wide });
  }
  return found;
}

const top_of = (row) => row * plan.row + HEAD;
const y_of = (row, pitch) => top_of(row) + (tune.high - pitch) * plan.tall;

function ground(svg, row) {
  const begin = row * plan.bars * tune.bar - tune.pickup, end = begin + plan.bars * tune.bar;
  const last = row === plan.rows - 1 ? Math.max(tune.ticks - tune.pickup, begin) : end, stop = Math.min(begin + plan.span, last);
  const x = (tick) => MARGIN + (tick - begin) * plan.wide, top = top_of(row), wide = (stop - begin) * plan.wide;
  shape(svg, "rect", { class: "paper", x: MARGIN, y: top, width: wide, height: plan.grid });
  const lane = (pitch, kind) =>
    shape(svg, "rect", { class: kind, x: MARGIN, y: y_of(row, pitch), width: wide, height: plan.tall });
  for (const pitch of tune.outside) lane(pitch, "outside");
  for (const [pitch, name] of tune.tonics) {
    lane(pitch, "tonic");
    shape(svg, "text", { class: "key", x: MARGIN - 5, y: y_of(row, pitch) + plan.tall / 2 }, name);
  }
  for (let tick = Math.ceil(begin / tune.beat) * tune.beat; tick <= stop; tick += tune.beat) {
    const bar = tick % tune.bar === 0;
    shape(svg, "line", { class: bar ? "bar-line" : "beat-line", x1: x(tick), x2: x(tick), y1: top - (bar ? 4 : 0), y2: top + plan.grid });
    if (bar && tick < stop) shape(svg, "text", { class: "number", x: x(tick) + 3, y: top - 5 }, tick / tune.bar + 1);
  }
}

function draw() {
  if (!tune || !width) return;
  plan = planned(tune, width);
  roll.replaceChildren();
  const svg = shape(roll, "svg", { width, height: plan.rows * plan.row, "aria-hidden": "true" });
  for (let row = 0; row < plan.rows; row++) ground(svg, row);
  lit = [];
  const put = (kind, start, ticks, pitch, name) => {
    const parts = places(start, start + ticks).map(({ row, x, wide }) => {
      const y = y_of(row, pitch);
      const box = shape(svg, "rect", { class: kind, x: x + 0.6, y: y + 0.5, width: Math.max(1, wide - 1.2), height: plan.tall - 1, rx: Math.min(3, plan.tall / 3) });
      if (name && plan.tall >= 9 && wide > 6 + 7 * name.length) shape(svg, "text", { class: "name", x: x + wide / 2, y: y + plan.tall / 2 }, name);
      return box;
    });
    lit.push({ start, end: start + ticks, parts, on: false, name });
  };
  for (const [start, ticks, pitch] of tune.under) put("under", start, ticks, pitch);
  for (const [start, ticks, pitch, degree, name] of tune.notes) put("note degree-" + degree, start, ticks, pitch, name);
  for (const [start, line] of tune.drums) {
    const parts = places(start, start + 1).map(({ row, x }) =>
      shape(svg, "rect", { class: "hit", x: x + 0.6, y: top_of(row) + plan.grid + (plan.lines - 1 - line) * DRUM + 2, width: 3, height: DRUM - 2 }));
    lit.push({ start, end: start + tune.beat / 3, parts, on: false });
  }
  plan.head = shape(svg, "line", { class: "head" });
  show(place());
}

function small(tune) {  // the notes alone, for choosing
  const svg = document.createElementNS(FORM, "svg");
  svg.setAttribute("viewBox", `0 0 ${tune.ticks} 100`);
  svg.setAttribute("preserveAspectRatio", "none");
  svg.setAttribute("aria-hidden", "true");
  const tall = 100 / (tune.high - tune.low + 1);
  for (const [start, ticks, pitch, degree] of tune.notes)
    shape(svg, "rect", { class: "note degree-" + degree, x: start + tune.pickup, y: (tune.high - pitch) * tall, width: ticks * 0.94, height: Math.max(tall, 5) });
  return svg;
}

function offer() {
  choice.hidden = value.tunes.length < 2;
  choice.replaceChildren(...value.tunes.map((one, index) => {
    const made = document.createElement("button");
    made.type = "button";
    made.setAttribute("aria-label", `Tune ${index + 1} of ${value.tunes.length}: ${one.called}`);
    made.append(small(one), Object.assign(document.createElement("span"), { textContent: one.called }));
    made.addEventListener("click", () => pick(index));
    return made;
  }));
}

function mark() {
  [...choice.children].forEach((one, index) => one.setAttribute("aria-pressed", String(index === chosen)));
}

function pick(index) {
  if (index === chosen) return;
  asked = index;
  value = { ...value, chosen: index, sound: null, waiting: !value.silence };
  lay();
  trigger("select", { index });
}

// --- Where the playhead stands -------------------------------------------------------------------------------------

const length = () => tune.ticks / tune.second;
const in_words = (seconds) => Math.floor(seconds / 60) + ":" + String(Math.floor(seconds % 60)).padStart(2, "0");

function place() {  // seconds from the beginning
  if (!source) return rest;
  const at = Math.max(0, context.currentTime - (context.outputLatency || 0) - began);
  return looping ? at % length() : Math.min(at, length());
}

function show(seconds) {
  if (!plan) return;
  const tick = Math.min(seconds * tune.second, tune.ticks - 0.001) - tune.pickup;
  const [at] = places(tick, tick + 0.001);
  if (at) {
    for (const [name, what] of Object.entries({ x1: at.x, x2: at.x, y1: top_of(at.row) - 4, y2: top_of(at.row) + plan.grid })) plan.head.setAttribute(name, what);
    if (source && plan.shown !== at.row) follow(at.row);
    plan.shown = at.row;
  }
  const sounding = source && seconds < length();
  for (const note of lit) {
    const on = Boolean(sounding && note.start <= tick && tick < note.end);
    if (on !== note.on) for (const part of note.parts) part.classList.toggle("sounding", on);
    note.on = on;
  }
  clock.textContent = in_words(seconds) + " / " + in_words(length());
  const bar = Math.floor(tick / tune.bar) + 1, beat = Math.floor((((tick % tune.bar) + tune.bar) % tune.bar) / tune.beat) + 1;
  if (!source || plan.bar !== bar) {  // not more often: it is read out
    roll.setAttribute("aria-valuenow", seconds.toFixed(1));
    roll.setAttribute("aria-valuetext", bar < 1 ? "pickup" : `bar ${bar} of ${tune.bars}, beat ${beat}`);
    plan.bar = bar;
  }
}

function follow(row) {
  const from = top_of(row) - HEAD, to = from + plan.row;
  if (from < roll.scrollTop || to > roll.scrollTop + roll.clientHeight) roll.scrollTop = from;
}

function turn() {
  frame = requestAnimationFrame(turn);
  show(place());
}

// --- Playing -------------------------------------------------------------------------------------------------------

async function heard() {  // the sound, decoded
  const { url } = value.sound;
  if (sound.url !== url) {
    const answer = await fetch(url);
    if (!answer.ok) throw new Error(`the sound could not be loaded (${answer.status})`);
    sound = { url, buffer: await context.decodeAudioData(await answer.arrayBuffer()) };
  }
  return sound.buffer;
}

async function play() {
  if (source || !tune) return;
  wanted = true;
  tell();
  if (!value.sound) return;
  const turn_of = ++started;
  try {
    context ??= new AudioContext();
    await context.resume();
    const buffer = await heard();
    if (!wanted || source || turn_of !== started) return;
    window.dispatchEvent(new CustomEvent("studio-plays", { detail: root }));
    if (rest >= length() - 0.05) rest = 0;
    source = new AudioBufferSourceNode(context, { buffer, loop: looping, loopEnd: Math.min(length(), buffer.duration) });
    source.connect(context.destination);
    source.onended = () => { halt(); rest = 0; show(0); };
    began = context.currentTime - rest;
    source.start(0, Math.min(rest, buffer.duration));
    turn();
  } catch (error) {
    wanted = false;
    silence.textContent = "It cannot be played here: " + error.message;
  }
  tell();
}

function halt() {  // where it is
  rest = place();
  wanted = false;
  started++;
  cancelAnimationFrame(frame);
  if (source) {
    source.onended = null;
    source.stop();
    source = null;
  }
  if (tune) show(rest);
  tell();
}

function stop() {
  halt();
  move(0);
}

function move(seconds) {
  const again = Boolean(source);
  if (again) halt();
  rest = Math.max(0, Math.min(length(), seconds));
  show(rest);
  if (again) play();
}

function loop() {
  const at = place();
  looping = !looping;
  if (source) {
    began = context.currentTime - (context.outputLatency || 0) - at;
    source.loop = looping;
  }
  tell();
}

function tell() {
  const on = Boolean(source) || wanted, play = button.play;
  play.textContent = on ? (source ? "Pause" : "Getting ready") : "Play";
  play.disabled = Boolean(value.silence);
  button.stop.disabled = Boolean(value.silence);
  button.loop.disabled = Boolean(value.silence);
  button.loop.setAttribute("aria-pressed", String(looping));
  root.classList.toggle("playing", Boolean(source));
}

// --- What the visitor does, and what the server sends --------------------------------------------------------------

const toggle = () => (source || wanted ? halt() : play());
button.play.addEventListener("click", toggle);
button.stop.addEventListener("click", stop);
button.loop.addEventListener("click", loop);
window.addEventListener("studio-plays", (event) => { if (event.detail !== root && (source || wanted)) halt(); });
roll.addEventListener("click", (event) => {
  const box = roll.firstChild.getBoundingClientRect(), row = Math.floor((event.clientY - box.top) / plan.row);
  const tick = Math.max(0, event.clientX - box.left - MARGIN) / plan.wide + Math.max(0, row) * plan.bars * tune.bar;
  move(tick / tune.second);
});
root.addEventListener("keydown", (event) => {
  if (!tune || event.ctrlKey || event.altKey || event.metaKey) return;
  const beat = tune.beat / tune.second, bar = tune.bar / tune.second, at = place();
  const on_button = event.target.closest("button");
  const keys = {
    " ": on_button ? null : toggle, l: loop, L: loop,
    ArrowLeft: () => move(at - beat), ArrowRight: () => move(at + beat),
    ArrowUp: () => move(at - bar), ArrowDown: () => move(at + bar),
    Home: () => move(0), End: () => move(length()),
  };
  if (!keys[event.key] || (value.silence && [" ", "l", "L"].includes(event.key))) return;
  event.preventDefault();
  event.stopPropagation();
  keys[event.key]();
});
new ResizeObserver(() => {
  if (Math.abs(roll.clientWidth - width) < 1 || !roll.clientWidth) return;
  width = roll.clientWidth;
  draw();
}).observe(roll);

function lay() {  // the chosen tune on the roll
  chosen = value.chosen;
  const next = value.tunes[chosen] ?? null, text = JSON.stringify(next);
  if (text !== drawn) {
    if (tune) halt();
    [tune, drawn, rest] = [next, text, 0];
    roll.scrollTop = 0;
    root.hidden = !tune;
    if (tune) {
      about.textContent = [tune.called, tune.about].filter(Boolean).join(" · ");
      roll.setAttribute("aria-valuemax", length().toFixed(1));
      draw();
    }
  }
  silence.textContent = value.silence ?? "";
  mark();
  tell();
}

let offered = "";
function take() {
  const sent = props.value ?? {};
  if (!sent.tunes) return;
  const tunes = JSON.stringify(sent.tunes);
  if (asked !== null && tunes === offered && sent.chosen !== asked) return;  // an answer that came too late
  asked = null;
  const before = value.sound?.url;
  value = sent;
  if (tunes !== offered) { offered = tunes; offer(); }
  if (before && before !== value.sound?.url && source) halt();
  lay();
  if (value.sound && ((value.play && value.play !== played) || (wanted && !source))) play();
  played = value.play || played;
}
watch("value", take);
take();
