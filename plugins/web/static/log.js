// The conversation as the customer sees it: what the server confirmed, then what is on its way.

import { dayKey, dayText, el, icon, linked, timeText } from "./dom.js";
import { shownFile } from "./uploads.js";

const TOGETHER = 4 * 60_000; // messages of one author within it share a heading

export class Log {
  constructor({ list, words, onPress, onEdit }) {
    Object.assign(this, { list, words, onPress, onEdit });
    this.confirmed = [];
    this.pending = [];
    this.ids = new Set();
    this.live = "off"; // what is there at the beginning is not read out
    this.silent = false; // a person speaks: what the bot offered holds no more
  }

  get empty() {
    return this.confirmed.length + this.pending.length === 0;
  }

  get first() {
    return this.confirmed[0]?.id;
  }

  get last() {
    return this.confirmed.at(-1)?.id ?? 0;
  }

  /** Messages of the history, before all others; nothing is read out. */
  prepend(messages) {
    const fresh = messages.filter((message) => !this.ids.has(message.id));
    for (const message of fresh) this.ids.add(message.id);
    this.confirmed = [...fresh, ...this.confirmed];
    const known = new Set(this.confirmed.map((message) => message.client_id).filter(Boolean));
    this.pending = this.pending.filter((message) => !known.has(message.client_id));
    this.redraw();
  }

  /** A message that the server confirmed. Returns whether it is new. */
  confirm(message) {
    if (this.ids.has(message.id)) return false;
    this.ids.add(message.id);
    this.confirmed.push(message);
    const waiting = this.pending.find((item) => item.client_id === message.client_id);
    if (message.client_id && waiting) {
      this.pending = this.pending.filter((item) => item !== waiting);
      // The words were read out when they were typed; only their place and state change.
      this.quietly();
      waiting.node.remove();
    }
    const before = this.pending[0]?.node ?? null;
    this.draw(message, this.confirmed.at(-2), before);
    this.refresh();
    return true;
  }

  /** A message was edited or taken back by who wrote it; one that is not on the page does not matter. */
  change({ changes, text, removed }) {
    const place = this.confirmed.findIndex((message) => message.id === changes);
    if (place < 0) return;
    const message = this.confirmed[place];
    if (removed) {
      this.confirmed.splice(place, 1);
      message.node.remove();
      const next = this.confirmed[place]; // which may need a heading of its own now
      if (next?.follows) this.renew(next, this.confirmed[place - 1]);
    } else {
      Object.assign(message, { text, edited: true });
      this.renew(message, this.confirmed[place - 1]);
    }
    this.refresh();
  }

  /** A message on its way. */
  add(item) {
    const message = { ...item, direction: "in", author: "customer", state: "sending" };
    this.pending.push(message);
    this.draw(message, this.pending.at(-2) ?? this.confirmed.at(-1), null);
    this.refresh();
    return message;
  }

  /** What became of a message on its way: sending, queued, sent, or failed with a sentence. */
  mark(clientId, state, sentence = "") {
    const message = this.pending.find((item) => item.client_id === clientId);
    if (!message || (message.state === state && !sentence)) return;
    message.state = state;
    message.sentence = sentence;
    const fresh = this.node(message, message.follows);
    message.node.replaceWith(fresh);
    message.node = fresh;
    this.refresh();
  }

  markAll(from, to) {
    for (const item of [...this.pending]) if (item.state === from) this.mark(item.client_id, to);
  }

  remove(clientId) {
    const message = this.pending.find((item) => item.client_id === clientId);
    this.pending = this.pending.filter((item) => item !== message);
    message?.node.remove();
    this.refresh();
  }

  redraw() {
    this.quietly();
    this.list.replaceChildren();
    let previous;
    for (const message of [...this.confirmed, ...this.pending]) {
      this.draw(message, previous, null);
      previous = message;
    }
    this.refresh();
  }

  /** Read out what comes from now on. */
  announce() {
    this.live = "polite";
    this.list.setAttribute("aria-live", this.live);
  }

  quietly() {
    this.list.setAttribute("aria-live", "off");
    requestAnimationFrame(() => this.list.setAttribute("aria-live", this.live));
  }

