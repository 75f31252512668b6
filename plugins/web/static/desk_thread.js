// The thread of a case: everything that was said, noted, drafted, and what became of it.

import { dayKey, dayText, Drawn, el, icon, linked, stickToEnd, timeText } from "./dom.js";
import { shownFile } from "./uploads.js";

const SIGNS = { queued: "clock", sending: "clock", sent: "check", delivered: "checks", read: "checks", failed: "warn", unknown: "warn", cancelled: "close" };

export class Thread {
  /** `acts` are what an agent does with a line: again, stop, edit, unsend, template; with a draft: sendDraft, editDraft, dropDraft. */
  constructor({ scroll, list, words, acts }) {
    Object.assign(this, { scroll, list, words, acts });
    this.case = null;
    this.mine = false; // whether the case is in the agent's hands
    this.contact = null; // an e-mail address that the customer left
    this.drawn = new Drawn(list);
    this.end = stickToEnd(scroll, list);
  }

  /** Show the lines of a case; what did not change is left alone. */
  show(id, lines, { mine, contact }) {
    Object.assign(this, { mine, contact });
    const fresh = this.case !== id;
    const own = !lines.at(-1)?.channel && lines.at(-1)?.author === "agent" && !this.drawn.known.has(lines.at(-1).id);
    if (fresh) this.clear(id);
    this.drawn.show(this.items(lines));
    if (fresh) requestAnimationFrame(() => this.list.setAttribute("aria-live", "polite"));
    if (fresh || own) this.end.go();
  }

  clear(id) {
    this.case = id;
    this.list.setAttribute("aria-live", "off");
    this.drawn.clear();
  }

  items(lines) {
    const { language } = this.words;
    const items = [];
    let day = null;
    for (const line of lines) {
      const own = dayKey(line.at);
      if (own !== day) items.push({ key: `day ${own}`, state: language, make: () => this.day(line) });
      day = own;
      items.push({ key: line.id, state: JSON.stringify([line, language, this.mine && (line.author === "agent" || line.state === "draft"), this.contact]), make: () => this.line(line) });
    }
    return items;
  }

  day(line) {
    return el("li", { class: "day" }, el("span", {}, dayText(line.at, this.words)));
  }

  line(line) {
    const draft = line.state === "draft";
    const kind = { draft: "draft", failed: "wrong", unknown: "wrong", cancelled: line.reason === "draft_sent" ? "settled" : "gone" }[line.state];
    const classes = ["line", `by-${line.author}`, kind, line.kind === "automatic" && "automatic", line.channel && "elsewhere"];
    const body = el("div", { class: "body" });
    if (draft) body.append(el("p", { class: "label" }, this.draftLabel(line)));
    if (line.quote) body.append(el("blockquote", { dir: "auto" }, line.quote));
    if (line.kind === "delete") body.append(el("p", { class: "label" }, this.words.t("kind_delete")));
    else if (line.text) body.append(el("p", { class: "text", dir: "auto" }, linked(line.text)));
    else if (!line.attachments.length) body.append(el("p", { class: "label" }, this.words.t("kind_empty")));
    if (line.folded) body.append(this.folded(line));
    for (const file of line.attachments) body.append(shownFile(file, "desk/api/files", this.words));
    return el("li", { class: classes.filter(Boolean).join(" ") }, this.head(line), body, this.foot(line));
  }

  /** What it is, and why it did not go out by itself, where there is more to say than that. */
  draftLabel(line) {
    const what = this.words.t(line.effect ? "draft_effect" : "draft");
    return line.reason_text ? `${what}. ${line.reason_text}.` : what;
  }

  /** What a mail quotes: there, and out of the way. */
  folded(line) {
    const text = el("p", { class: "text", dir: "auto" }, linked(line.folded));
    return el("details", { class: "folded" }, el("summary", {}, this.words.t("show_folded")), text);
  }

