// Sheets with texts on them. Gradio calls this with: element, trigger, props, server, upload, watch.
const root = element.querySelector(".sheets");
const LONG = 90;  // characters: a longer line is a paragraph
let made = [];

const plain = (name, text, kind) => Object.assign(document.createElement(name), { textContent: text, className: kind });

function button(words, act) {
  const one = plain("button", words, "");
  one.type = "button";
  one.addEventListener("click", act);
  return one;
}

async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {  // where the page has no right to
    const area = Object.assign(document.createElement("textarea"), { value: text });
    document.body.append(area);
    area.select();
    const done = document.execCommand("copy");
    area.remove();
    if (!done) throw new Error("nothing was copied");
  }
}

class Sheet {
  constructor() {
    this.sheet = {};
    this.lines = [];
    this.marked = false;
    this.article = plain("article", "", "sheet");
    this.called = plain("h2", "", "");
    this.copies = button("Copy", () => this.copy());
    this.marks = button("Originality", () => { this.marked = !this.marked; this.lay(this.sheet, true); });
    const tools = plain("div", "", "tools");
    tools.append(this.marks, this.copies);
    const head = plain("header", "", "");
    head.append(this.called, tools);
    this.text = plain("div", "", "text");
    this.foot = plain("footer", "", "");
    this.links = plain("p", "", "links");
    this.article.append(head, this.text, this.foot, this.links);
  }

  async copy() {
    try {
      await copy(this.sheet.text);
      this.copies.textContent = "Copied";
    } catch {
      this.copies.textContent = "Not copied";
    }
    setTimeout(() => { this.copies.textContent = "Copy"; }, 1500);
  }

  lay(sheet, again) {
    const before = this.sheet;
    this.sheet = sheet;
    this.called.textContent = sheet.called;
    this.article.setAttribute("aria-label", sheet.called);
    this.article.setAttribute("aria-busy", String(sheet.going));
    this.article.classList.toggle("going", sheet.going);
    this.copies.hidden = !sheet.text;
    this.marks.hidden = !sheet.copied;
    if (!sheet.copied) this.marked = false;
    this.marks.setAttribute("aria-pressed", String(this.marked));
    if (again || before.text !== sheet.text || before.verse !== sheet.verse) this.write();
    this.say();
    const files = JSON.stringify(sheet.files);
    if (files !== this.files) {
      this.files = files;
      this.links.replaceChildren(...sheet.files.map((one) => {
        const link = plain("a", one.called, "");
        link.href = one.file.url;
        link.download = one.name;
        return link;
      }));
    }
  }

  write() {  // only the lines that are new or other ones
    const { text, verse } = this.sheet, mark = this.marked ? this.sheet.copied : null;
    let place = 0, number = 0;
    for (const line of text.split("\n")) {
      const from = mark ? Math.max(mark.start - place, 0) : 0, to = mark ? Math.min(mark.end - place, line.length) : 0;
      const said = [line, from, Math.max(from, to), verse || line.length <= LONG].join("\u0000");
      if (this.lines[number]?.said !== said) {
        const shown = plain("p", "", line ? (verse || line.length <= LONG ? "line" : "") : "gap");
        if (to > from) shown.append(line.slice(0, from), plain("mark", line.slice(from, to), ""), line.slice(to));
        else shown.textContent = line || "\u00a0";
        if (this.lines[number]) this.lines[number].shown.replaceWith(shown);
        else this.text.append(shown);
        this.lines[number] = { said, shown };
      }
      place += line.length + 1;
      number++;
    }
    for (const { shown } of this.lines.splice(number)) shown.remove();
  }

  say() {
    const { form, copied, note } = this.sheet, parts = [];
    if (note) parts.push(plain("p", note, ""));
    if (form) {
      parts.push(plain("p", form.words, form.kept ? "kept" : "broken"));
      if (form.problems.length) {
        const list = plain("ul", "", "");
        list.append(...form.problems.map((one) => plain("li", one, "")));
        parts.push(list);
      }
      if (form.guesses) parts.push(plain("p", form.guesses, ""));
    }
    if (this.marked && copied) parts.push(plain("p", copied.words, "copied"));
    this.foot.replaceChildren(...parts);
  }
}

function lay() {
  const sheets = props.value?.sheets ?? [];
  while (made.length > sheets.length) made.pop().article.remove();
  while (made.length < sheets.length) {
    const one = new Sheet();
    made.push(one);
    root.append(one.article);
  }
  root.dataset.count = String(sheets.length);
  sheets.forEach((sheet, number) => made[number].lay(sheet, false));
}
watch("value", lay);
lay();
