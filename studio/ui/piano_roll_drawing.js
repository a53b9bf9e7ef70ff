// How a tune is drawn: what `piano_roll.js` comes after in one script.
const FORM = "http://www.w3.org/2000/svg";
const MARGIN = 30, HEAD = 16, GAP = 10, DRUM = 5;  // pixels

function shape(parent, kind, looks, text) {
  const made = document.createElementNS(FORM, kind);
  for (const [name, what] of Object.entries(looks)) made.setAttribute(name, what);
  if (text !== undefined) made.textContent = text;
  parent.appendChild(made);
  return made;
}

class Drawing {
  constructor(tune, width) {
    this.tune = tune;
    this.bars = Math.min(tune.bars, width < 620 ? 4 : 8);  // in a row
    this.rows = Math.ceil(tune.bars / this.bars);
    this.span = this.bars * tune.bar + Math.max(0, tune.ticks - this.rows * this.bars * tune.bar);
    this.lines = 1 + Math.max(-1, ...tune.drums.map(([, line]) => line));
    const pitches = tune.high - tune.low + 1, alone = this.rows === 1;
    this.tall = Math.max(4, Math.min(alone ? 14 : 11, (alone || tune.under.length ? 260 : width < 620 ? 140 : 190) / pitches));
    this.grid = pitches * this.tall;
    this.row = HEAD + this.grid + this.lines * DRUM + GAP;
    this.wide = (width - MARGIN - 1) / this.span;  // pixels a tick
    this.sounds = [];  // { start, end, parts, on }
    this.svg = shape(document.createElement("div"), "svg", { width, height: this.rows * this.row, "aria-hidden": "true" });
    for (let row = 0; row < this.rows; row++) this.ground(row);
    this.notes();
    this.head = shape(this.svg, "line", { class: "head" });
  }

  begins(row) {
    return row * this.bars * this.tune.bar - this.tune.pickup;
  }

  top(row) {
    return row * this.row + HEAD;
  }

  y(row, pitch) {
    return this.top(row) + (this.tune.high - pitch) * this.tall;
  }

  places(start, end) {  // the pieces of a time, one for each row that it lies on
    const found = [];
    for (let row = 0; row < this.rows; row++) {
      const begin = this.begins(row), stop = row === this.rows - 1 ? begin + this.span : this.begins(row + 1);
      const from = Math.max(begin, start), to = Math.min(stop, end);
      if (from < to) found.push({ row, x: MARGIN + (from - begin) * this.wide, wide: (to - from) * this.wide });
    }
    return found;
  }

  ground(row) {
    const { tune, svg } = this, begin = this.begins(row), top = this.top(row);
    const stop = row === this.rows - 1 ? tune.ticks - tune.pickup : this.begins(row + 1);
    const x = (tick) => MARGIN + (tick - begin) * this.wide, wide = (stop - begin) * this.wide;
    shape(svg, "rect", { class: "paper", x: MARGIN, y: top, width: wide, height: this.grid });
    const lane = (pitch, kind) =>
      shape(svg, "rect", { class: kind, x: MARGIN, y: this.y(row, pitch), width: wide, height: this.tall });
    for (const pitch of tune.outside) lane(pitch, "outside");
    for (const [pitch, name] of tune.tonics) {
      lane(pitch, "tonic");
      shape(svg, "text", { class: "key", x: MARGIN - 5, y: this.y(row, pitch) + this.tall / 2 }, name);
    }
    for (let tick = Math.ceil(begin / tune.beat) * tune.beat; tick <= stop; tick += tune.beat) {
      const bar = tick % tune.bar === 0, place = { x1: x(tick), x2: x(tick), y1: top - (bar ? 4 : 0), y2: top + this.grid };
      shape(svg, "line", { class: bar ? "bar-line" : "beat-line", ...place });
      if (bar && tick < stop) shape(svg, "text", { class: "number", x: x(tick) + 3, y: top - 5 }, tick / tune.bar + 1);
    }
  }

  notes() {
    const { tune } = this;
    for (const [start, ticks, pitch] of tune.under) this.note("under", start, ticks, pitch, "");
    for (const [start, ticks, pitch, degree, name] of tune.notes) this.note("note degree-" + degree, start, ticks, pitch, name);
    for (const [start, line] of tune.drums) {
      const parts = this.places(start, start + 1).map(({ row, x }) => {
        const y = this.top(row) + this.grid + (this.lines - 1 - line) * DRUM + 2;
        return shape(this.svg, "rect", { class: "hit", x: x + 0.6, y, width: 3, height: DRUM - 2 });
      });
      this.sounds.push({ start, end: start + tune.beat / 3, parts, on: false });
    }
  }

  note(kind, start, ticks, pitch, name) {
    const { svg, tall } = this;
    const parts = this.places(start, start + ticks).map(({ row, x, wide }) => {
      const y = this.y(row, pitch), size = { width: Math.max(1, wide - 1.2), height: tall - 1, rx: Math.min(3, tall / 3) };
      const box = shape(svg, "rect", { class: kind, x: x + 0.6, y: y + 0.5, ...size });
      if (name && tall >= 9 && wide > 6 + 7 * name.length)
        shape(svg, "text", { class: "name", x: x + wide / 2, y: y + tall / 2 }, name);
      return box;
    });
    this.sounds.push({ start, end: start + ticks, parts, on: false });
  }

  show(tick, lit) {  // the playhead at a tick, with the notes that sound there; gives its row
    for (const sound of this.sounds) {
      const on = lit && sound.start <= tick && tick < sound.end;
      if (on !== sound.on) for (const part of sound.parts) part.classList.toggle("sounding", on);
      sound.on = on;
    }
    const [at] = this.places(tick, tick + 0.001);
    if (!at) return 0;
    const place = { x1: at.x, x2: at.x, y1: this.top(at.row) - 4, y2: this.top(at.row) + this.grid };
    for (const [name, what] of Object.entries(place)) this.head.setAttribute(name, what);
    return at.row;
  }

  tick_at(x, y) {  // ticks from the very beginning
    const row = Math.max(0, Math.min(this.rows - 1, Math.floor(y / this.row)));
    return Math.max(0, x - MARGIN) / this.wide + row * this.bars * this.tune.bar;
  }
}

function small_picture(tune) {  // the notes alone, for choosing
  const svg = document.createElementNS(FORM, "svg");
  const looks = { viewBox: `0 0 ${tune.ticks} 100`, preserveAspectRatio: "none", "aria-hidden": "true" };
  for (const [name, what] of Object.entries(looks)) svg.setAttribute(name, what);
  const pitches = tune.notes.map(([, , pitch]) => pitch), high = Math.max(...pitches) + 1;
  const tall = 100 / (high - Math.min(...pitches) + 2);
  for (const [start, ticks, pitch, degree] of tune.notes) {
    const place = { x: start + tune.pickup, y: (high - pitch) * tall, width: ticks * 0.94, height: Math.max(tall, 5) };
    shape(svg, "rect", { class: "note degree-" + degree, ...place });
  }
  return svg;
}