  head(line) {
    const sign = { bot: "bot", note: "lock", agent: "person", system: "info" }[line.author];
    // A draft is named after who decided about it; the words are the bot's.
    const name = (line.author !== "bot" && line.name) || this.words.t(`author_${line.author}`);
    const label = line.author === "note" ? this.noteLabel(line) : name;
    const time = el("time", { datetime: line.at }, timeText(line.at, this.words.language));
    const edited = line.kind === "edit" || line.edited ? el("span", {}, this.words.t("kind_edit")) : null;
    const machine = line.kind === "automatic" ? el("span", { class: "tag" }, this.words.t("kind_automatic")) : null;
    const where = line.channel ? el("span", { class: "tag" }, this.channel(line)) : null;
    return el("p", { class: "head" }, sign ? icon(sign) : null, el("strong", { dir: "auto" }, label), where, edited, machine, time);
  }

  /** A line of the customer's other conversation, which is not answered here. */
  channel(line) {
    const key = `channel_${line.channel}`;
    return this.words.has(key) ? this.words.t(key) : line.channel;
  }

  /** A note without a name is the system's. */
  noteLabel(line) {
    return line.name ? `${this.words.t("author_note")} · ${line.name}` : this.words.t("author_note_system");
  }

  foot(line) {
    if (line.state === "draft") return el("p", { class: "foot" }, this.draftLinks(line));
    if (!line.state) return null;
    const parts = [icon(SIGNS[line.state] ?? "clock"), el("span", {}, this.outcome(line))];
    if (line.repeated) parts.push(el("span", {}, this.words.t("repeated")));
    const links = line.author === "agent" && this.mine && !line.channel ? this.links(line) : null;
    return el("p", { class: "foot" }, parts, links, this.mail(line));
  }

  draftLinks(line) {
    if (!this.mine) return el("span", {}, this.words.t("draft_locked"));
    const { sendDraft, editDraft, dropDraft } = this.acts;
    const choices = [["send_draft", sendDraft], line.text && ["edit_draft", editDraft], ["drop_draft", dropDraft]];
    return choices.filter(Boolean).map(([name, act]) => this.link(name, () => act(line)));
  }

  /** Not by us: the address that was left, to copy or to open in one's own mail program. */
  mail(line) {
    if (!this.contact || !["failed", "unknown"].includes(line.state)) return null;
    const link = el("a", { class: "link", href: `mailto:${encodeURIComponent(this.contact).replace("%40", "@")}`, "data-do": "mail" }, this.contact);
    return [el("span", { title: this.words.t("by_mail_why") }, this.words.t("by_mail")), link];
  }

  links(line) {
    const { again, stop, edit, unsend, template } = this.acts;
    const choices = {
      queued: [["undo", stop], ["edit", edit]],
      sent: [["edit", edit], ["unsend", unsend]],
      failed: [line.templates && ["as_template", template], ["again", again]].filter(Boolean),
      unknown: [["again", again], ["edit", edit]],
    };
    const state = ["delivered", "read"].includes(line.state) ? "sent" : line.state;
    const fits = ([name]) => (name !== "edit" || line.text) && (name !== "again" || !line.repeated);
    const links = (choices[state] ?? []).filter(fits);
    return links.map(([name, act]) => this.link(name, () => act(line), state === "sent" ? "link quiet" : "link"));
  }

  link(name, act, kind = "link") {
    return el("button", { type: "button", class: kind, "data-do": name, onclick: act }, this.words.t(name));
  }

  /** The sentence of a final reason says it all; a code of some plugin's says nothing by itself. */
  outcome(line) {
    const state = this.words.t(`state_${line.state}`);
    if (["draft_sent", "draft_dropped"].includes(line.reason) && line.name) return this.words.t(line.reason, { agent: line.name });
    const final = ["failed", "unknown", "cancelled"].includes(line.state);
    if (line.reason_text) return final ? line.reason_text : `${state}. ${line.reason_text}`;
    return final && line.reason ? `${state}: ${line.reason}` : state;
  }
}
