// A piano roll that plays. Gradio calls this with: element, trigger, props, server, upload, watch.
// `piano_roll_drawing.js` stands before it in the same script.
const root = element.querySelector(".player");
const [choice, about, roll, clock, silence] = ["choice", "about", "roll", "clock", "silence"]
  .map((name) => root.querySelector("." + name));
const button = Object.fromEntries([...root.querySelectorAll("[data-do]")].map((one) => [one.dataset.do, one]));

let value = {}, tune = null, drawn = "", width = 0, drawing = null, row = 0, bar_told = 0;
let chosen = 0, asked = null, played = "";
let context = null, source = null, sound = { url: null, buffer: null };
let began = 0, rest = 0, looping = false, wanted = false, frame = 0, started = 0;

// --- What there is to choose from ----------------------------------------------------------------------------------

function draw() {
  if (!tune || !width) return;
  drawing = new Drawing(tune, width);
  roll.replaceChildren(drawing.svg);
  show(place());
}

function offer() {
  choice.hidden = value.tunes.length < 2;
  choice.replaceChildren(...value.tunes.map((one, index) => {
    const made = document.createElement("button");
    made.type = "button";
    made.setAttribute("aria-label", `Tune ${index + 1} of ${value.tunes.length}: ${one.called}`);
    made.append(small_picture(one), Object.assign(document.createElement("span"), { textContent: one.called }));
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
  if (!drawing) return;
  const tick = Math.min(seconds * tune.second, tune.ticks - 0.001) - tune.pickup, before = row;
  row = drawing.show(tick, Boolean(source) && seconds < length());
  if (source && row !== before) follow();
  clock.textContent = in_words(seconds) + " / " + in_words(length());
  const bar = Math.floor(tick / tune.bar) + 1, beat = Math.floor((tick - (bar - 1) * tune.bar) / tune.beat) + 1;
  if (!source || bar_told !== bar) {  // not more often: it is read out
    bar_told = bar;
    roll.setAttribute("aria-valuenow", seconds.toFixed(1));
    roll.setAttribute("aria-valuetext", bar < 1 ? "pickup" : `bar ${bar} of ${tune.bars}, beat ${beat}`);
  }
}

function follow() {
  const from = drawing.top(row) - HEAD, to = from + drawing.row;
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
  if (again && (looping || rest < length())) play();
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
  const box = drawing.svg.getBoundingClientRect();
  move(drawing.tick_at(event.clientX - box.left, event.clientY - box.top) / tune.second);
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
    [tune, drawn, rest, drawing] = [next, text, 0, null];
    looping = looping || Boolean(tune?.loop);
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