  /** Draw a message anew where it stands. */
  renew(message, previous) {
    const old = message.node;
    this.draw(message, previous, old);
    old.remove();
  }

  draw(message, previous, before) {
    message.follows = Boolean(
      previous &&
        previous.author === message.author &&
        previous.name === message.name &&
        dayKey(previous.at) === dayKey(message.at) &&
        new Date(message.at) - new Date(previous.at) < TOGETHER,
    );
    message.node = this.node(message, message.follows);
    this.list.insertBefore(message.node, before);
  }

  /** One line with the date where a day begins. What is right stays: it would be read out again. */
  separate() {
    const isDay = (node) => node?.classList.contains("day");
    let day = null;
    for (const node of [...this.list.children]) {
      const own = isDay(node) ? null : dayKey(node.message.at);
      if (isDay(node)) {
        const next = node.nextElementSibling;
        if (!next || isDay(next) || dayKey(next.message.at) === day) node.remove();
        continue;
      }
      if (own !== day && !isDay(node.previousElementSibling)) {
        const text = dayText(node.message.at, this.words);
        this.list.insertBefore(el("li", { class: "day" }, el("span", {}, text)), node);
      }
      day = own;
    }
  }

  node(message, follows) {
    const mine = message.direction === "in";
    const classes = ["message", mine ? "mine" : `theirs by-${message.author}`];
    if (follows) classes.push("follows");
    if (message.state === "failed") classes.push("failed");
    if (message.edited) classes.push("edited");
    const body = el("div", { class: "bubble" });
    if (message.text) body.append(el("p", { dir: "auto" }, linked(message.text)));
    for (const file of message.attachments ?? []) body.append(shownFile(file, "chat/files", this.words));
    const unseen = mine || follows || message.author === "system";
    const heading = el("span", { class: unseen ? "author unseen" : "author" }, this.author(message));
    const parts = [heading, body, this.choices(message), this.foot(message, mine)];
    const node = el("li", { class: classes.join(" ") }, parts);
    node.message = message;
    return node;
  }

  author(message) {
    if (message.direction === "in") return `${this.words.t("you")}: `;
    if (message.author === "agent" && message.name) return message.name.split(/\s+/)[0];
    return this.words.t(`author_${message.author}`);
  }

  choices(message) {
    if (!message.buttons?.length) return null;
    const group = el("div", { class: "choices", role: "group", "aria-label": this.words.t("choices") });
    for (const button of message.buttons) {
      const press = () => this.onPress(button);
      const node = el("button", { type: "button", class: "choice", onclick: press }, button.title);
      node.dataset.payload = button.payload;
      group.append(node);
    }
    return group;
  }

  foot(message, mine) {
    const time = el("time", { datetime: message.at }, timeText(message.at, this.words.language));
    const edited = message.edited ? el("span", {}, this.words.t("edited")) : null;
    if (!mine) return el("p", { class: "foot" }, edited, time);
    if (message.state === "failed") {
      const edit = el("button", { type: "button", class: "link", onclick: () => this.onEdit(message) }, this.words.t("edit"));
      const sentence = message.sentence || this.words.t("unsent");
      return el("p", { class: "foot", role: "alert" }, icon("warn"), el("span", {}, sentence), edit);
    }
    const state = message.state ?? "sent";
    const sign = state === "sent" ? icon("check") : icon("clock");
    const text = state === "queued" ? el("span", {}, this.words.t("queued")) : el("span", { class: "unseen" }, this.words.t(state));
    return el("p", { class: "foot" }, time, sign, text);
  }

  /** Buttons hold until the customer says something else; the one that was pressed stays marked. */
  refresh() {
    this.separate();
    let answer = null;
    for (const message of [...this.confirmed, ...this.pending].reverse()) {
      if (message.direction === "in") answer = message;
      for (const button of message.node.querySelectorAll(".choice")) {
        button.disabled = answer !== null || this.silent;
        const chosen = answer !== null && answer.payload === button.dataset.payload;
        button.classList.toggle("chosen", chosen);
      }
    }
  }
}
